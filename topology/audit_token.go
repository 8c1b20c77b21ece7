package topology

import (
	"bytes"
	"net/netip"
)

// A scanner finds known identifiers in text.
type scanner struct {
	text    []byte
	known   []*Known
	hits    [hitsMax]hit
	n       int      // hits found
	raw     []uint32 // of text with its escapes undone: where each octet was, and the end
	least   int      // octets of the shortest word to look at
	v6      int      // how far colons have been looked at
	filter  filter   // of all sets
	escaped bool     // there are percent signs or ampersands
}

// hitsMax bounds what one audit reports. Ours: a message with so many leaks
// has to be audited again after it was scrubbed.
const hitsMax = 64

// A hit is an identifier that was found.
type hit struct {
	start, end int
	of         ref
}

// A ref names an entry of a set.
type ref struct{ set, entry uint32 }

// scan goes over the text once, run of word octets by run of word octets.
func (s *scanner) scan() {
	text := s.text
	for i := 0; i < len(text); {
		c := class[text[i]]
		if c&word == 0 {
			if c&special != 0 {
				s.special(i)
			}
			i++
			continue
		}
		start, joints := i, c&joint
		for i++; i < len(text); i++ {
			if c = class[text[i]]; c&word == 0 {
				break
			}
			joints |= c & joint
		}
		if i-start >= s.least || joints != 0 && i-start >= len("a.b") {
			s.run(start, i, joints != 0)
		}
	}
}

// run looks at a run of word octets; joints tells that it has several groups.
func (s *scanner) run(start, end int, joints bool) {
	for end > start && s.text[end-1] == '.' { // of a sentence, or of the root
		end--
	}
	b := s.text[start:end]
	if len(b) == 0 {
		return
	}
	if h := hash(kindToken, b); s.filter.has(h) {
		for set := range s.known {
			s.tokens(set, h, start, end)
		}
	}
	if s.goesOn(end) {
		return
	}
	if !joints {
		s.hexGroup(b, start)
		s.label(start, end)
		return
	}
	if len(b) >= len("1.1.1.1") {
		s.quads(b, start)
		s.hexGroups(b, start)
	}
	if class[b[0]]&hexa != 0 {
		s.dashed(b, start)
	}
	if class[b[len(b)-1]]&digit != 0 {
		return // no domain ends in a number (RFC 3696 section 2)
	}
	s.names(b, start, end)
}

// goesOn reports whether an escaped word octet follows: then the run is read
// with its escapes undone only.
func (s *scanner) goesOn(i int) bool {
	if i >= len(s.text) || s.text[i] != '%' && s.text[i] != '&' {
		return false
	}
	c, n := unescaped(s.text[i:])
	return n > 1 && class[c]&word != 0
}

// dashed finds an IPv6 address as it stands in a name: 2001-db8--1.example.
func (s *scanner) dashed(b []byte, start int) {
	if i := bytes.IndexByte(b, '.'); i >= 0 {
		b = b[:i]
	}
	if a, ok := parseV6(b, '-'); ok {
		s.addr(netip.AddrFrom16(a).Unmap(), start, start+len(b))
	}
}

// tokens reports the tokens of a set that have the run in them.
func (s *scanner) tokens(set int, h uint32, start, end int) {
	k := s.known[set]
	for p := k.probe(h); p.next(); {
		e := p.entry()
		if e.kind != kindToken || !equalFold(s.text[start:end], k.lead(e)) {
			continue
		}
		from := start - int(e.lead)
		to := from + int(e.length)
		if from < 0 || to > len(s.text) || !equalFold(s.text[from:to], k.textOf(e)) {
			continue
		}
		if s.whole(from, to) && !s.goesOn(to) && !s.allowed(kindToken, k.textOf(e)) {
			s.hit(from, to, ref{uint32(set), p.is - 1})
		}
	}
}

// whole reports whether no octet around text[from:to] makes it longer.
func (s *scanner) whole(from, to int) bool {
	if from > 0 && class[s.text[from-1]]&(word|extends) != 0 {
		return false
	}
	for to < len(s.text) && s.text[to] == '.' {
		to++
	}
	return to == len(s.text) || class[s.text[to]]&(word|extends) == 0
}

// names reports a run that is a known domain name or lies in a known domain.
func (s *scanner) names(b []byte, start, end int) {
	for i := 0; ; i++ {
		switch v, of := s.look(kindName, b[i:]); v {
		case stays:
			return
		case leaks:
			s.hit(start, end, of)
			return
		}
		next := bytes.IndexByte(b[i:], '.')
		if next < 0 {
			return
		}
		i += next
	}
}

