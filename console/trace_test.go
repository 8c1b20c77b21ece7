package console

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"sbc/signaling"
)

// A feed is a Tap whose steps a test gives.
type feed struct {
	steps  chan signaling.TraceEvent
	closed chan struct{}
}

func newFeed(steps ...signaling.TraceEvent) *feed {
	f := &feed{steps: make(chan signaling.TraceEvent, 64), closed: make(chan struct{})}
	for _, s := range steps {
		f.steps <- s
	}
	return f
}

func (f *feed) Next(ctx context.Context) (signaling.TraceEvent, error) {
	select {
	case ev, ok := <-f.steps:
		if !ok {
			return ev, io.EOF
		}
		return ev, nil
	case <-ctx.Done():
		return signaling.TraceEvent{}, ctx.Err()
	}
}

func (f *feed) Close() { close(f.closed) }

// gone waits until the Tap was closed.
func (f *feed) gone(t *testing.T) {
	t.Helper()
	select {
	case <-f.closed:
	case <-time.After(10 * time.Second):
		t.Error("the tap is still open")
	}
}

// traced serves a Source that only traces.
func traced(t *testing.T, open func(signaling.TraceFilter) (Tap, error)) (*Client, *Server) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sbc.sock")
	s, err := Listen(path, Handler(Source{Trace: open, Status: func() signaling.Status { return signaling.Status{Version: "1"} }}))
	if err != nil {
		t.Fatal(err)
	}
	return NewClient(path), s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}

var someStep = signaling.TraceEvent{
	LadderEntry: signaling.LadderEntry{At: 0.5, Kind: "in", Leg: "a", Peer: "pbx", Label: "INVITE", Message: "INVITE <sip:\u2028ü> SIP/2.0\r\n\r\n"},
	Time:        time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), Call: "k7f3qd", From: "pbx", Caller: "100", Callee: "200", Method: "INVITE", Realm: "inside",
	Local: netip.MustParseAddrPort("[2001:db8::1]:5060"), Remote: netip.MustParseAddrPort("[2001:db8::9]:5061"), Dropped: 3,
}

// What the tap has comes to the client as it was, the filter comes to the tap
// as it was, and the end of the one is the end of the other.
func TestTrace(t *testing.T) {
	binary := someStep
	binary.Message, binary.Octets = "\ufffd", []byte{0xff, 0, 1}
	f, filter := newFeed(someStep, binary), signaling.TraceFilter{}
	c, s := traced(t, func(f2 signaling.TraceFilter) (Tap, error) { filter = f2; return f, nil })
	defer stop(t, s)
	close(f.steps)
	want := signaling.TraceFilter{
		Numbers: []string{"100&x=*", "[2]"}, Peers: []string{"b üro"}, Methods: []string{"INVITE"}, Changes: true,
		Addresses: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::1/128")},
	}
	var got []signaling.TraceEvent
	began := 0
	err := c.Trace(t.Context(), want, func() { began++ }, func(ev *signaling.TraceEvent) error { got = append(got, *ev); return nil })
	if err != nil || began != 1 || !reflect.DeepEqual(got, []signaling.TraceEvent{someStep, binary}) {
		t.Errorf("began %d times, %v, got %+v", began, err, got)
	}
	if !reflect.DeepEqual(filter, want) {
		t.Errorf("filter %+v, want %+v", filter, want)
	}
	if string(got[0].Bytes()) != someStep.Message || !bytes.Equal(got[1].Bytes(), binary.Octets) {
		t.Error("the octets of the messages differ")
	}
	f.gone(t)
}

// A client that goes away, by itself or because it has enough, closes the tap.
func TestTraceClientGoesAway(t *testing.T) {
	enough := errors.New("enough")
	for _, byError := range []bool{true, false} {
		f := newFeed(someStep)
		c, s := traced(t, func(signaling.TraceFilter) (Tap, error) { return f, nil })
		ctx, cancel := context.WithCancel(t.Context())
		err := c.Trace(ctx, signaling.TraceFilter{}, nil, func(*signaling.TraceEvent) error {
			if byError {
				return enough
			}
			cancel()
			return nil
		})
		if byError && !errors.Is(err, enough) || !byError && err != nil {
			t.Errorf("by error %v: %v", byError, err)
		}
		cancel()
		f.gone(t)
		stop(t, s)
	}
}

// The server's end ends a trace at once, and properly.
func TestTraceServerGoesAway(t *testing.T) {
	f := newFeed()
	c, s := traced(t, func(signaling.TraceFilter) (Tap, error) { return f, nil })
	err := c.Trace(t.Context(), signaling.TraceFilter{}, func() { stop(t, s) }, func(*signaling.TraceEvent) error { return nil })
	if err != nil {
		t.Error(err)
	}
	f.gone(t)
}

