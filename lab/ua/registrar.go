package ua

import (
	"net/netip"
	"slices"
	"time"

	"sbc/signaling/sip"
)

// A Registrar says how a PBX registers its users: RFC 3261 section 10.3.
type Registrar struct {
	Domain string            // of the addresses-of-record; empty: that of the Agent, or its address
	Realm  string            // of the challenge; empty: nobody is challenged
	Users  map[string]string // passwords by user; nil: everybody may register, with the password of Challenge

	Seconds  int           // granted where nothing was asked for; 0: 3600
	Min, Max int           // seconds; less gets 423, more is shortened; 0: no bound
	Contacts int           // of an address-of-record, more get 403; 0: any number
	Nonce    time.Duration // for which a nonce may be used; 0: for ever
	Spent    bool          // a nonce may be used once: a refresh with it is stale

	ServiceRoute []string      // values of Service-Route in the 2xx, RFC 3608
	GRUU         bool          // public GRUUs for those who support them, RFC 5627
	Outbound     bool          // RFC 5626
	Qualify      time.Duration // OPTIONS goes to each contact so often; 0: never
}

// A Binding is a contact of an address-of-record, as a registrar knows it.
type Binding struct {
	User      string // of the address-of-record
	URI       string // of Contact
	CallID    string
	CSeq      uint32
	Until     time.Duration
	Path      []string // RFC 3327
	Instance  string
	RegID     string
	Q         string
	GRUU      string
	From      netip.AddrPort // where the REGISTER came from
	Reachable bool           // as the last OPTIONS found; true where none was answered yet
}

// binding is one of the registrar's.
type binding struct {
	Binding
	expire  *alarm
	qualify *alarm
	gone    bool
}

// RegisterCounts count what a registrar was asked for.
type RegisterCounts struct {
	Requests   int // REGISTERs, without retransmissions
	Challenged int // 401, the first and for a stale nonce
	Granted    int // 2xx
	Refused    int // by another response
	Busiest    int // most within one second
}

// A registrar is what an agent keeps in that role.
type registrar struct {
	byUser map[string][]*binding // in the order in which they were made
	users  []string              // with bindings, in the order of their first
	nonces map[string]*nonce
	order  []string // of the nonces, oldest first
	counts RegisterCounts
	of     map[string]int  // REGISTERs by user
	recent []time.Duration // of the last second
	down   int             // status of all responses; 0: works; -1: none is sent
	wait   int             // Retry-After
}

// noncesMost bounds what a registrar remembers: an older nonce is stale.
const noncesMost = 50000

// Bindings returns the bindings of a user that are not over, oldest first.
func (a *Agent) Bindings(user string) (list []Binding) {
	for _, b := range a.registrar.byUser[user] {
		list = append(list, b.Binding)
	}
	return list
}

// BoundUsers returns the users that have bindings, in the order in which they
// came.
func (a *Agent) BoundUsers() []string { return slices.Clone(a.registrar.users) }

// Counts returns what the registrar was asked for so far, and how often by one
// user.
func (a *Agent) Counts(user string) (all RegisterCounts, ofUser int) {
	return a.registrar.counts, a.registrar.of[user]
}

// Down lets the registrar answer every REGISTER with a status, and Retry-After
// where seconds is not 0. -1 answers none; 0 lets it work again.
func (a *Agent) Down(status, seconds int) { a.registrar.down, a.registrar.wait = status, seconds }

// Forget lets the registrar lose its bindings and nonces, as one does that is
// restarted.
func (a *Agent) Forget() {
	r := &a.registrar
	for _, user := range r.users {
		for _, b := range r.byUser[user] {
			b.drop()
		}
	}
	r.byUser, r.nonces, r.users, r.order = map[string][]*binding{}, map[string]*nonce{}, nil, nil
}

func (b *binding) drop() {
	b.gone = true
	stop(b.expire)
	stop(b.qualify)
}

// registrarDomain is where the addresses-of-record live.
func (a *Agent) registrarDomain() string {
	switch {
	case a.o.Registrar.Domain != "":
		return a.o.Registrar.Domain
	case a.o.Domain != "":
		return a.o.Domain
	}
	return a.o.Addr.String()
}

