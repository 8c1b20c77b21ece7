package kernel

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/nftables"

	"sbc/firewall"
)

// openTable opens the engine nftables in a world of its own.
func openTable(t testing.TB) (*world, *nft) {
	t.Helper()
	w := newWorld(t)
	w.k = w.open("nftables")
	return w, w.k.(*nft)
}

func addr4(n int) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], 10<<24+uint32(n))
	return netip.AddrFrom4(b)
}

func ban4(n int) netip.Prefix { return netip.PrefixFrom(addr4(n), 32) }

// Sets have a bound, and say so; what is there can be banned anew.
func TestFullSets(t *testing.T) {
	t.Parallel()
	w, n := openTable(t)
	elements := make([]nftables.SetElement, bannedMax)
	for i := range elements {
		elements[i] = nftables.SetElement{Key: addr4(i).AsSlice(), Timeout: time.Hour}
	}
	must(t, n.addElements(n.table.families[0].bans[0].set, elements))
	must(t, n.flush())
	if err := w.k.Ban(prefix("192.0.2.3/32"), time.Hour); !errors.Is(err, errFull) {
		t.Errorf("ban %d: %v", bannedMax+1, err)
	}
	must(t, w.k.Ban(ban4(7), time.Minute))
	must(t, w.k.Unban(ban4(8)))
	must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
	must(t, w.k.Ban(prefix("2001:db8:66::/64"), time.Hour))
	if got := len(w.banned()); got != bannedMax+1 {
		t.Errorf("%d bans, want %d", got, bannedMax+1)
	}
	// As many are adopted.
	next, err := w.adoptNext()
	must(t, err)
	list, err := next.Banned()
	must(t, err)
	if len(list) != bannedMax+1 {
		t.Errorf("%d bans are adopted, want %d", len(list), bannedMax+1)
	}
}

func TestManyTrusted(t *testing.T) {
	t.Parallel()
	w, _ := openTable(t)
	b, peer := w.listen(us4+":5060"), w.dial("192.0.2.2", us4+":5060")
	must(t, w.k.Ban(prefix("192.0.2.2/32"), time.Hour))
	list := []netip.Prefix{prefix("192.0.2.2/32")}
	for i := range trustedMax - 1 {
		list = append(list, netip.PrefixFrom(addr4(i*512), 24))
	}
	must(t, w.k.Trust(list))
	w.arrive(peer, b, "trusted", 3)
	if err := w.k.Trust(append(list[1:], prefix("172.16.0.0/32"), prefix("172.16.0.2/32"))); !errors.Is(err, errFull) {
		t.Errorf("%d prefixes: %v", trustedMax+1, err)
	}
	w.arrive(peer, b, "still trusted", 3)
	must(t, w.k.Trust(nil))
	w.dropped(peer, b, "trusted no more", 3)
}

// After an error the socket is opened anew, and what comes next is not taken
// for its answer.
func TestErrorsAreNotMixedUp(t *testing.T) {
	t.Parallel()
	w, n := openTable(t)
	for range 3 {
		must(t, w.ours.Do(func() error {
			n.socket.conn.DelTable(&nftables.Table{Name: "none", Family: nftables.TableFamilyINet})
			if err := n.flush(); err == nil {
				t.Error("a table that does not exist was deleted")
			}
			return nil
		}))
		must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
		if got := w.banned(); len(got) != 1 {
			t.Errorf("banned: %v", got)
		}
	}
}

// A table of another version of ours is replaced.
func TestTableOfAnotherVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	must(t, w.ours.Do(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		other := newTable()
		conn.AddTable(other.Table)
		set := *other.families[0].bans[0].set
		set.Size = 7
		if err := conn.AddSet(&set, []nftables.SetElement{{Key: addr4(1).AsSlice(), Timeout: time.Hour}}); err != nil {
			return err
		}
		return conn.Flush()
	}))
	w.k = w.open("nftables")
	if got := w.banned(); len(got) != 0 {
		t.Errorf("banned: %v", got)
	}
	must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
	w.dropped(w.dial("192.0.2.3", us4+":5060"), w.listen(us4+":5060"), "banned", 3)
}

