package b2bua

import (
	"bytes"
	"time"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// A begun is a request that opened a call of no session: it goes to one target
// after the other until one takes it.
type begun struct {
	raw      []byte
	targets  []Target
	tried    int
	flow     Flow
	records  []byte        // Record-Route lines of our responses
	register *Registration // of a REGISTER, until its outcome is told
}

// begin handles a request outside of any dialog that is no INVITE. Its call
// has no session: it ends with the response, or where that makes a dialog
// (SUBSCRIBE, REFER), with the last subscription in it.
func (c *Calls) begin(ev *Event, do []Effect) []Effect {
	m := ev.Msg
	if r := CheckBegin(m); r != nil {
		return c.refuse(nil, A, ev, r, do)
	}
	call := c.open(ev)
	call.state = apart
	c.openDialog(call, ev)
	call.begun = &begun{raw: append([]byte(nil), m.Raw...), targets: ev.Targets, flow: ev.Flow}
	call.begun.beginRegister(ev.Register)
	if makesDialog(m.Method()) {
		call.begun.records = recordRoutes(m)
	}
	do = append(do, Effect{Do: Created, Call: call, Method: m.Method()}, Effect{Do: Saw, Call: call, Side: A, Msg: m})
	call.relays = append(call.relays, relay{
		pair: call.pair, from: A, initial: true, method: m.Method(), name: string(m.MethodName()), server: ev.Server,
		vias: sip.AppendVias(nil, m, ev.Flow.Remote), seqIn: m.CSeq(), target: append([]byte(nil), contactURI(m)...),
		stamp: stamp(m),
	})
	if makesDialog(m.Method()) {
		call.relays[0].event = subscriptionOf(m)
	}
	return c.beginAt(call, m, do)
}

// CheckBegin tells why a request cannot begin anything.
func CheckBegin(m *sip.Message) *Refusal {
	if r := CheckRequest(m); r != nil {
		return r
	}
	if n := contacts(m); makesDialog(m.Method()) && n != 1 {
		return &Refusal{Status: 400, Reason: "Exactly One Contact Needed", Cause: "contact"}
	}
	return checkAnyBody(m)
}

// makesDialog tells whether a 2xx to a request of the method makes a dialog.
func makesDialog(m sip.Method) bool { return m == sip.SUBSCRIBE || m == sip.REFER }

// beginAt sends the request that opened the call to its next target.
func (c *Calls) beginAt(call *Call, m *sip.Message, do []Effect) []Effect {
	b := call.begun
	t := &b.targets[b.tried]
	b.tried++
	c.openLegB(call, t)
	call.legs[B].state = legNone
	r := &call.relays[0]
	do = append(do, Effect{Do: Routed, Call: call, Side: B, Rule: t.Rule, Peer: t.Peer})
	c.learnKnown(call.pair, A, m, nil)
	l := &call.legs[B]
	client, branch := c.newClient(call)
	r.client = client
	hashed := c.hashedHost(call.legs[A].realm, m)
	uri := requestURI(c.work.take(), m, t, hashed)
	c.work.keep(uri)
	call.guards[B].allowBare(hashed)
	tl := c.work.toLeg()
	tl.RequestURI, tl.FromTag, tl.PeerHost, tl.Routes = uri, l.localTag, []byte(t.Host), t.Routes
	if b.register != nil {
		c.register(call, m, tl)
	}
	e := Effect{Do: Start, Call: call, Side: B, Client: client, Flow: l.next, Method: m.Method()}
	e, do = c.writeRequest(call.pair, B, m, e, branch, l.localSeq, tl, stray(m), do)
	if e.Bytes == nil {
		c.finish(call, client)
		return c.beginRefused(call, &Refusal{Status: 500, Cause: "leak"}, do)
	}
	c.learnSent(l, e.Bytes)
	if makesDialog(m.Method()) {
		call.pair.subscribe(r.event, A)
	}
	return append(do, e)
}

// beginRefused answers the request that opened the call, and ends it.
func (c *Calls) beginRefused(call *Call, no *Refusal, do []Effect) []Effect {
	r := call.relays[0]
	call.relays = call.relays[1:]
	call.pair.subs = nil
	do = append(do, Effect{Do: Refused, Call: call, Side: A, Refusal: no, Peer: call.From, Method: r.method},
		Effect{Do: Respond, Call: call, Side: A, Server: r.server, Status: no.Status, Method: r.method,
			Bytes: c.statusLine(&call.legs[A], &r, no.Status, no.Fields)})
	return c.maybeGone(call, do)
}

// beginAgain tries the next target after a status that is about the peer. ok is
// false if there is none, or if a NOTIFY has made the dialog: then this peer has
// the subscription, and a second one would be told by the same name.
func (c *Calls) beginAgain(call *Call, status int, do []Effect) ([]Effect, bool) {
	b := call.begun
	if b == nil || b.tried == len(b.targets) || status != 500 && status != 503 || len(call.legs[B].remoteTag) > 0 {
		return do, false
	}
	m := &sip.Message{}
	if err := m.Parse(b.raw); err != nil {
		return do, false
	}
	return c.beginAt(call, m, do), true
}

// A subscription is a usage of a dialog (RFC 6665 section 4): NOTIFYs cross in
// it until one says that it is terminated. It may outlive the call that the
// dialog was made for (RFC 5057).
type subscription struct {
	event   string        // package and id, as one word
	by      Side          // who subscribed
	expires time.Duration // as granted last
}

// subscribe enters a subscription of side s.
func (p *pair) subscribe(event string, s Side) {
	for i := range p.subs {
		if p.subs[i].event == event && p.subs[i].by == s {
			return
		}
	}
	if len(p.subs) < subscriptionsMax {
		p.subs = append(p.subs, subscription{event: event, by: s, expires: grace})
	}
}

// unsubscribe forgets the subscription of side s.
func (p *pair) unsubscribe(event string, s Side, do []Effect) []Effect {
	for i := range p.subs {
		if p.subs[i].event == event && p.subs[i].by == s {
			p.subs = append(p.subs[:i], p.subs[i+1:]...)
			break
		}
	}
	if !p.call.Watches() {
		do = p.call.disarm(TimerUsage, do)
	}
	return do
}

// Ours:
const (
	// A dialog has one, two where a transfer is watched while another is tried.
	subscriptionsMax = 8
	// For how long a subscription is kept beyond what was granted: its refresh
	// and its last NOTIFY may be under way. RFC 3515 section 2.4.4 leaves it to
	// the NOTIFY to say how long that of a REFER lasts; until one comes it is
	// as long.
	grace = 64 * t1
	// For how long we wait for the first NOTIFY of a REFER: as long as a phone
	// rings.
	referTime = 3 * time.Minute
	// The longest that is kept without a refresh.
	expiresMax = 24 * time.Hour
)

// subscriptionOf returns the word for the subscription that a SUBSCRIBE, NOTIFY
// or REFER is about.
func subscriptionOf(m *sip.Message) string {
	f, ok := m.First(sip.FieldEvent)
	if !ok {
		return "refer"
	}
	v := m.Unfold(nil, f.Value)
	name, params, _ := bytes.Cut(v, []byte(";"))
	word := string(bytes.ToLower(bytes.TrimSpace(name)))
	if word == "refer" {
		return word // its id is a number of one leg
	}
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte(";"))
		if k, id, _ := bytes.Cut(bytes.TrimSpace(p), []byte("=")); string(k) == "id" {
			word += ";" + string(id)
		}
	}
	return word
}

