package netns

import (
	"bufio"
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"
)

// Await asks cond again and again until it is true or ctx ends.
func Await(ctx context.Context, cond func() bool) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// Bound reports whether a UDP socket of the namespace is bound to an IPv4
// address and port: what to wait for before a program is sent anything.
func (s *Space) Bound(at netip.AddrPort) bool {
	found := false
	err := s.Do(func() (err error) {
		bound, err := boundUDP()
		found = slices.Contains(bound, at)
		return err
	})
	return err == nil && found
}

// Sockets returns the addresses that UDP sockets of the namespace are bound
// to, over IPv4.
func (s *Space) Sockets() (bound []netip.AddrPort, err error) {
	err = s.Do(func() (err error) { bound, err = boundUDP(); return err })
	return bound, err
}

// boundUDP reads proc_net(5), which prints an address as a number in the
// order of the machine's octets.
func boundUDP() ([]netip.AddrPort, error) {
	file, err := os.Open("/proc/thread-self/net/udp")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var bound []netip.AddrPort
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 2 {
			continue
		}
		var addr uint32
		var port uint16
		if _, err := fmt.Sscanf(fields[1], "%08X:%04X", &addr, &port); err != nil {
			continue // the heading
		}
		ip := [4]byte{byte(addr), byte(addr >> 8), byte(addr >> 16), byte(addr >> 24)}
		bound = append(bound, netip.AddrPortFrom(netip.AddrFrom4(ip), port))
	}
	return bound, lines.Err()
}
