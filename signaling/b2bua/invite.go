package b2bua

import (
	"strconv"
	"time"

	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/topology"
)

// An invite is the one INVITE that a call has under way: from the request to
// the ACK of its final response. RFC 3261 section 14.1 allows one at a time in
// either direction.
type invite struct {
	from     Side
	initial  bool
	offerIn  offerIn
	state    inviteState
	server   Server
	client   Client
	clientOn bool   // the client transaction was started
	heard    bool   // a response other than 100 came
	vias     []byte // Via lines of our responses
	records  []byte // Record-Route lines of our responses
	seqIn    uint32
	seqOut   uint32
	rang     bool   // a provisional response went on
	reliable bool   // the caller knows reliable provisional responses
	target   []byte // Contact of the request, which its 2xx makes the remote target
	offered  []line // by the first INVITE: each early dialog answers it
	parties

	raw       []byte // the first INVITE, kept while another target may be tried
	targets   []Target
	tried     int // targets tried or passed over
	redirects int // 3xx that were followed
	followed  int // tried when the last of them came

	final []byte        // our 2xx, sent again until its ACK comes
	every time.Duration // interval of that
	sent  time.Duration // since the first of them
	// What our ACK has to carry if the offer in the 2xx finds nobody to answer
	// it; nil: nothing.
	decline []byte
}

type inviteState uint8

const (
	proceeding inviteState = iota
	canceled               // the caller got 487; the callee's final response is awaited
	answered               // 2xx sent; the ACK is awaited
	acked                  // the ACK went on; kept for retransmissions of the 2xx
	refused                // final response other than 2xx sent
)

type offerIn uint8

const (
	offerInInvite offerIn = iota
	offerIn2xx            // answered in the ACK (RFC 3264, RFC 3261 section 13.2.1)
)

// RFC 3261 table 4.
const (
	t1 = 500 * time.Millisecond
	t2 = 4 * time.Second
	// The longest time that a transaction lives.
	lifetime = 64 * t1
)

// parties are From and To of a request within a dialog as they have to stand
// in its responses (RFC 3261 section 8.2.6.2); nil where they are those of the
// dialog.
type parties struct{ from, to []byte }

func (l *leg) parties(m *sip.Message) (p parties) {
	if f := m.From().Value; string(m.Bytes(f)) != string(l.remote) {
		p.from = m.Unfold(nil, f)
	}
	if f := m.To().Value; string(m.Bytes(f)) != string(l.local) {
		p.to = m.Unfold(nil, f)
	}
	return p
}

// of returns the values for a response to the far end of l.
func (p *parties) of(l *leg) (from, to []byte) {
	from, to = l.remote, l.local
	if p.from != nil {
		from = p.from
	}
	if p.to != nil {
		to = p.to
	}
	return from, to
}

// busy reports whether the call has an INVITE under way.
func (in *invite) busy() bool { return in != nil && in.state != acked && in.state != refused }

// invite opens a call.
func (c *Calls) invite(ev *Event, do []Effect) []Effect {
	call := ev.Call
	if call == nil {
		if r := c.checkInvite(ev.Msg); r != nil {
			return c.refuse(nil, A, ev, r, do)
		}
		call = c.open(ev)
		c.openLegA(call, ev)
		do = append(do, Effect{Do: Created, Call: call, Method: sip.INVITE}, Effect{Do: Saw, Call: call, Side: A, Msg: ev.Msg})
	}
	return c.tryNext(call, ev, do)
}

func (c *Calls) openLegA(call *Call, ev *Event) {
	m, l := ev.Msg, &call.legs[A]
	c.openDialog(call, ev)
	l.state = legEarly
	l.sent = c.newSDP()
	call.inv = &invite{
		from: A, initial: true, server: ev.Server, seqIn: m.CSeq(), targets: ev.Targets,
		vias:    sip.AppendVias(nil, m, ev.Flow.Remote),
		records: recordRoutes(m), reliable: knowsReliable(m),
		raw: append([]byte(nil), m.Raw...),
	}
	c.byTx[ev.Server] = call
}

