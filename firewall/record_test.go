package firewall

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// A shelf keeps records as a store does.
type shelf map[uint64][]byte

func (s shelf) keep(id uint64, record []byte) {
	if record == nil {
		delete(s, id)
		return
	}
	s[id] = slices.Clone(record)
}

// restart returns the Guard of the next process, which starts that much later.
func (s shelf) restart(t testing.TB, after time.Duration) *Guard {
	t.Helper()
	g := newGuard(t, func(o *Options) { o.Start, o.Keep = epoch.Add(after), s.keep })
	for id, record := range maps.Clone(s) {
		if err := g.Restore(0, id, record); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestRestart(t *testing.T) {
	kept := shelf{}
	g := newGuard(t, func(o *Options) { o.Keep = kept.keep })
	g.offend(0, scanner.Addr())
	g.Ban(time.Minute, netip.MustParsePrefix("2001:db8:77::/48"), time.Hour, "by me")
	g.offend(2*time.Minute, scanner6.Addr())
	g.Ban(3*time.Minute, netip.MustParsePrefix("192.0.2.5/32"), time.Hour, "mistake")
	g.Unban(4*time.Minute, netip.MustParsePrefix("192.0.2.5/32"))

	// The first ban is over by then, and remembered.
	next := kept.restart(t, 11*time.Minute)
	before, after := g.Bans(11*time.Minute), next.Bans(0)
	if !slices.Equal(before, after) || len(after) != 2 {
		t.Errorf("%+v\nwere\n%+v", after, before)
	}
	want(t, "who is banned", next.ask(0, scanner6), CauseBanned)
	want(t, "who is not any more", next.ask(0, scanner), NoCause)
	next.offend(0, scanner.Addr())
	if b := next.Bans(0)[0]; b.Times != 2 || b.Prefix != only(scanner) {
		t.Errorf("%+v", b)
	}
	listed := shelf{}
	next.Records(listed.keep)
	if !maps.EqualFunc(kept, listed, slices.Equal) || len(kept) != 3 {
		t.Errorf("kept %v, listed %v", kept, listed)
	}

	// When nobody remembers it, nothing is left.
	last := kept.restart(t, 30*24*time.Hour)
	if s := last.Stats(); s.Bans+s.Former+len(kept) != 0 {
		t.Errorf("%+v, %v", s, kept)
	}
}

// A ban of who must not be banned now, or a second record of one, is not taken.
func TestRestoreRefuses(t *testing.T) {
	kept := shelf{}
	g := newGuard(t, func(o *Options) { o.Keep, o.Never = kept.keep, nil })
	g.offend(0, peer.Addr())
	g.offend(0, scanner.Addr())
	kept[77] = kept[2]
	next := kept.restart(t, time.Minute)
	if n := len(next.Bans(0)); n != 1 || len(kept) != 1 {
		t.Errorf("%d bans, %d records", n, len(kept))
	}
}

// A record of a later program may have fields more; one that is cut short, or
// of which an octet is wrong, is refused or read as something that can be.
func TestDamagedRecords(t *testing.T) {
	g := newGuard(t, nil)
	g.offend(0, scanner6.Addr())
	g.Ban(0, only(scanner), time.Hour, "by me")
	var records [][]byte
	g.Records(func(_ uint64, r []byte) { records = append(records, r) })
	if len(records) != 2 {
		t.Fatal(len(records))
	}
	for _, r := range records {
		if len(r) > 100 {
			t.Errorf("%d octets", len(r))
		}
		next := newGuard(t, nil)
		if err := next.Restore(0, 1, append(slices.Clone(r), 200, 2, 1, 2)); err != nil || len(next.Bans(0)) != 1 {
			t.Errorf("a field more: %v", err)
		}
		if err := next.Restore(0, 1, append([]byte{recordVersion + 1}, r[1:]...)); !errors.Is(err, errVersion) {
			t.Errorf("another version: %v", err)
		}
		for i := range r {
			err := next.Restore(0, 2, r[:i])
			if i == 0 && !errors.Is(err, errVersion) || i > 0 && i < len(r)-20 && !errors.Is(err, errRecord) {
				t.Errorf("cut to %d of %d octets: %v", i, len(r), err)
			}
		}
	}
}

func FuzzRestore(f *testing.F) {
	g := newGuard(f, nil)
	g.offend(0, scanner6.Addr())
	g.Ban(0, only(scanner), time.Hour, "by me")
	g.Records(func(_ uint64, r []byte) { f.Add(r) })
	f.Add([]byte{recordVersion, recordPrefix, 5, 10, 0, 0, 1, 32, recordSince, 1, 1, recordUntil, 1, 1, recordTimes, 1, 1, recordOrigin, 1, 0})
	o := options()
	o.Sources, o.Proofs = ways, proofWays
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		err = g.Restore(time.Hour, 5, data)
		s := g.Stats()
		if err != nil && s.Bans+s.Former > 0 {
			t.Fatal("a ban of what cannot be read")
		}
		for _, b := range g.Bans(time.Hour) {
			if b.Prefix != b.Prefix.Masked() || b.Times < 1 || b.Prefix.Contains(peer.Addr()) || b.Since.After(epoch.Add(time.Hour)) {
				t.Errorf("%+v", b)
			}
		}
		g.Records(func(id uint64, r []byte) {
			again, _ := New(o)
			if err := again.Restore(time.Hour, id, r); err != nil || id != 5 {
				t.Errorf("what is written is not read: %v", err)
			}
		})
		g.Advance(1 << 62)
	})
}
