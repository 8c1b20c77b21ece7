package kernel

import (
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"sbc/firewall"
)

// What every engine does.

func TestBannedSourceIsDropped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.listen(us4 + ":5060")
		bad, good := w.dial("192.0.2.3", us4+":5060"), w.dial("192.0.2.2", us4+":5060")
		w.arrive(bad, b, "before", 1)
		must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
		w.dropped(bad, b, "banned", 5)
		w.arrive(good, b, "good", 5)
		if got := w.counters(); got.Banned < 5 || got != (firewall.Counters{Banned: got.Banned}) {
			t.Errorf("counted %+v, want 5 of the banned", got)
		}
		if got := w.banned(); !slices.Equal(got, []netip.Prefix{prefix("192.0.2.3/32")}) {
			t.Errorf("banned: %v", got)
		}
		// A new time replaces the old one, and then it is over.
		must(t, w.k.Ban(prefix("::ffff:192.0.2.3/128"), 200*time.Millisecond))
		await(t, "the end of the ban", func() bool {
			w.write(bad, "over", 1)
			return b.count("over") > 0
		})
		await(t, "an empty list", func() bool { return len(w.banned()) == 0 })
		must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
		w.dropped(bad, b, "again", 1)
		must(t, w.k.Unban(prefix("192.0.2.3/32")))
		must(t, w.k.Unban(prefix("192.0.2.3/32")))
		w.arrive(bad, b, "unbanned", 5)
		must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
		must(t, w.k.Ban(prefix("192.0.2.3/32"), 0))
		w.arrive(bad, b, "no time", 5)
	})
}

func TestBannedPrefixes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.listen("[" + us6 + "]:5060")
		one, two := w.dial("2001:db8:66:5501::1", "["+us6+"]:5060"), w.dial("2001:db8:66:5502::1", "["+us6+"]:5060")
		beside, good := w.dial("2001:db8:66:5602::1", "["+us6+"]:5060"), w.dial("2001:db8::2", "["+us6+"]:5060")
		// One ban contains another, in either order.
		must(t, w.k.Ban(prefix("2001:db8:66:5501::/64"), time.Hour))
		must(t, w.k.Ban(prefix("2001:db8:66:5500::/56"), time.Hour))
		w.dropped(one, b, "one", 3)
		w.dropped(two, b, "two", 3)
		w.arrive(beside, b, "beside", 3)
		must(t, w.k.Ban(prefix("2001:db8:66::/48"), time.Hour))
		w.dropped(beside, b, "beside the /56", 3)
		w.arrive(good, b, "good", 3)
		if got := w.banned(); len(got) != 3 {
			t.Errorf("banned: %v", got)
		}
		must(t, w.k.Unban(prefix("2001:db8:66::/48")))
		must(t, w.k.Unban(prefix("2001:db8:66:5500::/56")))
		w.dropped(one, b, "one, of its /64", 3)
		w.arrive(two, b, "two, unbanned", 3)
	})
}

// tight is a policing that hardly lets anything pass.
func tight() firewall.Policing {
	one := firewall.Rate{PerSecond: 1, Burst: 1}
	here := []netip.AddrPort{place(us4 + ":5060"), place("[" + us6 + "]:5060")}
	return firewall.Policing{UDP: here, TCP: here, Source: one, All: one, SourceFragments: one, AllFragments: one}
}

func TestTrustedPassAtAnyRate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b4, b6 := w.listen(us4+":5060"), w.listen("["+us6+"]:5060")
		must(t, w.k.Trust([]netip.Prefix{prefix("192.0.2.4/31"), prefix("192.0.2.5/32"), prefix("2001:db8::/64")}))
		must(t, w.k.Police(tight()))
		must(t, w.k.Ban(prefix("192.0.2.4/32"), time.Hour))
		peer4, peer6 := w.dial("192.0.2.4", us4+":5060"), w.dial("2001:db8::2", "["+us6+"]:5060")
		w.arrive(peer4, b4, "peer", 300)
		w.arrive(peer6, b6, "peer", 300)
		large := strings.Repeat("x", 3000)
		w.arrive(peer4, b4, large, 20)
		w.arrive(peer6, b6, large, 20)
		if got := w.counters(); got != (firewall.Counters{}) {
			t.Errorf("counted %+v", got)
		}
		must(t, w.k.Trust([]netip.Prefix{prefix("192.0.2.5/32"), prefix("0.0.0.0/32")}))
		w.dropped(peer4, b4, "trusted no more", 5)
		w.arrive(w.dial("192.0.2.5", us4+":5060"), b4, "another", 100)
		must(t, w.k.Trust([]netip.Prefix{prefix("0.0.0.0/0"), prefix("::/0")}))
		w.arrive(peer4, b4, "all", 100)
		w.arrive(peer6, b6, "all", 100)
	})
}

