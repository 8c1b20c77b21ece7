package demo

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// A child is the border as a process beside us, on loopback. It dies with us,
// however we die.
type child struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
	err  error         // set before done is closed
	out  output
}

func startChild(program string, args []string) (*child, error) {
	c := &child{cmd: exec.Command(program, args...), done: make(chan struct{})}
	c.cmd.Stdout, c.cmd.Stderr = &c.out, &c.out
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go c.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start the border: %w", err)
	}
	return c, nil
}

// run starts the process and waits for it, on one thread: the end of that
// thread is what PR_SET_PDEATHSIG is about.
func (c *child) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := c.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	c.err = c.cmd.Wait()
	close(c.done)
}

func (c *child) Output() string            { return c.out.String() }
func (c *child) Done() <-chan struct{}     { return c.done }
func (c *child) Signal(sig syscall.Signal) { _ = c.cmd.Process.Signal(sig) }

// Kill ends the process at once and waits until it is gone.
func (c *child) Kill() {
	_ = c.cmd.Process.Kill()
	<-c.done
}

// Wait waits for the process to end by itself and returns how it did.
func (c *child) Wait(ctx context.Context) error {
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		c.Kill()
		return ctx.Err()
	}
}

// Ours: enough to read what went wrong.
const outputMax = 1 << 20

// output keeps the first outputMax octets that are written to it.
type output struct {
	mu   sync.Mutex
	kept []byte // Guarded by mu.
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.kept = append(o.kept, b[:min(len(b), outputMax-len(o.kept))]...)
	return len(b), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.kept)
}
