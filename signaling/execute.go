package signaling

import (
	"net/netip"
	"slices"
	"strings"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
	"sbc/telemetry"
)

// step gives an event to the calls and carries out what they ask for. The
// answers to Reserve, Open and Listen are steps of their own, taken at once.
func (s *Shard) step(ev *b2bua.Event) {
	// What follows may step again: each depth has memory of its own.
	depth := min(s.depth, len(s.do)-1)
	s.depth++
	do := s.calls.Step(ev, s.do[depth][:0])
	s.do[depth] = nil
	s.executeAll(do)
	s.do[depth] = do[:0]
	s.depth--
}

func (s *Shard) executeAll(do []b2bua.Effect) {
	for i := range do {
		s.execute(&do[i])
	}
}

func (s *Shard) execute(e *b2bua.Effect) {
	switch e.Do {
	case b2bua.Respond:
		s.executeRespond(e)
	case b2bua.Abandon:
		if tx := s.servers[e.Server]; tx != nil {
			s.stepServer(tx, transaction.Event{Is: transaction.Abandon})
		}
	case b2bua.Start:
		if s.clients[e.Client] != nil {
			break // it ends a dialog that is kept nowhere, and has begun before
		}
		s.traceOut(e)
		s.newClient(e.Client, e.Flow, e.Method, e.Bytes).instead = e.Instead
	case b2bua.Cancel:
		s.traceOut(e)
		if tx := s.clients[e.Client]; tx != nil {
			tx.reason = append([]byte(nil), e.Bytes...)
			s.stepClient(tx, transaction.Event{Is: transaction.Cancel}, nil)
		}
	case b2bua.Send:
		s.traceOut(e)
		s.send(e.Flow, e.Bytes, nil)
	case b2bua.Arm:
		r := s.record(e.Call)
		s.set(&r.timers[e.Timer], alarm{r, uint8(e.Timer)}, e.After)
	case b2bua.Disarm:
		s.timers.Stop(&s.record(e.Call).timers[e.Timer])
	case b2bua.Reserve, b2bua.Open, b2bua.Listen:
		s.executeAsked(e)
	case b2bua.Release:
		s.release(s.record(e.Call), e.Peer)
	case b2bua.Pin:
		s.pin(e)
	case b2bua.Shut:
		s.record(e.Call).shut(s, e.Index)
	case b2bua.Close:
		s.record(e.Call).closeMedia(s)
	default:
		s.executeAccount(e)
	}
}

// executeAsked carries out what the calls wait for, and answers.
func (s *Shard) executeAsked(e *b2bua.Effect) {
	ev := b2bua.Event{Call: e.Call, Peer: e.Peer}
	switch r := s.record(e.Call); e.Do {
	case b2bua.Reserve:
		ev.Is = b2bua.Reserved
		ev.Err = s.reserve(r, e.Peer)
	case b2bua.Open:
		ev.Is = b2bua.Opened
		ev.Streams, ev.Err = s.openMedia(r, e.Needs, e.IP6)
	case b2bua.Listen:
		ev.Is = b2bua.Heard
		ev.Silent = r.silent(s)
	}
	s.step(&ev)
}

// reserve takes a place at a peer, and with the first one a place in all. The media
// that the call has already counts there as well.
func (s *Shard) reserve(r *record, peer int) *b2bua.Refusal {
	calls, urgent := s.opt.Calls, r.call.Urgent
	if no := s.crowded(r, peer); no != nil {
		return no
	}
	if len(r.places) == 0 {
		if no := calls.Admit(urgent); no != nil {
			return refusal(no)
		}
	}
	at, no := calls.Take(s.now, peer, urgent)
	if no == nil {
		if no = calls.Load(at, r.lines, r.kbits, urgent); no != nil {
			calls.Give(at)
		}
	}
	if no != nil {
		if len(r.places) == 0 {
			calls.Done()
		}
		return refusal(no)
	}
	r.places = append(r.places, at)
	return nil
}

func (s *Shard) release(r *record, peer int) {
	i := slices.IndexFunc(r.places, func(p policy.Place) bool { return p.Peer == peer })
	if i < 0 {
		return
	}
	at := r.places[i]
	r.places = slices.Delete(r.places, i, i+1)
	s.opt.Calls.Unload(at, r.lines, r.kbits)
	s.opt.Calls.Give(at)
	if len(r.places) == 0 {
		s.opt.Calls.Done()
	}
}

// load takes one more line of media at all places of a call.
func (s *Shard) load(r *record, kbits int) *b2bua.Refusal {
	for i, at := range r.places {
		if no := s.opt.Calls.Load(at, 1, kbits, r.call.Urgent); no != nil {
			for _, taken := range r.places[:i] {
				s.opt.Calls.Unload(taken, 1, kbits)
			}
			return refusal(no)
		}
	}
	r.lines, r.kbits = r.lines+1, r.kbits+kbits
	return nil
}

// unload gives back what load took.
func (s *Shard) unload(r *record, kbits int) {
	for _, at := range r.places {
		s.opt.Calls.Unload(at, 1, kbits)
	}
	r.lines, r.kbits = r.lines-1, r.kbits-kbits
}

