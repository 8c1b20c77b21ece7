package mediarelay

// SDES item types (RFC 3550 section 6.5).
const (
	itemEnd   = 0
	itemCNAME = 1
)

// nextItem cuts the first item off the items of a chunk. At their end kind is
// itemEnd, and rest begins with the null octets that pad the chunk. ok is
// false when the item does not fit.
func nextItem(b []byte) (kind uint8, text, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, nil, false
	}
	if b[0] == itemEnd {
		return itemEnd, nil, b, true
	}
	if len(b) < 2 || len(b) < 2+int(b[1]) {
		return 0, nil, nil, false
	}
	n := 2 + int(b[1])
	return b[0], b[2:n], b[n:], true
}

// nextChunk cuts the first chunk off the body of an SDES packet. cname is the
// text of its CNAME, nil if it has none. A chunk begins and ends on a 32-bit
// boundary, and at least one null octet ends its items.
func nextChunk(body []byte) (ssrc, cname, rest []byte, ok bool) {
	if len(body) < ssrcLen {
		return nil, nil, nil, false
	}
	b := body[ssrcLen:]
	for {
		kind, text, next, ok := nextItem(b)
		if !ok {
			return nil, nil, nil, false
		}
		if kind == itemEnd {
			break
		}
		if kind == itemCNAME && cname == nil {
			cname = text[:len(text):len(text)]
		}
		b = next
	}
	at := len(body) - len(b) // of the first null octet
	end := at + 4 - (at & 3) // body begins on a boundary
	if end > len(body) {
		return nil, nil, nil, false
	}
	return body[:ssrcLen], cname, body[end:], true
}

func checkSDES(body []byte, chunks int) bool {
	for ; chunks > 0; chunks-- {
		_, _, rest, ok := nextChunk(body)
		if !ok {
			return false
		}
		body = rest
	}
	return len(body) == 0
}
