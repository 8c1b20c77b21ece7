package sip

import (
	"net/netip"
	"strconv"
)

// A Response is an answer of ours.
type Response struct {
	Status      int
	Reason      string         // "": the status's own
	ToTag       []byte         // put into To if that has none, except in a 100
	Src         netip.AddrPort // where the request came from; valid: received and rport are added to the top Via
	Fields      []byte         // complete lines
	ContentType string         // of Body
	Body        []byte
}

// copied are the fields of a request that stand in its responses (RFC 3261
// section 8.2.6.2), besides Via.
var copied = [fieldIDs]bool{
	FieldFrom: true, FieldTo: true, FieldCallID: true, FieldCSeq: true, FieldRecordRoute: true, FieldTimestamp: true,
}

// AppendResponse writes a response to req with what RFC 3261 sections 8.2.6
// and 12.1.1 copy from it: Via, From, To, Call-ID, CSeq; Record-Route where the
// response makes a dialog; Timestamp in a 100. req may be one that Parse
// refused with a status.
func AppendResponse(dst []byte, req *Message, r *Response) []byte {
	reason := r.Reason
	if reason == "" {
		reason = StatusText(r.Status)
	}
	dst = append(dst, "SIP/2.0 "...)
	dst = strconv.AppendInt(dst, int64(r.Status), 10)
	dst = append(append(append(dst, ' '), reason...), "\r\n"...)
	dst = AppendVias(dst, req, r.Src)
	for i := range req.fields {
		if f := &req.fields[i]; copied[f.ID] {
			dst = req.appendCopy(dst, i, f, r)
		}
	}
	dst = append(dst, r.Fields...)
	if r.ContentType != "" {
		dst = append(append(append(dst, "Content-Type: "...), r.ContentType...), "\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(r.Body)), 10)
	return append(append(dst, "\r\n\r\n"...), r.Body...)
}

// appendCopy writes field i of m into the response r, if it belongs there. Of
// fields that may stand there only once, only the first does.
func (m *Message) appendCopy(dst []byte, i int, f *Field, r *Response) []byte {
	first := int(m.first[f.ID]) == i+1
	switch f.ID {
	case FieldRecordRoute:
		if r.Status < 101 || r.Status > 299 {
			return dst
		}
	case FieldTimestamp:
		if r.Status != 100 || !first {
			return dst
		}
	default:
		if !first {
			return dst
		}
	}
	dst = append(append(dst, f.ID.String()...), ": "...)
	dst = m.appendValue(dst, f.Value)
	if f.ID == FieldTo && len(r.ToTag) > 0 && r.Status > 100 && m.to.Tag.Empty() {
		dst = append(append(dst, ";tag="...), r.ToTag...)
	}
	return append(dst, "\r\n"...)
}

// appendValue writes a value, unfolded. In a message that was refused it may
// hold anything: nothing in it may end the line.
func (m *Message) appendValue(dst []byte, s Span) []byte {
	begin := len(dst)
	dst = unfold(dst, s.Of(m.Raw))
	if m.accepted {
		return dst
	}
	for i := begin; i < len(dst); i++ {
		if c := dst[i]; c < ' ' && c != '\t' || c == 0x7f {
			dst[i] = ' '
		}
	}
	return dst
}
