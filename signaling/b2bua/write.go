package b2bua

import (
	"strconv"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
	"sbc/topology"
)

// writeRequest writes m as a request of ours to the far end of leg to. tl is
// set for the first request of a dialog; for later ones the leg has all that
// is needed. e.Bytes stays nil if the audit refused the message.
func (c *Calls) writeRequest(p *pair, to Side, m *sip.Message, e Effect, branch []byte, seq uint32, tl *topology.Leg, d *description, do []Effect) (Effect, []Effect) {
	l := &p.legs[to]
	if tl == nil {
		tl = c.work.toLeg()
	}
	if tl.RequestURI == nil {
		tl.RequestURI, tl.Routes = l.requestURI()
	}
	tl.Vias = c.work.keep(c.appendVia(c.work.take(), l.next.Listener, branch))
	tl.CSeq = seq
	tl.MaxForwards = 69
	if n := m.MaxForwards(); n >= 0 {
		tl.MaxForwards = n - 1
	}
	if refresh(m.Method()) {
		tl.Contact = c.contact(l)
	}
	before := len(do)
	e, do = c.write(p, to, m, e, tl, d, do)
	if by, ok := c.stream(l, &e); ok {
		tl.Vias = c.work.keep(c.appendVia(c.work.take(), by.Listener, branch))
		e.Flow, e.Instead = by, e.Flow
		e, do = c.write(p, to, m, e, tl, d, do[:before])
	}
	return e, do
}

// datagramMax is the longest request, in octets, that goes by UDP where there
// is a choice (RFC 3261 section 18.1.1).
const datagramMax = 1300

// stream tells whether a request has to go by a stream, because of its size,
// and may. Where that is not known to work it goes in fragments: a far end
// without TCP would swallow the call.
func (c *Calls) stream(l *leg, e *Effect) (Flow, bool) {
	if e.Do != Start || len(e.Bytes) <= datagramMax || !l.open || c.opt.Stream == nil || c.opt.Listeners[e.Flow.Listener].Transport != "UDP" {
		return Flow{}, false
	}
	return c.opt.Stream(e.Flow)
}

// write makes the octets of e for the far end of leg to: what came in as m,
// hidden, audited.
func (c *Calls) write(p *pair, to Side, m *sip.Message, e Effect, tl *topology.Leg, d *description, do []Effect) (Effect, []Effect) {
	l := &p.legs[to]
	tl.Realm = c.opt.Realms[l.realm].Topology
	tl.CallID = l.callID
	tl.Host = c.hosts[l.flow.Listener]
	tl.Dialog, tl.CallIDs = c.names, c.ids
	c.work.reader = reader{p, to, m.IsRequest() && m.Method() == sip.INVITE}
	switch {
	case !m.IsRequest():
		if tl.From == nil {
			tl.From, tl.To = l.remote, l.local
		}
	case tl.FromTag == nil:
		tl.From, tl.To = l.local, l.remote
	}
	edits := c.work.negotiate(m, c.work.takeEdits())
	if tl.CSeq == 0 {
		edits = zeroCSeq(m, edits)
	}
	if m.IsRequest() {
		edits = c.keepCredentials(p.legs[to.other()].realm, m, edits)
	}
	if m.Method() == sip.REGISTER {
		edits = rebind(m, &c.work.registration, edits)
	}
	switch {
	case d == nil || !d.has:
	case d.drop:
		edits = dropBody(m, edits)
	default:
		tl.SDP = c.hideSDP(p, to, m, d)
	}
	edits = topology.Hide(m, tl, edits, &c.work.topology)
	c.work.keepEdits(edits)
	out, err := m.AppendTo(c.work.take(), edits)
	if err != nil {
		do = append(do, Effect{Do: Leaked, Call: p.call, Side: to, Field: "edits", Text: err.Error()})
		return e, do
	}
	e.Msg, e.Edits = m, edits
	e.Bytes, do = c.audit(p, to, c.work.keep(out), do)
	return e, do
}

// zeroCSeq writes the number 0, which topology takes for none.
func zeroCSeq(m *sip.Message, edits []edit.Edit) []edit.Edit {
	f, ok := m.First(sip.FieldCSeq)
	if !ok {
		return edits
	}
	at := f.Value
	for at.End = at.Start; at.End < f.Value.End && '0' <= m.Raw[at.End] && m.Raw[at.End] <= '9'; {
		at.End++
	}
	return append(edits, edit.Edit{Start: at.Start, End: at.End, New: []byte{'0'}, Why: "numbers of this leg (RFC 3261 section 12.2.1.1)"})
}

