package b2bua

import (
	"strconv"

	"github.com/dchest/siphash"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
	"sbc/topology"
)

// A description is the session description of a message on its way.
type description struct {
	has    bool
	drop   bool // it must not go on: the body is taken out
	role   role
	body   edit.Span
	lines  []line
	ip6    bool       // of the addresses in lines
	known  bool       // of ip6: there is an address
	method sip.Method // of its transaction
	rseq   []byte     // of the provisional response that has it; nil: it is in another message
	sess   *sdp.Session
}

// sentSDP keeps the o= line of a leg right: the version rises by one when,
// and only when, what we say changes (RFC 3264 section 8).
type sentSDP struct {
	id      uint64
	version uint64 // of the description that both agreed to
	sum     uint64 // and its hash
	last    uint64 // highest version used
	next    uint64 // version and hash of the one proposed
	nextSum uint64

	texts *texts // of both, where our address may change while they are in force; nil: not
}

// texts are descriptions as they were sent.
type texts struct{ agreed, next []byte }

func (c *Calls) newSDP() sentSDP {
	// Below 2^31: some devices read it as a signed 32-bit number.
	return sentSDP{id: uint64(c.opt.Rand.Uint32N(1 << 31))}
}

// describe reads the session description in m, which came from side from.
func (c *Calls) describe(p *pair, from Side, m *sip.Message) (description, *Refusal) {
	part, ok, err := m.BodyPart("application/sdp")
	if err != nil {
		return description{}, &Refusal{Status: 400, Reason: "Bad Multipart Body", Cause: "multipart"}
	}
	if !ok {
		return description{}, nil
	}
	d := description{has: true, method: m.Method(), body: part, sess: &c.work.session, role: p.role(from, m)}
	if err := d.sess.Parse(m.Raw, part); err != nil {
		return d, sdpRefusal(err)
	}
	if !m.IsRequest() && m.Status() < 200 {
		d.rseq = rseq(m)
	}
	realm := p.legs[from].realm
	begin := len(c.work.lines)
	for i := range d.sess.Media {
		ln, r := c.line(realm, &d.sess.Media[i], kindOf(m.Bytes(d.sess.Media[i].Type)))
		if r != nil {
			return d, r
		}
		if topology.Streamed(d.sess, i) {
			// MSRP and the like: the media's path is a name of the far side,
			// and no relay of ours carries it. The line is refused.
			ln = line{off: true, dir: sdp.Inactive, opaque: true, kind: ln.kind}
		}
		c.work.lines = append(c.work.lines, ln)
	}
	d.lines = c.work.lines[begin:len(c.work.lines):len(c.work.lines)]
	return d, d.family(p.call, from)
}

func sdpRefusal(err error) *Refusal {
	r := &Refusal{Status: 400, Cause: "sdp_syntax"}
	if e, ok := err.(*sdp.Error); ok {
		r.Status, r.Cause = e.Status, e.Cause
		r.Why = "in the session description, at octet " + strconv.Itoa(e.At) + ", there should be " + e.Want
	}
	// RFC 3261 section 20.43: 399 is for people.
	r.Fields = "Warning: 399 sbc \"session description: " + r.Cause + "\"\r\n"
	return r
}

// hideSDP prepares what topology does to the description for leg to, with the
// version that its o= line must have.
func (c *Calls) hideSDP(p *pair, to Side, m *sip.Message, d *description) *topology.SDP {
	l := &p.legs[to]
	h := &c.work.sdp
	if d.role == anAnswer || d.role == aPreview {
		c.number(p, to.other(), d)
	}
	*h = topology.SDP{Body: d.body, Session: d.sess, Lines: c.wants(p, to, d, p.against(to, d))}
	ip6 := p.call.ip6[to]
	if len(p.call.streams) == 0 {
		ip6 = c.reach(l)
	}
	h.Addr = c.opt.Realms[l.realm].Media.Of(ip6)
	h.Origin.ID = l.sent.id
	c.work.probe = topology.HideSDP(h, c.work.probe[:0], &c.work.topology)
	edit.Sort(c.work.probe)
	h.Origin.Version = l.sent.choose(c.work.sum(m.Raw, d.body, c.work.probe))
	if c.opt.Realms[l.realm].Moves {
		if l.sent.texts == nil {
			l.sent.texts = &texts{}
		}
		l.sent.texts.next = edited(m.Raw, d.body, c.work.probe)
	}
	return h
}

