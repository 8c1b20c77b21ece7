package transport_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"

	"go.uber.org/goleak"

	"sbc/signaling/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var loopback = netip.MustParseAddrPort("127.0.0.1:0")

func listen(t testing.TB, o transport.Options) *transport.UDP {
	t.Helper()
	if !o.Addr.IsValid() {
		o.Addr = loopback
	}
	u, err := transport.ListenUDP(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return u
}

// read reads n datagrams and hands each on as it comes: its bytes are good
// only until the next batch.
func read(t testing.TB, u *transport.UDP, b *transport.Batch, n int, each func(transport.Packet)) {
	t.Helper()
	for got := 0; got < n; {
		k, err := u.ReadBatch(b)
		if err != nil {
			t.Fatal(err)
		}
		if k != len(b.Packets) || k == 0 {
			t.Fatalf("ReadBatch says %d and gives %d packets", k, len(b.Packets))
		}
		for _, p := range b.Packets {
			each(p)
		}
		got += k
	}
}

func TestDatagramsArriveWholeAndInOrder(t *testing.T) {
	for _, at := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(at, func(t *testing.T) {
			addr := netip.MustParseAddrPort(at)
			a, b := listen(t, transport.Options{Addr: addr}), listen(t, transport.Options{Addr: addr})
			sizes := []int{0, 1, 2, 4, 1300, 4095, 4096, 4097, 8192, 30000, 65000, 65507, 3}
			var out []transport.Datagram
			for i, n := range sizes {
				out = append(out, transport.Datagram{Dst: b.Local(), Bytes: bytes.Repeat([]byte{byte('a' + i)}, n), Err: net.ErrClosed})
			}
			if n, err := a.WriteBatch(out); n != len(out) || err != nil {
				t.Fatalf("sent %d of %d: %v", n, len(out), err)
			}
			i := 0
			read(t, b, transport.NewBatch(4), len(sizes), func(p transport.Packet) {
				if p.Src != a.Local() || !bytes.Equal(p.Bytes, out[i].Bytes) {
					t.Errorf("datagram %d: %d octets from %v, want %d from %v", i, len(p.Bytes), p.Src, sizes[i], a.Local())
				}
				if out[i].Err != nil {
					t.Errorf("datagram %d: %v", i, out[i].Err)
				}
				i++
			})
			if s := a.Stats(); s.Sent != uint64(len(out)) || s.Full+s.Refused != 0 {
				t.Errorf("sender: %+v", s)
			}
			if s := b.Stats(); s.Received != uint64(len(out)) || s.Truncated+s.Overflowed != 0 {
				t.Errorf("receiver: %+v", s)
			}
		})
	}
}

// A packet may be appended to or cut without harm to its neighbours.
func TestPacketsDoNotShareCapacity(t *testing.T) {
	a, b := listen(t, transport.Options{}), listen(t, transport.Options{})
	a.WriteBatch([]transport.Datagram{{Dst: b.Local(), Bytes: []byte("one")}})
	read(t, b, transport.NewBatch(0), 1, func(p transport.Packet) {
		if cap(p.Bytes) != len(p.Bytes) {
			t.Errorf("capacity %d, length %d", cap(p.Bytes), len(p.Bytes))
		}
	})
}

func TestCloseWakesTheReader(t *testing.T) {
	u := listen(t, transport.Options{})
	result := make(chan error)
	go func() {
		_, err := u.ReadBatch(transport.NewBatch(0))
		result <- err
	}()
	u.Close()
	if err := <-result; err != net.ErrClosed {
		t.Errorf("the reader that waits: got %v, want net.ErrClosed", err)
	}
	if _, err := u.ReadBatch(transport.NewBatch(0)); err != net.ErrClosed {
		t.Errorf("a later ReadBatch: got %v, want net.ErrClosed", err)
	}
	out := []transport.Datagram{{Dst: u.Local(), Bytes: []byte("x")}}
	if n, err := u.WriteBatch(out); n != 0 || err != net.ErrClosed || out[0].Err != net.ErrClosed {
		t.Errorf("WriteBatch: got %d, %v, %v", n, err, out[0].Err)
	}
	if s := u.Stats(); s.Overflowed != 0 {
		t.Errorf("Stats: %+v", s)
	}
}

