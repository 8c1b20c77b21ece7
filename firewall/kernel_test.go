package firewall

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"
)

// A memory is a kernel that remembers what it was told.
type memory struct {
	mu      sync.Mutex
	bans    map[netip.Prefix]time.Duration // how long, as it was told last
	spared  map[Spared]bool
	trusted []netip.Prefix
	police  Policing
	calls   int
	fail    func(call int) bool
	hold    chan struct{} // if not nil, a call waits until it is closed
	closed  bool
	inside  bool
}

var errKernel = errors.New("the kernel has no memory")

func newMemory() *memory {
	return &memory{bans: map[netip.Prefix]time.Duration{}, spared: map[Spared]bool{}}
}

// call does what a call does unless it fails. Two at a time are a bug.
func (m *memory) call(do func()) error {
	m.mu.Lock()
	if m.inside {
		panic("two calls at a time")
	}
	m.inside = true
	hold := m.hold
	m.calls++
	m.mu.Unlock()
	if hold != nil {
		<-hold
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inside = false
	if m.fail != nil && m.fail(m.calls) {
		return errKernel
	}
	do()
	return nil
}

func (m *memory) Name() string { return "memory" }
func (m *memory) Ban(p netip.Prefix, after time.Duration) error {
	return m.call(func() { m.bans[p] = after })
}
func (m *memory) Unban(p netip.Prefix) error { return m.call(func() { delete(m.bans, p) }) }
func (m *memory) Banned() (list []Banned, err error) {
	err = m.call(func() {
		for p, left := range m.bans {
			list = append(list, Banned{p, left})
		}
	})
	return list, err
}
func (m *memory) Trust(list []netip.Prefix) error { return m.call(func() { m.trusted = list }) }
func (m *memory) Spare(f Spared, on bool) error {
	return m.call(func() {
		if m.spared[f] = on; !on {
			delete(m.spared, f)
		}
	})
}
func (m *memory) Police(p Policing) error     { return m.call(func() { m.police = p }) }
func (m *memory) Counters() (Counters, error) { return Counters{}, nil }
func (m *memory) Close() error                { m.closed = true; return nil }

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// differs says how a kernel differs from what it should be; "": it does not.
func (m *memory) differs(g *Guard, now time.Duration) string {
	bans, flows, trusted, p := map[netip.Prefix]bool{}, map[Spared]bool{}, []netip.Prefix(nil), Policing{}
	for _, b := range g.Bans(now) {
		if fits(b.Prefix) {
			bans[b.Prefix] = true
		}
	}
	g.mu.Lock()
	for f, sp := range g.spared {
		if sp.wanted {
			flows[f] = true
		}
	}
	trusted, p = slices.Clone(g.trusted), g.police
	g.mu.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	has := map[netip.Prefix]bool{}
	for b := range m.bans {
		has[b] = true
	}
	switch {
	case !maps.Equal(has, bans):
		return fmt.Sprintf("bans %v, want %v", has, bans)
	case !maps.Equal(m.spared, flows):
		return fmt.Sprintf("spared %v, want %v", m.spared, flows)
	case !slices.Equal(m.trusted, trusted):
		return fmt.Sprintf("trusted %v, want %v", m.trusted, trusted)
	case m.police.Source != p.Source:
		return fmt.Sprintf("police %+v, want %+v", m.police, p)
	}
	return ""
}

// equal waits until the kernel has what it should.
func (m *memory) equal(t *testing.T, g *Guard, now time.Duration) {
	t.Helper()
	until(t, "the kernel is equal", func() bool {
		g.Advance(now)
		now += time.Minute / 100
		return !g.Stats().KernelBehind && m.differs(g, now) == ""
	})
}

func withKernel(t *testing.T, m *memory, change func(*Options)) *Guard {
	g := newGuard(t, func(o *Options) {
		o.Kernel, o.Policing = m, Policing{Source: Rate{10, 20}}
		if change != nil {
			change(o)
		}
	})
	t.Cleanup(func() {
		if err := g.Close(); err != nil || !m.closed {
			t.Errorf("close: %v", err)
		}
	})
	return g
}

func TestKernelIsTold(t *testing.T) {
	m := newMemory()
	g := withKernel(t, m, nil)
	home6 := sourceOf(scanner6.Addr()).prefix()
	g.Start()
	until(t, "the first comparison", func() bool { return m.differs(g, 0) == "" })
	if len(m.trusted) != 3 {
		t.Errorf("trusted: %v", m.trusted)
	}
	flow := Spared{Remote: phone, Local: ours}
	g.offend(0, scanner.Addr())
	g.Registered(flow, true)
	g.Ban(0, home6, time.Hour, "")
	until(t, "two bans and a flow", func() bool { return m.differs(g, 0) == "" })
	m.mu.Lock()
	if m.bans[only(scanner)] != 10*time.Minute || m.bans[home6] != time.Hour || !m.spared[flow] {
		t.Errorf("%v %v", m.bans, m.spared)
	}
	m.mu.Unlock()
	for _, p := range []string{"192.0.2.0/28", "2001:db8:67::1/128", "fe80::/64", "224.0.0.1/32"} { // which no kernel takes
		net := netip.MustParsePrefix(p)
		if g.Ban(0, net, time.Hour, "") == nil && !g.Admit(0, 0, netip.AddrPortFrom(net.Addr(), 5060)).Drop && !g.exempt(net.Addr()) {
			t.Errorf("%v is not refused", net)
		}
	}
	if err := g.Unban(0, netip.MustParsePrefix("192.0.2.0/28")); err != nil {
		t.Error(err)
	}
	g.Registered(flow, false)
	g.Unban(time.Minute, home6)
	g.SetNever(time.Minute, []netip.Prefix{only(scanner)})
	g.Police(Policing{Source: Rate{1, 1}})
	until(t, "nothing", func() bool { return m.differs(g, time.Minute) == "" && len(m.bans)+len(m.spared) == 0 })
	if s := g.Stats(); s.KernelFailed+s.KernelLost != 0 || s.KernelSyncs != 1 || s.Flows != 0 {
		t.Errorf("%+v", s)
	}
}

// What an earlier process left is taken over, or lifted where it must not be.
func TestKernelOfAnEarlierRun(t *testing.T) {
	kept := shelf{}
	known := netip.MustParsePrefix("192.0.2.1/32")
	before := newGuard(t, func(o *Options) { o.Keep = kept.keep })
	before.Ban(0, known, time.Hour, "by me")

	m := newMemory()
	m.bans[known] = 10 * time.Minute
	m.bans[netip.MustParsePrefix("192.0.2.2/32")] = 20 * time.Minute
	m.bans[only(peer)] = time.Hour
	g := withKernel(t, m, func(o *Options) { o.Keep = kept.keep })
	for id, r := range maps.Clone(kept) {
		if err := g.Restore(0, id, r); err != nil {
			t.Fatal(err)
		}
	}
	g.Start()
	until(t, "the first comparison", func() bool { return g.Stats().KernelSyncs == 1 && m.differs(g, 0) == "" })
	bans := g.Bans(0)
	if len(bans) != 2 || bans[0].Reason != "by me" || bans[1].Reason != "left by an earlier run" || bans[1].Until != epoch.Add(20*time.Minute) || len(kept) != 2 {
		t.Errorf("%+v", bans)
	}
	if m.bans[known] != time.Hour {
		t.Errorf("the kernel bans for %v", m.bans[known])
	}
}

// Where the Guard only counts, the kernel refuses nothing.
func TestKernelWhenCounting(t *testing.T) {
	m := newMemory()
	m.bans[only(scanner6)] = time.Hour
	g := withKernel(t, m, func(o *Options) { o.Count = true })
	g.Start()
	g.offend(0, scanner.Addr())
	g.Unban(0, only(scanner))
	g.offend(0, scanner.Addr())
	until(t, "the first comparison", func() bool { return g.Stats().KernelSyncs == 1 && !g.Stats().KernelBehind })
	g.Registered(Spared{Remote: phone, Local: ours}, true)
	until(t, "the flow", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return len(m.spared) == 1 })
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.bans) != 0 || m.police.Source != (Rate{}) {
		t.Errorf("%v %+v", m.bans, m.police)
	}
}