func TestSparedFlow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.k.Police(tight()))
		for _, c := range []struct{ from, to, ban string }{
			{"192.0.2.3", us4 + ":5060", "192.0.2.3/32"},
			{"[2001:db8:66:5501::1]", "[" + us6 + "]:5060", "2001:db8:66:5501::/64"},
		} {
			must(t, w.k.Ban(prefix(c.ban), time.Hour))
			b := w.listen(c.to)
			phone, scanner := w.dial(c.from+":7000", c.to), w.dial(c.from+":7001", c.to)
			flow := firewall.Spared{Remote: place(c.from + ":7000"), Local: place(c.to)}
			must(t, w.k.Spare(flow, true))
			must(t, w.k.Spare(flow, true))
			w.arrive(phone, b, "phone", 200)
			w.dropped(scanner, b, "scanner", 10)
			must(t, w.k.Spare(flow, false))
			must(t, w.k.Spare(flow, false))
			w.dropped(phone, b, "spared no more", 5)
		}
	})
}

// many sends from each of some sockets, and returns how much has arrived when
// the rest is known to be dropped.
func (w *world) many(b *inbox, text string, times int, from ...net.Conn) (arrived int) {
	w.t.Helper()
	had := b.count(text)
	w.until(text, times*len(from), func() int {
		c := w.counters()
		return b.count(text) + int(c.Source+c.All)
	}, from...)
	return b.count(text) - had
}

func TestStrangerOverItsRate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b4, b6 := w.listen(us4+":5060"), w.listen("["+us6+"]:5060")
		p := tight()
		p.Source, p.All = firewall.Rate{PerSecond: 1, Burst: 5}, firewall.Rate{PerSecond: 100000, Burst: 100000}
		must(t, w.k.Police(p))
		flood, calm := w.dial("192.0.2.2", us4+":5060"), w.dial("192.0.2.3", us4+":5060")
		if n := w.many(b4, "flood", 300, flood); n < 5 || n > 150 {
			t.Errorf("%d of 300 datagrams of a stranger have arrived, want 5", n)
		}
		w.arrive(calm, b4, "calm", 5)
		// A /64 is one source.
		if n := w.many(b6, "flood", 150, w.dial("2001:db8::2", "["+us6+"]:5060"), w.dial("2001:db8::3", "["+us6+"]:5060")); n < 5 || n > 150 {
			t.Errorf("%d of 300 datagrams of a /64 have arrived, want 5", n)
		}
		w.arrive(w.dial("2001:db8:66:5501::1", "["+us6+"]:5060"), b6, "another /64", 5)
		if got := w.counters(); got.Source < 300 || got.All != 0 || got.Banned != 0 || got.Fragments != 0 {
			t.Errorf("counted %+v, want most of 600 of Source", got)
		}
		// Rates are replaced with their buckets, and may be gone.
		p.Source = firewall.Rate{PerSecond: 1, Burst: 50}
		must(t, w.k.Police(p))
		if n := w.many(b4, "faster", 300, calm); n < 45 || n > 200 {
			t.Errorf("%d of 300 datagrams have arrived, want 50", n)
		}
		p.Source, p.All = firewall.Rate{}, firewall.Rate{}
		must(t, w.k.Police(p))
		w.arrive(flood, b4, "unbounded", 300)
	})
}

func TestAllStrangersShareARate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b4, b6 := w.listen(us4+":5060"), w.listen("["+us6+"]:5060")
		p := tight()
		p.Source, p.All = firewall.Rate{PerSecond: 1000, Burst: 1000}, firewall.Rate{PerSecond: 1, Burst: 20}
		must(t, w.k.Police(p))
		must(t, w.k.Trust([]netip.Prefix{prefix("192.0.2.6/32")}))
		n := w.many(b4, "flood", 60, w.dial("192.0.2.2", us4+":5060"), w.dial("192.0.2.3", us4+":5060"), w.dial("192.0.2.4", us4+":5060"))
		n += w.many(b6, "flood", 60, w.dial("2001:db8::2", "["+us6+"]:5060"), w.dial("2001:db8:66:5501::1", "["+us6+"]:5060"))
		if n < 20 || n > 150 {
			t.Errorf("%d of 300 datagrams have arrived, want 20", n)
		}
		w.arrive(w.dial("192.0.2.6", us4+":5060"), b4, "peer", 100)
		if got := w.counters(); got.All < 150 || got.Source != 0 {
			t.Errorf("counted %+v, want most of 300 of All", got)
		}
	})
}

