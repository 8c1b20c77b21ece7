package e2e

import (
	"testing"
	"time"

	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// The connection that a call came by is reset in the call: whoever hangs up, the
// other side hears of it by a new connection, and what both said until then came
// through.
func TestTLSConnectionBreaksInCall(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		for _, far := range []bool{false, true} {
			t.Run(way+map[bool]string{false: "", true: " callee hangs up"}[far], func(t *testing.T) {
				t.Parallel()
				c := newCertificates(t)
				w := newWorldOf(t, c.setup(known, knownAccept))
				v := w.veils(c, c.ca.issue(itspName))
				p := w.tlsPhones(way)
				p.talk(ua.Invite{})
				if n := v.reset(); n == 0 {
					t.Fatal("there was no connection to reset")
				}
				w.await("the SBC to see the reset", func() bool { return w.connections() == 0 })
				p.heardMore(p.caller)
				p.heardMore(p.far)
				if far {
					p.far.Hangup(1)
				} else {
					p.caller.Hangup(1)
				}
				p.over()
				p.clean(0)
				w.sealed()
				w.saysTLS(v)
			})
		}
	}
}

// The ITSP is gone, and takes no new connection either: who hangs up on the LAN is
// answered, and the border keeps nothing of the call.
func TestTLSFarEndGoneInCall(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := newCertificates(t)
			w := newWorldOf(t, c.setup(known, knownAccept))
			v := w.veils(c, c.ca.issue(itspName))
			p := w.tlsPhones(way)
			p.talk(ua.Invite{})
			v.close()
			lan := p.caller
			if way == "in" {
				lan = p.far
			}
			lan.Hangup(1)
			if e, _ := p.until(lan, 0, ua.Ended); e.Cause != ua.ByUs {
				t.Errorf("the call ended: %s", e.Cause)
			}
			w.border.settle()
		})
	}
}

// heardMore waits until a phone has heard half a second more than it had.
func (p *pair) heardMore(phone *live.Phone) {
	p.w.t.Helper()
	const packets = 25
	heard := func() (n int) {
		phone.Do(func(a *ua.Agent, _ time.Duration, do []ua.Effect) []ua.Effect {
			_, audio := a.Media(1)
			n = audio.Right
			return do
		})
		return n
	}
	before := heard()
	p.w.await("more audio", func() bool { return heard() >= before+packets })
}

// connections counts those that the SBC has open.
func (w *world) connections() (n int) {
	w.t.Helper()
	s, err := w.border.status()
	w.must(err)
	for _, r := range s.Realms {
		n += r.Connections.Open
	}
	return n
}
