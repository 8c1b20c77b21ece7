package mediarelay

import (
	"errors"
	"math/rand/v2"
	"net/netip"
	"testing"
)

// The last pairs are for urgent lines alone, on either side.
func TestKeep(t *testing.T) {
	o := Options{Realms: []RealmPool{
		{Name: "a", Addr: netip.MustParseAddr("127.0.0.1"), First: 20000, Last: 20007, Keep: 2},
		{Name: "b", Addr: netip.MustParseAddr("127.0.0.2"), First: 20000, Last: 20099},
	}}
	m, err := NewModel(o, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	open := func(urgent bool) error {
		_, err := m.Open(Open{Realm: [2]int{1, 0}, Urgent: urgent})
		return err
	}
	for i, want := range []struct{ urgent, ok bool }{{false, true}, {false, true}, {false, false}, {true, true}, {true, true}, {true, false}} {
		err := open(want.urgent)
		if (err == nil) != want.ok {
			t.Errorf("line %d: %v", i, err)
		}
		if full := (*Exhausted)(nil); err != nil && (!errors.As(err, &full) || full.Realm != "a") {
			t.Errorf("line %d: %v", i, err)
		}
	}
	if use := m.Ports(); use[0].InUse != 4 || use[1].InUse != 4 {
		t.Errorf("in use: %+v", use)
	}
}