// One datagram that cannot be sent does not keep the others back.
func TestEachDatagramHasItsOwnError(t *testing.T) {
	a, b := listen(t, transport.Options{}), listen(t, transport.Options{})
	cases := []struct {
		name string
		dst  netip.AddrPort
		size int
		want error
	}{
		{"first", b.Local(), 10, nil},
		{"other family", netip.MustParseAddrPort("[::1]:5060"), 10, syscall.EAFNOSUPPORT},
		{"no address", netip.AddrPort{}, 10, syscall.EAFNOSUPPORT},
		{"mapped", netip.AddrPortFrom(netip.AddrFrom16(b.Local().Addr().As16()), b.Local().Port()), 10, nil},
		{"port 0", netip.AddrPortFrom(b.Local().Addr(), 0), 10, syscall.EINVAL},
		{"too long", b.Local(), 65508, syscall.EMSGSIZE},
		{"broadcast", netip.MustParseAddrPort("255.255.255.255:5060"), 10, syscall.EACCES},
		{"off loopback", netip.MustParseAddrPort("192.0.2.1:5060"), 10, syscall.EINVAL},
		{"last", b.Local(), 10, nil},
	}
	var out []transport.Datagram
	want := 0
	for _, c := range cases {
		out = append(out, transport.Datagram{Dst: c.dst, Bytes: make([]byte, c.size)})
		if c.want == nil {
			want++
		}
	}
	sent, err := a.WriteBatch(out)
	if sent != want || !errors.Is(err, syscall.EAFNOSUPPORT) {
		t.Errorf("got %d, %v; want %d and the first error", sent, err, want)
	}
	for i, c := range cases {
		if !errors.Is(out[i].Err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, out[i].Err, c.want)
		}
	}
	read(t, b, transport.NewBatch(0), want, func(transport.Packet) {})
	if s := a.Stats(); s.Sent != uint64(want) || s.Refused != uint64(len(cases)-want) {
		t.Errorf("%+v", s)
	}
}

// Several shards write to one listener while it is read.
func TestManyWriters(t *testing.T) {
	const writers, batches, size = 8, 25, 40 // 40: more than one system call takes
	a, b := listen(t, transport.Options{}), listen(t, transport.Options{})
	var done sync.WaitGroup
	for w := range writers {
		done.Go(func() {
			for i := range batches {
				var out []transport.Datagram
				for k := range size {
					out = append(out, transport.Datagram{Dst: b.Local(), Bytes: fmt.Appendf(nil, "%d %d", w, i*size+k)})
				}
				if n, err := a.WriteBatch(out); n != size || err != nil {
					t.Errorf("sent %d: %v", n, err)
				}
			}
		})
	}
	next := [writers]int{}
	read(t, b, transport.NewBatch(0), writers*batches*size, func(p transport.Packet) {
		var w, i int
		if _, err := fmt.Sscanf(string(p.Bytes), "%d %d", &w, &i); err != nil || next[w] != i {
			t.Fatalf("got %q, want number %d", p.Bytes, next[w])
		}
		next[w]++
	})
	done.Wait()
}

func TestOverflowIsCounted(t *testing.T) {
	a, b := listen(t, transport.Options{}), listen(t, transport.Options{ReceiveBuffer: 4096})
	out := make([]transport.Datagram, 100)
	for i := range out {
		out[i] = transport.Datagram{Dst: b.Local(), Bytes: make([]byte, 1000)}
	}
	a.WriteBatch(out)
	if s := b.Stats(); s.Overflowed == 0 || s.Overflowed >= uint64(len(out)) {
		t.Errorf("%+v: want some of %d dropped by the kernel", s, len(out))
	}
	if got := b.ReceiveBuffer(); got != 4096 {
		t.Errorf("receive buffer %d, want 4096", got)
	}
}

// A far end that is not there does not disturb: its ICMP errors are not asked
// for, so that a forged one has no effect.
func TestPortUnreachableIsNoError(t *testing.T) {
	a, b := listen(t, transport.Options{}), listen(t, transport.Options{})
	gone := b.Local()
	b.Close()
	c := listen(t, transport.Options{})
	for range 3 {
		out := []transport.Datagram{{Dst: gone, Bytes: []byte("x")}, {Dst: c.Local(), Bytes: []byte("y")}}
		if n, err := a.WriteBatch(out); n != 2 || err != nil {
			t.Fatalf("sent %d: %v", n, err)
		}
	}
	c.WriteBatch([]transport.Datagram{{Dst: a.Local(), Bytes: []byte("z")}})
	read(t, a, transport.NewBatch(0), 1, func(p transport.Packet) {
		if p.Src != c.Local() {
			t.Errorf("from %v", p.Src)
		}
	})
}

func TestFlow(t *testing.T) {
	a, b := listen(t, transport.Options{ID: 3, Realm: "outside"}), listen(t, transport.Options{ID: 4})
	remote := netip.MustParseAddrPort("192.0.2.1:5060")
	if a.ID() != 3 || a.Realm() != "outside" || a.Flow(remote) != (transport.Flow{Listener: 3, Remote: remote}) {
		t.Errorf("got %d, %q, %v", a.ID(), a.Realm(), a.Flow(remote))
	}
	if a.Flow(remote) == b.Flow(remote) {
		t.Error("flows of two listeners are equal")
	}
	if got := a.Flow(remote).String(); got != "3>192.0.2.1:5060" {
		t.Errorf("got %q", got)
	}
}
