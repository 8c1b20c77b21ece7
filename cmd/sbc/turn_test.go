package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/nat"
)

// The TURN service of a running border answers; when its process is killed it is
// back in a moment, and the border does not notice; it ends with the border.
func TestRunTurn(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("correct horse\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	base, err := os.ReadFile(onLoopback(t, "19092"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "turn.hcl")
	block := "\nturn {\n  realm  = realm.outside\n  domain = \"voice.example\"\n  secret = file(\"" + secret + "\")\n}\n"
	if err := os.WriteFile(file, append(base, block...), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, file)
	p.serves(t)
	at := ""
	for line := range strings.Lines(string(base)) {
		if _, v, ok := strings.Cut(line, "address = \""); ok {
			at = v[:strings.Index(v, "\"")]
			break
		}
	}
	c, err := net.Dial("udp", net.JoinHostPort(at, "3478"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	answers := func() bool {
		if _, err := c.Write(nat.AppendBindingRequest(nil, nat.Transaction{1, 2, 3})); err != nil {
			return false // the port was closed a moment ago
		}
		c.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
		b := make([]byte, 600)
		n, err := c.Read(b)
		_, ok := nat.STUN(b[:max(n, 20)]).Mapped()
		return err == nil && ok
	}
	await := func(what string, cond func() bool) {
		t.Helper()
		for late := time.Now().Add(20 * time.Second); !cond(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(late) {
				t.Fatalf("waited in vain for %s\n%s", what, p.out.String())
			}
		}
	}
	await("an answer", answers)
	first := childOf(t, p.cmd.Process.Pid)
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	await("another process", func() bool { return answers() && childOf(t, p.cmd.Process.Pid) != first })
	if status, out, _ := sbcOf("status", "--socket", p.socket); status != exitDone || !strings.Contains(out, "ledger at zero") {
		t.Errorf("the border noticed: %d %s", status, out)
	}
	second := childOf(t, p.cmd.Process.Pid)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if status, out := p.wait(t); status != exitDone {
		t.Errorf("status %d: %s", status, out)
	}
	await("the end of the service", func() bool { return syscall.Kill(second, 0) != nil })
}

// childOf returns the one child process of a process, 0 if it has none.
func childOf(t *testing.T, pid int) (child int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		if f := strings.Fields(rest); len(f) > 1 && f[1] == strconv.Itoa(pid) && f[0] != "Z" {
			child, _ = strconv.Atoi(e.Name())
		}
	}
	return child
}
