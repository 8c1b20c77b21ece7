package config

import (
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
	"sbc/policy/limit"
)

// peerLimits reads what a peer, endpoints, or a realm may have.
func (r *reader) peerLimits(b *peerLimitsBlock) (l policy.Limits) {
	if b == nil {
		return l
	}
	l.Ref = r.ref(b.Range)
	r.integer(b.Calls, 1, callsMax, "30", &l.Calls)
	var rate float64
	r.perSecond(b.Rate, &rate)
	if rate > 0 {
		// A second's worth may come at once: callers do not come by the clock.
		l.Rate = limit.Rate{Per: time.Duration(float64(time.Second) / rate), Burst: max(int(rate), 1)}
	}
	r.integer(b.Lines, 1, callsMax, "60", &l.Lines)
	r.bitrate(b.Bandwidth, &l.Kbits)
	var answer string
	if r.word(b.Answer, []string{"503", "403", "603"}, &answer) {
		l.Status, _ = strconv.Atoi(answer)
	}
	return l
}

// bitrate reads "2Mbit/s" in kbit/s.
func (r *reader) bitrate(a *hcl.Attribute, to *int) {
	t, ok := r.text(a, `"2Mbit/s"`)
	if !ok {
		return
	}
	for unit, kbits := range map[string]uint64{"kbit/s": 1, "Mbit/s": 1000, "Gbit/s": 1_000_000} {
		number, is := strings.CutSuffix(t.s, unit)
		if n, err := strconv.ParseUint(number, 10, 32); is && err == nil && n >= 1 && n*kbits <= 100_000_000 {
			*to = int(n * kbits)
			return
		}
	}
	r.fail(t.at, "Not a bandwidth", "%q is none. Write a whole number with its unit, from \"1kbit/s\" to \"100Gbit/s\", like \"2Mbit/s\".", t.s)
}

// tolls reads what keeps bills small.
func (r *reader) tolls(b *tollsBlock) (t policy.Tolls) {
	if b == nil {
		return t
	}
	t.Ref = r.ref(b.Range)
	prefixes := func(a *hcl.Attribute, example string) (list []string) {
		for _, one := range r.texts(a, example) {
			if one.s == "" || len(one.s) > 32 || strings.Trim(one.s, "+0123456789*#") != "" {
				r.fail(one.at, "Not a prefix of numbers", "%q is none. Write the beginning of the numbers as they go out, like %s.", one.s, example)
				continue
			}
			list = append(list, one.s)
		}
		return list
	}
	t.Allowed, t.Costly = prefixes(b.Prefixes, `"+49"`), prefixes(b.Costly, `"+881"`)
	if text, ok := r.text(b.Rate, `"10/h"`); ok {
		number, is := strings.CutSuffix(text.s, "/h")
		if n, err := strconv.ParseUint(number, 10, 32); is && err == nil && n >= 1 && n <= 100_000 {
			t.Rate = limit.Rate{Per: time.Hour / time.Duration(n), Burst: int(n)}
		} else {
			r.fail(text.at, "Not calls an hour", "%q is none. Write a whole number from 1 to 100000, like \"10/h\".", text.s)
		}
	}
	if (b.Costly == nil) != (b.Rate == nil) {
		r.fail(b.Range, "Half of a bound", "costly and costly_rate belong together: which numbers cost, and how many of them may be called in an hour.")
	}
	r.integer(b.UserCalls, 1, 10_000, "2", &t.User)
	return t
}
