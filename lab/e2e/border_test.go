package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"sbc/lab/netns"
)

// A setup is what tests vary in the SBC's configuration.
type setup struct {
	audit   string   // what happens to a leak
	outside string   // media ports
	inside  string   // media ports
	limits  string   // arguments of the block
	peers   string   // arguments of both peers
	more    string   // blocks before the routes
	text    string   // the whole configuration, in the place of sbcConfig
	state   string   // the file that it names for the bindings
	wrap    []string // a program that starts the SBC, with its arguments

	topology string // arguments of both realms' blocks
	itsp     network
	lan      network
}

// A network says how SIP goes on a side: the zero network has UDP over IPv4.
type network struct {
	tcp, ip6 bool
	tls      string // of TLS: the folder with own.pem, certificate and key, and ca.pem
}

func (n network) String() string {
	return map[bool]string{false: "UDP", true: "TCP"}[n.tcp] + map[bool]string{false: "4", true: "6"}[n.ip6]
}

// listen is the label of a listener, transport what a target ends with.
func (n network) listen() string { return map[bool]string{false: "udp", true: "tcp"}[n.tcp] }

func (n network) transport() string {
	if n.tls != "" {
		return ";transport=tls"
	}
	return map[bool]string{false: "", true: ";transport=tcp"}[n.tcp]
}

// port is where SIP arrives.
func (n network) port() int {
	if n.tls != "" {
		return tlsPort
	}
	return sipPort
}

// standard is the setup of most tests. The audit refuses: what is taken out
// in production fails the call here.
var standard = setup{audit: "refuse", outside: "20000-20999", inside: "30000-30999"}

// config writes the configuration.
func (w *world) config(s setup, socket string) string {
	text := s.text
	if text == "" {
		text = sbcConfig
	}
	return strings.NewReplacer(
		"{itsp}", literal(w.itsp.addr)+s.itsp.transport(), "{pbx}", literal(w.lan.addr)+s.lan.transport(),
		"{toitsp}", w.itsp.border.String(), "{topbx}", w.lan.border.String(),
		"{listenout}", s.itsp.listen(), "{listenin}", s.lan.listen(),
		"{audit}", s.audit, "{outside}", s.outside, "{inside}", s.inside, "{limits}", s.limits,
		"{topology}", s.topology, "{peers}", s.peers, "{more}", s.more, "{socket}", socket,
	).Replace(text)
}

// literal writes an address as a URI has it.
func literal(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

const sbcConfig = `
realm "outside" {
  address = "{toitsp}"
  listen "{listenout}" {}
  media {
    ports = "{outside}"
  }
  topology {
    audit = "{audit}"
    {topology}
  }
}

realm "inside" {
  address = "{topbx}"
  listen "{listenin}" {}
  media {
    ports = "{inside}"
  }
  topology {
    audit = "{audit}"
    {topology}
  }
}

peer "itsp" {
  realm  = realm.outside
  target = "sip:{itsp}"
  {peers}
}

peer "pbx" {
  realm  = realm.inside
  target = "sip:{pbx}"
  {peers}
}
{more}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}

route "out" {
  from = [peer.pbx]
  to   = [peer.itsp]
}

limits {
  {limits}
}

telemetry {
  log_format = "text"
  log_level  = "debug"
}

console {
  socket = "{socket}"
}

store {
  path = "{socket}.db"
}
`

// build builds the SBC once for all tests, with the race detector when the
// tests have it.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "sbc-e2e-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "sbc")
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "sbc/cmd/sbc")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the SBC: %w\n%s", err, out)
	}
	return path, nil
})

