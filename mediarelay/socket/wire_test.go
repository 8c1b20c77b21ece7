package socket

import (
	"encoding/binary"
	"net/netip"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// needsRoot skips the test, or fails it where nothing may be skipped.
func needsRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("SBC_REQUIRE") == "all" {
		t.Fatal("needs root for a network namespace of its own, and SBC_REQUIRE=all")
	}
	t.Skip("SKIP: needs root for a network namespace of its own")
}

// ownNamespace moves the test to a network namespace of its own, in which lo
// is up. Its thread is never unlocked and ends with the test, so that nothing
// else runs there; and it must not start goroutines that open sockets.
func ownNamespace(t *testing.T) {
	t.Helper()
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	if err == nil {
		err = loUp()
	}
	if err != nil {
		t.Fatalf("network namespace: %v", err)
	}
}

func loUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}

// capture returns a socket that sees every packet of its namespace from the
// network layer up, with a bound on how long a read waits.
func capture(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, int(network(unix.ETH_P_ALL)))
	if err != nil {
		t.Fatal(err)
	}
	wait := unix.NsecToTimeval(int64(patience))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		t.Fatal(err)
	}
	return fd
}

// What leaves us shows nothing of the stack that sent it to us, nor of this
// host's settings: TTL 64, DF and ID 0, flow label 0.
func TestOnTheWire(t *testing.T) {
	needsRoot(t)
	ownNamespace(t)
	for file, value := range map[string]string{
		"/proc/sys/net/ipv4/ip_default_ttl":         "99",
		"/proc/sys/net/ipv4/ip_no_pmtu_disc":        "1",
		"/proc/sys/net/ipv6/conf/all/hop_limit":     "99",
		"/proc/sys/net/ipv6/conf/default/hop_limit": "99",
		"/proc/sys/net/ipv6/conf/lo/hop_limit":      "99",
		"/proc/sys/net/ipv6/auto_flowlabels":        "1",
	} {
		if err := os.WriteFile(file, []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	h := header(t, [2]netip.Addr{inside, outside}, [2]netip.Addr{phone, carrier})
	if ttl, id, flags := h[8], binary.BigEndian.Uint16(h[4:]), binary.BigEndian.Uint16(h[6:]); ttl != 64 || id != 0 || flags != 0x4000 {
		t.Errorf("TTL %d, ID %d, flags and offset %#x; want 64, 0 and DF", ttl, id, flags)
	}
	l := netip.IPv6Loopback()
	h = header(t, [2]netip.Addr{l, outside}, [2]netip.Addr{l, carrier})
	if ttl, id, flags := h[8], binary.BigEndian.Uint16(h[4:]), binary.BigEndian.Uint16(h[6:]); ttl != 64 || id != 0 || flags != 0x4000 {
		t.Errorf("from IPv6: TTL %d, ID %d, flags and offset %#x; want 64, 0 and DF", ttl, id, flags)
	}
	h = header(t, [2]netip.Addr{inside, l}, [2]netip.Addr{phone, l})
	if first, hops := binary.BigEndian.Uint32(h), h[7]; first != 6<<28 || hops != 64 {
		t.Errorf("from IPv4: version, class and label %#x, hop limit %d; want 0x60000000 and 64", first, hops)
	}
	h = header(t, [2]netip.Addr{l, l}, [2]netip.Addr{l, l})
	if first, hops := binary.BigEndian.Uint32(h), h[7]; first != 6<<28 || hops != 64 {
		t.Errorf("version, class and label %#x, hop limit %d; want 0x60000000 and 64", first, hops)
	}
}

// header relays one packet, sent with a TTL of 13, without DF where that can
// be, and returns the IP header with which it left us.
func header(t *testing.T, ours, far [2]netip.Addr) []byte {
	t.Helper()
	o := options(4)
	open := between(&o, ours)
	e := newEngine(t, o, linux)
	c := newCall(t, e, open, far)
	if far[0].Is4() {
		setsockopt(t, c.rtp[0].fd, unix.IPPROTO_IP, unix.IP_TTL, 13)
		setsockopt(t, c.rtp[0].fd, unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT)
	} else {
		setsockopt(t, c.rtp[0].fd, unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 13)
		setsockopt(t, c.rtp[0].fd, unix.IPPROTO_IPV6, ipv6AutoFlowLabel, 1)
	}
	fd := capture(t)
	defer func() { _ = unix.Close(fd) }()
	c.rtp[0].send(t, c.local(0).RTP(), rtp(1, 1))
	c.rtp[1].recv(t)
	left := c.s.Local(mediarelay.B).Port
	for b := make([]byte, 2048); ; {
		n, _, err := unix.Recvfrom(fd, b, 0)
		if err != nil {
			t.Fatalf("the packet was not captured: %v", err)
		}
		head := 20
		if b[0]>>4 == 6 {
			head = 40
		}
		if n > head+8 && binary.BigEndian.Uint16(b[head:]) == left {
			return b[:head]
		}
	}
}

func setsockopt(t *testing.T, fd, level, option, value int) {
	t.Helper()
	if err := unix.SetsockoptInt(fd, level, option, value); err != nil {
		t.Fatal(err)
	}
}
