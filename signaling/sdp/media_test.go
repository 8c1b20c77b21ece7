package sdp

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sbc/signaling/edit"
)

func parse(t testing.TB, text string) *Session {
	t.Helper()
	s := new(Session)
	if err := s.Parse([]byte(text), edit.Span{End: len(text)}); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

// Where media and RTCP go, and whether the far end wants them, by the lines
// of the session and of the media.
func TestWhere(t *testing.T) {
	const none = "invalid AddrPort"
	for _, c := range []struct {
		name, session, media string
		rtp, rtcp            string
		state                string
	}{
		{"plain", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
		{"own c=", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|c=IN IP4 192.0.2.2", "192.0.2.2:4000", "192.0.2.2:4001", "sendrecv"},
		{"IPv6", "c=IN IP6 2001:db8::1", "m=audio 4000 RTP/AVP 0", "[2001:db8::1]:4000", "[2001:db8::1]:4001", "sendrecv"},
		{"no address", "", "m=audio 4000 RTP/AVP 0", none, none, "sendrecv"},
		{"a=rtcp", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:5000", "192.0.2.1:4000", "192.0.2.1:5000", "sendrecv"},
		{"a=rtcp with address", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:5000 IN IP4 192.0.2.3", "192.0.2.1:4000", "192.0.2.3:5000", "sendrecv"},
		{"a=rtcp before c=", "", "m=audio 4000 RTP/AVP 0|a=rtcp:5000|c=IN IP4 192.0.2.2", "192.0.2.2:4000", "192.0.2.2:5000", "sendrecv"},
		{"a=rtcp with no address yet", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:5000 IN IP4 0.0.0.0", "192.0.2.1:4000", "192.0.2.1:5000", "sendrecv"},
		{"a=rtcp with a name", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:5000 IN IP4 x.example", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
		{"a=rtcp unreadable", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:70000", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
		{"a=rtcp twice", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:5000 IN IP4 192.0.2.3|a=rtcp:6000", "192.0.2.1:4000", "192.0.2.1:6000", "sendrecv"},
		{"a=rtcp at the session", "c=IN IP4 192.0.2.1|a=rtcp:5000", "m=audio 4000 RTP/AVP 0", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
		{"mux", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=rtcp:5000|a=rtcp-mux", "192.0.2.1:4000", "192.0.2.1:4000", "sendrecv"},
		{"no next port", "c=IN IP4 192.0.2.1", "m=audio 65535 RTP/AVP 0", "192.0.2.1:65535", none, "sendrecv"},
		{"T.38", "c=IN IP4 192.0.2.1", "m=image 4000 udptl t38", "192.0.2.1:4000", none, "sendrecv"},
		{"DTLS", "c=IN IP4 192.0.2.1", "m=audio 4000 UDP/TLS/RTP/SAVPF 0", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
		{"off", "c=IN IP4 192.0.2.1", "m=audio 0 RTP/AVP 0", "192.0.2.1:0", none, "sendrecv off"},
		{"bundle-only", "c=IN IP4 192.0.2.1", "m=audio 0 RTP/AVP 0|a=bundle-only", "192.0.2.1:0", none, "sendrecv"},

		{"held by sendonly", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=sendonly", "192.0.2.1:4000", "192.0.2.1:4001", "sendonly held"},
		{"held by inactive", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=inactive", "192.0.2.1:4000", "192.0.2.1:4001", "inactive held"},
		{"held by the session", "c=IN IP4 192.0.2.1|a=sendonly", "m=audio 4000 RTP/AVP 0", "192.0.2.1:4000", "192.0.2.1:4001", "sendonly held"},
		{"the media knows better", "c=IN IP4 192.0.2.1|a=inactive", "m=audio 4000 RTP/AVP 0|a=sendrecv", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
		{"the last one counts", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=sendrecv|a=recvonly", "192.0.2.1:4000", "192.0.2.1:4001", "recvonly"},
		{"recvonly is no hold", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=recvonly", "192.0.2.1:4000", "192.0.2.1:4001", "recvonly"},
		{"held by address", "c=IN IP4 0.0.0.0", "m=audio 4000 RTP/AVP 0", "0.0.0.0:4000", "0.0.0.0:4001", "sendrecv held"},
		{"held by own address", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|c=IN IP4 0.0.0.0|a=sendrecv", "0.0.0.0:4000", "0.0.0.0:4001", "sendrecv held"},
		{"held by address, IPv6", "c=IN IP6 ::", "m=audio 4000 RTP/AVP 0", "[::]:4000", "[::]:4001", "sendrecv held"},
		{"ICE will tell the address", "c=IN IP4 0.0.0.0", "m=audio 9 RTP/AVP 0|a=ice-ufrag:x", "0.0.0.0:9", "0.0.0.0:10", "sendrecv"},
		{"ICE of the session", "c=IN IP4 0.0.0.0|a=ice-ufrag:x", "m=audio 9 RTP/AVP 0", "0.0.0.0:9", "0.0.0.0:10", "sendrecv"},
		{"ICE and sendonly", "c=IN IP4 0.0.0.0", "m=audio 9 RTP/AVP 0|a=ice-ufrag:x|a=sendonly", "0.0.0.0:9", "0.0.0.0:10", "sendonly held"},
		{"trailing space", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=sendonly  |a=rtcp-mux ", "192.0.2.1:4000", "192.0.2.1:4000", "sendonly held"},
		{"another word", "c=IN IP4 192.0.2.1", "m=audio 4000 RTP/AVP 0|a=sendonlyx|a=inactive:x|a=SendOnly", "192.0.2.1:4000", "192.0.2.1:4001", "sendrecv"},
	} {
		text := "v=0|" + c.session + "|" + c.media + "|"
		s := parse(t, strings.ReplaceAll(strings.ReplaceAll(text, "||", "|"), "|", "\r\n"))
		m := &s.Media[0]
		state := m.Direction.String()
		if m.Off() {
			state += " off"
		}
		if m.Held() {
			state += " held"
		}
		rtp, rtcp := m.RTP().String(), m.RTCP().String()
		if rtp != c.rtp || rtcp != c.rtcp || state != c.state {
			t.Errorf("%s: rtp %s, rtcp %s, %s; want rtp %s, rtcp %s, %s", c.name, rtp, rtcp, state, c.rtp, c.rtcp, c.state)
		}
	}
}

// What the session says of security counts for all media, what one says for
// it alone.
func TestSecured(t *testing.T) {
	s := parse(t, head+"a=fingerprint:sha-256 4A\r\n"+audio+"a=crypto:1 x\r\n"+audio+"a=candidate:x\r\n")
	a, b := &s.Media[0], &s.Media[1]
	if !a.HasFingerprint || !b.HasFingerprint || !a.HasCrypto || b.HasCrypto || a.HasICE || !b.HasICE {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// Nothing of one description stays for the next.
func TestReuse(t *testing.T) {
	var s Session
	first := head + "a=sendonly\r\na=ice-ufrag:x\r\na=fingerprint:x\r\na=crypto:x\r\n" + audio + "a=rtcp:5000 IN IP4 192.0.2.9\r\na=rtcp-mux\r\na=bundle-only\r\n" + audio
	second := "v=0\r\n" + audio
	for _, text := range []string{first, second} {
		if err := s.Parse([]byte(text), edit.Span{End: len(text)}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := describe(&s), describe(parse(t, second)); got != want || s.Connection.Present || s.Origin.Present || !s.Name.Empty() {
		t.Errorf("after another one: %s, alone: %s", got, want)
	}
}

func TestDirection(t *testing.T) {
	for _, c := range []struct {
		d               Direction
		sends, receives bool
		name            string
		reverse         Direction
	}{
		{d: SendRecv, sends: true, receives: true, name: "sendrecv", reverse: SendRecv},
		{d: SendOnly, sends: true, name: "sendonly", reverse: RecvOnly},
		{d: RecvOnly, receives: true, name: "recvonly", reverse: SendOnly},
		{d: Inactive, name: "inactive", reverse: Inactive},
	} {
		if c.d.Sends() != c.sends || c.d.Receives() != c.receives || c.d.String() != c.name || c.d.Reverse() != c.reverse ||
			Dir(c.sends, c.receives) != c.d || direction([]byte(c.name)) != c.d {
			t.Errorf("%s: sends %v, receives %v, reverse %s, made of them %s, read %s", c.d, c.d.Sends(), c.d.Receives(),
				c.d.Reverse(), Dir(c.sends, c.receives), direction([]byte(c.name)))
		}
	}
}

// bad-input: sdp_address.
func TestUsable(t *testing.T) {
	for addr, want := range map[string][2]bool{ // in a realm that is not, and that is on loopback
		"192.0.2.1": {true, true}, "10.0.0.5": {true, true}, "169.254.1.1": {true, true}, "2001:db8::1": {true, true},
		"fc00::1": {true, true}, "::ffff:192.0.2.1": {true, true}, "223.255.255.255": {true, true}, "1.0.0.0": {true, true},
		"127.0.0.1": {false, true}, "127.255.0.1": {false, true}, "::1": {false, true}, "::ffff:127.0.0.1": {false, true},
		"0.0.0.0": {}, "::": {}, "0.1.2.3": {}, "224.0.0.1": {}, "239.255.255.255": {}, "240.0.0.1": {}, "255.255.255.255": {},
		"ff02::1": {}, "::ffff:224.0.0.1": {}, "::ffff:0.0.0.0": {}, "fe80::1": {},
	} {
		a := netip.MustParseAddr(addr)
		if got := [2]bool{Usable(a, false), Usable(a, true)}; got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
	if Usable(netip.Addr{}, true) {
		t.Error("no address is not usable")
	}
}

func TestParseAddr(t *testing.T) {
	for _, text := range []string{
		"", ".", ":", "::", ":::", "::1", "1::", "1::2::3", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7", "::1:2:3:4:5:6:7",
		"::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "1:2:3:4::5:6:7:8", "12345::", "::g", "1:", ":1", "::1:", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
		"1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:5", "1.2.3.4", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1..2.3", "1.2.3.4 ", "0.0.0.0",
		"255.255.255.255", "fe80::1%eth0", "FFFF::abcD", "1.2.3.4:5", "a.b", "1.2.3.", ".1.2.3",
	} {
		want, err := netip.ParseAddr(text)
		ok := err == nil && want.Zone() == ""
		if !ok {
			want = netip.Addr{}
		}
		if got, good := parseAddr([]byte(text)); good != ok || got != want {
			t.Errorf("%q: %v, %v; want %v, %v", text, got, good, want, ok)
		}
	}
}

func TestAttributes(t *testing.T) {
	s := parse(t, head+"a=group:BUNDLE 0 1\r\na=lite\r\n"+audio+"a=mid:0 \r\na=x:y:z\r\na=mid:late\r\na=\r\n"+audio)
	names := func(m *Media) (all []string) {
		for a := range s.Attributes(m) {
			all = append(all, text(s, a.Name)+"="+text(s, a.Value))
		}
		return all
	}
	for i, want := range [][]string{{"group=BUNDLE 0 1", "lite="}, {"mid=0", "x=y:z", "mid=late", "="}, nil} {
		var m *Media
		if i > 0 {
			m = &s.Media[i-1]
		}
		if got := names(m); !slices.Equal(got, want) {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
	if a, ok := s.Attribute(&s.Media[0], "mid"); !ok || text(s, a.Value) != "0" || s.Lines[a.Line].Type != 'a' {
		t.Errorf("mid: %+v, %v", a, ok)
	}
	for _, name := range []string{"MID", "mi", "group", ""} {
		if a, ok := s.Attribute(&s.Media[1], name); ok {
			t.Errorf("%q of the second media: %+v", name, a)
		}
	}
}

// Candidates with a name, or that cannot be read, are left out.
func TestCandidates(t *testing.T) {
	s := parse(t, head+audio+strings.Join([]string{
		"a=candidate:1 1 UDP 1 192.0.2.1 5000 typ host",
		"a=candidate:2 1 UDP 1 4e4e.local 5000 typ host",
		"a=candidate:3 1 UDP 1 host.example 5000 typ host",
		"a=candidate:4 2 TCP 4294967295 2001:db8::1 9 typ host tcptype active",
		"a=candidate:5 1 UDP 4294967296 192.0.2.1 5000 typ host",
		"a=candidate:6 1 UDP 1 192.0.2.1 65536 typ host",
		"a=candidate:7 x UDP 1 192.0.2.1 5000 typ host",
		"a=candidate:8 1 UDP 1 192.0.2.1 5000 type host",
		"a=candidate:9 1 UDP 1 192.0.2.1 5000 typ",
		"a=candidate:10 1 UDP 1 192.0.2.1 5000 typ relay generation 0 rport 7 raddr 10.0.0.1",
		"a=candidate:11 1 UDP 1 192.0.2.1 5000 typ relay raddr a.local rport 7",
		"a=candidate:12 1 UDP",
		"",
	}, "\r\n"))
	var got []string
	for c := range s.Candidates(&s.Media[0]) {
		got = append(got, text(s, c.Foundation)+" "+c.Addr.String()+" "+text(s, c.Type)+" "+c.Related.String())
	}
	want := []string{
		"1 192.0.2.1:5000 host invalid AddrPort", "4 [2001:db8::1]:9 host invalid AddrPort",
		"10 192.0.2.1:5000 relay 10.0.0.1:7", "11 192.0.2.1:5000 relay invalid AddrPort",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\nwant %q", got, want)
	}
	for range s.Candidates(&s.Media[0]) {
		break // an iterator must bear it
	}
}

// A hostile description must not cost formats times attributes: that would be
// 72 million looks, most of a second.
func TestFormatsCost(t *testing.T) {
	s := parse(t, head+"m=audio 4000 RTP/AVP"+strings.Repeat(" 0", 4000)+"\r\n"+strings.Repeat("a=\n", 18000))
	quickest := time.Hour
	for range 5 { // the machine may sleep
		n, begin := 0, time.Now()
		for range s.FormatsOf(&s.Media[0]) {
			n++
		}
		if quickest = min(quickest, time.Since(begin)); n != 4000 {
			t.Errorf("%d formats", n)
		}
	}
	if quickest > 100*time.Millisecond {
		t.Errorf("the formats took %v", quickest)
	}
}

func TestFormats(t *testing.T) {
	s := parse(t, head+"m=audio 4000 RTP/AVP 10 96 96 0 128 x 2\r\na=rtpmap:96 first/16000/2\r\na=rtpmap:96 second/8000\r\n"+
		"a=rtpmap:0 OWN/1x\r\na=fmtp:96  a=b c\r\na=fmtp:96 later\r\n")
	var got []string
	for f := range s.FormatsOf(&s.Media[0]) {
		got = append(got, s.EncodingName(&f)+" "+text(s, f.Parameters))
		if f.Payload == 96 && (f.Rate != 16000 || f.Channels != 2) || f.Payload == 10 && (f.Rate != 44100 || f.Channels != 2) ||
			text(s, f.Text) == "128" && f.Payload != -1 || f.Payload == 0 && f.Rate != 0 {
			t.Errorf("%s: %+v", text(s, f.Text), f)
		}
	}
	if want := []string{"L16 ", "first a=b c", "first a=b c", "OWN ", "128 ", "x ", "2 "}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
