package mediarelay

import (
	"net/netip"
	"testing"
)

// A phone behind a NAT: what it says, and where it is.
var (
	homeNAT   = netip.MustParseAddr("203.0.113.7")
	atHome    = Remote{RTP: addr("10.0.0.5:4000"), RTCP: addr("10.0.0.5:4001"), Signaling: homeNAT, Sends: true, Receives: true}
	mediaOnly = Remote{RTP: addr("203.0.113.90:4000"), RTCP: addr("203.0.113.90:4001"), Signaling: homeNAT, Sends: true, Receives: true}
	officePBX = Remote{RTP: addr("192.168.1.10:6000"), RTCP: addr("192.168.1.10:6001"), Signaling: netip.MustParseAddr("192.168.1.10"), Sends: true, Receives: true}
	nowhere   netip.AddrPort
)

// newBorder returns a relay between a LAN and an outside realm with NATs.
func newBorder(t testing.TB) *Model {
	t.Helper()
	m, err := NewModel(Options{Realms: newBorderRealms()}, fixed())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func newBorderRealms() []RealmPool {
	return []RealmPool{
		{Name: "inside", Addr: netip.MustParseAddr("192.168.1.1"), First: 20000, Last: 20009},
		{Name: "outside", Addr: netip.MustParseAddr("203.0.113.1"), Addr6: netip.MustParseAddr("2001:db8::1"), First: 30000, Last: 30009, NAT: true},
	}
}

// A line is a stream with a PBX inside and a phone at home.
type line struct {
	*testing.T
	m    *Model
	s    Stream
	a, b Local
}

func newLine(t *testing.T, phone Remote) *line {
	t.Helper()
	m := newBorder(t)
	s := openStream(t, m, audio)
	s.Set(A, officePBX)
	s.Set(B, phone)
	return &line{t, m, s, s.Local(A), s.Local(B)}
}

// from says what becomes of RTP of the phone's side, and to of RTP to it.
func (l *line) from(what, src string, cause Cause) {
	l.Helper()
	l.check(what, l.b.RTP(), addr(src), rtp(0, 1, 160, 1), cause, officePBX.RTP)
}

func (l *line) to(what, dest string, cause Cause) {
	l.Helper()
	to := nowhere
	if dest != "" {
		to = addr(dest)
	}
	l.check(what, l.a.RTP(), officePBX.RTP, rtp(0, 1, 160, 1), cause, to)
}

// fromRTCP and toRTCP are the same for RTCP.
func (l *line) fromRTCP(what, src string, cause Cause) {
	l.Helper()
	l.check(what, l.b.RTCP(), addr(src), unhex(l, hexRR), cause, officePBX.RTCP)
}

func (l *line) toRTCP(what, dest string, cause Cause) {
	l.Helper()
	to := nowhere
	if dest != "" {
		to = addr(dest)
	}
	l.check(what, l.a.RTCP(), officePBX.RTCP, unhex(l, hexRR), cause, to)
}

func (l *line) check(what string, at, src netip.AddrPort, b []byte, cause Cause, to netip.AddrPort) {
	l.Helper()
	if cause != Pass {
		to = nowhere
	}
	if got, c := l.m.Inject(at, src, b); c != cause || got.To != to {
		l.Errorf("%s: %v to %v, want %v to %v", what, c, got.To, cause, to)
	}
}

func (l *line) latched(want string) {
	l.Helper()
	got := l.s.Stats()[B].Latched
	if want == "" && got.IsValid() || want != "" && got != addr(want) {
		l.Errorf("latched to %v, want %q", got, want)
	}
}

func TestPhoneBehindNATThatKeepsPorts(t *testing.T) {
	l := newLine(t, atHome)
	l.to("before it sends", "", Unlatched)
	l.toRTCP("before it sends", "", Unlatched)
	l.from("from where it says to be", "10.0.0.5:4000", WrongSource)
	l.from("a stranger", "198.51.100.66:4000", WrongSource)
	l.from("a neighbour", "203.0.113.7:4999", LatchEarly)
	l.check("malformed", l.b.RTP(), addr("203.0.113.7:4000"), make([]byte, 11), RTPMalformed, nowhere)
	l.to("nothing of that pinned", "", Unlatched)
	l.from("the phone", "203.0.113.7:4000", Pass)
	l.to("after it sent", "203.0.113.7:4000", Pass)
	l.latched("203.0.113.7:4000")
	l.from("a neighbour, too late", "203.0.113.7:4999", LatchClosed)
	l.from("a stranger", "198.51.100.66:4000", WrongSource)
	l.to("still", "203.0.113.7:4000", Pass)
	l.toRTCP("RTCP learns on its own", "", Unlatched)
	l.fromRTCP("its RTCP from another port", "203.0.113.7:4000", LatchEarly)
	l.fromRTCP("its RTCP", "203.0.113.7:4001", Pass)
	l.toRTCP("RTCP", "203.0.113.7:4001", Pass)
	if x := l.s.Stats(); x[A].Drops[Unlatched] != 4 || x[B].Drops[LatchEarly] != 2 || x[B].Drops[LatchClosed] != 1 || x[B].Drops[WrongSource] != 3 {
		t.Errorf("%+v", x)
	}
}

func TestPhoneBehindNATThatChangesPorts(t *testing.T) {
	l := newLine(t, atHome)
	l.from("at once", "203.0.113.7:31000", LatchEarly)
	l.m.SetNow(earlyTime - 1)
	l.from("just before", "203.0.113.7:31000", LatchEarly)
	l.m.SetNow(earlyTime)
	l.from("then", "203.0.113.7:31000", Pass)
	l.to("to it", "203.0.113.7:31000", Pass)
	l.from("the described port, too late", "203.0.113.7:4000", LatchClosed)
	l.fromRTCP("its RTCP", "203.0.113.7:31007", Pass)
	l.toRTCP("RTCP", "203.0.113.7:31007", Pass)
}

// Nobody was told of the port before both far ends are known: what comes there
// is guessed, and neither learnt nor does it make the time of the first word
// run out.
func TestNothingIsLearntBeforeTheAnswer(t *testing.T) {
	m := newBorder(t)
	s := openStream(t, m, Open{Realm: [2]int{1, 0}})
	l := &line{t, m, s, s.Local(B), s.Local(A)}
	s.Set(A, atHome)
	l.from("the right port, guessed", "203.0.113.7:4000", NoRemote)
	m.SetNow(9 * earlyTime)
	l.from("any port", "203.0.113.7:5000", NoRemote)
	s.Set(B, officePBX)
	l.from("any port after the answer", "203.0.113.7:5000", LatchEarly)
	l.from("the phone", "203.0.113.7:4000", Pass)
	l.to("to it", "203.0.113.7:4000", Pass)
}

// Both rules hold where the description names a public address that the
// signaling does not come from: a trunk whose media is elsewhere, or a phone
// that errs about its own.
func TestDescribedElsewhere(t *testing.T) {
	l := newLine(t, mediaOnly)
	l.to("before it sends", "203.0.113.90:4000", Pass)
	l.toRTCP("before it sends", "203.0.113.90:4001", Pass)
	l.from("another port of it", "203.0.113.90:4002", WrongSource)
	l.from("from there", "203.0.113.90:4000", Pass)
	l.from("from the signaling's address", "203.0.113.7:4000", LatchClosed)
	l.to("to it", "203.0.113.90:4000", Pass)

	l = newLine(t, mediaOnly)
	l.from("from the signaling's address", "203.0.113.7:4000", Pass)
	l.to("to it", "203.0.113.7:4000", Pass)
	l.from("from where it said to be", "203.0.113.90:4000", LatchClosed)
}

// Where description and signaling agree nothing is learnt, private or not.
func TestDescriptionThatAgrees(t *testing.T) {
	for _, at := range []string{"203.0.113.7", "10.0.0.5"} {
		r := atHome
		r.Signaling = netip.MustParseAddr(at)
		r.RTP, r.RTCP = netip.AddrPortFrom(r.Signaling, 4000), netip.AddrPortFrom(r.Signaling, 4001)
		l := newLine(t, r)
		l.m.SetNow(earlyTime)
		l.to("before it sends", at+":4000", Pass)
		l.from("another port", at+":4002", WrongSource)
		l.from("the described one", at+":4000", Pass)
		l.latched(at + ":4000")
	}
}

func TestRealmOfItsOwnPrefixes(t *testing.T) {
	m, err := NewModel(Options{Realms: []RealmPool{
		{Name: "inside", Addr: netip.MustParseAddr("192.168.1.1"), First: 20000, Last: 20009},
		{Name: "sites", Addr: netip.MustParseAddr("10.0.0.1"), First: 30000, Last: 30009, NAT: true, Routed: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}},
	}}, fixed())
	if err != nil {
		t.Fatal(err)
	}
	s := openStream(t, m, audio)
	l := &line{t, m, s, s.Local(A), s.Local(B)}
	s.Set(A, officePBX)
	s.Set(B, atHome)
	l.to("it is routed", "10.0.0.5:4000", Pass)
	l.from("from there", "10.0.0.5:4000", Pass)
	away := atHome
	away.RTP = addr("10.9.0.5:4000")
	s.Set(B, away)
	l.to("it is not", "", Unlatched)
	l.from("from there", "10.9.0.5:4000", WrongSource)
	l.from("by its NAT", "203.0.113.7:4000", Pass)
}

