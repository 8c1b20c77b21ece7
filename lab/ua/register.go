package ua

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Register says how an agent registers: RFC 3261 section 10.2. It registers
// User of its Options at Domain, by way of Peer.
type Register struct {
	Seconds int           // lifetime that it asks for; 0: 3600
	Early   time.Duration // it refreshes so long before the end of what was granted; 0, or more than that: at half of it
	Retry   time.Duration // first wait after a failure without Retry-After, doubled each time; 0: 30 s (RFC 5626 section 4.5)

	Contacts  []string // more URIs to register beside its own
	InContact bool     // the lifetime is a parameter of Contact instead of the field Expires
	Q         string   // of its contacts; empty: none
	Instance  string   // URN of the device, for +sip.instance; empty: none
	RegID     int      // of its flow, RFC 5626; 0: none
	Outbound  bool     // Supported: outbound
	Path      bool     // Supported: path, RFC 3327
	GRUU      bool     // Supported: gruu, RFC 5627

	Again  bool // sends the last nonce again with the next nc, as phones do, instead of being challenged each time
	Learn  bool // its Contact says the address that received and rport of the response show
	Longer bool // more than it asked for may be granted, as Kamailio does below its min_expires
	Shared bool // other contacts of its address-of-record may be named in the response
}

// Ours.
const (
	registerSeconds = 3600
	retryFirst      = 30 * time.Second   // RFC 5626 section 4.5: base-time, all flows failed
	retryMost       = 1800 * time.Second // and max-time
	learnMost       = 3                  // changes of address without a refresh between them
	challengesMost  = 3                  // to one REGISTER
)

// task is what a REGISTER is to do.
type task uint8

const (
	nothing task = iota
	bind
	remove
	removeAll
)

// A registration is what a phone keeps of the bindings that it made. One
// REGISTER is under way at a time: RFC 3261 section 10.2.
//
//	Register ──▶ asking ──2xx──▶ registered ──refresh──▶ asking
//	               │ └──401, 407, 423, 439──▶ asking
//	               └──5xx, none──▶ waiting ──Retry-After, back-off──▶ asking
type registration struct {
	own    dialog // Call-ID, tag and CSeq of all its REGISTERs
	want   Register
	doing  task      // of the REGISTER under way, or that is tried again
	next   task      // what is wanted after it
	asking *client   // the REGISTER under way
	asked  []contact // what it says, those to be removed with 0
	again  *alarm    // the next refresh, or the next try
	expire *alarm    // the end of what was granted

	current  []string // URIs that are bound
	old      []string // URIs that the next REGISTER takes back
	seconds  int      // lifetime that is asked for: that of want, or what a 423 said
	failures int      // in a row
	learned  int      // changes of address since the last refresh

	outbound   bool // is said: want.Outbound, unless a 439 forbade it
	challenges int  // to this REGISTER
	challenge  digest
	answer     string // the name of the field that answers it
	nc         int

	route []string // Service-Route, RFC 3608
	gruu  string
}

// Register registers the agent's contacts, and keeps them registered until
// Unregister. Where it is registered already this is a refresh. A REGISTER
// that is under way is waited for.
func (a *Agent) Register(now time.Duration, r Register, do []Effect) []Effect {
	if a.reg == nil {
		aor := "sip:" + a.o.User + "@" + a.domain()
		a.reg = &registration{own: dialog{
			callID: a.word(20) + a.o.Canary.at(), localTag: a.word(12), target: "sip:" + a.domain(),
			local: "<" + aor + ">", remote: "<" + aor + ">", localSeq: uint32(a.o.Rand.IntN(1000)),
		}}
		do = a.keepFlow(now, do)
	}
	a.reg.want, a.reg.seconds, a.reg.outbound = r, r.Seconds, r.Outbound
	if r.Seconds == 0 {
		a.reg.seconds = registerSeconds
	}
	a.reg.failures = 0
	return a.toRegister(now, bind, do)
}

// RefreshNow refreshes the registration before its time.
func (a *Agent) RefreshNow(now time.Duration, do []Effect) []Effect {
	if !a.Registered() {
		return a.ignored(now, 0, "REGISTER: not registered", do)
	}
	return a.toRegister(now, bind, do)
}

