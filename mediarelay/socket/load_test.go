package socket

import (
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// A packet through the whole engine, kernel included, allocates nothing.
func TestPacketsDoNotAllocate(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	p, b := rtp(1, 1), make([]byte, 2048)
	compound := []byte{
		0x80, 201, 0, 1, 0, 0, 0, 1,
		0x81, 202, 0, 3, 0, 0, 0, 1, 1, 4, 'n', 'a', 'm', 'e', 0, 0,
	}
	to, toRTCP := sockaddr(c.local(0).RTP()), sockaddr(c.local(0).RTCP())
	for what, through := range map[string]func() error{
		"RTP":  func() error { return c.rtp[0].through(to, p, c.rtp[1], b) },
		"RTCP": func() error { return c.rtcp[0].through(toRTCP, compound, c.rtcp[1], b) },
	} {
		if n := testing.AllocsPerRun(1000, func() {
			if err := through(); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations a packet", what, n)
		}
	}
}

// A flooded call has far ends that send as fast as the relay carries it, and
// take what comes. At most window packets are under way each way, so that the
// kernel's buffers never lose one.
type flooded struct {
	*call
	came     [2]atomic.Uint64 // datagrams that came to each far end
	stop     atomic.Bool
	senders  sync.WaitGroup
	deaf     atomic.Bool
	drainers sync.WaitGroup
}

// 100: a small datagram takes up to 1280 octets of a socket's buffer, which has
// 212,992 unless the system says otherwise.
const window = 100

func flood(t *testing.T, c *call) *flooded {
	f := &flooded{call: c}
	for side := range 2 {
		to := sockaddr(c.local(side).RTP())
		f.senders.Go(func() {
			for sent := uint64(0); !f.stop.Load(); {
				if sent > f.came[1-side].Load()+f.s.Stats()[side].Dropped()+window {
					runtime.Gosched()
					continue
				}
				if err := unix.Sendto(c.rtp[side].fd, rtp(uint16(sent), uint64(side)), 0, to); err != nil {
					t.Errorf("send: %v", err)
					return
				}
				sent++
			}
		})
		f.drainers.Go(func() {
			for !f.deaf.Load() {
				f.came[side].Add(uint64(c.rtp[side].waiting(t)))
				runtime.Gosched()
			}
			f.came[side].Add(uint64(c.rtp[side].waiting(t)))
		})
	}
	return f
}

// silence stops the senders, drained the readers.
func (f *flooded) silence() { f.stop.Store(true); f.senders.Wait() }
func (f *flooded) drained() { f.deaf.Store(true); f.drainers.Wait() }

// When Close returns, as many packets have come as the counters say, and no
// more come.
func TestCloseUnderLoad(t *testing.T) {
	e := newEngine(t, options(100), linux)
	for range 20 {
		f := flood(t, newCall(t, e, audio, [2]netip.Addr{phone, carrier}))
		until(t, "packets both ways", func() bool {
			x := f.s.Stats()
			return x[0].Forwarded > 50 && x[1].Forwarded > 50
		})
		last := f.s.Close()
		f.drained()
		if a, b := f.came[0].Load(), f.came[1].Load(); b != last[0].Forwarded || a != last[1].Forwarded {
			t.Errorf("forwarded %d and %d, but %d and %d came", last[0].Forwarded, last[1].Forwarded, b, a)
		}
		f.silence()
		if n := f.rtp[0].waiting(t) + f.rtp[1].waiting(t); n != 0 || f.s.Stats() != last {
			t.Errorf("%d packets came after the end", n)
		}
	}
}

// Offers and answers change the far ends while packets flow: each packet goes
// to one of those that were named, and the counters stay sums.
func TestSetUnderLoad(t *testing.T) {
	e := newEngine(t, options(4), linux)
	f := flood(t, newCall(t, e, audio, [2]netip.Addr{phone, carrier}))
	other := newEnd(t, carrier)
	moved, held := f.remote(1), f.remote(1)
	moved.RTP = other.addr
	held.Receives = false
	var elsewhere int
	for i := 0; i < 40 || f.s.Stats()[0].Drops[mediarelay.Held] == 0 || elsewhere == 0; i++ {
		f.s.Set(sideB, []mediarelay.Remote{f.remote(1), moved, held, {}}[i%4])
		before := f.s.Stats()[0].Packets
		until(t, "more packets", func() bool {
			n := other.waiting(t)
			elsewhere += n
			f.came[1].Add(uint64(n))
			return f.s.Stats()[0].Packets > before
		})
	}
	f.silence()
	last := f.s.Close()
	f.drained()
	if came := f.came[1].Load() + uint64(other.waiting(t)); came != last[0].Forwarded {
		t.Errorf("forwarded %d, but %d came", last[0].Forwarded, came)
	}
	x := last[0]
	if x.Packets != x.Forwarded+x.Drops[mediarelay.Held]+x.Drops[mediarelay.NoRemote]+x.Drops[mediarelay.SendFailed] {
		t.Errorf("%+v does not add up", x)
	}
	if last[1].Drops[mediarelay.WrongSource] == 0 {
		t.Error("the far end that was moved away was still heard")
	}
}

// Branches come and answers end them while packets flow: what plays is heard
// all the time, and gets what the caller sends.
func TestAddUnderLoad(t *testing.T) {
	e := newEngine(t, options(4), linux)
	f := flood(t, newCall(t, e, audio, [2]netip.Addr{phone, carrier}))
	silent := newEnd(t, carrier)
	branch := mediarelay.Remote{RTP: silent.addr, Sends: true, Receives: true}
	for i := range 60 {
		if err := f.s.Add(sideB, branch); err != nil {
			t.Fatal(err)
		}
		f.s.Set(sideA, f.remote(0))
		before := f.s.Stats()
		until(t, "more packets both ways", func() bool {
			x := f.s.Stats()
			return x[0].Forwarded > before[0].Forwarded && x[1].Forwarded > before[1].Forwarded
		})
		if i%3 == 2 {
			f.s.Set(sideB, f.remote(1))
		}
	}
	f.silence()
	last := f.s.Close()
	f.drained()
	strayed := uint64(silent.waiting(t))
	if came := f.came[1].Load() + strayed; came != last[0].Forwarded || f.came[0].Load() != last[1].Forwarded {
		t.Errorf("forwarded %d and %d, but %d and %d came", last[0].Forwarded, last[1].Forwarded, came, f.came[0].Load())
	}
	if last[1].Dropped() != 0 || strayed > last[0].Forwarded/2 {
		t.Errorf("%d went to the silent branch; %+v", strayed, last[1])
	}
}

// Streams come and go on few ports, with packets still under way to the ones
// before: what one caller sends never comes to another's callee.
func TestNoCrosstalk(t *testing.T) {
	o := options(3)
	o.Rest = 1 // nanosecond: the worst case
	e := newEngine(t, o, linux)
	var shards sync.WaitGroup
	for shard := range uint64(3) {
		from, to := newEnd(t, phone), newEnd(t, carrier)
		shards.Go(func() {
			for i := range 200 {
				s, err := e.Open(audio)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				s.Set(sideA, mediarelay.Remote{RTP: from.addr, Sends: true, Receives: true})
				s.Set(sideB, mediarelay.Remote{RTP: to.addr, Sends: true, Receives: true})
				for seq := range uint16(5) {
					if err := unix.Sendto(from.fd, rtp(seq, shard), 0, sockaddr(s.Local(sideA).RTP())); err != nil {
						t.Errorf("send: %v", err)
					}
				}
				if i%2 == 0 {
					b, _, err := to.read(0)
					if err != nil || id(b) != shard {
						t.Errorf("shard %d: %v, or a packet of another", shard, err)
					}
				}
				s.Close()
			}
			for {
				b, _, err := to.read(unix.MSG_DONTWAIT)
				if err != nil {
					return
				}
				if id(b) != shard {
					t.Errorf("shard %d got a packet of %d", shard, id(b))
				}
			}
		})
	}
	shards.Wait()
}

// BenchmarkRelay is a packet from far end to far end, one at a time.
func BenchmarkRelay(b *testing.B) {
	e := newEngine(b, options(4), linux)
	c := newCall(b, e, audio, [2]netip.Addr{phone, carrier})
	p, buf := rtp(1, 1), make([]byte, 2048)
	to := sockaddr(c.local(0).RTP())
	b.ReportAllocs()
	for b.Loop() {
		if err := c.rtp[0].through(to, p, c.rtp[1], buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenClose is what a call costs the shard.
func BenchmarkOpenClose(b *testing.B) {
	o := options(1000)
	o.Rest = time.Nanosecond
	e := newEngine(b, o, linux)
	b.ReportAllocs()
	for b.Loop() {
		openStream(b, e, audio).Close()
	}
}
