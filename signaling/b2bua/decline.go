package b2bua

import (
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// keepDecline keeps the answer that refuses the offer in m, the 2xx to in.
// RFC 3261 section 13.2.1 wants an answer in the ACK even where the caller,
// who had to make it, is gone.
func (c *Calls) keepDecline(in *invite, m *sip.Message) {
	if in.offerIn == offerIn2xx {
		in.decline = declined(m)
	}
}

// declined returns the answer that switches off every media line of the offer
// in m (RFC 3264 section 6), nil if there is none.
func declined(m *sip.Message) []byte {
	var s sdp.Session
	part, ok, err := m.BodyPart("application/sdp")
	if err != nil || !ok || s.Parse(m.Raw, part) != nil {
		return nil
	}
	b := []byte("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n")
	for i := range s.Media {
		l := &s.Media[i]
		b = append(append(b, "m="...), l.Type.Of(s.Raw)...)
		b = append(append(b, " 0 "...), l.Proto.Of(s.Raw)...)
		b = append(append(append(b, ' '), word(s.Raw, l.Formats, 0).Of(s.Raw)...), "\r\n"...)
	}
	return b
}
