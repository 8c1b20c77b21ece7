package sim

import (
	"time"

	"sbc/signaling/sip"
)

// bounds holds that what one call holds is bounded, and so are the tables and
// queues of a shard.
type bounds struct {
	watch
	requests map[txKey]bool
	came     []coming // requests that may still have a transaction
}

type coming struct {
	tx    txKey
	until time.Duration
}

const (
	callBound  = "10 bound of a call"
	queueBound = "11 bound of a queue"
)

// Ours: what a call may hold. The transactions are the INVITE, the other
// requests that cross, and the BYEs of forks.
const (
	streamsMax = 2 // our user agents offer audio and video
	timersMax  = 4
	clientsMax = 24
	placesMax  = 2
	outMax     = 64 // datagrams for one that came in, or for one timer
)

func (c *bounds) in(m *message) {
	if m.err != nil || !m.sip.IsRequest() || m.sip.Method() == sip.ACK || m.from < 0 && (c.w.o.Phones == 0 || m.sip.Method() != sip.REGISTER) {
		return
	}
	// The SBC may tell apart what we do not: RFC 3261 section 17.2.3 has more
	// rules for a branch without the cookie.
	if !c.requests[m.tx] || c.w.o.Mutants > 0 {
		c.requests[m.tx] = true
		lives := 2 * 64 * t1 // it is sent on, and answered just in time
		if m.sip.Method() == sip.INVITE {
			// For each target: the time that it may ring, and after CANCEL.
			lives = 2*(ring+64*t1) + 64*t1
		}
		c.came = append(c.came, coming{m.tx, m.at + lives})
	}
}

func (c *bounds) after(s *step) {
	in := &s.after
	for i := range in.Calls {
		h := &in.Calls[i]
		if h.Streams > streamsMax && c.w.o.Mutants == 0 || h.Timers > timersMax || h.Transactions > clientsMax || h.Places > placesMax || h.Taken != h.Places {
			c.w.fail(callBound, "call to %s: %+v", h.Callee, *h)
		}
	}
	if most := len(in.Calls)*timersMax + 2*(in.Servers+in.Clients+in.Cancels) + min(c.w.o.Phones, 1); in.Timers > most {
		c.w.fail(callBound, "%d timers for %d calls and their transactions", in.Timers, len(in.Calls))
	}
	if in.Records != len(in.Calls) || in.Rest != 0 || in.Merges > in.Servers {
		c.w.fail(callBound, "%d records and %d entries too many for %d calls, %d merge keys for %d requests", in.Records, in.Rest, len(in.Calls), in.Merges, in.Servers)
	}
	if in.StrayRegisters > 0 {
		c.w.fail(callBound, "%d REGISTERs wait, of no call", in.StrayRegisters)
	}
	if len(s.out) > outMax || in.Out != 0 {
		c.w.fail(queueBound, "%d datagrams at once, %d left", len(s.out), in.Out)
	}
	if servers := c.servers(s.at); servers > len(c.came) {
		c.w.fail(queueBound, "%d server transactions for %d requests", servers, len(c.came))
	}
}

// servers counts the server transactions of all shards, and forgets requests
// that cannot have one any more.
func (c *bounds) servers(now time.Duration) (n int) {
	left := c.came[:0]
	for _, r := range c.came {
		if r.until >= now {
			left = append(left, r)
		}
	}
	c.came = left
	for i := range c.w.held {
		n += c.w.held[i].Servers
	}
	return n
}
