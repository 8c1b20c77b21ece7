package main

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
	relayCore = 0
	loadCore  = 1
)

// pinThread lets the calling thread, and what is started from it, run on one
// core only.
func pinThread(core int) error { return pin(0, core) }

func pin(thread, core int) error {
	var set unix.CPUSet
	set.Set(core)
	if err := unix.SchedSetaffinity(thread, &set); err != nil {
		return fmt.Errorf("pin to core %d: %w", core, err)
	}
	return nil
}

// pinProcess pins every thread of this process; those to come inherit it.
func pinProcess(core int) error {
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

// favour gives the process's autogroup the highest weight, so that what else
// the machine does disturbs a measurement less. The kernel weighs sessions
// against each other, not processes; on a kernel without autogroups there is
// nothing to do. It returns what undoes it.
func favour(process string) (undo func(), err error) {
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

// tick is the unit of /proc/PID/stat: USER_HZ is 100 on every Linux that Go
// runs on.
const tick = 10 * time.Millisecond

// cpuTime returns what all threads of a process have used so far, those that
// ended included.
func cpuTime(pid int) (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	// The second field is the name in parentheses and may hold blanks.
	s := string(b)
	fields := strings.Fields(s[strings.LastIndexByte(s, ')')+1:])
	const utime, stime = 11, 12 // fields 14 and 15, counted from the third
	if len(fields) <= stime {
		return 0, fmt.Errorf("CPU time: strange stat of process %d", pid)
	}
	var sum time.Duration
	for _, f := range fields[utime : stime+1] {
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, fmt.Errorf("CPU time: %w", err)
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
