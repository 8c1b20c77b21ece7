package transaction_test

import (
	"strings"
	"testing"

	"sbc/signaling/sip"
)

var secret = [16]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}

// parse reads a message of these lines.
func parse(t testing.TB, lines ...string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	raw := strings.Join(lines, "\r\n") + "\r\n\r\n"
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	return m
}

// A request is the parts of a request that keys are made of.
type request struct {
	method, uri, via, from, to, callID, cseq string
}

var newInvite = request{
	method: "INVITE",
	uri:    "sip:bob@sbc.example",
	via:    "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds",
	from:   `"Alice" <sip:alice@pbx.example>;tag=1928301774`,
	to:     "<sip:bob@sbc.example>",
	callID: "a84b4c76e66710@pbx.example",
	cseq:   "314159",
}

// oldInvite is from a client of RFC 2543: its branch is not unique.
var oldInvite = func() request {
	r := newInvite
	r.via = "SIP/2.0/UDP 192.0.2.1:5060"
	return r
}()

// with returns r with some parts replaced: "uri", value, "to", value…
func (r request) with(parts ...string) request {
	for i := 0; i < len(parts); i += 2 {
		*map[string]*string{
			"method": &r.method, "uri": &r.uri, "via": &r.via, "from": &r.from,
			"to": &r.to, "callID": &r.callID, "cseq": &r.cseq,
		}[parts[i]] = parts[i+1]
	}
	return r
}

func (r request) parse(t testing.TB) *sip.Message {
	t.Helper()
	return parse(t,
		r.method+" "+r.uri+" SIP/2.0",
		"Via: "+r.via,
		"Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKbehind",
		"Max-Forwards: 70",
		"From: "+r.from,
		"To: "+r.to,
		"Call-ID: "+r.callID,
		"CSeq: "+r.cseq+" "+r.method,
		"Contact: <sip:alice@192.0.2.1>",
		"Content-Length: 0")
}
