package console

import (
	"encoding/json"
	"net/http"
	"time"

	"sbc/firewall"
	"sbc/signaling"
)

// A Source is what the API shows and does. The functions are called by many
// goroutines.
type Source struct {
	Status        func() signaling.Status
	Calls         func() []signaling.CallInfo
	Call          func(id string) (signaling.CallReport, bool)
	Hangup        func(id string) bool
	Registrations func() []signaling.RegistrationInfo
	Refusals      func(of string, last int) []signaling.RefusalInfo
	Gate          *firewall.Guard      // nil: there is none
	Now           func() time.Duration // its clock
	Drain         func(within time.Duration) (calls int)
	Reload        func(confirm time.Duration) Reloaded
	Confirm       func() bool
	Diff          func(name string, src []byte) Reloaded
	Try           func(signaling.Try) (signaling.TryReport, error)
	Trace         func(signaling.TraceFilter) (Tap, error) // bounds itself how many there are
}

// Ours: operators and their scripts; every request asks all shards.
const requestsAtOnce = 8

// Handler answers the API from s.
func Handler(s Source) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Status()) })
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Calls()) })
	mux.HandleFunc("GET /registrations", func(w http.ResponseWriter, _ *http.Request) { reply(w, http.StatusOK, s.Registrations()) })
	mux.HandleFunc("GET /refusals", why(&s))
	mux.HandleFunc("GET /try", try(s.Try))
	mux.HandleFunc("POST /drain", drain(s.Drain))
	gate(mux, &s)
	mux.HandleFunc("POST /reload", reload(s.Reload))
	mux.HandleFunc("POST /confirm", confirm(s.Confirm))
	mux.HandleFunc("GET /calls/{id}", func(w http.ResponseWriter, r *http.Request) {
		report, ok := signaling.CallReport{}, false
		if id := r.PathValue("id"); isID(id) {
			report, ok = s.Call(id)
		}
		if !ok {
			fail(w, http.StatusNotFound, "no such call")
			return
		}
		reply(w, http.StatusOK, report)
	})
	mux.HandleFunc("DELETE /calls/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("id"); !isID(id) || !s.Hangup(id) {
			fail(w, http.StatusNotFound, "no such call")
			return
		}
		reply(w, http.StatusOK, struct{}{})
	})
	all := http.NewServeMux()
	all.Handle("/", bounded(mux))
	all.Handle("POST /diff", bounded(diff(s.Diff)))
	all.Handle("GET /trace", trace(s.Trace)) // it goes on for hours: it takes no place of the others
	return guard(all)
}

// guard refuses what no request of this API needs: only one of them has a body.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 && r.URL.Path != "/diff" {
			fail(w, http.StatusRequestEntityTooLarge, "a request has no body")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// bounded answers so many requests at once.
func bounded(next http.Handler) http.Handler {
	busy := make(chan struct{}, requestsAtOnce)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case busy <- struct{}{}:
			defer func() { <-busy }()
		default:
			fail(w, http.StatusServiceUnavailable, "too many requests at once")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isID tells whether id can be the short id of a call.
func isID(id string) bool {
	if id == "" || len(id) > 16 {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

type problem struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, status int, text string) { reply(w, status, problem{text}) }

func reply(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// Whoever asked may be gone already; there is nobody else to tell.
	_, _ = w.Write(append(b, '\n'))
}
