package signaling

import (
	"errors"
	"net/netip"
)

// A Try is a made-up request that is held against what runs, as if it had come:
// `sbc try invite`. Nothing is sent for it and nothing is left of it.
type Try struct {
	Realm     string         // by name
	Source    netip.AddrPort // where it would come from; port 0: 5060
	Transport string         // by which it would come: "udp", "tcp", "tls", "ws", "wss"; empty: UDP
	Method    string         // empty: INVITE
	From, To  string         // a number, user@host, or a URI
	UserAgent string         // empty: it names none
	Fields    []string       // further ones, each a line: "X-Account: gold"
	Name      string         // in the verified certificate that its connection would show; empty: it shows none
	Proven    string         // the user that it proves to be when it is challenged; empty: the one of From
}

// A TryError says why a Try is no request that could be tried.
type TryError struct{ Text string }

func (e *TryError) Error() string { return e.Text }

// ErrStopping is the error of a question after the engine's end.
var ErrStopping = errors.New("the border is being stopped")

// TryReport is what would become of the request of a Try, step by step.
type TryReport struct {
	OK        bool         `json:"ok"`         // it would go on, or be answered with a 2xx
	Request   string       `json:"request"`    // as it was made up
	ContactOf string       `json:"contact_of"` // who registered by the contact that is the Request-URI, as their registrar knows it; empty: it is what was asked for
	Source    TrySource    `json:"source"`     // who it would be from
	Emergency bool         `json:"emergency"`  // it is a call for help: no limit holds for it
	Routes    []TryRoute   `json:"routes"`     // those that begin at the peer, in order
	Number    *TryNumber   `json:"number,omitempty"`
	Targets   []TryTarget  `json:"targets"` // in the order in which they would be tried
	Limits    []TryLimit   `json:"limits"`  // of all that it would have a place at; only calls take places
	Leaks     []string     `json:"leaks"`   // what the audit found in what would go out
	Answer    *TryAnswer   `json:"answer,omitempty"`
	Refusal   *RefusalInfo `json:"refusal,omitempty"` // as sbc why would show it
	Sent      *TrySent     `json:"sent,omitempty"`    // what would go out on the other side
}

// TrySource is who a request would be from.
type TrySource struct {
	Source   string `json:"source"` // address and port
	Realm    string `json:"realm"`
	Listener string `json:"listener"`         // by which it would come: "udp 192.0.2.1:5060"
	By       string `json:"by"`               // how its sender is known: "source", "certificate", "registration", "proof", or "nobody"
	Peer     string `json:"peer,omitempty"`   // empty: nobody's
	Rule     string `json:"rule,omitempty"`   // where the peer is configured
	Prefix   string `json:"prefix,omitempty"` // of By "source": the one that the address is in
	Resolved bool   `json:"resolved"`         // Prefix is what the peer's name resolves to, not configured
	Former   string `json:"former,omitempty"` // of By "nobody": the peer that once sent from there, and can begin nothing
	Banned   string `json:"banned,omitempty"` // of a stranger: until when, and why; nothing of it is read then

	Challenge *TryChallenge `json:"challenge,omitempty"` // what it would have to prove first
}

// TryChallenge is what the sender of a request would have to prove.
type TryChallenge struct {
	Domain string `json:"domain"`
	Rule   string `json:"rule"`
	Proven bool   `json:"proven"` // the rest is what follows after it has done so
	User   string `json:"user"`   // that it has proved to be; empty: any of the peer's
}

// TryRoute is one route, and whether the request matches it.
type TryRoute struct {
	Name   string `json:"name"`
	Rule   string `json:"rule"`
	Hit    bool   `json:"hit"`
	Missed string `json:"missed,omitempty"` // "method", "user", "host", "field", or "not_tried": one before it was hit
	Field  string `json:"field,omitempty"`  // of "field": its name
	Want   string `json:"want,omitempty"`   // pattern, or methods
	Have   string `json:"have,omitempty"`   // what was compared with it
	Absent bool   `json:"absent"`           // of "field": the request has none
}

// TryNumber is the user part before and after what the route does to it.
type TryNumber struct {
	Before string `json:"before"`
	After  string `json:"after"`
	Rule   string `json:"rule"`
}

// TryTarget is somewhere that the request could go.
type TryTarget struct {
	Peer     string `json:"peer"`
	Address  string `json:"address,omitempty"`  // and port
	Listener string `json:"listener,omitempty"` // of ours, by which it would leave
	Problem  string `json:"problem,omitempty"`  // why it cannot go there
	Taken    bool   `json:"taken"`              // it would go there
}

// TryLimit is what a peer, a realm or all have of their limits now.
type TryLimit struct {
	Of    string `json:"of"` // `peer "itsp"`, `realm "outside"`, "all"
	Rule  string `json:"rule,omitempty"`
	Calls int    `json:"calls"`
	Most  int    `json:"calls_limit"` // this and those below: 0: none

	Lines     int     `json:"lines"`
	LinesMost int     `json:"lines_limit"`
	Kbits     int     `json:"kbits"`
	KbitsMost int     `json:"kbits_limit"`
	Every     float64 `json:"rate_seconds"` // between two calls that begin; 0: no limit
	Wait      float64 `json:"wait_seconds"` // until the next may begin

	Full string `json:"full,omitempty"` // which of them leaves no room: "calls", "rate", "lines", "bandwidth"
}

// TryAnswer is the final answer that the sender would get at once.
type TryAnswer struct {
	Status int    `json:"status"`
	Reason string `json:"reason"`
}

// TrySent is a request that would go out.
type TrySent struct {
	Peer     string       `json:"peer"`
	To       string       `json:"to"`       // address and port
	Listener string       `json:"listener"` // by which
	Octets   int          `json:"octets"`
	Message  string       `json:"message"` // secrets masked; ports and identifiers would be others
	Changes  []ChangeInfo `json:"changes"`
}

// A turn lets something run in the goroutine of a shard, and waits for it; it does
// nothing after the shard's end.
type turn func(func(*Shard))

// Try says what would become of a request. It works on a copy of what the shards
// decide by, in the caller's goroutine: calls do not notice. The error is a
// *TryError, ErrStopping, or a bug.
func (e *Engine) Try(t Try) (TryReport, error) {
	turns := make([]turn, len(e.workers))
	for i, w := range e.workers {
		turns[i] = w.inbox.do
	}
	r, err := t.run(e.now(), turns)
	if e.guard != nil && err == nil && (r.Source.By == "nobody" || r.Source.By == "proof") {
		for _, b := range e.guard.Bans(e.now()) {
			if b.Prefix.Contains(t.Source.Addr().Unmap()) {
				r.Source.Banned = "until " + b.Until.UTC().Format("2006-01-02T15:04:05Z")
				if why := b.Why(); why != "" {
					r.Source.Banned += ": " + why
				}
				break
			}
		}
	}
	return r, err
}
