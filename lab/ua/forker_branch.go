package ua

import (
	"net/netip"
	"time"

	"sbc/signaling/sip"
)

// fork sends a request to all branches.
func (f *Forker) fork(now time.Duration, key string, m *sip.Message, from netip.AddrPort, do []Effect) []Effect {
	s := &forking{key: key, request: m, from: from}
	f.servers[key] = s
	if s.invite() {
		do = f.back(s, 100, f.responseTo(m, from, 100), do)
	}
	for _, t := range f.targets(m) {
		branch := f.branch()
		b := &forkerBranch{key: branch + " " + string(m.MethodName()), of: s, to: t.to, every: t1}
		b.bytes = f.requestOn(m, from, t.uri, branch, f.o.RecordRoute, t.routes...)
		s.branches = append(s.branches, b)
		do = f.start(now, b, do)
	}
	return do
}

func (f *Forker) start(now time.Duration, b *forkerBranch, do []Effect) []Effect {
	f.clients[b.key] = b
	f.set(forkerTimer{at: now + t1, branch: b})
	f.set(forkerTimer{at: now + 64*t1, branch: b, end: true})
	return f.send(b.to, b.bytes, do)
}

// branchTimer is timers A, E, B and F, and the end of a branch.
func (f *Forker) branchTimer(now time.Duration, t forkerTimer, do []Effect) []Effect {
	b := t.branch
	invite := b.of != nil && b.of.invite()
	switch {
	case b.gone:
		return do
	case t.end && b.status == 0 && invite && b.rang && !b.canceled:
		return do // timer C is longer than any test
	case t.end && b.status == 0 && b.of != nil:
		b.status = 408
		b.gone = true
		delete(f.clients, b.key)
		return f.decide(now, b.of, do)
	case t.end:
		b.gone = true
		delete(f.clients, b.key)
		return do
	case b.status != 0 || invite && b.rang:
		return do
	}
	b.every *= 2
	if !invite {
		b.every = min(b.every, t2)
	}
	f.set(forkerTimer{at: now + b.every, branch: b})
	return f.send(b.to, b.bytes, do)
}

// answered takes a response of a branch. RFC 3261 section 16.7.
func (f *Forker) answered(now time.Duration, b *forkerBranch, m *sip.Message, do []Effect) []Effect {
	if b.of == nil { // of a CANCEL
		if m.Status() >= 200 {
			b.status = m.Status()
		}
		return do
	}
	invite := b.of.invite()
	switch {
	case m.Status() < 200:
		b.rang = true
		do = f.sendCancel(now, b, do)
		if m.Status() > 100 && b.status == 0 && b.of.status < 300 {
			do = f.passBack(b.of, m, do)
		}
		return do
	case invite && m.Status() >= 300:
		do = f.send(b.to, ackOf(b.bytes, m), do)
	}
	first := b.status == 0
	if first {
		b.status, b.best = m.Status(), m
		f.set(forkerTimer{at: now + 64*t1, branch: b, end: true})
	}
	if m.Status() >= 300 {
		if first {
			return f.decide(now, b.of, do)
		}
		return do
	}
	return f.won(now, b, m, first, do)
}

// won passes a 2xx on, each one of an INVITE, and calls the others off.
func (f *Forker) won(now time.Duration, b *forkerBranch, m *sip.Message, first bool, do []Effect) []Effect {
	s := b.of
	if !first && !s.invite() || !s.invite() && s.winners > 0 {
		return do // RFC 3261 section 16.7: the first final response is the only one
	}
	if s.winners == 0 {
		f.set(forkerTimer{at: now + 64*t1, server: s, end: true})
	}
	if first {
		s.winners++
	}
	do = f.passBack(s, m, do)
	if !f.o.TwoWinners || s.winners > 1 {
		do = f.cancelAll(now, s, do)
	}
	return do
}

// decide sends the best refusal back once every branch has one. RFC 3261
// section 16.7, step 6.
func (f *Forker) decide(now time.Duration, s *forking, do []Effect) []Effect {
	for _, b := range s.branches {
		if b.status >= 600 {
			do = f.cancelAll(now, s, do)
		}
	}
	var best *forkerBranch
	for _, b := range s.branches {
		if b.status == 0 {
			return do
		}
		if best == nil || b.status >= 600 && best.status < 600 || best.status < 600 && b.status < best.status {
			best = b
		}
	}
	if s.winners > 0 || s.status >= 200 {
		return do
	}
	f.set(forkerTimer{at: now + 64*t1, server: s, end: true})
	if s.every = t1; s.invite() {
		f.set(forkerTimer{at: now + t1, server: s})
	}
	if best.best == nil {
		if !s.invite() {
			return do // RFC 4320 section 4.2: no 408
		}
		return f.back(s, 408, f.responseTo(s.request, s.from, 408), do)
	}
	return f.passBack(s, best.best, do)
}

// passBack sends a branch's response back, less our Via.
func (f *Forker) passBack(s *forking, m *sip.Message, do []Effect) []Effect {
	bytes, _, _ := responseBack(m)
	return f.back(s, m.Status(), bytes, do)
}

func (f *Forker) back(s *forking, status int, b []byte, do []Effect) []Effect {
	s.status, s.last = max(s.status, status), b
	return f.send(s.from, b, do)
}

// serverTimer is timers G and H, and the end of a forking.
func (f *Forker) serverTimer(now time.Duration, t forkerTimer, do []Effect) []Effect {
	s := t.server
	switch {
	case t.end:
		delete(f.servers, s.key)
		return do
	case s.acked || f.servers[s.key] != s:
		return do
	}
	s.every = min(2*s.every, t2)
	f.set(forkerTimer{at: now + s.every, server: s})
	return f.send(s.from, s.last, do)
}

// cancelled takes a CANCEL. RFC 3261 section 16.10.
func (f *Forker) cancelled(now time.Duration, m *sip.Message, from netip.AddrPort, do []Effect) []Effect {
	s := f.servers[serverKey(m, "INVITE")]
	if s == nil {
		return f.reply(m, from, 481, do)
	}
	return f.cancelAll(now, s, f.reply(m, from, 200, do))
}

// cancelAll calls off the branches that have no final response.
func (f *Forker) cancelAll(now time.Duration, s *forking, do []Effect) []Effect {
	for _, b := range s.branches {
		if b.status == 0 {
			b.cancel = true
			do = f.sendCancel(now, b, do)
		}
	}
	return do
}

func (f *Forker) sendCancel(now time.Duration, b *forkerBranch, do []Effect) []Effect {
	if !b.cancel || b.canceled || !b.rang || b.status != 0 || !b.of.invite() {
		return do
	}
	b.canceled = true
	f.set(forkerTimer{at: now + 64*t1, branch: b, end: true})
	branch := b.key[:len(b.key)-len("INVITE")]
	return f.start(now, &forkerBranch{key: branch + "CANCEL", to: b.to, bytes: cancelOf(b.bytes), every: t1}, do)
}
