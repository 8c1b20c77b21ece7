package socket

import (
	"bytes"
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// voice makes the far ends of a fax call send RTP.
func (c *call) voice() {
	c.opaque = false
	for side := range 2 {
		c.s.Set(mediarelay.Side(side), c.remote(side))
	}
}

var fax = mediarelay.Open{Realm: [2]int{0, 1}, Opaque: true}

// A fax call becomes a voice call: its ports for RTCP were taken with the
// pairs, and are bound now.
func TestOpaqueBecomesRTP(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, fax, [2]netip.Addr{phone, carrier})
	c.rtp[0].send(t, c.local(0).RTP(), []byte("a fax"))
	if got, _ := c.rtp[1].recv(t); string(got) != "a fax" {
		t.Errorf("%q came", got)
	}
	if n := bound(e); n != 2 {
		t.Errorf("%d ports of a fax call are bound", n)
	}
	c.voice()
	c.voice()
	if n := bound(e); n != 4 {
		t.Errorf("%d ports of a voice call are bound", n)
	}
	rtpEnds, rtcpEnds := c.rtp, c.rtcp
	for side := range mediarelay.Side(2) {
		cross(t, c.s, side, [2]bool{}, rtpEnds, rtcpEnds)
	}
	c.s.Close()
	if n := bound(e); n != 0 {
		t.Errorf("%d ports are left", n)
	}
	c.voice()
	if n := bound(e); n != 0 {
		t.Errorf("%d ports are bound for a call that is over", n)
	}
}

// The first system call that fails for the late port: the call goes on without
// RTCP, nothing leaks, and it is counted; the next offer tries again.
func TestLatePortFailsAtEveryCall(t *testing.T) {
	f := &failing{errno: unix.ENOBUFS}
	e := newEngine(t, options(40), f.kernel())
	for n := 1; ; n++ {
		c := newCall(t, e, fax, [2]netip.Addr{phone, carrier})
		before, counted := descriptors(t), e.Ports()[0].NoRTCP
		c.opaque = false
		f.left, f.calls = n, nil
		c.s.Set(sideA, c.remote(0))
		failed := f.left <= 0
		if got := e.Ports()[0].NoRTCP - counted; got != uint64(index(failed)) {
			t.Errorf("call %d of %v: counted %d", n, f.calls, got)
		}
		if after := descriptors(t); after != before+1-index(failed) {
			t.Errorf("call %d of %v: %d descriptors before, %d after", n, f.calls, before, after)
		}
		if got := bound(e); got != 3-index(failed) {
			t.Errorf("call %d of %v: %d ports are bound", n, f.calls, got)
		}
		f.left = 0
		c.s.Set(sideB, c.remote(1))
		c.rtp[0].send(t, c.local(0).RTP(), rtp(1, 7))
		if got, _ := c.rtp[1].recv(t); id(got) != 7 {
			t.Errorf("call %d: %d came", n, id(got))
		}
		rr := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
		if failed {
			c.rtcp[1].send(t, c.local(1).RTCP(), rr)
			until(t, "send_failed", func() bool { return c.s.Stats()[1].Drops[mediarelay.SendFailed] == 1 })
		}
		c.voice()
		c.rtcp[1].send(t, c.local(1).RTCP(), rr)
		if got, src := c.rtcp[0].recv(t); !bytes.Equal(got, rr) || src != c.local(0).RTCP() {
			t.Errorf("call %d: %x from %v", n, got, src)
		}
		c.s.Close()
		if !failed {
			if n < 5 {
				t.Errorf("the late port took %d calls: %v", n-1, f.calls)
			}
			return
		}
	}
}

// Another process has the odd port by now.
func TestLatePortOfOthers(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, fax, [2]netip.Addr{phone, carrier})
	k := linux
	fd, err := k.listen(c.local(0).RTCP(), 4096)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = k.close(fd) }()
	c.voice()
	c.rtp[0].send(t, c.local(0).RTP(), rtp(1, 7))
	if got, _ := c.rtp[1].recv(t); id(got) != 7 {
		t.Errorf("%d came", id(got))
	}
	if u := e.Ports(); u[0].NoRTCP != 1 || u[1].NoRTCP != 0 || u[0].InUse != 1 {
		t.Errorf("%+v", u)
	}
}

// Late ports and the end of the engine at once.
func TestCloseWhileBecomingRTP(t *testing.T) {
	for range 20 {
		before := descriptors(t)
		e, err := New(options(4))
		if err != nil {
			t.Fatal(err)
		}
		c := newCall(t, e, fax, [2]netip.Addr{phone, carrier})
		done := make(chan struct{})
		go func() { defer close(done); c.voice() }()
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		<-done
		if n := bound(e); n != 0 {
			t.Fatalf("%d ports are left", n)
		}
		if after := descriptors(t); after != before+4 {
			t.Fatalf("%d descriptors before, %d after, of which 4 are the far ends'", before, after)
		}
	}
}
