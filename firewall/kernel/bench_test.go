package kernel

import (
	"testing"
	"time"
)

// BenchmarkBan is one ban, of 10,000 that hold.
func BenchmarkBan(b *testing.B) {
	for _, name := range named {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			k := w.open(name)
			for b.Loop() {
				for i := range 10000 {
					must(b, k.Ban(ban4(i), time.Hour))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10000, "ns/ban")
		})
	}
}

// BenchmarkDropped is one datagram of a banned source, from the call that sends
// it: without an engine it goes into a socket whose buffer is full.
func BenchmarkDropped(b *testing.B) {
	for _, name := range append([]string{"none"}, named...) {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			l, err := w.ours.ListenUDP(place(us4 + ":5060"))
			must(b, err)
			defer l.Close()
			if name != "none" {
				k := w.open(name)
				for i := range 10000 {
					must(b, k.Ban(ban4(i), time.Hour))
				}
				must(b, k.Ban(prefix("192.0.2.3/32"), time.Hour))
			}
			c := w.dial("192.0.2.3", us4+":5060")
			text := make([]byte, 400)
			for b.Loop() {
				_, err := c.Write(text)
				must(b, err)
			}
		})
	}
}
