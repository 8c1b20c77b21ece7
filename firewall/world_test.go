package firewall

import (
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	epoch    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	ours     = netip.MustParseAddrPort("203.0.113.7:5060")
	peer     = netip.MustParseAddrPort("198.51.100.9:5060")
	phone    = netip.MustParseAddrPort("192.0.2.77:31022") // registered
	resolver = netip.MustParseAddrPort("198.51.100.53:53")
	scanner  = netip.MustParseAddrPort("192.0.2.66:5071")
	scanner6 = netip.MustParseAddrPort("[2001:db8:66::1]:5071")
)

// who knows the peer and the phone.
func who(_ int, src netip.AddrPort, _ uint16) Class {
	switch src {
	case peer:
		return Peer
	case phone:
		return Registered
	}
	return Unknown
}

// options are the defaults in a small world.
func options() Options {
	o := Defaults()
	o.Start, o.Log, o.Known, o.Peers = epoch, slog.New(slog.DiscardHandler), who, 2
	o.Listeners = []netip.AddrPort{ours}
	o.Broadcasts = []netip.Addr{netip.MustParseAddr("203.0.113.255")}
	o.Never = []netip.Prefix{only(peer), only(resolver), netip.MustParsePrefix("2001:db8:ffff::/48")}
	return o
}

func only(a netip.AddrPort) netip.Prefix { return netip.PrefixFrom(a.Addr(), a.Addr().BitLen()) }

func newGuard(t testing.TB, change func(*Options)) *Guard {
	t.Helper()
	o := options()
	if change != nil {
		change(&o)
	}
	g, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// ask asks about an ordinary datagram.
func (g *Guard) ask(now time.Duration, src netip.AddrPort) Verdict {
	return g.Verdict(now, 0, 0, src, register)
}

// want checks a verdict.
func want(t testing.TB, what string, got Verdict, c Cause) {
	t.Helper()
	if got.Cause != c || got.Drop != (c != NoCause) {
		t.Errorf("%s: %v drop %v, want %q", what, got.Cause, got.Drop, c)
	}
}

var register = []byte("REGISTER sip:voice.example SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bK-524287-1---8a2b9f6f;rport\r\n" +
	"Max-Forwards: 70\r\n" +
	"Contact: <sip:anna@192.168.1.20:5060;rinstance=2fdb8c1a>\r\n" +
	"To: <sip:anna@voice.example>\r\n" +
	"From: <sip:anna@voice.example>;tag=33ed0f6b\r\n" +
	"Call-ID: NGQ2YWM3ODRhMTk1ZjFkMzQ\r\n" +
	"CSeq: 1 REGISTER\r\n" +
	"Expires: 600\r\n" +
	"User-Agent: Z 5.6.4 v2.10.20.4\r\n" +
	"Content-Length: 0\r\n\r\n")

var svmap = []byte("OPTIONS sip:100@203.0.113.7 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 127.0.1.1:5071;branch=z9hG4bK-3121455;rport\r\n" +
	"Content-Length: 0\r\n" +
	"From: \"sipvicious\"<sip:100@1.1.1.1>; tag=6434396530333864\r\n" +
	"Accept: application/sdp\r\n" +
	"User-Agent: friendly-scanner\r\n" +
	"To: \"sipvicious\"<sip:100@1.1.1.1>\r\n" +
	"Contact: sip:100@127.0.1.1:5071\r\n" +
	"CSeq: 1 OPTIONS\r\n" +
	"Call-ID: 1002\r\n" +
	"Max-Forwards: 70\r\n\r\n")

func ip4(n uint32) netip.Addr { return (ip4Source | source(n)).addr() }
