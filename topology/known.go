package topology

import "net/netip"

// Known is a set of identifiers that must not appear in a message: those of
// the other leg of a call, or those that the configuration gives to other
// realms. The zero Known is empty and ready to use. It is not safe for use
// while it is changed.
//
// An identifier that was given to Allow is no leak, in whichever Known it was
// added and in whichever order.
type Known struct {
	entries  []entry
	text     []byte   // what the entries refer to
	index    []uint32 // open hash table: number of an entry + 1; 0: free
	filter   filter
	shortest int // octets of the shortest word to look for; 0: none
}

// A filter says no quickly: a bit for each hash that is in a set.
type filter [16]uint64

func (f *filter) has(h uint32) bool { return f[h>>6&15]>>(h&63)&1 != 0 }

// An entry is one identifier.
type entry struct {
	start, length uint32 // in text: 16 octets of an address, or a text in lower case
	lead          uint16 // where the part of the text begins that the scanner looks up
	leadLen       uint16
	kind          kind
	allowed       bool
	what          string
}

type kind uint8

const (
	kindAddr  kind = iota // an address, IPv4 in its IPv6-mapped form
	kindName              // a domain name of two labels or more
	kindLabel             // a host name of one label
	kindToken             // a Call-ID, tag or branch
)

// Ours.
const (
	tokenMin   = 6       // shorter tokens meet others by accident
	derivedMin = 10      // likewise, for parts of a token that stand for the whole
	textMax    = 1 << 14 // octets of one identifier

	// What a plain call brings.
	entriesRoom = 20
	textRoom    = 384
)

// Reset empties the set and keeps its memory.
func (k *Known) Reset() {
	k.entries, k.text = k.entries[:0], k.text[:0]
	clear(k.index)
	k.shortest, k.filter = 0, filter{}
}

// Len returns the number of identifiers in the set, allowed ones included.
func (k *Known) Len() int { return len(k.entries) }

// AddAddr adds an address. what says whose it is, for the report.
func (k *Known) AddAddr(addr netip.Addr, what string) { k.addAddr(addr, what, false) }

// AddHost adds a host as it stands in a URI or in SDP: an address, with or
// without brackets, or a domain name. It copies host.
func (k *Known) AddHost(host []byte, what string) { k.addHost(host, what, false) }

// AddToken adds a Call-ID, tag or branch. It copies tok. One of fewer than 6
// octets is ignored, and one that is a word of SIP: our own messages have it. The
// part of a Call-ID before its '@' and the part of a
// branch behind the magic cookie (RFC 3261 section 8.1.1.7) count as well when
// they are long enough to be unique.
func (k *Known) AddToken(tok []byte, what string) { k.addToken(tok, what, false) }

// Allow lets a host or token pass: both sides said it themselves, or a rule
// lets it. It copies said.
func (k *Known) Allow(said []byte) {
	if len(said) == 0 {
		return
	}
	k.addHost(said, "", true)
	k.addToken(said, "", true)
}

func (k *Known) addAddr(addr netip.Addr, what string, allowed bool) {
	if !addr.IsValid() || addr.IsUnspecified() {
		return
	}
	a := addr.As16()
	k.add(a[:], entry{kind: kindAddr, allowed: allowed, what: what, leadLen: 16})
}

func (k *Known) addHost(host []byte, what string, allowed bool) {
	if n := len(host); n > 2 && host[0] == '[' && host[n-1] == ']' {
		host = host[1 : n-1]
	}
	if a, ok := parseAddr(host); ok {
		k.addAddr(a, what, allowed)
		return
	}
	for len(host) > 0 && host[len(host)-1] == '.' {
		host = host[:len(host)-1]
	}
	if len(host) == 0 || len(host) > 255 { // RFC 1035 section 2.3.4
		return
	}
	e := entry{kind: kindLabel, allowed: allowed, what: what, leadLen: uint16(len(host))}
	for _, c := range host {
		switch {
		case c == '.':
			e.kind = kindName
		case class[c]&word == 0:
			return
		}
	}
	k.add(host, e)
}

func (k *Known) addToken(tok []byte, what string, allowed bool) {
	k.addTokenAs(tok, what, allowed)
	for i, c := range tok {
		if c == '@' && i >= derivedMin {
			k.addTokenAs(tok[:i], what, allowed)
			break
		}
	}
	if n := len(cookie); len(tok) >= n+derivedMin && equalFold(tok[:n], []byte(cookie)) {
		for tok = tok[n:]; len(tok) > 0 && tok[0] == '-'; {
			tok = tok[1:]
		}
		k.addTokenAs(tok, what, allowed)
	}
}

