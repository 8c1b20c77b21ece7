package sim

import (
	"slices"
	"strconv"
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// Bindings are what the wire tells of registrations: what a phone was told that
// it has, and by which token the PBX knows it.
type bindings struct {
	w        *world
	byKey    map[string]*bound // by user and Contact
	byToken  map[string]*bound
	byUser   map[string]*bound // the one that was granted last
	relayed  map[string]relayedRegister
	granted  map[txKey]bool       // REGISTERs whose 2xx was seen
	came     map[txKey]b2bua.Flow // by which REGISTERs came
	last     map[string][]byte    // the last REGISTER of a user that was granted
	raw      map[txKey][]byte
	sent     map[string]int // REGISTERs to the PBX with credentials, by user
	sessions map[string]int // Call-IDs and flows of a user, by user
	known    map[string]bool

	challenges map[challenge]time.Duration // when they went to a phone
}

// A bound is one binding.
type bound struct {
	user, contact, token string
	index                int // of the phone
	flow                 b2bua.Flow
	here, there          time.Duration // until when the phone thinks that it is there, and the PBX
	heard                time.Duration // the last packet by its flow
	pings                int           // OPTIONS that went since then
	since                time.Duration // when the first of those went
}

// relayedRegister is a REGISTER that went on to the PBX.
type relayedRegister struct {
	user     string
	at       time.Duration
	from     int
	flow     b2bua.Flow // by which it came
	contacts []binds    // of the phone
	tokens   []string
}

// binds is one value of Contact in a REGISTER or its response.
type binds struct {
	uri     string
	user    string
	seconds int // -1: it says none
}

// pingsMax is after how many OPTIONS without an answer the SBC takes a phone
// for gone: nat.Keepalive.
const pingsMax = 3

func newBindings(w *world) *bindings {
	return &bindings{w: w, byKey: map[string]*bound{}, byToken: map[string]*bound{}, byUser: map[string]*bound{},
		relayed: map[string]relayedRegister{}, granted: map[txKey]bool{}, came: map[txKey]b2bua.Flow{}, sent: map[string]int{}, last: map[string][]byte{}, raw: map[txKey][]byte{}, sessions: map[string]int{}, known: map[string]bool{}, challenges: map[challenge]time.Duration{}}
}

// isAt reports whether m came by the flow of a binding of its user.
func (b *bindings) isAt(m *message) bool {
	for _, e := range b.byKey {
		if e.user == userOf(m) && e.flow == m.flow {
			return true
		}
	}
	return false
}

// of returns the binding of a user that was granted last; nil: there is none.
func (b *bindings) of(user string) *bound { return b.byUser[user] }

// contacts reads Contact, and the lifetime that Expires says for all.
func contacts(m *message) (list []binds) {
	all := -1
	if f, ok := m.sip.First(sip.FieldExpires); ok {
		all, _ = strconv.Atoi(string(m.sip.Bytes(f.Value)))
	}
	for _, f := range m.sip.Fields() {
		if f.ID != sip.FieldContact {
			continue
		}
		for na, err := range m.sip.NameAddrs(f) {
			if err != nil {
				continue
			}
			c := binds{uri: string(m.sip.Bytes(na.URI)), seconds: all}
			if uri, err := sip.ParseURI(m.raw, na.URI); err == nil {
				c.user = string(m.sip.Bytes(uri.User))
			}
			if v, ok := sip.Param(m.raw, na.Params, "expires"); ok {
				c.seconds, _ = strconv.Atoi(string(m.sip.Bytes(v)))
			}
			list = append(list, c)
		}
	}
	return list
}

func userOf(m *message) string {
	uri, err := sip.ParseURI(m.raw, m.sip.To().URI)
	if err != nil {
		return ""
	}
	return string(m.sip.Bytes(uri.User))
}

// in sees a message that comes.
func (b *bindings) in(m *message) {
	for _, e := range b.byKey {
		if e.flow == m.flow {
			e.heard = m.at
			e.pings = 0
		}
	}
	if m.request(sip.REGISTER) && m.from >= len(neighbours) {
		b.came[m.tx], b.raw[m.tx] = m.flow, m.raw
		session := userOf(m) + " " + m.callID() + " " + m.flow.Remote.String() + " " + strconv.FormatUint(m.flow.Conn, 10)
		for _, c := range contacts(m) {
			session += " " + c.uri
		}
		if !b.known[session] {
			b.known[session] = true
			b.sessions[userOf(m)]++
		}
	}
}

// after sees what the SBC did.
func (b *bindings) after(s *step) {
	if m := s.in; m != nil && m.from == registrarAt && m.response(sip.REGISTER, 200, 299) && !b.granted[m.tx] {
		b.granted[m.tx] = true
		b.answered(m, userOf(m))
	}
	for _, m := range s.out {
		switch {
		case m.err != nil:
		case m.request(sip.REGISTER):
			b.relay(s, m)
		case m.request(sip.OPTIONS):
			b.pinged(m)
		case m.response(sip.REGISTER, 200, 299) && m.from >= len(neighbours):
			b.grant(s, m)
		case m.response(sip.REGISTER, 401, 401) || m.response(sip.REGISTER, 407, 407):
			b.challenges[challengeOf(m)] = s.at
		}
	}
}

// relay notes a REGISTER that goes to the PBX.
func (b *bindings) relay(s *step, m *message) {
	if m.again || s.in == nil || !s.in.request(sip.REGISTER) {
		return
	}
	r := relayedRegister{user: userOf(m), at: m.at, from: s.in.from, flow: s.in.flow, contacts: contacts(s.in)}
	for _, c := range contacts(m) {
		r.tokens = append(r.tokens, c.user)
	}
	b.relayed[m.tx.branch] = r
	if credentials(m) != "" {
		b.sent[r.user]++
	}
	for i, c := range r.contacts {
		if i < len(r.tokens) && c.uri != "" {
			e := b.entry(r.user, c.uri)
			e.token = r.tokens[i]
			b.byToken[e.token] = e
		}
	}
}

// knows reports whether the SBC has to know who is at the far end of a message:
// a phone is a stranger until it is registered.
func (w *world) knows(m *message) bool {
	if m.from < len(neighbours) {
		return true
	}
	for _, e := range w.bindings.byKey {
		if e.flow == m.flow && m.at < e.here {
			return true
		}
	}
	return false
}

// mayKnow reports whether the SBC may know who is at the far end of a message:
// somebody has registered by its flow.
func (w *world) mayKnow(m *message) bool {
	if m.from < len(neighbours) {
		return true
	}
	for _, e := range w.bindings.byKey {
		if e.flow == m.flow {
			return true
		}
	}
	return false
}

func (b *bindings) entry(user, uri string) *bound {
	key := user + " " + uri
	e := b.byKey[key]
	if e == nil {
		e = &bound{user: user, contact: uri, index: -1}
		b.byKey[key] = e
	}
	return e
}

func (b *bindings) pinged(m *message) {
	for _, e := range b.byKey {
		if e.flow == m.flow && e.here > 0 {
			if e.pings == 0 {
				e.since = m.at
			}
			e.pings++
		}
	}
}

// grant notes what a phone is told that it has.
func (b *bindings) grant(s *step, m *message) {
	if b.granted[m.tx] {
		return
	}
	b.granted[m.tx] = true
	user := userOf(m)
	b.last[user] = b.raw[m.tx]
	list, flow := contacts(m), b.came[m.tx]
	if len(list) == 0 {
		delete(b.byUser, user)
	}
	for _, c := range list {
		e := b.entry(user, c.uri)
		e.pings = 0
		e.index, e.flow, e.here, e.heard = m.from, flow, s.at+time.Duration(c.seconds)*time.Second, s.at
		b.byUser[user] = e
	}
}

// answered takes what the PBX granted.
func (b *bindings) answered(m *message, user string) {
	r, ok := b.relayed[m.tx.branch]
	if !ok || m.at >= r.at+64*t1 {
		return // nobody waits for it
	}
	left := map[string]bool{}
	for _, c := range contacts(m) {
		if e := b.byToken[c.user]; e != nil && slices.Contains(r.tokens, c.user) {
			e.index, e.flow, e.pings = r.from, r.flow, 0
			e.there = m.at + time.Duration(c.seconds)*time.Second
		}
		left[c.user] = true
	}
	for _, e := range b.byKey {
		if e.user == user && !left[e.token] {
			e.here, e.there = 0, 0
		}
	}
}
