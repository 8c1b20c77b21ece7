package nat

import (
	"net/netip"
	"testing"
	"time"
)

// A segment is one line of a story about a connection.
type segment struct {
	at    time.Duration
	in    bool
	flags Flags
	far   netip.AddrPort
	want  Verdict
}

func TestConnections(t *testing.T) {
	const open, idle = 4 * time.Minute, 2*time.Hour + 4*time.Minute
	stories := map[string]struct {
		kind  Kind
		story []segment
	}{
		"a connection lives long, and ends by itself": {PortRestricted, []segment{
			{0, false, SYN, server, Pass},
			{0, true, SYN, server, Pass},
			{1, false, 0, server, Pass},
			{idle, true, 0, server, Pass},
			{idle, false, 0, server, Pass},
			{3 * idle, false, 0, server, Reset},
			{3 * idle, true, 0, server, Reset},
		}},
		"a SYN without answer is forgotten soon": {PortRestricted, []segment{
			{0, false, SYN, server, Pass},
			{open, true, SYN, server, Drop},
			{open, false, 0, server, Reset},
		}},
		"a connection that was closed is forgotten soon": {PortRestricted, []segment{
			{0, false, SYN, server, Pass},
			{0, true, SYN, server, Pass},
			{1, false, 0, server, Pass},
			{2, true, FIN, server, Pass},
			{3, false, FIN, server, Pass},
			{4, true, 0, server, Pass},
			{open + 4, true, 0, server, Reset},
		}},
		"segments of no connection": {FullCone, []segment{
			{0, false, 0, server, Reset},
			{0, false, RST, server, Drop},
			{0, true, 0, server, Reset},
			{0, true, SYN, server, Drop},
			{0, true, RST, server, Drop},
		}},
		"a silent NAT": {Kind{Silent: true}, []segment{
			{0, false, 0, server, Drop},
			{0, true, 0, server, Drop},
		}},
		"filtering of SYN, endpoint-independent": {FullCone, []segment{
			{0, false, SYN, server, Pass},
			{0, true, SYN, serverAddr, Pass},
			{0, true, 0, serverAddr, Pass},
			{0, true, 0, serverPort, Reset},
		}},
		"filtering of SYN, address-dependent": {AddressRestricted, []segment{
			{0, false, SYN, server, Pass},
			{0, true, SYN, serverPort, Pass},
			{0, true, SYN, serverAddr, Drop},
		}},
		"filtering of SYN, address-and-port-dependent": {PortRestricted, []segment{
			{0, false, SYN, server, Pass},
			{0, true, SYN, serverPort, Drop},
			{0, true, SYN, server, Pass},
		}},
		"a stranger's SYN keeps no mapping": {FullCone, []segment{
			{0, false, SYN, server, Pass},
			{open - 1, true, SYN, serverAddr, Pass},
			{open, true, SYN, serverAddr, Drop},
		}},
		"both directions refresh": {Kind{Refresh: Both, TCP: time.Hour}, []segment{
			{0, false, SYN, server, Pass},
			{0, true, SYN, server, Pass},
			{50 * time.Minute, true, 0, server, Pass},
			{100 * time.Minute, true, 0, server, Pass},
			{160 * time.Minute, true, 0, server, Reset},
		}},
	}
	for name, c := range stories {
		t.Run(name, func(t *testing.T) {
			n := newNAT(c.kind)
			at := netip.AddrPortFrom(public, phone.Port())
			for i, s := range c.story {
				p, v := Packet{Protocol: TCP, Src: phone, Dst: s.far, Flags: s.flags}, Drop
				if s.in {
					p.Src, p.Dst = s.far, at
					p, v = n.In(s.at, p)
				} else if p, v = n.Out(s.at, p); v == Pass {
					at = p.Src
				}
				if v != s.want {
					t.Errorf("segment %d: %v, want %v", i, v, s.want)
				}
			}
		})
	}
}

// A UDP mapping says nothing about TCP.
func TestProtocolsAreApart(t *testing.T) {
	n := newNAT(FullCone)
	at := out(t, n, 0, phone, server)
	if _, v := n.In(0, Packet{Protocol: TCP, Src: server, Dst: at, Flags: SYN}); v != Drop {
		t.Errorf("a SYN by a UDP mapping: %v", v)
	}
}
