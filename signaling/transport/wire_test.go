package transport_test

import (
	"bytes"
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sbc/lab/netns"
	"sbc/signaling/transport"
)

// cable is two namespaces and a listener in the first.
func cable(t *testing.T, o transport.Options) (near, far *netns.Space, u *transport.UDP) {
	t.Helper()
	netns.Require(t, "root")
	var spaces [2]*netns.Space
	for i, name := range []string{"near", "far"} {
		s, err := netns.New(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		spaces[i] = s
	}
	near, far = spaces[0], spaces[1]
	err := netns.Join(
		netns.End{Space: near, Interface: "eth0", Addr: netip.MustParsePrefix("192.0.2.1/24")},
		netns.End{Space: far, Interface: "eth0", Addr: netip.MustParsePrefix("192.0.2.2/24")})
	if err != nil {
		t.Fatal(err)
	}
	o.Addr = netip.MustParseAddrPort("192.0.2.1:5060")
	if err := near.Do(func() (err error) { u, err = transport.ListenUDP(o); return err }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	return near, far, u
}

// What a far end sees of us: TTL 64, no DF, and long messages in fragments.
func TestOnTheWire(t *testing.T) {
	_, far, u := cable(t, transport.Options{})
	capture, err := far.Capture("eth0")
	if err != nil {
		t.Fatal(err)
	}
	defer capture.Close()
	peer, err := far.ListenUDP(netip.MustParseAddrPort("192.0.2.2:5060"))
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	long := bytes.Repeat([]byte("0123456789"), 4000) // the cable carries 9,000 octets at once
	dst := netip.MustParseAddrPort("192.0.2.2:5060")
	out := []transport.Datagram{{Dst: dst, Bytes: []byte("short")}, {Dst: dst, Bytes: long}}
	if n, err := u.WriteBatch(out); n != 2 || err != nil {
		t.Fatalf("sent %d: %v", n, err)
	}
	peer.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 1<<16)
	for _, want := range out {
		if n, err := peer.Read(buf); err != nil || !bytes.Equal(buf[:n], want.Bytes) {
			t.Fatalf("got %d octets, %v; want %d", n, err, len(want.Bytes))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := netns.Await(ctx, func() bool { return len(capture.Datagrams()) >= 6 }); err != nil {
		t.Fatalf("saw %d frames: %v", len(capture.Datagrams()), err)
	}
	fragments := 0
	for _, d := range capture.Datagrams() {
		if d.TTL != 64 || d.DF {
			t.Errorf("TTL %d, DF %v; want 64 and none", d.TTL, d.DF)
		}
		if d.Fragment {
			fragments++
		}
	}
	if fragments != 5 {
		t.Errorf("%d fragments, want 5", fragments)
	}
}

// Neighbours that do not answer ARP keep what was sent to them in our send
// buffer. What finds no room is dropped and counted, the caller is held for a
// millisecond at most, and only once.
func TestFullSendBufferHoldsNobody(t *testing.T) {
	_, _, u := cable(t, transport.Options{})
	if err := transport.SetSendBuffer(u, 1); err != nil { // the kernel's least
		t.Fatal(err)
	}
	nobody := netip.MustParseAddrPort("192.0.2.99:5060")
	out := make([]transport.Datagram, 64)
	for i := range out {
		out[i] = transport.Datagram{Dst: nobody, Bytes: make([]byte, 1000)}
	}
	sent, err := u.WriteBatch(out)
	if !errors.Is(err, transport.ErrFull) || sent == 0 || sent == len(out) {
		t.Fatalf("sent %d of %d: %v; want some, and ErrFull", sent, len(out), err)
	}
	for i := range out {
		if (out[i].Err == nil) != (i < sent) || i >= sent && !errors.Is(out[i].Err, transport.ErrFull) {
			t.Errorf("datagram %d of %d sent: %v", i, sent, out[i].Err)
		}
	}
	if s := u.Stats(); s.Full != uint64(len(out)-sent) || s.Refused != 0 {
		t.Errorf("%+v, want %d without room", s, len(out)-sent)
	}
	if !transport.Stalled(u) {
		t.Error("the next batch would wait again")
	}
	if n, err := u.WriteBatch(out); n != 0 || !errors.Is(err, transport.ErrFull) {
		t.Errorf("the next batch: sent %d, %v", n, err)
	}
	// The kernel gives the neighbour up, and with it what waited for it.
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	err = netns.Await(ctx, func() bool {
		n, _ := u.WriteBatch([]transport.Datagram{{Dst: netip.MustParseAddrPort("192.0.2.2:5060"), Bytes: []byte("x")}})
		return n == 1
	})
	if err != nil || transport.Stalled(u) {
		t.Errorf("no room again: %v, stalled %v", err, transport.Stalled(u))
	}
}

func TestSocketOptions(t *testing.T) {
	for at, want := range map[string][][3]int{
		"127.0.0.1:0": {
			{unix.IPPROTO_IP, unix.IP_TTL, 64},
			{unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_DONT},
			{unix.IPPROTO_IP, unix.IP_RECVERR, 0},
			{unix.SOL_SOCKET, unix.SO_BROADCAST, 0},
			{unix.SOL_SOCKET, unix.SO_REUSEADDR, 0},
		},
		"[::1]:0": {
			{unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS, 64},
			{unix.IPPROTO_IPV6, unix.IPV6_MTU_DISCOVER, unix.IPV6_PMTUDISC_DONT},
			{unix.IPPROTO_IPV6, unix.IPV6_AUTOFLOWLABEL, 0},
			{unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1},
			{unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 0},
			{unix.SOL_SOCKET, unix.SO_BROADCAST, 0},
		},
	} {
		u := listen(t, transport.Options{Addr: netip.MustParseAddrPort(at)})
		for _, o := range want {
			if got, err := transport.SocketOption(u, o[0], o[1]); err != nil || got != o[2] {
				t.Errorf("%s: option %d of level %d is %d, %v; want %d", at, o[1], o[0], got, err, o[2])
			}
		}
	}
}
