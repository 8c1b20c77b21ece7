package socket

import (
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// A failing kernel lets one system call fail: the one at which left is 1.
type failing struct {
	left  int
	errno unix.Errno
	calls []string
}

func (f *failing) fail(call string) error {
	f.calls = append(f.calls, call)
	if f.left--; f.left == 0 {
		return f.errno
	}
	return nil
}

func (f *failing) kernel() kernel {
	return kernel{
		socket: func(domain, kind, proto int) (int, error) {
			if err := f.fail("socket"); err != nil {
				return -1, err
			}
			return linux.socket(domain, kind, proto)
		},
		setsockopt: func(fd, level, option, value int) error {
			if err := f.fail("setsockopt"); err != nil {
				return err
			}
			return linux.setsockopt(fd, level, option, value)
		},
		bind: func(fd int, addr netip.AddrPort) error {
			if err := f.fail("bind"); err != nil {
				return err
			}
			return linux.bind(fd, addr)
		},
		epollAdd: func(epfd, fd int, ev *unix.EpollEvent) error {
			if err := f.fail("epoll_ctl"); err != nil {
				return err
			}
			return linux.epollAdd(epfd, fd, ev)
		},
		close: linux.close,
	}
}

// The nth system call of Open fails, for every n: an error, and nothing is
// left behind.
func TestOpenFailsAtEveryCall(t *testing.T) {
	f := &failing{errno: unix.ENOBUFS}
	e := newEngine(t, options(4), f.kernel())
	for n := 1; ; n++ {
		before := descriptors(t)
		f.left, f.calls = n, nil
		s, err := e.Open(audio)
		if err == nil {
			if n != len(f.calls)+1 || n < 20 {
				t.Fatalf("opened although call %d of %d failed", n, len(f.calls))
			}
			s.Close()
			return
		}
		call := f.calls[n-1]
		if !errors.Is(err, unix.ENOBUFS) {
			t.Errorf("call %d, %s: %v", n, call, err)
		}
		if after := descriptors(t); after != before {
			t.Errorf("call %d, %s: %d descriptors before, %d after", n, call, before, after)
		}
		for _, u := range e.Ports() {
			if u.InUse != 0 || u.Resting != 0 || u.Skipped != 0 {
				t.Errorf("call %d, %s: %+v", n, call, u)
			}
		}
		if bound(e) != 0 || len(e.live()) != 0 {
			t.Errorf("call %d, %s: a port or a stream is left", n, call)
		}
	}
}

// bound returns the number of ports that workers see.
func bound(e *Engine) int {
	n := 0
	for i := range e.ports {
		if e.ports[i].Load() != nil {
			n++
		}
	}
	return n
}

func TestNewFailsAtEveryCall(t *testing.T) {
	for n := 1; ; n++ {
		before := descriptors(t)
		f := &failing{left: n, errno: unix.ENOMEM}
		e, err := start(options(4), f.kernel())
		if err == nil {
			if n != len(f.calls)+1 {
				t.Errorf("started although call %d of %d failed", n, len(f.calls))
			}
			_ = e.Close()
			return
		}
		if after := descriptors(t); after != before || !errors.Is(err, unix.ENOMEM) {
			t.Errorf("call %d: %v; %d descriptors before, %d after", n, err, before, after)
		}
	}
}

func TestAddressThatIsNotOurs(t *testing.T) {
	o := options(4)
	o.Realms[1].Addr = netip.MustParseAddr("192.0.2.77")
	_, err := New(o)
	if err == nil || !strings.Contains(err.Error(), `realm "outside": 192.0.2.77 is no address of this host`) {
		t.Errorf("%v", err)
	}
	o.Realms[1].First = 0
	if _, err := New(o); err == nil {
		t.Error("port 0 was accepted")
	}
}

// Promise R14: N pairs carry exactly N streams, and N again after their rest.
func TestExhaustion(t *testing.T) {
	const n = 10
	o := options(n)
	o.Rest = 50 * time.Millisecond
	e := newEngine(t, o, linux)
	for range 2 {
		var streams []mediarelay.Stream
		refused := 0
		for range 3 * n {
			s, err := e.Open(audio)
			var full *mediarelay.Exhausted
			switch {
			case errors.As(err, &full):
				refused++
			case err != nil:
				t.Fatal(err)
			default:
				streams = append(streams, s)
			}
		}
		if len(streams) != n || refused != 2*n {
			t.Fatalf("%d streams and %d refused, want %d and %d", len(streams), refused, n, 2*n)
		}
		for _, s := range streams {
			s.Close()
			s.Close()
		}
		until(t, "the rest of the ports", func() bool {
			for _, u := range e.Ports() {
				if u.InUse != 0 {
					t.Fatalf("%+v", u)
				}
				if u.Resting != 0 {
					return false
				}
			}
			return true
		})
	}
}

// A port that another process has is skipped and counted, whichever of the
// pair it is.
func TestPortsOfOthers(t *testing.T) {
	const n = 8
	e := newEngine(t, options(n), linux)
	k := linux
	taken := map[uint16]bool{}
	for _, port := range []uint16{21000, 21003, 21006} {
		fd, err := k.listen(netip.AddrPortFrom(inside, port), 4096)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = k.close(fd) }()
		taken[port&^1] = true
	}
	opened := 0
	for {
		s, err := e.Open(audio)
		if err != nil {
			var full *mediarelay.Exhausted
			if !errors.As(err, &full) || full.Realm != "inside" {
				t.Error(err)
			}
			break
		}
		if taken[s.Local(sideA).Port] {
			t.Errorf("port %d belongs to somebody else", s.Local(sideA).Port)
		}
		opened++
	}
	u := e.Ports()
	if opened != n-len(taken) || u[0].Skipped != 3 || u[0].Resting != 3 || u[1].InUse != opened || u[1].Resting != 0 {
		t.Errorf("%d opened; %+v", opened, u)
	}
}

func TestClosedEngine(t *testing.T) {
	before := descriptors(t)
	e, err := New(options(4))
	if err != nil {
		t.Fatal(err)
	}
	s := openStream(t, e, audio)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	s.Set(sideA, mediarelay.Remote{})
	s.Close()
	if _, err := e.Open(audio); !errors.Is(err, mediarelay.ErrClosed) {
		t.Errorf("opened after the end: %v", err)
	}
	if after := descriptors(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// Opening, closing and the end of the engine at once.
func TestCloseWhileOpening(t *testing.T) {
	for range 20 {
		before := descriptors(t)
		e, err := New(options(100))
		if err != nil {
			t.Fatal(err)
		}
		var shards sync.WaitGroup
		begun := make(chan struct{}, 4)
		for range 4 {
			shards.Go(func() {
				for i := 0; ; i++ {
					s, err := e.Open(audio)
					if errors.Is(err, mediarelay.ErrClosed) {
						return
					}
					if i == 10 {
						begun <- struct{}{}
					}
					if err == nil && i%2 == 0 {
						s.Close()
					}
				}
			})
		}
		<-begun
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		shards.Wait()
		if after := descriptors(t); after != before {
			t.Fatalf("%d descriptors before, %d after", before, after)
		}
		for _, u := range e.Ports() {
			if u.InUse != 0 {
				t.Fatalf("%+v", u)
			}
		}
	}
}
