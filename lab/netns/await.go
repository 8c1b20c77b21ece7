package netns

import (
	"bufio"
	"context"
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
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

// Bound reports whether a UDP socket of the namespace is bound to an address
// and port: what to wait for before a program is sent anything.
func (s *Space) Bound(at netip.AddrPort) bool {
	bound, err := s.Sockets()
	return err == nil && slices.Contains(bound, at)
}

// Listens reports whether a TCP socket of the namespace takes connections at
// an address and port.
func (s *Space) Listens(at netip.AddrPort) bool {
	var found []netip.AddrPort
	err := s.Do(func() (err error) { found, err = sockets("tcp", listening); return err })
	return err == nil && slices.Contains(found, at)
}

// Sockets returns the addresses that UDP sockets of the namespace are bound
// to.
func (s *Space) Sockets() (bound []netip.AddrPort, err error) {
	err = s.Do(func() (err error) { bound, err = sockets("udp", ""); return err })
	return bound, err
}

// listening is TCP_LISTEN as proc_net(5) writes it.
const listening = "0A"

// sockets reads proc_net(5) of both families. state "": any.
func sockets(proto, state string) (all []netip.AddrPort, err error) {
	for _, name := range []string{proto, proto + "6"} {
		file, err := os.Open("/proc/thread-self/net/" + name)
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			fields := strings.Fields(lines.Text())
			if len(fields) < 4 || state != "" && fields[3] != state {
				continue
			}
			if at, ok := socketAddr(fields[1]); ok {
				all = append(all, at)
			}
		}
		file.Close()
		if err := lines.Err(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// socketAddr reads an address: words of 32 bits in the order of the machine's
// octets, and the port.
func socketAddr(text string) (netip.AddrPort, bool) {
	words, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(words)
	n, perr := strconv.ParseUint(port, 16, 16)
	if err != nil || perr != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false // the heading
	}
	for w := b; len(w) > 0; w = w[4:] {
		slices.Reverse(w[:4])
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr, uint16(n)), ok
}
