package b2bua

import (
	"hash"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/topology"
)

// A scratch is memory that one Step and the answers to its effects use; the
// next Step uses it again. It keeps relaying a message from allocating.
type scratch struct {
	bytes        []byte
	total        int // octets kept since the reset
	edits        [][]edit.Edit
	used         int
	topology     topology.Scratch
	session      sdp.Session
	lines        []line
	want         []topology.Line
	codecs       []codec
	renumber     []topology.Renumber
	probe        []edit.Edit
	leaks        []topology.Leak
	leg          topology.Leg // what one message is written for
	sdp          topology.SDP
	hash         hash.Hash64
	kept         Event        // waits for Opened or Reserved
	reader       reader       // of the message that is written
	registration Registration // of the REGISTER, or of the response to one, that is written
	lossy        bool         // the response that is written goes to a caller that knows no reliable ones
}

func (w *scratch) reset() {
	if w.total > cap(w.bytes) {
		w.bytes = make([]byte, 0, 2*w.total)
	}
	w.bytes, w.total = w.bytes[:0], 0
	w.used, w.lossy, w.registration = 0, false, Registration{}
	w.lines, w.want, w.renumber = w.lines[:0], w.want[:0], w.renumber[:0]
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
	w.total += len(b)
	if cap(w.bytes)-len(w.bytes) == cap(b) {
		w.bytes = w.bytes[:len(w.bytes)+len(b)]
		return b[:len(b):len(b)]
	}
	// b was moved to memory of its own: go on behind it.
	w.bytes = b
	return b[:len(b):len(b)]
}

// toLeg returns an empty Leg, in the place of the last one.
func (w *scratch) toLeg() *topology.Leg {
	w.leg = topology.Leg{}
	return &w.leg
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
