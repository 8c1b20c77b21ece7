package b2bua

import (
	"bytes"
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// A renewal is an INVITE of our own within a call: it tells one side where our
// end of its media is now, and nothing else changes. The other side does not
// hear of it.
type renewal struct {
	side   Side
	client Client
	seq    uint32
}

// Ours: 2.1 to 4 s, as RFC 3261 section 14.1 has it for who made the Call-ID; and
// that a session that is being changed is asked again as soon.
const renewAgain = 2100 * time.Millisecond

// Ours: an answer to it needs nobody's hand.
const renewWait = 32 * time.Second

// readdressed begins the renewal of all calls whose media in a realm is named by
// an address that is not ours any more.
func (c *Calls) readdressed(realm int, do []Effect) []Effect {
	for _, call := range c.list {
		if call.state != talking {
			continue
		}
		for s := range call.legs {
			if l := &call.legs[s]; l.realm == realm && l.sent.texts != nil && !bytes.Equal(c.renamed(l), l.sent.texts.agreed) {
				call.stale[s] = true
			}
		}
		if call.stale != [2]bool{} {
			do = c.renew(call, do)
		}
	}
	return do
}

// renamed returns the description that was agreed to on a leg, with the address
// that is ours now.
func (c *Calls) renamed(l *leg) []byte {
	text := l.sent.texts.agreed
	for _, a := range []struct{ kind, ours string }{
		{"IN IP4 ", c.opt.Realms[l.realm].Media.IP4.String()}, {"IN IP6 ", c.opt.Realms[l.realm].Media.IP6.String()},
	} {
		text = replaceAddrs(text, a.kind, a.ours)
	}
	return text
}

// replaceAddrs replaces what stands behind kind at the end of the lines that name
// us, unless it holds the stream (RFC 3264 section 8.4).
func replaceAddrs(text []byte, kind, ours string) []byte {
	var out []byte
	for line := range bytes.Lines(text) {
		head, addr, ok := bytes.Cut(line, []byte(kind))
		ok = ok && (bytes.HasPrefix(line, []byte("o=")) || bytes.HasPrefix(line, []byte("c=")) || bytes.HasPrefix(line, []byte("a=rtcp:")))
		if addr = bytes.TrimRight(addr, "\r\n"); ok && string(addr) != "0.0.0.0" && string(addr) != "::" {
			out = append(append(append(append(out, head...), kind...), ours...), "\r\n"...)
			continue
		}
		out = append(out, line...)
	}
	return out
}

// renew sends what is due to one side after the other, unless the session is
// being changed: then later.
func (c *Calls) renew(call *Call, do []Effect) []Effect {
	switch {
	case call.state != talking || call.own != nil:
		return do
	case call.inv.busy() || call.open:
		return call.arm(TimerRenew, renewAgain, do)
	}
	for s := range call.legs {
		if call.stale[s] {
			call.stale[s] = false
			return c.sendRenewal(call, Side(s), do)
		}
	}
	return do
}

func (c *Calls) sendRenewal(call *Call, s Side, do []Effect) []Effect {
	l := &call.legs[s]
	text := c.renamed(l)
	l.sent.last++
	text = withVersion(text, l.sent.last)
	l.sent.next, l.sent.nextSum, l.sent.texts.next = l.sent.last, c.work.sumOf(text), text
	client, branch := c.newInvite(call, again)
	l.localSeq++
	call.own = &renewal{side: s, client: client, seq: l.localSeq}
	call.open, call.by, call.method = true, s.other(), sip.INVITE
	do = append(do, Effect{Do: Start, Call: call, Side: s, Client: client, Flow: l.next, Method: sip.INVITE,
		Bytes: c.ownInvite(l, l.localSeq, branch, text)})
	return call.arm(TimerRenew, renewWait, do)
}

// withVersion replaces the version in the o= line.
func withVersion(text []byte, version uint64) []byte {
	at := bytes.Index(text, []byte("\no="))
	if at < 0 {
		return text
	}
	fields := bytes.SplitN(text[at:], []byte(" "), 4)
	if len(fields) < 4 {
		return text
	}
	fields[2] = strconv.AppendUint(nil, version, 10)
	return append(bytes.Clone(text[:at]), bytes.Join(fields, []byte(" "))...)
}

// ownInvite writes an INVITE of ours within the dialog of l.
func (c *Calls) ownInvite(l *leg, seq uint32, branch, description []byte) []byte {
	b, contact := c.ownRequest(l, sip.INVITE, seq, branch, description), c.contact(l)
	head, body, _ := bytes.Cut(b, []byte("Content-Type: "))
	out := append(c.work.take(), head...)
	out = append(append(append(out, "Contact: "...), contact...), "\r\n"...)
	out = append(append(out, Allow...), "Content-Type: "...)
	return c.work.keep(append(out, body...))
}

// renewed handles the response to a renewal.
func (c *Calls) renewed(call *Call, m *sip.Message, do []Effect) []Effect {
	own, status := call.own, m.Status()
	if status < 200 {
		return do
	}
	c.finish(call, own.client)
	l := &call.legs[own.side]
	if status < 300 {
		ack := c.ownRequest(l, sip.ACK, own.seq, c.newBranch(call), nil)
		l.keepAck(ack, l.next, own.seq)
		do = append(do, Effect{Do: Send, Call: call, Side: own.side, Flow: l.next, Method: sip.ACK, Bytes: ack})
		if call.state == talking {
			c.confirm(l, m, false)
			do = c.renewedTo(call, own.side, m, do)
		}
	}
	return c.renewalOver(call, status, do)
}

// renewedTo pins where the side's media comes from, which its answer says anew.
func (c *Calls) renewedTo(call *Call, s Side, m *sip.Message, do []Effect) []Effect {
	d, no := c.describe(call.pair, s, m)
	l := &call.legs[s]
	if no != nil || d.role != anAnswer || len(d.lines) != len(l.said) {
		return do
	}
	l.sent.agreed()
	l.offered = append(l.offered[:0], d.lines...)
	l.keepAddresses()
	for i := range l.said {
		now := l.offered[i]
		if off := l.said[i].off; off || now.off {
			continue
		}
		l.said[i].rtp, l.said[i].rtcp = now.rtp, now.rtcp
	}
	l.offered = l.offered[:0]
	return c.pin(call.pair, s, l.said, do)
}

// renewalOver goes on after a renewal. Glare is tried again; a dialog that the
// far end does not know is over (RFC 3261 section 12.2.1.2).
func (c *Calls) renewalOver(call *Call, status int, do []Effect) []Effect {
	side := call.own.side
	call.own, call.open = nil, false
	call.legs[side].sent.nextSum = 0
	do = call.disarm(TimerRenew, do)
	switch {
	case call.state != talking:
		return c.maybeGone(call, do)
	case status == 491:
		call.stale[side] = true
		return call.arm(TimerRenew, renewAgain+time.Duration(c.opt.Rand.Int64N(int64(1900*time.Millisecond))), do)
	case endsDialog(status):
		return c.end(call, "dialog_lost", nil, do)
	}
	return c.renew(call, do)
}

// renewLater is TimerRenew: a renewal that waits is tried, one that nobody
// answers is given up.
func (c *Calls) renewLater(call *Call, do []Effect) []Effect {
	if call.own == nil {
		return c.renew(call, do)
	}
	return c.giveUpRenewal(call, do)
}

// giveUpRenewal brings the transaction of a renewal to an end.
func (c *Calls) giveUpRenewal(call *Call, do []Effect) []Effect {
	if call.own == nil {
		return do
	}
	return append(do, Effect{Do: Cancel, Call: call, Side: call.own.side, Client: call.own.client, Flow: call.legs[call.own.side].next, Method: sip.CANCEL})
}
