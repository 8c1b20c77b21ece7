package ua

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// progress takes a provisional response to an INVITE.
func (a *Agent) progress(now time.Duration, t *client, m *sip.Message, do []Effect) []Effect {
	c := t.call
	if t.again || c.over || m.Status() == 100 {
		return do
	}
	tag := string(m.Bytes(m.To().Tag))
	if tag == "" {
		return a.violation(now, c.id, "no To tag in "+summary(m), do)
	}
	if c.up { // of a branch that lost
		return do
	}
	c.focus(tag)
	if m.Count(sip.FieldContact) > 0 {
		if err := c.learn(m, true, a.o.Addr); err != nil {
			do = a.violation(now, c.id, err.Error(), do)
		}
	}
	sure := requires(m, sip.FieldRequire, "100rel")
	if sure {
		fresh := false
		if fresh, do = a.acknowledge(now, t, m, do); !fresh {
			return do
		}
	}
	do = a.tellReferrer(now, c, m.Status(), do)
	e := Event{Is: Ringing, At: now, Call: c.id, Status: m.Status(), Message: m}
	if !m.Body().Empty() && t.offered {
		e.Text = "early"
		if c.agreed {
			if err := c.same(m); err != nil {
				do = a.violation(now, c.id, err.Error(), do)
			}
		} else if err := c.takeAnswer(m); err != nil {
			do = a.violation(now, c.id, err.Error(), do)
		} else {
			do = a.startMedia(now, c, do)
		}
	}
	return tell(e, do)
}

// invited takes the final response to the INVITE that began a call. m is nil
// when none came.
func (a *Agent) invited(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	if status < 300 {
		return a.accepted(now, t, m, do)
	}
	t.call.invite = nil
	e := Event{Cause: Rejected, Status: status, Message: m}
	if status < 400 {
		uris, err := redirected(m)
		if err != nil {
			do = a.violation(now, t.call.id, err.Error(), do)
		}
		e.Text = strings.Join(uris, " ")
	}
	switch {
	case t.canceled && (m == nil || status == 487):
		e.Cause = Cancelled
	case m == nil:
		e.Cause = NoAnswer
	}
	return a.finish(now, t.call, e, do)
}

// accepted takes a 2xx to an INVITE, or its retransmission: each gets an ACK.
// RFC 3261 section 13.2.2.4.
func (a *Agent) accepted(now time.Duration, t *client, m *sip.Message, do []Effect) []Effect {
	c := t.call
	tag := string(m.Bytes(m.To().Tag))
	if ack, ok := t.acks[tag]; ok {
		return append(do, ack)
	}
	if c.over && t.again {
		return a.sendAck(now, t, &c.dialog, tag, "", do)
	}
	if c.over || c.up && !t.again {
		return a.unwanted(now, t, m, tag, do)
	}
	c.invite = nil
	if tag != c.remoteTag {
		if t.again {
			do = a.violation(now, c.id, "another To tag in "+summary(m), do)
		}
		c.focus(tag)
	}
	err := c.learn(m, !t.again, a.o.Addr)
	body, sessionErr := a.conclude(c, t, m)
	do = a.sendAck(now, t, &c.dialog, tag, body, do)
	c.up = true
	if err = errors.Join(err, sessionErr); err != nil {
		do = a.violation(now, c.id, err.Error(), do)
		return a.hangUp(now, c, Broken, do)
	}
	if c.ending {
		return a.hangUp(now, c, ByUs, do)
	}
	do = a.startMedia(now, c, do)
	do = a.tellReferrer(now, c, m.Status(), do)
	e := Event{Is: Answered, At: now, Call: c.id, Status: m.Status(), Message: m}
	if t.again {
		e.Is = Reinvited
	}
	return tell(e, do)
}

// conclude takes what a 2xx says of the session, and returns the answer that
// the ACK has to carry.
func (a *Agent) conclude(c *call, t *client, m *sip.Message) (body string, err error) {
	if !t.again && c.agreed {
		return "", c.same(m)
	}
	if t.offered {
		return "", c.takeAnswer(m)
	}
	if err := c.takeOffer(m); err != nil {
		return "", err
	}
	return a.answer(c), nil
}

// sendAck acknowledges a 2xx, and keeps the ACK for its retransmissions.
func (a *Agent) sendAck(now time.Duration, t *client, d *dialog, tag, body string, do []Effect) []Effect {
	r := d.request("ACK", a.branch(), t.seq)
	r.body, r.fields = body, t.credentials // RFC 3261 section 22.1
	ack := Effect{Do: Send, From: a.o.Addr, To: d.next(a.o.Peer), Bytes: a.text(r)}
	t.acks[tag] = ack
	return append(do, ack)
}