// unbind removes a binding of ours.
func (a *Agent) unbind(now time.Duration, b *binding, why string, do []Effect) []Effect {
	if b.gone {
		return do
	}
	b.drop()
	r := &a.registrar
	left := slices.DeleteFunc(r.byUser[b.User], func(o *binding) bool { return o == b })
	r.byUser[b.User] = left
	if len(left) == 0 {
		delete(r.byUser, b.User)
		r.users = slices.DeleteFunc(r.users, func(u string) bool { return u == b.User })
	}
	return tell(Event{Is: Unbound, At: now, User: b.User, Text: b.URI + " " + why}, do)
}

// bound returns the contact of a user that is to be called: the one with the
// highest q, of those the one that was registered last. nil: there is none.
func (a *Agent) bound(user string) (best *binding) {
	for _, b := range a.registrar.byUser[user] {
		if best == nil || weight(b.Q) >= weight(best.Q) {
			best = b
		}
	}
	return best
}

// weight orders values of q, RFC 3261 section 20.10: absent is 1.
func weight(q string) string {
	switch q {
	case "", "1":
		return "1.000"
	case "0":
		return "0.000"
	}
	return (q + "000")[:5]
}

// countRegister counts a REGISTER.
func (r *registrar) countRegister(now time.Duration, user string) {
	r.counts.Requests++
	r.of[user]++
	i := 0
	for i < len(r.recent) && r.recent[i] <= now-time.Second {
		i++
	}
	r.recent = append(r.recent[i:], now)
	r.counts.Busiest = max(r.counts.Busiest, len(r.recent))
}

// registerRequest takes a REGISTER: the steps of RFC 3261 section 10.3.
func (a *Agent) registerRequest(now time.Duration, s *server, do []Effect) []Effect {
	r, m := &a.registrar, s.request
	to := m.ToURI()
	user := string(m.Bytes(to.User))
	r.countRegister(now, user)
	switch {
	case r.down < 0:
		a.set(now+64*t1, alarm{is: lingerServer, server: s})
		return do
	case r.down > 0:
		fields := ""
		if r.wait > 0 {
			fields = "Retry-After: " + itoa(r.wait) + crlf
		}
		return a.refuseRegister(now, s, r.down, fields, "down", do)
	}
	if err := a.judgeRegister(m); err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
		return a.refuseRegister(now, s, 400, "", err.Error(), do)
	}
	if string(m.Bytes(to.Host)) != hostOf(a.registrarDomain()) {
		return a.refuseRegister(now, s, 404, "", "not our domain", do)
	}
	if ok, more := a.authorizeRegister(now, s, user, do); !ok {
		return more
	}
	return a.changeBindings(now, s, user, do)
}

// refuseRegister answers a REGISTER that changes nothing.
func (a *Agent) refuseRegister(now time.Duration, s *server, status int, fields, why string, do []Effect) []Effect {
	a.registrar.counts.Refused++
	do = a.respond(now, s, status, a.word(10), fields, "", do)
	to := s.request.ToURI()
	user := string(s.request.Bytes(to.User))
	return tell(Event{Is: RegisterRefused, At: now, User: user, Status: status, Text: why, Message: s.request}, do)
}

// at returns the binding that a contact of a REGISTER means: that of its
// instance and flow, else that of its URI. RFC 5626 section 6.
func (r *registrar) at(user string, c contact) *binding {
	for _, b := range r.byUser[user] {
		if c.instance != "" && c.regID != "" {
			if b.Instance == c.instance && b.RegID == c.regID {
				return b
			}
			continue
		}
		if b.URI == c.uri {
			return b
		}
	}
	return nil
}

// answerRegister sends the 2xx: it names all bindings of the user. RFC 3261
// section 10.3 step 8.
func (a *Agent) answerRegister(now time.Duration, s *server, user string, outbound bool, do []Effect) []Effect {
	m, fields := s.request, ""
	for _, b := range a.registrar.byUser[user] {
		c := contact{uri: b.URI, instance: b.Instance, regID: b.RegID, q: b.Q, expires: max(1, int((b.Until-now+time.Second-1)/time.Second))}
		if supports(m, "gruu") {
			c.gruu = b.GRUU
		}
		fields += "Contact: " + c.String() + crlf
	}
	for _, f := range m.Fields() { // RFC 3327 section 5.3
		if f.ID == sip.FieldPath {
			fields += "Path: " + string(m.Bytes(f.Value)) + crlf
		}
	}
	for _, route := range a.o.Registrar.ServiceRoute {
		fields += "Service-Route: " + route + crlf
	}
	if outbound {
		fields += "Require: outbound\r\n"
	}
	a.registrar.counts.Granted++
	return a.respond(now, s, 200, a.word(10), fields, "", do)
}
