package firewall

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// forged is how many packets a flood has.
var forged = func() int {
	if racing {
		return 20_000
	}
	return 1_000_000
}()

// A million packets whose source is forged ban nobody, and none of those whom
// they are forged to come from notices.
func TestForgedPackets(t *testing.T) {
	g := newGuard(t, nil)
	g.Registered(Spared{Remote: phone, Local: ours}, true)
	roaming := netip.MustParseAddrPort("192.0.2.200:4000") // proven, not registered now
	g.Proved(0, roaming.Addr())
	all := Offences(1<<offences - 1)
	for i := range forged {
		for _, victim := range []netip.AddrPort{peer, resolver, phone, roaming} {
			if i < 1000 {
				g.Verdict(0, 0, 0, victim, svmap)
			}
			g.Saw(0, victim.Addr(), all, false)
		}
	}
	now := time.Minute // what the flood took of their own rates is there again
	for _, victim := range []netip.AddrPort{peer, resolver, phone, roaming} {
		want(t, victim.String(), g.ask(now, victim), NoCause)
		want(t, victim.String(), g.Admit(now, 0, victim), NoCause)
	}
	// Another phone behind the NAT of the one that registered, by a connection.
	other := netip.AddrPortFrom(phone.Addr(), 40000)
	want(t, "a neighbour", g.Admit(now, 0, other), NoCause)
	want(t, "a neighbour that is proven", g.ask(now, other), NoCause)
	if bans := g.Bans(now); len(bans) != 0 {
		t.Errorf("banned: %+v", bans)
	}
	for _, s := range g.Sources(now) {
		if s.Prefix == only(peer) || s.Prefix == only(resolver) {
			t.Errorf("who is never banned has a score: %+v", s)
		}
	}
}

// Nor does it help to add forged packets to one offence that is proven.
func TestForgedOffencesBanNobody(t *testing.T) {
	g := newGuard(t, nil)
	for range 1000 {
		g.Saw(0, scanner.Addr(), Scanner|Honeypot, false)
	}
	g.Saw(0, scanner.Addr(), DigestFailure, true)
	if len(g.Bans(0)) != 0 {
		t.Errorf("%+v", g.Bans(0))
	}
}

// An unproven source is policed at once, and banned never.
func TestPoliced(t *testing.T) {
	g := newGuard(t, nil)
	want(t, "a scan", g.Verdict(0, 0, 0, scanner, svmap), CauseScanner)
	passed := 0
	for at := time.Duration(0); at < time.Minute; at += 10 * time.Millisecond {
		if v := g.ask(at, scanner); !v.Drop {
			passed++
		} else if v.Cause != CauseRate {
			t.Fatalf("%v", v.Cause)
		}
	}
	if passed != 6 {
		t.Errorf("%d packets a minute passed", passed)
	}
	want(t, "its neighbour", g.ask(time.Minute, netip.MustParseAddrPort("192.0.2.67:5071")), NoCause)
	// A half-life later it has the rate of everybody else.
	passed = 0
	for range 10 {
		if !g.ask(10*time.Minute, scanner).Drop {
			passed++
		}
	}
	if passed != 10 || g.Stats().Policed != 1 {
		t.Errorf("%d packets passed, policed %d times", passed, g.Stats().Policed)
	}
}

// By what is proven a source is policed though it is proven.
func TestPolicedThoughProven(t *testing.T) {
	g := newGuard(t, nil)
	g.Proved(0, scanner.Addr())
	g.Saw(0, scanner.Addr(), Scanner, true)
	want(t, "the first", g.ask(0, scanner), NoCause)
	want(t, "the second", g.ask(time.Second, scanner), CauseRate)
	if s := g.Sources(0)[0]; s.State != IsPoliced || s.Sure != 20 {
		t.Errorf("%+v", s)
	}
}

func TestScores(t *testing.T) {
	for _, c := range []struct {
		name   string
		o      Offences
		every  time.Duration
		times  int
		banned bool
	}{
		{"one scanner over a connection", Scanner | StrangerOptions, 0, 1, false},
		{"two", Scanner | StrangerOptions, 0, 2, true},
		{"two, an hour apart", Scanner, time.Hour, 2, false},
		{"a phone with an old password, each 30 s for a day", DigestFailure, 30 * time.Second, 2880, false},
		{"somebody who guesses a password a second", DigestFailure, time.Second, 50, true},
		{"somebody who guesses users", DigestFailure | DictionaryUser, time.Second, 10, true},
		{"somebody who asks whether we live, each 30 s", StrangerOptions, 30 * time.Second, 2880, false},
		{"toll fraud", StrangerInvite, 5 * time.Second, 11, true},
		{"what weighs nothing", 0, 0, 1000, false},
	} {
		g := newGuard(t, nil)
		for i := range c.times {
			g.Saw(time.Duration(i)*c.every, scanner.Addr(), c.o, true)
		}
		now := time.Duration(c.times) * c.every
		if got := len(g.Bans(now)) > 0; got != c.banned {
			t.Errorf("%s: banned %v", c.name, got)
		}
	}
}

