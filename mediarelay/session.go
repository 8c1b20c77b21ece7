package mediarelay

import (
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
// goroutine at a time; Set belongs to one goroutine at a time as well, which
// may be another one, and Stats to everybody.
type Session struct {
	// Constant after Init.
	mux   [2]bool
	rtcp  bool
	key   [16]byte
	local [2]Local

	// Atomic.
	pins atomic.Pointer[pins]

	flows [2]flow
}

// pins are the far ends of both sides. They are replaced whole, so that a
// packet never sees half of an offer/answer.
type pins struct {
	remotes [2]Remote
	looped  [2]bool        // the far end was refused: it led back here
	heard   [2]atomic.Bool // a packet came from this far end
}

// A flow is what comes from the far end of one side.
type flow struct {
	sources sources // owned by the worker
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
// got.
func (s *Session) Init(o Open, local [2]Local) {
	s.mux, s.rtcp, s.key, s.local = o.Mux, o.RTCP, o.RTCPKey, local
	s.pins.Store(new(pins))
}

// Local returns where the far end of a side has to send to.
func (s *Session) Local(side Side) Local { return s.local[side] }

// Set replaces the far end of one side.
func (s *Session) Set(side Side, r Remote) { s.set(side, r, false) }

func (s *Session) set(side Side, r Remote, looped bool) {
	r.RTP, r.RTCP = plain(r.RTP), plain(r.RTCP)
	old := s.pins.Load()
	next := &pins{remotes: old.remotes, looped: old.looped}
	next.remotes[side], next.looped[side] = r, looped
	for i := range next.heard {
		same := old.remotes[i].RTP == next.remotes[i].RTP
		next.heard[i].Store(same && old.heard[i].Load())
	}
	s.pins.Store(next)
}

// plain takes the IPv6 clothes off a mapped IPv4 address, so that addresses
// can be compared.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// Remote returns the far end of one side.
func (s *Session) Remote(side Side) Remote { return s.pins.Load().remotes[side] }

// Stats returns the counters by the side from which packets came. It is
// atomic number by number.
func (s *Session) Stats() [2]Stats {
	p := s.pins.Load()
	var out [2]Stats
	for i := range out {
		out[i] = s.flows[i].load()
		out[i].Looped = p.looped[i]
		if p.heard[i].Load() {
			out[i].Latched = p.remotes[i].RTP
		}
	}
	return out
}

// Receive judges the datagram b that came from src at a local port of side,
// at now since the start of the process. A datagram that is longer than
// MaxDatagram may be handed in cut to any length above it. scratch takes
// rewritten RTCP and should hold ScratchLen octets. What is returned is a
// view of b or scratch; if the cause is Pass, the caller sends it and reports
// that with Sent.
func (s *Session) Receive(side Side, port Component, src netip.AddrPort, b, scratch []byte, now time.Duration) Verdict {
	p := s.pins.Load()
	f := &s.flows[side]
	from, to := &p.remotes[side], &p.remotes[side.Other()]

	isRTP := s.rtcp && !from.Opaque
	rtcp := isRTP && (port == RTCPPort || (s.mux[side] || from.Mux) && isRTCP(b))
	if c := latches[Pinned][tell(src, from.addr(rtcp))]; c != Pass {
		return f.drop(c)
	}
	if c := check(isRTP, rtcp, b); c != Pass {
		return f.drop(c)
	}
	if !p.heard[side].Load() {
		p.heard[side].Store(true)
	}
	f.count(isRTP, rtcp, b, now)

	v := Verdict{Bytes: b, To: to.addr(rtcp)}
	if c := crossings[index(from.Sends || rtcp)][to.target(rtcp)]; c != Pass {
		return f.drop(c)
	}
	if rtcp {
		v.Bytes = s.rewrite(scratch, b, side)
		v.Via = s.via(side.Other(), to)
	}
	return v
}

// via returns the port of side from which RTCP for to, its far end, leaves.
func (s *Session) via(side Side, to *Remote) Component {
	if to.Mux || s.mux[side] {
		return RTPPort
	}
	return RTCPPort
}

// addr returns where RTP or RTCP of this far end comes from and goes to.
func (r *Remote) addr(rtcp bool) netip.AddrPort {
	if rtcp && !r.Mux {
		return r.RTCP
	}
	return r.RTP
}

func check(isRTP, rtcp bool, b []byte) Cause {
	switch {
	case len(b) > MaxDatagram:
		return TooLong
	case !isRTP:
		return Pass
	case rtcp && !CheckRTCP(b):
		return RTCPMalformed
	case !rtcp && !RTP(b).Check():
		return RTPMalformed
	}
	return Pass
}

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

func (f *flow) count(isRTP, rtcp bool, b []byte, now time.Duration) {
	if rtcp {
		f.rtcp.Add(1)
		f.lastRTCP.Store(int64(now))
		return
	}
	f.packets.Add(1)
	f.octets.Add(uint64(len(b)))
	f.lastRTP.Store(int64(now))
	if isRTP {
		f.sources.add(RTP(b), now)
		f.lost.Store(f.sources.lost())
		f.jitter.Store(int64(f.sources.jitter()))
	}
}
