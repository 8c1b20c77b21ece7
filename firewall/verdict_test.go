package firewall

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestSourcesThatCannotBe(t *testing.T) {
	g := newGuard(t, nil)
	for _, c := range []struct {
		src  string
		want Cause
	}{
		{"203.0.113.7:5060", CauseSource}, // ours
		{"[::ffff:203.0.113.7]:5060", CauseSource},
		{"203.0.113.7:5061", NoCause}, // somebody else on this host
		{"192.0.2.1:5060", NoCause},
		{"192.0.2.1:0", CauseSource},
		{"192.0.2.1:7", CauseSource},
		{"192.0.2.1:19", CauseSource},
		{"192.0.2.1:20", NoCause},
		{"255.255.255.255:5060", CauseSource},
		{"203.0.113.255:5060", CauseSource},
		{"203.0.112.255:5060", NoCause}, // a host of a larger network
		{"224.0.1.75:5060", CauseSource},
		{"[ff02::1]:5060", CauseSource},
		{"0.0.0.0:5060", CauseSource},
		{"[::]:5060", CauseSource},
		{"[2001:db8::5]:5060", NoCause},
		{"[fe80::1%eth0]:5060", NoCause},
	} {
		want(t, c.src, g.ask(0, netip.MustParseAddrPort(c.src)), c.want)
	}
	want(t, "no address", g.ask(0, netip.AddrPort{}), CauseSource)
	if n := g.Stats().Dropped[CauseSource][Unknown]; n != 12 {
		t.Errorf("%d are counted", n)
	}
}

// What is refused depends on who sends, in this order.
func TestOrder(t *testing.T) {
	banned := func(g *Guard, src netip.AddrPort) {
		if err := g.Ban(0, only(src), time.Hour, "test"); err != nil {
			panic(err)
		}
	}
	proven := func(g *Guard, src netip.AddrPort) { g.Proved(0, src.Addr()) }
	slow := func(g *Guard, src netip.AddrPort) {
		for g.ask(0, src).Cause == NoCause {
		}
	}
	full := func(g *Guard, _ netip.AddrPort) {
		for class := range g.shares {
			for g.shares[class].take(0, g.intake[class]) {
			}
		}
	}
	for _, c := range []struct {
		name  string
		src   netip.AddrPort
		first []byte
		given []func(*Guard, netip.AddrPort)
		want  Cause
		class Class
	}{
		{"a stranger", scanner, register, nil, NoCause, Unknown},
		{"a stranger with nothing", scanner, nil, nil, NoCause, Unknown},
		{"a stranger on IPv6", scanner6, register, nil, NoCause, Unknown},
		{"a peer, whatever it sends", peer, svmap, nil, NoCause, Peer},
		{"a peer in a flood", peer, register, []func(*Guard, netip.AddrPort){full}, NoCause, Peer},
		{"a phone, whatever it sends", phone, svmap, nil, NoCause, Registered},
		{"a phone whose address is banned", phone, register, []func(*Guard, netip.AddrPort){banned}, NoCause, Registered},
		{"its neighbour behind the same NAT", netip.AddrPortFrom(phone.Addr(), 999), register,
			[]func(*Guard, netip.AddrPort){banned}, CauseBanned, Unknown},
		{"a phone over its rate", phone, register, []func(*Guard, netip.AddrPort){slow}, CauseRate, Registered},
		{"who is banned and scans", scanner, svmap, []func(*Guard, netip.AddrPort){banned}, CauseBanned, Unknown},
		{"who is banned and proven", scanner, register, []func(*Guard, netip.AddrPort){banned, proven}, CauseBanned, Proven},
		{"a scanner over its rate", scanner, svmap, []func(*Guard, netip.AddrPort){slow}, CauseScanner, Unknown},
		{"a proven scanner", scanner, svmap, []func(*Guard, netip.AddrPort){proven}, CauseScanner, Proven},
		{"over its rate in a flood", scanner, register, []func(*Guard, netip.AddrPort){slow, full}, CauseRate, Unknown},
		{"proven, over its rate", scanner, register, []func(*Guard, netip.AddrPort){proven, slow}, CauseRate, Proven},
		{"over the share", scanner, register, []func(*Guard, netip.AddrPort){full}, CauseIntake, Unknown},
		{"proven, over the share", scanner, register, []func(*Guard, netip.AddrPort){proven, full}, CauseIntake, Proven},
		{"a resolver with the text of a scanner", resolver, svmap, nil, NoCause, Unknown},
		{"a resolver over its rate", resolver, register, []func(*Guard, netip.AddrPort){slow}, CauseRate, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newGuard(t, nil)
			for _, f := range c.given {
				f(g, c.src)
			}
			before := g.Stats().Dropped[c.want][c.class]
			got := g.Verdict(0, 0, 0, c.src, c.first)
			want(t, "it", got, c.want)
			if got.Class != c.class {
				t.Errorf("class %v, want %v", got.Class, c.class)
			}
			if n := g.Stats().Dropped[c.want][c.class] - before; c.want != NoCause && n != 1 {
				t.Errorf("%d are counted", n)
			}
		})
	}
}

