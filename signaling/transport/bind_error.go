package transport

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

// A BindError tells the operator which listener could not be opened, why, and
// what to do about it, in one line.
type BindError struct {
	Realm   string
	Network string // "udp" or "tcp"
	Addr    netip.AddrPort
	Err     error
}

func (e *BindError) Error() string {
	s := fmt.Sprintf("realm %q: cannot listen on %s %v: %v", e.Realm, e.Network, e.Addr, cause(e.Err))
	if r := e.remedy(); r != "" {
		s += ": " + r
	}
	return s
}

func (e *BindError) Unwrap() error { return e.Err }

// cause takes off what net wraps around the kernel's error: the address is
// said already.
func cause(err error) error {
	if no := syscall.Errno(0); errors.As(err, &no) {
		return no
	}
	return err
}

func (e *BindError) remedy() string {
	switch {
	case errors.Is(e.Err, syscall.EADDRINUSE):
		return fmt.Sprintf("find who has the port with: ss -%clpn 'sport = :%d'", e.Network[0], e.Addr.Port())
	case errors.Is(e.Err, syscall.EACCES), errors.Is(e.Err, syscall.EPERM):
		return fmt.Sprintf("port %d needs root, CAP_NET_BIND_SERVICE, or a lower sysctl net.ipv4.ip_unprivileged_port_start", e.Addr.Port())
	case errors.Is(e.Err, syscall.EADDRNOTAVAIL):
		return fmt.Sprintf("%v is no address of this machine (ip -br address shows them); if it comes and goes, as with VRRP, set sysctl %s", e.Addr.Addr(), e.nonlocal())
	case errors.Is(e.Err, syscall.EAFNOSUPPORT):
		return "this machine has no IPv6 (sysctl net.ipv6.conf.all.disable_ipv6)"
	case errors.Is(e.Err, syscall.EMFILE), errors.Is(e.Err, syscall.ENFILE):
		return "raise the limit of open files (LimitNOFILE= in the unit, ulimit -n)"
	}
	return ""
}

func (e *BindError) nonlocal() string {
	if e.Addr.Addr().Is4() {
		return "net.ipv4.ip_nonlocal_bind=1"
	}
	return "net.ipv6.ip_nonlocal_bind=1"
}
