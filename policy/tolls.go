package policy

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"sbc/policy/limit"
)

// Tolls keep a stolen account or an open PBX from running up a bill. They hold for
// what a peer calls, by the number as it goes out. The zero Tolls allow all.
type Tolls struct {
	Allowed []string   // prefixes of numbers that may be called; empty: all
	Costly  []string   // prefixes of numbers that cost
	Rate    limit.Rate // of calls to those
	User    int        // calls at once that one user may begin; 0: any number
	Ref     Ref
}

func (t *Tolls) check() error {
	for _, p := range append(append([]string(nil), t.Allowed...), t.Costly...) {
		if p == "" {
			return errors.New("an empty prefix")
		}
	}
	if t.User < 0 || t.Rate.Per < 0 {
		return errors.New("a bound below 0")
	}
	return nil
}

// Toll refuses a call of a peer to a number that it may not call, or not as often.
// now is the time since the start of the process. It takes one of the rate.
func (c *Calls) Toll(now time.Duration, peer int, number []byte) *Refusal {
	t := &c.rules.o.Peers[peer].Tolls
	text := string(unescape(number))
	if len(t.Allowed) > 0 && !begins(text, t.Allowed) {
		return &c.rules.refusals.tolls[peer].prefix
	}
	if t.Rate.Per > 0 && begins(text, t.Costly) {
		if ok, _ := c.peers[peer].tolls.Take(now, t.Rate); !ok {
			return &c.rules.refusals.tolls[peer].rate
		}
	}
	return nil
}

// Crowded returns what a user of a peer gets who has all the calls that he may
// have, and how many that are; 0: any number.
func (r *Rules) Crowded(peer int) (most int, no *Refusal) {
	return r.o.Peers[peer].Tolls.User, &r.refusals.tolls[peer].user
}

func begins(number string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(number, p) {
			return true
		}
	}
	return false
}

type tollRefusals struct{ prefix, rate, user Refusal }

func (t *Tolls) refusals(peer string, rule Ref) tollRefusals {
	if t.Ref != (Ref{}) {
		rule = t.Ref
	}
	return tollRefusals{
		prefix: forbidden(CauseTollPrefix, rule, "peer "+peer+" may call no number that begins like this"),
		rate:   forbidden(CauseTollRate, rule, fmt.Sprintf("peer %s has called as many costly numbers as it may: one each %v", peer, t.Rate.Per)),
		user:   noRoom(CauseUserCalls, rule, fmt.Sprintf("this user of %s has the %d calls that he may have", peer, t.User)),
	}
}