// Addresses that are configured for a far end may pin, in any realm.
func TestConfiguredSources(t *testing.T) {
	m := newModel(t, 2)
	s := openStream(t, m, audio)
	l := &line{t, m, s, s.Local(A), s.Local(B)}
	trunk := callee
	trunk.Sources = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24")}
	s.Set(A, officePBX)
	s.Set(B, trunk)
	l.to("before it sends", "198.51.100.9:7000", Pass)
	l.from("too early", "198.51.100.77:9000", LatchEarly)
	m.SetNow(earlyTime)
	l.from("our own address", "203.0.113.1:9000", WrongSource)
	l.from("a stranger", "192.0.2.1:9000", WrongSource)
	l.from("a configured one", "198.51.100.77:9000", Pass)
	l.to("to it", "198.51.100.77:9000", Pass)
	l.from("the described one, too late", "198.51.100.9:7000", LatchClosed)
}

func TestMuxLearnsOnce(t *testing.T) {
	mux := atHome
	mux.Mux, mux.RTCP = true, nowhere
	l := newLine(t, mux)
	l.check("RTCP", l.b.RTP(), addr("203.0.113.7:4000"), unhex(t, hexRR), Pass, officePBX.RTCP)
	l.to("RTP", "203.0.113.7:4000", Pass)
	l.toRTCP("RTCP", "203.0.113.7:4000", Pass)
	l.from("another port", "203.0.113.7:5000", LatchClosed)
}

