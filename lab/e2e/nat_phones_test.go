package e2e

import (
	"testing"

	"sbc/lab/nat"
)

// Phones call each other through a PBX that is a proxy: through the SBC twice.
func TestPhoneToPhone(t *testing.T) {
	t.Parallel()
	needsTown(t)
	for _, row := range []struct {
		name string
		near []nat.Kind
		far  []nat.Kind // nil: the same home
	}{
		{"behind two NATs", []nat.Kind{nat.PortRestricted}, []nat.Kind{nat.Symmetric}},
		{"behind one masquerade", []nat.Kind{nat.Masquerade}, nil},
		{"behind one symmetric NAT", []nat.Kind{nat.Symmetric}, nil},
		{"behind one full cone", []nat.Kind{nat.FullCone}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n := newTown(t)
			near := n.home(row.near...)
			far := near
			if row.far != nil {
				far = n.home(row.far...)
			}
			alice, bob := near.phone("alice", 1, "udp"), far.phone("bob", 2, "udp")
			n.pbx.knows(2)
			n.call(alice, bob)
			n.hidden()
		})
	}
}
