package main

import (
	"fmt"

	"sbc/signaling/sip"
)

// ours is the work done with signaling/sip. A shard keeps one Message and one
// buffer, and so does this.
type ours struct {
	m     sip.Message
	edits []sip.Edit
	out   []byte
	sum   int
}

var (
	newVia     = []byte(ourVia)
	newContact = []byte(ourContact)
	newCallID  = []byte(ourCallID)
)

func (o *ours) pass(datagram []byte) error {
	if err := o.m.Parse(datagram); err != nil {
		return err
	}
	o.look()
	return o.write()
}

// fresh is pass with nothing kept from one message to the next.
func (o *ours) fresh(datagram []byte) error {
	n := new(ours)
	n.edits = o.edits[:0]
	if err := n.pass(datagram); err != nil {
		return err
	}
	o.out, o.edits = n.out, n.edits
	return nil
}

// look reads every field that looked has; the sum keeps the compiler from
// leaving one out.
func (o *ours) look() {
	m := &o.m
	via, from, to := m.Via(), m.From(), m.To()
	uri, _ := sip.ParseURI(m.Raw, m.RequestURI())
	fromURI, _ := sip.ParseURI(m.Raw, from.URI)
	contact, _ := m.First(sip.FieldContact)
	for na := range m.NameAddrs(contact) {
		u, _ := sip.ParseURI(m.Raw, na.URI)
		o.sum += u.Host.Len()
	}
	typ, _ := m.First(sip.FieldContentType)
	o.sum += int(m.Method()) + uri.Host.Len() + uri.User.Len() + via.Host.Len() + via.Branch.Len() +
		via.Transport.Len() + via.Port + from.Tag.Len() + to.Tag.Len() + fromURI.Host.Len() +
		m.CallID().Len() + int(m.CSeq()) + m.MaxForwards() + m.Body().Len() + typ.Value.Len()
}

func (o *ours) write() (err error) {
	m := &o.m
	via, callID := m.Via().Value, m.CallID()
	contact, _ := m.First(sip.FieldContact)
	o.edits = append(o.edits[:0],
		sip.Edit{Start: via.Start, End: via.End, New: newVia, Why: "our Via"},
		sip.Edit{Start: contact.Value.Start, End: contact.Value.End, New: newContact, Why: "our Contact"},
		sip.Edit{Start: callID.Start, End: callID.End, New: newCallID, Why: "our Call-ID"})
	if cap(o.out) == 0 {
		o.out = make([]byte, 0, len(m.Raw)+256)
	}
	o.out, err = m.AppendTo(o.out[:0], o.edits)
	return err
}

// read fills looked, for the test that both parsers see the same.
func (o *ours) read(datagram []byte) (l looked, err error) {
	m := &o.m
	if err := m.Parse(datagram); err != nil {
		return l, err
	}
	text := func(s sip.Span) string { return string(m.Bytes(s)) }
	uri, err := sip.ParseURI(m.Raw, m.RequestURI())
	if err != nil {
		return l, err
	}
	fromURI, err := sip.ParseURI(m.Raw, m.From().URI)
	if err != nil {
		return l, err
	}
	contact, ok := m.First(sip.FieldContact)
	if !ok {
		return l, fmt.Errorf("no Contact")
	}
	for na, err := range m.NameAddrs(contact) {
		if err != nil {
			return l, err
		}
		u, err := sip.ParseURI(m.Raw, na.URI)
		if err != nil {
			return l, err
		}
		l.contactHost = text(u.Host)
	}
	v := m.Via()
	l.method, l.uriHost, l.uriUser = m.Method().String(), text(uri.Host), text(uri.User)
	l.viaHost, l.branch, l.transport, l.viaPort = text(v.Host), text(v.Branch), text(v.Transport), v.Port
	l.fromTag, l.toTag, l.fromHost = text(m.From().Tag), text(m.To().Tag), text(fromURI.Host)
	l.callID, l.cseq, l.hops = text(m.CallID()), int(m.CSeq()), m.MaxForwards()
	l.sdp, l.length = text(m.Body()), m.Body().Len()
	return l, nil
}
