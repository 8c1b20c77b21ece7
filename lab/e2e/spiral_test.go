package e2e

import (
	"testing"

	"sbc/lab/netns"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// A PBX that is a proxy sends a call back to where it came from: in again
// through the same realm, with the same Call-ID, and out to the side of the
// caller. That is no loop (RFC 3261 section 16.3), but a call through the SBC
// twice.
func TestSpiralThroughProxy(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "kamailio")
	throughSBC(t)
	for _, c := range []struct {
		name string
		far  bool // the callee hangs up
	}{{"caller hangs up", false}, {"callee hangs up", true}} {
		for _, way := range []string{"out", "in"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				home, pbx := w.ends(way)
				w.kamailio(pbx, "sip:4930777@"+pbx.border.String())
				p := w.neighbours(home)
				p.talk(ua.Invite{})
				if s, err := w.border.status(); err != nil || s.Calls != 2 {
					t.Errorf("%d calls instead of 2, %v", s.Calls, err)
				}
				if c.far {
					p.far.Hangup(1)
				} else {
					p.caller.Hangup(1)
				}
				p.over()
				p.clean(0)
				w.sealed()
			})
		}
	}
}

// neighbours puts two phones on one side: the second is its peer, the first
// calls from another port.
func (w *world) neighbours(s *side) *pair {
	w.t.Helper()
	p := &pair{w: w}
	for i, phone := range []**live.Phone{&p.caller, &p.far} {
		o := w.phoneOptions(s)
		if i == 0 {
			o.Agent.Addr, o.Agent.User = s.at(sipPort+1), "neighbour"
		} else {
			o.Agent.MediaPort += 1000
			o.Agent.Voice, o.Agent.Hear = o.Agent.Hear, o.Agent.Voice
			o.React = answer
		}
		started, err := live.Start(o)
		w.must(err)
		w.t.Cleanup(func() {
			started.Close()
			if w.t.Failed() {
				w.t.Logf("phone %d on %s: %s", i, s.name, words(started.Events()))
			}
		})
		*phone = started
	}
	w.t.Cleanup(w.border.settle)
	return p
}

// The same with sipp, which sees nothing but an ordinary call.
func TestSpiralOfSipp(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp", "kamailio")
	throughSBC(t)
	for file, what := range map[string]any{"basic": nil, "callee_bye": nil, "hold": hold{"sendonly", "a=sendonly", "recvonly", "a=recvonly"}, "prack": nil} {
		for _, way := range []string{"out", "in"} {
			t.Run(file+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				home, pbx := w.ends(way)
				w.kamailio(pbx, "sip:4930777@"+pbx.border.String())
				w.play(file, home, what,
					part{role: "uas", side: home, port: sipPort},
					part{role: "uac", side: home, port: sipPort + 1, calls: true})
			})
		}
	}
}
