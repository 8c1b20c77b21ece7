package transport_test

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// Two nodes send to each other while their connections are closed by both, and
// then one ends. Each message is written, refused or reported, and no
// connection's end is told twice.
func TestTCPAmongClosings(t *testing.T) {
	var nodes [2]*transport.TCP
	var reported [2]atomic.Int64
	var received, ends atomic.Int64
	var stop atomic.Bool
	var newest [2]atomic.Uint64 // number of a connection that brought a message
	var mu sync.Mutex
	closed := map[transport.Flow]int{}
	for i := range nodes {
		o := transport.StreamOptions{ID: transport.ListenerID(i), Addr: loopback}
		o.Handler = transport.Handler{
			Message: func(f transport.Flow, m *sip.Message, err error) {
				if err != nil {
					t.Errorf("%v in %q", err, m.Raw)
				}
				newest[i].Store(f.Conn)
				if received.Add(1)%40 == 0 {
					nodes[i].CloseAfter(f)
				}
			},
			Closed: func(f transport.Flow) { mu.Lock(); closed[f]++; mu.Unlock(); ends.Add(1) },
			Failed: func(transport.Flow, uint64) { reported[i].Add(1) },
		}
		var err error
		if nodes[i], err = transport.ListenTCP(o); err != nil {
			t.Fatal(err)
		}
		defer nodes[i].Close()
	}
	var wg sync.WaitGroup
	var took [2]atomic.Int64
	for s := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			rnd := rand.New(rand.NewPCG(uint64(s), 1))
			from, to := nodes[s%2], nodes[1-s%2]
			for i := 0; !stop.Load(); i++ {
				f := from.Flow(to.Local())
				if rnd.IntN(2) == 0 {
					f.Conn = newest[s%2].Load()
				}
				switch _, err := from.Send(f, 1, []byte(request(i, rnd.IntN(3000)))); {
				case err == nil:
					took[s%2].Add(1)
				case !errors.Is(err, transport.ErrFull) && !errors.Is(err, net.ErrClosed):
					t.Error(err)
				}
				if rnd.IntN(20) == 0 {
					from.CloseAfter(transport.Flow{Conn: newest[s%2].Load()})
				}
			}
		}()
	}
	until(t, func() bool { return ends.Load() >= 60 })
	nodes[1].Close() // while the senders go on
	stop.Store(true)
	wg.Wait()
	for i, n := range nodes {
		n.Close()
		s := n.Stats()
		if int64(s.Sent+s.Unsent) != took[i].Load() || int64(s.Unsent) != reported[i].Load() {
			t.Errorf("took %d, reported %d: %+v", took[i].Load(), reported[i].Load(), s)
		}
		if s.Open != 0 || transport.Tables(n) != 0 || transport.Held(n) != 0 {
			t.Errorf("left behind: %+v, %d entries, %d octets", s, transport.Tables(n), transport.Held(n))
		}
	}
	for f, times := range closed {
		if times != 1 {
			t.Errorf("the end of %v was told %d times", f, times)
		}
	}
}
