package sip

import (
	"net/netip"
	"strconv"
)

// A Response is an answer of ours.
type Response struct {
	Status      int
	Reason      string         // "": the status's own
	ToTag       []byte         // put into To if that has none
	Src         netip.AddrPort // where the request came from; valid: received and rport are added to the top Via
	Fields      []byte         // complete lines
	ContentType string
	Body        []byte
}

// AppendResponse writes a response to req with what RFC 3261 section 8.2.6.2
// and 12.1.1 copy from it. req may be one that Parse refused with a status.
func AppendResponse(dst []byte, req *Message, r *Response) []byte {
	reason := r.Reason
	if reason == "" {
		reason = StatusText(r.Status)
	}
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(r.Status), 10)
	dst = append(append(append(dst, ' '), reason...), "\r\n"...)
	dst = AppendVias(dst, req, r.Src)
	for _, f := range req.fields {
		switch f.ID {
		case FieldFrom, FieldCallID, FieldCSeq:
		case FieldTo:
			dst = appendTo(dst, req, f, r)
			continue
		case FieldRecordRoute:
			if r.Status < 101 || r.Status > 299 {
				continue
			}
		case FieldTimestamp:
			if r.Status != 100 {
				continue
			}
		default:
			continue
		}
		dst = appendField(dst, req, f)
	}
	dst = append(dst, r.Fields...)
	if r.ContentType != "" {
		dst = append(append(append(dst, "Content-Type: "...), r.ContentType...), "\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(r.Body)), 10)
	return append(append(dst, "\r\n\r\n"...), r.Body...)
}

func appendField(dst []byte, m *Message, f Field) []byte {
	dst = append(append(dst, f.ID.String()...), ": "...)
	return append(appendClean(dst, m.Bytes(f.Value)), "\r\n"...)
}

// appendClean writes a value of a message that may have been refused, so that
// nothing in it can end the line.
func appendClean(dst, value []byte) []byte {
	at := len(dst)
	dst = unfold(dst, value)
	for i := at; i < len(dst); i++ {
		if c := dst[i]; c < ' ' && c != '\t' || c == 0x7f {
			dst[i] = ' '
		}
	}
	return dst
}

func appendTo(dst []byte, req *Message, f Field, r *Response) []byte {
	dst = append(dst, "To: "...)
	dst = appendClean(dst, req.Bytes(f.Value))
	na, err := ParseNameAddr(req.Raw, f.Value)
	if len(r.ToTag) > 0 && r.Status > 100 && (err != nil || na.Tag.Empty()) {
		dst = append(append(dst, ";tag="...), r.ToTag...)
	}
	return append(dst, "\r\n"...)
}

// AppendVias writes the Via fields of req, a line each. If src is valid, the
// topmost value gets received where its host is another, and received and the
// value of rport where rport was asked for (RFC 3261 section 18.2.1, RFC 3581
// section 4).
func AppendVias(dst []byte, req *Message, src netip.AddrPort) []byte {
	top := true
	for _, f := range req.fields {
		if f.ID != FieldVia {
			continue
		}
		dst = append(dst, "Via: "...)
		if top && src.IsValid() {
			dst = appendTopVia(dst, req, f, src)
		} else {
			dst = appendClean(dst, req.Bytes(f.Value))
		}
		dst = append(dst, "\r\n"...)
		top = false
	}
	return dst
}

func appendTopVia(dst []byte, req *Message, f Field, src netip.AddrPort) []byte {
	v := &req.via
	host, err := netip.ParseAddr(string(trimBrackets(req.Bytes(v.Host))))
	elsewhere := err != nil || host.Unmap() != src.Addr().Unmap()
	if v.Value.Empty() || !elsewhere && !v.HasRport {
		return appendClean(dst, req.Bytes(f.Value))
	}
	at := v.Value.Start
	for i := v.Params.Start; i < v.Params.End; {
		if req.Raw[i] == ';' || isSpace(req.Raw[i]) {
			i++
			continue
		}
		end := endOf(req.Raw, i, v.Params.End, ";")
		name, _ := splitParam(req.Raw, Span{Start: i, End: end})
		if n := name.Of(req.Raw); equalFold(n, "rport") || equalFold(n, "received") {
			semi := i
			for req.Raw[semi] != ';' {
				semi--
			}
			dst = appendClean(dst, req.Raw[at:semi])
			at = end
		}
		i = end
	}
	dst = appendClean(dst, req.Raw[at:v.Value.End])
	dst = append(dst, ";received="...)
	dst = src.Addr().Unmap().AppendTo(dst)
	if v.HasRport {
		dst = append(dst, ";rport="...)
		dst = strconv.AppendUint(dst, uint64(src.Port()), 10)
	}
	return appendClean(dst, req.Raw[v.Value.End:f.Value.End])
}

func trimBrackets(b []byte) []byte {
	if n := len(b); n > 2 && b[0] == '[' && b[n-1] == ']' {
		return b[1 : n-1]
	}
	return b
}
