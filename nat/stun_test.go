package nat_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/netip"
	"strings"
	"testing"

	"sbc/nat"
)

var id = nat.Transaction{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

// attr is an attribute as the tests write it: its value and what pads it.
type attr struct {
	typ   nat.Attr
	value string
}

// stun writes a message of the first two octets typ.
func stun(typ uint16, attrs ...attr) []byte {
	b := binary.BigEndian.AppendUint16(nil, typ)
	b = append(b, 0, 0, 0x21, 0x12, 0xA4, 0x42)
	b = append(b, id[:]...)
	for _, a := range attrs {
		if a.typ == nat.AttrFingerprint && a.value == "" {
			binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20+8))
			a.value = string(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(b)^0x5354554E))
		}
		b = binary.BigEndian.AppendUint16(b, uint16(a.typ))
		b = binary.BigEndian.AppendUint16(b, uint16(len(a.value)))
		b = append(b, a.value...)
		for len(b)%4 != 0 {
			b = append(b, 0)
		}
	}
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)-20))
	return b
}

const (
	bindingRequest    = 0x0001
	bindingIndication = 0x0011
	bindingSuccess    = 0x0101
	bindingError      = 0x0111
	allocateRequest   = 0x0003
	sendIndication    = 0x0016
	dataIndication    = 0x0017
)

// emptyPeer is the Send indication of 32 octets, DATA of 4 and an empty
// XOR-PEER-ADDRESS, that ends pion/turn v3.0.3 when an allocated client sends
// it.
var emptyPeer = stun(sendIndication, attr{nat.AttrData, "boom"}, attr{nat.AttrXORPeerAddress, ""})

