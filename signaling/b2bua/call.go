package b2bua

import (
	"strconv"
	"time"

	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

// A Call is two legs and what it holds for them. It is owned by the shard;
// others see copies.
type Call struct {
	ID     uint64 // ident.Short gives the form that people type
	From   int    // peer that called
	To     int    // peer that is called, or was tried last; -1: none yet
	Caller string // user part, as the caller's side wrote it, of at most NameMax octets
	Callee string
	Rule   edit.Reason // route
	Index  any         // the engine's own record of the call
	Urgent bool        // it is one for help, and refused last

	shard     uint8
	at        int // in Calls.list
	state     state
	*pair             // the one that counts
	forks     []*pair // the other early dialogs
	first     pair    // memory of the first pair
	guards    [2]guard
	inv       *invite  // the INVITE under way, or nil
	own       *renewal // an INVITE of our own, or nil
	stale     [2]bool  // sides that have to hear of another address of ours
	lateOffer bool     // the last INVITE that was acknowledged left the offer to its 2xx
	begun     *begun   // what opened a call without a session, or nil
	relays    []relay  // other requests under way
	streams   []Stream // by media line
	ip6       [2]bool  // of streams: whether a side's media is over IPv6
	mediaB    int      // of streams: the realm on side B
	places    []int    // peers at which a place is taken
	clients   int      // client transactions without a final response
	armed     [Timers]bool
	pending   *Event // waits for Opened or Reserved
	cause     string // why it ended
	gone      bool   // out of all tables
}

type state uint8

const (
	setup   state = iota // the first INVITE has no final response
	talking              // both legs are confirmed
	ending               // BYE or CANCEL is under way
	apart                // there is no session: a subscription, or one request
)

// State names the call's state for people.
func (call *Call) State() string {
	switch {
	case call.state == setup && call.legs[B].state == legNone:
		return "routing"
	case call.state == setup:
		return "ringing"
	case call.state == ending:
		return "ending"
	case call.state == apart && call.Watches():
		return "subscribed"
	case call.state == apart:
		return "asking"
	case call.Held():
		return "held"
	}
	return "talking"
}

// Session reports whether the call is one that people hear: an INVITE opened
// it.
func (call *Call) Session() bool { return call.state != apart }

// Registers reports whether the call is a REGISTER whose outcome is to be told.
func (call *Call) Registers() bool { return call.begun != nil && call.begun.register != nil }

// Ledger returns what the call holds.
func (call *Call) Ledger() (streams, timers, transactions, places int) {
	for _, on := range call.armed {
		if on {
			timers++
		}
	}
	for i := range call.streams {
		if call.has(i) {
			streams++
		}
	}
	return streams, timers, call.clients, len(call.places)
}

// Known returns how many identifiers of the other side a leg is guarded
// against.
func (call *Call) Known(s Side) int {
	n := call.guards[s].known.Len()
	if recent := call.guards[s].recent; recent != nil {
		n += recent.Len()
	}
	return n
}

// Flow returns by what the far end of a leg is reached.
func (call *Call) Flow(s Side) Flow { return call.legs[s].flow }

// Peer returns the peer of a leg.
func (call *Call) Peer(s Side) int { return call.legs[s].peer }

// Realm returns the realm of a leg.
func (call *Call) Realm(s Side) int { return call.legs[s].realm }

func (c *Calls) open(ev *Event) *Call {
	call := &Call{ID: c.opt.Rand.Uint64(), From: ev.Peer, To: -1, Urgent: ev.Urgent, shard: c.opt.Shard(c.opt.Rand), at: len(c.list)}
	call.pair = &call.first
	call.first.call = call
	c.list = append(c.list, call)
	c.hand = call
	return call
}

// forget takes the call out of all tables.
func (c *Calls) forget(call *Call) {
	last := len(c.list) - 1
	c.list[call.at] = c.list[last]
	c.list[call.at].at = call.at
	c.list[last] = nil
	c.list = c.list[:last]
	call.pairs(func(p *pair) {
		for s := range p.legs {
			if id, ok := c.opt.IDs.Read(ident.Tag, p.legs[s].localTag); ok {
				delete(c.legs, id.Serial)
			}
		}
	})
	if call.inv != nil {
		delete(c.byTx, call.inv.server)
		delete(c.out, call.inv.client)
	}
	for _, r := range call.relays {
		delete(c.out, r.client)
	}
}

func (call *Call) arm(t Timer, after time.Duration, do []Effect) []Effect {
	if after <= 0 {
		return do
	}
	call.armed[t] = true
	return append(do, Effect{Do: Arm, Call: call, Timer: t, After: after})
}

func (call *Call) disarm(t Timer, do []Effect) []Effect {
	if !call.armed[t] {
		return do
	}
	call.armed[t] = false
	return append(do, Effect{Do: Disarm, Call: call, Timer: t})
}

// end ends both legs, each by the means its state asks for, and gives back
// what the call holds. cause is for the operator; reason, if any, is the
// status that an unanswered caller gets.
func (c *Calls) end(call *Call, cause string, refusal *Refusal, do []Effect) []Effect {
	switch call.state {
	case ending:
		return do
	case apart:
		return c.unwatched(call, do)
	}
	if refusal == nil {
		refusal = &Refusal{Status: 480, Cause: "ended"}
	}
	do = c.endInvite(call, refusal, do)
	for s := range call.legs {
		do = c.endLeg(call.pair, Side(s), nil, do)
	}
	return c.ended(call, cause, do)
}

// ended gives back what the call holds except the transactions under way.
func (c *Calls) ended(call *Call, cause string, do []Effect) []Effect {
	if call.state != ending {
		call.state, call.cause = ending, cause
		do = c.giveUpRenewal(call, do)
		do = append(do, Effect{Do: Ended, Call: call, Text: cause})
	}
	for t := range Timers {
		if t != TimerUsage {
			do = call.disarm(t, do)
		}
	}
	if len(call.streams) > 0 {
		do = append(do, Effect{Do: Close, Call: call})
		call.streams = nil
	}
	for _, peer := range call.places {
		do = append(do, Effect{Do: Release, Call: call, Peer: peer})
	}
	call.places = call.places[:0]
	return c.maybeGone(call, do)
}

// maybeGone forgets a call that has nothing left to wait for.
func (c *Calls) maybeGone(call *Call, do []Effect) []Effect {
	if call.state != ending && call.state != apart || call.clients > 0 || call.Watches() || call.gone {
		return do
	}
	call.gone = true
	if call.Registers() {
		c.tellRegistered(call, nil, 0)
	}
	do = call.disarm(TimerUsage, do)
	c.forget(call)
	return append(do, Effect{Do: Gone, Call: call})
}

// endLeg ends a confirmed leg by a BYE. in, if not nil, is the BYE of the
// other side, which goes on with its fields.
func (c *Calls) endLeg(p *pair, s Side, in *sip.Message, do []Effect) []Effect {
	call, l := p.call, &p.legs[s]
	if l.state != legConfirmed {
		if l.state != legNone {
			l.state = legEnded
		}
		return do
	}
	l.state = legEnded
	client, branch := c.newClient(call)
	call.relays = append(call.relays, relay{pair: p, client: client, from: s.other(), method: sip.BYE, own: true})
	l.localSeq++
	e := Effect{Do: Start, Call: call, Side: s, Client: client, Flow: l.next, Method: sip.BYE}
	if in != nil {
		e, do = c.writeRequest(p, s, in, e, branch, l.localSeq, nil, stray(in), do)
		if e.Bytes != nil {
			return append(do, e)
		}
	}
	e.Msg, e.Edits = nil, nil
	e.Bytes = c.ownRequest(l, sip.BYE, l.localSeq, branch, nil)
	return append(do, e)
}

// newClient names a client transaction of the call.
func (c *Calls) newClient(call *Call) (Client, []byte) {
	return c.client(call, c.opt.Rand.Uint64())
}

// What the lowest bits of the name of an INVITE's client transaction tell of it
// when its call is forgotten and a 2xx comes.
const (
	offersLate = 1 << iota // it left the offer to its 2xx, which must have an answer all the same
	again                  // it was a re-INVITE: its dialog was there before, and has been ended
	inviteBits = offersLate | again
)

// newInvite names the client transaction of an INVITE.
func (c *Calls) newInvite(call *Call, bits uint64) (Client, []byte) {
	return c.client(call, c.opt.Rand.Uint64()&^inviteBits|bits)
}

// late returns offersLate of an INVITE that goes out with what d says.
func (d *description) late() uint64 {
	if d.has {
		return 0
	}
	return offersLate
}

// inviteOf tells what is still known of the INVITE that m responds to.
func (c *Calls) inviteOf(m *sip.Message) uint64 {
	id, _ := c.opt.IDs.Read(ident.Branch, m.Bytes(m.Via().Branch))
	return id.Serial & inviteBits
}

func (c *Calls) client(call *Call, serial uint64) (Client, []byte) {
	id := ident.ID{Serial: serial, Shard: call.shard}
	call.clients++
	c.out[Client(id.Serial)] = call
	return Client(id.Serial), c.work.keep(c.opt.IDs.Append(c.work.take(), ident.Branch, id))
}

// finish forgets a client transaction that has its final response.
func (c *Calls) finish(call *Call, client Client) {
	if _, ok := c.out[client]; ok {
		delete(c.out, client)
		call.clients--
	}
}

// ownRequest writes a request of ours within the dialog of l.
func (c *Calls) ownRequest(l *leg, method sip.Method, seq uint32, branch, description []byte) []byte {
	uri, routes := l.requestURI()
	b := c.work.take()
	b = append(append(append(b, method.String()...), ' '), uri...)
	b = append(b, " SIP/2.0\r\n"...)
	b = c.appendVia(b, l.next.Listener, branch)
	b = append(append(b, routes...), "Max-Forwards: 70\r\nFrom: "...)
	b = append(append(b, l.local...), "\r\nTo: "...)
	b = append(append(b, l.remote...), "\r\nCall-ID: "...)
	b = append(append(b, l.callID...), "\r\nCSeq: "...)
	b = strconv.AppendUint(b, uint64(seq), 10)
	b = append(append(append(b, ' '), method.String()...), "\r\n"...)
	if len(description) > 0 {
		b = append(b, "Content-Type: application/sdp\r\n"...)
	}
	b = strconv.AppendInt(append(b, "Content-Length: "...), int64(len(description)), 10)
	b = append(append(b, "\r\n\r\n"...), description...)
	return c.work.keep(b)
}

func (c *Calls) appendVia(b []byte, listener uint16, branch []byte) []byte {
	at := &c.opt.Listeners[listener]
	b = append(append(append(b, "Via: SIP/2.0/"...), at.Transport...), ' ')
	b = append(append(b, at.Host...), ";branch="...)
	return append(append(b, branch...), ";rport\r\n"...)
}
