package mediarelay

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Stats are the counters of one flow: of what came from the far end of one
// side.
type Stats struct {
	Packets   uint64         // well-formed RTP of the pinned far end, forwarded or held; of what is passed unread: datagrams
	Octets    uint64         // of those, headers below UDP not counted
	RTCP      uint64         // well-formed compound packets
	Forwarded uint64         // datagrams that left on the other side, RTCP included
	Lost      uint64         // RTP packets that were sent and did not come (RFC 3550 appendix A.3)
	Jitter    time.Duration  // interarrival jitter of the source that was heard last (RFC 3550 appendix A.8)
	Drops     [Causes]uint64 // by Cause
	LastRTP   time.Duration  // when Packets last grew, since the start of the process; 0: never
	LastRTCP  time.Duration  // when RTCP last grew; 0: never
	Latched   netip.AddrPort // where the far end is, once a packet came from it; of several the audible one, once media came; else not valid
	Looped    bool           // this far end was refused, because the way to it led back here through our own ports
}

// Dropped returns the sum of Drops.
func (s Stats) Dropped() uint64 {
	var n uint64
	for _, d := range s.Drops {
		n += d
	}
	return n
}

// counters are Stats as the worker writes and anybody reads them. One worker
// writes, so that a number is never torn; two of them may be a packet apart.
type counters struct {
	packets, octets, rtcp, forwarded, lost atomic.Uint64
	jitter, lastRTP, lastRTCP              atomic.Int64 // nanoseconds
	drops                                  [Causes]atomic.Uint64
}

func (c *counters) load() Stats {
	s := Stats{
		Packets:   c.packets.Load(),
		Octets:    c.octets.Load(),
		RTCP:      c.rtcp.Load(),
		Forwarded: c.forwarded.Load(),
		Lost:      c.lost.Load(),
		Jitter:    time.Duration(c.jitter.Load()),
		LastRTP:   time.Duration(c.lastRTP.Load()),
		LastRTCP:  time.Duration(c.lastRTCP.Load()),
	}
	for i := range c.drops {
		s.Drops[i] = c.drops[i].Load()
	}
	return s
}
