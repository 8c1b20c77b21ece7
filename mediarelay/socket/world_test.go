package socket

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

var (
	inside  = netip.MustParseAddr("127.0.0.2") // ours
	outside = netip.MustParseAddr("127.0.0.3") // ours
	phone   = netip.MustParseAddr("127.0.0.12")
	carrier = netip.MustParseAddr("127.0.0.13")
)

// options are two realms with a pool of so many pairs.
func options(pairs uint16) Options {
	return Options{Options: mediarelay.Options{Realms: []mediarelay.RealmPool{
		{Name: "inside", Addr: inside, First: 21000, Last: 21000 + 2*pairs - 1},
		{Name: "outside", Addr: outside, First: 31000, Last: 31000 + 2*pairs - 1},
	}}}
}

// newEngine returns an engine that is closed at the end of the test, and
// checks then that no descriptor is left.
func newEngine(t testing.TB, o Options, k kernel) *Engine {
	t.Helper()
	before := descriptors(t)
	e, err := start(o, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		if after := descriptors(t); after != before {
			t.Errorf("%d descriptors before, %d after", before, after)
		}
		for _, u := range e.Ports() {
			if u.InUse != 0 {
				t.Errorf("after the end: %+v", u)
			}
		}
	})
	return e
}

func descriptors(t testing.TB) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

var audio = mediarelay.Open{Realm: [2]int{0, 1}}

func openStream(t testing.TB, e *Engine, o mediarelay.Open) mediarelay.Stream {
	t.Helper()
	s, err := e.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// An end is one port of a far end. It does not use package net, so that it
// costs no allocation.
type end struct {
	fd   int
	addr netip.AddrPort
}

func newEnd(t testing.TB, a netip.Addr) *end {
	t.Helper()
	k := linux
	fd, err := k.listen(netip.AddrPortFrom(a, 0), 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	wait := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	self, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	n := &end{fd: fd}
	switch self := self.(type) {
	case *unix.SockaddrInet4:
		n.addr = netip.AddrPortFrom(a, uint16(self.Port))
	case *unix.SockaddrInet6:
		n.addr = netip.AddrPortFrom(a, uint16(self.Port))
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return n
}

func (n *end) send(t testing.TB, to netip.AddrPort, b []byte) {
	t.Helper()
	if err := unix.Sendto(n.fd, b, 0, sockaddr(to)); err != nil {
		t.Fatal(err)
	}
}

// recv returns what comes next, and from where.
func (n *end) recv(t testing.TB) ([]byte, netip.AddrPort) {
	t.Helper()
	b, src, err := n.read(0)
	if err != nil {
		t.Fatalf("nothing came to %v: %v", n.addr, err)
	}
	return b, src
}

// waiting returns the number of datagrams that have come and takes them.
func (n *end) waiting(t testing.TB) int {
	t.Helper()
	var b [1]byte
	for i := 0; ; i++ {
		_, _, err := unix.Recvfrom(n.fd, b[:], unix.MSG_DONTWAIT)
		if errors.Is(err, unix.EAGAIN) {
			return i
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (n *end) read(flags int) ([]byte, netip.AddrPort, error) {
	b := make([]byte, 4096)
	l, from, err := unix.Recvfrom(n.fd, b, flags)
	for errors.Is(err, unix.EINTR) {
		l, from, err = unix.Recvfrom(n.fd, b, flags)
	}
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	var src netip.AddrPort
	switch from := from.(type) {
	case *unix.SockaddrInet4:
		src = netip.AddrPortFrom(netip.AddrFrom4(from.Addr), uint16(from.Port))
	case *unix.SockaddrInet6:
		src = netip.AddrPortFrom(netip.AddrFrom16(from.Addr), uint16(from.Port))
	}
	return b[:l], src, nil
}

// through sends p to a and waits for what comes of it at other. It allocates
// nothing.
func (n *end) through(a unix.Sockaddr, p []byte, other *end, b []byte) error {
	if err := unix.Sendto(n.fd, p, 0, a); err != nil {
		return err
	}
	_, err := unix.Read(other.fd, b)
	for err == unix.EINTR {
		_, err = unix.Read(other.fd, b)
	}
	return err
}

// A call is a stream with its far ends.
type call struct {
	s         mediarelay.Stream
	rtp, rtcp [2]*end
	opaque    bool
}

func newCall(t testing.TB, e *Engine, o mediarelay.Open, far [2]netip.Addr) *call {
	t.Helper()
	c := &call{s: openStream(t, e, o), opaque: o.Opaque}
	for side, a := range far {
		c.rtp[side], c.rtcp[side] = newEnd(t, a), newEnd(t, a)
		c.s.Set(mediarelay.Side(side), c.remote(side))
	}
	return c
}

// remote returns the far end of a side; of the kind for which the stream was
// opened.
func (c *call) remote(side int) mediarelay.Remote {
	return mediarelay.Remote{RTP: c.rtp[side].addr, RTCP: c.rtcp[side].addr, Opaque: c.opaque, Sends: true, Receives: true}
}

// between puts the realms of o at our addresses, and returns a stream that
// uses these.
func between(o *Options, ours [2]netip.Addr) mediarelay.Open {
	open := audio
	for i, a := range ours {
		r := &o.Realms[i]
		open.IP6[i] = a.Is6()
		r.Addr, r.Addr6 = a, netip.Addr{}
		if a.Is6() {
			r.Addr, r.Addr6 = r.Addr6, r.Addr
		}
	}
	return open
}

func (c *call) local(side int) mediarelay.Local { return c.s.Local(mediarelay.Side(side)) }

// rtp returns a packet whose payload is id.
func rtp(seq uint16, id uint64) []byte {
	b := make([]byte, 12+160)
	b[0] = 0x80
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
	binary.BigEndian.PutUint64(b[12:], id)
	return b
}

func id(b []byte) uint64 { return binary.BigEndian.Uint64(b[12:]) }

// until waits for a condition that another goroutine brings about.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !cond() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited for %s in vain", what)
		}
	}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}