func TestOtherPortsAreUntouched(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		must(t, w.k.Police(tight()))
		flood := w.dial("192.0.2.2", us4+":5061")
		w.arrive(flood, w.listen(us4+":5061"), "other port", 300)
		p := tight()
		p.UDP = []netip.AddrPort{place(us4 + ":5070")}
		must(t, w.k.Police(p))
		w.arrive(w.dial("192.0.2.2", us4+":5060"), w.listen(us4+":5060"), "ours no more", 300)
		if n := w.many(w.listen(us4+":5070"), "ours now", 300, w.dial("192.0.2.2", us4+":5070")); n > 150 {
			t.Errorf("%d of 300 datagrams to a new listener have arrived", n)
		}
	})
}

// connect opens a connection from the far side, if that is possible in a time
// that is short for who sends a second SYN after a second.
func (w *world) connect(from, to string) (net.Conn, error) {
	var c net.Conn
	err := w.far.Do(func() (err error) {
		d := net.Dialer{Timeout: 100 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		c, err = d.Dial("tcp", to)
		return err
	})
	return c, err
}

func (w *world) accept(at string) net.Listener {
	w.t.Helper()
	var l net.Listener
	must(w.t, w.ours.Do(func() (err error) { l, err = net.Listen("tcp", at); return err }))
	w.t.Cleanup(func() { _ = l.Close() })
	return l
}

func TestSYNsArePoliced(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, c := range []struct{ us, from, other string }{{us4, "192.0.2.2", "192.0.2.3"}, {"[" + us6 + "]", "2001:db8::2", "2001:db8:66:5501::1"}} {
			l := w.accept(c.us + ":5060")
			w.accept(c.us + ":5070")
			p := tight()
			p.Source, p.All = firewall.Rate{PerSecond: 1, Burst: 3}, firewall.Rate{PerSecond: 1000, Burst: 1000}
			must(t, w.k.Police(p))
			var far, near net.Conn
			await(t, "a connection", func() (ok bool) {
				var err error
				far, err = w.connect(c.from, c.us+":5060")
				return err == nil
			})
			near, err := l.Accept()
			must(t, err)
			before := w.counters().Source
			for range 20 {
				if another, err := w.connect(c.from, c.us+":5060"); err == nil {
					_ = another.Close()
				}
			}
			if n := w.counters().Source - before; n < 5 {
				t.Errorf("%d of 20 SYNs were dropped", n)
			}
			// The connection goes on, and others are not concerned.
			must(t, far.SetDeadline(time.Now().Add(10*time.Second)))
			must(t, near.SetDeadline(time.Now().Add(10*time.Second)))
			buf := make([]byte, 10)
			for range 200 {
				w.write(far, "request", 1)
				_, err := near.Read(buf)
				must(t, err)
				_, err = near.Write(buf)
				must(t, err)
				_, err = far.Read(buf)
				must(t, err)
			}
			for range 20 {
				await(t, "a connection to another port", func() bool { another, err := w.connect(c.from, c.us+":5070"); return closed(another, err) })
			}
			await(t, "a connection of another", func() bool { another, err := w.connect(c.other, c.us+":5060"); return closed(another, err) })
			_, _ = far.Close(), near.Close()
		}
	})
}

