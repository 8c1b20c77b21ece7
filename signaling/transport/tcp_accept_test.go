package transport_test

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sbc/signaling/transport"
)

// Too many connections from one address, or in all: those that are too many
// end at once, the others live, and room that comes back is used.
func TestTCPLimits(t *testing.T) {
	for name, c := range map[string]struct {
		opt     transport.StreamOptions
		room    int
		refused func(transport.StreamStats) uint64
	}{
		"per source":         {transport.StreamOptions{PerSource: 3}, 3, func(s transport.StreamStats) uint64 { return s.OverSource }},
		"per source, IPv6":   {transport.StreamOptions{PerSource: 3, Addr: both[1]}, 3, func(s transport.StreamStats) uint64 { return s.OverSource }},
		"in all":             {transport.StreamOptions{Connections: 8}, 7, func(s transport.StreamStats) uint64 { return s.OverLimit }},
		"descriptors in all": {transport.StreamOptions{}, 5, func(s transport.StreamStats) uint64 { return s.OverLimit }},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, c.opt)
			if name == "descriptors in all" {
				transport.SetDescriptorsMax(n.TCP, int64(c.room))
			}
			var conns []*net.TCPConn
			for range c.room {
				conns = append(conns, connect(t, n))
			}
			until(t, func() bool { return n.Stats().Open == uint64(c.room) })
			if c, err := net.DialTCP("tcp", nil, net.TCPAddrFromAddrPort(n.Local())); err == nil {
				ended(t, c)
				c.Close()
			} else if !errors.Is(err, syscall.ECONNRESET) {
				t.Fatal(err)
			}
			until(t, func() bool { return c.refused(n.Stats()) > 0 })
			if s := n.Stats(); c.refused(s) != 1 || s.Accepted != uint64(c.room) || s.Open != uint64(c.room) {
				t.Errorf("%+v", s)
			}
			conns[0].Close()
			n.await("closed", 1)
			write(t, connect(t, n), request(1, 0))
			n.await("message", 1)
			write(t, conns[1], request(2, 0))
			n.await("message", 2)
		})
	}
}

// Other addresses are other sources; those of one IPv6 /64 are one.
func TestTCPSources(t *testing.T) {
	n := open(t, transport.StreamOptions{PerSource: 1})
	for i := range 4 {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(10+i))}}
		c, err := d.Dial("tcp", n.Local().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	until(t, func() bool { return n.Stats().Open == 4 })
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true}, {"192.0.2.1", "192.0.2.2", false},
		{"2001:db8::1", "2001:db8::ffff:0:0:1", true}, {"2001:db8::1", "2001:db8:0:1::1", false},
	} {
		if same := transport.SourceOf(netip.MustParseAddr(c.a)) == transport.SourceOf(netip.MustParseAddr(c.b)); same != c.same {
			t.Errorf("%s and %s are one source: %v", c.a, c.b, same)
		}
	}
}

// Far ends that fill the listener leave room for the connections that we open.
func TestTCPOursAfterTheirs(t *testing.T) {
	n := open(t, transport.StreamOptions{Connections: 8})
	for range 7 {
		connect(t, n)
	}
	until(t, func() bool { return n.Stats().Open == 7 })
	l, to := far(t, loopback)
	if _, err := n.Send(n.Flow(to), 1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	next(t, accept(t, l), "x")
	_, other := far(t, loopback)
	if _, err := n.Send(n.Flow(other), 1, []byte("x")); !errors.Is(err, transport.ErrFull) || n.Stats().OverLimit != 1 {
		t.Errorf("beyond the limit: %v, %+v", err, n.Stats())
	}
}

// Without descriptors accepting pauses, and does not spin; connections wait
// for it.
func TestTCPWithoutDescriptors(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := os.NewFile(uintptr(fd), "far end")
	defer c.Close()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	none := was
	none.Cur = 0
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(n.Local().Port())}); err != nil {
		t.Fatal(err)
	}
	write(t, c, request(1, 0))
	until(t, func() bool { return n.Stats().Paused >= 3 })
	if s := n.Stats(); s.Paused > 100 || s.Accepted != 0 {
		t.Errorf("%+v", s)
	}
	unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
	n.await("message", 1)
}

