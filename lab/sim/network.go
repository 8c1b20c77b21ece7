package sim

import (
	"math/rand/v2"
	"time"
)

// A link carries datagrams one way between a user agent and the SBC, as well
// as UDP does. RFC 768 promises nothing; what comes, comes within a second.
type link struct {
	loss, duplicate, reorder float64
	delay, jitter            time.Duration
}

// links gives each user agent a link in each direction: some are good, some
// as bad as the options allow.
func links(o *Options, r *rand.Rand) (to, from link) {
	one := func() link {
		share := r.Float64()
		if o.Loss >= 0.3 || r.IntN(2) == 0 {
			share = 1
		}
		return link{
			loss: o.Loss * share, duplicate: o.Duplicate * share, reorder: o.Reorder * share,
			delay: o.Delay, jitter: o.Jitter,
		}
	}
	return one(), one()
}

// carry returns the delays after which copies of a datagram arrive: usually
// one, none when it is lost.
func (l *link) carry(r *rand.Rand, perfect bool) []time.Duration {
	if perfect {
		return []time.Duration{l.delay}
	}
	if r.Float64() < l.loss {
		return nil
	}
	list := []time.Duration{l.wait(r)}
	if r.Float64() < l.duplicate {
		list = append(list, l.wait(r))
	}
	return list
}

func (l *link) wait(r *rand.Rand) time.Duration {
	d := l.delay
	if l.jitter > 0 {
		d += time.Duration(r.Int64N(int64(l.jitter)))
	}
	if r.Float64() < l.reorder {
		d += time.Duration(r.Int64N(int64(500 * time.Millisecond)))
	}
	return d
}
