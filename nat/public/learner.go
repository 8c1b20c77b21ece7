package public

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"sbc/nat"
)

// A learner learns one address and keeps its mappings. It belongs to one
// goroutine.
type learner struct {
	o                *Options
	source           Source
	ports            []port
	signaling, media bool // whose address it is
	rest             bool // nothing is to be asked

	way    way    // in use; nil: none
	method Method // of way
	worked Method // that worked last, and is tried first; empty: none yet
	fails  int    // of way, one after the other
	turns  int    // which mapping is probed next
	now    Known
}

// failsMax is how many times in a row a way may fail before all are tried
// anew.
const failsMax = 2

// giveBackFor bounds how long Close waits for a router that answers. Ours: one
// that changes its firewall for each mapping takes a tenth of a second for each
// of the 64.
const giveBackFor = 10 * time.Second

// newLearner makes a learner of ports.
func newLearner(o *Options, s Source, ports []port) *learner {
	l := &learner{o: o, source: s, ports: ports}
	if s.Method == STUN || s.Method == Fixed {
		l.ports = nil // nothing is mapped
	}
	for _, p := range l.ports {
		l.now.Mappings = append(l.now.Mappings, Mapping{Local: p.Port})
	}
	return l
}

// still reports whether nothing has to be asked: the address is known from the
// configuration or is the interface's own.
func (l *learner) still() bool {
	_, bad := nat.Refuse(l.o.Local)
	switch {
	case l.source.Method == Fixed:
		l.known(l.source.Addr, Fixed, "configuration")
	case l.source.Method == Auto && !bad:
		l.known(l.o.Local, Own, "the interface's own address, which is public")
		l.now.Mappings = nil
	default:
		return false
	}
	return true
}

// turn asks what is due and returns when the next turn is.
func (l *learner) turn(ctx context.Context) time.Time {
	if l.way == nil {
		l.find(ctx)
	} else {
		l.look(ctx)
	}
	if l.way != nil {
		l.renew(ctx)
	}
	l.expire(time.Now())
	next := time.Now().Add(l.o.Every)
	l.now.Next = next
	for i := range l.now.Mappings {
		if m := &l.now.Mappings[i]; l.way != nil && m.Renew.Before(next) {
			next = m.Renew
		}
	}
	return next
}

// order returns the methods to try.
func (l *learner) order() []Method {
	list := []Method{l.source.Method}
	if l.source.Method == Auto {
		list = []Method{PCP, NATPMP, UPnP}
	}
	if i := slices.Index(list, l.worked); i > 0 {
		list = slices.Insert(slices.Delete(list, i, i+1), 0, l.worked)
	}
	return list
}

// find tries the methods until one gives an address that can be ours.
func (l *learner) find(ctx context.Context) {
	l.now.Tried = nil
	list := l.order()
	for i := 0; i < len(list) && ctx.Err() == nil; i++ {
		m := list[i]
		w, addr, err := l.try(ctx, m)
		if err == nil {
			l.way, l.method, l.worked, l.fails = w, m, m, 0
			l.now.Err = ""
			l.known(addr, m, w.by())
			l.due()
			return
		}
		l.now.Tried = append(l.now.Tried, fmt.Sprintf("%s: %v", m, err))
		older := errors.Is(err, errPCPVersion) || errors.Is(err, resultVersion)
		if older && !slices.Contains(list, NATPMP) { // RFC 6887 section 9
			list = append(list, NATPMP)
		}
	}
	l.now.Err = words(l.now.Tried)
}

// try opens one method and asks it once.
func (l *learner) try(ctx context.Context, m Method) (w way, addr netip.Addr, err error) {
	if w, err = l.open(ctx, m); err != nil {
		return nil, addr, err
	}
	if addr, _, err = w.look(ctx, port{}, Mapping{}); err == nil {
		err = judge(addr, l.o.Local, w.by())
	}
	return w, addr, err
}

func (l *learner) open(ctx context.Context, m Method) (way, error) {
	if m == STUN {
		return newSTUN(ctx, l.o, l.source.Server)
	}
	router := l.o.Gateway
	if !router.IsValid() {
		var err error
		if router, err = gateway(l.o.Local); err != nil {
			return nil, err
		}
	}
	switch m {
	case PCP:
		return newPCP(ctx, l.o, router, l.ports)
	case NATPMP:
		return newNATPMP(ctx, l.o, router, l.ports)
	case UPnP:
		return newUPnP(ctx, l.o, router, l.ports)
	}
	return nil, fmt.Errorf("%q is no method", m)
}