// watched notes what a request that went on, and later its response, mean for
// the subscriptions of p. s is the side that asked.
func (c *Calls) watched(p *pair, s Side, m *sip.Message, do []Effect) []Effect {
	switch m.Method() {
	case sip.SUBSCRIBE, sip.REFER:
		c.visitUsage(p, subscriptionOf(m), s, string(m.MethodName()))
		p.subscribe(subscriptionOf(m), s)
	case sip.NOTIFY:
		event := subscriptionOf(m)
		if state, ok := m.First(sip.FieldSubscriptionState); ok {
			return c.notified(p, event, s.other(), m, state, do)
		}
	}
	return do
}

// subscriber returns whose subscription r is about.
func (r *relay) subscriber() Side {
	if r.method == sip.NOTIFY {
		return r.from.other()
	}
	return r.from
}

// watchedResponse notes what the final response to r means for its
// subscription (RFC 6665 section 4.1.2.2, RFC 5057 section 5.1).
func (c *Calls) watchedResponse(p *pair, r *relay, m *sip.Message, do []Effect) []Effect {
	status := m.Status()
	c.visitUsage(p, r.event, r.subscriber(), statusWord(status)+" to "+r.name)
	switch {
	case status/100 != 2 && (r.initial || r.method == sip.REFER || overForSubscription(status)):
		do = p.unsubscribe(r.event, r.subscriber(), do)
	case status/100 != 2 || r.method == sip.NOTIFY:
	case r.method == sip.REFER && refuses(m):
		do = p.unsubscribe(r.event, r.from, do)
	case r.method == sip.REFER:
		do = c.granted(p, r.event, r.from, referTime, do)
	default:
		f, ok := m.First(sip.FieldExpires)
		if !ok {
			return c.granted(p, r.event, r.from, time.Hour, do)
		}
		do = c.granted(p, r.event, r.from, seconds(m.Bytes(f.Value)), do)
	}
	return do
}

// refuses tells whether the 2xx to a REFER says that no NOTIFY will come
// (RFC 4488).
func refuses(m *sip.Message) bool {
	f, ok := m.FindName("Refer-Sub")
	return ok && bytes.HasPrefix(bytes.ToLower(m.Bytes(f.Value)), []byte("false"))
}

