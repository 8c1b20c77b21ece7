package world

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
	"sbc/lab/netns"
)

// Metrics is what a program says of itself, by name and labels.
type Metrics map[string]float64

// ReadMetrics asks a program in a namespace.
func ReadMetrics(s *netns.Space, at netip.AddrPort) (m Metrics, err error) {
	err = s.Do(func() error {
		m, err = ask(at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

func ask(at netip.AddrPort) (Metrics, error) {
	c, err := net.DialTimeout("tcp", at.String(), Patience)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(Patience))
	if _, err := fmt.Fprintf(c, "GET /metrics HTTP/1.0\r\nHost: %v\r\n\r\n", at); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	m := Metrics{}
	lines := bufio.NewScanner(r.Body)
	for lines.Scan() {
		if i := strings.LastIndexByte(lines.Text(), ' '); i > 0 && lines.Text()[0] != '#' {
			if m[lines.Text()[:i]], err = strconv.ParseFloat(lines.Text()[i+1:], 64); err != nil {
				return nil, err
			}
		}
	}
	return m, lines.Err()
}

// Heap returns what is alive in the heap of a Go program, in octets. Two collections
// are waited for, which come from what the questions themselves leave behind; the
// next begins when the heap has doubled, so what is alive is half of that.
func Heap(s *netns.Space, at netip.AddrPort) (int64, error) {
	const cycles = "go_gc_duration_seconds_count"
	first := -1.0
	for late := time.Now().Add(Patience); time.Now().Before(late); {
		m, err := ReadMetrics(s, at)
		if err != nil {
			return 0, err
		}
		if first < 0 {
			first = m[cycles]
		}
		if m[cycles] >= first+2 {
			return int64(m["go_memstats_next_gc_bytes"] / 2), nil
		}
	}
	return 0, errors.New("heap: it is not collected")
}

// Memory is what processes hold, in octets.
type Memory struct {
	Own  int64 // anonymous, and shared between them
	File int64 // pages of files: programs, and the store's
	Heap int64 // alive in the heap; 0: there is no collector
}

// Since is what has come since o.
func (m Memory) Since(o Memory) Memory {
	return Memory{m.Own - o.Own, m.File - o.File, m.Heap - o.Heap}
}

// MemoryOf asks the kernel for a process and all that it started. Of its heap it
// says nothing.
func MemoryOf(p *netns.Process) (m Memory, err error) {
	family, err := machine.Family(p.PID())
	if err != nil {
		return m, err
	}
	for _, pid := range family {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return m, fmt.Errorf("memory: %w", err)
		}
		m.Own += pss(b, "Pss_Anon:") + pss(b, "Pss_Shmem:")
		m.File += pss(b, "Pss_File:")
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
