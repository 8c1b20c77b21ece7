package transaction_test

import (
	"strings"
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// sent is an INVITE with everything that an ACK and a CANCEL must and must
// not take over.
const sent = `INVITE sip:bob@192.0.2.9;transport=udp SIP/2.0
Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKours;rport
Max-Forwards: 69
Route: <sip:one.example;lr>, <sip:two.example;lr>
Record-Route: <sip:never.example;lr>
Route: <sip:three.example;lr>
From: "A. \"quoted\" <Lice>" <sip:alice@itsp.example>;tag=fromtag
To: Bob <sip:bob@itsp.example>
Call-ID: call@198.51.100.1
CSeq: 4711 INVITE
Contact: <sip:sbc@198.51.100.1>
Require: 100rel
Proxy-Require: nothing
Supported: timer
Content-Type: application/sdp
Content-Length: 5

v=0
`

func wire(text string) []byte { return []byte(strings.ReplaceAll(text, "\n", "\r\n")) }

func response(t *testing.T, to string) *sip.Message {
	return parse(t,
		"SIP/2.0 486 Busy Here",
		"Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKours;rport=5060;received=198.51.100.1",
		`f: "A. \"quoted\" <Lice>" <sip:alice@itsp.example>;tag=fromtag`,
		"t: "+to,
		"Call-ID: call@198.51.100.1",
		"CSeq: 4711 INVITE",
		"Content-Length: 0")
}

func TestAppendAck(t *testing.T) {
	resp := response(t, "Bob <sip:bob@itsp.example>;tag=far;x=y")
	want := `before|ACK sip:bob@192.0.2.9;transport=udp SIP/2.0
Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKours;rport
Route: <sip:one.example;lr>, <sip:two.example;lr>
Route: <sip:three.example;lr>
From: "A. \"quoted\" <Lice>" <sip:alice@itsp.example>;tag=fromtag
To: Bob <sip:bob@itsp.example>;tag=far;x=y
Call-ID: call@198.51.100.1
CSeq: 4711 ACK
Max-Forwards: 69
Content-Length: 0

`
	got := transaction.AppendAck([]byte("before|"), wire(sent), resp)
	if string(got) != string(wire(want)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var m sip.Message
	if err := m.Parse(got[len("before|"):]); err != nil || m.Method() != sip.ACK {
		t.Errorf("it reads as %v: %v", m.Method(), err)
	}
}

func TestAppendCancel(t *testing.T) {
	want := `CANCEL sip:bob@192.0.2.9;transport=udp SIP/2.0
Via: SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKours;rport
Route: <sip:one.example;lr>, <sip:two.example;lr>
Route: <sip:three.example;lr>
From: "A. \"quoted\" <Lice>" <sip:alice@itsp.example>;tag=fromtag
To: Bob <sip:bob@itsp.example>
Call-ID: call@198.51.100.1
CSeq: 4711 CANCEL
Max-Forwards: 69
Content-Length: 0

`
	got := transaction.AppendCancel(nil, wire(sent))
	if string(got) != string(wire(want)) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var m sip.Message
	if err := m.Parse(got); err != nil || m.Method() != sip.CANCEL {
		t.Errorf("it reads as %v: %v", m.Method(), err)
	}
	// It finds its INVITE at the far end.
	var invite sip.Message
	if err := invite.Parse(wire(sent)); err != nil {
		t.Fatal(err)
	}
	if transaction.ServerKeyOf(secret, &m, sip.INVITE) != transaction.ServerKey(secret, &invite) {
		t.Error("the CANCEL names another INVITE")
	}
}

// What is no INVITE gives nothing.
func TestAppendOfNonsense(t *testing.T) {
	for _, raw := range []string{"", "nonsense", "SIP/2.0 200 OK\r\n\r\n"} {
		if got := transaction.AppendCancel([]byte("kept"), []byte(raw)); string(got) != "kept" {
			t.Errorf("%q: got %q", raw, got)
		}
	}
	if got := transaction.AppendAck([]byte("kept"), nil, response(t, "<sip:b@c.example>;tag=x")); string(got) != "kept" {
		t.Errorf("got %q", got)
	}
}

// The one allocation is the view of the INVITE.
func TestAppendAckAllocatesOnce(t *testing.T) {
	resp, invite := response(t, "<sip:b@c.example>;tag=x"), wire(sent)
	dst := make([]byte, 0, 2048)
	for name, f := range map[string]func(){
		"ACK":    func() { dst = transaction.AppendAck(dst[:0], invite, resp) },
		"CANCEL": func() { dst = transaction.AppendCancel(dst[:0], invite) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 1 {
			t.Errorf("%s: %v allocations, want at most 1", name, n)
		}
	}
}
