package sim

import "testing"

// Invariant 13: the same seed gives the same octets, and another seed others.
func TestSameSeedSameOctets(t *testing.T) {
	hashes := map[uint64]uint64{}
	for seed := range uint64(20) {
		var last *Report
		for range 2 {
			r, err := Run(Random(seed, callsAWorld))
			if err != nil {
				t.Fatal(err)
			}
			if last != nil && (last.Hash != r.Hash || last.Events != r.Events || last.Relayed != r.Relayed) {
				t.Errorf("lab: seed %#x gave\n%v\nand then\n%v", seed, last, r)
			}
			last = r
		}
		if other, ok := hashes[last.Hash]; ok {
			t.Errorf("seeds %#x and %#x gave the same", seed, other)
		}
		hashes[last.Hash] = seed
	}
}
