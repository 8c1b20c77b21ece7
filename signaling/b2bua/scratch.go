package b2bua

import (
	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/topology"
)

// A scratch is memory that one Step and the answers to its effects use; the
// next Step uses it again. It keeps relaying a message from allocating.
type scratch struct {
	bytes    []byte
	edits    [][]edit.Edit
	used     int
	topology topology.Scratch
	session  sdp.Session
	lines    []line
	want     []topology.Line
	probe    []edit.Edit
	leaks    []topology.Leak
}

func (w *scratch) reset() {
	w.bytes = w.bytes[:0]
	w.used = 0
	w.lines, w.want = w.lines[:0], w.want[:0]
	w.topology.Reset()
}

// take returns the free memory to append to; keep says what was appended.
// Between them nothing else may take. A slice that outgrows the memory stays
// valid where it is.
func (w *scratch) take() []byte { return w.bytes[len(w.bytes):] }

func (w *scratch) keep(b []byte) []byte {
	if cap(b) == 0 {
		return b
	}
	if cap(w.bytes)-len(w.bytes) == cap(b) {
		w.bytes = w.bytes[:len(w.bytes)+len(b)]
		return b[:len(b):len(b)]
	}
	// b was moved to memory of its own: go on behind it.
	w.bytes = b
	return b[:len(b):len(b)]
}

// takeEdits returns an empty list of edits that is valid until the reset.
func (w *scratch) takeEdits() []edit.Edit {
	if w.used == len(w.edits) {
		w.edits = append(w.edits, make([]edit.Edit, 0, 32))
	}
	w.used++
	return w.edits[w.used-1][:0]
}

func (w *scratch) keepEdits(edits []edit.Edit) { w.edits[w.used-1] = edits }
