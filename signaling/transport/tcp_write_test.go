package transport_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sbc/signaling/transport"
)

// What several goroutines send stays whole, and in order for each of them,
// while the far end reads by fits and starts.
func TestTCPOrder(t *testing.T) {
	const senders, each = 5, 2000
	n := open(t, transport.StreamOptions{Queue: 64 << 20})
	l, to := far(t, loopback)
	var wg sync.WaitGroup
	for s := range senders {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range each {
				if _, err := n.Send(n.Flow(to), 1, fmt.Appendf(nil, "%d %d %s\n", s, i, strings.Repeat("x", i%900))); err != nil {
					t.Errorf("sender %d, message %d: %v", s, i, err)
					return
				}
			}
		}()
	}
	c := accept(t, l)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	lines := bufio.NewScanner(fits{c, rand.New(rand.NewPCG(1, 2))})
	var have [senders]int
	for range senders * each {
		var s, i int
		var x string
		if !lines.Scan() {
			t.Fatalf("after %v: %v", have, lines.Err())
		}
		if k, _ := fmt.Sscan(lines.Text(), &s, &i, &x); k < 2 || i != have[s] || len(x) != i%900 {
			t.Fatalf("after %v came %q", have, lines.Text())
		}
		have[s]++
	}
	wg.Wait()
	until(t, func() bool { return n.Stats().Sent == senders*each })
	if s := n.Stats(); s.Dialled != 1 || s.Full != 0 || len(n.all("failed")) != 0 {
		t.Errorf("%+v", s)
	}
}

// fits reads a little at a time.
type fits struct {
	c   *net.TCPConn
	rnd *rand.Rand
}

func (f fits) Read(b []byte) (int, error) { return f.c.Read(b[:min(len(b), 1+f.rnd.IntN(5000))]) }

// A far end that does not read is cut; who sends to it waits for nothing, and
// hears of each message that was not written.
func TestTCPFarEndDoesNotRead(t *testing.T) {
	for name, c := range map[string]struct {
		opt transport.StreamOptions
		cut transport.Cut
	}{
		"slow": {transport.StreamOptions{Write: 100 * time.Millisecond}, transport.CutSlow},
		"full": {transport.StreamOptions{Write: time.Hour}, transport.CutFull},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, c.opt)
			l, to := far(t, loopback)
			took, full := 0, 0
			var longest time.Duration
			text := []byte(strings.Repeat("x", 1000))
			send := func() {
				begin := time.Now()
				_, err := n.Send(n.Flow(to), 1, text)
				longest = max(longest, time.Since(begin))
				switch {
				case err == nil:
					took++
				case errors.Is(err, transport.ErrFull):
					full++
				default:
					t.Fatal(err)
				}
			}
			send()
			accept(t, l)
			until(t, func() bool {
				for range 100 {
					if n.Stats().Cut[c.cut] == 0 {
						send()
					}
				}
				return n.Stats().Cut[c.cut] == 1
			})
			n.await("closed", 1)
			if longest > 10*time.Second {
				t.Errorf("a Send took %v", longest)
			}
			s := n.Stats()
			if full == 0 || s.Full != uint64(full) || int(s.Sent+s.Unsent) != took || len(n.all("failed")) != int(s.Unsent) || s.Unsent == 0 {
				t.Errorf("took %d, refused %d, %d reported: %+v", took, full, len(n.all("failed")), s)
			}
		})
	}
}

// What is queued when the far end is to be closed is written first.
func TestTCPCloseAfterQueue(t *testing.T) {
	n := open(t, transport.StreamOptions{Queue: 64 << 20, Close: 20 * time.Second})
	c := connect(t, n)
	write(t, c, request(1, 0))
	f := n.await("message", 1)[0].flow
	text := []byte(strings.Repeat("0123456789", 1<<20))
	if _, err := n.Send(f, 1, text); err != nil {
		t.Fatal(err)
	}
	n.CloseAfter(f)
	if got := ended(t, c); got != string(text) {
		t.Errorf("got %d octets, want %d", len(got), len(text))
	}
	c.Close()
	n.await("closed", 1)
	if len(n.all("failed")) != 0 {
		t.Error("reported as not written")
	}
}

// The memory for queues is bounded over all connections.
func TestTCPMemory(t *testing.T) {
	n := open(t, transport.StreamOptions{Memory: 10000, Connect: time.Hour})
	to := silentListener(t)
	for i, want := range []error{nil, nil, transport.ErrFull, nil, transport.ErrFull} {
		size := 4000
		if i == 3 {
			size = 2000
		}
		if _, err := n.Send(n.Flow(to), 1, make([]byte, size)); !errors.Is(err, want) {
			t.Errorf("send %d: %v, want %v", i, err, want)
		}
	}
	if held := transport.Held(n.TCP); held != 10000 {
		t.Errorf("%d octets held", held)
	}
	c := connect(t, n)
	write(t, c, request(1, 0)[:100])
	n.awaitCutOnly(transport.CutLimit)
	ended(t, c)
}

func (n *node) awaitCutOnly(c transport.Cut) {
	n.t.Helper()
	until(n.t, func() bool { return n.Stats().Cut[c] == 1 })
}