// Buckets outlive a change of the listeners.
func TestListenersChangeAndBucketsStay(t *testing.T) {
	t.Parallel()
	w, n := openTable(t)
	b := w.listen(us4 + ":5060")
	p := tight()
	p.Source, p.All = firewall.Rate{PerSecond: 1, Burst: 1000}, firewall.Rate{}
	must(t, w.k.Police(p))
	w.arrive(w.dial("192.0.2.2", us4+":5060"), b, "remembered", 1)
	sources := func() int {
		elements, err := n.socket.conn.GetSetElements(n.table.families[0].sources)
		must(t, err)
		return len(elements)
	}
	p.UDP = append(p.UDP, place(us4+":5070"))
	must(t, w.k.Police(p))
	if got := sources(); got != 1 {
		t.Errorf("%d sources are remembered, want 1", got)
	}
	p.Source.PerSecond = 2
	must(t, w.k.Police(p))
	if got := sources(); got != 0 {
		t.Errorf("%d sources are remembered at a new rate, want 0", got)
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct {
		in   []string
		v6   bool
		want []string
	}{
		{nil, false, nil},
		{[]string{"10.0.0.0/24"}, true, nil},
		{[]string{"10.0.0.0/24"}, false, []string{"10.0.0.0", "10.0.0.255"}},
		{[]string{"10.0.1.0/24", "10.0.0.0/24", "10.0.0.7/32"}, false, []string{"10.0.0.0", "10.0.1.255"}},
		{[]string{"10.0.0.0/24", "10.0.2.0/24"}, false, []string{"10.0.0.0", "10.0.0.255", "10.0.2.0", "10.0.2.255"}},
		{[]string{"0.0.0.0/0", "255.255.255.255/32", "10.0.0.0/8"}, false, []string{"0.0.0.0", "255.255.255.255"}},
		{[]string{"255.255.255.255/32", "128.0.0.0/1", "10.0.0.0/8"}, false, []string{"10.0.0.0", "10.255.255.255", "128.0.0.0", "255.255.255.255"}},
		{[]string{"2001:db8::/47", "2001:db8:1::/48", "10.0.0.0/8", "2001:db8:3::1/128"}, true,
			[]string{"2001:db8::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", "2001:db8:3::1", "2001:db8:3::1"}},
		{[]string{"::/0", "ffff::/16"}, true, []string{"::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}},
	} {
		var in []netip.Prefix
		for _, p := range c.in {
			in = append(in, prefix(p))
		}
		var got []string
		for _, s := range spans(in, c.v6) {
			got = append(got, s.first.String(), s.last.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.in, got, c.want)
		}
	}
}

// The entry for fragments comes with the first flow between two addresses and
// goes with the last.
func TestSpares(t *testing.T) {
	s := newSpares()
	one, err := entryOf(firewall.Spared{Remote: place("192.0.2.2:1"), Local: place(us4 + ":5060")})
	must(t, err)
	two, err := entryOf(firewall.Spared{Remote: place("[::ffff:192.0.2.2]:2"), Local: place(us4 + ":5060"), TCP: true})
	must(t, err)
	for i, step := range []struct {
		e       entry
		on      bool
		changes int
	}{
		{one, false, 0}, {one, true, 2}, {one, true, 0}, {two, true, 1}, {one, false, 1}, {one, false, 0}, {two, false, 2}, {two, true, 2},
	} {
		got := s.change(step.e, step.on)
		if len(got) != step.changes || step.changes == 2 && got[1] != one.unported() {
			t.Errorf("step %d: %v, want %d changes", i, got, step.changes)
		}
		s.done(step.e, step.on)
	}
	s.done(two, false)
	if len(s.flows)+len(s.fragments) != 0 {
		t.Errorf("left: %v", s)
	}
}
