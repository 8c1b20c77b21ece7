//go:build !race

package transport_test

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// What an idle connection keeps, the far end's own Go objects and all: those
// of crypto/tls are at both ends.
func TestLayersIdleMemory(t *testing.T) {
	a := newAuthority(t, "ours")
	certs := load(t, a.issue(dns("localhost")))
	for name, c := range map[string]struct {
		opt  transport.StreamOptions
		most int64
	}{
		"TLS": {transport.StreamOptions{TLS: &transport.TLS{Certificates: certs}}, 40 << 10},
		"WS":  {transport.StreamOptions{WebSocket: &transport.WebSocket{}}, 16 << 10},
	} {
		t.Run(name, func(t *testing.T) {
			const count = 500
			o := c.opt
			o.PerSource, o.HandshakesPerSource = count, count
			o.Handler.Message = func(transport.Flow, *sip.Message, error) {}
			n := open(t, o)
			conns := make([]net.Conn, count)
			before := inUse()
			for i := range conns {
				if name == "TLS" {
					conns[i] = mustTLS(t, n, client(a))
					write(t, conns[i], request(1, 0))
				} else {
					conns[i] = turn(t, connect(t, n))
					write(t, conns[i], frame(text_, request(1, 0)))
				}
			}
			until(t, func() bool { return n.Stats().Received == count })
			each := (inUse() - before) / count
			t.Logf("an idle connection keeps %d octets, at both ends together", each)
			if each > c.most {
				t.Errorf("more than %d", c.most)
			}
		})
	}
}

// To send a message costs nothing while the kernel has room.
func TestLayersAllocations(t *testing.T) {
	layered(t, transport.StreamOptions{}, func(t *testing.T, n *node, c net.Conn, f transport.Flow) {
		raw := c
		if p, ok := raw.(*page); ok {
			raw = p.Conn
		}
		if s, ok := raw.(*tls.Conn); ok {
			raw = s.NetConn()
		}
		text := []byte(request(1, 600))
		drained := make([]byte, 64<<10)
		if a := testing.AllocsPerRun(200, func() {
			if _, err := n.Send(f, 1, text); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadAtLeast(raw, drained, len(text)); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%v allocations a Send, want 0", a)
		}
	})
}