// openDialog begins our half of the dialog that a request may make.
func (c *Calls) openDialog(call *Call, ev *Event) {
	m, l := ev.Msg, &call.legs[A]
	l.realm, l.peer, l.flow = c.opt.Listeners[ev.Flow.Listener].Realm, ev.Peer, ev.Flow
	l.callID = append([]byte(nil), m.Bytes(m.CallID())...)
	l.remoteTag = append([]byte(nil), m.Bytes(m.From().Tag)...)
	l.remote = m.Unfold(nil, m.From().Value)
	l.remoteSeq, l.seqKnown = m.CSeq(), true
	l.localSeq = c.firstSeq()
	c.newTag(call, A, l)
	l.local = append(append(m.Unfold(nil, m.To().Value), ";tag="...), l.localTag...)
	c.learn(l, m, true)
	call.Caller, call.Callee = userOf(m, m.From().URI), userOf(m, m.RequestURI())
}

// firstSeq draws where a CSeq space of ours begins: low, so that it never
// reaches 2^31, and not the same for all.
func (c *Calls) firstSeq() uint32 { return 1 + c.opt.Rand.Uint32N(1<<16) }

func recordRoutes(m *sip.Message) (lines []byte) {
	for _, f := range m.Fields() {
		if f.ID == sip.FieldRecordRoute {
			lines = append(append(append(lines, "Record-Route: "...), m.Unfold(nil, f.Value)...), "\r\n"...)
		}
	}
	return lines
}

// NameMax is how much of the names of its ends a call keeps, in octets. Ours.
const NameMax = 256

func userOf(m *sip.Message, s edit.Span) string {
	uri, err := sip.ParseURI(m.Raw, s)
	if err != nil {
		return ""
	}
	name := m.Bytes(uri.User)
	if len(name) == 0 {
		name = m.Bytes(uri.Host)
	}
	return string(name[:min(len(name), NameMax)])
}

// tryNext takes what the next target needs, a step at a time, and sends the
// INVITE to it. It is entered again with each answer to Reserve and Open.
func (c *Calls) tryNext(call *Call, ev *Event, do []Effect) []Effect {
	in := call.inv
	if len(call.places) == 0 && ev.Peer >= 0 {
		return c.wait(call.pair, ev, Effect{Do: Reserve, Call: call, Peer: ev.Peer}, do)
	}
	if in.tried == len(in.targets) {
		return c.endRefused(call, &Refusal{Status: 503, Cause: "no_target", Fields: retryAfter}, do)
	}
	t := &in.targets[in.tried]
	if !call.holds(t.Peer) {
		return c.wait(call.pair, ev, Effect{Do: Reserve, Call: call, Peer: t.Peer}, do)
	}
	c.openLegB(call, t)
	if c.misplaced(call) {
		call.streams = nil
		do = append(do, Effect{Do: Close, Call: call})
	}
	call.exchange = exchange{}
	d, r := c.describe(call.pair, A, ev.Msg)
	if r != nil {
		return c.endRefused(call, r, do)
	}
	c.learnKnown(call.pair, A, ev.Msg, &d)
	in.offerIn = offerIn2xx
	if d.has {
		in.offerIn = offerInInvite
		if call.lacks(&d) {
			return c.wait(call.pair, ev, c.openFor(call, A, &d), do)
		}
		in.offered = append(in.offered[:0], d.lines...)
		do = c.exchanged(call.pair, A, &d, do)
	}
	return c.sendInvite(call, t, ev.Msg, d, do)
}

const retryAfter = "Retry-After: 5\r\n"

func (call *Call) holds(peer int) bool {
	// The caller's own place stands first; a call from a peer back to itself
	// takes two.
	for i, p := range call.places {
		if i > 0 && p == peer {
			return true
		}
	}
	return false
}

