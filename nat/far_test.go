package nat_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"sbc/nat"
	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// far is one message of a table: its top Via, its Contact, and where its
// session description wants media ("10.0.0.5:4000 203.0.113.5:4002").
type far struct {
	via, contact, media string
	src                 string
	stream              bool
}

func look(t testing.TB, c far) nat.Far {
	t.Helper()
	raw := "INVITE sip:a@203.0.113.7 SIP/2.0\r\nVia: " + c.via + ";branch=z9hG4bK1\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:a@y>\r\n" +
		"Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: " + c.contact + "\r\n"
	var body string
	for _, at := range strings.Fields(c.media) {
		host, port, _ := strings.Cut(at, "/")
		family := "IP4"
		if strings.Contains(host, ":") {
			family = "IP6"
		}
		body += fmt.Sprintf("m=audio %s RTP/AVP 8\r\nc=IN %s %s\r\n", port, family, host)
	}
	var s *sdp.Session
	if body != "" {
		body = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n" + body
		s = new(sdp.Session)
		if err := s.Parse([]byte(body), edit.Span{Start: 0, End: len(body)}); err != nil {
			t.Fatal(err)
		}
	}
	var m sip.Message
	if err := m.Parse([]byte(raw + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body))); err != nil {
		t.Fatal(err)
	}
	return nat.Look(&m, s, netip.MustParseAddrPort(c.src), c.stream)
}

