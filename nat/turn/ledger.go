package turn

import (
	"net/netip"
	"sync"
)

// A ledger counts what clients have at the same time, over all sockets, so
// that nobody has more than is meant for one.
type ledger struct {
	quota Quota

	mu          sync.Mutex
	allocations tally[string]
	addresses   tally[netip.Addr]
	connections tally[netip.Addr]
}

// A tally counts by key and in all; a key with nothing is not kept.
type tally[K comparable] struct {
	all int
	by  map[K]int
}

func newLedger(q Quota) *ledger {
	return &ledger{
		quota:       q,
		allocations: tally[string]{by: map[string]int{}},
		addresses:   tally[netip.Addr]{by: map[netip.Addr]int{}},
		connections: tally[netip.Addr]{by: map[netip.Addr]int{}},
	}
}

func (t *tally[K]) room(k K, of, all int) bool { return t.by[k] < of && t.all < all }

func (t *tally[K]) add(k K) {
	t.all++
	t.by[k]++
}

func (t *tally[K]) remove(k K) {
	t.all--
	if t.by[k]--; t.by[k] <= 0 {
		delete(t.by, k)
	}
}

// allocate takes a place for one more allocation, if there is one: 486 where
// the client has enough, 508 where there are enough in all.
func (l *ledger) allocate(name string, client netip.Addr) (status, bool) {
	client = household(client)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.allocations.all >= l.quota.Allocations:
		return insufficient, false
	case !l.allocations.room(name, l.quota.PerUser, l.quota.Allocations),
		!l.addresses.room(client, l.quota.PerAddress, l.quota.Allocations):
		return quotaReached, false
	}
	l.allocations.add(name)
	l.addresses.add(client)
	return 0, true
}

// release gives the place of an allocation back.
func (l *ledger) release(name string, client netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.allocations.remove(name)
	l.addresses.remove(household(client))
}

// connect takes a place for one more connection, if there is one.
func (l *ledger) connect(client netip.Addr) bool {
	client = household(client)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.connections.room(client, l.quota.ConnectionsPerAddress, l.quota.Connections) {
		return false
	}
	l.connections.add(client)
	return true
}

// disconnect gives the place of a connection back.
func (l *ledger) disconnect(client netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connections.remove(household(client))
}
