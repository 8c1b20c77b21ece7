package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"sbc/lab/netns"
)

// A part is one sipp among those of a scenario.
type part struct {
	role  string // the template that it plays
	side  *side
	addr  netip.Addr // zero: the side's
	port  int
	calls bool     // it begins; the others are there before
	args  []string // further arguments
}

func (p part) at() netip.AddrPort {
	if p.addr.IsValid() {
		return netip.AddrPortFrom(p.addr, uint16(p.port))
	}
	return p.side.at(p.port)
}

// play runs the parts of a scenario, and fails the test unless all of them are
// content and nothing of one side was seen on the other. near is the side of
// the caller.
func (w *world) play(file string, near *side, data any, parts ...part) {
	w.t.Helper()
	w.begin(file, near, data, parts...)()
	w.sealed()
}

// begin starts the parts of a scenario and returns what waits for their end.
func (w *world) begin(file string, near *side, data any, parts ...part) (wait func()) {
	w.t.Helper()
	dir := w.t.TempDir()
	var roles []string
	for _, p := range parts {
		roles = append(roles, p.role)
	}
	paths := scenario(w.t, dir, file, near, data, roles...)
	var running []*netns.Process
	for _, calls := range []bool{false, true} {
		for i, p := range parts {
			if p.calls == calls {
				running = append(running, w.startPart(dir, paths[i], p))
			}
		}
	}
	return func() { w.t.Helper(); w.content(running) }
}

// startPart starts a sipp, and waits until it listens if it is one that is
// called.
func (w *world) startPart(dir, path string, p part) *netns.Process {
	w.t.Helper()
	if p.side.net.tcp {
		w.must(overTCP(path))
	}
	c := sippCommand(dir, path, p)
	if p.calls {
		c.Args = append(c.Args, "-s", "4930123", p.side.target().String())
	}
	process := w.start(p.side.space, c)
	if !p.calls {
		w.await("sipp to listen", func() bool {
			select {
			case <-process.Done():
				w.t.Fatal("sipp does not take its scenario")
			default:
			}
			if p.side.net.tcp {
				return p.side.space.Listens(p.at())
			}
			return p.side.space.Bound(p.at())
		})
	}
	return process
}

// overTCP says in a scenario that the contacts of its messages want TCP.
func overTCP(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	lines := strings.Split(string(text), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "Contact:") {
			lines[i] = strings.Replace(l, ">", ";transport=tcp>", 1)
		}
	}
	return os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644)
}

// content waits for the end of processes. One that is not content ends the
// others.
func (w *world) content(running []*netns.Process) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	failed := make(chan error, len(running))
	for _, p := range running {
		go func() {
			err := p.Wait(ctx)
			if err != nil {
				cancel()
			}
			failed <- err
		}()
	}
	for range running {
		if err := <-failed; err != nil {
			w.t.Error(err)
		}
	}
}

// Ours: 3 s in which sipp knows calls that are over, where there are many. What
// comes late of one would else be a call of its own, and take the place of a true
// one among those that sipp was told to take.
const lateMillis = "3000"

// many says that a scenario is played many times at once.
var many = struct{ Many bool }{true}

func sippCommand(dir, file string, p part) netns.Command {
	return netns.Command{Path: "sipp", Dir: dir, Args: append([]string{
		"-sf", file, "-m", "1", "-t", map[bool]string{false: "u1", true: "t1"}[p.side.net.tcp], "-i", p.at().Addr().String(), "-p", strconv.Itoa(p.port), "-nostdin", "-nd",
		"-timeout", "30s", "-timeout_error", "-recv_timeout", "10000", "-deadcall_wait", "0",
		"-trace_err", "-error_file", fmt.Sprintf("%s/%s.errors", dir, p.role),
	}, p.args...)}
}