// closed closes a connection that was opened.
func closed(c net.Conn, err error) bool {
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// track makes conntrack put fragments together on our side, as it does where a
// firewall of others asks for the state of connections.
func (w *world) track() {
	w.t.Helper()
	must(w.t, w.ours.Do(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		theirs := conn.AddTable(&nftables.Table{Name: "theirs", Family: nftables.TableFamilyINet})
		c := conn.AddChain(&nftables.Chain{Name: "input", Table: theirs, Type: nftables.ChainTypeFilter,
			Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
		conn.AddRule(&nftables.Rule{Table: theirs, Chain: c, Exprs: []expr.Any{&expr.Ct{Key: expr.CtKeySTATE, Register: 1}}})
		return conn.Flush()
	}))
}

func TestFragments(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.track()
		for _, c := range []struct{ us, stranger, trusted, phone, ban string }{
			{us4, "192.0.2.2", "192.0.2.4", "192.0.2.3", "192.0.2.3/32"},
			{"[" + us6 + "]", "2001:db8::2", "2001:db8:66:5602::1", "[2001:db8:66:5501::1]", "2001:db8:66:5501::/64"},
		} {
			b := w.listen(c.us + ":5060")
			p := tight()
			// The whole of the first datagram, which is three fragments.
			p.SourceFragments, p.AllFragments = firewall.Rate{PerSecond: 1, Burst: 4}, firewall.Rate{PerSecond: 1000, Burst: 1000}
			must(t, w.k.Police(p))
			must(t, w.k.Trust([]netip.Prefix{prefix("192.0.2.4/32"), prefix("2001:db8:66:5602::/64")}))
			large := func(name string) string { return name + strings.Repeat("x", 3000-len(name)) }
			count := func(name string) int { return b.count(large(name)) }
			trusted, stranger := w.dial(c.trusted, c.us+":5060"), w.dial(c.stranger, c.us+":5060")
			w.arrive(trusted, b, large("trusted"), 30)
			before := w.counters()
			w.write(stranger, large("first"), 1)
			await(t, "the first large datagram of a stranger", func() bool { return count("first") == 1 })
			w.write(stranger, large("flood"), 100)
			await(t, "most of 300 fragments to be dropped", func() bool { return w.counters().Fragments >= before.Fragments+150 })
			if n := count("flood"); n > 50 {
				t.Errorf("%d of 100 large datagrams of a stranger have arrived", n)
			}
			// A phone that is spared beside a scanner may send them too.
			must(t, w.k.Ban(prefix(c.ban), time.Hour))
			phone := w.dial(c.phone+":7000", c.us+":5060")
			w.write(phone, large("banned"), 1)
			await(t, "fragments dropped for a ban", func() bool { return w.counters().Banned >= before.Banned+3 })
			must(t, w.k.Spare(firewall.Spared{Remote: place(c.phone + ":7000"), Local: place(c.us + ":5060")}, true))
			w.write(phone, large("phone"), 1)
			await(t, "a large datagram of a spared flow", func() bool { return count("phone") == 1 })
			must(t, w.k.Spare(firewall.Spared{Remote: place(c.phone + ":7000"), Local: place(c.us + ":5060")}, false))
			w.write(phone, large("banned"), 1)
			await(t, "fragments dropped for a ban again", func() bool { return w.counters().Banned >= before.Banned+6 })
			if count("banned") != 0 {
				t.Error("fragments of a banned source have arrived")
			}
		}
	})
}

func TestFragmentsOfAllShareARate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.listen(us4 + ":5060")
		p := tight()
		p.SourceFragments, p.AllFragments = firewall.Rate{PerSecond: 1000, Burst: 1000}, firewall.Rate{PerSecond: 1, Burst: 6}
		must(t, w.k.Police(p))
		large := strings.Repeat("x", 3000)
		for range 30 {
			w.write(w.dial("192.0.2.2", us4+":5060"), large, 1)
			w.write(w.dial("192.0.2.3", us4+":5060"), large, 1)
		}
		await(t, "most of 180 fragments to be dropped", func() bool { return w.counters().Fragments >= 90 })
		if n := b.count(large); n > 30 {
			t.Errorf("%d of 60 large datagrams have arrived", n)
		}
	})
}

// What no engine takes is refused in the same words, and nothing is done.
func TestWhatIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, p := range []netip.Prefix{
			{}, prefix("192.0.2.0/24"), prefix("2001:db8::1/128"), prefix("fe80::/64"), prefix("224.0.0.1/32"), prefix("0.0.0.0/32"), prefix("::ffff:0:0/96"),
		} {
			if err := w.k.Ban(p, time.Hour); err == nil || !strings.Contains(err.Error(), "ban") {
				t.Errorf("Ban(%v) = %v", p, err)
			}
		}
		for _, l := range []netip.AddrPort{{}, place("0.0.0.0:5060"), place("[::]:5060"), place("192.0.2.1:0")} {
			if err := w.k.Police(firewall.Policing{UDP: []netip.AddrPort{l}}); err == nil {
				t.Errorf("Police(%v) succeeded", l)
			}
		}
		if err := w.k.Spare(firewall.Spared{Remote: place("192.0.2.2:1"), Local: place("[2001:db8::1]:1")}, true); err == nil {
			t.Error("a flow between two families is spared")
		}
		if err := w.k.Trust([]netip.Prefix{prefix("192.0.2.2/32"), {}}); err == nil {
			t.Error("no prefix is trusted")
		}
		if got := w.banned(); len(got) != 0 {
			t.Errorf("banned: %v", got)
		}
	})
}
