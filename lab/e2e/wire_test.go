package e2e

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"sbc/lab/netns"
)

// isSIP reports whether a datagram was sent to or from a SIP socket: whether
// it looks like SIP, so that the port does not matter.
func isSIP(b []byte) bool {
	line, _, _ := bytes.Cut(b, []byte("\r\n"))
	return bytes.Contains(line, []byte("SIP/2.0"))
}

// ladder prints the SIP messages among datagrams, one line each, and counts
// the others.
func ladder(ds []netns.Datagram) string {
	var b strings.Builder
	other := 0
	for _, d := range ds {
		if !isSIP(d.Payload) {
			other++
			continue
		}
		line, rest, _ := bytes.Cut(d.Payload, []byte("\r\n"))
		fmt.Fprintf(&b, "%8.3fs  %s → %s  %-50.50s  %s\n", d.At.Seconds(), d.Src, d.Dst, line, cseq(rest))
	}
	fmt.Fprintf(&b, "and %d datagrams of media\n", other)
	return b.String()
}

func cseq(head []byte) string {
	for line := range bytes.SplitSeq(head, []byte("\r\n")) {
		if bytes.HasPrefix(line, []byte("CSeq:")) {
			return string(line)
		}
	}
	return ""
}

// from returns the datagrams that an address sent.
func from(ds []netns.Datagram, addr netip.Addr) []netns.Datagram {
	var sent []netns.Datagram
	for _, d := range ds {
		if d.Src.Addr() == addr {
			sent = append(sent, d)
		}
	}
	return sent
}

// messages returns the datagrams that a side has sent and seen, and as one each
// what went over a connection in one direction; of TLS, what the far end read, if
// it is one that tells.
func (s *side) messages() []netns.Datagram {
	all := s.seen.Datagrams()
	for _, st := range s.seen.Streams() {
		if isTLS(st.Bytes) {
			continue
		}
		all = append(all, netns.Datagram{Src: st.Src, Dst: st.Dst, TTL: 64, DF: true, Payload: st.Bytes})
	}
	if s.veil != nil {
		all = append(all, s.veil.messages()...)
	}
	return all
}

// isTLS reports whether what went over a connection cannot be read: it begins with
// a handshake (RFC 8446 section 5.1).
func isTLS(b []byte) bool { return bytes.HasPrefix(b, []byte{22, 3}) }
