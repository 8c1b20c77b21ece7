package signaling

import (
	"bytes"
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/telemetry"
)

// trace notes a step of a call in the ring, and tells those who listen.
func (s *Shard) trace(c *b2bua.Call, kind telemetry.Kind, side b2bua.Side, head string, payload []byte, edits []edit.Edit) {
	if c == nil {
		return
	}
	s.ring.Append(c.ID, s.now, kind, uint8(side), head, payload, edits)
	if taps := s.tap.list.Load(); taps != nil {
		st := step{kind: kind, side: side, head: head, base: payload, edits: edits, sent: payload}
		if kind == telemetry.In {
			s.wire(&st, s.tap.came)
		}
		s.tell(*taps, c, &st)
	}
}

// wire says between which addresses a message went.
func (s *Shard) wire(st *step, flow b2bua.Flow) {
	if !flow.Remote.IsValid() { // there is nobody left to send it to
		return
	}
	l := &s.opt.Listeners[flow.Listener]
	st.wired, st.local, st.remote, st.realm = true, l.Addr, flow.Remote, l.Realm
}

// traceOut notes and counts a message that goes out.
func (s *Shard) traceOut(e *b2bua.Effect) {
	flow := s.flowOf(e)
	s.metrics.Message(s.opt.Listeners[flow.Listener].Realm, s.carrier(flow), false, e.Method, e.Status/100)
	if e.Call == nil {
		return
	}
	st := step{kind: telemetry.Out, side: e.Side, base: e.Bytes, sent: e.Bytes}
	switch {
	case e.Do == b2bua.Cancel:
		st.head, st.base = "CANCEL", nil
	case e.Msg != nil:
		st.base, st.edits = e.Msg.Raw, e.Edits
	}
	s.ring.Append(e.Call.ID, s.now, st.kind, uint8(st.side), st.head, st.base, st.edits)
	if taps := s.tap.list.Load(); taps != nil {
		if tx := s.clients[e.Client]; e.Do == b2bua.Cancel && tx != nil {
			st.sent = (&client{bytes: tx.bytes, reason: e.Bytes}).cancel()
		}
		s.wire(&st, flow)
		s.tell(*taps, e.Call, &st)
	}
}

// flowOf returns the flow by which a message goes out.
func (s *Shard) flowOf(e *b2bua.Effect) b2bua.Flow {
	switch e.Do {
	case b2bua.Respond:
		if tx := s.servers[e.Server]; tx != nil {
			return tx.flow
		}
	case b2bua.Cancel:
		if tx := s.clients[e.Client]; tx != nil {
			return tx.flow
		}
	}
	return e.Flow
}

// ladder returns the steps of a call that the ring still has.
func (s *Shard) ladder(call uint64) []LadderEntry {
	var list []LadderEntry
	var began time.Duration
	var clean LadderEntry // what the audit made of the message that goes out next
	for i, e := range s.ring.Read(call) {
		if i == 0 {
			began = e.At
		}
		l := s.entry(&e, began)
		switch {
		case e.Head == scrubbed:
			clean = l
			continue
		case e.Kind == telemetry.Out && clean.Message != "":
			l.Message, l.Changes = clean.Message, append(l.Changes, clean.Changes...)
			clean = LadderEntry{}
		}
		list = append(list, l)
	}
	return list
}

// scrubbed is the head of the entry that holds what the audit took out of the
// message whose entry follows.
const scrubbed = "scrubbed"

func (s *Shard) entry(e *telemetry.Entry, began time.Duration) LadderEntry {
	l := LadderEntry{At: (e.At - began).Seconds(), Kind: e.Kind.String(), Leg: b2bua.Side(e.Leg).String(), Label: e.Head}
	if e.Kind == telemetry.End {
		l.Leg = ""
	}
	if len(e.Payload) == 0 {
		return l
	}
	l.Message = string(e.Payload)
	if len(e.Edits) > 0 {
		l.Changes = changes(e.Payload, e.Edits)
		if out, err := edit.AppendTo(nil, e.Payload, e.Edits); err == nil {
			l.Message = string(out)
		}
	}
	if l.Label == "" {
		l.Label = label([]byte(l.Message))
	}
	return l
}