// label reports a host name without a dot, where hosts stand: behind "@",
// behind the scheme of a URI, in an SDP address. Elsewhere "pbx" is a word.
func (s *scanner) label(start, end int) {
	v, of := s.look(kindLabel, s.text[start:end])
	if v != leaks {
		return
	}
	before := s.text[:start]
	for _, mark := range hostMarks {
		if n := len(before) - len(mark); n >= 0 && equalFold(before[n:], mark) {
			s.hit(start, end, of)
			return
		}
	}
}

var hostMarks = [][]byte{[]byte("@"), []byte("sip:"), []byte("sips:"), []byte("//"), []byte("in ip4 "), []byte("in ip6 "), []byte("host=")}

// special looks at a colon, a percent sign or an ampersand at i.
func (s *scanner) special(i int) {
	if s.text[i] != ':' {
		s.escaped = true
		return
	}
	if i >= s.v6 && (s.colon(i+1) || s.colon(i+2) || s.colon(i+3) || s.colon(i+4) || s.colon(i+5)) {
		s.colons(i)
	}
}

func (s *scanner) colon(i int) bool { return i < len(s.text) && s.text[i] == ':' }

// colons looks for an IPv6 address around the colon at i.
func (s *scanner) colons(i int) {
	start, end := i, i
	for start > s.v6 && inV6(s.text[start-1]) {
		start--
	}
	for end < len(s.text) && inV6(s.text[end]) {
		end++
	}
	s.v6 = end
	if start > 0 && class[s.text[start-1]]&word != 0 {
		// "sip:2001:db8::1": the first group belongs to another word.
		for start < end && s.text[start] != ':' {
			start++
		}
	}
	start, end = trimColons(s.text, start, end)
	if a, ok := parseV6(s.text[start:end], ':'); ok {
		s.addr(netip.AddrFrom16(a).Unmap(), start, end)
	}
}

func inV6(c byte) bool { return class[c]&hexa != 0 || c == ':' || c == '.' }

// trimColons takes off a single colon or dots at either end.
func trimColons(b []byte, start, end int) (int, int) {
	for end > start && b[end-1] == '.' {
		end--
	}
	if end-start > 1 && b[start] == ':' && b[start+1] != ':' {
		start++
	}
	if end-start > 1 && b[end-1] == ':' && b[end-2] != ':' {
		end--
	}
	return start, end
}

// addr reports an address if it is known.
func (s *scanner) addr(a netip.Addr, start, end int) {
	b := a.As16()
	if v, of := s.look(kindAddr, b[:]); v == leaks {
		s.hit(start, end, of)
	}
}

type verdict uint8

const (
	unknown verdict = iota
	leaks
	stays // allowed
)

// look asks all sets for an identifier. One that any of them allows stays.
func (s *scanner) look(kind kind, b []byte) (v verdict, of ref) {
	h := hash(kind, b)
	if !s.filter.has(h) {
		return unknown, ref{}
	}
	for set, k := range s.known {
		for p := k.probe(h); p.next(); {
			e := p.entry()
			if e.kind != kind || int(e.length) != len(b) || !same(kind, b, k.textOf(e)) {
				continue
			}
			if e.allowed {
				return stays, ref{}
			}
			if v != leaks {
				v, of = leaks, ref{uint32(set), p.is - 1}
			}
		}
	}
	return v, of
}

func same(kind kind, b, text []byte) bool {
	if kind == kindAddr {
		return bytes.Equal(b, text)
	}
	return equalFold(b, text)
}

func (s *scanner) allowed(kind kind, text []byte) bool {
	h := hash(kind, text)
	if kind == kindToken {
		start, end := longestWord(text)
		h = hash(kind, text[start:end])
	}
	for _, k := range s.known {
		for p := k.probe(h); p.next(); {
			if e := p.entry(); e.allowed && e.kind == kind && bytes.Equal(k.textOf(e), text) {
				return true
			}
		}
	}
	return false
}

// hit notes what was found, once: the longest of those that lie in each other.
func (s *scanner) hit(start, end int, of ref) {
	if s.raw != nil {
		start, end = int(s.raw[start]), int(s.raw[end])
	}
	s.note(hit{start, end, of})
}

func (s *scanner) note(h hit) {
	n := 0
	for _, old := range s.hits[:s.n] {
		if old.start <= h.start && h.end <= old.end {
			return
		}
		if h.start > old.start || old.end > h.end {
			s.hits[n] = old
			n++
		}
	}
	if n < hitsMax {
		s.hits[n] = h
		n++
	}
	s.n = n
}
