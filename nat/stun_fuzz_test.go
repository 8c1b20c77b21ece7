package nat_test

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	pion "github.com/pion/stun/v2"

	"sbc/nat"
)

// anything takes every method in every class: what is then refused is
// malformed.
var anything = nat.STUNRules{Requests: 0xFFFF, Indications: 0xFFFF, Responses: 0xFFFF,
	Channels: true, BytesMax: 1500, AttributesMax: 32}

var seeds = [][]byte{
	emptyPeer,
	stun(bindingRequest),
	stun(bindingRequest, attr{nat.AttrSoftware, "phone"}, attr{nat.AttrFingerprint, ""}),
	stun(bindingSuccess, attr{nat.AttrXORMappedAddress, peer4}),
	stun(bindingSuccess, attr{nat.AttrXORMappedAddressOld, peer6}),
	stun(bindingSuccess, attr{nat.AttrMappedAddress, peer6}),
	stun(bindingError, attr{nat.AttrErrorCode, "\x00\x00\x04\x14no"}, attr{nat.AttrUnknownAttributes, "\x00\x03"}),
	stun(sendIndication, attr{nat.AttrXORPeerAddress, peer6}, attr{nat.AttrData, "hello"}),
	stun(allocateRequest, attr{nat.AttrRequestedTransport, "\x11\x00\x00\x00"}, attr{nat.AttrUsername, "u"}, attr{nat.AttrMessageIntegrity, "01234567890123456789"}),
	channel(0x4000, "hello", 3),
}

// FuzzSTUN holds what Check found fine against another reader: it has to find
// the same in it. Nothing may panic on what was refused.
func FuzzSTUN(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	src := netip.MustParseAddrPort("[2001:db8::1]:5060")
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		m := nat.STUN(b)
		cause := m.Check(&anything)
		if n, c := anything.Frame(b); n != 0 && c == nat.STUNFine {
			if again := anything.Datagram(b[:n]); again != nat.STUNFine {
				t.Fatalf("a frame that is no datagram: %q", again)
			}
		} else if n != 0 {
			t.Fatalf("%d octets and %q", n, c)
		}
		if nat.IsSTUN(b) {
			answer := nat.STUN(nat.AppendBindingResponse(nil, m, src))
			if len(answer) > 3*len(b) {
				t.Fatalf("%d octets for %d", len(answer), len(b))
			}
			if len(answer) > 0 && cause == nat.STUNFine {
				agree(t, answer)
			}
		}
		if cause == nat.STUNFine {
			agree(t, m)
		}
		if !bytes.Equal(b, before) {
			t.Fatal("what was read has changed")
		}
	})
}

// agree fails unless pion/stun reads m, which Check found fine, as we do.
func agree(t *testing.T, m nat.STUN) {
	t.Helper()
	p := &pion.Message{Raw: bytes.Clone(m)}
	if err := p.Decode(); err != nil {
		t.Fatalf("%x: %v", []byte(m), err)
	}
	if uint16(p.Type.Method) != uint16(m.Method()) || uint8(p.Type.Class) != uint8(m.Class()) || p.TransactionID != m.Transaction() {
		t.Fatalf("%x: %v", []byte(m), p.Type)
	}
	i := 0
	for a, v := range m.Attributes {
		if a == nat.AttrXORMappedAddressOld {
			a = nat.AttrXORMappedAddress
		}
		if i >= len(p.Attributes) || uint16(p.Attributes[i].Type) != uint16(a) || !bytes.Equal(p.Attributes[i].Value, v) {
			t.Fatalf("%x: attribute %d", []byte(m), i)
		}
		i++
	}
	if i != len(p.Attributes) {
		t.Fatalf("%x: %d attributes, not %d", []byte(m), len(p.Attributes), i)
	}
	if p.Contains(pion.AttrFingerprint) {
		if err := pion.Fingerprint.Check(p); err != nil {
			t.Fatalf("%x: %v", []byte(m), err)
		}
	}
	agreeAddresses(t, m, p)
}

func agreeAddresses(t *testing.T, m nat.STUN, p *pion.Message) {
	t.Helper()
	for _, a := range []nat.Attr{nat.AttrXORPeerAddress, nat.AttrXORRelayedAddress} {
		var x pion.XORMappedAddress
		if err := x.GetFromAs(p, pion.AttrType(a)); err != nil && p.Contains(pion.AttrType(a)) {
			t.Fatalf("%x: %v", []byte(m), err)
		}
	}
	var want netip.AddrPort
	var x pion.XORMappedAddress
	var y pion.MappedAddress
	switch {
	case p.Contains(pion.AttrXORMappedAddress):
		if err := x.GetFrom(p); err != nil {
			t.Fatalf("%x: %v", []byte(m), err)
		}
		addr, _ := netip.AddrFromSlice(x.IP)
		want = netip.AddrPortFrom(addr.Unmap(), uint16(x.Port))
	case p.Contains(pion.AttrMappedAddress):
		if err := y.GetFrom(p); err != nil {
			t.Fatalf("%x: %v", []byte(m), err)
		}
		addr, _ := netip.AddrFromSlice(y.IP)
		want = netip.AddrPortFrom(addr.Unmap(), uint16(y.Port))
	}
	if _, old := m.Find(nat.AttrXORMappedAddressOld); old {
		return // of an obsolete attribute we make nothing
	}
	if got, _ := m.Mapped(); got != want {
		t.Fatalf("%x: %v, pion has %v", []byte(m), got, want)
	}
}

// Check, and what pion says of the same messages when octets of them change.
func TestSTUNAgreesWithPion(t *testing.T) {
	accepted := 0
	for _, s := range seeds {
		for at := range s {
			for _, v := range []byte{0, 1, 2, 4, 8, 20, 0x7f, 0xff} {
				b := bytes.Clone(s)
				b[at] = v
				if nat.STUN(b).Check(&anything) == nat.STUNFine {
					accepted++
					agree(t, b)
				}
			}
		}
	}
	if accepted < 100 {
		t.Errorf("only %d messages were compared", accepted)
	}
	if binary.BigEndian.Uint16(emptyPeer[2:]) != 12 || len(emptyPeer) != 32 {
		t.Errorf("not the packet of 32 octets: %x", emptyPeer)
	}
}
