package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// sealed fails the test when anything that one side saw names the other.
// Without the SBC there is nothing to seal.
func (w *world) sealed() {
	w.t.Helper()
	w.sealedFrom(lanCanary, itspCanary)
}

// sealedFrom is sealed with other canaries than those of the phones.
func (w *world) sealedFrom(lan, itsp ua.Canary) {
	w.t.Helper()
	if direct {
		return
	}
	for _, c := range []struct {
		sees   *side
		canary ua.Canary
	}{{w.lan, itsp}, {w.itsp, lan}} {
		w.drain(c.sees)
		seen := from(c.sees.messages(), c.sees.border)
		if len(seen) == 0 {
			w.t.Errorf("%s has seen nothing of the SBC", c.sees.name)
		}
		leaks := append(leaksIn(seen, c.canary), c.sees.odd()...)
		if len(leaks) > 0 {
			w.t.Errorf("%s can see of the other side:\n%s", c.sees.name, strings.Join(leaks, "\n"))
		}
	}
}

// odd returns what the IP headers of connections tell of the SBC.
func (s *side) odd() (leaks []string) {
	for _, f := range s.seen.Frames() {
		if t, ok := f.TCP(); ok && t.Src.Addr() == s.border && (t.TTL != 64 || t.Label != 0) {
			leaks = append(leaks, fmt.Sprintf("%s → %s: TTL %d, flow label %d", t.Src, t.Dst, t.TTL, t.Label))
		}
	}
	return leaks[:min(len(leaks), leaksMax)]
}

// drain waits until the capture of a side has everything that was on its
// cable before: it sends something that comes after it.
func (w *world) drain(s *side) {
	w.t.Helper()
	conn, err := s.space.ListenUDP(netip.AddrPortFrom(s.addr, 0))
	w.must(err)
	defer conn.Close()
	mark := conn.LocalAddr().(*net.UDPAddr).AddrPort()
	_, err = conn.WriteToUDPAddrPort([]byte("the end"), netip.AddrPortFrom(s.border, discard))
	w.must(err)
	w.await("the capture of "+s.name, func() bool {
		for _, d := range s.seen.Datagrams() {
			if d.Src == mark {
				return true
			}
		}
		return false
	})
}

// discard is the port of RFC 863, on which nobody listens.
const discard = 9

// leaksMax bounds what a test prints.
const leaksMax = 20

// leaksIn searches datagrams that came from the SBC for a canary, and looks
// at what the IP header tells: media leaves with TTL 64, and ID 0 with DF.
func leaksIn(ds []netns.Datagram, canary ua.Canary) []string {
	var leaks []string
	for _, d := range ds {
		for _, hit := range canary.Find(d.Payload) {
			leaks = append(leaks, fmt.Sprintf("%s → %s: %s %q in %q", d.Src, d.Dst, hit.Form, hit.What, around(d.Payload, hit)))
		}
		if d.TTL != 64 || d.Label != 0 {
			leaks = append(leaks, fmt.Sprintf("%s → %s: TTL %d, flow label %d", d.Src, d.Dst, d.TTL, d.Label))
		}
		if d.Src.Addr().Is4() && !isSIP(d.Payload) && !d.Fragment && (d.ID != 0 || !d.DF) {
			leaks = append(leaks, fmt.Sprintf("%s → %s: IP ID %d, DF %v", d.Src, d.Dst, d.ID, d.DF))
		}
		if len(leaks) > leaksMax {
			return append(leaks, "and so on")
		}
	}
	return leaks
}

// around is the line of a message in which something was found, or some
// octets of a packet.
func around(b []byte, h ua.Hit) string {
	from, to := h.At, h.At+h.Len
	for from > 0 && b[from-1] != '\n' && h.At-from < 60 {
		from--
	}
	for to < len(b) && b[to] != '\r' && b[to] != '\n' && to-h.At < 60 {
		to++
	}
	return string(b[from:to])
}
