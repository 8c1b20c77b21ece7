package transport_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sbc/lab/netns"
	"sbc/signaling/transport"
)

const etherOctets = 14

// hop returns the TTL or hop limit and the flow label of a frame that carries
// TCP from an address.
func hop(frame []byte, from netip.Addr) (limit byte, label uint32, ok bool) {
	if len(frame) < etherOctets+40 {
		return 0, 0, false
	}
	ip := frame[etherOctets:]
	if from.Is4() {
		return ip[8], 0, ip[0] == 0x45 && ip[9] == unix.IPPROTO_TCP && netip.AddrFrom4([4]byte(ip[12:])) == from
	}
	return ip[7], binary.BigEndian.Uint32(ip) & 0xfffff, ip[0]>>4 == 6 && ip[6] == unix.IPPROTO_TCP && netip.AddrFrom16([16]byte(ip[8:])) == from
}

// What a far end sees of us: TTL or hop limit 64 and flow label 0, from the
// first segment of a connection to the last.
func TestTCPOnTheWire(t *testing.T) {
	for _, c := range []struct{ near, far string }{{"192.0.2.1/24", "192.0.2.2/24"}, {"2001:db8::1/64", "2001:db8::2/64"}} {
		t.Run(c.near, func(t *testing.T) {
			near, far := joined(t, netip.MustParsePrefix(c.near), netip.MustParsePrefix(c.far))
			local := netip.AddrPortFrom(netip.MustParsePrefix(c.near).Addr(), 5060)
			var n *node
			if err := near.Do(func() error { n = open(t, transport.StreamOptions{Addr: local}); return nil }); err != nil {
				t.Fatal(err)
			}
			capture, err := far.Capture("eth0")
			if err != nil {
				t.Fatal(err)
			}
			defer capture.Close()
			var conn *net.TCPConn
			if err := far.Do(func() error { conn = connect(t, n); return nil }); err != nil {
				t.Fatal(err)
			}
			write(t, conn, request(1, 0))
			f := n.await("message", 1)[0].flow
			if _, err := n.Send(f, 1, []byte("response")); err != nil {
				t.Fatal(err)
			}
			n.CloseAfter(f)
			conn.SetReadDeadline(time.Now().Add(20 * time.Second))
			if got, err := io.ReadAll(conn); err != nil || string(got) != "response" {
				t.Fatalf("got %q, %v", got, err)
			}
			conn.Close()
			n.await("closed", 1)
			until(t, func() bool {
				segments := 0
				for _, frame := range capture.Frames() {
					limit, label, ok := hop(frame.Bytes, local.Addr())
					if !ok {
						continue
					}
					if segments++; limit != 64 || label != 0 {
						t.Fatalf("segment %d: limit %d, label %#x", segments, limit, label)
					}
				}
				return segments >= 4 // SYN, ACK, response, FIN
			})
		})
	}
}

// joined is two namespaces with a cable between them.
func joined(t *testing.T, near, far netip.Prefix) (a, b *netns.Space) {
	t.Helper()
	netns.Require(t, "root")
	var spaces [2]*netns.Space
	for i, name := range []string{"near", "far"} {
		s, err := netns.New(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		spaces[i] = s
	}
	if err := netns.Join(netns.End{Space: spaces[0], Interface: "eth0", Addr: near}, netns.End{Space: spaces[1], Interface: "eth0", Addr: far}); err != nil {
		t.Fatal(err)
	}
	return spaces[0], spaces[1]
}
