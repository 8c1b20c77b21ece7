package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// A Reloaded is what became of a reload, or would.
type Reloaded struct {
	OK      bool       `json:"ok"`
	File    string     `json:"file"`
	Error   string     `json:"error,omitempty"`    // why nothing was changed
	Text    string     `json:"problems,omitempty"` // what is wrong with the file, or hardly meant, as sbc check shows it
	Changes []Change   `json:"changes"`
	Until   *time.Time `json:"until,omitempty"` // when it goes back unless it is confirmed
}

// A Change is one difference from what runs.
type Change struct {
	Block   string `json:"block"`         // `peer "itsp"`
	Key     string `json:"key,omitempty"` // "limits.calls"; empty: the whole block
	Was     string `json:"was,omitempty"`
	Is      string `json:"is,omitempty"`
	Restart bool   `json:"restart"`         // it needs one
	Calls   int    `json:"calls,omitempty"` // that the peer has now
}

// ErrNothingToConfirm is the error of a confirmation that no reload waits for.
var ErrNothingToConfirm = errors.New("no reload waits for a confirmation")

// Ours:
const (
	fileMax    = 1 << 20 // as for a configuration on disk
	confirmMax = time.Hour
)

// reload answers `sbc reload`.
func reload(f func(confirm time.Duration) Reloaded) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var confirm time.Duration
		if s := r.URL.Query().Get("confirm"); s != "" {
			var err error
			if confirm, err = time.ParseDuration(s); err != nil || confirm < time.Second || confirm > confirmMax {
				fail(w, http.StatusBadRequest, "confirm wants a time from 1s to 1h, like 60s")
				return
			}
		}
		reply(w, http.StatusOK, f(confirm))
	}
}

// confirm answers `sbc confirm`.
func confirm(f func() bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !f() {
			fail(w, http.StatusConflict, ErrNothingToConfirm.Error())
			return
		}
		reply(w, http.StatusOK, struct{}{})
	}
}

// diff answers `sbc diff`: the body is a file, or empty.
func diff(f func(name string, src []byte) Reloaded) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		src, err := io.ReadAll(http.MaxBytesReader(w, r.Body, fileMax))
		if err != nil {
			fail(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a configuration has at most %d octets", fileMax))
			return
		}
		if len(src) == 0 && r.URL.Query().Get("name") == "" {
			src = nil
		}
		reply(w, http.StatusOK, f(r.URL.Query().Get("name"), src))
	}
}

// Reload lets the SBC take on its file. confirm over 0: it goes back after that
// time unless Confirm comes.
func (c *Client) Reload(ctx context.Context, confirm time.Duration) (out Reloaded, err error) {
	path := "/reload"
	if confirm > 0 {
		path += "?confirm=" + confirm.String()
	}
	return out, c.do(ctx, http.MethodPost, path, &out)
}

// Confirm keeps what the last reload brought.
func (c *Client) Confirm(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/confirm", &struct{}{})
}

// Diff asks what a reload would change if src stood in a file called name; with
// no name: the file of the SBC as it is now.
func (c *Client) Diff(ctx context.Context, name string, src []byte) (out Reloaded, err error) {
	return out, c.send(ctx, http.MethodPost, "/diff?name="+url.QueryEscape(name), src, &out)
}

// WriteReloaded writes what changed, or would, a line each.
func WriteReloaded(w io.Writer, r Reloaded) error {
	var p page
	for _, c := range r.Changes {
		p.line("%s", c.line())
	}
	return p.to(w)
}

func (c *Change) line() string {
	s := c.Block
	switch {
	case c.Key == "" && c.Was == "":
		s += " is new"
	case c.Key == "":
		s += " is gone"
	case c.Was == "":
		s += fmt.Sprintf(": %s = %s, which was not there", c.Key, c.Is)
	case c.Is == "":
		s += fmt.Sprintf(": %s is gone, it was %s", c.Key, c.Was)
	default:
		s += fmt.Sprintf(": %s = %s, it was %s", c.Key, c.Is, c.Was)
	}
	if c.Calls > 0 {
		s += fmt.Sprintf(" (it has %d calls, which go on)", c.Calls)
	}
	if c.Restart {
		s += " (needs a restart)"
	}
	return s
}
