package transport

import (
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Ours:
const (
	// 2 min, then every 15 s: the kernel's probes find hosts that are gone, and
	// keep NATs from forgetting (RFC 5382 section 5 has them wait longer).
	probeAfterSeconds = 120
	probeEverySeconds = 15
	probesMax         = 4
	// 20 s: a far end that acknowledges nothing is gone (RFC 5482), in less
	// time than timer B, so that the next request finds a new connection.
	userTimeoutMillis = 20000
	// 256 KiB: what the kernel takes and has not sent is lost with a
	// connection, and nobody hears of it.
	notSentOctets = 256 << 10
)

// What accepted connections inherit from the listener's socket, and those that
// we open get themselves.
var optionsStream = []socketOption{
	{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	{unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, userTimeoutMillis},
	{unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentOctets},
	{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1},
	{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, probeAfterSeconds},
	{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, probeEverySeconds},
	{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, probesMax},
}

var (
	// A port is taken while it listens, not while what was connected to it rests.
	optionsListen = []socketOption{{unix.SOL_SOCKET, unix.SO_REUSEADDR, 1}}
	// The kernel chooses the port when it knows the destination: then it may be
	// used for each destination again.
	optionsDial = []socketOption{{unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}}

	optionsStream4 = []socketOption{{unix.IPPROTO_IP, unix.IP_TTL, hopLimit}}
	optionsStream6 = []socketOption{
		{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, hopLimit},
		{unix.IPPROTO_IPV6, unix.IPV6_AUTOFLOWLABEL, 0},
	}
)

// controlStream sets the options of a socket before bind and connect.
func controlStream(ip4 bool, own []socketOption) func(string, string, syscall.RawConn) error {
	family := optionsStream6
	if ip4 {
		family = optionsStream4
	}
	list := slices.Concat(optionsStream, family, own)
	return func(_, _ string, c syscall.RawConn) (err error) {
		cerr := c.Control(func(fd uintptr) {
			for _, o := range list {
				if err = unix.SetsockoptInt(int(fd), o.level, o.name, o.value); err != nil {
					return
				}
			}
		})
		if cerr != nil {
			return cerr
		}
		return err
	}
}
