package nat_test

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/nat"
	"sbc/signaling/sip"
)

const options = "OPTIONS sip:a@203.0.113.7 SIP/2.0\r\nVia: VIA\r\nFrom: <sip:b@x>;tag=1\r\nTo: <sip:a@y>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"

func TestObserve(t *testing.T) {
	src := netip.MustParseAddrPort("198.51.100.9:31022")
	for _, c := range []struct {
		name, via  string
		asymmetric bool
		sentBy     uint16
		want       nat.Facts
	}{
		{"behind a NAT", "SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1;rport", false, 5060,
			nat.Facts{Elsewhere: true, Answer: src}},
		{"rport was not asked for", "SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK1", false, 5060,
			nat.Facts{Elsewhere: true, Answer: src}},
		{"at home", "SIP/2.0/UDP 198.51.100.9:31022;branch=z9hG4bK1", false, 31022,
			nat.Facts{Answer: src}},
		{"another port", "SIP/2.0/UDP 198.51.100.9;branch=z9hG4bK1", false, 5060,
			nat.Facts{Elsewhere: true, Answer: src}},
		{"asymmetric", "SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1", true, 5070,
			nat.Facts{Elsewhere: true, Answer: netip.MustParseAddrPort("198.51.100.9:5070")}},
		{"asymmetric, default port", "SIP/2.0/UDP gw.example;branch=z9hG4bK1", true, 5060,
			nat.Facts{Elsewhere: true, Answer: netip.MustParseAddrPort("198.51.100.9:5060")}},
		{"asymmetric, but rport asked for", "SIP/2.0/UDP 198.51.100.9:5070;branch=z9hG4bK1;rport", true, 5070,
			nat.Facts{Elsewhere: true, Answer: src}},
		{"maddr is not followed", "SIP/2.0/UDP 198.51.100.9:31022;maddr=192.0.2.66;branch=z9hG4bK1", false, 31022,
			nat.Facts{Answer: src}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.SentBy = netip.AddrPortFrom(src.Addr(), c.sentBy)
			var m sip.Message
			if err := m.Parse([]byte(strings.Replace(options, "VIA", c.via, 1))); err != nil {
				t.Fatal(err)
			}
			if got := nat.Observe(&m, src, c.asymmetric); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestObserveIPv6(t *testing.T) {
	src := netip.MustParseAddrPort("[2001:db8::9]:5060")
	var m sip.Message
	if err := m.Parse([]byte(strings.Replace(options, "VIA", "SIP/2.0/TCP [2001:DB8:0::9];branch=z9hG4bK1", 1))); err != nil {
		t.Fatal(err)
	}
	if got := nat.Observe(&m, src, false); got.Elsewhere || got.SentBy != src {
		t.Errorf("got %+v", got)
	}
}
