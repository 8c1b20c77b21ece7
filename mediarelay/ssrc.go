package mediarelay

import "encoding/binary"

// ssrcsMax bounds the SSRCs that a flow remembers. Ours: a video line with
// three layers and their retransmissions has 6, a conference bridge names up
// to 15 contributing sources in a packet.
const ssrcsMax = 32

// ssrcs are the SSRCs that a far end has used: as the source or a
// contributing source of RTP, or as the sender of RTCP. That one sends
// nothing but RTCP is usual: who only listens reports under an SSRC of its
// own, and names it before any RTP. The oldest makes room for a new one.
type ssrcs struct {
	list    [ssrcsMax]uint32
	n, next uint8
}

func (s *ssrcs) reset() { s.n, s.next = 0, 0 }

func (s *ssrcs) has(ssrc uint32) bool {
	for _, x := range s.list[:s.n] {
		if x == ssrc {
			return true
		}
	}
	return false
}

func (s *ssrcs) add(ssrc uint32) {
	if s.has(ssrc) {
		return
	}
	s.list[s.next] = ssrc
	s.n = max(s.n, s.next+1)
	s.next = (s.next + 1) % ssrcsMax
}

// contributing adds the CSRC list of p.
func (s *ssrcs) contributing(p RTP) {
	for i := range p.contributors() {
		s.add(binary.BigEndian.Uint32(p[rtpHeaderLen+4*i:]))
	}
}

// senders adds the SSRCs under which the packets of the compound packet b
// were sent. CheckRTCP has accepted b.
func (s *ssrcs) senders(b []byte) {
	for len(b) > 0 {
		p, rest, ok := split(b)
		if !ok {
			return
		}
		switch p.kind() {
		case typeSR, typeRR, typeRTPFB, typePSFB, typeXR:
			s.add(binary.BigEndian.Uint32(p[rtcpHeaderLen:]))
		}
		b = rest
	}
}

// own reports whether the compound packet b describes and ends known SSRCs
// only. A BYE or an SDES of any other would end or rename somebody else's
// stream (RFC 3550 sections 6.5 and 6.6 have both speak for their sender).
// The sources of report blocks are those of the other side, and stay.
func (s *ssrcs) own(b []byte) bool {
	for len(b) > 0 {
		p, rest, ok := split(b)
		if !ok {
			return false
		}
		body, _ := p.body()
		switch p.kind() {
		case typeBYE:
			for i := range p.count() {
				if !s.has(binary.BigEndian.Uint32(body[i*ssrcLen:])) {
					return false
				}
			}
		case typeSDES:
			for range p.count() {
				ssrc, _, rest, ok := nextChunk(body)
				if !ok || !s.has(binary.BigEndian.Uint32(ssrc)) {
					return false
				}
				body = rest
			}
		}
		b = rest
	}
	return true
}
