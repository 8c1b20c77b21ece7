package mediarelay

import (
	"encoding/binary"
	"net/netip"
	"sync/atomic"
	"time"
)

// A Component is one of the two ports of a side: RTP or RTCP.
type Component uint8

// The components, as in ICE but counted from 0.
const (
	RTPPort Component = iota
	RTCPPort
)

// A Session is one stream as an engine's worker sees it: datagrams in,
// verdicts out. Init comes first, then Receive and Sent belong to one
// goroutine at a time; Set and Add belong to one goroutine at a time as well,
// which may be another one, and Stats to everybody.
type Session struct {
	// Constant after Init.
	mux    [2]bool
	ip6    [2]bool
	key    [16]byte
	local  [2]Local
	realms []RealmPool // nil: nothing is learnt
	at     [2]int      // index into realms, by side

	// Owned by who calls Set and Add.
	parties uint32 // far ends that were named so far

	// Atomic.
	pins atomic.Pointer[pins]

	flows [2]flow
}

// A flow is what comes from the far end of one side. All but the counters is
// owned by the worker.
type flow struct {
	sources sources
	party   uint32 // whose ssrcs these are
	known   ssrcs
	counters
}

// A Verdict says what becomes of a datagram.
type Verdict struct {
	Cause Cause          // Pass: send Bytes; else: why it was dropped, already counted
	Bytes []byte         // what to send: a view of the datagram or of scratch
	Via   Component      // from which port of the other side
	To    netip.AddrPort // to whom
}

// Init makes s ready for the stream that o asks for, with the ports that it
// got in these realms. Without realms (nil) nobody is learnt from packets.
func (s *Session) Init(o Open, local [2]Local, realms []RealmPool) {
	s.mux, s.ip6, s.key, s.local, s.realms, s.at = o.Mux, o.IP6, o.RTCPKey, local, realms, o.Realm
	s.pins.Store(new(pins))
}

// Local returns where the far end of a side has to send to.
func (s *Session) Local(side Side) Local { return s.local[side] }

// Stats returns the counters by the side from which packets came. It is
// atomic number by number.
func (s *Session) Stats() [2]Stats {
	p := s.pins.Load()
	var out [2]Stats
	for i := range out {
		out[i] = s.flows[i].load()
		out[i].Looped = p.looped[i]
		if p.came(Side(i)) != nothingCame {
			out[i].Latched = p.current(Side(i)).pin[RTPPort]
		}
	}
	return out
}

// A reading is how a datagram is read.
type reading uint8

const (
	unread reading = iota // the far end does not send RTP
	anRTP
	anRTCP
)

// Receive judges the datagram b that came from src at a local port of side,
// at now since the start of the process. A datagram that is longer than
// MaxDatagram may be handed in cut to any length above it. scratch takes
// rewritten RTCP and should hold ScratchLen octets. What is returned is a
// view of b, whose payload type may be changed, or of scratch; if the cause is
// Pass, the caller sends it and reports that with Sent.
func (s *Session) Receive(side Side, port Component, src netip.AddrPort, b, scratch []byte, now time.Duration) Verdict {
	p := s.pins.Load()
	f := &s.flows[side]
	from, to := &p.remotes[side], &p.remotes[side.Other()]
	if p.forked {
		if from, to = p.among(s, side, port, src, b); from == nil {
			return f.drop(Fork)
		}
	}
	as := s.reads(from, side, port, b)
	rtcp := as == anRTCP
	if src != from.pin[index(rtcp)] || !src.IsValid() {
		if c := s.admit(p, side, from, as, src, b, now); c != Pass {
			return f.drop(c)
		}
		return s.Receive(side, port, src, b, scratch, now)
	}
	if c := check(as, b); c != Pass {
		return f.drop(c)
	}
	if p.heard[side].Load() != mediaCame {
		if !p.hear(side, from, rtcp) {
			return f.drop(Fork)
		}
		f.meet(from.party, as, b)
	}
	if rtcp && !f.owns(b) {
		return f.drop(RTCPMalformed)
	}
	f.count(as, b, now)

	if c := crossings[index(from.Sends || rtcp)][to.target(rtcp)]; c != Pass {
		return f.drop(to.unsent(c, rtcp))
	}
	if rtcp {
		return Verdict{Bytes: s.rewrite(scratch, b, side), Via: s.via(side.Other(), &to.Remote), To: to.dest[RTCPPort]}
	}
	if as == anRTP {
		if from.Payload != nil {
			from.Payload.apply(b)
		}
		if to.Mux && isRTCP(b) {
			return f.drop(RTPMalformed)
		}
	}
	return Verdict{Bytes: b, To: to.dest[RTPPort]}
}

// reads tells what the datagram b of the far end from is.
func (s *Session) reads(from *far, side Side, port Component, b []byte) reading {
	switch {
	case from.Opaque:
		return unread
	case port == RTCPPort || (s.mux[side] || from.Mux) && isRTCP(b):
		return anRTCP
	}
	return anRTP
}

// via returns the port of side from which RTCP for to, its far end, leaves.
func (s *Session) via(side Side, to *Remote) Component {
	if to.Mux || s.mux[side] {
		return RTPPort
	}
	return RTCPPort
}

// addr returns where RTP or RTCP of this far end is, as it is described.
func (r *Remote) addr(rtcp bool) netip.AddrPort {
	if rtcp && !r.Mux {
		return r.RTCP
	}
	return r.RTP
}

func check(as reading, b []byte) Cause {
	switch {
	case len(b) > MaxDatagram:
		return TooLong
	case as == anRTCP && !CheckRTCP(b):
		return malformed(b, RTCPMalformed)
	case as == anRTP && !RTP(b).Check():
		return malformed(b, RTPMalformed)
	}
	return Pass
}

// malformed tells what is no RTP or RTCP: STUN, or nothing.
func malformed(b []byte, c Cause) Cause {
	if len(b) >= 8 && b[0]>>6 == 0 && binary.BigEndian.Uint32(b[4:]) == stunCookie {
		return STUNAuth
	}
	return c
}

// RFC 8489 section 5: tells STUN from what shares its port.
const stunCookie = 0x2112A442

// Sent reports what became of a datagram that Receive let pass.
func (s *Session) Sent(side Side, ok bool) {
	f := &s.flows[side]
	if ok {
		f.forwarded.Add(1)
		return
	}
	f.drop(SendFailed)
}

func (f *flow) drop(c Cause) Verdict {
	f.drops[c].Add(1)
	return Verdict{Cause: c}
}

// meet notes a packet of party, of which no media came yet. The SSRCs of
// another far end before it are forgotten.
func (f *flow) meet(party uint32, as reading, b []byte) {
	if f.party != party {
		f.party = party
		f.known.reset()
	}
	if as == anRTP {
		f.known.add(RTP(b).SSRC())
	}
}

// owns reports whether the compound packet b speaks for SSRCs of its far end
// only.
func (f *flow) owns(b []byte) bool {
	f.known.senders(b)
	return f.known.own(b)
}

func (f *flow) count(as reading, b []byte, now time.Duration) {
	if as == anRTCP {
		f.rtcp.Add(1)
		f.lastRTCP.Store(int64(now))
		return
	}
	f.packets.Add(1)
	f.octets.Add(uint64(len(b)))
	f.lastRTP.Store(int64(now))
	if as != anRTP {
		return
	}
	p := RTP(b)
	if f.sources.add(p, now) {
		f.known.add(p.SSRC())
	}
	if p.contributors() > 0 {
		f.known.contributing(p)
	}
	f.lost.Store(f.sources.lost())
	f.jitter.Store(int64(f.sources.jitter()))
}
