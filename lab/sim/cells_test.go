package sim

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// cellsFile lists the cells of the tables of transactions, dialogs and
// subscriptions that can be reached, as "table | state | event"; those that few
// worlds reach begin with "rare: ". What is not in it no machine meets in that
// state.
const (
	cellsFile = "testdata/cells.txt"
	rarely    = "rare: "
)

// Ours: a cell is rare that is passed less often than in every hundredth world.
const seldom = 100

// checkCells checks that every cell that can be reached was passed in n worlds,
// or in some more.
func checkCells(t *testing.T, sum *Report, n int) {
	t.Helper()
	b, err := os.ReadFile(cellsFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	lines := strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' })
	if *update {
		for cell, times := range sum.cells {
			at := slices.Index(lines, cell)
			switch rare := times*seldom < n; {
			case at >= 0 && rare:
				lines[at] = rarely + cell
			case at >= 0 || slices.Contains(lines, rarely+cell):
			case rare:
				lines = append(lines, rarely+cell)
			default:
				lines = append(lines, cell)
			}
		}
		slices.Sort(lines)
		if err := os.WriteFile(cellsFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	missing := func() (list []string) {
		for _, cell := range lines {
			if !strings.HasPrefix(cell, rarely) && sum.cells[cell] == 0 {
				list = append(list, cell)
			}
		}
		return list
	}
	for i := n; i < 3*n && len(missing()) > 0; i++ {
		r, err := Run(Random(*first+uint64(i), callsAWorld))
		check(t, r, err)
		sum.add(r)
	}
	for cell := range sum.cells {
		if !slices.Contains(lines, cell) && !slices.Contains(lines, rarely+cell) {
			t.Errorf("a cell that %s does not have: %s; look whether it is right, and add it (-update)", cellsFile, cell)
		}
	}
	if list := missing(); len(list) > 0 {
		t.Errorf("no world passed these cells: %q", list)
	}
	t.Logf("%d cells passed:\n%s", len(sum.cells), strings.Join(slices.Sorted(maps.Keys(sum.cells)), "\n"))
}
