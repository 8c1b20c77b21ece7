package signaling

import (
	"slices"
	"strings"
	"time"

	"sbc/mediarelay"
	"sbc/signaling/b2bua"
	"sbc/signaling/ident"
)

// Status describes the engine as it is now.
func (e *Engine) Status() Status {
	st := Status{Version: e.options().Version, Started: e.began, Uptime: e.now().Seconds(), Rejects: map[string]int{}}
	places, streams := 0, 0
	for _, w := range e.workers {
		sh := ShardStatus{}
		sh.Queue, sh.Dropped = w.inbox.depth()
		ask := func(s *Shard) {
			s.addTo(&st, &sh)
			for _, r := range s.records {
				places += len(r.places)
				streams += r.open()
			}
		}
		w.inbox.do(ask)
		st.Shards = append(st.Shards, sh)
	}
	e.addRealms(&st)
	e.addPeers(&st)
	taken := 0
	for _, p := range st.Peers {
		taken += p.Calls
	}
	inUse := 0
	for _, r := range st.Realms {
		inUse += r.InUse
	}
	st.Ledger.Calls = taken - places
	st.Ledger.Ports = inUse - 2*streams
	return st
}

func (s *Shard) addTo(st *Status, sh *ShardStatus) {
	sh.Calls, sh.Transactions, sh.Timers = s.calls.Sessions(), len(s.servers)+len(s.clients)+len(s.cancels), s.timers.Len()
	sh.Lag = s.lag.Seconds()
	st.Calls += sh.Calls
	s.countBindings(st)
	st.Attempts += s.stats.attempts
	st.Answered += s.stats.answered
	st.Leaks += s.stats.leaks
	st.Panics += s.stats.panics
	for cause, n := range s.stats.rejects {
		st.Rejects[cause] += n
	}
	st.Ledger.Timers += s.strayTimers()
	st.Ledger.Calls += s.calls.Rest() + len(s.records) - s.calls.Len()
}

// strayTimers counts the timers that nobody living owns.
func (s *Shard) strayTimers() (n int) {
	for x := range s.timers.All() {
		switch o := x.Of.owner.(type) {
		case *record:
			if s.records[o.call.ID] != o {
				n++
			}
		case *server:
			if s.servers[o.key] != o {
				n++
			}
		case *client:
			if s.clients[o.id] != o && s.cancels[o.id] != o {
				n++
			}
		}
	}
	return n
}

func (e *Engine) addRealms(st *Status) {
	use := e.options().Media.Ports()
	for i, r := range e.options().Realms {
		rs := RealmStatus{Name: r.Name, Connections: Connections{Cut: map[string]uint64{}}}
		for n, l := range e.options().Listeners {
			if l.Realm == i {
				rs.Listen = append(rs.Listen, strings.ToLower(l.transport())+" "+l.Addr.String())
				e.addConnections(&rs.Connections, n)
			}
		}
		if i < len(use) {
			rs.Ports, rs.InUse, rs.Resting = use[i].Total, use[i].InUse, use[i].Resting
		}
		st.Realms = append(st.Realms, rs)
	}
}

func (e *Engine) addPeers(st *Status) {
	peers := e.options().Rules.Options().Peers
	for i := range peers {
		p := &peers[i]
		if p.Gone && e.options().Calls.InUse(i) == 0 {
			continue
		}
		ps := PeerStatus{Name: p.Name, Realm: e.options().Realms[p.Realm].Name, Target: p.Target.Host, Calls: e.options().Calls.InUse(i), Limit: p.Limits.Calls, Gone: p.Gone}
		for _, a := range e.options().Rules.Resolved(i) {
			ps.Address = append(ps.Address, a.String())
		}
		st.Peers = append(st.Peers, ps)
	}
}

// Calls lists the calls that exist now.
func (e *Engine) Calls() []CallInfo {
	list := []CallInfo{}
	e.each(func(s *Shard) {
		for _, c := range s.calls.All() {
			if c.Session() {
				list = append(list, s.info(c))
			}
		}
	})
	return list
}

