// Package machine is what benchmarks ask of the machine: cores to themselves,
// and how much processor time and memory a process has used.
package machine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Who has which core.
const (
	SubjectCore = 0 // what is measured
	LoadCore    = 1 // what loads it
)

// PinThread lets the calling thread, and what is started from it, run on one
// core only.
func PinThread(core int) error { return pin(0, core) }

func pin(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	return nil
}

// PinProcess pins every thread of this process; those to come inherit it.
func PinProcess(core int) error {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	for _, t := range tasks {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return fmt.Errorf("pin to core %d: %w", core, err)
		}
		if err := pin(id, core); err != nil {
			return err
		}
	}
	return nil
}

// Favour gives the process's autogroup the highest weight, so that what else
// the machine does disturbs a measurement less. The kernel weighs sessions
// against each other, not processes; on a kernel without autogroups there is
// nothing to do. It returns what undoes it.
func Favour(process string) (undo func(), err error) {
	path := "/proc/" + process + "/autogroup"
	was, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return func() {}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("weight of process %s: %w", process, err)
	}
	// "/autogroup-7 nice 0"
	fields := strings.Fields(string(was))
	if len(fields) != 3 {
		return func() {}, nil
	}
	if err := os.WriteFile(path, []byte("-20"), 0); err != nil {
		return nil, fmt.Errorf("weight of process %s: %w", process, err)
	}
	return func() { _ = os.WriteFile(path, []byte(fields[2]), 0) }, nil
}

// CPUTime returns what all threads of a process have used so far, those that
// ended included.
func CPUTime(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3): the number of the process, inverted, and which
	// clock.
	const sched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|sched), &ts); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// PSS returns the proportional set size of a process, in octets: its memory,
// with what it shares divided among those that share it.
func PSS(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("memory: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Pss:" {
			kib, err := strconv.ParseInt(f[1], 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("memory: no Pss of process %d", pid)
}

// Family returns a process and all that it started, as /proc shows them.
func Family(pid int) ([]int, error) {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", all[i]))
		if err != nil {
			return nil, fmt.Errorf("processes of %d: %w", pid, err)
		}
		for _, t := range tasks {
			b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", all[i], t.Name()))
			for _, f := range strings.Fields(string(b)) {
				if n, err := strconv.Atoi(f); err == nil {
					all = append(all, n)
				}
			}
		}
	}
	return all, nil
}

// Sum adds up f over a process and all that it started.
func Sum[T int64 | time.Duration](pid int, f func(pid int) (T, error)) (sum T, err error) {
	family, err := Family(pid)
	if err != nil {
		return 0, err
	}
	for _, p := range family {
		n, err := f(p)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// A Goal is what a benchmark has to reach.
type Goal struct {
	Name, Got, Want string
	OK              bool
}

// String returns the line that a benchmark prints: ok, or short.
func (g Goal) String() string {
	word := "ok"
	if !g.OK {
		word = "short"
	}
	return fmt.Sprintf("goal %s got=%s want=%s %s", g.Name, g.Got, g.Want, word)
}

// RaiseFiles raises the limit of open files to the hard one, for us and for
// what we start.
func RaiseFiles() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	l.Cur = l.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return fmt.Errorf("limit of open files: %w", err)
	}
	return nil
}
