package socket

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/pion/rtcp"

	"sbc/mediarelay"
)

const (
	sideA = mediarelay.A
	sideB = mediarelay.B
)

func TestRelay(t *testing.T) {
	for _, c := range []struct {
		name      string
		ours, far [2]netip.Addr
	}{
		{"IPv4", [2]netip.Addr{inside, outside}, [2]netip.Addr{phone, carrier}},
		{"IPv6", [2]netip.Addr{netip.IPv6Loopback(), netip.IPv6Loopback()}, [2]netip.Addr{netip.IPv6Loopback(), netip.IPv6Loopback()}},
		{"IPv4 to IPv6", [2]netip.Addr{inside, netip.IPv6Loopback()}, [2]netip.Addr{phone, netip.IPv6Loopback()}},
		{"IPv6 to IPv4", [2]netip.Addr{netip.IPv6Loopback(), outside}, [2]netip.Addr{netip.IPv6Loopback(), carrier}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := options(4)
			open := between(&o, c.ours)
			testRelay(t, newCall(t, newEngine(t, o, linux), open, c.far))
		})
	}
}

func testRelay(t *testing.T, c *call) {
	for seq := range uint16(10) {
		for side := range 2 {
			p := rtp(seq, uint64(side))
			c.rtp[side].send(t, c.local(side).RTP(), p)
			got, src := c.rtp[1-side].recv(t)
			if !bytes.Equal(got, p) || src != c.local(1-side).RTP() {
				t.Fatalf("from side %d: %d octets from %v", side, len(got), src)
			}
		}
	}
	report := rtcp.CompoundPacket{
		&rtcp.ReceiverReport{SSRC: 1},
		&rtcp.SourceDescription{Chunks: []rtcp.SourceDescriptionChunk{{Source: 1, Items: []rtcp.SourceDescriptionItem{
			{Type: rtcp.SDESCNAME, Text: "sip:alice@192.168.1.10"}, {Type: rtcp.SDESTool, Text: "phone 1.0"},
		}}}},
	}
	b, err := report.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	c.rtcp[0].send(t, c.local(0).RTCP(), b)
	got, src := c.rtcp[1].recv(t)
	packets, err := rtcp.Unmarshal(got)
	if err != nil || src != c.local(1).RTCP() {
		t.Fatalf("%x from %v: %v", got, src, err)
	}
	items := packets[1].(*rtcp.SourceDescription).Chunks[0].Items
	if len(items) != 1 || items[0].Text == "sip:alice@192.168.1.10" || bytes.Contains(got, []byte("phone")) {
		t.Errorf("the other side sees %v", items)
	}
	until(t, "the counters", func() bool { return c.s.Stats()[0].Forwarded == 11 })
	s := c.s.Close()
	for side := range s {
		if x := s[side]; x.Packets != 10 || x.Octets != 1720 || x.Lost != 0 || x.Latched != c.rtp[side].addr || x.Dropped() != 0 || x.LastRTP == 0 {
			t.Errorf("side %d: %+v", side, x)
		}
	}
	if s[0].RTCP != 1 || s[1].RTCP != 0 {
		t.Errorf("RTCP %d and %d", s[0].RTCP, s[1].RTCP)
	}
}

// Rows wrong_source, rtp_malformed, rtcp_malformed, rtp_too_long and no_remote
// of the bad input: silence, one count each, and the call goes on.
func TestBadPackets(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	stranger := newEnd(t, phone)
	to := c.local(0)
	for _, p := range []struct {
		what  string
		from  *end
		to    netip.AddrPort
		b     []byte
		cause mediarelay.Cause
	}{
		{"a stranger", stranger, to.RTP(), rtp(1, 1), mediarelay.WrongSource},
		{"the RTCP port", c.rtcp[0], to.RTP(), rtp(1, 1), mediarelay.WrongSource},
		{"a stranger's RTCP", stranger, to.RTCP(), []byte{0x80, 201, 0, 1, 0, 0, 0, 1}, mediarelay.WrongSource},
		{"an empty datagram", c.rtp[0], to.RTP(), nil, mediarelay.RTPMalformed},
		{"one octet", c.rtp[0], to.RTP(), []byte{0x80}, mediarelay.RTPMalformed},
		{"zeros", c.rtp[0], to.RTP(), make([]byte, 20), mediarelay.RTPMalformed},
		{"STUN", c.rtp[0], to.RTP(), []byte("\x00\x01\x00\x00\x21\x12\xa4\x42123456789012"), mediarelay.STUNAuth},
		{"RTP as RTCP", c.rtcp[0], to.RTCP(), rtp(1, 1), mediarelay.RTCPMalformed},
		{"2 KiB and one", c.rtp[0], to.RTP(), append(rtp(1, 1), make([]byte, 2049-172)...), mediarelay.TooLong},
		{"far too long", c.rtp[0], to.RTP(), append(rtp(1, 1), make([]byte, 60000)...), mediarelay.TooLong},
		{"far too long RTCP", c.rtcp[0], to.RTCP(), make([]byte, 60000), mediarelay.TooLong},
	} {
		before := c.s.Stats()[0]
		p.from.send(t, p.to, p.b)
		until(t, p.what, func() bool { return c.s.Stats()[0].Dropped() > before.Dropped() })
		after := c.s.Stats()[0]
		before.Drops[p.cause]++
		before.Latched = after.Latched
		if after != before {
			t.Errorf("%s: %+v, want %+v", p.what, after, before)
		}
	}
	longest := append(rtp(1, 7), make([]byte, mediarelay.MaxDatagram-172)...)
	c.rtp[0].send(t, to.RTP(), longest)
	if got, _ := c.rtp[1].recv(t); !bytes.Equal(got, longest) {
		t.Errorf("%d octets of %d came", len(got), len(longest))
	}
	if n := c.rtp[1].waiting(t) + c.rtcp[1].waiting(t) + c.rtp[0].waiting(t) + stranger.waiting(t); n != 0 {
		t.Errorf("%d datagrams were sent for bad ones", n)
	}
}

