package sdp

import (
	"bytes"
	"iter"

	"sbc/signaling/edit"
)

// A Payload is a payload type and what it stands for on one media line.
type Payload struct {
	Type     uint8     // 96 to 127
	Encoding edit.Span // "opus/48000/2" (RFC 8866 section 6.6)
}

// Payloads yields the payload types of media line i that stand for nothing by
// themselves (RFC 3551 section 3: 96 to 127), and for which it says what they
// mean.
func (s *Session) Payloads(i int) iter.Seq[Payload] {
	return func(yield func(Payload) bool) {
		m := &s.Media[i]
		for _, ln := range s.Lines[m.Lines[0]:m.Lines[1]] {
			v := ln.Value.Of(s.Raw)
			if ln.Type != 'a' || !bytes.HasPrefix(v, []byte("rtpmap:")) {
				continue
			}
			pt, end, ok := payloadType(v, len("rtpmap:"))
			if !ok || pt < 96 || end == len(v) || v[end] != ' ' {
				continue
			}
			at := edit.Span{Start: ln.Value.Start + end + 1, End: ln.Value.End}
			for at.Start < at.End && s.Raw[at.Start] == ' ' {
				at.Start++
			}
			for at.Start < at.End && s.Raw[at.End-1] == ' ' {
				at.End--
			}
			if !yield(Payload{pt, at}) {
				return
			}
		}
	}
}

// PayloadType reads the number of 0 to 127 at the start of s in raw. rest is
// what follows it.
func PayloadType(raw []byte, s edit.Span) (pt uint8, rest edit.Span, ok bool) {
	pt, end, ok := payloadType(raw[:s.End], s.Start)
	return pt, edit.Span{Start: end, End: s.End}, ok
}

func payloadType(b []byte, at int) (pt uint8, end int, ok bool) {
	n := 0
	for end = at; end < len(b) && '0' <= b[end] && b[end] <= '9' && n <= 127; end++ {
		n = 10*n + int(b[end]-'0')
	}
	return uint8(n), end, end > at && n <= 127
}
