package ua

import (
	"slices"
	"time"

	"sbc/signaling/sip"
)

// replaced returns the call that the Replaces of an INVITE names, nil where it
// has none; and the status that refuses it, 0: none. RFC 3891 section 3.
func (a *Agent) replaced(m *sip.Message) (c *call, status int) {
	f, ok := m.First(sip.FieldReplaces)
	if !ok {
		return nil, 0
	}
	id, err := sip.ParseDialogID(m.Raw, f.Value)
	if err != nil || m.Count(sip.FieldReplaces) > 1 || m.Count(sip.FieldJoin) > 0 {
		return nil, 400
	}
	d := dialog{callID: string(m.Bytes(id.CallID)), localTag: string(m.Bytes(id.ToTag)), remoteTag: string(m.Bytes(id.FromTag))}
	c = a.dialogs[d.key()]
	switch {
	case slices.Contains(a.ended, d.name()):
		return nil, 603
	case c == nil || c.over || !c.has(d.remoteTag):
		return nil, 481
	case c.up && id.EarlyOnly:
		return nil, 486
	case !c.up && !c.out && !a.o.ReplaceRinging: // "an early dialog that was not initiated by this UA"
		return nil, 481
	}
	return c, 0
}

// name is a dialog as Replaces names it.
func (d *dialog) name() string { return d.callID + " " + d.localTag + " " + d.remoteTag }

// endedMax is how many ended dialogs are remembered.
const endedMax = 50

// remember keeps the name of a dialog that is over, for a Replaces that comes
// too late.
func (a *Agent) remember(d *dialog) {
	if len(a.ended) == endedMax {
		a.ended = a.ended[1:]
	}
	a.ended = append(a.ended, d.name())
}

// replace ends the call that the one which we have just accepted takes over:
// with BYE, CANCEL or 487.
func (a *Agent) replace(now time.Duration, by *call, do []Effect) []Effect {
	old := by.replaces
	by.replaces = nil
	if old == nil || old.over {
		return do
	}
	do = tell(Event{Is: Replaced, At: now, Call: old.id, Other: by.id}, do)
	switch {
	case old.up:
		return a.hangUp(now, old, ByUs, do)
	case old.out:
		return a.Hangup(now, old.id, do)
	case old.server.status >= 200:
		old.ending = true
		return do
	}
	do = a.respond(now, old.server, 487, old.localTag, "", "", do)
	old.server = nil
	return a.finish(now, old, Event{Cause: Cancelled, Status: 487}, do)
}
