package sim

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"sbc/signaling/sip"
)

// A scanner plays strangers: it sends what scanners and forgers send.
type scanner struct {
	w      *world
	heard  [][]byte // real messages that it copies: the last few
	serial int
}

// Ours: enough to have one of each kind.
const heardMax = 64

// hear lets the scanner know a message of the wire.
func (s *scanner) hear(b []byte) {
	if s.w.o.Scans == 0 {
		return
	}
	if len(s.heard) == heardMax {
		s.heard = s.heard[1:]
	}
	s.heard = append(s.heard, b)
}

// act sends one message.
func (s *scanner) act() {
	s.serial++
	s.w.report.Strange++
	r := s.w.chance
	listener := r.IntN(len(listeners))
	src := strangers[listener]
	switch r.IntN(6) {
	case 0:
		s.say(listener, src, s.garbage())
	case 1:
		s.say(listener, src, s.probe(listener))
	case 2, 3:
		s.say(listener, src, s.mutant())
	default:
		if m, at := s.forgery(); m != nil {
			if n := &s.w.neighbours[at]; r.IntN(2) == 0 && !n.stream() { // the source is forged too
				src, listener = n.addr, n.listener
			}
			s.say(listener, src, m)
		}
	}
}

// say brings octets to the SBC: as a datagram, or by a connection that ends
// after them.
func (s *scanner) say(listener int, src netip.AddrPort, b []byte) {
	if !listeners[listener].stream {
		s.w.arrive(listener, src, b)
		return
	}
	c := s.w.connect(listener, src, nil, false)
	s.w.feed(c, b)
	s.w.end(c)
}

func (s *scanner) garbage() []byte {
	b := make([]byte, s.w.chance.IntN(600))
	for i := range b {
		b[i] = byte(s.w.chance.Uint32())
	}
	return b
}

// probe is what friendly scanners send.
func (s *scanner) probe(listener int) []byte {
	method := []string{"OPTIONS", "REGISTER", "INVITE", "SUBSCRIBE"}[s.w.chance.IntN(4)]
	return fmt.Appendf(nil, "%s sip:100@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:100@1.1.1.1>;tag=scan%d\r\nTo: <sip:100@1.1.1.1>\r\nCall-ID: scan%d\r\nCSeq: 1 %s\r\n"+
		"Contact: <sip:100@%s>\r\nUser-Agent: friendly-scanner\r\nContent-Length: 0\r\n\r\n",
		method, listeners[listener].addr, strangers[listener], s.branch(), s.serial, s.serial, method, strangers[listener])
}

const forgedBranch = "z9hG4bKscan"

func (s *scanner) branch() string { return forgedBranch + fmt.Sprint(s.serial) }

// forged reports whether a message is of a scanner, or answers one.
func (m *message) forged() bool { return strings.HasPrefix(m.tx.branch, forgedBranch) }

// harm sends the SBC the last message of a user agent once more, with
// something wrong, from the user agent's own address.
func (s *scanner) harm() {
	a := s.w.actors[s.w.chance.IntN(len(neighbours))]
	if a.said != nil {
		s.w.report.Strange++
		s.say(a.at.listener, a.at.addr, s.mutate(bytes.Clone(a.said)))
	}
}

// mutant is a real message with something wrong.
func (s *scanner) mutant() []byte {
	if len(s.heard) == 0 {
		return nil
	}
	return s.mutate(bytes.Clone(s.heard[s.w.chance.IntN(len(s.heard))]))
}

func (s *scanner) mutate(b []byte) []byte {
	r := s.w.chance
	for range 1 + r.IntN(4) {
		if len(b) < 2 {
			return b
		}
		i := r.IntN(len(b))
		switch r.IntN(4) {
		case 0:
			b[i] ^= 1 << r.IntN(8)
		case 1:
			b = append(b[:i], b[i+r.IntN(min(20, len(b)-i)):]...)
		case 2:
			b = b[:i]
		case 3:
			j := i + r.IntN(min(40, len(b)-i))
			b = append(b[:j:j], b[i:]...)
		}
	}
	return b
}

// forgery is a request within a real dialog by one who has guessed the tags
// wrong: BYE, INVITE or INFO. It comes from the address of the neighbour that
// has the dialog, or from a stranger's.
func (s *scanner) forgery() (b []byte, at int) {
	if len(s.w.book.numbers) == 0 {
		return nil, 0
	}
	r := s.w.chance
	t := s.w.book.talks[s.w.book.numbers[r.IntN(len(s.w.book.numbers))]]
	l := t.a
	if l == nil || r.IntN(2) == 0 && t.b != nil {
		l = t.b
	}
	method := []sip.Method{sip.BYE, sip.INVITE, sip.INFO, sip.CANCEL, sip.ACK}[r.IntN(5)]
	return fmt.Appendf(nil, "%s sip:x@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:x@y>;tag=guess%d\r\nTo: <sip:z@y>;tag=guess\r\nCall-ID: %s\r\nCSeq: 77 %s\r\n"+
		"Contact: <sip:x@%s>\r\nContent-Length: 0\r\n\r\n",
		method, listeners[l.listener].addr, s.w.neighbours[l.peer].addr, s.branch(), s.serial, l.callID, method, strangers[l.listener]), l.peer
}
