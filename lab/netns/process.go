package netns

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// outputMax bounds what is kept of a process's output. Ours: enough to read
// what went wrong; what comes after is counted and dropped.
const outputMax = 1 << 20

// A Command is what to start in a namespace.
type Command struct {
	Path string   // the program, looked up in $PATH
	Args []string // without the program's name
	Dir  string   // working directory; empty: ours
	Env  []string // KEY=value, added to our environment
}

// A Process runs in a namespace. It has a pipe as standard input, and dies
// with us, however we die. It leads a session of its own, and what it has started
// there dies with it.
type Process struct {
	// Constant after Start.
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	done  chan struct{} // closed when the process has ended

	err error // set before done is closed

	out output
}

// Start starts a process in the namespace. It ends at the latest when the
// namespace is closed.
func (s *Space) Start(c Command) (*Process, error) {
	p := &Process{name: filepath.Base(c.Path), done: make(chan struct{})}
	p.cmd = exec.Command(c.Path, c.Args...)
	p.cmd.Dir = c.Dir
	p.cmd.Env = append(p.cmd.Environ(), c.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setsid: true}
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipe
	var err error
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start %s in %q: %w", p.name, s.name, err)
	}
	if err := s.Do(p.cmd.Start); err != nil {
		return nil, fmt.Errorf("start %s in %q: %w", p.name, s.name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		p.killAll() // what it started and left
		close(p.done)
	}()
	s.mu.Lock()
	s.processes = append(s.processes, p)
	s.mu.Unlock()
	return p, nil
}

// PID returns the process's id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the process to end by itself and returns how it did: nil for
// exit status 0. When ctx ends first, the process is killed.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
	case <-ctx.Done():
		p.Kill()
		return fmt.Errorf("%s did not end by itself: %w", p.name, ctx.Err())
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", p.name, p.err)
	}
	return nil
}

// Signal sends a signal. A process that has ended is not an error.
func (p *Process) Signal(sig syscall.Signal) { _ = p.cmd.Process.Signal(sig) }

// Kill ends the process and all that it started at once, and waits until the
// process is gone.
func (p *Process) Kill() {
	p.killAll()
	<-p.done
}

// killAll kills the process's group, which has its id.
func (p *Process) killAll() { _ = syscall.Kill(-p.PID(), syscall.SIGKILL) }

// Input writes to the process's standard input.
func (p *Process) Input(text string) error {
	_, err := io.WriteString(p.stdin, text)
	return err
}

// Output returns what the process has written so far, both streams mixed.
func (p *Process) Output() string { return p.out.String() }

// output keeps the first outputMax octets that are written to it.
type output struct {
	mu   sync.Mutex
	kept []byte // Guarded by mu.
	more int    // Guarded by mu. Octets that found no room.
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := min(len(b), outputMax-len(o.kept))
	o.kept = append(o.kept, b[:n]...)
	o.more += len(b) - n
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.more > 0 {
		return fmt.Sprintf("%s\n… and %d octets more", o.kept, o.more)
	}
	return string(o.kept)
}
