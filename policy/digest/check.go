package digest

import (
	"crypto/subtle"
	"encoding/hex"
	"net/netip"
	"time"

	"sbc/signaling/sip"
)

// A Query is a request whose sender says who it is. Nothing of it is kept.
type Query struct {
	Msg    *sip.Message // an accepted request, as it came in
	Source netip.Addr
	As     Role

	// Serves reports whether we answer for a host: a domain of ours, an address
	// of a listener. The uri of the credentials must have one; that it is not
	// the Request-URI is no error, as proxies rewrite that (RFC 3261 section
	// 22.4). nil: any host.
	Serves func(host []byte) bool
}

// A Result is what Check has found.
type Result struct {
	Verdict Verdict

	// Proven: the nonce is one of ours, not too old, and was made for this
	// source. Whatever the Verdict, the sender has received what we sent to its
	// address, so the address is not forged.
	Proven bool

	// User is the name of who has proved itself; "" unless the Verdict is OK.
	User string

	// Claimed is the name that was claimed, as it stands in the message; empty
	// if none was. It is a stranger's: escape it where it is shown.
	Claimed sip.Span
}

// RFC 7616 section 3.4: nc is 8 hexadecimal digits.
const ncDigits = 8

// Ours: methods have up to 9 octets.
const methodMax = 64

// work is the memory of one Check, on its stack.
type work struct {
	cred credentials
	text [1 + methodMax + valueMax + 4*sumMax + len("::::::")]byte
	name [2 * nameMax]byte // a name with each octet escaped
	ha1  [2 * sumMax]byte
	sums int // how many digests were computed
}

// Check judges the credentials of a request at a time, on the clock of
// Challenge. It allocates nothing. Credentials of one nonce and count are OK
// once, so a request is checked once; its retransmissions are its
// transaction's.
//
// What the password decides is decided first: who does not know it learns
// nothing about the nonce, and who knows it is told that only the nonce is at
// fault.
func (r *Realm) Check(now time.Duration, q Query) Result {
	var w work
	return r.check(&w, now, &q)
}

func (r *Realm) check(w *work, now time.Duration, q *Query) Result {
	if v := r.find(w, q); v != OK {
		return Result{Verdict: v}
	}
	raw, c := q.Msg.Raw, &w.cred
	res := Result{Claimed: c.span(raw, paramUsername)}
	t, ours := r.nonces.read(c.text(raw, paramNonce), q.Source)
	res.Proven = ours && t.fresh(now, r.age)

	f, v := r.form(q, c)
	if v == OK && !serves(q, c) {
		v = URI
	}
	if v == OK {
		res.User, v = r.prove(w, q, &f)
	}
	switch {
	case v != OK:
	case !res.Proven:
		v = Stale
	default:
		v = r.nonces.slots.use(&t, f.count)
	}
	if res.Verdict = v; v != OK {
		res.User = ""
	}
	return res
}

// find looks for the one value of the realm.
func (r *Realm) find(w *work, q *Query) Verdict {
	var one credentials
	verdict, raw, id := Missing, q.Msg.Raw, q.As.answer()
	if _, any := q.Msg.First(id); !any {
		return Missing
	}
	for i, fields := 0, q.Msg.Fields(); i < len(fields); i++ {
		if fields[i].ID != id {
			continue
		}
		switch one.read(raw, fields[i].Value) {
		case unreadable:
			return Syntax
		case readOther:
			if verdict == Missing {
				verdict = Scheme
			}
			continue
		}
		switch {
		case one.value[paramRealm].Empty():
			return Syntax
		case string(one.meaning(w.name[:], raw, paramRealm)) != r.name:
			continue
		case verdict == OK:
			return Syntax
		}
		verdict, w.cred = OK, one
	}
	return verdict
}

// A form is what credentials are computed with.
type form struct {
	algorithm Algorithm
	integrity bool // auth-int
	count     uint32
	response  [sumMax]byte
}

