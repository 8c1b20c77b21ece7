package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Ours:
const (
	// 4 MiB: 2,000 messages of a kilobyte with the kernel's overhead, which is
	// what a shard that stalls for 50 ms at 40,000 messages a second leaves.
	receiveBufferOctets = 4 << 20
	// 4 MiB: sending waits for nobody as long as the device drains at all.
	sendBufferOctets = 4 << 20
	hopLimit         = 64
)

// Options are what a UDP listener needs to know.
type Options struct {
	ID            ListenerID
	Realm         string         // for messages to the operator
	Addr          netip.AddrPort // port 0: the kernel chooses
	ReceiveBuffer int            // octets of the socket's receive buffer; 0: 4 MiB
}

// A UDP is one listener. All methods may be called from any goroutine, but
// only one at a time may call ReadBatch.
type UDP struct {
	// Constant after open.
	id    ListenerID
	realm string
	local netip.AddrPort
	conn  *net.UDPConn
	raw   syscall.RawConn

	// Atomic.
	stalled atomic.Bool // the last wait for room in the send buffer was in vain
	in      atomic.Uint64
	out     atomic.Uint64
	full    atomic.Uint64
	refused atomic.Uint64
	cut     atomic.Uint64
}

var errUnspecified = errors.New("a realm has an address of its own: name one, not the unspecified address")

// ListenUDP opens a listener. The error is a *BindError, fit to be shown to
// the operator as it is.
func ListenUDP(o Options) (*UDP, error) {
	addr := netip.AddrPortFrom(o.Addr.Addr().Unmap(), o.Addr.Port())
	fail := func(err error) (*UDP, error) {
		return nil, &BindError{Realm: o.Realm, Network: "udp", Addr: addr, Err: err}
	}
	// Which of our addresses a datagram came to decides the realm, and what we
	// write into Via and Contact: the wildcard cannot say it.
	if !addr.Addr().IsValid() || addr.Addr().IsUnspecified() {
		return fail(errUnspecified)
	}
	lc := net.ListenConfig{Control: func(network, _ string, c syscall.RawConn) error {
		var err error
		if cerr := c.Control(func(fd uintptr) { err = setOptions(int(fd), addr.Addr().Is4(), o.ReceiveBuffer) }); cerr != nil {
			return cerr
		}
		return err
	}}
	network := "udp4"
	if addr.Addr().Is6() {
		network = "udp6"
	}
	pc, err := lc.ListenPacket(context.Background(), network, addr.String())
	if err != nil {
		return fail(err)
	}
	conn := pc.(*net.UDPConn)
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return fail(err)
	}
	port := uint16(conn.LocalAddr().(*net.UDPAddr).Port)
	return &UDP{id: o.ID, realm: o.Realm, local: netip.AddrPortFrom(addr.Addr(), port), conn: conn, raw: raw}, nil
}

// ID returns the number that Options gave.
func (u *UDP) ID() ListenerID { return u.id }

// Realm returns the name of the realm that Options gave.
func (u *UDP) Realm() string { return u.realm }

// Local returns the address and port that the listener is bound to.
func (u *UDP) Local() netip.AddrPort { return u.local }

// Flow returns the flow between this listener and remote.
func (u *UDP) Flow(remote netip.AddrPort) Flow { return Flow{Listener: u.id, Remote: remote} }

// Close closes the socket. A ReadBatch that waits returns net.ErrClosed, as
// do all later calls.
func (u *UDP) Close() error { return u.conn.Close() }

// A socketOption is one setsockopt call. Options are set before bind.
type socketOption struct{ level, name, value int }

var options4 = []socketOption{
	{unix.IPPROTO_IP, unix.IP_TTL, hopLimit},
	{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT},
	{unix.SOL_SOCKET, unix.SO_BROADCAST, 0}, // net switches it on
}

var options6 = []socketOption{
	{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hopLimit},
	{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT},
	{unix.IPPROTO_IPV6, unix.IPV6_AUTOFLOWLABEL, 0},
	{unix.SOL_SOCKET, unix.SO_BROADCAST, 0},
}

func setOptions(fd int, ip4 bool, receive int) error {
	if receive <= 0 {
		receive = receiveBufferOctets
	}
	list := options6
	if ip4 {
		list = options4
	}
	for _, o := range list {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return err
		}
	}
	// With CAP_NET_ADMIN beyond sysctl net.core.rmem_max, else up to it.
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, receive) != nil {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receive); err != nil {
			return err
		}
	}
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUFFORCE, sendBufferOctets) != nil {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBufferOctets)
	}
	return nil
}