// unwanted ends the dialog of a 2xx that we have no use for: of another
// branch of a forked INVITE, or of a call that we have given up.
func (a *Agent) unwanted(now time.Duration, t *client, m *sip.Message, tag string, do []Effect) []Effect {
	d := t.call.dialog
	if i := t.call.forkOf(tag); i >= 0 && tag != d.remoteTag {
		d = t.call.forks[i].dialog
	}
	d.remoteTag = tag
	d.localSeq = max(d.localSeq, t.seq) + 1
	if err := d.learn(m, true, a.o.Addr); err != nil {
		do = a.violation(now, t.call.id, err.Error(), do)
	}
	body := ""
	if i := t.call.forkOf(tag); !t.offered && (i < 0 || !t.call.forks[i].agreed) {
		body = refusal
	}
	do = a.sendAck(now, t, &d, tag, body, do)
	bye := &client{branch: a.branch(), method: "BYE", seq: d.localSeq, call: t.call, to: d.next(a.o.Peer)}
	bye.request = a.text(d.request("BYE", bye.branch, bye.seq))
	return a.begin(now, bye, do)
}

// Hold is how a user agent says that it does not want to hear the far end.
type Hold uint8

// The dialects of hold.
const (
	NotHeld  Hold = iota
	SendOnly      // a=sendonly: music for the far end
	Inactive      // a=inactive
	ConnZero      // c=0.0.0.0, RFC 2543
)

// Hold offers the far end to be held, in a dialect; NotHeld takes the hold
// back.
func (a *Agent) Hold(now time.Duration, id Call, h Hold, do []Effect) []Effect {
	return a.reoffer(now, id, func(c *call) { c.hold = h }, false, do)
}

// Recodec offers other codecs, in order of preference.
func (a *Agent) Recodec(now time.Duration, id Call, codecs []Codec, do []Effect) []Effect {
	return a.reoffer(now, id, func(c *call) { c.codecs = codecs }, false, do)
}

// Refresh sends a re-INVITE that changes nothing; a late one has no offer.
func (a *Agent) Refresh(now time.Duration, id Call, late bool, do []Effect) []Effect {
	return a.reoffer(now, id, func(*call) {}, late, do)
}

// mayReoffer reports whether no INVITE and no offer is under way.
func (a *Agent) mayReoffer(c *call) bool {
	return c.up && c.invite == nil && c.server == nil && c.glare == nil && c.update == nil && !c.asks
}

// reoffer sends a re-INVITE, with a change to what we want. RFC 3261
// section 14.1.
func (a *Agent) reoffer(now time.Duration, id Call, change func(*call), late bool, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || !a.mayReoffer(c) {
		return a.ignored(now, id, "re-INVITE: not now", do)
	}
	c.before, c.change = c.wish, change
	change(c)
	c.late = late
	return a.sendReinvite(now, c, do)
}

func (a *Agent) sendReinvite(now time.Duration, c *call, do []Effect) []Effect {
	c.settled = len(c.roles)
	c.localSeq++
	t := &client{
		branch: a.branch(), method: "INVITE", seq: c.localSeq, call: c, again: true, offered: !c.late, dialog: &c.dialog,
		to: c.next(a.o.Peer),
	}
	r := c.dialog.request("INVITE", t.branch, c.localSeq)
	r.fields = a.inviteFields(nil)
	if t.offered {
		r.body = a.offer(c)
	}
	t.request = a.text(r)
	c.invite = t
	return a.begin(now, t, do)
}

// reinvited takes the final response to a re-INVITE. m is nil when none came.
func (a *Agent) reinvited(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	c := t.call
	if status < 300 {
		return a.accepted(now, t, m, do)
	}
	if c.over {
		return do
	}
	c.invite = nil
	c.roles = c.roles[:c.settled]
	switch status {
	case 491:
		c.glare = a.set(now+a.glareWait(c), alarm{is: retryInvite, call: c})
		return tell(Event{Is: Glare, At: now, Call: c.id, Status: status, Message: m}, do)
	case 408, 481:
		// RFC 3261 section 14.1: the dialog is gone.
		return a.hangUp(now, c, NoAnswer, do)
	}
	c.wish = c.before // a refused re-INVITE leaves everything as it was
	c.fresh = 0
	text := strconv.Itoa(status)
	return tell(Event{Is: Reinvited, At: now, Call: c.id, Status: status, Text: text, Message: m}, do)
}

// glareWait is the wait after 491: longer for the one that owns the Call-ID.
// RFC 3261 section 14.1, in units of 10 ms.
func (a *Agent) glareWait(c *call) time.Duration {
	if c.out {
		return 2100*time.Millisecond + time.Duration(a.o.Rand.IntN(191))*10*time.Millisecond
	}
	return time.Duration(a.o.Rand.IntN(201)) * 10 * time.Millisecond
}

// retry sends the re-INVITE again that met a 491.
func (a *Agent) retry(now time.Duration, c *call, do []Effect) []Effect {
	c.glare = nil
	if c.invite != nil || c.server != nil || c.update != nil || c.asks {
		c.glare = a.set(now+a.glareWait(c), alarm{is: retryInvite, call: c})
		return do
	}
	c.before = c.wish
	c.change(c)
	return a.sendReinvite(now, c, do)
}