func (c *Calls) openLegB(call *Call, t *Target) {
	l := &call.legs[B]
	if l.state == legEarly && l.peer == t.Peer && l.flow == t.Flow {
		return
	}
	if id, ok := c.opt.IDs.Read(ident.Tag, l.localTag); ok {
		delete(c.legs, id.Serial)
	}
	*l = leg{realm: c.opt.Listeners[t.Flow.Listener].Realm, peer: t.Peer, flow: t.Flow, next: t.Flow, open: t.Open, state: legEarly}
	l.callID = c.opt.IDs.Append(nil, ident.CallID, ident.ID{Serial: c.opt.Rand.Uint64(), Shard: call.shard})
	l.localSeq = c.firstSeq()
	l.sent = c.newSDP()
	c.newTag(call, B, l)
	call.To, call.Rule = t.Peer, t.Rule
	c.learnOurs(call, t)
}

// sendInvite writes the INVITE for target t.
func (c *Calls) sendInvite(call *Call, t *Target, m *sip.Message, d description, do []Effect) []Effect {
	in, l := call.inv, &call.legs[B]
	in.tried++
	do = append(do, Effect{Do: Routed, Call: call, Side: B, Rule: t.Rule, Peer: t.Peer})
	client, branch := c.newInvite(call, d.late())
	in.client, in.clientOn = client, true
	in.seqOut = l.localSeq
	hashed := c.hashedHost(call.legs[A].realm, m)
	uri := requestURI(c.work.take(), m, t, hashed)
	c.work.keep(uri)
	call.guards[B].allowBare(hashed)
	tl := c.work.toLeg()
	tl.RequestURI, tl.FromTag, tl.PeerHost, tl.Routes = uri, l.localTag, []byte(t.Host), t.Routes
	e := Effect{Do: Start, Call: call, Side: B, Client: client, Flow: l.next, Method: sip.INVITE}
	e, do = c.writeRequest(call.pair, B, m, e, branch, l.localSeq, tl, &d, do)
	if e.Bytes == nil {
		c.finish(call, client)
		in.clientOn = false
		return c.endRefused(call, &Refusal{Status: 500, Cause: "leak"}, do)
	}
	c.learnSent(l, e.Bytes)
	do = append(do, e)
	return call.arm(TimerRing, c.opt.Ring, do)
}

// learnSent keeps From and To of the first request of a dialog as we wrote
// them, since all later requests must carry them unchanged.
func (l *leg) learnFrom(m *sip.Message) {
	l.local = append(l.local[:0], m.Bytes(m.From().Value)...)
	l.remote = append(l.remote[:0], m.Bytes(m.To().Value)...)
}

func (c *Calls) learnSent(l *leg, out []byte) {
	var m sip.Message
	if err := m.Parse(out); err == nil {
		l.learnFrom(&m)
		l.target = append(l.target[:0], m.Bytes(m.RequestURI())...)
	}
}

// requestURI writes where a call is sent: the user as the route says, at the
// peer's host. Parameters of the user (user=phone) stay; those that name a
// place do not. hashed is what hashedHost says of m.
func requestURI(dst []byte, m *sip.Message, t *Target, hashed []byte) []byte {
	if t.URI != nil {
		return append(dst, t.URI...)
	}
	uri, err := sip.ParseURI(m.Raw, m.RequestURI())
	if urn := m.Bytes(m.RequestURI()); sip.IsSOS(urn) {
		return append(dst, urn...) // whoever is asked knows where help is
	}
	if err != nil {
		return append(append(dst, "sip:"...), t.Host...)
	}
	tel := string(m.Bytes(uri.Scheme)) == "tel"
	user := m.Bytes(uri.User)
	if tel {
		user = m.Bytes(uri.Host)
	}
	if t.User != nil {
		user = t.User
	}
	if tel {
		// The parameters of the number are part of it: npdi, rn, ext, isub
		// (RFC 3261 section 19.1.6).
		user = append(user[:len(user):len(user)], m.Bytes(uri.Params)...)
	}
	host := []byte(t.Host)
	if hashed != nil {
		host = hashed
	}
	dst = append(dst, "sip:"...)
	if len(user) > 0 {
		dst = append(topology.AppendUser(dst, user, host), '@')
	}
	dst = append(dst, host...)
	if v, ok := sip.Param(m.Raw, uri.Params, "user"); ok && !tel {
		dst = append(append(dst, ";user="...), m.Bytes(v)...)
	} else if tel {
		dst = append(dst, ";user=phone"...)
	}
	return dst
}