func TestTCPBindErrors(t *testing.T) {
	taken := open(t, transport.StreamOptions{}).Local()
	for _, c := range []struct {
		addr netip.AddrPort
		err  error
		want string
	}{
		{taken, syscall.EADDRINUSE, fmt.Sprintf("find who has the port with: ss -tlpn 'sport = :%d'", taken.Port())},
		{netip.MustParseAddrPort("192.0.2.77:5060"), syscall.EADDRNOTAVAIL, "192.0.2.77 is no address of this machine"},
		{netip.MustParseAddrPort("[::]:5060"), nil, "name one, not the unspecified address"},
		{netip.AddrPort{}, nil, "name one, not the unspecified address"},
	} {
		n, err := transport.ListenTCP(transport.StreamOptions{Realm: "outside", Addr: c.addr})
		if err == nil {
			n.Close()
			t.Errorf("%v: opened", c.addr)
			continue
		}
		be := (*transport.BindError)(nil)
		if !errors.As(err, &be) || be.Network != "tcp" || c.err != nil && !errors.Is(err, c.err) ||
			!strings.HasPrefix(err.Error(), fmt.Sprintf(`realm "outside": cannot listen on tcp %v: `, c.addr)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v", c.addr, err)
		}
	}
}

// A port can be had again while connections to it rest in TIME_WAIT.
func TestTCPListensAgain(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	c := connect(t, n)
	write(t, c, request(1, 0))
	n.CloseAfter(n.await("message", 1)[0].flow)
	ended(t, c)
	c.Close()
	n.await("closed", 1)
	n.Close()
	again, err := transport.ListenTCP(transport.StreamOptions{Addr: n.Local()})
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// What the listener says of itself, and what its sockets are told.
func TestTCPSocketOptions(t *testing.T) {
	for i, want := range [][][3]int{
		{{unix.IPPROTO_IP, unix.IP_TTL, 64}},
		{{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 64}, {unix.IPPROTO_IPV6, unix.IPV6_AUTOFLOWLABEL, 0}, {unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1}},
	} {
		want = append(want, [][3]int{
			{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1}, {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, 20000},
			{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1}, {unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 120}, {unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, 256 << 10},
		}...)
		a, b := open(t, transport.StreamOptions{Addr: both[i], ID: 3, Realm: "outside"}), open(t, transport.StreamOptions{Addr: both[i]})
		if a.ID() != 3 || a.Realm() != "outside" {
			t.Errorf("ID %d, realm %q", a.ID(), a.Realm())
		}
		if _, err := a.Send(a.Flow(b.Local()), 1, []byte(request(1, 0))); err != nil {
			t.Fatal(err)
		}
		theirs := b.await("message", 1)[0].flow.Conn
		if _, err := b.Send(transport.Flow{Conn: theirs}, 1, []byte(request(1, 0))); err != nil {
			t.Fatal(err)
		}
		ours := a.await("message", 1)[0].flow.Conn
		for _, o := range append(want, [3]int{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}) {
			if got, err := transport.StreamOption(a.TCP, o[0], o[1]); err != nil || got != o[2] {
				t.Errorf("listener %v: option %d of level %d is %d, %v; want %d", both[i], o[1], o[0], got, err, o[2])
			}
		}
		for _, o := range want {
			if got, err := transport.ConnOption(a.TCP, ours, o[0], o[1]); err != nil || got != o[2] {
				t.Errorf("opened, %v: option %d of level %d is %d, %v; want %d", both[i], o[1], o[0], got, err, o[2])
			}
			if got, err := transport.ConnOption(b.TCP, theirs, o[0], o[1]); err != nil || got != o[2] {
				t.Errorf("accepted, %v: option %d of level %d is %d, %v; want %d", both[i], o[1], o[0], got, err, o[2])
			}
		}
	}
}

// The names of flows and causes.
func TestTCPNames(t *testing.T) {
	f := transport.Flow{Listener: 3, Remote: netip.MustParseAddrPort("192.0.2.1:5060")}
	if got := f.String(); got != "3>192.0.2.1:5060" {
		t.Error(got)
	}
	f.Conn = 7
	if got := f.String(); got != "3>192.0.2.1:5060#7" {
		t.Error(got)
	}
	for c, want := range []string{"idle", "slow", "full", "wrong_protocol", "not_sip", "limit"} {
		if got := transport.Cut(c).String(); got != want {
			t.Errorf("cause %d is %q, want %q", c, got, want)
		}
	}
}
