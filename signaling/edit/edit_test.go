package edit_test

import (
	"errors"
	"testing"

	"sbc/signaling/edit"
)

func TestAppendTo(t *testing.T) {
	raw := []byte("0123456789")
	for _, c := range []struct {
		name  string
		edits []edit.Edit
		want  string
	}{
		{"none", nil, "0123456789"},
		{"replace", []edit.Edit{{Start: 2, End: 4, New: []byte("ab")}}, "01ab456789"},
		{"out of order", []edit.Edit{{Start: 8, End: 10}, {Start: 0, End: 1, New: []byte("zero")}}, "zero1234567"},
		{"insertions keep their order", []edit.Edit{
			{Start: 5, End: 6, New: []byte("X")},
			{Start: 5, End: 5, New: []byte("a")},
			{Start: 5, End: 5, New: []byte("b")},
		}, "01234abX6789"},
		{"touching", []edit.Edit{{Start: 0, End: 5}, {Start: 5, End: 10, New: []byte("!")}}, "!"},
		{"at the end", []edit.Edit{{Start: 10, End: 10, New: []byte("!")}}, "0123456789!"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := edit.AppendTo([]byte(">"), raw, c.edits)
			if err != nil || string(got) != ">"+c.want {
				t.Errorf("got %q, %v; want %q", got, err, ">"+c.want)
			}
		})
	}
}

func TestAppendToRefuses(t *testing.T) {
	for _, edits := range [][]edit.Edit{
		{{Start: 0, End: 4}, {Start: 3, End: 5}},
		{{Start: 0, End: 11}},
		{{Start: 5, End: 4}},
		{{Start: -1, End: 4}},
	} {
		got, err := edit.AppendTo([]byte("kept"), []byte("0123456789"), edits)
		if oe := (*edit.OverlapError)(nil); !errors.As(err, &oe) || string(got) != "kept" {
			t.Errorf("%v: got %q, %v; want an OverlapError", edits, got, err)
		}
	}
}

func TestAppendToDoesNotAllocate(t *testing.T) {
	raw, dst := []byte("0123456789"), make([]byte, 0, 64)
	edits := []edit.Edit{{Start: 6, End: 7}, {Start: 2, End: 4, New: []byte("ab")}}
	if n := testing.AllocsPerRun(100, func() { dst, _ = edit.AppendTo(dst[:0], raw, edits) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestGrowth(t *testing.T) {
	edits := []edit.Edit{{Start: 1, End: 2, New: []byte("abc")}, {Start: 6, End: 9}}
	if got := edit.Growth(edits, edit.Span{Start: 5, End: 10}); got != -3 {
		t.Errorf("got %d, want -3", got)
	}
}