func TestSendFails(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	r := c.remote(1)
	r.RTP = netip.MustParseAddrPort("192.0.2.77:4000") // no way leads there from loopback
	c.s.Set(sideB, r)
	c.rtp[0].send(t, c.local(0).RTP(), rtp(1, 1))
	until(t, "send_failed", func() bool { return c.s.Stats()[0].Drops[mediarelay.SendFailed] == 1 })
	if x := c.s.Stats()[0]; x.Forwarded != 0 || x.Packets != 1 {
		t.Errorf("%+v", x)
	}
}

func TestUDPTL(t *testing.T) {
	e := newEngine(t, options(4), linux)
	c := newCall(t, e, mediarelay.Open{Realm: [2]int{0, 1}, Opaque: true}, [2]netip.Addr{phone, carrier})
	for _, b := range [][]byte{{}, {0}, []byte("a fax")} {
		c.rtp[0].send(t, c.local(0).RTP(), b)
		if got, _ := c.rtp[1].recv(t); !bytes.Equal(got, b) {
			t.Errorf("%q became %q", b, got)
		}
	}
	// The odd port of the pair has no socket while nobody needs it.
	odd := netip.AddrPortFrom(inside, c.local(0).Port+1)
	k := linux
	fd, err := k.listen(odd, 4096)
	if err != nil {
		t.Fatal(err)
	}
	_ = k.close(fd)
}

// Mux on the caller's side only: its RTCP comes and goes by the RTP port.
func TestMuxOnOneSide(t *testing.T) {
	e := newEngine(t, options(4), linux)
	o := audio
	o.Mux[0] = true
	c := newCall(t, e, o, [2]netip.Addr{phone, carrier})
	r := c.remote(0)
	r.Mux = true
	c.s.Set(sideA, r)
	rr := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
	c.rtp[0].send(t, c.local(0).RTP(), rr)
	if got, src := c.rtcp[1].recv(t); !bytes.Equal(got, rr) || src != c.local(1).RTCP() {
		t.Errorf("%x from %v", got, src)
	}
	c.rtcp[1].send(t, c.local(1).RTCP(), rr)
	if got, src := c.rtp[0].recv(t); !bytes.Equal(got, rr) || src != c.local(0).RTP() {
		t.Errorf("%x from %v", got, src)
	}
}

// Our own live port as a far end (row sdp_address of the bad input): two calls
// are joined inside the relay, and a ring is refused.
func TestSpiral(t *testing.T) {
	e := newEngine(t, options(4), linux)
	first := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	second := newCall(t, e, audio, [2]netip.Addr{phone, carrier})
	join := func(s, other mediarelay.Stream, side mediarelay.Side) {
		l := other.Local(side)
		s.Set(side, mediarelay.Remote{RTP: l.RTP(), RTCP: l.RTCP(), Sends: true, Receives: true})
	}
	join(first.s, second.s, sideA)
	join(second.s, first.s, sideA)
	first.rtp[1].send(t, first.local(1).RTP(), rtp(1, 42))
	if got, src := second.rtp[1].recv(t); id(got) != 42 || src != second.local(1).RTP() {
		t.Errorf("%d from %v", id(got), src)
	}
	join(first.s, second.s, sideB)
	join(second.s, first.s, sideB)
	if x := second.s.Stats(); !x[1].Looped || x[0].Looped {
		t.Errorf("a ring was let be: %+v", x)
	}
}
