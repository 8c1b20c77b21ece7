package sip_test

import (
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// singles are fields that may stand once, with a value that is right for them.
// Of two, one reader takes the first and another the last.
var singles = map[string]string{
	"From": "<sip:x@y>;tag=1", "To": "<sip:x@y>", "Call-ID": "x", "CSeq": "314159 INVITE", "Max-Forwards": "70",
	"Content-Type": "text/plain", "Content-Disposition": "session", "MIME-Version": "1.0",
	"Expires": "60", "Min-Expires": "60", "Retry-After": "5", "Max-Breadth": "60",
	"RSeq": "1", "RAck": "1 1 INVITE", "Refer-To": "<sip:x@y>", "Referred-By": "<sip:x@y>", "Refer-Sub": "false",
	"Replaces": "a;to-tag=1;from-tag=2", "Join": "a;to-tag=1;from-tag=2", "Target-Dialog": "a;local-tag=1;remote-tag=2",
	"Session-Expires": "1800", "Min-SE": "90", "Event": "dialog", "Subscription-State": "active",
	"SIP-ETag": "x", "SIP-If-Match": "x", "Privacy": "id", "Reply-To": "<sip:x@y>", "P-Called-Party-ID": "<sip:x@y>",
	"P-Charging-Vector": "icid-value=1", "P-Charging-Function-Addresses": "ccf=192.0.2.1",
}

// compact are the short forms of those that have one (RFC 3261 section 7.3.3).
var compact = map[string]string{
	"From": "f", "To": "t", "Call-ID": "i", "Content-Type": "c", "Refer-To": "r", "Referred-By": "b", "Session-Expires": "x", "Event": "o",
}

// TestSingles doubles each field that must be single, near and far from each
// other and in each spelling that names the same field.
func TestSingles(t *testing.T) {
	for name, value := range singles {
		others := []string{name + ": ", strings.ToLower(name) + ":", strings.ToUpper(name) + ":", name + " \t: ", name + "\r\n :\r\n "}
		if c, ok := compact[name]; ok {
			others = append(others, c+": ", strings.ToUpper(c)+":", c+"\t:")
		}
		for _, other := range others {
			one, two := name+": "+value+"\r\n", other+value+"\r\n"
			for i, change := range [][2]string{
				{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n" + one + two},
				{"Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n" + two + one},
				{"Content-Length", one + strings.Repeat("Z: 1\r\n", 40) + two + "Content-Length"},
			} {
				var m sip.Message
				err := m.Parse([]byte(with(t, invite, change[0], change[1])))
				if e, ok := err.(*sip.Error); !ok || e.Cause != "duplicate_field" || e.Status != 400 {
					t.Errorf("%q and %q, %d: %v, want duplicate_field", one, two, i, err)
				}
			}
		}
		if _, inside := parse(t, invite).FindName(name); !inside {
			again(t, parse(t, with(t, invite, "Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n"+name+": "+value+"\r\n")))
		}
	}
}

// Fields that are lists may stand twice, and so may texts that nobody acts on
// and names that we do not know.
func TestLists(t *testing.T) {
	for _, name := range []string{"Route", "Record-Route", "Supported", "Require", "Allow", "Accept", "Warning", "Diversion",
		"History-Info", "Reason", "User-Agent", "Subject", "Date", "P-Asserted-Identity", "Call-Info", "Identity", "X-Odd", "Z"} {
		line := name + ": <sip:x@y>\r\n"
		m := parse(t, with(t, invite, "Max-Forwards: 70\r\n", "Max-Forwards: 70\r\n"+line+line))
		again(t, m)
	}
}

// TestListsOfSingles: two values in one line are no value.
func TestListsOfSingles(t *testing.T) {
	value := func(text string) (raw []byte, s sip.Span) {
		raw = []byte(text)
		return raw, sip.Span{End: len(raw)}
	}
	for _, text := range []string{"presence, dialog", "presence ,x", "a b", "presence;id=1, dialog"} {
		if _, _, err := sip.ParseToken(value(text)); err == nil {
			t.Errorf("token %q was taken", text)
		}
	}
	for _, text := range []string{"a;to-tag=1;from-tag=2, b;to-tag=1;from-tag=2", "a;to-tag=1;to-tag=2;from-tag=3", "a;to-tag=1;from-tag=2;FROM-TAG=2", "a,b;to-tag=1;from-tag=2"} {
		if _, err := sip.ParseDialogID(value(text)); err == nil {
			t.Errorf("dialog %q was taken", text)
		}
	}
	for _, text := range []string{"1 1 INVITE, 2 2 INVITE", "1 1 INVITE 2", "1, 1 INVITE"} {
		if _, err := sip.ParseRAck(value(text)); err == nil {
			t.Errorf("RAck %q was taken", text)
		}
	}
	for _, text := range []string{"1800, 90", "1800;refresher=uac, 90", "1800;refresher=uac;refresher=uas", "60 70"} {
		if _, err := sip.ParseSessionExpires(value(text)); err == nil {
			t.Errorf("Session-Expires %q was taken", text)
		}
		if _, err := sip.ParseNumber(value(text)); err == nil {
			t.Errorf("number %q was taken", text)
		}
	}
	for _, text := range []string{"<sip:a@b>, <sip:c@d>", "sip:a@b, sip:c@d", "<sip:a@b>;x=\",\", <sip:c@d>"} {
		if _, err := sip.ParseNameAddr(value(text)); err == nil {
			t.Errorf("address %q was taken", text)
		}
	}
}

// octetPlaces are places where an octet is put that has no business there.
var octetPlaces = []struct{ name, old, text string }{
	{"method", "INVITE sip", "INV%cITE sip"},
	{"Request-URI", "sip:bob@example.com SIP", "sip:bo%cb@example.com SIP"},
	{"version", "com SIP/2.0", "com SIP/2%c.0"},
	{"behind the start line", "SIP/2.0\r\nVia", "SIP/2.0%c\r\nVia"},
	{"field name", "Max-Forwards", "Max-F%corwards"},
	{"before the colon", "Max-Forwards:", "Max-Forwards%c:"},
	{"value", "Alice <", "Al%cice <"},
	{"URI in a field", "sip:alice@example.org", "sip:al%cice@example.org"},
	{"parameter", "tag=1928301774", "tag=1928%c301774"},
	{"quoted string", "Alice <", "\"Al%cice\" <"},
	{"Call-ID", "a84b4c76e66710", "a84b%c4c76e66710"},
	{"number", "70", "7%c0"},
	{"Content-Length", "Length: 5", "Length: %c5"},
	{"end of a value", "application/sdp\r\n", "application/sdp%c\r\n"},
	{"a field nobody reads", "Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nZ: a%cb\r\n"},
}

// TestOctets puts NUL, CR, LF and other controls where they are not allowed:
// none of them passes. In the body they may stand.
func TestOctets(t *testing.T) {
	for _, place := range octetPlaces {
		for _, c := range []byte{0, '\r', '\n', 1, '\b', '\v', '\f', 0x1b, 0x7f} {
			text := with(t, invite, place.old, strings.Replace(place.text, "%c", string(rune(c)), 1))
			for _, read := range readers {
				if m, err := read([]byte(text)); err == nil {
					t.Errorf("%q in the %s was taken: %s", c, place.name, describe(m))
				} else if e := err.(*sip.Error); (c == '\r' || c == '\n') && e.Status != 0 && e.Cause != "line_ending" && e.Cause != "field_name" {
					t.Errorf("%q in the %s: %v", c, place.name, err)
				}
			}
		}
	}
	for _, body := range []string{"a\x00b\r\n", "a\rb\r\n", "\r\n\r\na", "\n\n\n\n\n", "\x7f\x1b[2J"} {
		m := parse(t, with(t, invite, "v=0\r\n", body))
		if got := string(m.Bytes(m.Body())); got != body {
			t.Errorf("body %q, want %q", got, body)
		}
	}
}

// readers read a message from a datagram and from a stream.
var readers = []func([]byte) (*sip.Message, error){
	func(b []byte) (*sip.Message, error) {
		m := new(sip.Message)
		return m, m.Parse(b)
	},
	func(b []byte) (*sip.Message, error) {
		m := new(sip.Message)
		_, err := m.ParseStream(b)
		return m, err
	},
}

// TestEscapes: what is escaped is what it says in its place and no delimiter:
// nothing is unescaped on the way in, and all comes out as it came.
func TestEscapes(t *testing.T) {
	for _, c := range []struct{ uri, user, password, host, params string }{
		{"sip:a%0d%0aVia:%20x@example.com", "a%0d%0aVia:%20x", "", "example.com", ""},
		{"sip:a%00b@example.com", "a%00b", "", "example.com", ""},
		{"sip:a%40evil.example@example.com", "a%40evil.example", "", "example.com", ""},
		{"sip:a%3btag=1@example.com", "a%3btag=1", "", "example.com", ""},
		{"sip:a;tag=1@example.com;lr", "a;tag=1", "", "example.com", ";lr"},
		{"sip:a?b=c@example.com", "a?b=c", "", "example.com", ""},
		{"sip:a:b:c@example.com", "a", "b:c", "example.com", ""},
		{"sip:a%3ab@example.com", "a%3ab", "", "example.com", ""},
		{"sip:a%253ab@example.com", "a%253ab", "", "example.com", ""},
		{"sip:%61%6c@example.com;x=%0d%0a", "%61%6c", "", "example.com", ";x=%0d%0a"},
		{"sip:a@example.com;maddr=b%40c", "a", "", "example.com", ";maddr=b%40c"},
	} {
		text := with(t, invite, "sip:bob@example.com SIP", c.uri+" SIP")
		m := parse(t, text)
		u := m.URI()
		if c.user == "a%0d%0aVia:%20x" { // the colon divides, escaped or not before it
			c.user, c.password = "a%0d%0aVia", "%20x"
		}
		got := [4]string{string(m.Bytes(u.User)), string(m.Bytes(u.Password)), string(m.Bytes(u.Host)), string(m.Bytes(u.Params))}
		if want := [4]string{c.user, c.password, c.host, c.params}; got != want {
			t.Errorf("%s: %q, want %q", c.uri, got, want)
		}
		if out, err := m.AppendTo(nil, nil); err != nil || string(out) != text {
			t.Errorf("%s: written as %q, %v", c.uri, out, err)
		}
	}
	for _, uri := range []string{"sip:a@b@example.com", "sip:a@example.com@c;lr", "sip:a%0d%0a@", "sip:example%2ecom", "sip:a@exam%00ple.com", "sip:a@example.com:50%360"} {
		var m sip.Message
		if err := m.Parse([]byte(with(t, invite, "sip:bob@example.com SIP", uri+" SIP"))); err == nil {
			t.Errorf("%s was taken: %s", uri, describe(&m))
		}
	}
}

// TestQuotes: a delimiter in a quoted string is none.
func TestQuotes(t *testing.T) {
	for display, tag := range map[string]string{
		`"a\"b"`: "1928301774", `"a\\"`: "1928301774", `"<sip:x@y>;tag=no"`: "1928301774", `"a, b"`: "1928301774", `"\<\;\,"`: "1928301774",
	} {
		m := parse(t, with(t, invite, "Alice", display))
		if from := m.From(); string(m.Bytes(from.Display)) != display || string(m.Bytes(from.Tag)) != tag || string(m.Bytes(from.URI)) != "sip:alice@example.org" {
			t.Errorf("%s: %+v", display, from)
		}
	}
	for _, display := range []string{`"a\\"b"`, `"a\"`, `"a" "b"`, `a"b`, `"a""b"`, `\"a`} {
		var m sip.Message
		if err := m.Parse([]byte(with(t, invite, "Alice", display))); err == nil {
			t.Errorf("%s was taken as %q", display, m.Bytes(m.From().Display))
		}
	}
}

// TestCases: names of fields may have any case, methods and the version not.
func TestCases(t *testing.T) {
	for name, c := range map[string]string{"Via": "V", "From": "F", "To": "T", "Call-ID": "I", "Contact": "M", "Content-Type": "C", "Content-Length": "L"} {
		m := parse(t, with(t, invite, "\r\n"+name+":", "\r\n"+c+":"))
		if f, ok := m.FindName(name); !ok || string(m.Bytes(f.Name)) != c {
			t.Errorf("%s is not read as %s", c, name)
		}
	}
	for old, text := range map[string]string{"SIP/2.0\r\nVia": "sIP/2.0\r\nVia", " SIP/2.0\r\n": " SIP/2.0 \r\n", "INVITE sip": "Invite sip"} {
		var m sip.Message
		if err := m.Parse([]byte(with(t, invite, old, text))); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

// TestFolds: a fold in the middle of something ends it, for every reader.
func TestFolds(t *testing.T) {
	for _, c := range [][2]string{
		{"314159 INVITE", "314159 INV\r\n ITE"}, {"314159 INVITE", "3141\r\n 59 INVITE"}, {"Max-Forwards: 70", "Max-Forwards: 7\r\n\t0"},
		{rightCallID, "Call-ID: a84b\r\n 4c76"}, {"sip:alice@example.org", "sip:al\r\n ice@example.org"}, {"tag=1928301774", "tag=1928\r\n 301774"},
		{"tag=1928301774", "ta\r\n g=1928301774"}, {"branch=z9hG4bK776asdhds", "branch=z9hG4bK\r\n 776asdhds"}, {"Max-Forwards:", "Max-\r\n Forwards:"},
		{rightLine, "INVITE\r\n sip:bob@example.com SIP/2.0"}, {rightLine, "INVITE sip:bob@exam\r\n ple.com SIP/2.0"}, {"Length: 5", "Length: 0\r\n 5"},
		{"192.0.2.1:5060", "192.0.\r\n 2.1:5060"},
	} {
		for _, read := range readers {
			if m, err := read([]byte(with(t, invite, c[0], c[1]))); err == nil {
				t.Errorf("%q was taken: %s", c[1], describe(m))
			}
		}
	}
}

// TestManyVias: the topmost is the first of all, in lines and in lists.
func TestManyVias(t *testing.T) {
	for i, vias := range []string{
		strings.Repeat("Via: SIP/2.0/UDP b\r\n", 69), "Via: SIP/2.0/UDP b" + strings.Repeat(" ,\r\n SIP/2.0/UDP b", 68) + "\r\n", strings.Repeat("v: SIP/2.0/UDP b, SIP / 2.0 / UDP b\r\n", 34),
	} {
		m := parse(t, with(t, invite, rightVia, rightVia+vias))
		if v := m.Via(); string(m.Bytes(v.Host)) != "192.0.2.1" || m.Vias() < 69 {
			t.Errorf("%d: %d Vias, the topmost %q", i, m.Vias(), m.Bytes(v.Value))
		}
	}
}