const cookie = "z9hg4bk" // in lower case

func (k *Known) addTokenAs(tok []byte, what string, allowed bool) {
	if len(tok) < tokenMin || len(tok) > textMax || isGrammar(tok) {
		return
	}
	start, end := longestWord(tok)
	if start == end {
		return
	}
	k.add(tok, entry{kind: kindToken, allowed: allowed, what: what, lead: uint16(start), leadLen: uint16(end - start)})
}

// grammar are words of six letters or more in the fields of which every message
// has one, in lower case.
var grammar = [...]string{
	"branch", "received", "transport", "expires", "anonymous", "invalid",
	"invite", "cancel", "update", "options", "notify", "message", "publish", "register", "subscribe",
}

// isGrammar tells whether tok is a word of SIP, and identifies nothing.
func isGrammar(tok []byte) bool {
	for _, w := range grammar {
		if len(w) == len(tok) && equalFold(tok, []byte(w)) {
			return true
		}
	}
	return false
}

// longestWord returns the longest run of word octets in tok, in the way in
// which the scanner cuts runs: that is what a token is looked up by.
func longestWord(tok []byte) (start, end int) {
	for i := 0; i < len(tok); {
		if class[tok[i]]&word == 0 {
			i++
			continue
		}
		j := i
		for j < len(tok) && class[tok[j]]&word != 0 {
			j++
		}
		last := j
		for last > i && tok[last-1] == '.' {
			last--
		}
		if last-i > end-start {
			start, end = i, last
		}
		i = j
	}
	return start, end
}

// add enters an identifier once.
func (k *Known) add(text []byte, e entry) {
	if k.entries == nil {
		k.entries, k.text = make([]entry, 0, entriesRoom), make([]byte, 0, textRoom)
	}
	e.start, e.length = uint32(len(k.text)), uint32(len(text))
	k.text = append(k.text, text...)
	if e.kind != kindAddr {
		lower(k.text[e.start:])
	}
	if same := k.find(&e); same != nil {
		k.text = k.text[:e.start]
		same.allowed = same.allowed || e.allowed
		return
	}
	k.entries = append(k.entries, e)
	if e.kind == kindToken || e.kind == kindLabel {
		if n := int(e.leadLen); k.shortest == 0 || n < k.shortest {
			k.shortest = n
		}
	}
	if 2*len(k.entries) > len(k.index) {
		k.rehash()
		return
	}
	k.enter(len(k.entries) - 1)
}

// find returns the entry that has the kind and the text of e.
func (k *Known) find(e *entry) *entry {
	for p := k.probe(hash(e.kind, k.lead(e))); p.next(); {
		if same := p.entry(); same.kind == e.kind && string(k.textOf(same)) == string(k.textOf(e)) {
			return same
		}
	}
	return nil
}

// A probe walks the entries whose place in the table a hash leads to.
type probe struct {
	k  *Known
	at uint32
	is uint32
}

func (k *Known) probe(h uint32) probe { return probe{k: k, at: h - 1} }

func (p *probe) next() bool {
	if p.k == nil || len(p.k.index) == 0 {
		return false
	}
	p.at++
	p.is = p.k.index[p.at&uint32(len(p.k.index)-1)]
	return p.is != 0
}

func (p *probe) entry() *entry { return &p.k.entries[p.is-1] }

func (k *Known) rehash() {
	k.index = make([]uint32, max(64, 2*len(k.index)))
	for i := range k.entries {
		k.enter(i)
	}
}

func (k *Known) enter(i int) {
	e := &k.entries[i]
	mask := uint32(len(k.index) - 1)
	h := hash(e.kind, k.lead(e))
	k.filter[h>>6&15] |= 1 << (h & 63)
	at := h & mask
	for k.index[at] != 0 {
		at = (at + 1) & mask
	}
	k.index[at] = uint32(i + 1)
}

// textOf returns the identifier, lead the part of it that is looked up.
func (k *Known) textOf(e *entry) []byte { return k.text[e.start : e.start+e.length] }

func (k *Known) lead(e *entry) []byte {
	from := e.start + uint32(e.lead)
	return k.text[from : from+uint32(e.leadLen)]
}

func lower(b []byte) {
	for i, c := range b {
		b[i] = fold[c]
	}
}

// equalFold compares with text, which is in lower case.
func equalFold(b, text []byte) bool {
	if len(b) != len(text) {
		return false
	}
	for i, c := range b {
		if fold[c] != text[i] {
			return false
		}
	}
	return true
}