func (s *Shard) info(c *b2bua.Call) CallInfo {
	r, peers := s.record(c), s.rules.Options().Peers
	info := CallInfo{
		ID: shortID(c), State: c.State(), From: peers[c.From].Name, Caller: c.Caller, Callee: c.Callee,
		Age: (s.now - r.began).Seconds(), Route: string(c.Rule),
	}
	if c.To >= 0 {
		info.To = peers[c.To].Name
	}
	if r.answered > 0 {
		info.Answered = (s.now - r.answered).Seconds()
	}
	return info
}

// Hangup ends the call with the short id and reports whether there was one.
func (e *Engine) Hangup(id string) bool {
	found := false
	e.each(func(s *Shard) {
		if c := s.byShortID(id); c != nil && !found {
			found = true
			s.end(c, "operator")
		}
	})
	return found
}

func (s *Shard) byShortID(id string) *b2bua.Call {
	for _, c := range s.calls.All() {
		if ident.Short(c.ID) == id {
			return c
		}
	}
	return nil
}

// Close ends all calls, and lets none begin any more.
func (s *Shard) Close(why string) {
	s.closing = true
	s.EndAll(why)
}

// EndAll ends all calls.
func (s *Shard) EndAll(why string) {
	for _, c := range append([]*b2bua.Call(nil), s.calls.All()...) {
		s.end(c, why)
	}
}

func (s *Shard) end(c *b2bua.Call, why string) {
	defer s.survive(nil)
	s.step(&b2bua.Event{Is: b2bua.End, Call: c, Why: why})
}

// Call reports on the call with the short id: one that exists, or one that
// ended and is still in the trace.
func (e *Engine) Call(id string) (report CallReport, ok bool) {
	e.each(func(s *Shard) {
		if ok {
			return
		}
		if c := s.byShortID(id); c != nil {
			report, ok = s.report(c), true
			return
		}
		report, ok = s.traced(id)
	})
	return report, ok
}

func (s *Shard) report(c *b2bua.Call) CallReport {
	r := s.record(c)
	rep := CallReport{CallInfo: s.info(c), Live: true, Cause: r.cause, Ladder: s.ladder(c.ID)}
	streams, timers, txs, places := c.Ledger()
	rep.Ledger = CallLedger{Ports: 2 * streams, Timers: timers, Transactions: txs, Slots: places}
	rep.Media = s.mediaOf(r)
	return rep
}

// mediaOf reports on the media lines that were closed, and those that are open.
func (s *Shard) mediaOf(r *record) []MediaInfo {
	list := slices.Clone(r.media)
	for i, st := range r.streams {
		if st != nil {
			list = append(list, s.mediaLine(r.call, i, st))
		}
	}
	return list
}

func (s *Shard) mediaLine(c *b2bua.Call, i int, st mediarelay.Stream) MediaInfo {
	info, stats := MediaInfo{}, st.Stats()
	for side := range info.Sides {
		local := st.Local(mediarelay.Side(side))
		far := c.Line(b2bua.Side(side), i)
		m := &info.Sides[side]
		m.Local = local.RTP().String()
		if info.Kind = far.Kind; !far.Off {
			m.Remote, m.Direction = far.Remote.String(), far.Direction.String()
		}
		m.count(&stats[side], s.now)
	}
	return info
}

func (m *MediaSide) count(st *mediarelay.Stats, now time.Duration) {
	m.Packets, m.Octets, m.Lost, m.Jitter = st.Packets, st.Octets, int64(st.Lost), st.Jitter.Seconds()
	m.Silent = -1
	if last := max(st.LastRTP, st.LastRTCP); last > 0 {
		m.Silent = (now - last).Seconds()
	}
	for cause, n := range st.Drops {
		if n > 0 {
			if m.Drops == nil {
				m.Drops = map[string]uint64{}
			}
			m.Drops[mediarelay.Cause(cause).String()] = n
		}
	}
}

// Drain lets no call begin any more, but those for help, or takes that back. What
// is there goes on.
func (e *Engine) Drain(on bool) {
	e.each(func(s *Shard) { s.draining = on })
	e.draining.Store(on)
}

// Draining reports whether no call begins any more.
func (e *Engine) Draining() bool { return e.draining.Load() }