// unhex is for vectors as RFCs print them.
func unhex(t testing.TB, s string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestIsSTUN(t *testing.T) {
	good := stun(bindingRequest)
	for _, c := range []struct {
		name string
		b    []byte
		want bool
	}{
		{"a binding request", good, true},
		{"nothing", nil, false},
		{"a header short of an octet", good[:19], false},
		{"SIP", []byte("OPTIONS sip:a@203.0.113.7 SIP/2.0\r\n"), false},
		{"CRLF CRLF", []byte("\r\n\r\n"), false},
		{"RTP", append([]byte{0x80, 0}, make([]byte, 170)...), false},
		{"RFC 3489, without a cookie", append([]byte{0, 1, 0, 0}, make([]byte, 16)...), false},
		{"a first bit", append([]byte{0x40}, good[1:]...), false},
	} {
		if got := nat.IsSTUN(c.b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestSTUNType(t *testing.T) {
	for _, c := range []struct {
		typ    uint16
		method nat.STUNMethod
		class  nat.STUNClass
	}{
		{0x0001, nat.MethodBinding, nat.ClassRequest},
		{0x0011, nat.MethodBinding, nat.ClassIndication},
		{0x0101, nat.MethodBinding, nat.ClassSuccess},
		{0x0111, nat.MethodBinding, nat.ClassError},
		{0x0016, nat.MethodSend, nat.ClassIndication},
		{0x0109, nat.MethodChannelBind, nat.ClassSuccess},
		{0x3FFF, 0xFFF, nat.ClassError},
		{0x3EEF, 0xFFF, nat.ClassRequest},
	} {
		m := nat.STUN(stun(c.typ))
		if m.Method() != c.method || m.Class() != c.class || m.Transaction() != id {
			t.Errorf("%#04x: method %#x, class %d", c.typ, m.Method(), m.Class())
		}
	}
}

// The sample responses of RFC 5769 sections 2.2 and 2.3, with their
// fingerprints.
func TestSTUNMappedRFC5769(t *testing.T) {
	for _, c := range []struct{ name, hex, want string }{
		{"IPv4", `0101003c 2112a442 b7e7a701 bc34d686 fa87dfae
			8022000b 74657374 20766563 746f7220
			00200008 0001a147 e112a643
			00080014 2b91f599 fd9e90c3 8c7489f9 2af9ba53 f06be7d7
			80280004 c07d4c96`, "192.0.2.1:32853"},
		{"IPv6", `01010048 2112a442 b7e7a701 bc34d686 fa87dfae
			8022000b 74657374 20766563 746f7220
			00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9
			00080014 a382954e 4be67bf1 1784c97c 8292c275 bfe3ed41
			80280004 c8fb0b4c`, "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
	} {
		m := nat.STUN(unhex(t, c.hex))
		if cause := m.Check(&nat.BindingClient); cause != nat.STUNFine {
			t.Errorf("%s: %v", c.name, cause)
		}
		if got, ok := m.Mapped(); !ok || got != netip.MustParseAddrPort(c.want) {
			t.Errorf("%s: %v %v", c.name, got, ok)
		}
		if !m.Answers(m.Transaction()) || m.Answers(id) {
			t.Errorf("%s: whose answer it is", c.name)
		}
	}
}

func TestSTUNMappedOld(t *testing.T) {
	m := nat.STUN(stun(bindingSuccess, attr{nat.AttrMappedAddress, "\x00\x01\x13\xc4\xc0\x00\x02\x01"}))
	if got, ok := m.Mapped(); !ok || got != netip.MustParseAddrPort("192.0.2.1:5060") {
		t.Errorf("%v %v", got, ok)
	}
	if _, ok := nat.STUN(stun(bindingSuccess)).Mapped(); ok {
		t.Error("an address out of nothing")
	}
	if _, ok := nat.STUN(stun(bindingSuccess, attr{nat.AttrXORMappedAddress, "\x00\x02\x13\xc4\xc0\x00\x02\x01"})).Mapped(); ok {
		t.Error("an address of the wrong family")
	}
}

func TestSTUNErrorCode(t *testing.T) {
	for _, c := range []struct {
		value string
		code  int
		ok    bool
	}{
		{"\x00\x00\x04\x14no", 420, true}, {"\x00\x00\x03\x00", 300, true}, {"\x00\x00\x06\x63", 699, true},
		{"\x00\x00\x02\x00", 0, false}, {"\x00\x00\x07\x00", 0, false}, {"\x00\x00\x04\x64", 0, false}, {"\x00\x00\x04", 0, false},
	} {
		code, _, ok := nat.STUN(stun(bindingError, attr{nat.AttrErrorCode, c.value})).ErrorCode()
		if code != c.code || ok != c.ok {
			t.Errorf("%q: %d %v", c.value, code, ok)
		}
	}
}

func TestBindingResponse(t *testing.T) {
	for _, c := range []struct {
		name    string
		request []byte
		src     string
		want    string // empty: no answer
	}{
		{"IPv4", stun(bindingRequest), "192.0.2.1:32853",
			"0101000c 2112a442 0102030405060708090a0b0c 00200008 0001a147 e112a643"},
		{"IPv4 in IPv6", stun(bindingRequest), "[::ffff:192.0.2.1]:32853",
			"0101000c 2112a442 0102030405060708090a0b0c 00200008 0001a147 e112a643"},
		{"IPv6", stun(bindingRequest), "[2001:db8::1]:32853",
			"01010018 2112a442 0102030405060708090a0b0c 00200014 0002a147 0113a9fa 01020304 05060708 090a0b0d"},
		{"an indication", stun(bindingIndication), "192.0.2.1:32853", ""},
		{"a response", stun(bindingSuccess), "192.0.2.1:32853", ""},
		{"another method", stun(allocateRequest), "192.0.2.1:32853", ""},
		{"not STUN", []byte("OPTIONS sip:a@203.0.113.7 SIP/2.0\r\n"), "192.0.2.1:32853", ""},
		{"what may be ignored", stun(bindingRequest, attr{nat.AttrSoftware, "x"}), "192.0.2.1:32853",
			"0101000c 2112a442 0102030405060708090a0b0c 00200008 0001a147 e112a643"},
		{"one not understood", stun(bindingRequest, attr{nat.AttrChangeRequest, "\x00\x00\x00\x06"}), "192.0.2.1:32853",
			`01110024 2112a442 0102030405060708090a0b0c
			00090015 00000414 556e6b6e 6f776e20 41747472 69627574 65000000
			000a0002 00030000`},
		{"two not understood", stun(bindingRequest, attr{0x7001, ""}, attr{nat.AttrSoftware, "x"}, attr{0x7002, "abc"}), "192.0.2.1:32853",
			`01110024 2112a442 0102030405060708090a0b0c
			00090015 00000414 556e6b6e 6f776e20 41747472 69627574 65000000
			000a0004 70017002`},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := append([]byte("before"), unhex(t, c.want)...)
			got := nat.AppendBindingResponse([]byte("before"), c.request, netip.MustParseAddrPort(c.src))
			if !bytes.Equal(got, want) {
				t.Errorf("got  %x\nwant %x", got, want)
			}
		})
	}
}

func TestBindingResponseFingerprint(t *testing.T) {
	for _, attrs := range [][]attr{
		{{nat.AttrFingerprint, ""}},
		{{0x7001, ""}, {nat.AttrFingerprint, ""}},
	} {
		got := nat.STUN(nat.AppendBindingResponse(nil, stun(bindingRequest, attrs...), netip.MustParseAddrPort("192.0.2.1:1")))
		if cause := got.Check(&nat.BindingClient); cause != nat.STUNFine {
			t.Errorf("%v: %x", cause, got)
		}
		if _, ok := got.Find(nat.AttrFingerprint); !ok {
			t.Errorf("no fingerprint: %x", got)
		}
	}
}

func TestBindingRequest(t *testing.T) {
	b := nat.AppendBindingRequest(nil, id)
	if !bytes.Equal(b, stun(bindingRequest)) {
		t.Errorf("%x", b)
	}
	src := netip.MustParseAddrPort("203.0.113.7:40000")
	answer := nat.STUN(nat.AppendBindingResponse(nil, b, src))
	if got, ok := answer.Mapped(); !ok || got != src || !answer.Answers(id) {
		t.Errorf("%v %v", got, ok)
	}
}

func TestSTUNAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 256)
	src := netip.MustParseAddrPort("[2001:db8::1]:5060")
	fine := stun(bindingRequest, attr{nat.AttrSoftware, "phone"}, attr{nat.AttrFingerprint, ""})
	odd := stun(bindingRequest, attr{0x7001, "x"}, attr{nat.AttrFingerprint, ""})
	for name, do := range map[string]func(){
		"check":   func() { nat.STUN(fine).Check(&nat.BindingServer) },
		"refuse":  func() { nat.TURNServer.Datagram(emptyPeer) },
		"frame":   func() { nat.TURNServer.Frame(fine) },
		"answer":  func() { buf = nat.AppendBindingResponse(buf[:0], fine, src) },
		"420":     func() { buf = nat.AppendBindingResponse(buf[:0], odd, src) },
		"mapped":  func() { nat.STUN(buf).Mapped() },
		"request": func() { buf = nat.AppendBindingRequest(buf[:0], id) },
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkSTUNCheck(b *testing.B) {
	m := nat.STUN(stun(allocateRequest, attr{nat.AttrRequestedTransport, "\x11\x00\x00\x00"}, attr{nat.AttrUsername, "user"},
		attr{nat.AttrRealm, "example"}, attr{nat.AttrNonce, "abc"}, attr{nat.AttrMessageIntegrity, strings.Repeat("m", 20)}))
	for b.Loop() {
		m.Check(&nat.TURNServer)
	}
}

func BenchmarkBindingResponse(b *testing.B) {
	buf, request := make([]byte, 0, 64), stun(bindingRequest)
	src := netip.MustParseAddrPort("192.0.2.1:32853")
	for b.Loop() {
		buf = nat.AppendBindingResponse(buf[:0], request, src)
	}
}
