package b2bua

import (
	"slices"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
	"sbc/topology"
)

// A Registration is what a REGISTER says to the registrar, or the response to
// it to the user agent. Who may register, for what and for how long is not
// known here.
type Registration struct {
	Key    uint64 // of a REGISTER: for Options.Registered
	Status int    // of a response; 0: there is none
	Own    bool   // the response is ours and not the registrar's
	Fields []byte // complete lines in the place of all Contact, Expires, Path and Service-Route fields
	Bare   bool   // the REGISTER goes on without its credentials
}

// beginRegister keeps what is said to the registrar.
func (b *begun) beginRegister(r *Registration) {
	if r != nil {
		b.register = &Registration{Key: r.Key, Fields: slices.Clone(r.Fields), Bare: r.Bare}
	}
}

// register makes tl that of a REGISTER on its way to the registrar: the
// address-of-record is what the digest of the user agent and the bindings of
// the registrar are about, so it stays as it is.
func (c *Calls) register(call *Call, m *sip.Message, tl *topology.Leg) {
	tl.From = c.work.keep(retagged(c.work.take(), m, m.From(), tl.FromTag))
	tl.To = m.Bytes(m.To().Value)
	for _, s := range []edit.Span{m.RequestURI(), m.From().URI, m.To().URI} {
		if uri, err := sip.ParseURI(m.Raw, s); err == nil {
			call.guards[A].allowBare(m.Bytes(uri.Host))
			call.guards[B].allowBare(m.Bytes(uri.Host))
		}
	}
	c.work.registration = *call.begun.register
}

// retagged appends the value of a From with another tag.
func retagged(dst []byte, m *sip.Message, from sip.NameAddr, tag []byte) []byte {
	if from.Tag.Empty() {
		return append(append(append(dst, m.Bytes(from.Value)...), ";tag="...), tag...)
	}
	dst = append(dst, m.Raw[from.Value.Start:from.Tag.Start]...)
	return append(append(dst, tag...), m.Raw[from.Tag.End:from.Value.End]...)
}

// rebind puts the lines of r in the place of what m says of bindings.
func rebind(m *sip.Message, r *Registration, edits []edit.Edit) []edit.Edit {
	const why = "the binding as this side knows it (RFC 3261 section 10)"
	for _, f := range m.Fields() {
		switch f.ID {
		case sip.FieldContact, sip.FieldExpires, sip.FieldPath, sip.FieldServiceRoute:
			edits = append(edits, edit.Edit{Start: f.Line.Start, End: f.Line.End, Why: why})
		case sip.FieldAuthorization, sip.FieldProxyAuthorization:
			if r.Bare {
				edits = append(edits, edit.Edit{Start: f.Line.Start, End: f.Line.End, Why: "credentials for a challenge that went elsewhere"})
			}
		}
	}
	return append(edits, edit.Edit{Start: m.FieldsEnd(), End: m.FieldsEnd(), New: r.Fields, Why: why})
}

// registered answers the REGISTER r by what the registrar's response m becomes,
// if it becomes one of our own. done is false if m goes on, with other bindings.
func (c *Calls) registered(call *Call, r *relay, m *sip.Message, do []Effect) (_ []Effect, done bool) {
	reply := c.tellRegistered(call, m, m.Status())
	if !reply.Own {
		c.work.registration = reply
		return do, false
	}
	return c.ownReply(call, r, &reply, do), true
}

// tellRegistered tells what came of the REGISTER of a call: the response m, or
// none.
func (c *Calls) tellRegistered(call *Call, m *sip.Message, status int) Registration {
	key := call.begun.register.Key
	call.begun.register = nil
	return c.opt.Registered(key, m, status)
}

// ownReply answers the REGISTER r without the registrar's words.
func (c *Calls) ownReply(call *Call, r *relay, reply *Registration, do []Effect) []Effect {
	if reply.Status == 0 {
		return append(do, Effect{Do: Abandon, Call: call, Side: r.from, Server: r.server})
	}
	return append(do, Effect{Do: Respond, Call: call, Side: r.from, Server: r.server, Status: reply.Status, Method: r.method,
		Bytes: c.statusLine(&r.pair.legs[r.from], r, reply.Status, string(reply.Fields))})
}
