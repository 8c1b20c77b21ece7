package ua

import (
	"strconv"
	"strings"
	"time"
)

// A Move is something that an agent may do now, as a value that can be
// written down and made again.
type Move struct {
	Name  string
	Call  Call   // the call or subscription that it is made in; 0: none
	Other Call   // of a transfer: the call that is to be taken over
	To    string // user part of whom it is for: to be filled in where NeedsTo is set

	NeedsTo bool
}

// A verb is a kind of move.
type verb struct {
	name    string
	can     func(a *Agent, c *call) bool
	do      func(a *Agent, now time.Duration, m Move, do []Effect) []Effect
	needsTo bool
	other   bool // it needs another call
}

// Moves returns what may be done in a call, a subscription or a publication,
// with 0 what may be done outside of them. What is listed is allowed by the state: Make does
// it, and tells no Ignored. The order is always the same.
func (a *Agent) Moves(id Call) []Move {
	if id == 0 {
		return a.outsideMoves()
	}
	if s := a.subByID(id); s != nil {
		return a.subscriptionMoves(s)
	}
	if p := a.publicationByID(id); p != nil {
		return publicationMoves(p)
	}
	c := a.byID(id)
	if c == nil {
		return nil
	}
	var list []Move
	for i := range callVerbs {
		v := &callVerbs[i]
		if !v.can(a, c) {
			continue
		}
		if !v.other {
			list = append(list, Move{Name: v.name, Call: id, NeedsTo: v.needsTo})
			continue
		}
		for _, o := range a.calls {
			if o != c && canBeNamed(o) && o.remote != c.remote {
				list = append(list, Move{Name: v.name, Call: id, Other: o.id})
			}
		}
	}
	return list
}

// Make makes a move. The id of what it began is returned with the effects: of
// a call or a subscription, else 0.
func (a *Agent) Make(now time.Duration, m Move, do []Effect) (Call, []Effect) {
	switch event, subscribes := strings.CutPrefix(m.Name, "subscribe "); {
	case subscribes && m.Call == 0:
		return a.Subscribe(now, Subscribe{To: m.To, Event: event, Seconds: 60}, do)
	case m.Call == 0 && m.Name == "invite":
		return a.Invite(now, Invite{To: m.To}, do)
	case m.Call == 0 && m.Name == "invite with video":
		return a.Invite(now, Invite{To: m.To, Video: true}, do)
	case m.Call == 0 && m.Name == "late invite":
		return a.Invite(now, Invite{To: m.To, Late: true}, do)
	case m.Call == 0 && m.Name == "roam":
		return 0, a.roamTo(now, m.To, do)
	case m.Name == "message" && m.Call == 0:
		return a.Message(now, m.To, "hello "+m.To, do)
	case m.Name == "publish":
		return a.Publish(now, m.To, do)
	case m.Name == "notify unasked":
		return a.NotifyUnasked(now, m.To, do)
	case m.Name == "pick up" || m.Name == "pick up early":
		return a.PickUp(now, m.Call, m.Name == "pick up early", do)
	}
	for _, verbs := range [][]verb{callVerbs, publicationVerbs, subscriptionVerbs, outsideVerbs, registerVerbs} {
		for i := range verbs {
			if verbs[i].name == m.Name {
				return 0, verbs[i].do(a, now, m, do)
			}
		}
	}
	return 0, a.ignored(now, m.Call, "no such move: "+m.Name, do)
}

func (a *Agent) outsideMoves() []Move {
	var list []Move
	for _, name := range []string{"invite", "late invite", "message", "publish", "notify unasked"} {
		list = append(list, Move{Name: name, NeedsTo: true})
	}
	if a.o.Video {
		list = append(list, Move{Name: "invite with video", NeedsTo: true})
	}
	for _, event := range packages {
		list = append(list, Move{Name: "subscribe " + event, NeedsTo: true})
	}
	for i := range outsideVerbs {
		list = append(list, Move{Name: outsideVerbs[i].name, NeedsTo: outsideVerbs[i].needsTo})
	}
	return append(list, a.registerMoves()...)
}