// Who is in a full set with the lowest score goes, and what is proven stays.
func TestScoresAreBounded(t *testing.T) {
	o := options()
	o.Sources = ways
	s := newScores(&o)
	s.offend(0, 1, 0, Malformed, 1, true)
	s.offend(0, 2, 0, Malformed, 30, false)
	for i := range source(1000) {
		s.offend(time.Duration(i), 100+i, 0, Malformed, 3, false)
	}
	for _, c := range []struct {
		s    source
		kept bool
	}{{1, true}, {2, true}, {100, false}, {1099, true}, {1094, true}, {1093, false}} {
		kept := false
		for i := range s.sets[0].keys {
			kept = kept || s.sets[0].keys[i].Load() == uint64(c.s)
		}
		if kept != c.kept {
			t.Errorf("source %d: kept %v", c.s, kept)
		}
	}
	if s.trickle(time.Second, 2, 0, false) == nil || s.trickle(time.Second, 2, 0, true) != nil || s.trickle(time.Second, 1, 0, false) != nil {
		t.Error("who is policed")
	}
}

func TestJudge(t *testing.T) {
	g := newGuard(t, func(o *Options) { o.Honeypots = []string{"+4930555000", "4930555001"} })
	for _, c := range []struct {
		method sip.Method
		user   string
		agent  string
		want   Offences
	}{
		{sip.INVITE, "anna", "Z 5.6.4", 0},
		{sip.INVITE, "", "", 0},
		{sip.INVITE, "+", "", 0},
		{sip.INVITE, "100", "", DictionaryUser},
		{sip.REGISTER, "Admin", "Linphone", DictionaryUser},
		{sip.OPTIONS, "100", "", 0},
		{sip.INVITE, "4930555000", "", Honeypot},
		{sip.INVITE, "+4930555001", "", Honeypot},
		{sip.MESSAGE, "+4930555000", "", Honeypot},
		{sip.INVITE, "49305550000", "", 0},
		{sip.REGISTER, "1000", "friendly-scanner", DictionaryUser | Scanner},
		{sip.OPTIONS, "", "SIPSak 0.9.7", Tool},
		{sip.INVITE, strings.Repeat("1", 1000), "pplsip", Scanner},
	} {
		if got := g.Judge(c.method, []byte(c.user), []byte(c.agent)); got != c.want {
			t.Errorf("%v of %q by %q: %v, want %v", c.method, c.user, c.agent, got, c.want)
		}
	}
}

func TestSourcesList(t *testing.T) {
	g := newGuard(t, nil)
	for i, user := range []string{"100", "101", "101", "evil\x1b[2J\nuser"} {
		g.Asked(time.Duration(i)*time.Second, From{Src: scanner}, Request{Method: sip.INVITE, User: []byte(user), Agent: []byte("tool\r\n")})
	}
	g.Asked(5*time.Second, From{Src: scanner}, Request{Method: sip.OPTIONS, Agent: []byte(strings.Repeat("x", 100))})
	g.Saw(5*time.Second, scanner.Addr(), StrangerInvite|DictionaryUser, false)
	g.Asked(6*time.Second, From{Src: phone}, Request{Method: sip.REGISTER, Head: register})
	g.Asked(7*time.Second, From{Src: peer}, Request{Method: sip.INVITE})
	g.Verdict(8*time.Second, 0, 0, scanner6, svmap)
	g.Proved(9*time.Second, netip.MustParseAddr("192.0.2.3"))
	g.Asked(9*time.Second, From{Src: netip.MustParseAddrPort("192.0.2.3:5060")}, Request{})

	list := g.Sources(10 * time.Second)
	if len(list) != 4 { // nothing is kept of the peer
		t.Fatalf("%+v", list)
	}
	proven, policed, known, unknown := list[0], list[1], list[2], list[3]
	if proven.State != IsProven || policed.State != IsPoliced || known.State != IsKnown || unknown.State != IsUnknown {
		t.Errorf("%v %v %v %v", proven.State, policed.State, known.State, unknown.State)
	}
	if policed.Prefix != netip.MustParsePrefix("2001:db8:66::/64") || policed.Fingerprint != "friendly-scanner" {
		t.Errorf("%+v", policed)
	}
	if !strings.HasPrefix(known.Fingerprint, "structure ") {
		t.Errorf("%+v", known)
	}
	u := unknown
	if u.Prefix != only(scanner) || u.User != `evil\x1b[2J\nuser` || u.Users < 2 || u.Users > 3 || u.Fingerprint != strings.Repeat("x", textMax) ||
		u.Methods[sip.INVITE] != 4 || u.Methods[sip.OPTIONS] != 1 || len(u.Methods) != 2 || u.First != epoch || u.Last != epoch.Add(5*time.Second) ||
		u.Score < 7.9 || u.Score > 8 || u.Sure != 0 || u.Offences.String() != "1 stranger INVITE, 1 dictionary user" {
		t.Errorf("%+v", u)
	}
}

// The structure is the same whatever the values are, and another where the
// names are.
func TestStructure(t *testing.T) {
	other := []byte(strings.ReplaceAll(string(register), "anna", "berta"))
	if structure(register) != structure(other) || structure(register) == structure(svmap) || structure(nil) == structure(svmap) {
		t.Error("structures differ where they should not, or do not where they should")
	}
}