func TestAdmit(t *testing.T) {
	g := newGuard(t, nil)
	want(t, "a stranger", g.Admit(0, 0, scanner), NoCause)
	if v := g.ask(0, scanner); v.Class != Proven {
		t.Errorf("whose handshake was complete is %v", v.Class)
	}
	g.Ban(0, only(scanner), time.Hour, "")
	want(t, "who is banned", g.Admit(time.Second, 0, scanner), CauseBanned)
	want(t, "mapped", g.Admit(time.Second, 0, netip.AddrPortFrom(netip.AddrFrom16(scanner.Addr().As16()), 1)), CauseBanned)
	want(t, "later", g.Admit(2*time.Hour, 0, scanner), NoCause)
}

func TestProofEnds(t *testing.T) {
	g := newGuard(t, nil)
	g.Proved(time.Second, scanner6.Addr())
	neighbour := netip.MustParseAddrPort("[2001:db8:66::ffff]:1")
	for _, c := range []struct {
		at   time.Duration
		want Class
	}{{time.Second, Proven}, {10 * time.Minute, Proven}, {10*time.Minute + time.Second, Unknown}} {
		if v := g.ask(c.at, neighbour); v.Class != c.want {
			t.Errorf("after %v: %v, want %v", c.at, v.Class, c.want)
		}
	}
	g.Proved(10*time.Minute, scanner6.Addr())
	g.Proved(15*time.Minute, scanner6.Addr())
	if v := g.ask(24*time.Minute, scanner6); v.Class != Proven {
		t.Errorf("proven again: %v", v.Class)
	}
}

// A set that is full gives the place of the proof that ends first.
func TestProofsAreBounded(t *testing.T) {
	p := newProofs(proofWays)
	for i := range source(100) {
		p.add(time.Duration(i), time.Minute, ip4Source|i, 0)
	}
	for i := range source(100) {
		if got := p.find(100, ip4Source|i, 0) != nil; got != (i >= 100-proofWays) {
			t.Errorf("source %d: %v", i, got)
		}
	}
}

// A flood in the name of one peer costs its new requests, and nothing else.
func TestShareOfAPeer(t *testing.T) {
	g := newGuard(t, nil)
	passed := 0
	for range 1_000_000 {
		if g.New(0, 0) {
			passed++
		}
	}
	if passed != 2*defaultNew {
		t.Errorf("%d new requests passed", passed)
	}
	if !g.Existing(0, 0) || !g.New(0, 1) || !g.Existing(0, 1) {
		t.Error("others are hurt")
	}
	if !g.New(time.Second/defaultNew, 0) || g.New(time.Second/defaultNew, 0) {
		t.Error("it does not go on at its rate")
	}
	if !g.New(0, -1) || !g.New(0, 2) {
		t.Error("who is no peer has no share")
	}
	if s := g.Stats(); s.Dropped[CausePeerNew][Peer] != 1_000_000-2*defaultNew+1 {
		t.Errorf("%v", s.Dropped[CausePeerNew])
	}
}

// Whoever may begin more calls gets through what belongs to them, and whoever may
// begin hardly any has those that he has.
func TestShareOfWhatExists(t *testing.T) {
	for newRate, existing := range map[int]int{5: 10 * 2 * defaultNew, defaultNew: 10 * 2 * defaultNew, 7000: 10 * 7000} {
		g := newGuard(t, func(o *Options) { o.New = Rate{newRate, newRate} })
		passed := 0
		for range 1_000_000 {
			if g.Existing(0, 0) {
				passed++
			}
		}
		if passed != existing {
			t.Errorf("where %d may begin, %d messages of what exists passed, want %d", newRate, passed, existing)
		}
	}
}

