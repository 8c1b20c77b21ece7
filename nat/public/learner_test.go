package public

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A puppet is a way that does what it is told.
type puppet struct {
	addr    netip.Addr
	lost    bool
	err     error // of look
	grant   func(p port, m Mapping) (grant, error)
	added   []Port
	removed []Port
}

func (p *puppet) by() string { return "a puppet" }

func (p *puppet) look(context.Context, port, Mapping) (netip.Addr, bool, error) {
	return p.addr, p.lost, p.err
}

func (p *puppet) add(_ context.Context, want port, m Mapping) (grant, error) {
	p.added = append(p.added, want.Port)
	if p.grant != nil {
		return p.grant(want, m)
	}
	return grant{external: want.Port.Port, lifetime: time.Hour}, nil
}

func (p *puppet) remove(_ context.Context, m Mapping) error {
	p.removed = append(p.removed, m.Local)
	return nil
}

// holding returns a learner that uses p.
func holding(p *puppet, ports ...Port) *learner {
	o := Options{Realm: "outside", Local: here, Signaling: Source{Method: PCP}, Ports: ports, Every: time.Minute}
	o.defaults()
	l := newLearner(&o, o.Signaling, o.signaling())
	l.way, l.method, l.worked = p, PCP, PCP
	return l
}

func TestLearnerAsksEachPortOnceUntilHalfItsLifetime(t *testing.T) {
	p := &puppet{addr: outside}
	l := holding(p, sip5060, Port{TCP, 5060}, sip5060)
	for range 5 {
		l.turn(t.Context())
	}
	if len(p.added) != 2 {
		t.Errorf("asked for %v", p.added)
	}
	l.now.Mappings[1].Renew = time.Now().Add(-time.Second)
	l.turn(t.Context())
	if len(p.added) != 3 || p.added[2] != (Port{TCP, 5060}) {
		t.Errorf("asked for %v", p.added)
	}
	l.giveBack()
	if len(p.removed) != 2 {
		t.Errorf("gave back %v", p.removed)
	}
}

func TestLearnerMakesMappingsAnew(t *testing.T) {
	for name, event := range map[string]func(p *puppet, l *learner){
		"the router lost its state": func(p *puppet, l *learner) { p.lost = true },
		"another address":           func(p *puppet, l *learner) { p.addr = p.addr.Next() },
		"silent for a while": func(p *puppet, l *learner) {
			p.err = errSilent
			l.turn(t.Context())
			p.err = nil
		},
	} {
		p := &puppet{addr: outside}
		l := holding(p, sip5060, Port{TCP, 5060})
		l.turn(t.Context())
		event(p, l)
		l.turn(t.Context())
		if len(p.added) != 4 {
			t.Errorf("%s: asked for %v", name, p.added)
		}
	}
}

// Lifetimes that a hostile router chooses: neither a flood of renewals nor a
// mapping for ever.
func TestLearnerBoundsLifetimes(t *testing.T) {
	for _, c := range []struct{ lifetime, until, renewMin, renewMax time.Duration }{
		{0, 0, 14 * time.Minute, 19 * time.Minute}, // a permanent one
		{time.Second, time.Second, 29 * time.Second, 38 * time.Second},
		{time.Hour, time.Hour, 29 * time.Minute, 38 * time.Minute},
		{1 << 32 * time.Second, 24 * time.Hour, 719 * time.Minute, 15 * time.Hour},
	} {
		var m Mapping
		granted(&m, grant{external: 5060, lifetime: c.lifetime})
		renew := time.Until(m.Renew)
		if renew < c.renewMin || renew > c.renewMax {
			t.Errorf("%v: renewed in %v", c.lifetime, renew)
		}
		if until := time.Until(m.Until).Round(time.Second); m.Until.IsZero() != (c.until == 0) || c.until != 0 && until != c.until {
			t.Errorf("%v: until %v", c.lifetime, until)
		}
	}
}

func TestLearnerWaitsAsLongAsAnErrorLasts(t *testing.T) {
	for _, c := range []struct{ lasts, wait time.Duration }{
		{0, time.Minute}, {10 * time.Minute, 10 * time.Minute}, {1 << 32 * time.Second, lifetime},
	} {
		p := &puppet{addr: outside, grant: func(port, Mapping) (grant, error) { return grant{}, later{result(8), c.lasts} }}
		l := holding(p, sip5060)
		l.turn(t.Context())
		m := &l.now.Mappings[0]
		if got := time.Until(m.Renew).Round(time.Second); got != c.wait || m.External != 0 || !strings.Contains(m.Err, "NO_RESOURCES") {
			t.Errorf("%v: again in %v: %v", c.lasts, got, m)
		}
	}
}

func TestLearnerDropsWhatTheRouterHasForgotten(t *testing.T) {
	p := &puppet{addr: outside}
	l := holding(p, sip5060)
	l.turn(t.Context())
	was := l.now.clone()
	p.grant = func(port, Mapping) (grant, error) { return grant{}, errSilent }
	l.now.Mappings[0].Until, l.now.Mappings[0].Renew = time.Now().Add(-time.Second), time.Time{}
	l.turn(t.Context())
	if m := l.now.Mappings[0]; m.External != 0 || m.Err == "" {
		t.Errorf("mapping: %+v", m)
	}
	if was.Mappings[0].External != 5060 {
		t.Error("a snapshot changed")
	}
}

// A router that has gone silent is not asked for each of 64 ports.
func TestLearnerLeavesASilentRouterAlone(t *testing.T) {
	p := &puppet{addr: outside, grant: func(port, Mapping) (grant, error) { return grant{}, errSilent }}
	l := holding(p, sip5060, Port{UDP, 5061}, Port{UDP, 5062})
	l.turn(t.Context())
	if len(p.added) != 1 {
		t.Errorf("asked for %v", p.added)
	}
}

func TestLearnerRefusesAMappingAtAnotherAddress(t *testing.T) {
	other := netip.MustParseAddr("203.0.113.99")
	p := &puppet{addr: outside, grant: func(p port, _ Mapping) (grant, error) {
		return grant{external: 5060, addr: other, lifetime: time.Hour}, nil
	}}
	l := holding(p, sip5060)
	l.turn(t.Context())
	if m := l.now.Mappings[0]; m.External != 0 || !strings.Contains(m.Err, other.String()) {
		t.Errorf("mapping: %+v", m)
	}
}

func TestLearnerBeginsWithWhatWorked(t *testing.T) {
	o := Options{Local: here, Signaling: Source{Method: Auto}}
	o.defaults()
	l := newLearner(&o, o.Signaling, nil)
	for worked, want := range map[Method]string{"": "pcp natpmp upnp", UPnP: "upnp pcp natpmp", NATPMP: "natpmp pcp upnp", PCP: "pcp natpmp upnp"} {
		l.worked = worked
		var got []string
		for _, m := range l.order() {
			got = append(got, string(m))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("after %q: %v", worked, got)
		}
	}
}

func TestLearnerKeepsTheAddressAndTriesAllAgain(t *testing.T) {
	p := &puppet{addr: outside}
	l := holding(p, sip5060)
	l.o.Gateway = freshAddr() // nobody listens there
	l.turn(t.Context())
	p.err = errors.New("broken")
	for range failsMax {
		l.turn(t.Context())
	}
	if l.way != nil || l.now.Addr != outside || l.now.Err != "broken" {
		t.Errorf("known: %+v", l.now)
	}
	l.turn(t.Context())
	if l.now.Addr != outside || len(l.now.Tried) != 1 || l.now.Tried[0] != "pcp: nobody listens there" {
		t.Errorf("known: %+v", l.now)
	}
}