// overForSubscription lists the responses that end a subscription.
func overForSubscription(status int) bool {
	switch status {
	case 404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604:
		return true
	}
	return false
}

// adopt finds the pair of a NOTIFY whose sender is not known yet: it overtook
// the 2xx to its SUBSCRIBE, or is that of another phone which a fork reached
// (RFC 6665 section 4.1.2.4).
func (c *Calls) adopt(m *sip.Message) (*pair, Side) {
	if m.Method() != sip.NOTIFY || m.From().Tag.Empty() {
		return nil, A
	}
	id, ok := c.opt.IDs.Read(tagKind, m.Bytes(m.To().Tag))
	if !ok {
		return nil, A
	}
	ref, ok := c.legs[id.Serial]
	if !ok || ref.side != B || ref.call.state != apart || !ref.call.Watches() || string(ref.call.legs[B].callID) != string(m.Bytes(m.CallID())) {
		return nil, A
	}
	p := ref.call.pair
	if len(p.legs[B].remoteTag) > 0 {
		if len(ref.call.forks) == forksMax {
			return nil, A
		}
		p = c.fork(ref.call)
		p.subscribe(subscriptionOf(m), A)
	}
	l := &p.legs[B]
	l.remoteTag = append(l.remoteTag[:0], m.Bytes(m.From().Tag)...)
	l.remote = m.Unfold(nil, m.From().Value)
	c.learn(l, m, true)
	c.hand = ref.call
	return p, B
}

func (c *Calls) notified(p *pair, event string, by Side, m *sip.Message, f sip.Field, do []Effect) []Effect {
	v := m.Unfold(nil, f.Value)
	word, params, _ := bytes.Cut(v, []byte(";"))
	if bytes.EqualFold(bytes.TrimSpace(word), []byte("terminated")) {
		c.visitUsage(p, event, by, "NOTIFY terminated")
		return p.unsubscribe(event, by, do)
	}
	c.visitUsage(p, event, by, "NOTIFY")
	p.subscribe(event, by)
	for len(params) > 0 {
		var one []byte
		one, params, _ = bytes.Cut(params, []byte(";"))
		if k, n, _ := bytes.Cut(bytes.TrimSpace(one), []byte("=")); string(k) == "expires" {
			return c.granted(p, event, by, seconds(n), do)
		}
	}
	return do
}

// granted notes for how long a subscription is kept from now on.
func (c *Calls) granted(p *pair, event string, by Side, d time.Duration, do []Effect) []Effect {
	longest := time.Duration(0)
	for i := range p.subs {
		if s := &p.subs[i]; s.event == event && s.by == by {
			s.expires = min(d, expiresMax) + grace
		}
		longest = max(longest, p.subs[i].expires)
	}
	return p.call.arm(TimerUsage, longest, do)
}

func seconds(digits []byte) time.Duration {
	n := time.Duration(0)
	for _, d := range bytes.TrimSpace(digits) {
		if d < '0' || d > '9' || n > expiresMax {
			break
		}
		n = n*10 + time.Duration(d-'0')*time.Second
	}
	return n
}

// unwatched handles that the time of all subscriptions of a call is over.
func (c *Calls) unwatched(call *Call, do []Effect) []Effect {
	call.pairs(func(p *pair) {
		for i := range p.subs {
			c.visitUsage(p, p.subs[i].event, p.subs[i].by, "its time is over")
		}
		p.subs = nil
	})
	return c.maybeGone(call, do)
}

// Watches reports whether a pair of the call has a subscription.
func (call *Call) Watches() bool {
	n := len(call.subs)
	for _, p := range call.forks {
		n += len(p.subs)
	}
	return n > 0
}

// refersMax is how many REFERs of a dialog are told apart. Ours: a transfer is
// tried again when the first has failed.
const refersMax = 4

// refer notes by which numbers the two legs know a REFER of side s.
func (p *pair) refer(s Side, in, out uint32) {
	var n [2]uint32
	n[s], n[s.other()] = in, out
	if len(p.refers) == refersMax {
		p.refers = p.refers[:copy(p.refers, p.refers[1:])]
	}
	p.refers = append(p.refers, n)
}

// referred returns the number by which the far end of s.other() knows the REFER
// that m, from side s, names in its Event; 0 if none is named (RFC 3515 section
// 2.4.6).
func (p *pair) referred(m *sip.Message, s Side) uint32 {
	f, ok := m.First(sip.FieldEvent)
	i := bytes.IndexByte(m.Bytes(f.Value), ';')
	if !ok || i < 0 {
		return 0
	}
	id, ok := sip.Param(m.Raw, edit.Span{Start: f.Value.Start + i, End: f.Value.End}, "id")
	if !ok {
		return 0
	}
	n, err := sip.ParseNumber(m.Raw, id)
	if err != nil {
		return 0
	}
	for _, r := range p.refers {
		if r[s] == n {
			return r[s.other()]
		}
	}
	return 0
}