// What opens a latch again, and what does not.
func TestLatchOpensBySignalingOnly(t *testing.T) {
	held, moved, roamed, music := atHome, atHome, atHome, officePBX
	held.Sends = false
	moved.RTP = addr("10.0.0.5:4010")
	roamed.Signaling = netip.MustParseAddr("198.51.100.7")
	music.Receives = false

	l := newLine(t, atHome)
	l.from("the phone", "203.0.113.7:4000", Pass)
	l.m.SetNow(9 * earlyTime)
	l.s.Set(B, atHome)
	l.s.Set(A, officePBX)
	l.from("after the same offer, a neighbour", "203.0.113.7:5000", LatchClosed)
	l.to("it stays", "203.0.113.7:4000", Pass)

	l.s.Set(B, held)
	l.from("on hold, a neighbour", "203.0.113.7:5000", LatchClosed)
	l.to("music", "203.0.113.7:4000", Pass)
	l.s.Set(B, atHome)
	l.to("resumed, before it sends", "203.0.113.7:4000", Pass)
	l.from("resumed, another port", "203.0.113.7:5000", LatchEarly)
	l.from("resumed, a stranger", "198.51.100.66:4000", WrongSource)
	l.from("resumed", "203.0.113.7:4000", Pass)
	l.m.SetNow(18 * earlyTime)
	l.from("a neighbour", "203.0.113.7:5000", LatchClosed)

	l.s.Set(B, held)
	l.s.Set(B, atHome)
	l.m.SetNow(27 * earlyTime)
	l.from("its NAT forgot it while it was on hold", "203.0.113.7:6000", Pass)
	l.to("to it", "203.0.113.7:6000", Pass)
	l.from("the address that it had", "203.0.113.7:4000", LatchClosed)

	l.s.Set(B, moved)
	l.to("new port, before it sends", "", Unlatched)
	l.from("the old one", "203.0.113.7:6000", LatchEarly)
	l.from("the new one", "203.0.113.7:4010", Pass)

	l.fromRTCP("RTCP was not described anew", "203.0.113.7:4001", Pass)
	l.s.Set(B, roamed)
	l.to("registered from elsewhere, before it sends", "", Unlatched)
	l.toRTCP("likewise", "", Unlatched)
	l.from("the old address", "203.0.113.7:4010", WrongSource)
	l.from("the new address", "198.51.100.7:4000", Pass)
	l.to("to it", "198.51.100.7:4000", Pass)
	l.latched("198.51.100.7:4000")
}

// Signaling by IPv6 and media by IPv4: nobody can be learnt from the one.
func TestSignalingOfAnotherFamily(t *testing.T) {
	r := atHome
	r.Signaling = netip.MustParseAddr("2001:db8::7")
	l := newLine(t, r)
	l.from("by NAT", "203.0.113.7:4000", WrongSource)
	l.to("to it", "", Unlatched)
	r.Signaling = netip.MustParseAddr("::ffff:203.0.113.7")
	l.s.Set(B, r)
	l.from("a mapped address is IPv4", "203.0.113.7:4000", Pass)
}

// Without NAT it does not matter where signaling comes from.
func TestRealmWithoutNAT(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	l := &line{t, m, s, s.Local(A), s.Local(B)}
	s.Set(A, officePBX)
	s.Set(B, atHome)
	l.to("where it says", "10.0.0.5:4000", Pass)
	m.SetNow(earlyTime)
	l.from("by NAT", "203.0.113.7:4000", WrongSource)
	l.from("from where it says", "10.0.0.5:4000", Pass)
	roamed := atHome
	roamed.Signaling = secondNAT
	s.Set(B, roamed)
	l.latched("10.0.0.5:4000")
}

// A program on our own host is heard where it says to be; nothing is learnt
// from our own addresses, so that no ring of streams can come of it.
func TestOurOwnAddressIsNotLearnt(t *testing.T) {
	r := atHome
	r.Signaling = netip.MustParseAddr("192.168.1.1")
	l := newLine(t, r)
	l.m.SetNow(earlyTime)
	l.from("our port", "192.168.1.1:20002", WrongSource)
	l.to("to it", "", Unlatched)
	spiral := atHome
	spiral.RTP, spiral.RTCP = addr("203.0.113.1:30008"), addr("203.0.113.1:30009")
	l.s.Set(B, spiral)
	l.to("a spiral", "203.0.113.1:30008", Pass)
	l.from("a spiral", "203.0.113.1:30008", Pass)
}