func TestKind(t *testing.T) {
	const seen = "203.0.113.5:31022"
	for _, c := range []struct {
		name string
		far  far
		want string
	}{
		{"no NAT", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@203.0.113.5:31022>", src: seen}, "none"},
		{"no NAT, default ports", far{via: "SIP/2.0/UDP 203.0.113.5", contact: "<sip:b@203.0.113.5>", src: "203.0.113.5:5060"}, "none"},
		{"no NAT, in IPv6", far{via: "SIP/2.0/UDP [2001:DB8:0::5]", contact: "<sip:b@[2001:db8::5]>", src: "[2001:db8::5]:5060"}, "none"},
		{"no NAT, a socket for both families", far{via: "SIP/2.0/UDP 203.0.113.5", contact: "<sip:b@203.0.113.5>", src: "[::ffff:203.0.113.5]:5060"}, "none"},
		{"asymmetric, or it knows only its address", far{via: "SIP/2.0/UDP 203.0.113.5:5060", contact: "<sip:b@203.0.113.5:5060>", src: seen}, "port"},
		{"the port is preserved", far{via: "SIP/2.0/UDP 10.0.0.5:31022", contact: "<sip:b@10.0.0.5:31022>", src: seen}, "address"},
		{"the default port is preserved", far{via: "SIP/2.0/UDP 10.0.0.5", contact: "<sip:b@10.0.0.5>", src: "203.0.113.5:5060"}, "address"},
		{"another port", far{via: "SIP/2.0/UDP 10.0.0.5:5060;rport", contact: "<sip:b@10.0.0.5:5060>", src: seen}, "address+port"},
		{"NAT behind NAT of one network", far{via: "SIP/2.0/UDP 192.168.1.5", contact: "<sip:b@192.168.1.5>", src: "100.64.0.9:4000"}, "address+port"},
		{"from the other family", far{via: "SIP/2.0/UDP [fd00::5]:5060", contact: "<sip:b@[fd00::5]>", src: "203.0.113.5:5060"}, "address"},
		{"Via and Contact of two networks", far{via: "SIP/2.0/UDP 10.0.0.5:5060", contact: "<sip:b@192.168.1.1>", src: seen}, "address+port"},

		{"an ALG of Via only", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@10.0.0.5:5060>", src: seen}, "half:via"},
		{"an ALG of the Via's host only", far{via: "SIP/2.0/UDP 203.0.113.5:5060", contact: "<sip:b@10.0.0.5:5060>", src: seen}, "half:via"},
		{"an ALG of Contact only", far{via: "SIP/2.0/UDP 10.0.0.5:5060", contact: "<sip:b@203.0.113.5:31022>", src: seen}, "half:contact"},
		{"an ALG that does not see bodies", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@203.0.113.5:31022>", media: "10.0.0.5/4000", src: seen}, "half:not-media"},
		{"an ALG that sees one line", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@203.0.113.5:31022>", media: "203.0.113.5/4000 10.0.0.5/4002", src: seen}, "half:not-media"},
		{"STUN for the media", far{via: "SIP/2.0/UDP 10.0.0.5:5060", contact: "<sip:b@10.0.0.5:5060>", media: "203.0.113.5/4000", src: seen}, "half:media"},
		{"STUN for one line", far{via: "SIP/2.0/UDP 10.0.0.5:5060", contact: "<sip:b@10.0.0.5:5060>", media: "203.0.113.5/4000 10.0.0.5/4002", src: seen}, "address+port"},
		{"media of another public host", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@203.0.113.5:31022>", media: "198.51.100.8/4000", src: seen}, "none"},
		{"a PBX whose media is elsewhere on the LAN", far{via: "SIP/2.0/UDP 192.168.1.10:5060", contact: "<sip:192.168.1.10>", media: "192.168.2.10/4000", src: "192.168.1.10:5060"}, "none"},
		{"held as of old", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@203.0.113.5:31022>", media: "0.0.0.0/4000", src: seen}, "none"},
		{"a line that is off", far{via: "SIP/2.0/UDP 203.0.113.5:31022", contact: "<sip:b@203.0.113.5:31022>", media: "10.0.0.5/0", src: seen}, "none"},

		{"a phone in a browser", far{via: "SIP/2.0/WSS df7jal23ls0d.invalid", contact: "<sip:b@df7jal23ls0d.invalid;transport=ws>", src: seen, stream: true}, "unknown"},
		{"a name in Via", far{via: "SIP/2.0/UDP gw.example", contact: "<sip:b@203.0.113.5:31022>", src: seen}, "none"},
		{"a name in Contact", far{via: "SIP/2.0/UDP 10.0.0.5:31022", contact: "<sip:b@gw.example>", src: seen}, "address"},
		{"a name in Via, behind a NAT", far{via: "SIP/2.0/UDP gw.example", contact: "<sip:b@10.0.0.5:5060>", src: seen}, "address+port"},
		{"a name in Via, the port is preserved", far{via: "SIP/2.0/UDP gw.example", contact: "<sip:b@10.0.0.5:31022>", src: seen}, "address"},
		{"a name in Via, another port", far{via: "SIP/2.0/UDP gw.example", contact: "<sip:b@203.0.113.5>", src: seen}, "port"},
		{"a stream without NAT", far{via: "SIP/2.0/TCP 203.0.113.5:5060", contact: "<sip:b@203.0.113.5;transport=tcp>", src: seen, stream: true}, "none"},
		{"a stream through a NAT", far{via: "SIP/2.0/TCP 10.0.0.5:5060", contact: "<sip:b@10.0.0.5;transport=tcp>", src: seen, stream: true}, "address"},
		{"a proxy without NAT: the phone behind it is its business", far{via: "SIP/2.0/UDP 203.0.113.5:31022, SIP/2.0/UDP 10.0.0.5", contact: "<sip:b@10.0.0.5>", media: "10.0.0.5/4000", src: seen}, "none"},
		{"a proxy behind a NAT", far{via: "SIP/2.0/UDP 10.0.0.9:31022, SIP/2.0/UDP 203.0.113.5", contact: "<sip:b@203.0.113.5:31022>", src: seen}, "address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := look(t, c.far)
			if got := f.Kind().String(); got != c.want {
				t.Errorf("got %s, want %s: %+v", got, c.want, f)
			}
			behind := strings.HasPrefix(c.want, "address") || strings.HasPrefix(c.want, "half")
			if f.Kind().Behind() != behind {
				t.Errorf("behind a NAT: %v", !behind)
			}
		})
	}
}

func TestLook(t *testing.T) {
	f := look(t, far{
		via: "SIP/2.0/UDP 10.0.0.5:5070;rport;received=198.51.100.3", contact: "<sips:b@[fd00::5]>",
		media: "203.0.113.5/4000 100.64.0.5/4002 10.0.0.5/0", src: "203.0.113.5:31022",
	})
	want := nat.Far{
		Source:        netip.MustParseAddrPort("203.0.113.5:31022"),
		Via:           nat.Named{Match: nat.OtherAddress, Place: nat.Private, Addr: netip.MustParseAddrPort("10.0.0.5:5070")},
		Hops:          1,
		Rport:         true,
		Received:      netip.MustParseAddr("198.51.100.3"),
		Contact:       nat.Named{Match: nat.OtherFamily, Place: nat.Private, Addr: netip.MustParseAddrPort("[fd00::5]:5061")},
		ContactStream: true,
		Media:         nat.Named{Match: nat.OtherAddress, Place: nat.Shared, Addr: netip.MustParseAddrPort("100.64.0.5:4002")},
		MediaLines:    2,
		MediaAtSrc:    1,
	}
	if f != want {
		t.Errorf("got  %+v\nwant %+v", f, want)
	}
}

func TestLookDetails(t *testing.T) {
	f := look(t, far{via: "SIP/2.0/TLS 10.0.0.5", contact: "<sip:b@10.0.0.5;transport=TLS>", media: "0.0.0.0/4000",
		src: "[::ffff:203.0.113.5]:31022", stream: true})
	if f.Source != netip.MustParseAddrPort("203.0.113.5:31022") {
		t.Errorf("source %v", f.Source)
	}
	if want := netip.MustParseAddrPort("10.0.0.5:5061"); f.Via.Addr != want || f.Contact.Addr != want || !f.ContactStream {
		t.Errorf("the port of TLS: %+v", f)
	}
	if f.Media.Match != nat.Absent || f.MediaLines != 1 {
		t.Errorf("media on hold: %+v", f.Media)
	}
	f = look(t, far{via: "SIP/2.0/UDP 10.0.0.5", contact: "<sip:b@10.0.0.5>", media: "10.0.0.5/4000 203.0.113.5/4000", src: "203.0.113.5:4000"})
	if f.Media.Match != nat.OtherAddress || f.MediaAtSrc != 1 {
		t.Errorf("two lines: %+v", f)
	}
}

// In a response the Vias are ours.
func TestLookResponse(t *testing.T) {
	var m sip.Message
	if err := m.Parse([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:a@y>;tag=2\r\n" +
		"Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.5:5060>\r\nContent-Length: 0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	f := nat.Look(&m, nil, netip.MustParseAddrPort("203.0.113.5:31022"), false)
	if f.Via.Match != nat.Absent || f.Hops != 0 || f.Contact.Match != nat.OtherAddress || f.Kind() != nat.KindAddressPort {
		t.Errorf("%+v %v", f, f.Kind())
	}
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		addr, src string
		match     nat.Match
		place     nat.Place
	}{
		{"203.0.113.5:1", "203.0.113.5:1", nat.Same, nat.Public},
		{"203.0.113.5:2", "203.0.113.5:1", nat.OtherPort, nat.Public},
		{"[::ffff:203.0.113.5]:1", "203.0.113.5:1", nat.Same, nat.Public},
		{"10.0.0.5:1", "203.0.113.5:1", nat.OtherAddress, nat.Private},
		{"[2001:db8::1]:1", "203.0.113.5:1", nat.OtherFamily, nat.Public},
		{"[fe80::1]:1", "[fe80::1%eth0]:1", nat.Same, nat.LinkLocal},
	} {
		if n := nat.Compare(netip.MustParseAddrPort(c.addr), netip.MustParseAddrPort(c.src)); n.Match != c.match || n.Place != c.place {
			t.Errorf("%s from %s: %v, %v", c.addr, c.src, n.Match, n.Place)
		}
	}
	if n := nat.Compare(netip.AddrPort{}, netip.MustParseAddrPort("203.0.113.5:1")); n.Match != nat.Absent || n.Place != nat.None {
		t.Errorf("nothing: %+v", n)
	}
}

func TestFarWords(t *testing.T) {
	for m := nat.Absent; m <= nat.OtherFamily; m++ {
		if m.String() == "unknown" {
			t.Errorf("match %d has no word", m)
		}
	}
	if nat.Match(99).String() != "unknown" || nat.Kind(99).String() != "unknown" {
		t.Error("words for none")
	}
}
