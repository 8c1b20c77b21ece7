package turn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A Supervisor keeps the process that serves running.
type Supervisor struct {
	o     Options
	log   *slog.Logger
	hangs time.Duration // without a report: the process is ended
	done  chan struct{}

	mu     sync.Mutex
	status Status
	before Counts // of the processes that have ended
	fresh  func() // puts off the end of a process that reports nothing
}

// A Status is how the process that serves is.
type Status struct {
	Serving  bool      `json:"serving"`
	PID      int       `json:"pid,omitempty"`   // 0: there is none
	Since    time.Time `json:"since,omitzero"`  // when the process was started
	Restarts int       `json:"restarts"`        // processes that ended without being told to
	Error    string    `json:"error,omitempty"` // how the last one ended
	Counts   Counts    `json:"counts"`          // of all processes so far; what is now, of this one
}

// Ours: a crash costs clients a second at most, and a service that cannot
// start does not fill the log. A process that has not reported for 15 s hangs.
const (
	pauseLeast = 200 * time.Millisecond
	pauseMost  = 10 * time.Second
	steady     = time.Minute // of service that makes the next pause the least again
	endWithin  = 3 * time.Second
	hangs      = 15 * time.Second
)

// Supervise starts the process that serves and starts it again whenever it
// ends, until ctx ends. o has been checked.
func Supervise(ctx context.Context, o Options, log *slog.Logger) *Supervisor {
	return supervise(ctx, o, log, hangs)
}

func supervise(ctx context.Context, o Options, log *slog.Logger, hangs time.Duration) *Supervisor {
	s := &Supervisor{o: o, log: log, hangs: hangs, done: make(chan struct{}), fresh: func() {}}
	s.status.Counts = Counts{}.plus(Counts{})
	go s.run(ctx)
	return s
}

// Status returns how the process is, with counts that are a second old.
func (s *Supervisor) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

// Wait waits until the process has ended after ctx has.
func (s *Supervisor) Wait() { <-s.done }

func (s *Supervisor) run(ctx context.Context) {
	defer close(s.done)
	for pause := pauseLeast; ctx.Err() == nil; {
		began := time.Now()
		tail, err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		s.count(err)
		s.log.Error("the TURN process has ended and is started again", "error", err, "output", tail.String())
		if time.Since(began) > steady {
			pause = pauseLeast
		}
		wait(ctx, pause)
		pause = min(2*pause, pauseMost)
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

var errEnded = errors.New("it ended by itself")

// once runs one process from its start to its end.
func (s *Supervisor) once(ctx context.Context) (*tail, error) {
	said := &tail{}
	cmd, err := s.command(ctx)
	if err != nil {
		return said, err
	}
	cmd.Stdout = &lines{max: reportMax, line: s.report}
	cmd.Stderr = &lines{max: lineMax, line: said.add}
	in, err := cmd.StdinPipe()
	if err != nil {
		return said, err
	}
	cmd.Cancel = in.Close // the process ends when its input does
	if err := cmd.Start(); err != nil {
		return said, errors.Join(err, in.Close())
	}
	watch := time.AfterFunc(s.hangs, func() { cmd.Process.Kill() })
	defer watch.Stop()
	s.started(cmd.Process.Pid, func() { watch.Reset(s.hangs) })
	// Where this fails the process has ended, and says why.
	json.NewEncoder(in).Encode(s.o)
	err = cmd.Wait()
	s.ended()
	if err == nil {
		err = errEnded
	}
	return said, err
}

// command is the process to be started. Signals of a terminal do not reach it:
// its parent ends it.
func (s *Supervisor) command(ctx context.Context) (*exec.Cmd, error) {
	words := s.o.Program
	if len(words) == 0 {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("find this program: %w", err)
		}
		words = []string{self, "turn"}
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = endWithin
	return cmd, nil
}

func (s *Supervisor) started(pid int, fresh func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.PID, s.status.Since, s.fresh = pid, time.Now(), fresh
}

// report takes in one line of the process.
func (s *Supervisor) report(line []byte) {
	var r report
	if json.Unmarshal(line, &r) != nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fresh()
	s.status.Serving = true
	s.status.Counts = r.Counts.plus(s.before)
}

func (s *Supervisor) ended() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Serving, s.status.PID, s.fresh = false, 0, func() {}
	s.status.Counts.Allocations, s.status.Counts.Connections = 0, 0
	s.before = s.status.Counts
}

func (s *Supervisor) count(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status.Restarts++
	s.status.Error = err.Error()
}
