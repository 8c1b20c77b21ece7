package resolve_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// A dnsServer answers A and AAAA over UDP on loopback, as RFC 1035 section 4
// has it, and can be told to lie, to hang and to be down.
type dnsServer struct {
	conn *net.UDPConn
	done chan struct{}

	mu    sync.Mutex
	names map[string][]netip.Addr // Guarded by mu. Without the last dot; missing: NXDOMAIN.
	mode  dnsMode                 // Guarded by mu.
	asked map[string]int          // Guarded by mu.
}

type dnsMode int

const (
	answers dnsMode = iota
	hangs           // no answer
	fails           // SERVFAIL
	halves          // SERVFAIL for AAAA, as old name servers have it
	forges          // answers with the wrong id
	babbles         // answers with octets that are no DNS
)

func newDNS(t *testing.T, names map[string][]netip.Addr) *dnsServer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s := &dnsServer{conn: conn, done: make(chan struct{}), names: names, asked: map[string]int{}}
	go s.serve()
	t.Cleanup(func() { conn.Close(); <-s.done })
	return s
}

func (s *dnsServer) serve() {
	defer close(s.done)
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if out := s.answer(buf[:n]); out != nil {
			s.conn.WriteToUDPAddrPort(out, from)
		}
	}
}

func (s *dnsServer) answer(q []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	name, at := question(q)
	s.asked[name]++
	addrs, exists := s.names[name]
	out := append([]byte(nil), q[:at]...)
	out[2], out[3] = 0x81, 0x80 // a response, recursion available
	clear(out[6:12])            // no records
	switch {
	case s.mode == hangs:
		return nil
	case s.mode == babbles:
		return []byte("SIP/2.0 200 OK\r\n\r\n")
	case s.mode == forges:
		out[0]++
	case s.mode == fails, s.mode == halves && binary.BigEndian.Uint16(q[at-4:]) == typeAAAA:
		out[3] |= 2
	case !exists:
		out[3] |= 3
	default:
		return records(out, binary.BigEndian.Uint16(q[at-4:]), addrs)
	}
	return out
}

// question returns the name that is asked for and where the question ends.
func question(q []byte) (name string, end int) {
	var labels []string
	at := 12
	for q[at] != 0 {
		labels = append(labels, string(q[at+1:at+1+int(q[at])]))
		at += 1 + int(q[at])
	}
	return strings.Join(labels, "."), at + 5
}

const typeA, typeAAAA = 1, 28 // RFC 1035 section 3.2.2, RFC 3596 section 2.1

func records(out []byte, kind uint16, addrs []netip.Addr) []byte {
	for _, a := range addrs {
		if a.Is4() != (kind == typeA) || kind != typeA && kind != typeAAAA {
			continue
		}
		out[7]++
		out = append(out, 0xc0, 12, 0, byte(kind), 0, 1, 0, 0, 0, 60, 0, byte(a.BitLen()/8))
		out = append(out, a.AsSlice()...)
	}
	return out
}

func (s *dnsServer) set(mode dnsMode, name string, addrs ...netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mode = mode
	if name != "" {
		s.names[name] = addrs
	}
}

func (s *dnsServer) askedFor(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[name]
}

// dial reaches s, whatever name server is asked for.
func (s *dnsServer) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "udp4", s.conn.LocalAddr().String())
}

// awaitAsked waits until the name was asked for n times in all.
func (s *dnsServer) awaitAsked(t *testing.T, name string, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); s.askedFor(name) < n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s was asked for %d times, want %d", name, s.askedFor(name), n)
		}
	}
}
