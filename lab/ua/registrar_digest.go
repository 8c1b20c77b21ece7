package ua

import (
	"fmt"
	"strconv"
	"time"

	"sbc/signaling/sip"
)

// A nonce is one that a registrar gave.
type nonce struct {
	at time.Duration
	nc uint64 // the last that came with it
}

// authorizeRegister lets a REGISTER through whose credentials are right;
// others are answered here. RFC 3261 section 22.4, RFC 7616 section 3.
func (a *Agent) authorizeRegister(now time.Duration, s *server, user string, do []Effect) (bool, []Effect) {
	if a.o.Registrar.Realm == "" {
		return true, do
	}
	m := s.request
	f, ok := m.First(sip.FieldAuthorization)
	if !ok {
		return false, a.challengeRegister(now, s, false, do)
	}
	d, err := readDigest(m, f)
	if err == nil {
		err = a.judgeCredentials(m, d)
	}
	if err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
		return false, a.refuseRegister(now, s, 400, "", err.Error(), do)
	}
	n, nc := a.registrar.nonces[d["nonce"]], count(d["nc"])
	if n == nil || a.o.Registrar.Nonce > 0 && now-n.at > a.o.Registrar.Nonce || a.o.Registrar.Spent && n.nc > 0 {
		return false, a.challengeRegister(now, s, true, do)
	}
	if nc <= n.nc {
		do = a.violation(now, 0, fmt.Sprintf("nc %d after %d in %s", nc, n.nc, summary(m)), do)
		return false, a.challengeRegister(now, s, true, do)
	}
	password, known := a.passwordOf(d["username"])
	if !known || d["username"] != user || d["response"] != d.response("REGISTER", password) {
		return false, a.refuseRegister(now, s, 403, "", "wrong credentials", do)
	}
	n.nc = nc
	return true, do
}

// passwordFor returns the password of a user, or one that nobody knows.
func (a *Agent) passwordFor(user string) string {
	if password, ok := a.passwordOf(user); ok {
		return password
	}
	return a.word(20)
}

// passwordOf returns the password of a user.
func (a *Agent) passwordOf(user string) (password string, known bool) {
	if a.o.Registrar == nil || a.o.Registrar.Users == nil {
		return a.o.Challenge.Password, true
	}
	password, known = a.o.Registrar.Users[user]
	return password, known
}

// judgeCredentials checks what must have come as it was sent, whatever the
// password: realm, uri, opaque and qop.
func (a *Agent) judgeCredentials(m *sip.Message, d digest) error {
	switch {
	case d["realm"] != a.o.Registrar.Realm:
		return fmt.Errorf("credentials for realm %q", d["realm"])
	case d["uri"] != string(m.Bytes(m.RequestURI())):
		return fmt.Errorf("credentials for uri %q", d["uri"])
	case len(d["nonce"]) < 6 || d["opaque"] != "op"+d["nonce"][:6]:
		return fmt.Errorf("credentials with opaque %q to nonce %q", d["opaque"], d["nonce"])
	case d["qop"] != "auth" || count(d["nc"]) == 0 || d["cnonce"] == "":
		return fmt.Errorf("credentials with qop %q, nc %q and cnonce %q", d["qop"], d["nc"], d["cnonce"])
	}
	return nil
}

// count reads nc: 8 hexadecimal digits; 0 where it is none.
func count(nc string) uint64 {
	if len(nc) != 8 {
		return 0
	}
	n, err := strconv.ParseUint(nc, 16, 32)
	if err != nil {
		return 0
	}
	return n
}

// challengeRegister sends a 401 with a new nonce.
func (a *Agent) challengeRegister(now time.Duration, s *server, stale bool, do []Effect) []Effect {
	r := &a.registrar
	r.counts.Challenged++
	word := a.word(24)
	r.nonces[word] = &nonce{at: now}
	if r.order = append(r.order, word); len(r.order) > noncesMost {
		delete(r.nonces, r.order[0])
		r.order = r.order[1:]
	}
	old := ""
	if stale {
		old = ", stale=true"
	}
	fields := fmt.Sprintf("WWW-Authenticate: Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth\", opaque=\"op%s\"%s\r\n",
		a.o.Registrar.Realm, word, word[:6], old)
	return a.respond(now, s, 401, a.word(10), fields, "", do)
}