func (s *Shard) executeRespond(e *b2bua.Effect) {
	if e.Call != nil {
		s.traceOut(e)
		s.answeredNo(e)
	}
	tx := s.servers[e.Server]
	if tx == nil {
		return
	}
	if e.Again {
		s.metrics.Retransmission(false)
	}
	s.stepServer(tx, transaction.Event{Is: transaction.Respond, Status: e.Status, Bytes: append([]byte(nil), e.Bytes...)})
}

// executeAccount carries out the effects that only tell.
func (s *Shard) executeAccount(e *b2bua.Effect) {
	switch e.Do {
	case b2bua.Saw:
		s.trace(e.Call, telemetry.In, e.Side, "", e.Msg.Raw, nil)
		failpoint(e.Msg)
	case b2bua.Routed:
		s.sentTo(e)
	case b2bua.Rang:
		s.metrics.PostDial(s.now - s.record(e.Call).began)
	case b2bua.Scrubbed:
		s.trace(e.Call, telemetry.Leak, e.Side, scrubbed, e.Msg.Raw, e.Edits)
	case b2bua.Leaked:
		s.leaked(e)
	case b2bua.Refused:
		s.refused(e.Peer, e.Refusal)
		s.denied(e)
		if e.Call != nil {
			s.trace(e.Call, telemetry.Rule, e.Side, "refused: "+e.Refusal.Cause, nil, nil)
		}
	case b2bua.Created:
		s.created(e.Call, e.Method)
	case b2bua.Answered:
		s.answered(e.Call)
	case b2bua.Ended:
		s.ended(e.Call, e.Text)
	case b2bua.Gone:
		s.gone(e.Call)
	}
}

func (s *Shard) leaked(e *b2bua.Effect) {
	s.stats.leaks++
	s.metrics.Leak(e.Call.Realm(e.Side), e.Field)
	s.trace(e.Call, telemetry.Leak, e.Side, e.Field+": "+e.Text, nil, nil)
	if s.mayWarn() {
		s.log.Warn("leak", "call", shortID(e.Call), "realm", s.opt.Realms[e.Call.Realm(e.Side)].Name, "field", e.Field, "what", e.Text)
	}
}

func (s *Shard) refused(peer int, r *b2bua.Refusal) {
	s.metrics.Refused(r.Cause, peer)
	s.stats.rejects[r.Cause]++
}

// count counts a message that got no answer.
func (s *Shard) count(cause string) {
	s.metrics.Refused(cause, -1)
	s.stats.rejects[cause]++
}

// targets returns the peers of a decision that can be reached.
func (s *Shard) targets(d *policy.Decision) (list []b2bua.Target) {
	why, user := edit.Reason(d.Route.Ref.String()), append([]byte(nil), d.User...)
	list = make([]b2bua.Target, 0, len(d.Peers))
	for _, peer := range d.Peers {
		p := &s.rules.Options().Peers[peer]
		if p.Here() {
			list = append(list, s.located(peer, user, why)...)
			continue
		}
		for _, addr := range s.rules.Resolved(peer) {
			listener, ok := s.opt.listenerTo(p, addr)
			if !ok {
				continue
			}
			port := p.Target.Port
			if port == 0 {
				port = 5060
			}
			list = append(list, b2bua.Target{
				Peer: peer, Host: hostOf(p), User: user, Rule: why,
				Flow: b2bua.Flow{Listener: listener, Remote: addrPort(addr, port)}, Follow: p.Redirect == policy.RedirectFollow, Open: p.Target.Transport == "",
			})
		}
	}
	return list
}

// place finds the way to an end of a dialog that a side told of by a URI: to the
// peer that is at that address, else to the peer who told.
func (s *Shard) place(n b2bua.Named) b2bua.Named {
	peers := s.rules.Peers()
	realm := peers[n.Peer].Realm
	uri, err := sip.ParseURI(n.URI, edit.Span{End: len(n.URI)})
	if err != nil {
		n.URI = nil
		return n
	}
	if addr, err := netip.ParseAddr(strings.Trim(string(uri.Host.Of(n.URI)), "[]")); err == nil {
		at := addrPort(addr, orDefault(uint16(uri.Port)))
		if peer, ok := s.rules.Peer(realm, at); ok {
			if listener, ok := s.opt.listenerTo(&peers[peer], addr); ok {
				n.Peer, n.Flow = peer, b2bua.Flow{Listener: listener, Remote: at}
				return n
			}
		}
	}
	for _, addr := range s.rules.Resolved(n.Peer) {
		if listener, ok := s.opt.listenerTo(&peers[n.Peer], addr); ok {
			n.Flow = b2bua.Flow{Listener: listener, Remote: addrPort(addr, orDefault(peers[n.Peer].Target.Port))}
			return n
		}
	}
	n.URI = nil
	return n
}

// farEnd returns the far end of a dialog as a target: an INVITE that names it
// goes there, whatever the routes say.
func (s *Shard) farEnd(n b2bua.Named) []b2bua.Target {
	return []b2bua.Target{{Peer: n.Peer, Flow: n.Flow, Host: hostOf(&s.rules.Options().Peers[n.Peer]), URI: n.URI, Rule: "the dialog that it names (RFC 3891)"}}
}

// survive keeps a bug of ours from ending more than one call. The message in
// hand is its reader's again.
func (s *Shard) survive(m *sip.Message) {
	s.hand = nil
	if p := recover(); p != nil {
		s.panicked(p, m)
	}
}