func (a *Agent) subscriptionMoves(s *subscription) []Move {
	var list []Move
	for i := range subscriptionVerbs {
		v := &subscriptionVerbs[i]
		theirs := v.name == "notify" || strings.HasPrefix(v.name, "expel")
		if theirs && a.theirs(s.id) != nil || !theirs && a.mine(s.id) != nil {
			list = append(list, Move{Name: v.name, Call: s.id})
		}
	}
	if !s.notifier && len(s.dialogs) > 0 {
		list = append(list, Move{Name: "pick up", Call: s.id}, Move{Name: "pick up early", Call: s.id})
	}
	return list
}

var outsideVerbs = []verb{
	{name: "options", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect { return a.Options(now, 0, do) }},
}

var subscriptionVerbs = []verb{
	{name: "resubscribe", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
		return a.Resubscribe(now, m.Call, 30, do)
	}},
	{name: "unsubscribe", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect { return a.Unsubscribe(now, m.Call, do) }},
	{name: "notify", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect { return a.Notify(now, m.Call, do) }},
	expel("deactivated"), expel("rejected"), expel("noresource"),
}

var publicationVerbs = []verb{
	{name: "republish", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
		return a.Republish(now, m.Call, true, do)
	}},
	{name: "refresh what is published", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
		return a.Republish(now, m.Call, false, do)
	}},
	{name: "unpublish", do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect { return a.Unpublish(now, m.Call, do) }},
}

func publicationMoves(p *publication) (list []Move) {
	if !p.mayPublish() {
		return nil
	}
	for i := range publicationVerbs {
		list = append(list, Move{Name: publicationVerbs[i].name, Call: p.id})
	}
	return list
}

func expel(reason string) verb {
	return verb{name: "expel " + reason, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
		return a.Expel(now, m.Call, reason, do)
	}}
}

var callVerbs = listVerbs()

func listVerbs() []verb {
	list := []verb{
		{name: "progress", can: (*Agent).mayProgress, do: simple((*Agent).Progress)},
		{name: "answer", can: func(a *Agent, c *call) bool { return a.waiting(c.id) != nil && !c.answering }, do: simple((*Agent).Answer)},
		{name: "hang up", can: func(a *Agent, c *call) bool { return !c.ending }, do: simple((*Agent).Hangup)},
		{name: "codec", can: (*Agent).mayReoffer, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.Recodec(now, m.Call, []Codec{PCMU, PCMA}, do)
		}},
		{name: "refresh", can: (*Agent).mayReoffer, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.Refresh(now, m.Call, false, do)
		}},
		{name: "late refresh", can: (*Agent).mayReoffer, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.Refresh(now, m.Call, true, do)
		}},
		{name: "info", can: isUp, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.Info(now, m.Call, "application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", do)
		}},
		{name: "message in the call", can: isUp, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.MessageWithin(now, m.Call, "hello", do)
		}},
		{name: "unknown method", can: isUp, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.Ask(now, m.Call, "SERVICE", do)
		}},
		{name: "options in the call", can: isUp, do: simple((*Agent).Options)},
		{name: "stop the news", can: func(a *Agent, c *call) bool { return a.news(c) != nil }, do: simple((*Agent).StopNews)},
		{name: "update without offer", can: func(_ *Agent, c *call) bool { return c.mayUpdate() }, do: simple((*Agent).UpdateTarget)},
		{name: "refuse the next offer", can: isUp, do: func(a *Agent, _ time.Duration, m Move, do []Effect) []Effect { a.RefuseNext(m.Call, 488); return do }},
		{name: "refuse the next refer", can: isUp, do: func(a *Agent, _ time.Duration, m Move, do []Effect) []Effect { a.RefuseRefer(m.Call, 603); return do }},
	}
	list = append(list, lineVerbs()...)
	for _, status := range []int{180, 181, 182, 183} {
		list = append(list, verb{name: "ring " + strconv.Itoa(status), can: (*Agent).mayRing,
			do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
				return a.Ring(now, m.Call, status, do)
			}})
	}
	for _, status := range []int{404, 480, 486, 500, 503, 603} {
		list = append(list, verb{name: "reject " + strconv.Itoa(status), can: func(a *Agent, c *call) bool { return a.waiting(c.id) != nil },
			do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
				return a.Reject(now, m.Call, status, do)
			}})
	}
	for _, status := range []int{300, 301, 302} {
		list = append(list, verb{name: "redirect " + strconv.Itoa(status), needsTo: true, can: func(a *Agent, c *call) bool { return a.waiting(c.id) != nil },
			do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
				return a.Redirect(now, m.Call, status, []string{m.To, "nobody"}, do)
			}})
	}
	for h, name := range []string{"resume", "hold sendonly", "hold inactive", "hold 0.0.0.0"} {
		list = append(list,
			verb{name: name, can: (*Agent).mayReoffer, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
				return a.Hold(now, m.Call, Hold(h), do)
			}},
			verb{name: "update " + name, can: func(_ *Agent, c *call) bool { return c.mayUpdate() },
				do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
					return a.Update(now, m.Call, Hold(h), do)
				}})
	}
	return append(list, transferVerbs()...)
}

