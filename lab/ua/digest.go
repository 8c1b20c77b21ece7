package ua

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// A Challenge says what an agent wants to know before it serves: RFC 2617 and
// RFC 7616, MD5 with qop=auth.
type Challenge struct {
	Realm    string // empty: nobody is challenged
	Password string
	Proxy    bool // 407 instead of 401
	Inside   bool // within dialogs too
}

// fields are the names of the challenge and of its answer.
func (c *Challenge) fields() (status int, ask, answer string) {
	if c.Proxy {
		return 407, "Proxy-Authenticate", "Proxy-Authorization"
	}
	return 401, "WWW-Authenticate", "Authorization"
}

// challenged reports whether a request has to show who sent it.
func (a *Agent) challenged(m *sip.Message) bool {
	switch m.Method() {
	case sip.INVITE, sip.SUBSCRIBE, sip.MESSAGE, sip.PUBLISH, sip.REFER, sip.INFO, sip.BYE:
		return a.o.Challenge.Realm != "" && (m.To().Tag.Empty() || a.o.Challenge.Inside)
	}
	return false
}

// authorize judges the credentials of a request. Where it is not served, it is
// answered here.
func (a *Agent) authorize(now time.Duration, s *server, do []Effect) (bool, []Effect) {
	m := s.request
	status, ask, answer := a.o.Challenge.fields()
	tag := ""
	if m.To().Tag.Empty() {
		tag = a.word(10)
	}
	f, ok := m.FindName(answer)
	if !ok {
		nonce := a.word(24)
		a.nonces = append(a.nonces, nonce)
		fields := fmt.Sprintf("%s: Digest realm=\"%s\", nonce=\"%s\", algorithm=MD5, qop=\"auth,auth-int\", opaque=\"%s\"\r\n",
			ask, a.o.Challenge.Realm, nonce, "op"+nonce[:6])
		return false, a.respond(now, s, status, tag, fields, "", do)
	}
	if err := a.judge(m, f); err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
		return false, a.respond(now, s, 403, tag, "", "", do)
	}
	return true, do
}

// judge checks credentials: every octet that was hashed has to come as it was.
func (a *Agent) judge(m *sip.Message, f sip.Field) error {
	d, err := readDigest(m, f)
	switch {
	case err != nil:
		return err
	case d["realm"] != a.o.Challenge.Realm:
		return fmt.Errorf("credentials for realm %q", d["realm"])
	case !slices.Contains(a.nonces, d["nonce"]):
		return fmt.Errorf("credentials for nonce %q, which was never given", d["nonce"])
	case d["opaque"] != "op"+d["nonce"][:6]:
		return fmt.Errorf("credentials with opaque %q", d["opaque"])
	case d["uri"] != string(m.Bytes(m.RequestURI())):
		return fmt.Errorf("credentials for uri %q", d["uri"])
	case d["qop"] != "auth" || d["nc"] != "00000001":
		return fmt.Errorf("credentials with qop %q and nc %q", d["qop"], d["nc"])
	case d["response"] != d.response(string(m.MethodName()), a.passwordFor(d["username"])):
		return errors.New("credentials with a wrong response")
	}
	return nil
}

// A digest is the parameters of a challenge or of credentials.
type digest map[string]string

var digestParams = []string{"username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "opaque", "qop", "nc"}

func readDigest(m *sip.Message, f sip.Field) (digest, error) {
	auth, err := sip.ParseAuth(m.Raw, f.Value)
	if err != nil {
		return nil, err
	}
	if !auth.Digest(m.Raw) {
		return nil, fmt.Errorf("scheme %q", m.Bytes(auth.Scheme))
	}
	d := digest{}
	for _, name := range digestParams {
		if v, ok := auth.Param(m.Raw, name); ok {
			d[name] = string(sip.AppendUnquoted(nil, m.Bytes(v)))
		}
	}
	return d, nil
}

// response is request-digest of RFC 2617 section 3.2.2.1.
func (d digest) response(method, password string) string {
	a1 := hash(d["username"] + ":" + d["realm"] + ":" + password)
	a2 := hash(method + ":" + d["uri"])
	return hash(strings.Join([]string{a1, d["nonce"], d["nc"], d["cnonce"], d["qop"], a2}, ":"))
}

func hash(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}

// again sends a request once more, with the credentials that a 401 or 407
// asked for. ok is false where it cannot. RFC 3261 section 22.2.
func (a *Agent) again(now time.Duration, t *client, m *sip.Message, do []Effect) (ok bool, _ []Effect) {
	if a.o.Password == "" || t.credentials != "" || t.cancel || m == nil || t.dialog == nil {
		return false, do
	}
	c := Challenge{Proxy: m.Status() == 407}
	_, ask, answer := c.fields()
	f, ok := m.FindName(ask)
	if !ok {
		return false, a.violation(now, t.id(), "no challenge in "+summary(m), do)
	}
	d, err := readDigest(m, f)
	if err != nil {
		return false, a.violation(now, t.id(), err.Error()+" in "+summary(m), do)
	}
	line, _, _ := bytes.Cut(t.request, []byte(crlf))
	d["username"], d["uri"], d["cnonce"], d["nc"], d["qop"] = a.o.User, strings.Fields(string(line))[1], a.word(8), "00000001", "auth"
	next := *t
	next.credentials = fmt.Sprintf("%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", algorithm=MD5, cnonce=\"%s\", opaque=\"%s\", qop=auth, nc=00000001\r\n",
		answer, d["username"], d["realm"], d["nonce"], d["uri"], d.response(t.method, a.o.Password), d["cnonce"], d["opaque"])
	t.dialog.localSeq++
	next.branch, next.seq, next.state = a.branch(), t.dialog.localSeq, calling
	next.request = renewed(t, &next)
	a.hand(t, &next)
	return true, a.begin(now, &next, do)
}

// renewed writes the request of t as that of next.
func renewed(t, next *client) []byte {
	text := strings.ReplaceAll(string(t.request), t.branch, next.branch)
	cseq := fmt.Sprintf("CSeq: %d %s\r\n", t.seq, t.method)
	return []byte(strings.Replace(text, cseq, fmt.Sprintf("CSeq: %d %s\r\n", next.seq, t.method)+next.credentials, 1))
}

// hand lets next be waited for where t was.
func (a *Agent) hand(t, next *client) {
	if c := t.call; c != nil {
		if c.invite == t {
			c.invite = next
		}
		if c.update == t {
			c.update = next
		}
	}
	if t.sub != nil && t.sub.asking == t {
		t.sub.asking = next
	}
	if t.sub != nil && t.sub.own.remoteTag == "" {
		t.sub.seed = t.sub.own
	}
}
