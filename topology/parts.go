package topology

import "sbc/signaling/edit"

// partsMax bounds how many values of a list are told apart. Ours: a longer
// one is taken out whole.
const partsMax = 64

// Parts are the values of a list, some of which have to go. A separator of
// one octet, and white space, stand between them.
type parts struct {
	is    [partsMax]edit.Span
	n     int
	gone  uint64 // bit i: value i goes
	whole bool   // too many
}

func (p *parts) add(s edit.Span, goes bool) {
	if p.n == partsMax {
		p.whole = p.whole || goes
		return
	}
	if goes {
		p.gone |= 1 << p.n
	}
	p.is[p.n] = s
	p.n++
}

// all reports whether nothing of the list may stay.
func (p *parts) all() bool { return p.whole || p.n > 0 && p.gone == 1<<p.n-1 }

// cut returns what has to be taken out for value i, separator included, so
// that the values that stay are still a list.
func (p *parts) cut(i int) (s edit.Span, ok bool) {
	if p.gone>>i&1 == 0 {
		return s, false
	}
	if p.gone&(1<<i-1) == 1<<i-1 { // none stays before it
		return edit.Span{Start: p.is[i].Start, End: p.is[i+1].Start}, true
	}
	return edit.Span{Start: p.is[i-1].End, End: p.is[i].End}, true
}
