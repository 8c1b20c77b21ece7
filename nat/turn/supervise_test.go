package turn

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pion/stun/v2"
)

// A record is a log that tests read.
type record struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// supervised starts a service in a process of its own, this test binary.
func supervised(t *testing.T, o Options) (*Supervisor, *record, context.CancelFunc) {
	t.Helper()
	t.Setenv(roleEnv, "serve")
	o.Program = []string{os.Args[0]}
	ctx, cancel := context.WithCancel(context.Background())
	r := &record{}
	s := supervise(ctx, o, slog.New(slog.NewTextHandler(r, nil)), 3*reportEach)
	t.Cleanup(func() {
		cancel()
		s.Wait()
	})
	return s, r, cancel
}

// freePort is a UDP port that nobody has at the moment.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	f := newFriend(t, "127.0.0.1:0")
	defer f.Close()
	return f.at()
}

// alive reports whether there is a process of that id.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// A process that is killed is started again, and its counts stay; the end of
// the Supervisor is the end of the process.
func TestSupervise(t *testing.T) {
	o := options(41600)
	o.UDP, o.TCP = []netip.AddrPort{freePort(t)}, nil
	s, log, cancel := supervised(t, o)
	eventually(t, "it serves", func() bool { return s.Status().Serving })
	first := s.Status()
	c := dial(t, "udp", o.UDP[0], "alice", "password")
	c.allocate()
	eventually(t, "the allocation is reported", func() bool { return s.Status().Counts.Allocations == 1 })

	if err := syscall.Kill(first.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process serves", func() bool {
		n := s.Status()
		return n.Serving && n.PID != first.PID
	})
	n := s.Status()
	if n.Restarts != 1 || n.Counts.Allocations != 0 || n.Counts.Allocated != 1 || !strings.Contains(n.Error, "killed") {
		t.Errorf("status %+v, want one restart, no allocation now, one so far", n)
	}
	if !strings.Contains(log.String(), "signal: killed") || strings.Contains(log.String(), secret) {
		t.Errorf("the log has %s", log)
	}
	c.learn(c.want(438, c.do(stun.MethodRefresh))) // a nonce of the process before
	c.want(437, c.do(stun.MethodRefresh))
	c.allocate()

	pid := n.PID
	cancel()
	s.Wait()
	if alive(pid) {
		t.Error("the process has outlived its supervisor")
	}
	if n := s.Status(); n.Serving || n.PID != 0 || n.Restarts != 1 {
		t.Errorf("status %+v, want none serving", n)
	}
}

// A process that does not report is ended and started again.
func TestSuperviseHangs(t *testing.T) {
	o := options(41600)
	o.UDP, o.TCP = []netip.AddrPort{freePort(t)}, nil
	s, _, _ := supervised(t, o)
	eventually(t, "it serves", func() bool { return s.Status().Serving })
	pid := s.Status().PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process serves", func() bool {
		n := s.Status()
		return n.Serving && n.PID != pid
	})
}

// A process that cannot start is told of, with what it said.
func TestSuperviseFailure(t *testing.T) {
	taken := newFriend(t, "127.0.0.1:0")
	o := options(41600)
	o.UDP = []netip.AddrPort{taken.at()}
	s, log, _ := supervised(t, o)
	eventually(t, "it is tried again", func() bool { return s.Status().Restarts >= 2 })
	if s.Status().Serving || !strings.Contains(log.String(), "address already in use") {
		t.Errorf("status %+v, the log has %s", s.Status(), log)
	}
}

// The process ends when its parent does, however that ends: its input ends.
func TestParentEnds(t *testing.T) {
	o := options(41600)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"=serve")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	json.NewEncoder(in).Encode(o)
	var r report
	if err := json.NewDecoder(out).Decode(&r); err != nil {
		t.Fatalf("the first report: %v", err)
	}
	if os.Geteuid() == 0 {
		status, _ := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
		if !strings.Contains(string(status), "\nUid:\t65534\t65534\t65534\t65534\n") || !strings.Contains(string(status), "\nCapEff:\t0000000000000000\n") {
			t.Errorf("the process has kept rights: %s", status)
		}
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Errorf("the process ended with %v, want 0", err)
	}
}

func TestLines(t *testing.T) {
	var got []string
	l := &lines{max: 4, line: func(b []byte) { got = append(got, string(b)) }}
	for _, s := range []string{"ab", "c\nd", "\n\n", "123456789\nx"} {
		if n, err := l.Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("Write(%q) = %d, %v", s, n, err)
		}
	}
	if want := "abc|d||1234"; strings.Join(got, "|") != want {
		t.Errorf("lines %q, want %s", got, want)
	}
}