// lineVerbs add and remove lines, and switch between audio and T.38.
func lineVerbs() []verb {
	may := func(has func(a *Agent, c *call) bool) func(*Agent, *call) bool {
		return func(a *Agent, c *call) bool { return a.mayReoffer(c) && has(a, c) }
	}
	video := func(on bool) func(*Agent, time.Duration, Move, []Effect) []Effect {
		return func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.SetVideo(now, m.Call, on, do)
		}
	}
	fax := func(on bool) func(*Agent, time.Duration, Move, []Effect) []Effect {
		return func(a *Agent, now time.Duration, m Move, do []Effect) []Effect { return a.SetFax(now, m.Call, on, do) }
	}
	return []verb{
		{name: "add video", can: may(func(a *Agent, c *call) bool { return a.o.Video && !c.video }), do: video(true)},
		{name: "remove video", can: may(func(_ *Agent, c *call) bool { return c.video }), do: video(false)},
		holdVideo("video sendonly", SendOnly), holdVideo("video inactive", Inactive), holdVideo("video both ways", NotHeld),
		{name: "fax", can: may(func(a *Agent, c *call) bool { return a.o.Fax && !c.wish.fax }), do: fax(true)},
		{name: "voice", can: may(func(_ *Agent, c *call) bool { return c.wish.fax }), do: fax(false)},
		{name: "refuse the next line", can: func(a *Agent, c *call) bool { return a.o.Video && isUp(a, c) },
			do: func(a *Agent, _ time.Duration, m Move, do []Effect) []Effect { a.RefuseLine(m.Call); return do }},
	}
}

func holdVideo(name string, h Hold) verb {
	return verb{name: name, can: func(a *Agent, c *call) bool { return a.mayReoffer(c) && c.video && c.videoHold != h },
		do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
			return a.HoldVideo(now, m.Call, h, do)
		}}
}

// transferVerbs are all ways to transfer.
func transferVerbs() (list []verb) {
	for l := LeaveNever; l <= LeaveDone; l++ {
		refer := func(r Refer) func(*Agent, time.Duration, Move, []Effect) []Effect {
			return func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
				one := r // all agents have these verbs
				one.To, one.Replaces, one.Leave = m.To, m.Other, l
				return a.Refer(now, m.Call, one, do)
			}
		}
		name := ", leave " + l.String()
		list = append(list,
			verb{name: "refer" + name, can: (*Agent).canRefer, needsTo: true, do: refer(Refer{})},
			verb{name: "refer without news" + name, can: (*Agent).canRefer, needsTo: true, do: refer(Refer{NoNews: true})},
			verb{name: "transfer" + name, can: (*Agent).canRefer, other: true, do: refer(Refer{})},
			verb{name: "transfer early only" + name, can: (*Agent).canRefer, other: true, do: refer(Refer{EarlyOnly: true})})
	}
	return list
}

func simple(f func(*Agent, time.Duration, Call, []Effect) []Effect) func(*Agent, time.Duration, Move, []Effect) []Effect {
	return func(a *Agent, now time.Duration, m Move, do []Effect) []Effect { return f(a, now, m.Call, do) }
}

func isUp(_ *Agent, c *call) bool { return c.up && !c.ending }