// stray takes the body out of a message that can neither offer nor answer
// where it describes a session: its addresses are nobody's to read. It returns
// nil where there is nothing to take out.
func stray(m *sip.Message) *description {
	if m.Body().Empty() {
		return nil
	}
	if _, ok, err := m.BodyPart("application/sdp"); !ok && err == nil {
		return nil
	}
	return &description{has: true, drop: true}
}

func dropBody(m *sip.Message, edits []edit.Edit) []edit.Edit {
	const why = "a session description has no place in this message"
	for _, f := range m.Fields() {
		switch f.ID {
		case sip.FieldContentType, sip.FieldContentDisposition, sip.FieldContentEncoding:
			edits = append(edits, edit.Edit{Start: f.Line.Start, End: f.Line.End, Why: why})
		}
	}
	body := m.Body()
	return append(edits, edit.Edit{Start: body.Start, End: body.End, Why: why})
}

// audit looks for what out must not tell the realm behind to. It returns nil
// if the message must not go out.
func (c *Calls) audit(p *pair, to Side, out []byte, do []Effect) ([]byte, []Effect) {
	call, g := p.call, &p.call.guards[to]
	realm := &c.opt.Realms[p.legs[to].realm]
	c.work.leaks = topology.Audit(out, c.work.leaks[:0], &g.known, g.recent, realm.Known)
	leaks := realm.Topology.Excuse(c.work.leaks)
	if len(leaks) == 0 {
		return out, do
	}
	for i := range leaks {
		do = append(do, Effect{Do: Leaked, Call: call, Side: to, Field: leaks[i].Field, Text: leaks[i].What})
	}
	switch realm.Topology.Audit {
	case topology.ModeCount:
		return out, do
	case topology.ModeRefuse:
		return nil, do
	}
	edits, ok := topology.Scrub(out, leaks)
	if !ok {
		return nil, do
	}
	var m sip.Message
	if err := m.Parse(out); err != nil {
		return nil, do
	}
	edits = m.FixLength(edits)
	clean, err := m.AppendTo(c.work.take(), edits)
	if err != nil {
		return nil, do
	}
	return c.work.keep(clean), append(do, Effect{Do: Scrubbed, Call: call, Side: to, Msg: &m, Edits: edits})
}

// contact returns our Contact on a leg.
func (c *Calls) contact(l *leg) []byte {
	b := append(c.work.take(), "<sip:"...)
	at := &c.opt.Listeners[l.flow.Listener]
	b = append(b, at.Host...)
	switch at.Transport {
	case "UDP":
	case "WSS": // RFC 7118 section 5.2 has one word in URIs for both
		b = append(b, ";transport=ws"...)
	default:
		b = append(b, ";transport="...)
		for _, c := range []byte(at.Transport) {
			b = append(b, c|0x20)
		}
	}
	return c.work.keep(append(b, '>'))
}

func (c *Calls) keepVias(m *sip.Message, f Flow) []byte {
	return sip.AppendVias(nil, m, f.Remote)
}

// ownResponse answers r with the status that m has and nothing else of it:
// for a response that must not go on as it is, and must not be withheld.
func (c *Calls) ownResponse(l *leg, r *relay, m *sip.Message) []byte {
	return c.statusLine(l, r, m.Status(), "")
}

func (c *Calls) statusLine(l *leg, r *relay, status int, fields string) []byte {
	b := append(c.work.take(), "SIP/2.0 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(append(append(b, ' '), sip.StatusText(status)...), "\r\n"...)
	from, to := r.of(l)
	b = append(append(b, r.vias...), "From: "...)
	b = append(append(b, from...), "\r\nTo: "...)
	b = append(append(b, to...), "\r\nCall-ID: "...)
	b = append(append(b, l.callID...), "\r\nCSeq: "...)
	b = strconv.AppendUint(b, uint64(r.seqIn), 10)
	b = append(append(append(b, ' '), r.name...), "\r\n"...)
	b = append(append(b, fields...), "Content-Length: 0\r\n\r\n"...)
	return c.work.keep(b)
}
