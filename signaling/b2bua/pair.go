package b2bua

import (
	"bytes"
	"strconv"

	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

// A pair is two dialogs, one a leg, that are one to the people. A call has one
// of them; where a proxy behind leg B forks the INVITE, each early dialog of
// leg B is one more, with a dialog of its own towards the caller (RFC 3261
// section 12.1).
type pair struct {
	call *Call
	legs [2]leg
	exchange
	subs   []subscription
	refers [][2]uint32 // CSeq of the last REFERs, by side

	numbers []numbering
}

// Ours: phones that a fork rings at once, or that are taken up within a round
// trip.
const forksMax = 8

// pairs calls f for each pair of the call, the one that counts first.
func (call *Call) pairs(f func(*pair)) {
	f(call.pair)
	for _, p := range call.forks {
		f(p)
	}
}

// pairOf returns the pair that a dialog-forming response to the first INVITE
// belongs to by its tag: one that is there, or a new one. nil: there are too
// many.
func (c *Calls) pairOf(call *Call, m *sip.Message) *pair {
	tag := string(m.Bytes(m.To().Tag))
	if first := string(call.legs[B].remoteTag); first == "" || first == tag || tag == "" {
		return call.pair
	}
	for _, p := range call.forks {
		if string(p.legs[B].remoteTag) == tag {
			return p
		}
	}
	if len(call.forks) == forksMax {
		return nil
	}
	p := c.fork(call)
	c.early(&p.legs[B], m)
	return p
}

// fork makes one more pair out of what the first request was sent with.
func (c *Calls) fork(call *Call) *pair {
	p := &pair{call: call, legs: call.legs}
	a, b := &p.legs[A], &p.legs[B]
	a.offered, a.said = nil, nil
	if in := call.inv; in != nil {
		a.remoteSeq, b.localSeq = in.seqIn, in.seqOut
		if in.offerIn == offerInInvite {
			p.exchange = exchange{open: true, by: A, method: sip.INVITE}
			a.offered = append(a.offered, in.offered...)
		}
	}
	a.local, a.target, a.sent = append([]byte(nil), a.local...), append([]byte(nil), a.target...), c.newSDP()
	c.retag(p)
	a.localSeq = c.firstSeq()
	b.remoteTag, b.remote, b.target, b.routes, b.strict = nil, nil, nil, nil, nil
	b.offered, b.said, b.seqKnown = nil, nil, false
	call.forks = append(call.forks, p)
	return p
}

// retag gives the pair a dialog of its own towards the caller: leg A gets
// another tag.
func (c *Calls) retag(p *pair) {
	a := &p.legs[A]
	keep := a.local[:len(a.local)-len(a.localTag)]
	c.newTag(p.call, A, a)
	a.local = append(keep, a.localTag...)
}

// win makes p the pair that counts, and forgets the others: a 2xx came in its
// dialog.
func (c *Calls) win(p *pair, do []Effect) []Effect {
	call := p.call
	if call.pair == p && len(call.forks) == 0 {
		return do
	}
	losers := append(call.forks, call.pair)
	call.pair, call.forks = p, nil
	for _, l := range losers {
		if l == p {
			continue
		}
		do = c.orphan(l, B, do)
		c.untag(l)
		l.legs[A].state, l.legs[B].state = legEnded, legEnded
	}
	return do
}

// untag takes the dialog of p towards the caller out of the table.
func (c *Calls) untag(p *pair) {
	if id, ok := c.opt.IDs.Read(ident.Tag, p.legs[A].localTag); ok {
		delete(c.legs, id.Serial)
	}
}

// dropForks forgets all pairs but the one that counts.
func (c *Calls) dropForks(call *Call, do []Effect) []Effect { return c.win(call.pair, do) }

// An exchange is where the offer/answer exchange of a pair stands (RFC 3264
// section 4). The rules which message may carry what are those of RFC 6337
// section 2.2.
type exchange struct {
	open   bool       // an offer waits for its answer
	by     Side       // who made it
	done   bool       // the exchange of the INVITE under way is over: its other responses can only repeat
	method sip.Method // of the transaction that the open offer is of
	rseq   []byte     // RSeq of the provisional response that made the open offer; nil: it was another message
	racked uint32     // RSeq of the last provisional response that was acknowledged
}

// A role is what a session description is in its message.
type role uint8

const (
	noRole   role = iota // it has no place there
	anOffer              //
	anAnswer             //
	aPreview             // the answer, in a response that may be lost (RFC 6337 section 2.2 pattern 1)
	aRepeat              // the answer, once more
)

// role returns what a description from side s is in m, a message of the pair's
// INVITE, PRACK or UPDATE, or a response to one.
func (p *pair) role(s Side, m *sip.Message) role {
	answers := p.open && p.by != s
	toInvite := answers && p.method == sip.INVITE
	switch {
	case m.IsRequest() && m.Method() == sip.ACK:
		return roleIf(toInvite, anAnswer)
	case m.IsRequest() && m.Method() == sip.PRACK && toInvite:
		return anAnswer
	case m.IsRequest():
		return roleIf(!p.open, anOffer)
	case m.Method() != sip.INVITE:
		return roleIf(answers && p.method == m.Method(), anAnswer)
	case p.done:
		return aRepeat
	case toInvite && m.Status() < 200 && !p.reliable(m):
		return aPreview
	case toInvite:
		return anAnswer
	case p.open && p.rseq != nil && m.Status() < 200:
		// It is sent again until its PRACK comes (RFC 3262 section 3).
		return roleIf(string(rseq(m)) == string(p.rseq), anOffer)
	case p.open || m.Status() < 200 && !p.reliable(m):
		return noRole
	}
	return anOffer
}

// rang reports whether m is a provisional response that was acknowledged
// already: it has come again, and nobody waits for it.
func (p *pair) rang(m *sip.Message) bool {
	f, ok := m.First(sip.FieldRSeq)
	if !ok || p.racked == 0 {
		return false
	}
	n, err := sip.ParseNumber(m.Raw, f.Value)
	return err == nil && n <= p.racked
}

// noteRAck keeps what a PRACK acknowledges.
func (p *pair) noteRAck(m *sip.Message) {
	if f, ok := m.First(sip.FieldRAck); ok {
		if rack, err := sip.ParseRAck(m.Raw, f.Value); err == nil {
			p.racked = max(p.racked, rack.RSeq)
		}
	}
}

// rseq returns the RSeq of a provisional response.
func rseq(m *sip.Message) []byte {
	f, ok := m.First(sip.FieldRSeq)
	if !ok {
		return nil
	}
	return m.Bytes(f.Value)
}

func roleIf(is bool, r role) role {
	if is {
		return r
	}
	return noRole
}

// reliable tells whether a provisional response is sent again until a PRACK
// comes (RFC 3262 section 3). It is not where the caller never said that it
// knows such responses: then it goes on as an ordinary one.
func (p *pair) reliable(m *sip.Message) bool {
	return rseq(m) != nil && p.call.inv != nil && p.call.inv.reliable
}

// knowsReliable tells whether the sender of an INVITE can be answered reliably.
func knowsReliable(m *sip.Message) bool {
	for _, f := range m.Fields() {
		if f.ID == sip.FieldSupported || f.ID == sip.FieldRequire {
			for tok := range sip.Tokens(m.Raw, f.Value) {
				if bytes.EqualFold(m.Bytes(tok), []byte("100rel")) {
					return true
				}
			}
		}
	}
	return false
}

// checkOffer tells why an offer of side s cannot begin now: RFC 3261 section
// 14.2 and RFC 3311 section 5.2.
func (c *Calls) checkOffer(p *pair, s Side) *Refusal {
	switch {
	case !p.open:
		return nil
	case p.by == s:
		return c.pendingOwn()
	}
	return &Refusal{Status: 491, Cause: "pending"}
}

func (c *Calls) pendingOwn() *Refusal {
	return &Refusal{Status: 500, Cause: "pending", Fields: "Retry-After: " + strconv.Itoa(c.opt.Rand.IntN(11)) + "\r\n"}
}
