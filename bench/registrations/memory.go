package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"

	"sbc/bench/machine"
	"sbc/bench/world"
	"sbc/lab/netns"
)

// memory is what processes hold, in octets.
type memory struct {
	own  int64 // anonymous, and shared between them
	file int64 // pages of files: programs, and the store's
	heap int64 // what the garbage collector last found alive; 0: there is none
}

func (m memory) since(o memory) memory {
	return memory{m.own - o.own, m.file - o.file, m.heap - o.heap}
}

// memoryOf asks the kernel for a process and all that it started.
func memoryOf(p *netns.Process) (m memory, err error) {
	family, err := machine.Family(p.PID())
	if err != nil {
		return m, err
	}
	for _, pid := range family {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return m, fmt.Errorf("memory: %w", err)
		}
		m.own += pss(b, "Pss_Anon:") + pss(b, "Pss_Shmem:")
		m.file += pss(b, "Pss_File:")
	}
	return m, nil
}

func pss(rollup []byte, name string) int64 {
	for line := range strings.Lines(string(rollup)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == name {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// heap returns what is alive in the heap of a Go program. Two collections are
// waited for, which come from what the questions themselves leave behind; the
// next begins when the heap has doubled, so what is alive is half of that.
func heap(s *netns.Space, at netip.AddrPort) (octets int64, err error) {
	var first float64
	for late := time.Now().Add(world.Patience); ; {
		var begins, cycles float64
		err := s.Do(func() error {
			begins, cycles, err = ask(at)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("heap: %w", err)
		}
		if first == 0 {
			first = cycles
		}
		if cycles >= first+2 {
			return int64(begins / 2), nil
		}
		if time.Now().After(late) {
			return 0, errors.New("heap: it is not collected")
		}
	}
}

// ask gets where the heap is collected next, and how often it has been.
func ask(at netip.AddrPort) (begins, cycles float64, err error) {
	c, err := net.DialTimeout("tcp", at.String(), world.Patience)
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(world.Patience))
	if _, err := fmt.Fprintf(c, "GET /metrics HTTP/1.0\r\nHost: %v\r\n\r\n", at); err != nil {
		return 0, 0, err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, 0, err
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "go_memstats_next_gc_bytes":
			begins, err = strconv.ParseFloat(value, 64)
		case "go_gc_duration_seconds_count":
			cycles, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return begins, cycles, lines.Err()
}