// Whichever call fails, user space is right at once, and the kernel later.
func TestKernelFails(t *testing.T) {
	script := func(g *Guard) {
		flow := Spared{Remote: phone, Local: ours}
		g.Registered(flow, true)
		g.Registered(Spared{Remote: scanner, Local: ours}, true)
		for i := range 4 {
			g.offend(0, netip.MustParseAddr(fmt.Sprintf("2001:db8:66:%x::1", i)))
		}
		g.offend(0, scanner.Addr())
		g.Ban(0, only(scanner6), time.Hour, "")
		g.Ban(0, netip.MustParsePrefix("203.0.113.64/26"), 100*time.Hour, "")
		g.Unban(0, netip.MustParsePrefix("2001:db8:66::/56"))
		g.Registered(flow, false)
		g.SetNever(0, []netip.Prefix{only(peer)})
	}
	for n := 1; n < 30; n++ {
		m := newMemory()
		m.fail = func(call int) bool { return call == n || n%3 == 0 && call > n && call < n+5 }
		g := withKernel(t, m, nil)
		g.Start()
		script(g)
		if got := g.prefixes(0); len(got) != 3 {
			t.Fatalf("call %d fails: %v", n, got)
		}
		want(t, "who is banned", g.ask(0, netip.AddrPortFrom(scanner.Addr(), 1)), CauseBanned)
		m.equal(t, g, time.Second)
		if s := g.Stats(); m.calls >= n && s.KernelFailed == 0 {
			t.Errorf("call %d: %+v", n, s)
		}
	}
}

