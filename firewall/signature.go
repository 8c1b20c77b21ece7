package firewall

import (
	"bytes"
	"fmt"
)

// A Field is a set of places in a message where a tool leaves its name.
type Field uint8

const (
	InUserAgent Field = 1 << iota
	InFrom
	InTo
	InVia
	fields4 = 4
)

// A Signature is a text by which a tool is known.
type Signature struct {
	Text string   // in any case, anywhere in the value; 3 to 64 octets
	In   Field    // at least one
	Is   Offences // Scanner: refused at once; Tool: scored only
}

// DefaultSignatures are the names that well-known tools give themselves unless
// somebody changes them.
func DefaultSignatures() []Signature {
	var list []Signature
	for _, s := range []string{
		"friendly-scanner", "sipvicious", "sipcli", "sip-scan", "sipscan", "sundayddr", "VaxSIPUserAgent", "VaxIPUserAgent",
		"pplsip", "sipptk", "siparmyknife", "sivus", "smap", "iWar", "Mr.SIP", "sipcrack",
	} {
		list = append(list, Signature{s, InUserAgent, Scanner})
	}
	return append(list,
		Signature{"sipvicious", InFrom | InTo, Scanner},
		Signature{"sip:100@1.1.1.1", InFrom | InTo, Scanner}, // svmap's
		Signature{"sip:nm@nm", InFrom, Scanner},              // nmap's
		// Operators ask and load their own networks with these.
		Signature{"sipsak", InUserAgent, Tool},
		Signature{"sipp", InUserAgent, Tool},
	)
}

// Ours: what is looked at of a datagram. Tools send less than a kilobyte.
const headMax = 2048

// Signatures are compiled: the first octet of a text says which ones it may be.
type signatures struct {
	first [fields4][256]uint8 // index of starts, by field and octet in lower case; 0: no text
	lists [][]signature
	any   [fields4]bool // whether the field is looked at
}

type signature struct {
	text []byte // in lower case
	in   Field
	is   Offences
}

// Ours: so many texts begin with different octets in one field or another.
const listsMax = 255

func compile(list []Signature) (*signatures, error) {
	s := &signatures{lists: make([][]signature, 1)}
	for _, g := range list {
		if len(g.Text) < 3 || len(g.Text) > 64 || g.In == 0 || g.In >= 1<<fields4 || g.Is != Scanner && g.Is != Tool {
			return nil, fmt.Errorf("firewall: signature %q: want 3 to 64 octets, a field, and Scanner or Tool", g.Text)
		}
		text := bytes.ToLower([]byte(g.Text))
		for f := range fields4 {
			if g.In>>f&1 == 0 {
				continue
			}
			at := &s.first[f][text[0]]
			if *at == 0 {
				if len(s.lists) > listsMax {
					return nil, fmt.Errorf("firewall: signature %q: too many signatures", g.Text)
				}
				*at = uint8(len(s.lists))
				s.lists = append(s.lists, nil)
			}
			s.lists[*at] = append(s.lists[*at], signature{text, g.In, g.Is})
			s.any[f] = true
		}
	}
	return s, nil
}

// find looks for signatures in the first octets of a message, and returns its
// User-Agent as well, which is a part of b.
func (s *signatures) find(b []byte) (o Offences, agent []byte) {
	b = b[:min(len(b), headMax)]
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || i+1 >= len(b) {
			return o, agent
		}
		b = b[i+1:]
		field, name := 0, 0
		switch b[0] {
		case '\r', '\n': // the body
			return o, agent
		case 'u', 'U':
			field, name = 0, named(b, "user-agent")
		case 'f', 'F':
			field, name = 1, max(named(b, "from"), named(b, "f"))
		case 't', 'T':
			field, name = 2, max(named(b, "to"), named(b, "t"))
		case 'v', 'V':
			field, name = 3, max(named(b, "via"), named(b, "v"))
		}
		if name == 0 || !s.any[field] && field != 0 {
			continue
		}
		value := b[name:]
		if end := bytes.IndexByte(value, '\n'); end >= 0 {
			value = value[:end]
		}
		if field == 0 && agent == nil {
			agent = bytes.TrimSpace(value)
		}
		o |= s.match(value, field)
	}
}

// match returns what the signatures of a field in b are of.
func (s *signatures) match(b []byte, field int) (o Offences) {
	first := &s.first[field]
	for i, c := range b {
		at := first[lower[c]]
		if at == 0 {
			continue
		}
		for _, g := range s.lists[at] {
			if prefixFold(b[i:], g.text) {
				o |= g.is
			}
		}
	}
	return o
}

// named returns where the value begins of a field with that name, or 0 if the
// line is of another (RFC 3261 section 7.3.1: spaces may stand before the colon).
func named[T string | []byte](line []byte, name T) int {
	if !prefixFold(line, name) {
		return 0
	}
	for i := len(name); i < len(line); i++ {
		switch line[i] {
		case ':':
			return i + 1
		case ' ', '\t':
		default:
			return 0
		}
	}
	return 0
}

// prefixFold tells whether b begins with text, which is in lower case.
func prefixFold[T string | []byte](b []byte, text T) bool {
	if len(b) < len(text) {
		return false
	}
	for i := range len(text) {
		if lower[b[i]] != text[i] {
			return false
		}
	}
	return true
}

// lower has the lower case of each octet.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()
