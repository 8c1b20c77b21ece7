package registrar

import "time"

// ways is how many places a key may stand in.
const ways = 8

// A table remembers a time for each of a bounded number of keys. Where it is
// full, the key with the earliest time is forgotten. Its memory is fixed.
type table struct {
	slots []slot // a power of two of them, in groups of ways
}

type slot struct {
	key uint64 // 0: free
	at  time.Duration
}

func newTable(keys int) table {
	n := ways
	for n < keys {
		n *= 2
	}
	return table{make([]slot, n)}
}

// find returns the slot of key, nil if there is none.
func (t *table) find(key uint64) *slot {
	group := t.group(key)
	for i := range group {
		if group[i].key == key|1 {
			return &group[i]
		}
	}
	return nil
}

// put returns the slot of key, which may have been another's until now; then
// its time is that of now.
func (t *table) put(key uint64, now time.Duration) *slot {
	group := t.group(key)
	first := &group[0]
	for i := range group {
		s := &group[i]
		if s.key == key|1 {
			return s
		}
		if s.key == 0 || first.key != 0 && s.at < first.at {
			first = s
		}
	}
	*first = slot{key | 1, now}
	return first
}

func (t *table) group(key uint64) []slot {
	i := int(key>>8) & (len(t.slots) - 1) &^ (ways - 1)
	return t.slots[i : i+ways]
}

// drop forgets key.
func (t *table) drop(key uint64) {
	if s := t.find(key); s != nil {
		*s = slot{}
	}
}

// A gate lets so many pass in a time, for each key: the generic cell rate
// algorithm, with the theoretical arrival time in a table.
type gate struct {
	table
	every time.Duration // between two, in the long run
	burst time.Duration // how far the theoretical time may run ahead
}

func newGate(keys int, rate float64, burst int) gate {
	g := gate{table: newTable(keys)}
	g.pace(rate, burst)
	return g
}

// pace sets how many pass: rate per second, and burst at once.
func (g *gate) pace(rate float64, burst int) {
	g.every = time.Duration(float64(time.Second) / rate)
	g.burst = g.every * time.Duration(burst-1)
}

// pass tells whether one more of key may pass; if not, when it might.
func (g *gate) pass(key uint64, now time.Duration) (ok bool, wait time.Duration) {
	s := g.put(key, now)
	at := max(s.at, now)
	if ahead := at - now - g.burst; ahead > 0 {
		return false, ahead
	}
	s.at = at + g.every
	return true, 0
}
