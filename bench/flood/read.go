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

// metrics is what the SBC says of itself, by name and labels.
type metrics map[string]float64

func readMetrics(s *netns.Space, at netip.AddrPort) (m metrics, err error) {
	err = s.Do(func() error {
		m, err = ask(at)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return m, nil
}

func ask(at netip.AddrPort) (metrics, error) {
	c, err := net.DialTimeout("tcp", at.String(), world.Patience)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(world.Patience))
	if _, err := fmt.Fprintf(c, "GET /metrics HTTP/1.0\r\nHost: %v\r\n\r\n", at); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	m := metrics{}
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

// refused returns what was refused before it was read, in the kernel or in the
// border.
func (m metrics) refused(where string) (n float64) {
	for name, v := range m {
		if strings.HasPrefix(name, "sbc_refused_packets_total{") && strings.Contains(name, `where="`+where+`"`) {
			n += v
		}
	}
	return n
}

// heap returns what is alive in the SBC's heap, in octets. Two collections are
// waited for, which come from what the questions themselves leave behind; the
// next begins when the heap has doubled, so what is alive is half of that.
func heap(s *netns.Space) (int64, error) {
	const cycles = "go_gc_duration_seconds_count"
	first := -1.0
	for late := time.Now().Add(world.Patience); time.Now().Before(late); {
		m, err := readMetrics(s, metricsAddr)
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

// memory is what a subject holds, in octets.
type memory struct {
	own  int64 // anonymous, and shared between its processes
	heap int64 // alive in the heap; 0: it has no collector
}

func (m memory) since(o memory) memory { return memory{m.own - o.own, m.heap - o.heap} }

func memoryOf(w *world.World, s subject, p *netns.Process) (m memory, err error) {
	if s.isOurs() {
		if m.heap, err = heap(w.Middle); err != nil {
			return m, err
		}
	}
	family, err := machine.Family(p.PID())
	if err != nil {
		return m, err
	}
	for _, pid := range family {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return m, fmt.Errorf("memory: %w", err)
		}
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) == 3 && (f[0] == "Pss_Anon:" || f[0] == "Pss_Shmem:") {
				kib, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					return m, fmt.Errorf("memory: %w", err)
				}
				m.own += kib << 10
			}
		}
	}
	return m, nil
}

// lost returns how many datagrams found no room in the UDP sockets of a
// namespace, as proc_net(5) has it in the last column.
func lost(s *netns.Space) (n int, err error) {
	err = s.Do(func() error {
		b, err := os.ReadFile("/proc/thread-self/net/udp")
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if drops, err := strconv.Atoi(f[len(f)-1]); err == nil {
				n += drops
			}
		}
		return nil
	})
	return n, err
}
