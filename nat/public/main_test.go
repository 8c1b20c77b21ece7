package public

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/lab/netns"
)

// inSpace in the environment makes the test binary a program that keeps a
// Watch: so it reads the routes and opens the sockets of the namespace that it
// was started in.
const inSpace = "SBC_TEST_PUBLIC"

func TestMain(m *testing.M) {
	if o := os.Getenv(inSpace); o != "" {
		os.Exit(watchHere(o))
	}
	goleak.VerifyTestMain(m)
}

// A script is what the program is told.
type script struct {
	Local            netip.Addr
	Signaling, Media Source
	Ports            []Port
	MediaPorts       Range
	Every            time.Duration
	Key              []byte
}

// watchHere prints each change as a line of JSON, and each other state when a
// line comes in; it ends when the input says so.
func watchHere(text string) int {
	var s script
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	w, err := New(Options{Realm: "outside", Local: s.Local, Signaling: s.Signaling, Media: s.Media, Ports: s.Ports,
		MediaPorts: s.MediaPorts, Every: s.Every, Key: s.Key, Changed: func(st State) { line("changed", st) }})
	if err != nil {
		panic(err)
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan() && in.Text() != "close"; {
		line("state", w.State())
	}
	w.Close()
	fmt.Println("closed")
	return 0
}

func line(what string, s State) {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s %s\n", what, b)
}

// A remote is a Watch that runs in a namespace.
type remote struct {
	t *testing.T
	p *netns.Process
}

func watchIn(t *testing.T, s *netns.Space, what script) *remote {
	t.Helper()
	if what.Every == 0 {
		what.Every = 200 * time.Millisecond
	}
	b, err := json.Marshal(what)
	must(t, err)
	self, err := os.Executable()
	must(t, err)
	p, err := s.Start(netns.Command{Path: self, Env: []string{inSpace + "=" + string(b)}})
	must(t, err)
	return &remote{t, p}
}

// last returns the last state that was printed, and whether there is one;
// only changes where changed is set.
func (r *remote) last(changed bool) (s State, ok bool) {
	text := r.p.Output()
	text = text[:strings.LastIndexByte(text, '\n')+1]
	for l := range strings.Lines(text) {
		word, rest, _ := strings.Cut(l, " ")
		if word != "changed" && (changed || word != "state") {
			continue
		}
		s = State{}
		must(r.t, json.Unmarshal([]byte(rest), &s))
		ok = true
	}
	return s, ok
}

// await waits until a state fits, and returns it.
func (r *remote) await(changed bool, what string, fits func(State) bool) State {
	r.t.Helper()
	var s State
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		var ok bool
		if s, ok = r.last(changed); ok && fits(s) {
			tick.Stop()
			return s
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no state with %s; the last:\n%s\n%s", what, strings.Join(s.Signaling.Lines(time.Now()), "\n"), r.changes())
		}
		if !changed {
			must(r.t, r.p.Input("state\n"))
		}
	}
}

// changes is what was printed, less the states that were asked for.
func (r *remote) changes() (list string) {
	for l := range strings.Lines(r.p.Output()) {
		if !strings.HasPrefix(l, "state ") {
			list += l
		}
	}
	return list
}

// close ends the Watch and waits until the mappings are given back.
func (r *remote) close() {
	r.t.Helper()
	must(r.t, r.p.Input("close\n"))
	must(r.t, r.p.Wait(r.t.Context()))
	if !strings.HasSuffix(r.p.Output(), "closed\n") {
		r.t.Errorf("output ends with %q", r.p.Output())
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
