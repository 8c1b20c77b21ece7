package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"sbc/signaling"
)

// A Tap is where the steps of calls come from: a signaling.Tap.
type Tap interface {
	// Next waits for a step. The error is io.EOF when there are no more.
	Next(ctx context.Context) (signaling.TraceEvent, error)
	Close()
}

// query is a filter as the API takes it.
func query(f signaling.TraceFilter) url.Values {
	q := url.Values{"number": f.Numbers, "peer": f.Peers, "method": f.Methods}
	for _, a := range f.Addresses {
		q.Add("address", a.String())
	}
	if f.Changes {
		q.Set("changes", "1")
	}
	return q
}

// ParseAddress reads an address, or a network with the bits of its prefix.
func ParseAddress(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		return p, nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is no address and no network", s)
	}
	a = a.WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}

// filterOf reads a filter.
func filterOf(q url.Values) (f signaling.TraceFilter, err error) {
	f = signaling.TraceFilter{Numbers: q["number"], Peers: q["peer"], Methods: q["method"], Changes: q.Get("changes") == "1"}
	for _, s := range q["address"] {
		a, err := ParseAddress(s)
		if err != nil {
			return f, err
		}
		f.Addresses = append(f.Addresses, a)
	}
	return f, nil
}

// trace answers with one step of a call a line, until the client or the
// source goes away.
func trace(open func(signaling.TraceFilter) (Tap, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		filter, err := filterOf(r.URL.Query())
		if err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		tap, err := open(filter)
		if err != nil {
			status := http.StatusServiceUnavailable
			if wrong := (*signaling.TraceFilterError)(nil); errors.As(err, &wrong) {
				status = http.StatusBadRequest
			}
			fail(w, status, err.Error())
			return
		}
		defer tap.Close()
		stream(r.Context(), w, tap)
	}
}

// stream writes what the tap has. The server's time to write is for answers
// that are ready: here each line has its own.
func stream(ctx context.Context, w http.ResponseWriter, tap Tap) {
	c := http.NewResponseController(w)
	more := func() error { return c.SetWriteDeadline(time.Now().Add(writeTimeout)) }
	w.Header().Set("Content-Type", "application/x-ndjson")
	if more() != nil || c.Flush() != nil {
		return
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for {
		ev, err := tap.Next(ctx)
		if err != nil || more() != nil || enc.Encode(ev) != nil || c.Flush() != nil {
			return
		}
	}
}

// Trace calls each with every step that the filter chooses, until ctx or the
// SBC ends, which is no error, or each returns one, which Trace returns.
// began, if not nil, is called once when the SBC listens.
func (c *Client) Trace(ctx context.Context, f signaling.TraceFilter, began func(), each func(*signaling.TraceEvent) error) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://sbc/trace?"+query(f).Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := (&http.Client{Transport: c.http.Transport}).Do(req) // for as long as it takes
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return c.explain(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, answerMax))
		return c.refused(resp.StatusCode, body)
	}
	if began != nil {
		began()
	}
	return c.events(ctx, resp.Body, each)
}

func (c *Client) events(ctx context.Context, body io.Reader, each func(*signaling.TraceEvent) error) error {
	for d := json.NewDecoder(body); ; {
		var ev signaling.TraceEvent
		err := d.Decode(&ev)
		switch {
		case err == nil:
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return nil
		default:
			return fmt.Errorf("console socket %s: the trace broke off: %w", c.path, err)
		}
		if err := each(&ev); err != nil {
			return err
		}
	}
}
