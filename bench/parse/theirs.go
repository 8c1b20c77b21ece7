package main

import (
	"bytes"
	"fmt"

	"github.com/emiago/sipgo/sip"
)

// theirs is the same work done with sipgo: its parser, the accessors of its
// Request, ReplaceHeader, and StringWrite into a buffer that is kept.
type theirs struct {
	parser *sip.Parser
	out    bytes.Buffer
	sum    int
}

func newTheirs() *theirs { return &theirs{parser: sip.NewParser()} }

func (t *theirs) parse(datagram []byte) (*sip.Request, error) {
	msg, err := t.parser.ParseSIP(datagram)
	if err != nil {
		return nil, err
	}
	req, ok := msg.(*sip.Request)
	if !ok {
		return nil, fmt.Errorf("sipgo: %T is no request", msg)
	}
	return req, nil
}

func (t *theirs) pass(datagram []byte) error {
	req, err := t.parse(datagram)
	if err != nil {
		return err
	}
	l := lookTheirs(req)
	t.sum += l.viaPort + l.cseq + l.hops + l.length + len(l.fromTag) + len(l.toTag) + len(l.branch)
	t.write(req)
	return nil
}

func lookTheirs(req *sip.Request) (l looked) {
	l.method, l.uriHost, l.uriUser = req.Method.String(), req.Recipient.Host, req.Recipient.User
	if v := req.Via(); v != nil {
		l.viaHost, l.viaPort, l.transport = v.Host, v.Port, v.Transport
		l.branch, _ = v.Params.Get("branch")
	}
	if f := req.From(); f != nil {
		l.fromTag, _ = f.Params.Get("tag")
	}
	if to := req.To(); to != nil {
		l.toTag, _ = to.Params.Get("tag")
	}
	if id := req.CallID(); id != nil {
		l.callID = id.Value()
	}
	if c := req.CSeq(); c != nil {
		l.cseq = int(c.SeqNo)
	}
	if c := req.Contact(); c != nil {
		l.contactHost = c.Address.Host
	}
	if h := req.MaxForwards(); h != nil {
		l.hops = int(h.Val())
	}
	l.length = len(req.Body())
	return l
}

func (t *theirs) write(req *sip.Request) {
	via := &sip.ViaHeader{ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: "UDP", Host: viaHost, Port: 5060, Params: sip.NewParams()}
	via.Params.Add("branch", viaBranch)
	req.ReplaceHeader(via)
	req.ReplaceHeader(&sip.ContactHeader{Address: sip.Uri{Scheme: "sip", User: "k7f3qd", Host: viaHost, Port: 5060}})
	id := sip.CallIDHeader(ourCallID)
	req.ReplaceHeader(&id)
	t.out.Reset()
	req.StringWrite(&t.out)
}

// read fills looked, for the test that both parsers see the same.
func (t *theirs) read(datagram []byte) (looked, error) {
	req, err := t.parse(datagram)
	if err != nil {
		return looked{}, err
	}
	l := lookTheirs(req)
	l.sdp = string(req.Body())
	return l, nil
}
