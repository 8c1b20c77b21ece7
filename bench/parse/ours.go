package main

import (
	"errors"

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
	via, uri := m.Via(), m.URI()
	_, contact, _ := m.Contact()
	o.sum += int(m.Method()) + uri.User.Len() + uri.Host.Len() + via.Host.Len() + via.Port + via.Branch.Len() +
		via.Transport.Len() + m.From().Tag.Len() + m.To().Tag.Len() + m.CallID().Len() + int(m.CSeq()) +
		contact.Host.Len() + m.MaxForwards() + m.Body().Len()
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
	v, uri := m.Via(), m.URI()
	_, contactURI, ok := m.Contact()
	if !ok {
		return l, errors.New("no Contact")
	}
	l.method, l.uriHost, l.uriUser = m.Method().String(), text(uri.Host), text(uri.User)
	l.viaHost, l.branch, l.transport, l.viaPort = text(v.Host), text(v.Branch), text(v.Transport), v.Port
	l.contactHost = text(contactURI.Host)
	l.fromTag, l.toTag = text(m.From().Tag), text(m.To().Tag)
	l.callID, l.cseq, l.hops = text(m.CallID()), int(m.CSeq()), m.MaxForwards()
	l.sdp, l.length = text(m.Body()), m.Body().Len()
	return l, nil
}