// Unregister takes the agent's contacts back.
func (a *Agent) Unregister(now time.Duration, do []Effect) []Effect {
	if !a.Registered() {
		return a.ignored(now, 0, "REGISTER: not registered", do)
	}
	return a.toRegister(now, remove, do)
}

// UnregisterAll takes all contacts of the address-of-record back, whoever
// bound them: Contact: *.
func (a *Agent) UnregisterAll(now time.Duration, do []Effect) []Effect {
	if a.reg == nil {
		return a.ignored(now, 0, "REGISTER: not registered", do)
	}
	return a.toRegister(now, removeAll, do)
}

// Registered reports whether contacts of the agent are bound, as far as it
// knows.
func (a *Agent) Registered() bool { return a.reg != nil && len(a.reg.current) > 0 }

// Contact returns the URI under which the agent is to be reached.
func (a *Agent) Contact() string { return a.contactURI() }

// domain is where the agent's address-of-record lives.
func (a *Agent) domain() string {
	if a.o.Domain != "" {
		return a.o.Domain
	}
	return a.o.Peer.String()
}

// toRegister sends the REGISTER of a task, once the last one is answered.
func (a *Agent) toRegister(now time.Duration, t task, do []Effect) []Effect {
	r := a.reg
	stop(r.again)
	if r.asking != nil {
		r.next = t
		return do
	}
	r.doing, r.next, r.challenges = t, nothing, 0
	return a.sendRegister(now, do)
}

// sendRegister sends the REGISTER of what is being done.
func (a *Agent) sendRegister(now time.Duration, do []Effect) []Effect {
	r := a.reg
	r.asked = a.registerContacts()
	r.asking = &client{method: "REGISTER", reg: r}
	return a.askPeer(now, &r.own, r.asking, a.registerFields()+a.registerCredentials(), "", "", do)
}

// registerContacts lists what a REGISTER is to say.
func (a *Agent) registerContacts() (list []contact) {
	r := a.reg
	one := func(uri string, seconds int) {
		c := contact{uri: uri, expires: seconds, q: r.want.Q}
		if r.want.Instance != "" {
			c.instance = "<" + r.want.Instance + ">"
			if r.outbound && r.want.RegID > 0 {
				c.regID = strconv.Itoa(r.want.RegID)
			}
		}
		list = append(list, c)
	}
	switch r.doing {
	case bind:
		for _, uri := range append([]string{a.contactURI()}, r.want.Contacts...) {
			a.name(uri)
			one(uri, r.seconds)
		}
		for _, uri := range r.old {
			if uri != a.contactURI() {
				list = append(list, contact{uri: uri, expires: 0})
			}
		}
	case remove:
		for _, uri := range r.current {
			one(uri, 0)
		}
	}
	return list
}

// registerFields writes what the REGISTER says, less its credentials.
func (a *Agent) registerFields() string {
	r := a.reg
	var b strings.Builder
	if r.doing == removeAll {
		b.WriteString("Contact: *\r\nExpires: 0\r\n")
	}
	inField := !r.want.InContact && len(r.asked) > 0
	for _, c := range r.asked {
		if inField && c.expires == r.asked[0].expires {
			c.expires = -1
		}
		b.WriteString("Contact: " + c.String() + crlf)
	}
	if inField {
		b.WriteString("Expires: " + strconv.Itoa(r.asked[0].expires) + crlf)
	}
	if tags := r.supported(); len(tags) > 0 {
		b.WriteString("Supported: " + strings.Join(tags, ", ") + crlf)
	}
	b.WriteString("Allow: " + allow + crlf)
	return b.String()
}

func (r *registration) supported() (tags []string) {
	if r.want.Path || r.outbound { // RFC 5626 section 4.2.1
		tags = append(tags, "path")
	}
	if r.outbound {
		tags = append(tags, "outbound")
	}
	if r.want.GRUU {
		tags = append(tags, "gruu")
	}
	return tags
}

// name notes a URI under which requests may come.
func (a *Agent) name(uri string) {
	if !slices.Contains(a.named, uri) {
		a.named = append(a.named, uri)
	}
}
