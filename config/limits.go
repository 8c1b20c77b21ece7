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
