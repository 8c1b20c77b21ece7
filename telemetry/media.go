package telemetry

// MediaFlow is what came from one far end of a media line since it was counted
// last.
type MediaFlow struct {
	Packets, Octets, Lost uint64
	Drops                 []uint64         // by cause
	Cause                 func(int) string // label of an index into Drops
}

// Media counts one flow of a media line.
func (m *Metrics) Media(f MediaFlow) {
	m.media[0].Add(float64(f.Packets))
	m.media[1].Add(float64(f.Octets))
	m.media[2].Add(float64(f.Lost))
	for i, n := range f.Drops {
		if n > 0 {
			m.drops.add(0, f.Cause(i), n)
		}
	}
}
