package main

import (
	"bytes"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc"
)

// The tests run the program as their own binary, on a machine whose kernel has
// no modules unless a test says so.
func TestMain(m *testing.M) {
	dir := os.Getenv("SBC_TEST_MACHINE")
	thisMachine = machine{modules: filepath.Join(dir, "modules"), helper: filepath.Join(dir, "helper")}
	if os.Getenv("SBC_AS_PROGRAM") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// onLoopback is the example, moved to where every machine has addresses.
func onLoopback(t *testing.T, port string) string {
	t.Helper()
	text := strings.NewReplacer("127.0.0.1:9090", "127.61.100.2:"+port, "198.51.100.", "127.61.100.", "192.168.1.", "127.178.1.").Replace(string(sbc.Example))
	file := filepath.Join(t.TempDir(), "sbc.hcl")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// sbcOf runs a command line in this process.
func sbcOf(args ...string) (status int, stdout, stderr string) {
	var o, e bytes.Buffer
	status = run(args, &o, &e)
	return status, o.String(), e.String()
}

func TestExitStatus(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "sbc.sock")
	wrong := filepath.Join(t.TempDir(), "wrong.hcl")
	if err := os.WriteFile(wrong, []byte("realm \"a\" {\n  adress = \"192.0.2.1\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	streams := filepath.Join(t.TempDir(), "streams.hcl")
	if err := os.WriteFile(streams, bytes.Replace(sbc.Example, []byte("listen \"udp\" {}"), []byte("listen \"udp\" {}\n  listen \"tcp\" {}"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string // on one of the two
	}{
		{[]string{"check", streams}, exitDone, "streams.hcl is good"},
		{[]string{"version"}, exitDone, "sbc unknown (go1."},
		{[]string{}, exitDone, "Available Commands"},
		{[]string{"stauts"}, exitUsage, `unknown command "stauts"; did you mean "status"?`},
		{[]string{"status", "--jsn"}, exitUsage, "unknown flag: --jsn; see: sbc status --help"},
		{[]string{"call"}, exitUsage, "see: sbc call --help"},
		{[]string{"hangup", "a", "b"}, exitUsage, "see: sbc hangup --help"},
		{[]string{"status", "--socket", nowhere}, exitNotRunning, "sbc is not running: nobody listens on " + nowhere + "; start it with: sbc run"},
		{[]string{"calls", "--socket", nowhere, "--json"}, exitNotRunning, "not running"},
		{[]string{"call", "k7f3qd", "--socket", nowhere}, exitNotRunning, "not running"},
		{[]string{"hangup", "k7f3qd", "--socket", nowhere}, exitNotRunning, "not running"},
		{[]string{"check", filepath.Join(t.TempDir(), "none.hcl")}, exitFailed, "no such file or directory; is the path right? A copy of sbc.hcl.example is one to begin with"},
		{[]string{"check", wrong}, exitFailed, `Did you mean "address"?`},
		{[]string{"run", wrong}, exitFailed, `Did you mean "address"?`},
		{[]string{"check", "../../sbc.hcl.example"}, exitDone, "sbc.hcl.example is good: 2 realms, 2 peers, 3 routes"},
	} {
		status, stdout, stderr := sbcOf(c.args...)
		if status != c.status || !strings.Contains(stdout+stderr, c.says) {
			t.Errorf("sbc %s: status %d, want %d; says\n%s%swant %q", strings.Join(c.args, " "), status, c.status, stdout, stderr, c.says)
		}
		if c.status == exitUsage || c.status == exitNotRunning {
			if strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("sbc %s: more than one line:\n%s%s", strings.Join(c.args, " "), stdout, stderr)
			}
		}
	}
}

func TestCheckJSON(t *testing.T) {
	wrong := filepath.Join(t.TempDir(), "wrong.hcl")
	if err := os.WriteFile(wrong, []byte("realm \"a\" {\n  adress = \"192.0.2.1\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, ok := range map[string]bool{"../../sbc.hcl.example": true, wrong: false} {
		status, stdout, stderr := sbcOf("check", "--json", file)
		var v verdict
		if err := json.Unmarshal([]byte(stdout), &v); err != nil {
			t.Fatalf("%s: %v in %q, %q", file, err, stdout, stderr)
		}
		if (status == exitDone) != ok || v.OK != ok || v.File != file || (len(v.Problems) == 0) != ok || v.Problems == nil {
			t.Errorf("%s: status %d, %+v", file, status, v)
		}
		if !ok && (v.Problems[0].Line == 0 || v.Problems[0].Summary == "" || v.Problems[0].File != file) {
			t.Errorf("problem %+v", v.Problems[0])
		}
	}
}

// A program is the border as a process of its own.
type program struct {
	cmd    *exec.Cmd
	socket string
	out    bytes.Buffer
	ended  chan error
}

func start(t *testing.T, file string) *program {
	t.Helper()
	p := &program{socket: filepath.Join(t.TempDir(), "sbc.sock"), ended: make(chan error, 1)}
	p.cmd = exec.Command(os.Args[0], "run", "--socket", p.socket, file)
	p.cmd.Env = append(os.Environ(), "SBC_AS_PROGRAM=1")
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.ended <- p.cmd.Wait() }()
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	return p
}

// serves waits until the program answers.
func (p *program) serves(t *testing.T) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if status, _, _ := sbcOf("status", "--socket", p.socket); status == exitDone {
			return
		}
		select {
		case err := <-p.ended:
			t.Fatalf("it ended: %v\n%s", err, p.out.String())
		case <-deadline:
			t.Fatal("it does not serve")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (p *program) wait(t *testing.T) (status int, out string) {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(stopTime + 10*time.Second):
		t.Fatal("it does not end")
	}
	return p.cmd.ProcessState.ExitCode(), p.out.String()
}

func TestRunServesAndStops(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		p := start(t, onLoopback(t, "19090"))
		p.serves(t)
		for _, c := range []struct {
			args   []string
			status int
			says   string
		}{
			{[]string{"status"}, exitDone, "ledger at zero"},
			{[]string{"status", "--json"}, exitDone, `"ports_rest": 0`},
			{[]string{"calls"}, exitDone, "no calls"},
			{[]string{"calls", "--json"}, exitDone, "[]"},
			{[]string{"registrations"}, exitDone, "nobody is registered"},
			{[]string{"registrations", "--json"}, exitDone, "[]"},
			{[]string{"why"}, exitDone, "nothing of this was refused lately"},
			{[]string{"why", "4711", "--json"}, exitDone, "[]"},
			{[]string{"why", strings.Repeat("4", 65)}, exitFailed, "that is no call, number or address: it is too long"},
			{[]string{"why", "4711", "4712"}, exitUsage, "accepts at most 1 arg(s), received 2"},
			{[]string{"call", "k7f3qd"}, exitFailed, `call "k7f3qd": no such call`},
			{[]string{"hangup", "k7f3qd"}, exitFailed, `call "k7f3qd": no such call; see: sbc calls`},
		} {
			status, stdout, stderr := sbcOf(append(c.args, "--socket", p.socket)...)
			if status != c.status || !strings.Contains(stdout+stderr, c.says) {
				t.Errorf("sbc %s: status %d: %s%s", strings.Join(c.args, " "), status, stdout, stderr)
			}
		}
		// A second one must not take the place of the first.
		second := exec.Command(os.Args[0], "run", "--socket", p.socket, onLoopback(t, "19091"))
		second.Env = append(os.Environ(), "SBC_AS_PROGRAM=1")
		if out, err := second.CombinedOutput(); err == nil || strings.Contains(string(out), "panic") {
			t.Errorf("a second border started: %s", out)
		}
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if status, out := p.wait(t); status != exitDone || !strings.Contains(out, `"msg":"stopped"`) {
			t.Errorf("after %v: status %d, %s", sig, status, out)
		}
		if _, err := os.Lstat(p.socket); err == nil {
			t.Error("the socket is still there")
		}
	}
}

// A port in use is one line that says which, and what to do.
func TestRunWithoutItsPort(t *testing.T) {
	at := netip.MustParseAddrPort("127.61.100.2:5060")
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := start(t, onLoopback(t, "19092"))
	status, out := p.wait(t)
	if status != exitFailed || strings.Count(out, "\n") != 1 || !strings.Contains(out, at.String()) {
		t.Errorf("status %d, %s", status, out)
	}
	t.Log(out)
}

// The demo is the main job of a first visit. It must find nothing wrong, in
// namespaces where they can be made and on loopback everywhere.
func TestDemo(t *testing.T) {
	t.Setenv("SBC_AS_PROGRAM", "1")
	for _, args := range [][]string{{"demo", "--once"}, {"demo", "--once", "--local"}} {
		began := time.Now()
		status, stdout, stderr := sbcOf(args...)
		if status != exitDone {
			t.Errorf("sbc %s: status %d\n%s%s", strings.Join(args, " "), status, stdout, stderr)
			continue
		}
		for _, want := range []string{"180 Ringing", "Request-URI", "SDP c", "yes, bit-exact", "ledger   at zero: 2 calls", "audit    nothing"} {
			if !strings.Contains(stdout, want) {
				t.Errorf("sbc %s does not say %q:\n%s", strings.Join(args, " "), want, stdout)
			}
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("sbc %s took %v", strings.Join(args, " "), took)
		}
	}
}

// A demo whose reader goes away, or that is killed, leaves nothing running.
func TestDemoLeavesNothing(t *testing.T) {
	for _, kill := range []bool{false, true} {
		read, write, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		demo := exec.Command(os.Args[0], "demo", "--once", "--local")
		demo.Env = append(os.Environ(), "SBC_AS_PROGRAM=1", "TMPDIR="+dir)
		demo.Stdout = write
		if err := demo.Start(); err != nil {
			t.Fatal(err)
		}
		_ = write.Close()
		if _, err := read.Read(make([]byte, 1)); err != nil { // it runs
			t.Fatal(err)
		}
		_ = read.Close()
		if kill {
			_ = demo.Process.Kill()
		}
		if demo.Wait() == nil {
			t.Error("nobody saw its output, and it says that all is well")
		}
		// Its border had this port.
		at := netip.MustParseAddrPort("127.51.100.2:5060")
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
			if err == nil {
				_ = c.Close()
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("killed %v: its border still runs: %v", kill, err)
			}
		}
		if left, _ := os.ReadDir(dir); !kill && len(left) > 0 {
			t.Errorf("it left %v", left)
		}
	}
}
