package socket

import (
	"net/netip"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// home is a party behind a NAT on loopback: its description names a private
// address, and its packets come from the address of its signaling.
type home struct {
	rtp, rtcp *end
	remote    mediarelay.Remote
}

func newHome(t *testing.T, public netip.Addr) *home {
	h := &home{rtp: newEnd(t, public), rtcp: newEnd(t, public)}
	private := netip.MustParseAddr("10.0.0.5")
	h.remote = mediarelay.Remote{
		RTP: netip.AddrPortFrom(private, h.rtp.addr.Port()), RTCP: netip.AddrPortFrom(private, h.rtcp.addr.Port()),
		Signaling: public, Sends: true, Receives: true,
	}
	return h
}

// A stranger floods the port of a call with 100,000 packets, while the far end
// behind its NAT talks: each of them is dropped and counted by cause, all of
// the audio comes, and nothing goes elsewhere.
func TestFloodOfAStranger(t *testing.T) {
	const packets = 100_000
	o := options(4)
	for i := range o.Realms {
		o.Realms[i].NAT = true
	}
	e := newEngine(t, o, linux)
	s := openStream(t, e, audio)
	caller, callee := newHome(t, phone), newHome(t, carrier)
	s.Set(sideA, caller.remote)
	s.Set(sideB, callee.remote)
	stranger := newEnd(t, netip.MustParseAddr("127.0.0.66"))
	at, ours := s.Local(sideA).RTP(), s.Local(sideB).RTP()

	caller.rtp.send(t, at, rtp(0, 1))
	until(t, "the caller's latch", func() bool { return s.Stats()[0].Latched == caller.rtp.addr })
	callee.rtp.send(t, ours, rtp(0, 2))
	if got, src := caller.rtp.recv(t); id(got) != 2 || src != at {
		t.Fatalf("%d from %v", id(got), src)
	}
	refused := func() uint64 { return s.Stats()[0].Drops[mediarelay.WrongSource] }
	bad, to := rtp(1, 66), sockaddr(at)
	for sent := range uint64(packets) {
		if err := unix.Sendto(stranger.fd, bad, 0, to); err != nil {
			t.Fatal(err)
		}
		if sent%1000 == 0 {
			seq := uint16(1 + sent/1000)
			caller.rtp.send(t, at, rtp(seq, 1))
			if got, src := callee.rtp.recv(t); id(got) != 1 || src != ours || got[3] != byte(seq) {
				t.Fatalf("%d from %v", id(got), src)
			}
			callee.rtp.send(t, ours, rtp(seq, 2))
			if got, _ := caller.rtp.recv(t); id(got) != 2 {
				t.Fatalf("the caller hears %d", id(got))
			}
		}
		// Not more than the kernel keeps for one port.
		for refused()+window/4 < sent {
			runtime.Gosched()
		}
	}
	until(t, "the last packet", func() bool { return refused() == packets })
	x := s.Stats()
	if x[0].Latched != caller.rtp.addr || x[1].Latched != callee.rtp.addr {
		t.Errorf("latched to %v and %v", x[0].Latched, x[1].Latched)
	}
	if x[0].Packets != 1+packets/1000 || x[0].Dropped() != packets+1 || x[0].Lost+x[1].Lost != 0 {
		t.Errorf("%+v", x[0])
	}
	if n := stranger.waiting(t) + callee.rtp.waiting(t) + caller.rtp.waiting(t); n != 0 {
		t.Errorf("%d packets too many", n)
	}
}
