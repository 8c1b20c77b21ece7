package ua

import (
	"fmt"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// registerChallenged answers a challenge to our REGISTER. A second one means
// that the password is wrong, unless it says that only the nonce was old. RFC
// 3261 section 22.2, RFC 7616 section 3.3.
func (a *Agent) registerChallenged(now time.Duration, m *sip.Message, do []Effect) []Effect {
	r := a.reg
	c := Challenge{Proxy: m.Status() == 407}
	_, ask, answer := c.fields()
	f, ok := m.FindName(ask)
	if !ok {
		do = a.violation(now, 0, "no challenge in "+summary(m), do)
		return a.registerRefused(now, m.Status(), m, do)
	}
	d, err := readDigest(m, f)
	if err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
		return a.registerRefused(now, m.Status(), m, do)
	}
	auth, _ := sip.ParseAuth(m.Raw, f.Value)
	v, _ := auth.Param(m.Raw, "stale")
	stale := strings.EqualFold(string(sip.AppendUnquoted(nil, m.Bytes(v))), "true")
	fresh := r.challenges > 0 // our answer had the nonce of a challenge to this very request
	if a.o.Password == "" || fresh && !stale || r.challenges == challengesMost {
		r.challenge = nil
		return a.registerRefused(now, m.Status(), m, do)
	}
	if old := r.challenge; old != nil && old["nonce"] == d["nonce"] {
		do = a.violation(now, 0, "the nonce that was refused is given again in "+summary(m), do)
	}
	r.challenges++
	r.challenge, r.answer, r.nc = d, answer, 0
	return a.sendRegister(now, do)
}

// registerCredentials writes the line that answers the last challenge; none
// where there was none, or where each REGISTER waits for its own.
func (a *Agent) registerCredentials() string {
	r := a.reg
	if r.challenge == nil || !r.want.Again && r.challenges == 0 {
		return ""
	}
	r.nc++
	d := digest{}
	for _, name := range []string{"realm", "nonce", "opaque"} {
		d[name] = r.challenge[name]
	}
	d["username"], d["uri"], d["cnonce"], d["nc"], d["qop"] = a.o.User, r.own.target, a.word(8), fmt.Sprintf("%08x", r.nc), "auth"
	return fmt.Sprintf("%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", algorithm=MD5, cnonce=\"%s\", opaque=\"%s\", qop=auth, nc=%s\r\n",
		r.answer, d["username"], d["realm"], d["nonce"], d["uri"], d.response("REGISTER", a.o.Password), d["cnonce"], d["opaque"], d["nc"])
}
