package live

import (
	"net"

	"golang.org/x/sys/unix"
)

// errRefused is what a UDP socket says when an earlier datagram of ours met a
// closed port.
const errRefused = unix.ECONNREFUSED

// setTTL sets the time to live of what a socket sends.
func setTTL(c *net.UDPConn, ttl int) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var set error
	err = raw.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, ttl) })
	if err != nil {
		return err
	}
	return set
}