// look asks the way in use again.
func (l *learner) look(ctx context.Context) {
	p, m := l.probe()
	addr, lost, err := l.way.look(ctx, p, m)
	if err == nil {
		err = judge(addr, l.o.Local, l.way.by())
	}
	if err != nil {
		l.now.Err = err.Error()
		if l.fails++; l.fails >= failsMax {
			l.way = nil
		}
		return
	}
	// A router that was silent may have started again.
	if lost || l.fails > 0 || addr != l.now.Addr {
		l.due()
	}
	l.fails, l.now.Err = 0, ""
	l.known(addr, l.method, l.way.by())
}

// probe returns a mapping that holds, each time the next one, so that what a
// router has forgotten without a word is found one day.
func (l *learner) probe() (port, Mapping) {
	for range l.now.Mappings {
		i := l.turns % len(l.now.Mappings)
		l.turns++
		if m := l.now.Mappings[i]; m.External != 0 {
			return l.ports[i], m
		}
	}
	return port{}, Mapping{}
}

// known notes an address.
func (l *learner) known(addr netip.Addr, m Method, by string) {
	now := time.Now()
	if addr != l.now.Addr {
		l.now.Since = now
	}
	l.now.Addr, l.now.Method, l.now.By, l.now.Asked = addr, m, by, now
}

// due makes all mappings due.
func (l *learner) due() {
	for i := range l.now.Mappings {
		l.now.Mappings[i].Renew = time.Time{}
	}
}

// renew asks for the mappings that are due.
func (l *learner) renew(ctx context.Context) {
	silent := false
	for i := range l.now.Mappings {
		m := &l.now.Mappings[i]
		if ctx.Err() != nil || m.Renew.After(time.Now()) {
			continue
		}
		if silent { // a router that does not answer is not asked 64 times
			m.Renew = time.Now().Add(l.o.Every)
			continue
		}
		g, err := l.way.add(ctx, l.ports[i], *m)
		silent = errors.Is(err, errSilent)
		if err == nil && g.addr.IsValid() && g.addr != l.now.Addr {
			err = fmt.Errorf("the router gave it another address, %s", g.addr)
			m.External = 0
		}
		if err != nil {
			l.refused(m, err)
			continue
		}
		granted(m, g)
	}
}

// refused notes why a mapping was not given, and when to ask again.
func (l *learner) refused(m *Mapping, err error) {
	m.Err = err.Error()
	wait := l.o.Every
	var later later
	if errors.As(err, &later) { // RFC 6887 section 7.4: how long the error lasts
		wait = min(max(wait, later.after), lifetime)
	}
	m.Renew = time.Now().Add(wait)
}

// lifetimeMax is RFC 6887 section 15: longer is taken for 24 hours.
const lifetimeMax = 24 * time.Hour

// granted notes a mapping. It is renewed between 1/2 and 5/8 of its lifetime
// (RFC 6887 section 11.2.1).
func granted(m *Mapping, g grant) {
	now := time.Now()
	m.External, m.Err, m.Until = g.external, "", time.Time{}
	life := min(g.lifetime, lifetimeMax)
	if life == 0 {
		life = lifetime
	} else {
		m.Until = now.Add(life)
	}
	life = max(life, lifetimeMin)
	m.Renew = now.Add(life/2 + rand.N(life/8))
}

// expire drops the mappings that the router has forgotten.
func (l *learner) expire(now time.Time) {
	for i := range l.now.Mappings {
		m := &l.now.Mappings[i]
		if m.External != 0 && !m.Until.IsZero() && m.Until.Before(now) {
			m.External, m.Until = 0, time.Time{}
		}
	}
}

// giveBack gives the mappings back, until the router does not answer.
func (l *learner) giveBack() {
	if l.way == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), giveBackFor)
	defer cancel()
	for i := range l.now.Mappings {
		m := &l.now.Mappings[i]
		if m.External == 0 {
			continue
		}
		err := l.way.remove(ctx, *m)
		if ctx.Err() != nil {
			err = errSlow
		}
		if errors.Is(err, errSilent) || err == errSlow {
			l.o.Log.Warn("mappings not given back; the router ends them in time", "realm", l.o.Realm, "mappings", len(l.now.Mappings)-i, "within", lifetime, "err", err)
			return
		}
		if err != nil {
			l.o.Log.Warn("mapping not given back", "realm", l.o.Realm, "port", m.Local.String(), "err", err)
		}
	}
}
