package ua

import (
	"cmp"
	"net/netip"
	"time"
)

// A call is a dialog of INVITE with its session.
//
//	  ours: Invite ──▶ early ──2xx──▶ up ──BYE, no answer──▶ over
//	theirs: INVITE ──▶ early ──ACK──▶ up
type call struct {
	dialog
	session
	stream
	reliable

	id     Call
	out    bool        // we sent the INVITE
	up     bool        // the 2xx came, or the ACK for ours
	over   bool        // nothing but transactions is left
	ending bool        // we want to hang up as soon as we may
	refuse int         // answer to the next re-INVITE; 0: 200
	invite *client     // our INVITE that has no final response yet
	server *server     // the far end's INVITE that has no final response, or no ACK for its 2xx
	glare  *alarm      // our re-INVITE waits after 491
	late   bool        // it has no offer
	change func(*call) // what it, or an UPDATE, is to change

	refuseLine  bool          // the video of the next offer
	answering   bool          // a reliable response waits for its PRACK before we answer
	referral    *subscription // that made us call: it hears how it goes
	seed        fork          // of a call of ours, as it was before the first response
	forks       []fork        // early dialogs as they were when another one was heard: RFC 3261 section 13.2.2.4
	replaces    *call         // which this one takes over when we accept it
	refuseRefer int           // answer to the next REFER; 0: 202
	referred    int           // REFERs that we sent
	referrals   int           // REFERs that we took
}

// An Invite is a call to make.
type Invite struct {
	To     string   // user part of the called
	URI    string   // where it goes in the place of To; empty: nowhere else
	Late   bool     // no offer: the far end makes it, in a reliable provisional response or its 2xx
	Fields []string // more field lines of this INVITE, without line ends

	Video    bool        // with a video line
	Reliable Reliability // where it is more than that of the agent
}

// Invite calls. The call's id is returned with the effects.
func (a *Agent) Invite(now time.Duration, i Invite, do []Effect) (Call, []Effect) {
	d, via := a.wayTo(i.To), a.o.Peer
	if i.URI != "" {
		d.target, d.remote, d.routes, d.direct = i.URI, "<"+i.URI+">", nil, false
	}
	if d.direct {
		via = d.next(a.o.Peer)
	}
	c, do := a.placeBy(now, d, via, i, do)
	return c.id, do
}

// place calls a URI by way of an address.
func (a *Agent) place(now time.Duration, target string, via netip.AddrPort, i Invite, do []Effect) (*call, []Effect) {
	return a.placeBy(now, dialog{target: target, remote: "<" + target + ">"}, via, i, do)
}

// placeBy calls the target of a dialog that is to be, by way of its routes and
// an address.
func (a *Agent) placeBy(now time.Duration, d dialog, via netip.AddrPort, i Invite, do []Effect) (*call, []Effect) {
	c := a.open(true)
	c.callID = a.word(20) + a.o.Canary.at()
	c.localTag = a.word(12)
	c.local = a.selfURI()
	c.remote, c.target, c.routes = d.remote, d.target, d.routes
	c.localSeq = uint32(a.o.Rand.IntN(1000) + 1)
	a.dialogs[c.key()] = c
	c.video = i.Video && a.o.Video
	do = a.openMedia(c, do)
	c.invite = &client{branch: a.branch(), method: "INVITE", seq: c.localSeq, call: c, dialog: &c.dialog, offered: !i.Late, to: via}
	r := c.dialog.request("INVITE", c.invite.branch, c.localSeq)
	c.invite.reliable = max(i.Reliable, a.o.Reliable) != RelNone
	r.fields, r.withIdentity = a.inviteFields(i.Fields)+a.extensions(i.Reliable), true
	if !i.Late {
		r.body = a.offer(c)
	}
	c.invite.request = a.text(r)
	return c, a.begin(now, c.invite, do)
}

// inviteFields returns the lines that INVITE and its 2xx carry.
func (a *Agent) inviteFields(more []string) string {
	fields := a.contact() + "Allow: " + allow + crlf
	for _, f := range a.o.Fields {
		fields += f + crlf
	}
	for _, f := range more {
		fields += f + crlf
	}
	return fields
}

func (a *Agent) branch() string { return "z9hG4bK" + a.word(16) }

// open makes a call.
func (a *Agent) open(out bool) *call {
	a.last++
	c := &call{id: a.last, out: out}
	c.sessID = a.start + uint64(a.last)
	c.codecs = a.o.Codecs
	c.takes.video, c.takes.fax, c.takes.mux = a.o.Video, a.o.Fax, a.o.Mux
	a.calls = append(a.calls, c)
	return c
}