// label names a message as a ladder does: INVITE, 180 Ringing.
func label(msg []byte) string {
	line, _, _ := bytes.Cut(msg, []byte("\r\n"))
	if rest, ok := bytes.CutPrefix(line, []byte("SIP/2.0 ")); ok {
		return string(rest)
	}
	method, _, _ := bytes.Cut(line, []byte(" "))
	return string(method)
}

// changes shows each edit of msg: the field it is in, and what stood and
// stands there.
func changes(msg []byte, edits []edit.Edit) []ChangeInfo {
	var m sip.Message
	_ = m.Parse(msg) // a message with masked secrets may no longer be whole
	edit.Sort(edits)
	list := make([]ChangeInfo, 0, len(edits))
	for _, e := range edits {
		list = append(list, ChangeInfo{
			Field: fieldAt(&m, e), Before: string(msg[e.Start:e.End]), After: string(e.New), Why: string(e.Why),
		})
	}
	return list
}

// fieldAt names the field that an edit changes, or the one that it inserts.
func fieldAt(m *sip.Message, e edit.Edit) string {
	if name, _, ok := bytes.Cut(e.New, []byte(":")); ok && e.Start == e.End && e.Start <= m.FieldsEnd() && bytes.HasSuffix(e.New, []byte("\r\n")) {
		return string(name)
	}
	for _, f := range m.Fields() {
		if e.Start >= f.Line.Start && e.Start < f.Line.End {
			if f.ID != sip.FieldUnknown {
				return f.ID.String()
			}
			return string(m.Bytes(f.Name))
		}
	}
	switch {
	case e.Start < m.StartLine().End && m.IsRequest():
		return "Request-URI"
	case e.Start < m.StartLine().End:
		return "status line"
	case e.Start >= m.Body().Start && !m.Body().Empty():
		return "SDP " + lineAt(m, e.Start)
	}
	return "body"
}

// lineAt returns the type of the line of the body that offset at is in: "c=".
func lineAt(m *sip.Message, at int) string {
	start := at
	for start > m.Body().Start && m.Raw[start-1] != '\n' {
		start--
	}
	if start+2 <= m.Body().End && m.Raw[start+1] == '=' {
		return string(m.Raw[start : start+2])
	}
	return "body"
}

// traced reports on a call that has ended, from what the ring still holds.
func (s *Shard) traced(id string) (CallReport, bool) {
	for _, call := range s.ring.Calls() {
		if ident.Short(call) != id {
			continue
		}
		rep := CallReport{CallInfo: CallInfo{ID: id, State: "ended"}, Ladder: s.ladder(call)}
		for _, e := range rep.Ladder {
			if e.Kind == telemetry.End.String() {
				rep.Cause = e.Label
			}
		}
		if last, ok := s.past.find(call); ok {
			rep.CallInfo, rep.Media = last.info, last.media
		}
		return rep, true
	}
	return CallReport{}, false
}

// past keeps what is worth showing of the last calls that ended, beside what
// the ring holds of their messages.
type past struct {
	list []pastCall
	next int
}

type pastCall struct {
	call  uint64
	info  CallInfo
	media []MediaInfo
}

// Ours: the calls of the last minute of an office, or second of a carrier;
// about a kilobyte each.
const pastMax = 256

func (p *past) add(c pastCall) {
	if len(p.list) < pastMax {
		p.list = append(p.list, c)
		return
	}
	p.list[p.next] = c
	p.next = (p.next + 1) % pastMax
}

func (p *past) find(call uint64) (pastCall, bool) {
	for _, c := range p.list {
		if c.call == call {
			return c, true
		}
	}
	return pastCall{}, false
}
