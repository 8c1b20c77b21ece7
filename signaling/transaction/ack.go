package transaction

import (
	"strconv"

	"sbc/signaling/sip"
)

// AppendAck appends the ACK of a final response that is not a 2xx: RFC 3261
// section 17.1.1.3. invite is the INVITE as it was sent, resp the response.
// The ACK goes where the INVITE went. dst comes back as it was when invite
// cannot be read.
func AppendAck(dst, invite []byte, resp *sip.Message) []byte {
	return appendSame(dst, invite, "ACK", resp)
}

// AppendCancel appends the CANCEL of an INVITE: RFC 3261 section 9.1. It goes
// where the INVITE went, in a transaction of its own. dst comes back as it was
// when invite cannot be read.
func AppendCancel(dst, invite []byte) []byte { return appendSame(dst, invite, "CANCEL", nil) }

// appendSame appends a request that names an INVITE by having its Request-URI,
// top Via, Route, From, Call-ID and CSeq number. To is the response's, or the
// INVITE's where there is none. Max-Forwards is the INVITE's, so that the
// request ends where that one did.
func appendSame(dst, invite []byte, method string, resp *sip.Message) []byte {
	var m sip.Message
	if err := m.Parse(invite); err != nil || !m.IsRequest() {
		return dst
	}
	to := m.Bytes(m.To().Value)
	if resp != nil {
		to = resp.Bytes(resp.To().Value)
	}
	dst = append(append(dst, method...), ' ')
	dst = append(dst, m.Bytes(m.RequestURI())...)
	dst = append(dst, " SIP/2.0\r\n"...)
	dst = appendField(dst, "Via", m.Bytes(m.Via().Value))
	for _, f := range m.Fields() {
		if f.ID == sip.FieldRoute {
			dst = append(dst, m.Bytes(f.Line)...)
		}
	}
	dst = appendField(dst, "From", m.Bytes(m.From().Value))
	dst = appendField(dst, "To", to)
	dst = appendField(dst, "Call-ID", m.Bytes(m.CallID()))
	dst = append(dst, "CSeq: "...)
	dst = strconv.AppendUint(dst, uint64(m.CSeq()), 10)
	dst = append(append(append(dst, ' '), method...), "\r\nMax-Forwards: "...)
	hops := m.MaxForwards()
	if hops < 0 {
		hops = maxForwards
	}
	dst = strconv.AppendInt(dst, int64(hops), 10)
	return append(dst, "\r\nContent-Length: 0\r\n\r\n"...)
}

// RFC 3261 section 8.1.1.6.
const maxForwards = 70

func appendField(dst []byte, name string, value []byte) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}
