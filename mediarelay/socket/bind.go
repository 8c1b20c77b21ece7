package socket

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ttl is the hop limit of everything that leaves us (RFC 1700). What the
// other side's hosts use would tell how far away they are.
const ttl = 64

// ipv6AutoFlowLabel is IPV6_AUTOFLOWLABEL of linux/in6.h.
const ipv6AutoFlowLabel = 70

// A sockopt is one option of a media socket.
type sockopt struct{ level, name, value int }

// With IP_PMTUDISC_DO packets leave with DF, and since the sockets are not
// connected, with ID 0. A packet that does not fit is not sent.
var (
	options4 = []sockopt{
		{unix.IPPROTO_IP, unix.IP_TTL, ttl},
		{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DO},
	}
	options6 = []sockopt{
		{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
		{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, ttl},
		{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DO},
		{unix.IPPROTO_IPV6, ipv6AutoFlowLabel, 0},
	}
)

// listen returns a socket that is bound to a. Nothing is shared: without
// SO_REUSEADDR and SO_REUSEPORT no other process can take a's packets.
func (k *kernel) listen(a netip.AddrPort, buffer int) (fd int, err error) {
	domain, options := unix.AF_INET, options4
	if a.Addr().Is6() {
		domain, options = unix.AF_INET6, options6
	}
	fd, err = k.socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return -1, fmt.Errorf("open media socket: %w", err)
	}
	if err := k.prepare(fd, a, options, buffer); err != nil {
		_ = k.close(fd)
		return -1, err
	}
	return fd, nil
}

func (k *kernel) prepare(fd int, a netip.AddrPort, options []sockopt, buffer int) error {
	for _, o := range options {
		if err := k.setsockopt(fd, o.level, o.name, o.value); err != nil {
			return fmt.Errorf("prepare media socket: option %d of level %d: %w", o.name, o.level, err)
		}
	}
	if err := k.setsockopt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer); err != nil {
		return fmt.Errorf("prepare media socket: receive buffer of %d octets: %w", buffer, err)
	}
	if err := k.bind(fd, a); err != nil {
		return fmt.Errorf("bind media socket to %v: %w", a, err)
	}
	return nil
}