// edited returns the part of raw that body covers, with the edits done.
func edited(raw []byte, body edit.Span, edits []edit.Edit) (text []byte) {
	at := body.Start
	for i := range edits {
		text = append(append(text, raw[at:edits[i].Start]...), edits[i].New...)
		at = edits[i].End
	}
	return append(text, raw[at:body.End]...)
}

// sum hashes the part of raw that body covers, with the edits done.
func (w *scratch) sum(raw []byte, body edit.Span, edits []edit.Edit) uint64 {
	if w.hash == nil {
		w.hash = siphash.New(make([]byte, 16))
	}
	w.hash.Reset()
	h, at := w.hash, body.Start
	for i := range edits {
		h.Write(raw[at:edits[i].Start])
		h.Write(edits[i].New)
		at = edits[i].End
	}
	h.Write(raw[at:body.End])
	return h.Sum64()
}

// sumOf hashes a text in the same way.
func (w *scratch) sumOf(text []byte) uint64 {
	return w.sum(text, edit.Span{End: len(text)}, nil)
}

// choose returns the version for a description with hash sum.
func (s *sentSDP) choose(sum uint64) uint64 {
	switch {
	case s.last > 0 && sum == s.sum:
		s.next, s.nextSum = s.version, sum
	case s.last > 0 && sum == s.nextSum:
	default:
		s.last++
		s.next, s.nextSum = s.last, sum
	}
	return s.next
}

// agreed makes the description that was sent last the one in force.
func (s *sentSDP) agreed() {
	if s.nextSum != 0 {
		s.version, s.sum = s.next, s.nextSum
		if s.texts != nil {
			s.texts.agreed = s.texts.next
		}
	}
}

// answer keeps what side offered, or answered to the open offer.
func (c *Calls) answer(p *pair, side Side, d *description) {
	l := &p.legs[side]
	l.offered = append(l.offered[:0], d.lines...)
	if d.role == anOffer {
		l.codecs = append([]codec(nil), c.codecsOf(d)...)
	}
}

// exchanged does what a description from side means for the session, once its
// message has been written for the other side.
func (c *Calls) exchanged(p *pair, side Side, d *description, do []Effect) []Effect {
	switch d.role {
	case anOffer:
		p.open, p.by, p.method, p.rseq = true, side, d.method, append([]byte(nil), d.rseq...)
		c.answer(p, side, d)
		if p.call.state == setup && !p.done {
			do = c.pin(p, side, d.lines, do)
		}
	case aPreview:
		c.answer(p, side, d)
		if p.call.state == setup {
			do = c.pin(p, side, d.lines, do)
			if o := side.other(); len(p.numbers) > 0 {
				do = c.pin(p, o, p.legs[o].offered, do)
			}
		}
	case anAnswer:
		c.answer(p, side, d)
		do = c.settle(p, do)
	}
	return do
}

// settle makes the open offer and its answer what both legs live by.
func (c *Calls) settle(p *pair, do []Effect) []Effect {
	for s := range p.legs {
		l, o := &p.legs[s], &p.legs[1-s]
		for i := range l.offered {
			ln := &l.offered[i]
			if ln.off || i >= len(o.offered) || o.offered[i].off {
				ln.off, ln.dir = true, sdp.Inactive
				continue
			}
			ln.mux = ln.mux && o.offered[i].mux
		}
	}
	p.open, p.done = false, true
	for s := range p.legs {
		l := &p.legs[s]
		l.keepAddresses()
		l.said, l.offered, l.codecs = l.offered, nil, nil
		l.sent.agreed()
		do = c.pin(p, Side(s), l.said, do)
	}
	return p.shut(do)
}

// keepAddresses keeps the address of a far end that holds by c=0.0.0.0: what
// it sends while it holds comes from there.
func (l *leg) keepAddresses() {
	for i := range l.offered {
		n := &l.offered[i]
		if n.rtp.Addr().IsUnspecified() && i < len(l.said) {
			n.rtp, n.rtcp = l.said[i].rtp, l.said[i].rtcp
		}
	}
}

// forgetOffer leaves everything as it was before the offer.
func (c *Calls) forgetOffer(p *pair, do []Effect) []Effect {
	p.open = false
	for s := range p.legs {
		l := &p.legs[s]
		l.offered = l.offered[:0]
		l.sent.nextSum = 0
	}
	return p.shut(do)
}

// forgetInvite does the same for an INVITE that failed, and leaves an UPDATE
// alone whose answer is under way.
func (c *Calls) forgetInvite(p *pair, do []Effect) []Effect {
	if p.open && p.method != sip.INVITE {
		return do
	}
	return c.forgetOffer(p, do)
}
