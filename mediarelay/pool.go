package mediarelay

import (
	"math/rand/v2"
	"time"
)

// A Pool hands out the pairs of ports of one realm: an even port and the odd
// one after it (RFC 3550 section 11). A stream that needs a single port gets
// a pair all the same, and uses the even one: RFC 3550 has receivers round an
// odd RTP port down, and some do.
//
// Every free pair is as likely as any other, so that nobody can guess the
// next one from those he has seen. All methods take constant time, but for
// Take, which first frees the pairs that have rested long enough.
type Pool struct {
	first   uint16 // even
	rest    time.Duration
	rand    *rand.Rand
	free    []uint16 // pairs, as index from first; in no order
	resting []rested // a ring, oldest at head
	head    int
	waiting int // entries of resting in use
	out     []bool
	inUse   int
	skipped uint64
	noRTCP  uint64
}

type rested struct {
	pair uint16
	free time.Duration // when it may be used again
}

// NewPool returns a pool of the whole pairs in first to last, both included.
// It draws its choices from r.
func NewPool(first, last uint16, rest time.Duration, r *rand.Rand) *Pool {
	n := pairs(first, last)
	p := &Pool{first: first + first&1, rest: rest, rand: r}
	p.free = make([]uint16, n)
	for i := range p.free {
		p.free[i] = uint16(i)
	}
	p.resting = make([]rested, n)
	p.out = make([]bool, n)
	return p
}

// pairs returns the number of whole pairs in first to last.
func pairs(first, last uint16) int {
	return max(0, (int(last)+1)/2-(int(first)+1)/2)
}

// Take returns the even port of a free pair, now belonging to the caller, if at
// least keep are free after it.
func (p *Pool) Take(now time.Duration, keep int) (port uint16, ok bool) {
	p.wake(now)
	n := len(p.free)
	if n <= keep {
		return 0, false
	}
	i := p.rand.IntN(n)
	pair := p.free[i]
	p.free[i] = p.free[n-1]
	p.free = p.free[:n-1]
	p.out[pair] = true
	p.inUse++
	return p.first + 2*pair, true
}

// wake frees what has rested long enough.
func (p *Pool) wake(now time.Duration) {
	for p.waiting > 0 && p.resting[p.head].free <= now {
		p.free = append(p.free, p.resting[p.head].pair)
		p.head = (p.head + 1) % len(p.resting)
		p.waiting--
	}
}

// Give takes back a pair that was used; it rests before it is handed out
// again. Giving back what is not out does nothing and reports false.
func (p *Pool) Give(port uint16, now time.Duration) bool {
	pair, ok := p.back(port)
	if ok {
		p.resting[(p.head+p.waiting)%len(p.resting)] = rested{pair, now + p.rest}
		p.waiting++
	}
	return ok
}

// Return takes back a pair that nobody was told of; it may be handed out at
// once.
func (p *Pool) Return(port uint16) bool {
	pair, ok := p.back(port)
	if ok {
		p.free = append(p.free, pair)
	}
	return ok
}

// Skip takes back a pair that another process holds. It rests like a used one
// and is counted.
func (p *Pool) Skip(port uint16, now time.Duration) bool {
	ok := p.Give(port, now)
	if ok {
		p.skipped++
	}
	return ok
}

// CountNoRTCP counts that the port for RTCP of a pair that is out could not be
// opened when its line became RTP.
func (p *Pool) CountNoRTCP() { p.noRTCP++ }

func (p *Pool) back(port uint16) (pair uint16, ok bool) {
	pair = (port - p.first) / 2
	if port < p.first || port&1 != 0 || int(pair) >= len(p.out) || !p.out[pair] {
		return 0, false
	}
	p.out[pair] = false
	p.inUse--
	return pair, true
}

// Use returns the counters of the pool at now; Realm is left empty.
func (p *Pool) Use(now time.Duration) PortUse {
	p.wake(now)
	return PortUse{Total: len(p.out), InUse: p.inUse, Resting: p.waiting, Skipped: p.skipped, NoRTCP: p.noRTCP}
}
