package e2e

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"

	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// The canaries of the two sides. The SBC's address in a realm belongs to that
// realm too.
var (
	lanCanary = ua.Canary{
		Word: "kiwi7lan", Inner: netip.MustParseAddr("172.31.66.77"), Own: []netip.Addr{lanAddr, lanSecond, insideAddr, lanAddr6, insideAddr6},
	}
	itspCanary = ua.Canary{
		Word: "mango3wan", Inner: netip.MustParseAddr("203.0.113.177"), Own: []netip.Addr{itspAddr, itspSecond, outsideAddr, itspAddr6, outsideAddr6},
	}
)

// Voices of the two sides, and what their stacks put into the TTL: a relay
// that copies it shows the distance of the far end.
const (
	lanVoice, itspVoice = 311, 742
	lanTTL, itspTTL     = 57, 101
)

// A pair is a phone on each side of a world.
type pair struct {
	w           *world
	caller, far *live.Phone
	way         string
	again       int // commands that were ignored, and given again
}

// phones puts a phone on each side, the caller where way says. change may
// change the options of the caller (0) and of the callee (1).
func (w *world) phones(way string, change func(i int, o *live.Options)) *pair {
	w.t.Helper()
	p := &pair{w: w, way: way}
	caller, callee := w.ends(way)
	for i, s := range []*side{caller, callee} {
		o := w.phoneOptions(s)
		if i == 1 {
			o.React = answer
		}
		if change != nil {
			change(i, &o)
		}
		phone, err := live.Start(o)
		w.must(err)
		w.t.Cleanup(func() {
			phone.Close()
			if w.t.Failed() {
				w.t.Logf("phone on %s: %s", s.name, words(phone.Events()))
			}
		})
		if i == 0 {
			p.caller = phone
		} else {
			p.far = phone
		}
	}
	if w.border != nil {
		w.t.Cleanup(w.border.settle)
	}
	return p
}

func (w *world) phoneOptions(s *side) live.Options {
	seed := fnv.New64()
	fmt.Fprint(seed, w.t.Name(), s.name)
	o := live.Options{
		Agent: ua.Options{
			User: s.name, Addr: s.at(sipPort), Peer: s.target(), Canary: lanCanary, MediaPort: 40000,
			Voice: lanVoice, Hear: itspVoice, Rand: rand.New(rand.NewPCG(seed.Sum64(), 1)),
		},
		Listen: func(at netip.AddrPort) (*net.UDPConn, error) { return s.space.ListenUDP(at) },
		TTL:    lanTTL,
	}
	if s == w.itsp {
		o.TTL, o.Agent.Canary, o.Agent.Voice, o.Agent.Hear = itspTTL, itspCanary, itspVoice, lanVoice
	}
	return o
}

// answer rings and answers every call.
func answer(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	if e.Is == ua.Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
		do = a.Answer(e.At, e.Call, do)
	}
	return do
}

// until waits for an event of a phone, from event number from on.
func (p *pair) until(phone *live.Phone, from int, kind ua.Kind) (ua.Event, int) {
	p.w.t.Helper()
	e, next, err := phone.Await(p.w.ctx, from, func(e ua.Event) bool { return e.Is == kind })
	if err != nil {
		p.w.t.Fatalf("waiting for %q: %v", kind, err)
	}
	return e, next
}

// talk calls, and waits until both hear each other.
func (p *pair) talk(i ua.Invite) ua.Call {
	p.w.t.Helper()
	i.To = "4930123"
	id := p.caller.Invite(i)
	p.until(p.caller, 0, ua.Heard)
	p.until(p.far, 0, ua.Heard)
	return id
}

// over waits until both calls are over.
func (p *pair) over() (caller, far ua.Event) {
	p.w.t.Helper()
	caller, _ = p.until(p.caller, 0, ua.Ended)
	far, _ = p.until(p.far, 0, ua.Ended)
	return caller, far
}

// onTheirWay is how many packets may be: those of half a second, for a machine that
// sleeps.
const onTheirWay = 25

// clean fails the test when either phone has seen a violation or an error,
// or audio that was not bit-exact. Where a direction changed, packets that
// were on their way in that moment may be lost: as many as lost says.
func (p *pair) clean(lost int) {
	p.w.t.Helper()
	ignored := 0
	for i, phone := range []*live.Phone{p.caller, p.far} {
		if err := phone.Err(); err != nil {
			p.w.t.Errorf("phone %d: %v", i, err)
		}
		for _, e := range phone.Events() {
			if e.Is == ua.Violation || e.Is == ua.Unacked || e.Is == ua.Ignored && ignored >= p.again {
				p.w.t.Errorf("phone %d: %s: %s", i, e.Is, e.Text)
			}
			if e.Is == ua.Ignored {
				ignored++
			}
			if e.Is == ua.Ended && (e.Audio.Wrong != 0 || e.Audio.Lost > lost || e.Audio.BadRTCP != 0) {
				p.w.t.Errorf("phone %d: audio %+v", i, e.Audio)
			}
			if e.Is == ua.Ended && !direct && len(e.Audio.Personal) != 0 {
				p.w.t.Errorf("phone %d: RTCP names the far end: %q", i, e.Audio.Personal)
			}
		}
	}
}

// words lists events for a failed test.
func words(events []ua.Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "\n%8.3fs call %d %s %d", e.At.Seconds(), e.Call, e.Is, e.Status)
		if e.Is == ua.Ended {
			fmt.Fprintf(&b, " (%s), sent %d, %+v", e.Cause, e.Sent, e.Audio)
		} else if e.Is != ua.Info {
			b.WriteString(" " + e.Text)
		}
	}
	return b.String()
}

// call waits for an event of one call.
func (p *pair) call(phone *live.Phone, id ua.Call, kind ua.Kind) ua.Event {
	p.w.t.Helper()
	e, _, err := phone.Await(p.w.ctx, 0, func(e ua.Event) bool { return e.Is == kind && e.Call == id })
	if err != nil {
		p.w.t.Fatalf("waiting for %q of call %d: %v", kind, id, err)
	}
	return e
}