// refuse answers a request without a call, or of a call that goes on.
func (c *Calls) refuse(call *Call, s Side, ev *Event, r *Refusal, do []Effect) []Effect {
	resp := sip.Response{Status: r.Status, Reason: r.Reason, Src: ev.Flow.Remote, Fields: []byte(r.Fields)}
	if call == nil || ev.Msg.To().Tag.Empty() {
		id := ident.ID{Serial: c.opt.Rand.Uint64(), Shard: c.opt.Shard(c.opt.Rand)}
		resp.ToTag = c.opt.IDs.Append(nil, ident.Tag, id)
	}
	b := c.work.keep(sip.AppendResponse(c.work.take(), ev.Msg, &resp))
	return append(do,
		Effect{Do: Refused, Call: call, Side: s, Refusal: r, Peer: ev.Peer, Method: ev.Msg.Method()},
		Effect{Do: Respond, Call: call, Side: s, Server: ev.Server, Status: r.Status, Method: ev.Msg.Method(), Bytes: b})
}

// respondOwn writes a response of ours to the INVITE under way.
func (c *Calls) respondOwn(p *pair, status int, reason, fields string) Effect {
	call, in := p.call, p.call.inv
	l := &p.legs[in.from]
	if reason == "" {
		reason = sip.StatusText(status)
	}
	b := append(c.work.take(), "SIP/2.0 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(append(b, ' '), reason...), "\r\n"...)
	from, to := in.of(l)
	b = append(append(b, in.vias...), "From: "...)
	b = append(append(b, from...), "\r\nTo: "...)
	b = append(append(b, to...), "\r\nCall-ID: "...)
	b = append(append(b, l.callID...), "\r\nCSeq: "...)
	b = strconv.AppendUint(b, uint64(in.seqIn), 10)
	b = append(append(append(b, " INVITE\r\n"...), fields...), "Content-Length: 0\r\n\r\n"...)
	return Effect{Do: Respond, Call: call, Side: in.from, Server: in.server, Status: status, Method: sip.INVITE, Bytes: c.work.keep(b)}
}

// endInvite ends the INVITE under way, whatever state it is in.
func (c *Calls) endInvite(call *Call, r *Refusal, do []Effect) []Effect {
	in := call.inv
	if in == nil {
		return do
	}
	switch in.state {
	case proceeding:
		do = append(do, c.respondOwn(call.pair, r.Status, r.Reason, r.Fields))
		in.state = canceled
		delete(c.byTx, in.server)
		if in.initial {
			call.legs[A].state = legEnded
		}
		if in.clientOn {
			do = append(do, Effect{Do: Cancel, Call: call, Side: in.from.other(), Client: in.client, Method: sip.CANCEL})
		}
	case answered:
		// The far end waits for an ACK before it may take a BYE.
		do = c.ackOwn(call, do)
		in.state = acked
	}
	return do
}

// endRefused refuses the call that is being set up.
func (c *Calls) endRefused(call *Call, r *Refusal, do []Effect) []Effect {
	do = append(do, Effect{Do: Refused, Call: call, Side: A, Refusal: r, Peer: call.From, Method: sip.INVITE})
	if call.legs[B].state == legEarly && !call.inv.clientOn {
		call.legs[B].state = legEnded
	}
	return c.end(call, r.Cause, r, do)
}
