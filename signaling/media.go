package signaling

import (
	"errors"
	"net/netip"
	"time"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/telemetry"
)

// openMedia opens the media lines that are needed and not open.
func (s *Shard) openMedia(r *record, needs []b2bua.Need, ip6 [2]bool) ([]b2bua.Stream, *b2bua.Refusal) {
	for i, need := range needs {
		if i == len(r.streams) {
			r.streams, r.estimate = append(r.streams, nil), append(r.estimate, 0)
		}
		if need == b2bua.NoPorts || r.streams[i] != nil {
			continue
		}
		r.estimate[i] = policy.Kbits(need == b2bua.ForVideo)
		if no := s.load(r, r.estimate[i]); no != nil {
			return nil, no
		}
		st, err := s.media.Open(mediarelay.Open{
			Session: mediarelay.SessionID(r.call.ID),
			Realm:   [2]int{r.call.Realm(b2bua.A), r.call.Realm(b2bua.B)},
			IP6:     ip6,
			Opaque:  need == b2bua.ForOther,
			Urgent:  r.call.Urgent,
			RTCPKey: r.rtcpKey,
		})
		if err != nil {
			s.unload(r, r.estimate[i])
			cause := "media"
			if full := (*mediarelay.Exhausted)(nil); errors.As(err, &full) {
				cause = "ports"
			}
			return nil, &b2bua.Refusal{Status: 503, Cause: cause, Fields: retryAfter}
		}
		r.streams[i] = st
	}
	streams := make([]b2bua.Stream, len(r.streams))
	for i, st := range r.streams {
		if st == nil {
			continue
		}
		for side := range streams[i].Local {
			l := st.Local(mediarelay.Side(side))
			streams[i].Local[side] = b2bua.Local{Port: l.Port, RTCPPort: l.RTCPPort}
		}
	}
	return streams, nil
}

// pin tells the relay who the far end of a media line is.
func (s *Shard) pin(e *b2bua.Effect) {
	r := s.record(e.Call)
	if e.Index >= len(r.streams) || r.streams[e.Index] == nil {
		return
	}
	st, side := r.streams[e.Index], mediarelay.Side(e.Side)
	far := mediarelay.Remote{
		RTP: e.Remote.RTP, RTCP: e.Remote.RTCP, Signaling: e.Remote.Signaling, Mux: e.Remote.Mux, Opaque: e.Remote.Opaque, Sends: e.Remote.Sends, Receives: e.Remote.Receives,
	}
	if len(e.Remote.Payloads) > 0 {
		far.Payload = &mediarelay.PayloadMap{}
		for _, p := range e.Remote.Payloads {
			far.Payload.Map(p.From, p.To)
		}
	}
	if !e.Also {
		st.Set(side, far)
		return
	}
	if err := st.Add(side, far); err != nil {
		// One early dialog without sound is no reason to end the others.
		s.log.Warn("no media of a fork", "call", shortID(e.Call), "err", err)
	}
}

// shut closes media line i, whose ports nobody needs any more.
func (r *record) shut(s *Shard, i int) {
	if i >= len(r.streams) || r.streams[i] == nil {
		return
	}
	r.media = append(r.media, s.mediaLine(r.call, i, r.streams[i]))
	stats := r.streams[i].Close()
	r.count(s, i, &stats)
	r.streams[i], r.counted[i] = nil, [2]mediarelay.Stats{}
	s.unload(r, r.estimate[i])
}

// closeMedia closes all media lines and keeps what they counted.
func (r *record) closeMedia(s *Shard) {
	for i := range r.streams {
		r.shut(s, i)
	}
	r.streams, r.counted, r.estimate = nil, nil, r.few[:0]
}

// open returns how many media lines are open.
func (r *record) open() int {
	n := 0
	for _, st := range r.streams {
		if st != nil {
			n++
		}
	}
	return n
}

// silent returns for how long nothing has come on any media line, and counts
// what has.
func (r *record) silent(s *Shard) time.Duration {
	last := max(r.began, r.answered)
	for i, st := range r.streams {
		if st == nil {
			continue
		}
		stats := st.Stats()
		for _, side := range stats {
			last = max(last, side.LastRTP, side.LastRTCP)
		}
		r.count(s, i, &stats)
	}
	return s.now - last
}

// count adds to the metrics what stream i has counted since the last time.
func (r *record) count(s *Shard, i int, stats *[2]mediarelay.Stats) {
	for len(r.counted) <= i {
		r.counted = append(r.counted, [2]mediarelay.Stats{})
	}
	for side := range stats {
		now, was := &stats[side], &r.counted[i][side]
		// A late packet is lost no more: the metrics cannot take it back.
		lost := max(now.Lost, was.Lost)
		f := telemetry.MediaFlow{Packets: now.Packets - was.Packets, Octets: now.Octets - was.Octets, Lost: lost - was.Lost,
			Cause: func(i int) string { return mediarelay.Cause(i).String() }}
		drops := now.Drops
		for i := range drops {
			drops[i] -= was.Drops[i]
		}
		f.Drops = drops[:]
		s.metrics.Media(f)
		*was = *now
		was.Lost = lost
	}
}

// ownPort tells whether a is one of our media ports, and whether a call has it
// now. Other ports of the same address are another program's: of a PBX on the
// same host. Media that is sent there from realm is joined inside the
// relay; what another realm uses is not for realm to name.
func (s *Shard) ownPort(realm int, a netip.AddrPort) (own, live bool) {
	for i := range s.opt.Realms {
		r := &s.opt.Realms[i]
		if r.Media.Of(a.Addr().Is6()) == a.Addr() && (r.Ports == [2]uint16{} || r.Ports[0] <= a.Port() && a.Port() <= r.Ports[1]) {
			own, live = true, live || i == realm
		}
	}
	return own, own && live && s.media.Live(a)
}