// A flood in the name of one phone costs the new requests of that phone, not those
// of the others that share a peer with it, nor the calls that it has.
func TestShareOfAPhone(t *testing.T) {
	g := newGuard(t, nil)
	forgedPerSecond := defaultFlow / 2
	for i := range 10 * forgedPerSecond {
		now := time.Duration(i) * time.Second / time.Duration(forgedPerSecond)
		want(t, "a datagram of the phone", g.ask(now, phone), NoCause)
		if g.NewBy(now, phone) && !g.New(now, 1) {
			t.Fatal("the others' new requests are refused")
		}
		if !g.Existing(now, 1) {
			t.Fatal("its calls are hurt")
		}
	}
	if !g.NewBy(10*time.Second, scanner) {
		t.Error("new requests of another phone are refused")
	}
	if s := g.Stats().Dropped; s[CauseFlowNew][Registered] < uint64(9*forgedPerSecond) || s[CausePeerNew][Peer] != 0 {
		t.Errorf("%v", s)
	}
}

// Where the Guard only counts, everything passes and is seen.
func TestCount(t *testing.T) {
	kept := false
	g := newGuard(t, func(o *Options) { o.Count, o.Keep = true, func(uint64, []byte) { kept = true } })
	if v := g.Verdict(0, 0, 0, scanner, svmap); v.Drop || v.Cause != CauseScanner {
		t.Errorf("a scanner: %+v", v)
	}
	g.Saw(0, scanner.Addr(), Scanner, true)
	g.Saw(0, scanner.Addr(), Scanner, true)
	if v := g.ask(0, scanner); v.Drop || v.Cause != CauseBanned {
		t.Errorf("who would be banned: %+v", v)
	}
	if v := g.Admit(0, 0, scanner); v.Drop || v.Cause != CauseBanned {
		t.Errorf("a connection: %+v", v)
	}
	if v := g.ask(0, ours); v.Drop || v.Cause != CauseSource {
		t.Errorf("ourselves: %+v", v)
	}
	for range 2*defaultNew + 5 {
		if !g.New(0, 0) {
			t.Fatal("a request of a peer is refused")
		}
	}
	s := g.Stats()
	if s.Dropped[CauseScanner][Unknown] != 1 || s.Dropped[CauseBanned][Unknown] != 1 || s.Dropped[CausePeerNew][Peer] != 5 || s.Banned != 1 || s.Policed != 1 {
		t.Errorf("%+v", s)
	}
	if len(g.Bans(0)) != 1 || g.Sources(0)[0].State != IsBanned {
		t.Errorf("%+v %+v", g.Bans(0), g.Sources(0))
	}
	if kept {
		t.Error("a ban that nobody carried out is kept for a time when it would be")
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*Options){
		"half-life":   func(o *Options) { o.HalfLife = 0 },
		"longest ban": func(o *Options) { o.BanMax = time.Minute },
		"policed at":  func(o *Options) { o.Police = 0 },
		"no room":     func(o *Options) { o.Bans = 0 },
		"no log":      func(o *Options) { o.Log = nil },
		"weight":      func(o *Options) { o.Weights = map[Offences]float64{Scanner | Tool: 1} },
		"weighs":      func(o *Options) { o.Weights = map[Offences]float64{Scanner: -1} },
		"signature":   func(o *Options) { o.Signatures = []Signature{{"", InFrom, Scanner}} },
		"invalid":     func(o *Options) { o.Never = make([]netip.Prefix, 1) },
	} {
		o := options()
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What comes by a connection is its sender's own doing: a scanner is banned by it,
// and somebody known is not asked for a name.
func TestHeard(t *testing.T) {
	g := newGuard(t, nil)
	scan := []byte("OPTIONS sip:100@203.0.113.7 SIP/2.0\r\nUser-Agent: friendly-scanner\r\n\r\n")
	want(t, "a phone", g.Heard(0, Unknown, phone, register), NoCause)
	want(t, "a scanner", g.Heard(0, Unknown, scanner, scan), CauseScanner)
	if v := g.Admit(0, 0, scanner); v.Drop {
		t.Errorf("banned after one message: %v", v.Cause)
	}
	want(t, "a scanner again", g.Heard(0, Unknown, scanner, scan), CauseScanner)
	want(t, "a scanner that is banned", g.Heard(0, Unknown, scanner, register), CauseBanned)
	want(t, "its next connection", g.Admit(0, 0, scanner), CauseBanned)
	want(t, "a phone behind its address", g.Heard(0, Registered, scanner, register), NoCause)
	for range 100 {
		want(t, "a peer", g.Heard(0, Peer, peer, scan), NoCause)
	}
	if bans := g.Bans(0); len(bans) != 1 || bans[0].Offences != (Tally{6: 2}) {
		t.Errorf("%+v", bans)
	}
}
