package signaling

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/firewall"
)

// guarded has a guard with these options; nobody but peers is known.
func guarded(change func(*firewall.Options)) func(*Options) {
	return func(o *Options) {
		o.Guard = func(known func(int, netip.AddrPort, uint16) firewall.Class) (*firewall.Guard, error) {
			g := firewall.Defaults()
			g.Start, g.Log, g.Known, g.Peers = o.Start, o.Log, known, len(o.Rules.Peers())
			g.Never = o.Rules.Sources()
			if change != nil {
				change(&g)
			}
			return firewall.New(g)
		}
	}
}

// ping is an OPTIONS of a branch of its own.
func ping(branch, fields string) []byte {
	return []byte(crlf("OPTIONS sip:127.3.61.1 SIP/2.0\nVia: SIP/2.0/UDP 127.4.61.9;branch=z9hG4bK" + branch +
		"\nMax-Forwards: 70\nFrom: <sip:a@127.4.61.9>;tag=1\nTo: <sip:127.3.61.1>\nCall-ID: " + branch + "\nCSeq: 1 OPTIONS\n" + fields + "Content-Length: 0\n\n"))
}

// A peer over its rate is told, a stranger is not: the rows of who is refused for
// how much it sends.
func TestOverRate(t *testing.T) {
	b := startBorder(t, 61, 1, guarded(func(o *firewall.Options) {
		o.New, o.Source = firewall.Rate{PerSecond: 1, Burst: 2}, firewall.Rate{PerSecond: 1, Burst: 2}
	}))
	outside := netip.MustParseAddrPort("127.3.61.1:5060")
	itsp := newDatagrams(t, netip.MustParseAddrPort("127.4.61.1:5070"))
	const pings = 20
	for i := range pings {
		itsp.write(outside, ping("itsp"+string(rune('a'+i)), ""))
	}
	told := 0 // all but two, and one more for each second that the machine sleeps
	for i := range pings {
		switch is := itsp.read(""); {
		case i < 2 && is.label() != "200":
			t.Errorf("ping %d gets\n%s", i, is.bytes)
		case is.label() == "200":
		case is.label() != "503" || is.field("Retry-After") != "5":
			t.Errorf("it is told\n%s", is.bytes)
		default:
			told++
		}
	}
	ack := strings.NewReplacer("OPTIONS", "ACK").Replace(string(ping("ack", "")))
	itsp.write(outside, []byte(ack)) // which is never answered
	stranger := newDatagrams(t, netip.MustParseAddrPort("127.4.61.9:5070"))
	for i := range 6 {
		stranger.write(outside, ping("stranger"+string(rune('a'+i)), ""))
	}
	scanner := newDatagrams(t, netip.MustParseAddrPort("127.4.61.8:5070"))
	scanner.write(outside, ping("scanner", "User-Agent: friendly-scanner\n"))
	drops := func(cause firewall.Cause, class firewall.Class) uint64 {
		return b.engine.Guard().Stats().Dropped[cause][class]
	}
	eventually(t, "all to be counted", func() bool {
		return b.engine.Status().Rejects["stranger"] >= 2 && drops(firewall.CauseRate, firewall.Unknown) >= 1 &&
			drops(firewall.CauseScanner, firewall.Unknown) == 1 && drops(firewall.CausePeerNew, firewall.Peer) >= uint64(told)
	})
	for _, d := range []*datagrams{stranger, scanner, itsp} {
		d.c.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
		got := make([]byte, 4096)
		if n, err := d.c.Read(got); err == nil {
			t.Errorf("%v hears %q", d.c.LocalAddr(), got[:n])
		}
	}
	if n := b.engine.Status().Rejects["rate"]; n != told || told == 0 {
		t.Errorf("%d were counted, %d were told", n, told)
	}
}

// What a connection brings is its sender's own: a scanner's connection ends with
// its first message, a few of them ban it, and then it is not let in.
func TestGuardOfConnections(t *testing.T) {
	b := startBorder(t, 62, 1, overTCP, guarded(nil))
	connect := func(last byte) (net.Conn, error) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 4, 62, last)}}
		return d.Dial("tcp", "127.3.62.1:5060")
	}
	dial := func(last byte) *peer {
		c, err := connect(last)
		if err != nil {
			t.Fatal(err)
		}
		return newPeer(t, c)
	}
	early := dial(9)
	over := func(branch, fields string) string {
		return strings.NewReplacer("\r\n", "\n", "SIP/2.0/UDP", "SIP/2.0/TCP").Replace(string(ping(branch, fields)))
	}
	for range 3 { // 40 points, which fade
		p := dial(9)
		p.write(over("scan", "User-Agent: friendly-scanner\n"))
		p.gone()
	}
	if bans := b.engine.Guard().Bans(b.engine.now()); len(bans) != 1 || bans[0].Prefix.String() != "127.4.62.9/32" {
		t.Errorf("bans: %+v", bans)
	}
	early.gone()                          // without another word
	if c, err := connect(9); err == nil { // or the reset comes before connect returns
		newPeer(t, c).gone()
	} else if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the banned one is told %v", err)
	}
	neighbour := dial(8)
	neighbour.write(over("neighbour", ""))
	eventually(t, "the neighbour to be heard", func() bool { return b.engine.Status().Rejects["stranger"] == 1 })
	itsp := dial(1)
	itsp.write(strings.ReplaceAll(over("itsp", "User-Agent: friendly-scanner\n"), "127.4.61.9", "127.4.62.1"))
	itsp.read("200")
}
