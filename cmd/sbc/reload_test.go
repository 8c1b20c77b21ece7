package main

import (
	"encoding/json"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/console"
	"sbc/signaling"
)

// edit replaces text in a configuration.
func edit(t *testing.T, file, old, now string) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), old, now, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// limit is how many calls the ITSP may have now.
func (p *program) limit(t *testing.T) int {
	t.Helper()
	_, stdout, stderr := sbcOf("status", "--json", "--socket", p.socket)
	var st signaling.Status
	if err := json.Unmarshal([]byte(stdout), &st); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	for _, peer := range st.Peers {
		if peer.Name == "itsp" {
			return peer.Limit
		}
	}
	t.Fatal("no such peer")
	return 0
}

// awaitLimit waits until the ITSP may have so many calls.
func (p *program) awaitLimit(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); p.limit(t) != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("the limit is %d, want %d", p.limit(t), want)
		}
	}
}

func (p *program) says(t *testing.T, status int, want string, args ...string) {
	t.Helper()
	got, stdout, stderr := sbcOf(append(args, "--socket", p.socket)...)
	if got != status || !strings.Contains(stdout+stderr, want) {
		t.Errorf("sbc %s: status %d, want %d; says\n%s%swant %q", strings.Join(args, " "), got, status, stdout, stderr, want)
	}
}

func TestReload(t *testing.T) {
	file := onLoopback(t, "19092")
	p := start(t, file)
	p.serves(t)
	p.says(t, exitDone, "has no change", "diff")
	p.says(t, exitFailed, "no reload waits for a confirmation", "confirm")

	// A change is shown, then made.
	edit(t, file, "calls = 30", "calls = 50")
	p.says(t, exitDone, `peer "itsp": limits.calls = 50, it was 30`, "diff", file)
	if n := p.limit(t); n != 30 {
		t.Fatalf("diff has changed the limit to %d", n)
	}
	p.says(t, exitDone, "reloaded "+file+": 1 change", "reload")
	if n := p.limit(t); n != 50 {
		t.Errorf("the limit is %d, want 50", n)
	}

	// A wrong file changes nothing and is explained.
	edit(t, file, "calls = 50", "cals = 70")
	p.says(t, exitFailed, `Did you mean "calls"?`, "reload")
	p.says(t, exitFailed, "is wrong; nothing was changed", "reload")
	edit(t, file, "cals = 70", "calls = 70")

	// What needs a restart is refused whole.
	edit(t, file, "port = 5060", "port = 5070")
	p.says(t, exitFailed, `realm "outside" listen "udp".port; restart sbc for it`, "reload")
	if n := p.limit(t); n != 50 {
		t.Errorf("the limit is %d, want 50 still", n)
	}
	edit(t, file, "port = 5070", "port = 5060")

	// Tried, and not confirmed: it goes back.
	p.says(t, exitUsage, "invalid argument", "reload", "--confirm", "soon")
	p.says(t, exitFailed, "confirm wants a time from 1s to 1h", "reload", "--confirm", "10ms")
	p.says(t, exitDone, "unless you say: sbc confirm", "reload", "--confirm", "1h")
	p.awaitLimit(t, 70)
	p.says(t, exitFailed, "waits for its confirmation", "reload")
	p.says(t, exitDone, "unless you say: sbc confirm", "reload", "--confirm", "1s")
	p.awaitLimit(t, 50)
	// Tried twice and confirmed: it stays.
	p.says(t, exitDone, "unless you say: sbc confirm", "reload", "--confirm", "30m")
	p.says(t, exitDone, "unless you say: sbc confirm", "reload", "--confirm", "20m")
	p.says(t, exitDone, "", "confirm")
	p.says(t, exitFailed, "no reload waits for a confirmation", "confirm")
	if n := p.limit(t); n != 70 {
		t.Errorf("the limit is %d, want 70", n)
	}

	// A signal does the same.
	edit(t, file, "calls = 70", "calls = 80")
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	p.awaitLimit(t, 80)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	p.says(t, exitFailed, "no such file or directory; nothing was changed", "reload")
	_, stdout, _ := sbcOf("reload", "--json", "--socket", p.socket)
	var r console.Reloaded
	if err := json.Unmarshal([]byte(stdout), &r); err != nil || r.OK || r.Error == "" {
		t.Errorf("%v: %s", err, stdout)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, out := p.wait(t); status != exitDone || strings.Contains(out, "panic") {
		t.Errorf("status %d, %s", status, out)
	}
}