// A queue that is full loses nothing for long: not even a ban and its end of
// which only one found room.
func TestKernelIsSlow(t *testing.T) {
	m := newMemory()
	m.hold = make(chan struct{})
	g := withKernel(t, m, func(o *Options) { o.Merge = 0 })
	g.Start()
	until(t, "a call that hangs", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.inside })
	for i := range uint32(2 * changesMax) {
		g.Ban(0, netip.PrefixFrom(ip4(0x0a000000+i), 32), time.Hour, "")
	}
	for i := range uint32(changesMax) {
		g.Unban(0, netip.PrefixFrom(ip4(0x0a000000+i), 32))
	}
	if s := g.Stats(); s.KernelLost == 0 || !s.KernelBehind || s.Bans != changesMax {
		t.Errorf("%+v", s)
	}
	m.mu.Lock()
	close(m.hold)
	m.hold = nil
	m.mu.Unlock()
	m.equal(t, g, time.Second)
}

// What we told the kernel ourselves is not taken for what an earlier process
// left, though the first comparisons fail.
func TestKernelThatFailsAtFirst(t *testing.T) {
	m := newMemory()
	m.fail = func(call int) bool { return call < 5 }
	g := withKernel(t, m, nil)
	g.Start()
	for i := range uint32(200) {
		p := netip.PrefixFrom(ip4(0x0a000000+i), 32)
		g.Ban(0, p, time.Hour, "")
		if i%10 == 0 {
			g.Advance(time.Duration(i) * time.Minute / 100)
		}
		g.Unban(0, p)
	}
	m.equal(t, g, 10*time.Minute)
	if b := g.Bans(10 * time.Minute); len(b) != 0 {
		t.Errorf("%+v", b)
	}
}

// Who registers again while the kernel is being told that he is gone is spared.
func TestRegisteredInBetween(t *testing.T) {
	m := newMemory()
	g := withKernel(t, m, nil)
	g.Start()
	flow := Spared{Remote: phone, Local: ours}
	spared := func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.spared[flow] }
	g.Registered(flow, true)
	until(t, "the flow is spared", spared)
	hold := make(chan struct{})
	m.mu.Lock()
	m.hold = hold
	m.mu.Unlock()
	g.Registered(flow, false)
	until(t, "a call that hangs", func() bool { m.mu.Lock(); defer m.mu.Unlock(); return m.inside })
	g.Registered(flow, true)
	m.mu.Lock()
	m.hold = nil
	m.mu.Unlock()
	close(hold)
	calls := func() int { m.mu.Lock(); defer m.mu.Unlock(); return m.calls }
	until(t, "both calls", func() bool { return calls() >= 6 })
	until(t, "the flow is spared again", spared)
	if g.Stats().Flows != 1 {
		t.Error("nobody knows that he registered")
	}
}
