package sip

import (
	"bytes"
	"net/netip"
	"strconv"
)

// AppendVias writes the Via fields of req, a line each. If src is valid, the
// topmost value gets received where its host is another, and received and the
// value of rport where rport was asked for (RFC 3261 section 18.2.1, RFC 3581
// section 4).
func AppendVias(dst []byte, req *Message, src netip.AddrPort) []byte {
	top := true
	for i := int(req.first[FieldVia]) - 1; i >= 0 && i < len(req.fields); i++ {
		f := &req.fields[i]
		if f.ID != FieldVia {
			continue
		}
		dst = append(dst, "Via: "...)
		if top && src.IsValid() && !req.via.Host.Empty() {
			dst = req.appendTopVia(dst, f, src)
		} else {
			dst = req.appendValue(dst, f.Value)
		}
		dst = append(dst, "\r\n"...)
		top = false
	}
	return dst
}

func (m *Message) appendTopVia(dst []byte, f *Field, src netip.AddrPort) []byte {
	v := &m.via
	var text [48]byte
	// Without the zone: it says nothing to anybody else.
	from := src.Addr().Unmap().WithZone("").AppendTo(text[:0])
	if !v.HasRport && bytes.Equal(trimBrackets(v.Host.Of(m.Raw)), from) {
		return m.appendValue(dst, f.Value)
	}
	at := v.Value.Start
	for i := v.Params.Start; i < v.Params.End; {
		var (
			p param
			e Error
		)
		next := nextParam(m.Raw, i, v.Params.End, &p, &e)
		if next < 0 {
			break
		}
		if name := p.name.Of(m.Raw); equalFold(name, "rport") || equalFold(name, "received") {
			dst = m.appendValue(dst, Span{Start: at, End: i})
			at = next
		}
		i = next
	}
	dst = m.appendValue(dst, trim(m.Raw, Span{Start: at, End: v.Value.End}))
	dst = append(append(dst, ";received="...), from...)
	if v.HasRport {
		dst = append(dst, ";rport="...)
		dst = strconv.AppendUint(dst, uint64(src.Port()), 10)
	}
	return m.appendValue(dst, Span{Start: v.Value.End, End: f.Value.End})
}

func trimBrackets(b []byte) []byte {
	if n := len(b); n > 2 && b[0] == '[' && b[n-1] == ']' {
		return b[1 : n-1]
	}
	return b
}
