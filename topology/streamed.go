package topology

import (
	"bytes"

	"sbc/signaling/sdp"
)

// Streamed reports whether media line i of a description runs over a
// connection (RFC 4145), or along a path of addresses that its sender names, as
// MSRP does (RFC 4975 section 8.1). A relay of datagrams cannot carry it, and
// without its path it leads nowhere: HideSDP switches it off (RFC 3264 section
// 6) whatever its Line says.
func Streamed(s *sdp.Session, i int) bool {
	m := &s.Media[i]
	proto := m.Proto.Of(s.Raw)
	if len(proto) > 0 && (fold[proto[0]] == 't' || fold[proto[0]] == 'm') {
		first, _, _ := bytes.Cut(proto, []byte("/"))
		if equalFold(first, []byte("tcp")) || equalFold(first, []byte("msrp")) {
			return true
		}
	}
	if m.IsRTP {
		return false
	}
	for _, l := range s.Lines[m.Lines[0]:m.Lines[1]] {
		if l.Type == 'a' && bytes.HasPrefix(l.Value.Of(s.Raw), []byte("path:")) {
			return true
		}
	}
	return false
}
