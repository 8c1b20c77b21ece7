package b2bua

import (
	"bytes"

	"sbc/topology"
)

// A codec is what a payload type stands for on a media line of a description
// that is an offer. Only those that stand for nothing by themselves are kept.
type codec struct {
	line     uint8
	pt       uint8
	encoding uint32 // hash of what a=rtpmap says
}

// A numbering is one format that the two sides of a pair have given different
// payload types. RFC 3264 section 5.1 lets each side number as it likes and has
// the other send that number; devices send their own all the same. We give each
// side its own numbers in both directions.
type numbering struct {
	line uint8
	pt   [2]uint8 // by side
}

// codecsOf reads the formats of a description. A line with redundancy (RFC
// 2198), whose packets carry payload types inside, has none that may change.
func (c *Calls) codecsOf(d *description) []codec {
	list := c.work.codecs[:0]
	for i := range d.lines {
		if d.lines[i].off || d.lines[i].opaque {
			continue
		}
		begin := len(list)
		for p := range d.sess.Payloads(i) {
			enc := p.Encoding.Of(d.sess.Raw)
			if len(enc) > 4 && bytes.EqualFold(enc[:4], []byte("red/")) {
				list = list[:begin]
				break
			}
			list = append(list, codec{uint8(i), p.Type, hashEncoding(enc)})
		}
	}
	c.work.codecs = list
	return list
}

// hashEncoding is FNV-1a over an encoding in small letters. "/1" at the end of
// one for audio says what is so without it.
func hashEncoding(enc []byte) uint32 {
	if bytes.Count(enc, []byte("/")) == 2 {
		enc = bytes.TrimSuffix(enc, []byte("/1"))
	}
	h := uint32(2166136261)
	for _, b := range enc {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		h = (h ^ uint32(b)) * 16777619
	}
	return h
}

// number finds out which formats the answer d, of side from, numbers in
// another way than the offer that it answers.
func (c *Calls) number(p *pair, from Side, d *description) {
	theirs := p.legs[from.other()].codecs
	if len(theirs) == 0 {
		return
	}
	ours := c.codecsOf(d)
	for _, a := range ours {
		if find(theirs, func(o codec) bool { return o == a }) >= 0 {
			continue
		}
		same := func(o codec) bool { return o.line == a.line && o.encoding == a.encoding }
		i := find(theirs, same)
		if i < 0 || find(theirs[i+1:], same) >= 0 || find(ours, func(o codec) bool { return o != a && same(o) }) >= 0 {
			continue // nothing, or more than one thing, that it could be
		}
		b := theirs[i]
		if find(ours, func(o codec) bool { return o.line == a.line && o.pt == b.pt }) >= 0 {
			continue // the number stands for something else on this side
		}
		n := numbering{line: a.line}
		n.pt[from], n.pt[from.other()] = a.pt, b.pt
		p.renumber(n)
	}
}

func find(list []codec, is func(codec) bool) int {
	for i := range list {
		if is(list[i]) {
			return i
		}
	}
	return -1
}

// Ours: as many formats as anybody numbers differently.
const numberingsMax = 32

// renumber notes n in the place of what was known of its payload types.
func (p *pair) renumber(n numbering) {
	keep := p.numbers[:0:0]
	for _, was := range p.numbers {
		if was.line != n.line || was.pt[A] != n.pt[A] && was.pt[B] != n.pt[B] {
			keep = append(keep, was)
		}
	}
	if len(keep) < numberingsMax {
		p.numbers = append(keep, n)
	}
}

// renumbered returns the payload types of media line i that side from numbers
// in another way than the other one.
func (c *Calls) renumbered(p *pair, from Side, i int) []topology.Renumber {
	if len(p.numbers) == 0 {
		return nil
	}
	begin := len(c.work.renumber)
	for _, n := range p.numbers {
		if int(n.line) == i {
			c.work.renumber = append(c.work.renumber, topology.Renumber{From: n.pt[from], To: n.pt[from.other()]})
		}
	}
	return c.work.renumber[begin:len(c.work.renumber):len(c.work.renumber)]
}
