package store

import (
	"bytes"
	"path/filepath"
	"testing"
)

// BenchmarkOpen opens a file of 20,000 registrations.
func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "sbc.db")
	value := bytes.Repeat([]byte{1}, 300)
	for b.Loop() {
		s, _, _, err := Open(path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		for k := range uint64(20_000) {
			s.Bindings().Save(k*0x9e3779b97f4a7c15, value)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