func TestTraceRefused(t *testing.T) {
	var no error
	c, s := traced(t, func(signaling.TraceFilter) (Tap, error) { return nil, no })
	defer stop(t, s)
	for _, c2 := range []struct {
		err    error
		path   string
		status int
	}{
		{&signaling.TraceFilterError{Text: "no peer \"x\""}, "/trace?peer=x", 400},
		{signaling.ErrTaps, "/trace", 503},
		{nil, "/trace?address=example.com", 400},
	} {
		no = c2.err
		resp, err := c.http.Get("http://sbc" + c2.path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != c2.status {
			t.Errorf("%s: %d, want %d", c2.path, resp.StatusCode, c2.status)
		}
	}
	no = signaling.ErrTaps
	if err := c.Trace(t.Context(), signaling.TraceFilter{}, nil, nil); err == nil || !strings.Contains(err.Error(), "too many traces") {
		t.Errorf("one too many: %v", err)
	}
	if err := NewClient(filepath.Join(t.TempDir(), "x")).Trace(t.Context(), signaling.TraceFilter{}, nil, nil); !errors.Is(err, ErrNotRunning) {
		t.Errorf("nobody listens: %v", err)
	}
}

// Traces that go on take no place of the other requests, and outlive the time
// in which those must be over.
func TestTraceGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sbc.sock")
	feeds := make(chan *feed, 2*requestsAtOnce)
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	const limit = 500 * time.Millisecond // the status has to come in it, on a busy machine, too
	s := &http.Server{ReadTimeout: limit, WriteTimeout: limit, Handler: Handler(Source{
		Trace:  func(signaling.TraceFilter) (Tap, error) { f := newFeed(); feeds <- f; return f, nil },
		Status: func() signaling.Status { return signaling.Status{Version: "1"} },
	})}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	c := NewClient(path)
	ended := make(chan int)
	for range 2 * requestsAtOnce {
		go func() {
			n := 0
			if err := c.Trace(t.Context(), signaling.TraceFilter{}, nil, func(*signaling.TraceEvent) error { n++; return nil }); err != nil {
				t.Error(err)
			}
			ended <- n
		}()
	}
	var open []*feed
	for range 2 * requestsAtOnce {
		open = append(open, <-feeds)
	}
	late := time.After(4 * limit)
	if _, err := c.Status(t.Context()); err != nil {
		t.Errorf("beside the traces: %v", err)
	}
	<-late
	for _, f := range open {
		f.steps <- someStep
		close(f.steps)
	}
	for range open {
		if n := <-ended; n != 1 {
			t.Errorf("%d steps, want 1", n)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-served
}

// What an operator sees of two calls at once, to be read in testdata.
func TestTracer(t *testing.T) {
	var out bytes.Buffer
	tr := &Tracer{}
	other := someStep
	other.Call, other.From, other.Caller, other.Callee, other.At = "abcdef", "büro", "\x1b[31m", "9", 0
	steps := []signaling.TraceEvent{someStep, other}
	for _, e := range someCall.Ladder[1:] {
		ev := someStep
		ev.LadderEntry, ev.To = e, "itsp"
		steps = append(steps, ev)
	}
	for i := range steps {
		steps[i].Time = steps[i].Time.In(time.Local)
		if err := tr.Write(&out, &steps[i]); err != nil {
			t.Fatal(err)
		}
	}
	text := strings.ReplaceAll(out.String(), someStep.Time.Local().Format(time.DateTime), "2026-03-01 12:00:00")
	if strings.ContainsAny(text, "\x1b\r") {
		t.Errorf("something is not escaped: %q", text)
	}
	file := filepath.Join("testdata", "trace.txt")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s is now:\n%s\nwant:\n%s", file, text, want)
	}
}

// A Tracer remembers so many calls, and names what it forgot once more.
func TestTracerForgets(t *testing.T) {
	tr, ev := &Tracer{}, someStep
	named := func(id string) bool {
		var out bytes.Buffer
		ev.Call = id
		if err := tr.Write(&out, &ev); err != nil {
			t.Fatal(err)
		}
		return strings.Contains(out.String(), "calls")
	}
	if !named("first") || named("first") {
		t.Error("a call is named once")
	}
	for i := range tracedMax {
		named(string(rune('a'+i%26)) + string(rune('a'+i/26)))
	}
	if len(tr.to) != tracedMax || len(tr.order) != tracedMax || !named("first") {
		t.Errorf("it remembers %d calls", len(tr.to))
	}
}

// Addresses and networks, and nothing else.
func TestParseAddress(t *testing.T) {
	for s, want := range map[string]string{
		"192.0.2.7": "192.0.2.7/32", "192.0.2.0/24": "192.0.2.0/24", "2001:db8::1": "2001:db8::1/128", "fe80::1%eth0": "fe80::1/128",
		"": "", "example.com": "", "192.0.2.7:5060": "", "192.0.2.7/33": "",
	} {
		p, err := ParseAddress(s)
		if got := p.String(); (err == nil) != (want != "") || err == nil && got != want {
			t.Errorf("%q: %s, %v", s, got, err)
		}
	}
}
