// Package edit replaces spans of received bytes.
//
// A message that crosses the border is edited, not rebuilt: what nobody
// touches goes out as it came in. The list of edits is both what is done and
// the account of what was done, so the trace of a call cannot tell another
// story than the wire.
package edit

import "fmt"

// A Span is a half-open range of offsets into received bytes. The zero Span
// is empty and stands for "not there" where a field of a struct is optional.
type Span struct{ Start, End int }

// Len returns the number of octets in s.
func (s Span) Len() int { return s.End - s.Start }

// Empty reports whether s holds no octet.
func (s Span) Empty() bool { return s.Start >= s.End }

// Of returns the octets of raw that s covers. They are a view: they live and
// change with raw.
func (s Span) Of(raw []byte) []byte { return raw[s.Start:s.End:s.End] }

// A Reason says in a few words why an edit was made, and by which rule
// ("sbc.hcl:14") where a rule made it. It is shown in the trace of the call.
type Reason string

// An Edit replaces raw[Start:End] by New. Start == End inserts New at Start.
// New must not change until the edits are applied.
type Edit struct {
	Start, End int
	New        []byte
	Why        Reason
}

// An OverlapError tells of two edits that touch the same octets, or of one
// that lies outside of the message. It is always a bug of the caller.
type OverlapError struct{ A, B Edit }

func (e *OverlapError) Error() string {
	return fmt.Sprintf("edit [%d:%d] (%s) overlaps or leaves the message at [%d:%d] (%s)",
		e.B.Start, e.B.End, e.B.Why, e.A.Start, e.A.End, e.A.Why)
}

// Sort orders edits by position, in place. Edits at the same position keep
// the order in which they were appended, insertions before a replacement.
func Sort(edits []Edit) {
	// Nearly sorted and short: an insertion sort neither allocates nor calls.
	for i := 1; i < len(edits); i++ {
		for j := i; j > 0 && less(&edits[j], &edits[j-1]); j-- {
			edits[j], edits[j-1] = edits[j-1], edits[j]
		}
	}
}

func less(a, b *Edit) bool {
	if a.Start != b.Start {
		return a.Start < b.Start
	}
	return a.Start == a.End && b.Start != b.End
}

// AppendTo appends raw, with the edits done, to dst. It sorts edits in place.
// An error leaves dst as it was.
func AppendTo(dst, raw []byte, edits []Edit) ([]byte, error) {
	Sort(edits)
	at, begin := 0, len(dst)
	for i := range edits {
		e := &edits[i]
		if e.Start < at || e.End < e.Start || e.End > len(raw) {
			return dst[:begin], &OverlapError{A: edits[max(i-1, 0)], B: *e}
		}
		dst = append(dst, raw[at:e.Start]...)
		dst = append(dst, e.New...)
		at = e.End
	}
	return append(dst, raw[at:]...), nil
}

// Growth returns by how many octets the edits that lie in s lengthen it.
func Growth(edits []Edit, s Span) int {
	n := 0
	for i := range edits {
		if e := &edits[i]; e.Start >= s.Start && e.End <= s.End {
			n += len(e.New) - (e.End - e.Start)
		}
	}
	return n
}
