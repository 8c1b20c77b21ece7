package registrar

import (
	"bytes"
	"slices"
	"strconv"

	"sbc/signaling/sip"
)

// A request is a REGISTER as the Registrar sees it. It is used again for the
// next one.
type request struct {
	m        *sip.Message
	flow     Flow
	ep       int
	key      []byte // of the address-of-record: see aor.key
	aor      *aor   // nil: nothing is bound to it
	hash     uint64 // of key
	session  uint64 // of key and the address that it came from
	callID   uint64
	print    uint64
	creds    uint64 // see binding.creds
	contacts []asked
	star     bool
	removal  bool // it takes at least one binding away
	path     bool // it has Path
	known    bool // its flow has a binding of its address-of-record
	near     bool // the address that it came from has one

	answersChallenge bool
	repeats          bool // it has the sequence number of one that was answered here
}

// An asked is one Contact of a REGISTER.
type asked struct {
	uri     sip.Span
	params  sip.Span // of the field, the expiry among them
	expires sip.Span // ";expires=…" in params
	seconds uint32   // 0: the binding is to go
	serial  uint64
	b       *binding // nil: it is new
}

// A refusal says with which answer a REGISTER is refused, and why.
type refusal struct {
	status int
	cause  string
}

func (r refusal) yes() bool { return r.status != 0 }

// read decodes m, as far as it can be without looking at bindings.
func (r *Registrar) read(q *request, ep int, flow Flow, m *sip.Message) refusal {
	*q = request{m: m, flow: flow, ep: ep, key: q.key[:0], contacts: q.contacts[:0]}
	if no := r.readAOR(q); no.yes() {
		return no
	}
	q.hash = r.sum('a', q.key)
	q.session = r.session(q)
	q.callID = r.sum('c', m.Bytes(m.CallID()))
	if no := r.readContacts(q); no.yes() {
		return no
	}
	n := 0
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		if fields[i].ID == sip.FieldPath {
			n, q.path = n+fields[i].Value.Len()+len("Path: \r\n"), true
		}
	}
	if n > pathBytesMax {
		return refusal{403, "binding_limit"}
	}
	return refusal{}
}

// readAOR writes the canonical form of the address-of-record (RFC 3261
// section 10.3 step 5): no parameters, nothing escaped that need not be, the
// host in lower case.
func (r *Registrar) readAOR(q *request) refusal {
	m := q.m
	u := m.ToURI()
	if !u.Routable() || u.User.Empty() && u.Host.Empty() || bytes.EqualFold(m.Bytes(u.Scheme), []byte("tel")) {
		return refusal{400, "aor"}
	}
	if u.All.Len() > aorBytesMax {
		return refusal{403, "binding_limit"}
	}
	q.key = append(q.key, byte(q.ep>>8), byte(q.ep))
	q.key = append(q.key, "sip:"...)
	if u.Secure() {
		q.key = append(q.key[:len(q.key)-1], "s:"...)
	}
	q.key = AppendUser(q.key, m.Bytes(u.User))
	if !u.User.Empty() {
		q.key = append(q.key, '@')
	}
	host := len(q.key)
	q.key = append(q.key, m.Bytes(u.Host)...)
	lower(q.key[host:])
	if want := r.opt.Endpoints[q.ep].Domain; want != "" && !equalFold(q.key[host:], want) {
		return refusal{404, "aor"}
	}
	if u.Port != 0 && u.Port != 5060 {
		q.key = strconv.AppendInt(append(q.key, ':'), int64(u.Port), 10)
	}
	return refusal{}
}

// readContacts reads all values of Contact, and judges them together.
func (r *Registrar) readContacts(q *request) refusal {
	m := q.m
	n, star := m.Contacts()
	most := &r.opt.Endpoints[q.ep]
	if n > most.Contacts {
		return refusal{403, "binding_limit"}
	}
	general, has := expiresOf(m)
	if star {
		// RFC 3261 section 10.3 step 6. n counts addresses, and "*" is none.
		if n > 0 || m.Count(sip.FieldContact) != 1 || !has || general != 0 {
			return refusal{400, "contact"}
		}
		q.star, q.removal = true, true
		return refusal{}
	}
	if !has {
		general = uint32(most.Expires.Seconds())
	}
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		if fields[i].ID != sip.FieldContact {
			continue
		}
		for na, err := range m.NameAddrs(fields[i]) {
			if err != nil {
				return refusal{400, "contact"}
			}
			if no := r.readContact(q, na, general); no.yes() {
				return no
			}
		}
	}
	return r.judge(q)
}

