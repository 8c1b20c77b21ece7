package sim

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"sbc/lab/ua"
)

// A transfer is one cell of the matrix: alice has a call with bob, and bob
// shall talk with carol in her place.
type transfer struct {
	kind    transferKind
	inward  bool // alice is at the ITSP, else on the LAN; bob is on the other side
	called  bool // bob called alice, else she him
	place   transferPlace
	leave   ua.Leave
	outcome transferOutcome
}

// A transferKind says how bob comes to call carol. With pick-ups it is carol who calls
// bob, and alice does nothing.
type transferKind uint8

const (
	blind    transferKind = iota // REFER
	unheard                      // REFER with Refer-Sub: false, RFC 4488
	attended                     // REFER with the Replaces of a call that carol answered
	ringing                      // and of one that rings at carol
	pickUp                       // INVITE with Replaces of a call of alice that is up
	pickRing                     // and of one that is not answered
	kinds
)

// A transferPlace is where carol is.
type transferPlace uint8

const (
	nearThird transferPlace = iota // a third peer on alice's side
	farThird                       // a third peer on bob's side
	nearSame                       // behind alice's peer
	farSame                        // behind bob's peer
	inner                          // behind alice's peer, and her call with carol does not cross the border
	places
	beside transferPlace = places // a third peer on alice's side that she calls past the border
)

// A transferOutcome is what comes of it.
type transferOutcome uint8

const (
	answered    transferOutcome = iota
	busy                        // carol is busy
	rejects                     // carol does not want
	silent                      // carol does not answer, and bob gives up
	unreachable                 // nothing comes from carol's peer
	refused                     // bob refuses the REFER
	gone                        // alice hung up what Replaces names
	tooLate                     // carol answered alice, and Replaces is early-only
	strict                      // Replaces names a call that rings at who gets it
	outcomes
)

// onePeer reports whether carol's peer is alice's or bob's.
func (x transfer) onePeer() bool {
	return x.place == nearSame || x.place == farSame || x.place == inner
}

// past reports whether the border has no part in the call of alice with carol.
func (x transfer) past() bool { return x.place == inner || x.place == beside }

func (x transfer) picked() bool   { return x.kind == pickUp || x.kind == pickRing }
func (x transfer) consults() bool { return x.kind == attended || x.kind == ringing }

// An end is a call as one user agent has it.
type end struct {
	a  *actor
	id ua.Call
}

// A seen is an event of somebody.
type seen struct {
	a *actor
	e ua.Event
}

// A scene is a world in which a transfer is played.
type scene struct {
	x                 transfer
	w                 *world
	alice, bob, carol *actor
	old, consult, new [2]end // alice's first, of new: bob's first
	events            []seen
	watch             ua.Call // carol's subscription, of a pick-up
	body              string  // of its last NOTIFY
	overtaken         bool    // a BYE was, and refused
	mute              bool    // nobody says anything any more
	private           string  // Call-ID of the call past the border; empty: none
}

// Numbers: behind the prefix of who is called.
const (
	oldNumber     = "00100"
	consultNumber = "00200"
	targetNumber  = "00300"
	innerNumber   = "00400"
)

// whoIs returns the neighbour that has an address.
func whoIs(addr netip.AddrPort) *neighbour {
	i := slices.IndexFunc(neighbours, func(n neighbour) bool { return n.addr == addr })
	return &neighbours[max(i, slices.Index(sixes, addr))]
}

func (x transfer) scene(o Options) (*scene, error) {
	more := o.agents
	o.agents = func(o *ua.Options) {
		o.Reliable, o.ReplaceRinging = ua.RelSupported, x.outcome != strict
		if x.place == inner { // who is behind a PBX can be called from outside
			o.User = whoIs(o.Addr).prefix + innerNumber
		}
		if more != nil {
			more(o)
		}
	}
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	s := &scene{x: x, w: w}
	near, far := w.actors[:2], w.actors[2:]
	if x.inward {
		near, far = far, near
	}
	s.alice, s.bob = near[0], far[0]
	s.carol = []*actor{near[1], far[1], near[0], far[0], near[0], near[1]}[x.place]
	w.stage = s.told
	return s, nil
}

