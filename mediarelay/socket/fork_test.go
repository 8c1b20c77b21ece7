package socket

import (
	"errors"
	"net/netip"
	"testing"

	"sbc/mediarelay"
)

// A call whose INVITE forks: three branches, the newest that plays is heard.
func TestForks(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	branches, reports := []*end{c.rtp[1]}, []*end{c.rtcp[1]}
	for range 2 {
		b, r := newEnd(t, carrier), newEnd(t, carrier)
		err := c.s.Add(sideB, mediarelay.Remote{RTP: b.addr, RTCP: r.addr, Sends: true, Receives: true})
		if err != nil {
			t.Fatal(err)
		}
		branches, reports = append(branches, b), append(reports, r)
	}
	rr := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
	hears := func(what string, n int) {
		t.Helper()
		c.rtp[0].send(t, c.local(0).RTP(), rtp(1, 1))
		c.rtcp[0].send(t, c.local(0).RTCP(), rr)
		branches[n].recv(t)
		reports[n].recv(t)
		for i := range branches {
			if branches[i].waiting(t)+reports[i].waiting(t) != 0 {
				t.Errorf("%s: branch %d is heard, and %d gets media", what, n, i)
			}
		}
	}
	plays := func(n int) {
		t.Helper()
		branches[n].send(t, c.local(1).RTP(), rtp(1, uint64(n)))
		if got, _ := c.rtp[0].recv(t); id(got) != uint64(n) {
			t.Errorf("branch %d plays, and %d is heard", n, id(got))
		}
	}
	dropped := func(from *end, to netip.AddrPort, b []byte) {
		t.Helper()
		before := c.s.Stats()[1].Drops[mediarelay.Fork]
		from.send(t, to, b)
		until(t, "fork", func() bool { return c.s.Stats()[1].Drops[mediarelay.Fork] == before+1 })
	}
	hears("before any media", 2)
	dropped(reports[0], c.local(1).RTCP(), rr)
	plays(0)
	hears("the oldest plays", 0)
	plays(1)
	hears("a newer one plays", 1)
	dropped(branches[0], c.local(1).RTP(), rtp(2, 0))
	plays(1)

	c.s.Set(sideB, mediarelay.Remote{RTP: branches[2].addr, RTCP: reports[2].addr, Sends: true, Receives: true})
	hears("the last answers", 2)
	branches[1].send(t, c.local(1).RTP(), rtp(3, 1))
	until(t, "wrong_source", func() bool { return c.s.Stats()[1].Drops[mediarelay.WrongSource] == 1 })
	plays(2)
	if n := c.rtp[0].waiting(t) + c.rtcp[0].waiting(t); n != 0 {
		t.Errorf("%d datagrams of branches that lost came to the caller", n)
	}
}

func TestForkRing(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	l := c.local(0)
	c.s.Set(sideA, mediarelay.Remote{RTP: l.RTP(), RTCP: l.RTCP(), Sends: true, Receives: true})
	l = c.local(1)
	if err := c.s.Add(sideB, mediarelay.Remote{RTP: l.RTP(), RTCP: l.RTCP(), Sends: true, Receives: true}); !errors.Is(err, mediarelay.ErrRing) {
		t.Errorf("%v", err)
	}
}

// The payload type changes on the wire, and costs no allocation.
func TestPayloadTypesCross(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	var m mediarelay.PayloadMap
	m.Map(96, 101)
	r := c.remote(0)
	r.Payload = &m
	c.s.Set(sideA, r)
	p, to, buf := rtp(1, 7), sockaddr(c.local(0).RTP()), make([]byte, 2048)
	p[1] = 0x80 | 96
	if n := testing.AllocsPerRun(100, func() {
		if err := c.rtp[0].through(to, p, c.rtp[1], buf); err != nil || buf[1] != 0x80|101 || id(buf) != 7 {
			t.Errorf("%v, second octet %#x", err, buf[1])
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
	c.rtp[1].send(t, c.local(1).RTP(), p)
	if got, _ := c.rtp[0].recv(t); got[1] != 0x80|96 {
		t.Errorf("the other way: second octet %#x", got[1])
	}
}

// Row rtcp_malformed of the bad input: a BYE with a foreign SSRC.
func TestForeignBye(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	bye := []byte{0x80, 201, 0, 1, 0, 0, 0, 1, 0x81, 203, 0, 1, 0, 0, 0, 2}
	c.rtcp[0].send(t, c.local(0).RTCP(), bye)
	until(t, "rtcp_malformed", func() bool { return c.s.Stats()[0].Drops[mediarelay.RTCPMalformed] == 1 })
	bye[15] = 1
	c.rtcp[0].send(t, c.local(0).RTCP(), bye)
	if got, _ := c.rtcp[1].recv(t); string(got) != string(bye) {
		t.Errorf("%x came", got)
	}
}

// One-way lines, and such as are off.
func TestDirections(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	inactive, off := c.remote(1), c.remote(1)
	inactive.Sends, inactive.Receives = false, false
	off.RTP = netip.AddrPortFrom(off.RTP.Addr(), 0)
	for cause, r := range map[mediarelay.Cause]mediarelay.Remote{mediarelay.Held: inactive, mediarelay.NoRemote: off} {
		c.s.Set(sideB, r)
		for side := range 2 {
			before := c.s.Stats()[side].Drops[cause]
			c.rtp[side].send(t, c.local(side).RTP(), rtp(1, 1))
			until(t, cause.String(), func() bool { return c.s.Stats()[side].Drops[cause] == before+1 })
		}
	}
	sendonly := c.remote(1)
	sendonly.Receives = false
	c.s.Set(sideB, sendonly)
	c.rtp[1].send(t, c.local(1).RTP(), rtp(1, 9))
	if got, _ := c.rtp[0].recv(t); id(got) != 9 {
		t.Errorf("%d came", id(got))
	}
	if n := c.rtp[1].waiting(t); n != 0 {
		t.Errorf("%d datagrams came to who does not receive", n)
	}
}
