package main

import (
	"os"
	"strconv"
	"strings"

	"sbc/bench/world"
	"sbc/lab/netns"
)

// refused returns what was refused before it was read, in the kernel or in the
// border.
func refused(m world.Metrics, where string) (n float64) {
	for name, v := range m {
		if strings.HasPrefix(name, "sbc_refused_packets_total{") && strings.Contains(name, `where="`+where+`"`) {
			n += v
		}
	}
	return n
}

// memoryOf returns what a subject holds.
func memoryOf(w *world.World, s subject, p *netns.Process) (m world.Memory, err error) {
	var heap int64
	if s.isOurs() {
		if heap, err = world.Heap(w.Middle, metricsAddr); err != nil {
			return m, err
		}
	}
	m, err = world.MemoryOf(p)
	m.Heap = heap
	return m, err
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