// Ours: the tests wait for audio more than they work, and each has a world of
// its own.
const parallel = "6"

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", parallel) // the command line has the last word
	code := m.Run()
	if !direct {
		if path, err := build(); err == nil {
			os.RemoveAll(filepath.Dir(path))
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// border is the SBC of a world.
type border struct {
	w       *world
	process *netns.Process
	binary  string
	socket  string
	file    string           // its configuration
	sockets []netip.AddrPort // that it had open when it was ready
	leaks   bool             // the test plants some
	ended   bool             // the test has ended it
}

// status is what the tests want to know of `sbc status --json`.
type status struct {
	Calls    int    `json:"calls"`
	Attempts uint64 `json:"attempts"`
	Answered uint64 `json:"answered"`
	Leaks    uint64 `json:"leaks"`
	Panics   uint64 `json:"panics"`
	Ledger   struct {
		Calls  int `json:"calls_rest"`
		Ports  int `json:"ports_rest"`
		Timers int `json:"timers_rest"`
	} `json:"ledger"`
	Realms []struct {
		InUse       int `json:"ports_in_use"`
		Connections struct {
			Open int `json:"open"`
		} `json:"connections"`
	} `json:"realms"`
	Peers []struct {
		Name  string `json:"name"`
		Calls int    `json:"calls"`
	} `json:"peers"`
	Shards []struct {
		Calls        int    `json:"calls"`
		Transactions int    `json:"transactions"`
		Dropped      uint64 `json:"dropped"`
	} `json:"shards"`
	Rejects map[string]int `json:"rejects"`
}

// startBorder runs the SBC and waits until it is ready.
func (w *world) startBorder(s setup) *border {
	w.t.Helper()
	binary, err := build()
	w.must(err)
	// A Unix socket's path has 107 octets at most, and a test's name may be
	// longer than that.
	dir, err := os.MkdirTemp("", "sbc-")
	w.must(err)
	w.t.Cleanup(func() { os.RemoveAll(dir) })
	b := &border{w: w, binary: binary, socket: filepath.Join(dir, "sbc.sock")}
	b.file = filepath.Join(dir, "sbc.hcl")
	w.must(os.WriteFile(b.file, []byte(w.config(s, b.socket)), 0o600))
	command := slices.Concat(s.wrap, []string{binary, "run", b.file})
	b.process = w.start(w.middle, netns.Command{Path: command[0], Args: command[1:]})
	w.t.Cleanup(b.finish)
	w.await("the SBC to be ready", func() bool {
		select {
		case <-b.process.Done():
			w.t.Fatal("the SBC ended before it was ready")
		default:
		}
		_, err := b.status()
		return err == nil
	})
	b.sockets, err = w.middle.Sockets()
	w.must(err)
	return b
}

// run runs one of the operator's commands and returns what it printed.
func (b *border) run(args ...string) ([]byte, error) {
	cmd := exec.Command(b.binary, append(args, "--socket", b.socket)...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("sbc %s: %w: %s", strings.Join(args, " "), err, errs.String())
	}
	return out, nil
}

func (b *border) status() (s status, err error) {
	out, err := b.run("status", "--json")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(out, &s)
}

// empty says what the SBC still holds, "" when it holds nothing.
func (b *border) empty() string {
	s, err := b.status()
	if err != nil {
		return err.Error()
	}
	var left []string
	note := func(what string, n int) {
		if n != 0 {
			left = append(left, fmt.Sprintf("%s: %d", what, n))
		}
	}
	note("calls", s.Calls)
	note("ledger of calls", s.Ledger.Calls)
	note("ledger of ports", s.Ledger.Ports)
	note("ledger of timers", s.Ledger.Timers)
	for _, r := range s.Realms {
		note("ports", r.InUse)
	}
	for _, p := range s.Peers {
		note("calls of "+p.Name, p.Calls)
	}
	for _, h := range s.Shards {
		note("calls of a shard", h.Calls)
	}
	sockets, err := b.w.middle.Sockets()
	if err != nil || !slices.Equal(sockets, b.sockets) {
		left = append(left, fmt.Sprintf("sockets: %v, %v", sockets, err))
	}
	return strings.Join(left, ", ")
}

// finish checks that nothing is left in the SBC, that nothing went wrong
// inside it, and that it ends by itself when it is asked to.
func (b *border) finish() {
	w := b.w
	if b.ended {
		b.sane()
		return
	}
	select {
	case <-b.process.Done():
		w.t.Error("the SBC did not live to the end of the test")
		return
	default:
	}
	b.settle()
	if s, err := b.status(); err != nil || (s.Leaks != 0) != b.leaks || s.Panics != 0 {
		w.t.Errorf("at the end: %d leaks, %d panics, %v", s.Leaks, s.Panics, err)
	}
	if w.t.Failed() {
		b.explain()
	}
	if err := w.end(b.process); err != nil {
		w.t.Errorf("after SIGTERM: %v", err)
	}
	b.sane()
}

// sane fails the test when the SBC's output tells of a bug.
func (b *border) sane() {
	for _, bad := range []string{"panic", "DATA RACE"} {
		if strings.Contains(b.process.Output(), bad) {
			b.w.t.Errorf("the SBC's output has %q", bad)
		}
	}
}

// settle waits until the SBC holds nothing. The far ends have to live so long:
// one that does not answer a BYE any more is waited for (RFC 3261 timer F).
// Those of a test that failed left their calls behind, and are not waited for.
func (b *border) settle() {
	if b.ended || b.w.t.Failed() {
		return
	}
	if err := netns.Await(b.w.ctx, func() bool { return b.empty() == "" }); err != nil {
		b.w.t.Errorf("left in the SBC: %s", b.empty())
	}
}

// explain shows the status and the calls of a test that failed.
func (b *border) explain() {
	for _, args := range [][]string{{"status"}, {"calls"}} {
		out, err := b.run(args...)
		b.w.t.Logf("sbc %s: %s %v", args[0], out, err)
	}
}
