//go:build !race

package transport_test

import (
	"net/netip"
	"testing"

	"sbc/signaling/transport"
)

// The race detector empties pools: this runs without it.
func TestNothingIsAllocatedPerMessage(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		addr := netip.MustParseAddrPort(at)
		a, b := listen(t, transport.Options{Addr: addr}), listen(t, transport.Options{Addr: addr})
		batch := transport.NewBatch(0)
		out := make([]transport.Datagram, 40)
		for i := range out {
			out[i] = transport.Datagram{Dst: b.Local(), Bytes: make([]byte, 800)}
		}
		each := func(transport.Packet) {}
		if n := testing.AllocsPerRun(200, func() {
			a.WriteBatch(out)
			read(t, b, batch, len(out), each)
		}); n != 0 {
			t.Errorf("%s: %v allocations for %d datagrams, want 0", at, n, len(out))
		}
	}
}
