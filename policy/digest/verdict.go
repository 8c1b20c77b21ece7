package digest

// A Verdict is what the credentials of a request are worth. The zero Verdict
// is Missing: nothing was shown.
type Verdict uint8

// Verdicts. All but OK, Syntax and URI are answered with a challenge.
const (
	Missing  Verdict = iota // no credentials for this realm
	OK                      // the user has proved itself
	Syntax                  // unreadable, or two for this realm: 400
	URI                     // the digest's uri is of a host that is not served: 400
	Scheme                  // not a scheme, algorithm or quality that is offered
	Wrong                   // wrong password, or no such user
	Stale                   // right, but the nonce is too old, another source's, evicted or not ours
	Replayed                // right, but the nonce was used with this count before

	verdicts
)

// verdictNames are labels for the counters.
var verdictNames = [verdicts]string{"auth_missing", "ok", "auth_syntax", "auth_uri", "auth_scheme", "auth_failed", "nonce_stale", "nonce_replayed"}

// String returns the label for the counters.
func (v Verdict) String() string {
	if v < verdicts {
		return verdictNames[v]
	}
	return "unknown"
}

// Status returns the status code that a request with this verdict gets: 0 for
// OK, else 400, or that of a challenge.
func (v Verdict) Status(as Role) int {
	switch v {
	case OK:
		return 0
	case Syntax, URI:
		return 400
	}
	return as.Status()
}

// Stale reports whether the challenge says stale=true: the client knows the
// password and shall try again without asking for it (RFC 7616 section 3.3).
func (v Verdict) Stale() bool { return v == Stale || v == Replayed }