// form judges whether the credentials are complete and as they were asked for.
// A client that leaves out the quality of RFC 2617, as RFC 2069 had it, has no
// count and could be replayed: it is asked again. A phone of a mobile network
// begins with credentials whose nonce is empty, only to say its name (3GPP TS
// 24.229 section 5.1.1.2).
func (r *Realm) form(q *Query, c *credentials) (f form, v Verdict) {
	raw := q.Msg.Raw
	if !c.value[paramNonce].Empty() && !c.has(raw, paramNonce) {
		return f, Missing
	}
	for _, p := range [...]param{paramUsername, paramNonce, paramURI, paramResponse} {
		if !c.has(raw, p) {
			return f, Syntax
		}
	}
	if len(q.Msg.MethodName()) > methodMax {
		return f, Syntax
	}
	var ok bool
	if f.algorithm, ok = algorithmOf(c.text(raw, paramAlgorithm)); !ok || !r.offered[f.algorithm] {
		return f, Scheme
	}
	switch qop := c.text(raw, paramQop); {
	case equalFold(qop, "auth"):
	case equalFold(qop, "auth-int") && r.integrity:
		f.integrity = true
	default:
		return f, Scheme
	}
	response, size := c.text(raw, paramResponse), sumSizes[f.algorithm]
	if len(response) != 2*size || !c.has(raw, paramCnonce) {
		return f, Syntax
	}
	if _, err := hex.Decode(f.response[:], response); err != nil {
		return f, Syntax
	}
	if f.count, ok = countOf(c.text(raw, paramNC)); !ok {
		return f, Syntax
	}
	return f, OK
}

// algorithmOf reads the name of an algorithm; none is MD5 (RFC 7616 section
// 3.4).
func algorithmOf(name []byte) (Algorithm, bool) {
	if len(name) == 0 {
		return MD5, true
	}
	for a, n := range algorithmNames {
		if equalFold(name, n) {
			return Algorithm(a), true
		}
	}
	return 0, false
}

func countOf(text []byte) (uint32, bool) {
	if len(text) != ncDigits {
		return 0, false
	}
	var b [ncDigits / 2]byte
	if _, err := hex.Decode(b[:], text); err != nil {
		return 0, false
	}
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3]), true
}

// serves reports whether the uri of the credentials has a host of ours. A tel:
// URI has none.
func serves(q *Query, c *credentials) bool {
	if q.Serves == nil {
		return true
	}
	raw := q.Msg.Raw
	u, err := sip.ParseURI(raw, c.span(raw, paramURI))
	if err != nil || !u.Routable() {
		return false
	}
	return equalFold(u.Scheme.Of(raw), "tel") || q.Serves(u.Host.Of(raw))
}

// prove computes the response that the user's password gives and compares. For
// a name that no user has it does the same work with an HA1 that nobody knows.
func (r *Realm) prove(w *work, q *Query, f *form) (user string, v Verdict) {
	name := w.cred.meaning(w.name[:], q.Msg.Raw, paramUsername)
	u := r.users[string(name)]
	r.nonces.stranger(&w.ha1, name)
	known, ha1 := 0, &w.ha1
	if u.Has(f.algorithm) {
		known, ha1 = 1, &u.keys().text[f.algorithm]
	}
	subtle.ConstantTimeCopy(known, w.ha1[:], ha1[:])
	sum := w.response(q, f)
	if subtle.ConstantTimeCompare(sum[:], f.response[:])&known == 0 {
		return "", Wrong
	}
	return u.name, OK
}

// response computes the response for w.ha1 (RFC 7616 section 3.4.1).
func (w *work) response(q *Query, f *form) (sum [sumMax]byte) {
	raw, c, a := q.Msg.Raw, &w.cred, f.algorithm
	b := append(append(append(w.text[:0], q.Msg.MethodName()...), ':'), c.text(raw, paramURI)...)
	if f.integrity {
		b = hex.AppendEncode(append(b, ':'), w.sum(a, &sum, q.Msg.Body().Of(raw)))
	}
	var ha2 [sumMax]byte
	w.sum(a, &ha2, b)
	b = append(append(w.text[:0], w.ha1[:2*sumSizes[a]]...), ':')
	for _, p := range [...]param{paramNonce, paramNC, paramCnonce, paramQop} {
		b = append(append(b, c.text(raw, p)...), ':')
	}
	b = hex.AppendEncode(b, ha2[:sumSizes[a]])
	sum = [sumMax]byte{}
	w.sum(a, &sum, b)
	return sum
}

func (w *work) sum(a Algorithm, dst *[sumMax]byte, b []byte) []byte {
	w.sums++
	return a.sum(dst, b)
}
