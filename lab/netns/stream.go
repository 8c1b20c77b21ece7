package netns

import (
	"net/netip"
	"slices"
)

// A Stream is what one end of a TCP connection sent, put together from the
// segments of a capture.
type Stream struct {
	Src, Dst netip.AddrPort
	Bytes    []byte // up to the first gap
}

// Streams returns both directions of the TCP connections that the capture saw
// from their beginning, in the order in which they began.
func (c *Capture) Streams() []Stream {
	type way struct {
		src, dst netip.AddrPort
		began    uint32 // sequence number of the SYN; ports are used again
	}
	var order []way
	parts := map[way][]Segment{}
	latest := map[[2]netip.AddrPort]way{}
	for _, f := range c.Frames() {
		s, ok := f.TCP()
		if !ok {
			continue
		}
		ends := [2]netip.AddrPort{s.Src, s.Dst}
		if s.SYN {
			w := way{s.Src, s.Dst, s.Seq}
			if latest[ends] != w {
				latest[ends] = w
				order = append(order, w)
			}
		} else if w, ok := latest[ends]; ok && len(s.Payload) > 0 {
			parts[w] = append(parts[w], s)
		}
	}
	var all []Stream
	for _, w := range order {
		all = append(all, Stream{Src: w.src, Dst: w.dst, Bytes: joined(w.began+1, parts[w])})
	}
	return all
}

// joined puts segments together, whose first octet has the number first.
func joined(first uint32, list []Segment) (b []byte) {
	// Differences, because numbers begin anew after 2^32.
	slices.SortStableFunc(list, func(x, y Segment) int { return int(int32(x.Seq-first)) - int(int32(y.Seq-first)) })
	for _, s := range list {
		at := int(int32(s.Seq - first))
		if at > len(b) {
			return b
		}
		if have := len(b) - at; have < len(s.Payload) {
			b = append(b, s.Payload[have:]...)
		}
	}
	return b
}
