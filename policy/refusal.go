package policy

// A Refusal is a decision against a request. It is not an error: nothing
// went wrong. Refusals are made when the rules are compiled and shared by
// all requests that get them; they must not be changed.
type Refusal struct {
	Status     int    // of the response; 0: silence
	Reason     string // reason phrase; tells nothing of the other side
	Cause      string // the metric's label, one of the Cause constants
	Why        string // for the trace: what was looked at and what was missing
	Rule       Ref
	RetryAfter int // seconds, for the field Retry-After; 0: none
}

// Causes of refusals, as they are counted.
const (
	CauseStranger   = "stranger"     // the source is no peer
	CauseNotAllowed = "not_allowed"  // no route begins at the peer
	CauseNoRoute    = "no_route"     // routes begin at the peer, none matches
	CauseURITooLong = "uri_too_long" // user or host part over its bound
	CauseRewrite    = "rewrite"      // the route leaves no usable user part
	CauseCallsLimit = "calls_limit"  // the peer or realm has all the calls that it may have
	CauseCallsRate  = "calls_rate"   // it has begun all that it may begin now
	CauseLinesLimit = "lines_limit"  // it has all the media lines that it may have
	CauseBandwidth  = "bandwidth"    // it has all the media that it may have
	CauseTollPrefix = "toll_prefix"  // it may not call numbers like this
	CauseTollRate   = "toll_rate"    // it has called all the costly numbers that it may call now
	CauseUserCalls  = "user_calls"   // one user of it has all the calls that he may have
	CauseCapacity   = "capacity"     // the SBC has all the calls that it may have
)

// Ours: a call ends every few seconds where a limit is reached, so a caller
// that tries again after 5 s has a fair chance and adds little load.
const retryAfter = 5

func silence(rule Ref, why string) Refusal {
	return Refusal{Cause: CauseStranger, Why: why, Rule: rule}
}

func forbidden(cause string, rule Ref, why string) Refusal {
	return Refusal{Status: 403, Reason: "Forbidden", Cause: cause, Why: why, Rule: rule}
}

func notFound(cause string, rule Ref, why string) Refusal {
	return Refusal{Status: 404, Reason: "Not Found", Cause: cause, Why: why, Rule: rule}
}

func tooLong(rule Ref, why string) Refusal {
	return Refusal{Status: 414, Reason: "Request-URI Too Long", Cause: CauseURITooLong, Why: why, Rule: rule}
}

func noRoom(cause string, rule Ref, why string) Refusal {
	return Refusal{Status: 503, Reason: "Service Unavailable", Cause: cause, Why: why, Rule: rule, RetryAfter: retryAfter}
}
