package limit

import (
	"math"
	"math/bits"
	"time"
)

// A Rate says how often something may be done: Burst times at once, and once
// more each time that Per has passed. The zero Rate is no limit.
type Rate struct {
	Per   time.Duration // between two; 0: no limit; in a Table a week at most
	Burst int           // at least 1; less counts as 1
}

// Never is the wait of who asks for what will never be there.
const Never = time.Duration(math.MaxInt64)

// Ours: how far the clocks that two shards have read may be apart.
const skew = time.Minute

// terms are a Rate in the units of a word.
type terms struct {
	per       uint64 // increment
	tolerance uint64 // limit: how far ahead of the time the word may be for one more
	most      uint64 // the word is never further ahead than this
}

// in returns r in units of a length. Per is rounded up, so that no more than r
// is let through. Neither it nor the tolerance is over bound.
func (r Rate) in(unit time.Duration, bound uint64) terms {
	per := min(uint64((r.Per-1)/unit)+1, bound)
	over, tolerance := bits.Mul64(uint64(r.burst()-1), per)
	if over > 0 || tolerance > bound {
		tolerance = bound
	}
	return terms{per, tolerance, tolerance + per + uint64(skew/unit)}
}

func (r Rate) burst() int { return max(r.Burst, 1) }

// arrival judges who comes when the word is ahead of the time. It returns how
// far it is ahead then, or how early this is.
//
// A word that is further ahead than the rate could have written it is of
// another rate, before a new configuration: it is as good as none.
func (g *terms) arrival(ahead uint64) (next, early uint64) {
	if ahead > g.most {
		ahead = 0
	}
	if ahead > g.tolerance {
		return 0, ahead - g.tolerance
	}
	return ahead + g.per, 0
}
