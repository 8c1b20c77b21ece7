package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// What refusals changes in the message.
const (
	rightVia     = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n"
	rightLine    = "INVITE sip:bob@example.com SIP/2.0"
	rightContact = "Contact: <sip:alice@192.0.2.1>"
	rightCallID  = "Call-ID: a84b4c76e66710@192.0.2.1"
)

// A change puts text in the place of old.
type change struct{ old, text string }

// refusals are changes that make a right message one that is refused.
var refusals = []struct {
	verdict
	changes []change
}{
	{verdict{"line_ending", 400}, []change{
		{rightLine + "\r\n", rightLine + "\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\rb\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\n b\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: \"a\\\rb\"\r\n"},
		{"Content-Length: 5\r\n\r\n", "Content-Length: 5\r\n\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n\rSubject: a\r\n"},
	}},
	{verdict{"control_octet", 400}, []change{
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\x00b\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: a\x7fb\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: \xc3\xa4\x1b[2J\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: \\\x01\r\n"},
		{"Alice", "\"Al\x07ice\""},
		{rightLine, "INVITE sip:bob\x01@example.com SIP/2.0"},
	}},
	{verdict{"start_line", 400}, []change{
		{rightLine, "INVITE  sip:bob@example.com SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com  SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com SIP/2.0 "},
		{rightLine, "INVITE sip:bob@example.com SIP/2.0\t"},
		{rightLine, "INVITE\tsip:bob@example.com SIP/2.0"},
		{rightLine, "INVITE <sip:bob@example.com> SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com; lr SIP/2.0"},
		{rightLine, "INVITE sip:bob@exam\"ple.com SIP/2.0"},
		{rightLine, "INVITE  SIP/2.0"},
		{rightLine, "INVITE SIP/2.0"},
		{rightLine, "INVITE bob SIP/2.0"},
		{rightLine, "INVITE sip: SIP/2.0"},
		{rightLine, "INVITE sip:bob@ SIP/2.0"},
		{rightLine, "INVITE sip:@example.com SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com:70000 SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com: SIP/2.0"},
		{rightLine, "INVITE sip:2001:db8::10 SIP/2.0"},
		{rightLine, "INVITE sip:bob@[2001:db8::10 SIP/2.0"},
		{rightLine, "INVITE tel: SIP/2.0"},
	}},
	{verdict{"uri_headers", 400}, []change{
		{rightLine, "INVITE sip:bob@example.com?Route=%3Csip:x%3E SIP/2.0"},
		{rightLine, "INVITE sips:bob@example.com;lr?a=b SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com? SIP/2.0"},
	}},
	{verdict{"uri_too_long", 414}, []change{
		{rightLine, "INVITE sip:" + strings.Repeat("b", 2045) + " SIP/2.0"},
		{rightLine, "INVITE sip:" + strings.Repeat("b", 12000) + " SIP/2.0"},
	}},
	{verdict{"scheme", 416}, []change{
		{rightLine, "INVITE http://example.com SIP/2.0"},
		{rightLine, "INVITE urn:service:counseling SIP/2.0"},
		{rightLine, "INVITE s:example.com SIP/2.0"},
	}},
	{verdict{"version", 505}, []change{
		{rightLine, "INVITE sip:bob@example.com SIP/2.1"},
		{rightLine, "INVITE sip:bob@example.com SIP/2.00"},
		{rightLine, "INVITE sip:bob@example.com SIP/"},
	}},
	{verdict{"cseq_method", 400}, []change{
		{"314159 INVITE", "314159 BYE"},
		{"314159 INVITE", "314159 invite"},
	}},
	{verdict{"cseq", 400}, []change{
		{"314159 INVITE", "2147483648 INVITE"},
		{"314159 INVITE", "1" + strings.Repeat("0", 30) + " INVITE"},
		{"314159 INVITE", "-1 INVITE"},
		{"314159 INVITE", "0x10 INVITE"},
		{"314159 INVITE", "INVITE"},
		{"314159 INVITE", "314159"},
		{"314159 INVITE", "314159INVITE"},
		{"314159 INVITE", "314159 INVITE x"},
		{"314159 INVITE", "314\r\n 159 INVITE"},
		{"314159 INVITE", ""},
	}},
	{verdict{"missing_field", 400}, []change{
		{"To: Bob <sip:bob@example.com>\r\n", ""},
		{"From: Alice <sip:alice@example.org>;tag=1928301774\r\n", ""},
		{rightCallID + "\r\n", ""},
		{rightCallID, "Call-ID:"},
		{"CSeq: 314159 INVITE\r\n", ""},
	}},
	{verdict{"via", 0}, []change{
		{rightVia, ""},
		{rightVia, "Via: \r\n"},
		{rightVia, "Via: rubbish\r\n"},
		{rightVia, "Via: SIP/2.0/UDP\r\n"},
		{rightVia, "Via: SIP/2.0/UDP ;branch=x\r\n"},
		{rightVia, "Via: SIP/2.0/UDP a:b;branch=x\r\n"},
		{rightVia, "Via: SIP/2.0/UDP a:70000;branch=x\r\n"},
		{rightVia, "Via: SIP/2.0 a;branch=x\r\n"},
		{rightVia, "Via: SIP/2.0/UDP [2001:db8::1;branch=x\r\n"},
		{rightVia, "Via: x\r\n" + rightVia},
		{rightVia, rightVia + "Via: x\r\n"},
	}},
	{verdict{"duplicate_field", 400}, []change{
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nMax-Forwards: 70\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nt: <sip:a>\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nFROM\t: <sip:a>\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\ni: 1\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nCSeq\r\n : 314159 INVITE\r\n"},
	}},
	{verdict{"max_forwards", 400}, []change{
		{"Max-Forwards: 70", "Max-Forwards: 256"},
		{"Max-Forwards: 70", "Max-Forwards: -1"},
		{"Max-Forwards: 70", "Max-Forwards: 7 0"},
		{"Max-Forwards: 70", "Max-Forwards: 7\r\n 0"},
		{"Max-Forwards: 70", "Max-Forwards:"},
	}},
	{verdict{"content_length", 400}, []change{
		{"Content-Length: 5", "Content-Length: 5\r\nl: 5"},
		{"Content-Length: 5", "l : 5\r\nContent-Length: 6"},
		{"Content-Length: 5", "Content-Length: -5"},
		{"Content-Length: 5", "Content-Length: +5"},
		{"Content-Length: 5", "Content-Length: 0x5"},
		{"Content-Length: 5", "Content-Length:"},
		{"Content-Length: 5", "Content-Length: 5 5"},
		{"Content-Length: 5", "Content-Length: 5, 5"},
		{"Content-Length: 5", "Content-Length: 1\r\n 5"},
		{"Content-Length: 5", "Content-Length: 2147483648"},
		{"Content-Length: 5", "Content-Length: 18446744073709551621"},
		{"Content-Length: 5", "Content-Length: 6"},
	}},
	{verdict{"too_large", 513}, []change{
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject: " + strings.Repeat("x", 8<<10) + "\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n" + strings.Repeat("X: 1\r\n", 257)},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n" + strings.Repeat("X: "+strings.Repeat("x", 4096)+"\r\n", 8)},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n" + strings.Repeat("Via: SIP/2.0/UDP a\r\n", 70)},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nVia: SIP/2.0/UDP a" + strings.Repeat(", SIP/2.0/UDP a", 69) + "\r\n"},
	}},
	{verdict{"field_name", 400}, []change{
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSub ject: x\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSub(ject: x\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nS\xc3\xbcbject: x\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nSubject\r\n"},
		{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n: x\r\n"},
		{rightLine + "\r\n", rightLine + "\r\n x\r\n"},
	}},
	{verdict{"quoting", 400}, []change{
		{"To: Bob <", "To: \"Bob <"},
		{"To: Bob <", "To: \"Bob\\\" <"},
		{"To: Bob <", "To: Bob\" <"},
		{"To: Bob <", "To: \"Bob\" Jones <"},
		{"To: Bob <sip:bob@example.com>", "To: <sip:bob@example.com"},
		{"To: Bob <sip:bob@example.com>", "To: <sip:bob@exa\"mple.com"},
		{"From: Alice <sip:alice@example.org>;tag=1928301774", "From: <sip:alice@example.org>;tag=\"1"},
		{rightContact, "Contact: \"<sip:alice@192.0.2.1>"},
		{rightContact, "Contact: <sip:alice@192.0.2.1>, <sip:bob@192.0.2.1"},
		{rightContact, "Route: \"<sip:alice@192.0.2.1>"},
	}},
	{verdict{"syntax", 400}, []change{
		{rightVia, "Via: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n"},
		{rightVia, "Via: SIP/2.0/UDP a;branch=x;\r\n"},
		{rightVia, "Via: SIP/2.0/UDP a;branch=x,\r\n"},
		{rightVia, "Via: SIP/2.0/UDP a;branch=x y\r\n"},
		{rightVia, "Via: SIP/2.0/UDP a b\r\n"},
		{rightContact, rightContact + ";;;;"},
		{rightContact, rightContact + ",,"},
		{rightContact, rightContact + ","},
		{rightContact, "Contact: ,<sip:a>"},
		{rightContact, "Contact:"},
		{rightContact, "Contact: *,"},
		{rightContact, "Contact: sip:a?x=y"},
		{rightContact, "Contact: <>"},
		{rightContact, "Contact: <sip:a@b>;q=1<"},
		{rightContact, "Route:"},
		{rightContact, "Record-Route: <sip:a;lr>;;"},
		{"To: Bob <sip:bob@example.com>", "To: <sip:a>, <sip:b>"},
		{"To: Bob <sip:bob@example.com>", "To: < sip:a >"},
		{"To: Bob <sip:bob@example.com>", "To: Bell, Bob <sip:a>"},
		{"To: Bob <sip:bob@example.com>", "To: bob"},
		{"To: Bob <sip:bob@example.com>", "To:"},
		{"To: Bob <sip:bob@example.com>", "To: <sip:a> x"},
		{rightCallID, "Call-ID: a b"},
		{rightCallID, "Call-ID: a\tb"},
		{rightCallID, "Call-ID: a\r\n b"},
		{rightCallID, "Call-ID: \"\\\x7f\""},
	}},
	{verdict{"not_sip", 0}, []change{
		{rightLine, "INVITE sip:bob@example.com"},
		{rightLine, "INVITE"},
		{rightLine, "{\"a\": 1}"},
		{rightLine, "GET / HTTP/1.1"},
		{"Content-Length: 5\r\n\r\nv=0\r\n", "Content-Length: 0\r\n"},
	}},
	{verdict{"control_octet", 0}, []change{{rightLine, "\x00" + rightLine}}},
}

// TestRefuses changes one thing in a right request, a cause a group.
func TestRefuses(t *testing.T) {
	for _, group := range refusals {
		for i, c := range group.changes {
			t.Run(fmt.Sprintf("%s %d/%d", group.cause, group.status, i), func(t *testing.T) {
				var m sip.Message
				err := m.Parse([]byte(with(t, invite, c.old, c.text)))
				refused(t, &m, err, group.verdict)
			})
		}
	}
}

// TestNoWayBack holds that there is no answer where Via cannot be read, nor to
// an ACK (RFC 3261 section 17.1.1.3), whatever else is wrong.
func TestNoWayBack(t *testing.T) {
	noVia := with(t, invite, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds", "Via: x")
	ack := strings.ReplaceAll(invite, "INVITE", "ACK")
	for _, text := range []string{
		with(t, noVia, "CSeq: 314159", "CSeq: x"), with(t, noVia, "SIP/2.0\r\n", "SIP/2.1\r\n"), with(t, noVia, "Max-", "Max "),
		with(t, ack, "CSeq: 314159", "CSeq: x"), with(t, ack, "Content-Length: 5", "Content-Length: 7"),
	} {
		var m sip.Message
		if e, ok := m.Parse([]byte(text)).(*sip.Error); !ok || e.Status != 0 {
			t.Errorf("got %v in %q, want no status", e, text)
		}
	}
}

// TestRefusesResponses: nobody answers a response.
func TestRefusesResponses(t *testing.T) {
	for _, c := range []struct{ old, text, cause string }{
		{"SIP/2.0 200 OK", "SIP/2.0 099 OK", "status"},
		{"SIP/2.0 200 OK", "SIP/2.0 700 OK", "status"},
		{"SIP/2.0 200 OK", "SIP/2.0 4294967301 OK", "status"},
		{"SIP/2.0 200 OK", "SIP/2.0 20 OK", "status"},
		{"SIP/2.0 200 OK", "SIP/2.0 200", "status"},
		{"SIP/2.0 200 OK", "SIP/2.0  200 OK", "status"},
		{"SIP/2.0 200 OK", "SIP/3.0 200 OK", "status"},
		{"SIP/2.0 200 OK", "SIP/2.0 200 O\x01K", "control_octet"},
		{"314159 INVITE", "x INVITE", "cseq"},
		{"To: Bob <sip:bob@example.com>;tag=a6c85cf\r\n", "", "missing_field"},
		{"Content-Length: 0", "Content-Length: 10", "content_length"},
		{"Content-Length: 0", "Content-Length: 0\r\nl: 0", "content_length"},
		{"To: Bob", "To: \"Bob", "quoting"},
	} {
		var m sip.Message
		refused(t, &m, m.Parse([]byte(with(t, ok200, c.old, c.text))), verdict{c.cause, 0})
	}
}

// TestAccepts has what is odd and right.
func TestAccepts(t *testing.T) {
	const rightLine = "INVITE sip:bob@example.com SIP/2.0"
	for _, c := range []struct{ old, text string }{
		{"Max-Forwards: 70\r\n", ""},
		{"Max-Forwards: 70", "Max-Forwards: 0"},
		{"Max-Forwards: 70", "Max-Forwards: 0068"},
		{"Max-Forwards: 70", "Max-Forwards: 255"},
		{"Content-Length: 5", "Content-Length: 0000000000000000000005"},
		{"Content-Length: 5", "Content-Length:\r\n 5\r\n "},
		{"Content-Length: 5\r\n", ""},
		{"CSeq: 314159", "CSeq: 0"},
		{"CSeq: 314159", "CSeq: 2147483647"},
		{"CSeq: 314159 INVITE", "CSeq:\t314159\r\n\t \r\n INVITE \t"},
		{"Alice <sip", "\"\xff\xfe\\\x00\\\x7f\\\"\" <sip"},
		{"Alice <sip", "J\xf6rg (mobile) <sip"},
		{"Alice <sip", "\"a\r\n \\\x01\"\r\n\t<sip"},
		{"Alice <sip:alice@example.org>", "sip:alice@example.org"},
		{"Alice <sip:alice@example.org>", "isbn:2983792873"},
		{"Alice <sip:alice@example.org>", "<http://example.org/?a=b,c;d>"},
		{"Alice <sip:alice@example.org>", "alice@home <tel:+1-201-555-0123;phone-context=+1>"},
		{"Contact: <sip:alice@192.0.2.1>", "Contact: *"},
		{"Contact: <sip:alice@192.0.2.1>", "Subject:"},
		{"Contact: <sip:alice@192.0.2.1>", "Subject:\r\n "},
		{"Contact: <sip:alice@192.0.2.1>", "Odd: ;;,,\"<"},
		{"Contact: <sip:alice@192.0.2.1>", "Contact: \"a\" <sip:a>;x=\"<,>\" , sip:b;tag=\"\\\"\"\r\nm:<sip:c>"},
		{rightLine, "\r\n\r\n\r\n" + rightLine},
		{rightLine, "INVITE tel:+49-30-123456;phone-context=x SIP/2.0"},
		{rightLine, "INVITE sips:a;b;c=@example.com:5061;lr;x=%20 SIP/2.0"},
		{rightLine, "INVITE SIP:bob:pass;word@[2001:db8::1]:5060;transport=tcp SIP/2.0"},
		{rightLine, "INVITE sip:bob@example.com:00005060 SIP/2.0"},
		{rightLine, "INVITE sip:" + strings.Repeat("b", 2044) + " SIP/2.0"},
		{"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds", "SIP / 2.0 / UDP\t192.0.2.1 : 5060 ; branch = x ; ttl=1;rport;maddr=224.2.0.1 ;hidden"},
		{"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds", "sip/2.0/SCTP my_host;branch=\"q\"\r\nVia: SIP/7.0/x y"},
		{"SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds", "SIP/2.0/UDP a" + strings.Repeat(",SIP/2.0/UDP a", 69)},
		{"Max-Forwards: 70", "Max-Forwards: 70\r\nZ: 1" + strings.Repeat("\r\nZ: 1", 245)},
		{"Max-Forwards: 70", "Max-Forwards: 70\r\nX: " + strings.Repeat("x", 8<<10-5)},
	} {
		text := with(t, invite, c.old, c.text)
		m := parse(t, text)
		if out, err := m.AppendTo(nil, nil); err != nil || string(out) != strings.TrimLeft(text, "\r\n") {
			t.Errorf("written as %q, %v", out, err)
		}
		again(t, m)
	}
}

// TestMethods: an unknown method is no fault of the message, and methods are
// case-sensitive (RFC 3261 section 7.1) and never unescaped.
func TestMethods(t *testing.T) {
	for name, want := range map[string]sip.Method{
		"REGISTER": sip.REGISTER, "PUBLISH": sip.PUBLISH, "invite": sip.UnknownMethod, "RE%47IST%45R": sip.UnknownMethod, "X": sip.UnknownMethod,
	} {
		m := parse(t, strings.ReplaceAll(invite, "INVITE", name))
		if m.Method() != want || string(m.MethodName()) != name {
			t.Errorf("%s: got %v %s", name, m.Method(), m.MethodName())
		}
	}
	for m := sip.INVITE; m <= sip.PUBLISH; m++ {
		if got := sip.ParseMethod([]byte(m.String())); got != m {
			t.Errorf("%v is read as %v", m, got)
		}
	}
}

func TestContacts(t *testing.T) {
	for _, c := range []struct {
		text string
		n    int
		star bool
	}{
		{"Subject: none", 0, false},
		{"Contact: <sip:a>", 1, false},
		{"Contact: *", 0, true},
		{"Contact: <sip:a>, *", 1, true},
		{"m: *, <sip:a>\r\nContact: <sip:b>,<sip:c;x=y>;z", 3, true},
	} {
		m := parse(t, with(t, invite, "Contact: <sip:alice@192.0.2.1>", c.text))
		n, star := m.Contacts()
		if _, _, ok := m.Contact(); n != c.n || star != c.star || ok != (n > 0) {
			t.Errorf("%q: got %d %v %v", c.text, n, star, ok)
		}
	}
}

func TestTrailingOctets(t *testing.T) {
	m := parse(t, invite+"rubbish")
	if out, _ := m.AppendTo(nil, nil); m.Trailing() != 7 || string(out) != invite {
		t.Errorf("cut %d octets, wrote %q", m.Trailing(), out)
	}
}

func TestBodyTooLarge(t *testing.T) {
	var m sip.Message
	text := with(t, invite, "Content-Length: 5\r\n", "") + strings.Repeat("x", 64<<10)
	refused(t, &m, m.Parse([]byte(text)), verdict{"too_large", 413})
}

func TestKeepalive(t *testing.T) {
	for _, text := range []string{"\r\n", "\r\n\r\n", "", "\r\n\r\n\r\n"} {
		var m sip.Message
		refused(t, &m, m.Parse([]byte(text)), verdict{"keepalive", 0})
	}
}
