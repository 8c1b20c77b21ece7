package topology

import (
	"net/netip"
	"strconv"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// A Scratch holds the new octets of edits. Its owner resets it when the edits
// of all messages that were made with it have been applied; the memory is used
// again. The zero Scratch is ready.
type Scratch struct {
	buf   []byte
	parts []sip.Part // of the body of one message
}

// Reset lets the memory be used again. Edits made before are no longer valid.
func (s *Scratch) Reset() { s.buf = s.buf[:0] }

// A text is being written into a Scratch. Where the memory has to grow, what
// was written before stays valid where it is.
type text struct {
	s    *Scratch
	from int
}

func (s *Scratch) text() text { return text{s, len(s.buf)} }

func (t text) str(v string) text  { t.s.buf = append(t.s.buf, v...); return t }
func (t text) put(v []byte) text  { t.s.buf = append(t.s.buf, v...); return t }
func (t text) byte(c byte) text   { t.s.buf = append(t.s.buf, c); return t }
func (t text) uint(v uint64) text { t.s.buf = strconv.AppendUint(t.s.buf, v, 10); return t }

// conn writes what stands in c= and o= for an address: "IN IP4 192.0.2.1".
func (t text) conn(a netip.Addr) text {
	if a.Is4() || a.Is4In6() {
		t = t.str("IN IP4 ")
	} else {
		t = t.str("IN IP6 ")
	}
	t.s.buf = a.Unmap().WithZone("").AppendTo(t.s.buf)
	return t
}

func (t text) bytes() []byte { return t.s.buf[t.from:len(t.s.buf):len(t.s.buf)] }

// replace appends the edit that puts t in the place of at.
func (t text) replace(edits []edit.Edit, at edit.Span, why edit.Reason) []edit.Edit {
	return append(edits, edit.Edit{Start: at.Start, End: at.End, New: t.bytes(), Why: why})
}

// remove appends the edit that takes at out.
func remove(edits []edit.Edit, at edit.Span, why edit.Reason) []edit.Edit {
	return append(edits, edit.Edit{Start: at.Start, End: at.End, Why: why})
}
