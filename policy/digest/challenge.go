package digest

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"sbc/signaling/sip"
)

// A Role says as what we ask who somebody is, which decides the names of the
// fields (RFC 3261 sections 22.2 and 22.3).
type Role uint8

// Roles.
const (
	Agent Role = iota // 401, WWW-Authenticate, Authorization: a registrar or user agent
	Proxy             // 407, Proxy-Authenticate, Proxy-Authorization
)

// Status returns the status code of a response that holds a challenge.
func (as Role) Status() int {
	if as == Proxy {
		return 407
	}
	return 401
}

// ask and answer are the fields of a challenge and of its credentials.
func (as Role) ask() sip.FieldID {
	if as == Proxy {
		return sip.FieldProxyAuthenticate
	}
	return sip.FieldWWWAuthenticate
}

func (as Role) answer() sip.FieldID {
	if as == Proxy {
		return sip.FieldProxyAuthorization
	}
	return sip.FieldAuthorization
}

const staleTrue = ", stale=true"

// compileChallenge works out what all challenges have in common.
func (r *Realm) compileChallenge() {
	for _, as := range []Role{Agent, Proxy} {
		r.heads[as] = as.ask().String() + `: Digest realm="` + r.name + `", nonce="`
	}
	qop := `, qop="auth"`
	if r.integrity {
		qop = `, qop="auth,auth-int"`
	}
	for a := algorithms; a > 0; {
		if a--; r.offered[a] {
			tail := `", algorithm=` + a.String() + qop
			r.tails = append(r.tails, tail)
			r.size += len(r.heads[Proxy]) + nonceLen + len(tail) + len(staleTrue) + len("\r\n")
		}
	}
}

// Challenge appends complete lines of fields to dst, one for each algorithm:
// the strongest comes first, because a client takes the first that it knows
// (RFC 8760 section 2.4). All have one nonce, which is good for src, without
// its port, from now on. stale is for a request whose Verdict says so. It
// writes nothing but dst; where dst has room it allocates nothing.
//
// now counts from the start of the process, on a clock that does not jump.
func (r *Realm) Challenge(dst []byte, now time.Duration, rnd *rand.Rand, src netip.Addr, as Role, stale bool) []byte {
	dst = slices.Grow(dst, r.size)
	var nonce [nonceLen]byte
	r.nonces.make(&nonce, now, rnd, src)
	for _, tail := range r.tails {
		dst = append(append(append(dst, r.heads[as]...), nonce[:]...), tail...)
		if stale {
			dst = append(dst, staleTrue...)
		}
		dst = append(dst, "\r\n"...)
	}
	return dst
}
