package fastpath

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// FuzzFrame runs any frame through both programs, and holds them to a reader in
// Go that was written from the RFCs. No stranger has a packet left, so that a
// verdict depends on the frame alone.
func FuzzFrame(f *testing.F) {
	p := world(f)
	none := fastpathBounds{All: hourly(1)}
	bound(f, p, none, none)
	for _, frame := range [][]byte{ether(ip4(stranger4, us4, udp(9, 5060))), ether(header4{more: true}.packet(stranger4, us4, udp(9, 5060)))} {
		sections[0].passes(f, p, frame)
	}
	for _, c := range verdicts {
		f.Add(c.frame)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if len(frame) < 14 || len(frame) > 1500 {
			return // the kernel runs no program on these
		}
		want := !modelDrops(frame)
		for _, s := range sections {
			got, err := s.of(p).Run(&ebpf.RunOptions{Data: frame})
			if errors.Is(err, unix.EINVAL) && s.name == "tc" {
				continue // half a header of IP
			}
			must(t, err)
			if (got == s.pass) != want || got != s.pass && got != s.drop {
				t.Errorf("%s answered %d, want it to pass: %v", s.name, int32(got), want)
			}
		}
	})
}

// modelDrops reads a frame and reports whether the world of the verdicts drops
// it when all buckets are empty.
func modelDrops(frame []byte) bool {
	number, rest := binary.BigEndian.Uint16(frame[12:]), frame[14:]
	for tags := 0; tags < 2 && (number == typeVLAN || number == typeQinQ); tags++ {
		if len(rest) < 4 {
			return false
		}
		number, rest = binary.BigEndian.Uint16(rest[2:]), rest[4:]
	}
	var m modelPacket
	switch {
	case number == typeIPv4 && len(rest) >= 20 && rest[0]>>4 == 4 && rest[0]&0xf >= 5:
		m.from, m.to = netip.AddrFrom4([4]byte(rest[12:16])), netip.AddrFrom4([4]byte(rest[16:20]))
		m.fragment = binary.BigEndian.Uint16(rest[6:])&0x3fff != 0
		m.transport(rest[9], rest[min(int(rest[0]&0xf)*4, len(rest)):])
	case number == typeIPv6 && len(rest) >= 40 && rest[0]>>4 == 6:
		m.from, m.to = netip.AddrFrom16([16]byte(rest[8:24])), netip.AddrFrom16([16]byte(rest[24:40]))
		if m.from.Is4In6() || m.to.Is4In6() {
			return false
		}
		m.extensions(rest[6], rest[40:])
	default:
		return false
	}
	return m.dropped()
}

type modelPacket struct {
	from, to     netip.Addr
	proto        uint8
	sport, dport uint16
	fragment     bool
	opens        bool
}

// extensions walks over extension headers of IPv6, six at most.
func (m *modelPacket) extensions(next byte, b []byte) {
	for range 6 {
		if next != 0 && next != 43 && next != 51 && next != 60 {
			break
		}
		if len(b) < 2 {
			return
		}
		length := (int(b[1]) + 1) * 8
		if next == 51 {
			length = (int(b[1]) + 2) * 4
		}
		next, b = b[0], b[min(length, len(b)):]
	}
	m.fragment = next == 44
	m.transport(next, b)
}

func (m *modelPacket) transport(proto uint8, b []byte) {
	if m.fragment || !(proto == protoUDP && len(b) >= 4 || proto == protoTCP && len(b) >= 16) {
		return
	}
	m.proto, m.sport, m.dport = proto, binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	m.opens = proto == protoTCP && b[13]&0x12 == 0x02
}

func (m *modelPacket) dropped() bool {
	within := func(list ...string) bool {
		return slices.ContainsFunc(prefixes(list...), func(p netip.Prefix) bool { return p.Contains(m.from) })
	}
	us := m.to == netip.MustParseAddr(us4) || m.to == netip.MustParseAddr(us6)
	phone4, phone6 := m.from == netip.MustParseAddr(banned4), m.from == netip.MustParseAddr(banned6)
	spared := phone4 && m.to == netip.MustParseAddr(us4) && (m.proto == protoUDP && m.sport == 7000 && m.dport == 5060 || m.fragment) ||
		phone6 && m.to == netip.MustParseAddr(us6) && m.proto == protoTCP && m.sport == 7000 && m.dport == 5060
	switch {
	case within("203.0.113.0/24", "2001:db8:7::/48"), spared && !m.fragment:
		return false
	case within(banned4+"/32", "2001:db8:66::/64", "2001:db8:66:5500::/56", "2001:db8:77::/48") && !spared:
		return true
	}
	return us && (m.fragment || m.dport == 5060 && (m.proto == protoUDP || m.opens))
}