// Hangup ends a call in the way that its state asks for: BYE, CANCEL, or a
// refusal. Where neither is allowed yet it is done as soon as it is.
func (a *Agent) Hangup(now time.Duration, id Call, do []Effect) []Effect {
	c := a.byID(id)
	switch {
	case c == nil:
		return a.ignored(now, id, "hang up: no such call", do)
	case c.up:
		return a.hangUp(now, c, ByUs, do)
	case c.out:
		c.ending, c.invite.cancel = true, true
		return a.sendCancel(now, c.invite, do)
	case c.server.status < 200:
		return a.Reject(now, id, 603, do)
	}
	c.ending = true // RFC 3261 section 15: no BYE before the ACK
	return do
}

// hangUp sends BYE and ends the call.
func (a *Agent) hangUp(now time.Duration, c *call, cause Cause, do []Effect) []Effect {
	do = a.within(now, c, "BYE", "", "", do)
	return a.finish(now, c, Event{Cause: cause}, do)
}

// within sends a request other than INVITE within the dialog.
func (a *Agent) within(now time.Duration, c *call, method, contentType, body string, do []Effect) []Effect {
	return a.ask(now, &c.dialog, &client{method: method, call: c}, "", contentType, body, do)
}

// ask sends a request within a dialog: t says of which method and for whom.
func (a *Agent) ask(now time.Duration, d *dialog, t *client, fields, contentType, body string, do []Effect) []Effect {
	t.to = d.next(a.o.Peer)
	return a.askBy(now, d, t, fields, contentType, body, do)
}

// askPeer sends a request outside of a dialog.
func (a *Agent) askPeer(now time.Duration, d *dialog, t *client, fields, contentType, body string, do []Effect) []Effect {
	t.to = a.o.Peer
	if d.direct {
		t.to = d.next(a.o.Peer)
	}
	return a.askBy(now, d, t, fields, contentType, body, do)
}

func (a *Agent) askBy(now time.Duration, d *dialog, t *client, fields, contentType, body string, do []Effect) []Effect {
	d.localSeq++
	t.branch, t.seq, t.dialog = a.branch(), d.localSeq, d
	r := d.request(t.method, t.branch, t.seq)
	r.fields, r.contentType, r.body = fields, contentType, body
	t.request = a.text(r)
	return a.begin(now, t, do)
}

// Info sends an INFO within a call that is up.
func (a *Agent) Info(now time.Duration, id Call, contentType, body string, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !c.up {
		return a.ignored(now, id, "INFO: the call is not up", do)
	}
	return a.within(now, c, "INFO", contentType, body, do)
}

// Options sends an OPTIONS within a call that is up, or to the peer when id
// is 0.
func (a *Agent) Options(now time.Duration, id Call, do []Effect) []Effect {
	if id == 0 {
		d := dialog{
			callID: a.word(20) + a.o.Canary.at(), localTag: a.word(12), target: "sip:" + a.o.Peer.String(),
			local: a.o.Canary.identityURI(a.o.User, a.o.Addr), remote: "<sip:" + a.o.Peer.String() + ">",
		}
		t := &client{branch: a.branch(), method: "OPTIONS", seq: 1, to: a.o.Peer}
		r := d.request("OPTIONS", t.branch, 1)
		r.fields = a.contact()
		t.request = a.text(r)
		return a.begin(now, t, do)
	}
	c := a.byID(id)
	if c == nil || !c.up {
		return a.ignored(now, id, "OPTIONS: the call is not up", do)
	}
	return a.within(now, c, "OPTIONS", "", "", do)
}

// finish ends a call: what it holds is given back, and its end is told.
func (a *Agent) finish(now time.Duration, c *call, e Event, do []Effect) []Effect {
	if c.over {
		return do
	}
	c.over = true
	stop(c.glare)
	c.wait.done()
	a.remember(&c.dialog)
	if !a.shared(c) {
		delete(a.dialogs, c.key())
	}
	for i := range a.calls {
		if a.calls[i] == c {
			a.calls = append(a.calls[:i], a.calls[i+1:]...)
			break
		}
	}
	if s := c.server; s != nil {
		c.server = nil
		switch {
		case s.status < 200:
			do = a.respond(now, s, 487, c.localTag, "", "", do)
		case s.status < 300:
			a.acknowledged(now, s) // nobody waits for the ACK any more
		}
	}
	do = a.closeMedia(c, do)
	if c.referral != nil {
		do = a.tellReferrer(now, c, cmp.Or(e.Status, 487), do)
	}
	e.Is, e.At, e.Call, e.Sent, e.Audio = Ended, now, c.id, int(c.line.sender.sent), c.heard()
	e.Video = c.videoLine.receiver.Audio
	return tell(e, do)
}

func (a *Agent) ignored(now time.Duration, id Call, text string, do []Effect) []Effect {
	return tell(Event{Is: Ignored, At: now, Call: id, Text: text}, do)
}
