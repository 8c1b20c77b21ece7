package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/signaling"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start serves a Source with one call, k7f3qd, and returns a client for it.
func start(t *testing.T) (*Client, string, *[]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run", "sbc.sock")
	hung := &[]string{}
	s, err := Listen(path, Handler(Source{
		Status: func() signaling.Status {
			return signaling.Status{Version: "test", Calls: 1, Rejects: map[string]int{"ports": 2}}
		},
		Calls: func() []signaling.CallInfo { return []signaling.CallInfo{{ID: "k7f3qd", From: "pbx"}} },
		Call: func(id string) (signaling.CallReport, bool) {
			return signaling.CallReport{CallInfo: signaling.CallInfo{ID: id}, Live: true}, id == "k7f3qd"
		},
		Registrations: func() []signaling.RegistrationInfo {
			return []signaling.RegistrationInfo{{AOR: "sip:100@voice.example", Here: 41.5}}
		},
		Try: func(t signaling.Try) (signaling.TryReport, error) {
			switch t.Realm {
			case "wrong":
				return signaling.TryReport{}, &signaling.TryError{Text: "no realm \"wrong\""}
			case "over":
				return signaling.TryReport{}, signaling.ErrStopping
			}
			return signaling.TryReport{OK: true, Request: fmt.Sprintf("%+v", t)}, nil
		},
		Hangup: func(id string) bool { *hung = append(*hung, id); return id == "k7f3qd" },
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
	})
	return NewClient(path), path, hung
}

func TestClientAndServer(t *testing.T) {
	c, path, hung := start(t)
	ctx := context.Background()
	st, err := c.Status(ctx)
	if err != nil || st.Version != "test" || st.Rejects["ports"] != 2 {
		t.Errorf("status %+v, %v", st, err)
	}
	list, err := c.Calls(ctx)
	if err != nil || len(list) != 1 || list[0].From != "pbx" {
		t.Errorf("calls %+v, %v", list, err)
	}
	r, err := c.Call(ctx, "k7f3qd")
	if err != nil || !r.Live || r.ID != "k7f3qd" {
		t.Errorf("call %+v, %v", r, err)
	}
	if err := c.Hangup(ctx, "k7f3qd"); err != nil {
		t.Errorf("hangup: %v", err)
	}
	for _, id := range []string{"other", "K7F3QD", "../status", "a/b", strings.Repeat("a", 17), "%00"} {
		if _, err := c.Call(ctx, id); !errors.Is(err, ErrNoCall) {
			t.Errorf("call %q: %v", id, err)
		}
		if err := c.Hangup(ctx, id); !errors.Is(err, ErrNoCall) {
			t.Errorf("hangup %q: %v", id, err)
		}
	}
	// What cannot be an id is not asked for at all.
	if want := []string{"k7f3qd", "other"}; !reflect.DeepEqual(*hung, want) {
		t.Errorf("asked to end %q, want %q", *hung, want)
	}
	st2, err := os.Stat(path)
	if err != nil || st2.Mode().Perm() != 0o660 {
		t.Errorf("socket mode %v, %v", st2.Mode(), err)
	}
	who, err := c.Registrations(ctx)
	if err != nil || len(who) != 1 || who[0].AOR != "sip:100@voice.example" || who[0].Here != 41.5 {
		t.Errorf("registrations %+v, %v", who, err)
	}
}

func TestServerRefuses(t *testing.T) {
	c, _, _ := start(t)
	for _, r := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/status", "", 405},
		{"DELETE", "/calls", "", 405},
		{"GET", "/", "", 404},
		{"GET", "/status", strings.Repeat("[", 65), 413},
		{"DELETE", "/calls/k7f3qd", "{}", 413},
	} {
		req, err := http.NewRequest(r.method, "http://sbc"+r.path, strings.NewReader(r.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			t.Errorf("%s %s: %v", r.method, r.path, err)
			continue
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != r.want {
			t.Errorf("%s %s: %d, want %d", r.method, r.path, resp.StatusCode, r.want)
		}
	}
}

func TestNotRunning(t *testing.T) {
	c := NewClient(filepath.Join(t.TempDir(), "sbc.sock"))
	if _, err := c.Status(context.Background()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status without a server: %v", err)
	}
}

func TestListenOnWhatIsThere(t *testing.T) {
	_, path, _ := start(t)
	if _, err := Listen(path, nil); err == nil || !strings.Contains(err.Error(), "another sbc is running") {
		t.Errorf("a socket in use: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file, nil); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	// A process that was killed leaves its socket behind.
	stale := filepath.Join(t.TempDir(), "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if err := NewClient(stale).Hangup(context.Background(), "a"); !errors.Is(err, ErrNotRunning) {
		t.Errorf("a stale socket: %v", err)
	}
	s, err := Listen(stale, http.NotFoundHandler())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	hold, held := make(chan struct{}), make(chan struct{})
	path := filepath.Join(t.TempDir(), "sbc.sock")
	s, err := Listen(path, Handler(Source{Status: func() signaling.Status { held <- struct{}{}; <-hold; return signaling.Status{} }}))
	if err != nil {
		t.Fatal(err)
	}
	c := NewClient(path)
	answers := make(chan error)
	for range requestsAtOnce {
		go func() { _, err := c.Status(context.Background()); answers <- err }()
		<-held
	}
	if _, err := c.Status(context.Background()); err == nil || !strings.Contains(err.Error(), "too many requests") {
		t.Errorf("one request too many: %v", err)
	}
	close(hold)
	for range requestsAtOnce {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
