package ua

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// Leave says when a transferor hangs up the call that it has transferred.
type Leave uint8

// The times.
const (
	LeaveNever    Leave = iota // the users do it
	LeaveAtOnce                // behind the REFER, before anything came
	LeaveAccepted              // when the REFER was accepted, before the NOTIFYs
	LeaveDone                  // when a NOTIFY told that the target answered
)

var leaveNames = [...]string{"never", "at once", "accepted", "done"}

func (l Leave) String() string { return leaveNames[l] }

// A Refer is a transfer to ask for. RFC 5589.
type Refer struct {
	To        string // user part of the target, of a blind transfer
	Replaces  Call   // our call with the target, which the transferee shall take over; 0: blind
	EarlyOnly bool   // only while that call is not answered
	NoNews    bool   // RFC 4488: no NOTIFYs wanted
	Leave     Leave
}

// Refer asks the far end of a call to call somebody else: the transferor of
// RFC 5589.
func (a *Agent) Refer(now time.Duration, id Call, r Refer, do []Effect) []Effect {
	c, target := a.byID(id), a.byID(r.Replaces)
	if c == nil || !a.canRefer(c) || r.Replaces != 0 && (target == nil || !canBeNamed(target) || target == c) {
		return a.ignored(now, id, "REFER: not now", do)
	}
	to := "sip:" + r.To + "@" + a.namedHost()
	if target != nil {
		to = target.target + "?Replaces=" + url.QueryEscape(replacesOf(&target.dialog, r.EarlyOnly))
	}
	fields := a.contact() + fmt.Sprintf("Refer-To: <%s>\r\nReferred-By: %s\r\n", to, a.o.Canary.identityURI(a.o.User, a.o.Addr))
	if r.NoNews {
		fields += "Refer-Sub: false\r\nSupported: norefersub, replaces\r\n"
	} else {
		fields += "Supported: replaces\r\n"
	}
	sub := &subscription{id: c.id, call: c, event: "refer", waiting: true, most: 1 << 30, hang: r.Leave}
	t := &client{method: "REFER", call: c, sub: sub}
	do = a.ask(now, &c.dialog, t, fields, "", "", do)
	sub.eventID = strconv.Itoa(int(t.seq))
	if !r.NoNews {
		a.subs = append(a.subs, sub)
		a.live(now, sub, 0)
	} else {
		sub.over = true
	}
	c.referred++
	if r.Leave == LeaveAtOnce {
		return a.hangUp(now, c, ByUs, do)
	}
	return do
}

// Transfer is an attended transfer: the far end of one call is asked to take
// over the other, and the transferor leaves when it has.
func (a *Agent) Transfer(now time.Duration, id, with Call, do []Effect) []Effect {
	return a.Refer(now, id, Refer{Replaces: with, Leave: LeaveDone}, do)
}

// canRefer reports whether a REFER may be sent: one at a time.
func (a *Agent) canRefer(c *call) bool {
	if !c.up || c.ending {
		return false
	}
	for _, s := range a.subs {
		if s.call == c && !s.notifier && s.event == "refer" {
			return false
		}
	}
	return true
}

// canBeNamed reports whether a call has a dialog that Replaces can name.
func canBeNamed(c *call) bool { return c.remoteTag != "" && c.target != "" && !c.ending }

// replacesOf names our dialog as its far end knows it. RFC 3891 section 6.1.
func replacesOf(d *dialog, earlyOnly bool) string {
	v := d.callID + ";to-tag=" + d.remoteTag + ";from-tag=" + d.localTag
	if earlyOnly {
		v += ";early-only"
	}
	return v
}

// namedHost is the host that the agent gives to those whom it names to
// others.
func (a *Agent) namedHost() string {
	switch {
	case !a.o.Canary.none():
		return a.o.Canary.Host()
	case a.o.Domain != "":
		return a.o.Domain
	}
	return a.o.Peer.String()
}

// StopNews ends the subscription that a REFER of ours made: how the transfer
// goes on is not told.
func (a *Agent) StopNews(now time.Duration, id Call, do []Effect) []Effect {
	c := a.byID(id)
	if c == nil || a.news(c) == nil {
		return a.ignored(now, id, "SUBSCRIBE: no transfer is under way", do)
	}
	sub := a.news(c)
	sub.ending = true
	return a.sendSubscribe(now, sub, 0, do)
}

// news returns the subscription of our REFER within a call, if it can be
// ended.
func (a *Agent) news(c *call) *subscription {
	for _, s := range a.subs {
		if s.call == c && !s.notifier && !s.waiting && !s.ending && s.asking == nil {
			return s
		}
	}
	return nil
}

// referAnswered takes the final response to our REFER.
func (a *Agent) referAnswered(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	c, sub := t.call, t.sub
	quiet := false
	if m != nil {
		f, ok := m.FindName("Refer-Sub")
		quiet = ok && strings.EqualFold(string(m.Bytes(f.Value)), "false")
	}
	if status < 300 && sub.over && sub.waiting && !quiet && status != 202 && status != 200 {
		do = a.violation(now, c.id, "REFER answered with "+strconv.Itoa(status), do)
	}
	if status >= 300 || quiet {
		a.drop(sub)
	}
	do = tell(Event{Is: Replied, At: now, Call: c.id, Status: status, Text: "REFER", Message: m}, do)
	switch {
	case c.over:
		return do
	case status == 481 || status == 408:
		return a.hangUp(now, c, NoAnswer, do)
	case status < 300 && sub.hang == LeaveAccepted:
		return a.hangUp(now, c, ByUs, do)
	}
	return do
}

// referNotified takes a NOTIFY that tells how our REFER goes.
func (a *Agent) referNotified(now time.Duration, sub *subscription, m *sip.Message, do []Effect) []Effect {
	status, err := statusOf(m)
	if err != nil {
		return a.violation(now, sub.id, err.Error(), do)
	}
	if sub.outcome >= 200 {
		do = a.violation(now, sub.id, fmt.Sprintf("NOTIFY tells %d after %d", status, sub.outcome), do)
	}
	if status >= 200 && !sub.over {
		do = a.violation(now, sub.id, fmt.Sprintf("NOTIFY tells %d, and the subscription is not terminated", status), do)
	}
	sub.outcome = status
	is := Progressed
	if sub.over || status >= 200 {
		is = Transferred
	}
	do = tell(Event{Is: is, At: now, Call: sub.id, Status: status, Message: m}, do)
	if is == Transferred && status/100 == 2 && sub.hang == LeaveDone && !sub.call.over {
		return a.hangUp(now, sub.call, ByUs, do)
	}
	return do
}

// statusOf reads the status in a message/sipfrag. RFC 3515 section 2.4.5.
func statusOf(m *sip.Message) (int, error) {
	f, _ := m.First(sip.FieldContentType)
	if t := sip.MediaType(m.Raw, f.Value); !strings.EqualFold(string(t), "message/sipfrag") {
		return 0, fmt.Errorf("NOTIFY of refer with a body of type %q", t)
	}
	line, _, _ := strings.Cut(string(m.Bytes(m.Body())), crlf)
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	status, err := strconv.Atoi(code)
	if version != "SIP/2.0" || err != nil || status < 100 || status > 699 {
		return 0, fmt.Errorf("sipfrag begins with %q", line)
	}
	return status, nil
}
