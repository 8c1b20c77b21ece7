package world

import "testing"

func TestMemory(t *testing.T) {
	const rollup = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:    9 kB\nPss_Anon:     3 kB\nPss_File:   2 kB\n"
	for name, want := range map[string]int64{"Pss_Anon:": 3 << 10, "Pss_File:": 2 << 10, "Pss_Shmem:": 0} {
		if got := pss([]byte(rollup), name); got != want {
			t.Errorf("%s %d, want %d", name, got, want)
		}
	}
}