// told is what somebody's user agent tells.
func (s *scene) told(a *actor, e ua.Event, do []ua.Effect) []ua.Effect {
	s.events = append(s.events, seen{a, e})
	switch e.Is {
	case ua.Incoming:
		return s.past(a, s.comes(a, e, do))
	case ua.Referred:
		if e.Other > 0 {
			s.new[0] = end{a, e.Other}
		}
	case ua.Notified:
		s.body = e.Text
	}
	return do
}

// comes takes a call that comes in.
func (s *scene) comes(a *actor, e ua.Event, do []ua.Effect) []ua.Effect {
	here := end{a, e.Call}
	switch number, _, _ := strings.Cut(strings.TrimPrefix(e.Text, "sip:"), "@"); {
	case e.Other > 0 || strings.HasSuffix(number, targetNumber):
		if s.x.picked() {
			s.new[0] = here
		} else {
			s.new[1] = here
		}
		return s.decide(here, e.Other > 0, do)
	case strings.HasSuffix(number, consultNumber):
		s.consult[1] = here
		if s.x.kind == ringing {
			return a.agent.Ring(s.w.now, e.Call, 180, do)
		}
	case s.x.called:
		s.old[0] = here
	default:
		s.old[1] = here
	}
	if s.x.kind == pickRing {
		return a.agent.Ring(s.w.now, e.Call, 180, do)
	}
	return a.agent.Answer(s.w.now, e.Call, do)
}

// decide does with the new call what the outcome says. One that takes the
// place of another is answered at once, except where the other rings: then it
// rings on.
func (s *scene) decide(here end, replaces bool, do []ua.Effect) []ua.Effect {
	agent, now, id := here.a.agent, s.w.now, here.id
	switch {
	case s.x.outcome == busy:
		return agent.Reject(now, id, 486, do)
	case replaces && s.x.kind != ringing && s.x.outcome == answered:
		return agent.Answer(now, id, do)
	}
	do = agent.Ring(now, id, 180, do)
	life := here.a.life
	s.w.after(500*time.Millisecond, func() {
		switch {
		case here.a.life != life || s.state(here) != "rings":
		case s.x.outcome == answered:
			s.do(here.a, agent.Answer(s.w.now, id, nil))
		case s.x.outcome == rejects:
			s.do(here.a, agent.Reject(s.w.now, id, 603, nil))
		}
	})
	return do
}

// state is how a call stands at one of its ends.
func (s *scene) state(at end) string {
	state := "none"
	if at.id == 0 {
		return state
	}
	for i := range s.events {
		if n := &s.events[i]; n.a == at.a && n.e.Call == at.id {
			switch n.e.Is {
			case ua.Incoming, ua.Ringing:
				state = "rings"
			case ua.Answered:
				state = "up"
			case ua.Ended:
				return "over"
			}
		}
	}
	return state
}

// both reports whether a call stands so at both of its ends.
func (s *scene) both(call [2]end, state string) bool {
	return s.state(call[0]) == state && s.state(call[1]) == state
}

// has reports whether somebody's call had an event.
func (s *scene) has(at end, is ua.Kind, ok func(*ua.Event) bool) bool {
	return slices.ContainsFunc(s.events, func(n seen) bool {
		return n.a == at.a && n.e.Call == at.id && n.e.Is == is && (ok == nil || ok(&n.e))
	})
}

// news returns the statuses that NOTIFYs have told alice, and whether the last
// one was final.
func (s *scene) news() (all []int, final bool) {
	for i := range s.events {
		if n := &s.events[i]; n.a == s.alice && n.e.Call == s.old[0].id && (n.e.Is == ua.Progressed || n.e.Is == ua.Transferred) {
			all, final = append(all, n.e.Status), n.e.Is == ua.Transferred
		}
	}
	return all, final
}

// replied returns the final answer to the REFER, 0: none.
func (s *scene) replied() int {
	for i := range s.events {
		if n := &s.events[i]; n.a == s.alice && n.e.Is == ua.Replied && n.e.Text == "REFER" {
			return n.e.Status
		}
	}
	return 0
}