func (r *Registrar) readContact(q *request, na sip.NameAddr, general uint32) refusal {
	m := q.m
	c := asked{uri: na.URI, params: na.Params, seconds: general}
	if u, err := sip.ParseURI(m.Raw, na.URI); err != nil || !u.Routable() || bytes.EqualFold(m.Bytes(u.Scheme), []byte("tel")) {
		return refusal{400, "contact"}
	}
	if c.uri.Len() > contactBytesMax || c.params.Len() > paramsBytesMax {
		return refusal{403, "binding_limit"}
	}
	value, ok := sip.Param(m.Raw, c.params, "expires")
	if ok {
		c.expires = wholeParam(m.Raw, c.params, value)
		if _, twice := sip.Param(m.Raw, sip.Span{Start: c.expires.End, End: c.params.End}, "expires"); twice {
			return refusal{400, "contact"}
		}
		c.seconds = seconds(m.Raw, value)
	}
	c.seconds = min(c.seconds, expiresMax)
	q.removal = q.removal || c.seconds == 0
	q.contacts = append(q.contacts, c)
	return refusal{}
}

// judge looks at what only all contacts together can do wrong.
func (r *Registrar) judge(q *request) refusal {
	least := uint32(r.opt.Endpoints[q.ep].MinExpires.Seconds())
	adds, flows := 0, 0
	for i := range q.contacts {
		r.identify(q, &q.contacts[i])
	}
	q.replace()
	for i := range q.contacts {
		c := &q.contacts[i]
		// RFC 3261 section 10.3 step 7.
		if c.seconds > 0 && c.seconds < least && c.seconds < refusable {
			return refusal{423, "interval"}
		}
		if c.seconds > 0 {
			adds++
			if _, ok := sip.Param(q.m.Raw, c.params, "reg-id"); ok {
				flows++
			}
		}
		for j := range q.contacts[:i] {
			// Two contacts with one instance are told apart by their URIs.
			if q.contacts[j].serial == c.serial {
				c.serial = r.serialOfURI(q, c)
			}
			if q.contacts[j].serial == c.serial {
				return refusal{400, "contact"}
			}
		}
	}
	// RFC 5626 section 6: with a reg-id a REGISTER adds one contact.
	if flows > 0 && adds > 1 {
		return refusal{400, "contact"}
	}
	return refusal{}
}

// replace leaves out the removal of a contact in whose place another one comes:
// a user agent that learned another address takes the old one back, and by its
// instance both are one binding.
func (q *request) replace() {
	q.contacts = slices.DeleteFunc(q.contacts, func(c asked) bool {
		return c.seconds == 0 && slices.ContainsFunc(q.contacts, func(o asked) bool { return o.seconds > 0 && o.serial == c.serial })
	})
}

// expiresOf returns the value of Expires.
func expiresOf(m *sip.Message) (value uint32, ok bool) {
	f, ok := m.First(sip.FieldExpires)
	if !ok {
		return 0, false
	}
	return seconds(m.Raw, f.Value), true
}

// seconds reads an expiry. RFC 3261 section 20.10: one that cannot be read
// counts as an hour.
func seconds(raw []byte, s sip.Span) uint32 {
	if n, err := sip.ParseNumber(raw, s); err == nil {
		return min(n, expiresMax)
	}
	return malformed
}

// wholeParam returns the parameter that has value, with its semicolon.
func wholeParam(raw []byte, params, value sip.Span) sip.Span {
	start := value.Start - 1
	for start > params.Start && raw[start] != ';' {
		start--
	}
	return sip.Span{Start: start, End: value.End}
}

// AppendUser appends the user part of an address-of-record in the form by which
// it is known: with escaped octets as themselves, where they are printable and not
// the '%' (RFC 3261 section 10.3 step 5).
func AppendUser(dst, b []byte) []byte {
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) {
			hi, lo := hex(b[i+1]), hex(b[i+2])
			if c := hi<<4 | lo; hi < 16 && lo < 16 && c > ' ' && c < 0x7f && c != '%' {
				dst = append(dst, c)
				i += 2
				continue
			}
		}
		dst = append(dst, b[i])
	}
	return dst
}

func hex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 0xff
}

func lower(b []byte) {
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
}

func equalFold(a []byte, b string) bool { return len(a) == len(b) && bytes.EqualFold(a, []byte(b)) }
