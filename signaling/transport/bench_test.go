package transport_test

import (
	"fmt"
	"testing"

	"sbc/signaling/transport"
)

// A message of 800 octets is sent and read on loopback; the figure is a
// message's share of both.
func BenchmarkLoopback(b *testing.B) {
	for _, size := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			from, to := listen(b, transport.Options{}), listen(b, transport.Options{})
			batch := transport.NewBatch(size)
			out := make([]transport.Datagram, size)
			for i := range out {
				out[i] = transport.Datagram{Dst: to.Local(), Bytes: make([]byte, 800)}
			}
			each := func(transport.Packet) {}
			b.ReportAllocs()
			for i := 0; i < b.N; i += size {
				if n, err := from.WriteBatch(out); n != size {
					b.Fatal(err)
				}
				read(b, to, batch, size, each)
			}
		})
	}
}
