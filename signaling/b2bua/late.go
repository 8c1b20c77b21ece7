package b2bua

import (
	"bytes"

	"sbc/signaling/sip"
)

// late answers 100 to a request of Call that the far end has not answered yet
// (RFC 4320 section 4.1).
func (c *Calls) late(ev *Event, do []Effect) []Effect {
	for i := range ev.Call.relays {
		r := &ev.Call.relays[i]
		if r.own || r.server != ev.Server {
			continue
		}
		return append(do, Effect{Do: Respond, Call: ev.Call, Side: r.from, Server: r.server, Status: 100, Method: r.method,
			Bytes: c.trying(&r.pair.legs[r.from], r)})
	}
	return do
}

// trying writes the 100 to r. To gets no tag from it: who answers is not known
// yet (RFC 3261 section 8.2.6.2).
func (c *Calls) trying(l *leg, r *relay) []byte {
	asked := *r
	if _, to := r.of(l); r.initial {
		asked.to = to[:len(to)-len(";tag=")-len(l.localTag)]
	}
	return c.statusLine(l, &asked, 100, r.stamp)
}

// stamp returns the Timestamp line of a 100 that is sent when Late comes: the
// time in the request, and for how long it has waited (RFC 3261 section
// 8.2.6.1). Empty: m has none.
func stamp(m *sip.Message) string {
	f, ok := m.First(sip.FieldTimestamp)
	if !ok {
		return ""
	}
	words := bytes.Fields(m.Unfold(nil, f.Value))
	if len(words) == 0 {
		return ""
	}
	return "Timestamp: " + string(words[0]) + " 3.5\r\n"
}

// heldBack drops a provisional response to a request other than INVITE: RFC
// 4320 section 4.1 has none but 100, and that is for us alone.
func (c *Calls) heldBack(r *relay, m *sip.Message, do []Effect) []Effect {
	if m.Status() == 100 {
		return do
	}
	from := r.from.other()
	return append(do, Effect{Do: Refused, Call: r.pair.call, Side: from, Peer: r.pair.legs[from].peer, Method: r.method,
		Refusal: &Refusal{Cause: "stray_response"}})
}
