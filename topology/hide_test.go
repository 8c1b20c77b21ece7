package topology

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

func parsed(t testing.TB, raw []byte) *sip.Message {
	t.Helper()
	var m sip.Message
	if err := m.Parse(raw); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return &m
}

// A field that the caller edits is the caller's.
func TestHideLeavesTheCallersEdits(t *testing.T) {
	m := parsed(t, plant(invite, map[string]string{"FIELD": "Supported: 100rel, timer\r\nUser-Agent: x\r\nReplaces: a@b;to-tag=1;from-tag=2\r\n"}))
	var given []edit.Edit
	for _, name := range []string{"Supported", "User-Agent", "Replaces"} {
		f, ok := m.FindName(name)
		if !ok {
			t.Fatal(name)
		}
		given = append(given, edit.Edit{Start: f.Value.Start, End: f.Value.End, New: []byte("by the caller"), Why: "caller"})
	}
	leg := outsideLeg()
	leg.Realm = &Realm{Remove: []FieldRule{{"Supported", "sbc.hcl:1"}}}
	if err := leg.Realm.Compile(); err != nil {
		t.Fatal(err)
	}
	var s Scratch
	out, err := m.AppendTo(nil, Hide(m, leg, given, &s))
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(out, []byte(": by the caller\r\n")); n != 3 {
		t.Errorf("%d of 3 edits of the caller are there:\n%s", n, out)
	}
}

// The length of the body is right when the caller takes the body out.
func TestHideFixesTheLength(t *testing.T) {
	m := parsed(t, plant(invite, nil))
	body := m.Body()
	var s Scratch
	out, err := m.AppendTo(nil, Hide(m, outsideLeg(), []edit.Edit{{Start: body.Start, End: body.End}}, &s))
	if err != nil || !bytes.HasSuffix(out, []byte("\r\nContent-Length: 0\r\n\r\n")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// A datagram needs no Content-Length; what goes out has one (RFC 3261 section
// 20.14).
func TestHideAddsTheLength(t *testing.T) {
	m := parsed(t, bytes.Replace(plant(invite, nil), []byte("Content-Length: 86\r\n"), nil, 1))
	var s Scratch
	out, err := m.AppendTo(nil, Hide(m, outsideLeg(), nil, &s))
	if err != nil || !bytes.Contains(out, []byte("\r\nContent-Length: 86\r\n\r\nv=0")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// What cannot be masked does not cross (fields that are no SIP any more).
func TestHideUnreadable(t *testing.T) {
	for _, line := range []string{
		"P-Asserted-Identity: <sip:a@10.0.0.5>, <sip:b@10.0.0.5", "Diversion: \"open <sip:a@10.0.0.5>", "History-Info: ,<sip:10.0.0.5>",
		"Warning: 399 10.0.0.5", "Warning: x 10.0.0.5 \"y\"", "Reply-To: 10.0.0.5",
	} {
		raw := plant(invite, map[string]string{"FIELD": line + "\r\n"})
		var m sip.Message
		if m.Parse(raw) != nil {
			continue // row "quoting": it does not get here
		}
		out := cross(t, raw, outsideLeg())
		if bytes.Contains(out, []byte("10.0.0.5")) {
			t.Errorf("%s crossed:\n%s", line, out)
		}
	}
}

func TestHideParts(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"Reply-To: sip:a@10.0.0.5;x=1", "Reply-To: sip:a@203.0.113.7;x=1"},
		{"Reply-To: SIPS:a:secret@10.0.0.5:5061", "Reply-To: SIPS:a:secret@203.0.113.7"},
		{"Reply-To: <sip:10.0.0.5:5060@10.0.0.5>", "Reply-To: <sip:203.0.113.7>"},
		{"Reply-To: <sip:10.0.0.5;x=1@10.0.0.5>", "Reply-To: <sip:203.0.113.7>"},
		{"Reply-To: <sip:a@10.0.0.5;TRANSPORT=tcp;x;maddr=10.0.0.9;lr>", "Reply-To: <sip:a@203.0.113.7>"},
		{"Reply-To: <sip:a@10.0.0.5?Subject=x&Replaces=1&Call-ID=2>", "Reply-To: <sip:a@203.0.113.7?Subject=x>"},
		{"Reply-To: <sip:a@10.0.0.5?Replaces=1&Subject=x>", "Reply-To: <sip:a@203.0.113.7?Subject=x>"},
		{"Reply-To: <sip:a@10.0.0.5;ob?Via=1&i=2>", "Reply-To: <sip:a@203.0.113.7>"},
		{"Reply-To: <tel:7001;phone-context=10.0.0.5;ext=1;tgrp=x>", "Reply-To: <tel:7001;phone-context=203.0.113.7;ext=1>"},
		{"Reply-To: <TEL:+49;rn=+4930;rn-context=lan.example>", "Reply-To: <TEL:+49;rn=+4930;rn-context=203.0.113.7>"},
		{"Reply-To: <urn:service:sos>", "Reply-To: <urn:service:sos>"},
		{"Reply-To: <sip:203.0.113.7>", "Reply-To: <sip:203.0.113.7>"},
		{"Call-Info: <http://10.0.0.5>, <HTTP://u@[fd00::5]:80/x?y#z>;purpose=icon", "Call-Info: <http://203.0.113.7>, <HTTP://u@203.0.113.7/x?y#z>;purpose=icon"},
		{"Alert-Info: <file://ring.pcm>", "Alert-Info: <file://203.0.113.7>"},
		{"Call-Info: <cid:a@10.0.0.9>", "Call-Info: <cid:a@10.0.0.9>"},
		{"P-Called-Party-ID: <sip:a@10.0.0.5>", "P-Called-Party-ID: <sip:a@sip.itsp.example>"},
		{"X-Other: <sip:a@10.0.0.9>", "X-Other: <sip:a@10.0.0.9>"},
		{"Session-ID: ab30317f1a784dc48ff824d0d3715d86", "Session-ID: ab30317f1a784dc48ff824d0d3715d86"},
		{"Path: <sip:10.0.0.5;lr>", ""},
		{"Service-Route: <sip:10.0.0.5;lr>", ""},
		{"Target-Dialog: a@b;local-tag=1;remote-tag=2", ""},
		{"P-Access-Network-Info: 3GPP-UTRAN-TDD;utran-cell-id-3gpp=234", ""},
		{"Security-Verify: ipsec-3gpp;q=0.1", ""},
	} {
		out := string(cross(t, plant(invite, map[string]string{"FIELD": c.in + "\r\n"}), outsideLeg()))
		if c.want != "" && !strings.Contains(out, "\r\n"+c.want+"\r\n") {
			t.Errorf("%s: want %q in\n%s", c.in, c.want, out)
		}
		if name, _, _ := strings.Cut(c.in, ":"); c.want == "" && strings.Contains(out, name) {
			t.Errorf("%s crossed:\n%s", c.in, out)
		}
	}
}

// Nobody is named where the leg names nobody, rather than an empty host.
func TestHideWithoutHost(t *testing.T) {
	leg := outsideLeg()
	leg.Host, leg.PeerHost = nil, nil
	out := string(cross(t, plant(invite, map[string]string{"FIELD": "P-Called-Party-ID: <sip:a@10.0.0.5>\r\n"}), leg))
	for _, want := range []string{"From: <sip:+4930999@anonymous.invalid>;tag=our-tag", "To: <sip:+4930123456@anonymous.invalid>", "ID: <sip:a@anonymous.invalid>"} {
		if !strings.Contains(out, want) {
			t.Errorf("want %q in\n%s", want, out)
		}
	}
}

func TestHideTakesTagsOut(t *testing.T) {
	raw := bytes.Replace(plant(invite, nil), []byte("4711FROM"), []byte("4711"), 1)
	raw = bytes.Replace(raw, []byte(";tag=lan-tag-4711"), []byte(";a=b ; Tag = lan-tag-4711;c=d"), 1)
	leg := outsideLeg()
	leg.FromTag = nil
	out := string(cross(t, raw, leg))
	if !strings.Contains(out, "From: <sip:+4930999@203.0.113.7>;a=b ;c=d\r\n") {
		t.Errorf("got\n%s", out)
	}
}

func TestHideSDPAlone(t *testing.T) {
	raw := []byte("v=0\no=- 1 1 IN IP4 10.0.0.5\ns= \nc=IN IP4 10.0.0.5\nt=0 0\nm=audio 9 RTP/AVP 0")
	var s sdp.Session
	if err := s.Parse(raw, edit.Span{End: len(raw)}); err != nil {
		t.Fatal(err)
	}
	to := &SDP{Session: &s, Addr: addr4(203, 0, 113, 7), Origin: Origin{1, 2}, Lines: []Line{{Port: 20000, RTCPPort: 20009, Direction: sdp.SendOnly}}}
	var scratch Scratch
	edits := HideSDP(to, nil, &scratch)
	got, err := edit.AppendTo(nil, raw, edits)
	want := "v=0\no=- 1 2 IN IP4 203.0.113.7\ns=-\nc=IN IP4 203.0.113.7\nt=0 0\nm=audio 20000 RTP/AVP 0\na=rtcp:20009\na=sendonly"
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v\nwant %q", got, err, want)
	}
	// Lines that nobody planned are off.
	to.Lines = nil
	got, err = edit.AppendTo(nil, raw, HideSDP(to, nil, &scratch))
	if want := "m=audio 0 RTP/AVP 0"; err != nil || !strings.HasSuffix(string(got), want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// For every direction at session level and in two lines, and every wanted
// pair, the description that goes out says what is wanted.
func TestDirections(t *testing.T) {
	all := []sdp.Direction{0, sdp.SendRecv, sdp.SendOnly, sdp.RecvOnly, sdp.Inactive}
	line := func(d sdp.Direction) string {
		if d == 0 {
			return ""
		}
		return "a=" + d.String() + "\r\n"
	}
	var in, out sdp.Session
	var scratch Scratch
	for _, session := range all {
		for _, own := range all {
			for _, want := range all {
				for _, other := range all[1:] {
					raw := []byte("v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n" + line(session) +
						"m=audio 9 RTP/AVP 0\r\n" + line(own) + "m=audio 11 RTP/AVP 0\r\n")
					if err := in.Parse(raw, edit.Span{End: len(raw)}); err != nil {
						t.Fatal(err)
					}
					to := &SDP{Session: &in, Addr: addr4(203, 0, 113, 7), Lines: []Line{{Port: 20000, Direction: want}, {Port: 20002, Direction: other}}}
					wanted := want
					if want == 0 {
						wanted = in.Media[0].Direction
					}
					scratch.Reset()
					got, err := edit.AppendTo(nil, raw, HideSDP(to, nil, &scratch))
					if err == nil {
						err = out.Parse(got, edit.Span{End: len(got)})
					}
					if err != nil {
						t.Fatal(err)
					}
					if out.Media[0].Direction != wanted || out.Media[1].Direction != other {
						t.Errorf("session %q, line %q, want %q and %q: got %s", session, own, wanted, other, got)
					}
				}
			}
		}
	}
}

func TestRealmCompile(t *testing.T) {
	good := &Realm{
		Pass:   []FieldRule{{"Diversion", "sbc.hcl:1"}, {"X-Anything", "sbc.hcl:2"}, {"To", "sbc.hcl:3"}, {"user-agent", "sbc.hcl:4"}},
		Remove: []FieldRule{{"s", "sbc.hcl:5"}, {"P-Asserted-Identity", "sbc.hcl:6"}},
		Add:    []AddRule{{"X-Carrier", "4711", "sbc.hcl:7"}},
	}
	if err := good.Compile(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		realm Realm
		want  string
	}{
		{Realm{Pass: []FieldRule{{"Contact", "sbc.hcl:1"}}}, `sbc.hcl:1: field "Contact" cannot pass`},
		{Realm{Pass: []FieldRule{{"v", "sbc.hcl:1"}}}, `sbc.hcl:1: field "v" cannot pass`},
		{Realm{Remove: []FieldRule{{"From", "sbc.hcl:1"}}}, `sbc.hcl:1: field "From" cannot be removed`},
		{Realm{Remove: []FieldRule{{"content-type", ""}}}, `field "content-type" cannot be removed`},
		{Realm{Remove: []FieldRule{{"a b", "sbc.hcl:1"}}}, `is no name of a header field`},
		{Realm{Remove: []FieldRule{{strings.Repeat("x", 65), "sbc.hcl:1"}}}, `is longer than any header field`},
		{Realm{Pass: []FieldRule{{"X-A", "sbc.hcl:1"}}, Remove: []FieldRule{{"x-a", "sbc.hcl:2"}}}, `is told to pass and to be removed or added, see sbc.hcl:1`},
		{Realm{Add: []AddRule{{"Via", "x", "sbc.hcl:1"}}}, `cannot be added`},
		{Realm{Add: []AddRule{{"X", "a\r\nVia: x", "sbc.hcl:1"}}}, `has a value with a line break`},
		{Realm{Add: []AddRule{{"", "a", "sbc.hcl:1"}}}, `is no name of a header field`},
		{Realm{Pass: []FieldRule{{"X-A", "sbc.hcl:1"}}, Add: []AddRule{{"x-a", "b", "sbc.hcl:2"}}}, `sbc.hcl:2: field "x-a" is told to pass`},
		{Realm{UserAgent: "a\nb", AgentRule: "sbc.hcl:1"}, `sbc.hcl:1: field "User-Agent" holds a line break`},
	} {
		err := c.realm.Compile()
		var re *RuleError
		if !errors.As(err, &re) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
	for _, name := range []string{"scrub", "count", "refuse"} {
		if m, ok := ParseMode(name); !ok || m.String() != name {
			t.Errorf("%s: %v %v", name, m, ok)
		}
	}
	if _, ok := ParseMode("drop"); ok || Mode(9).String() != "unknown" {
		t.Error("a mode that there is not")
	}
}

// When package sip learns another field, lastField has to be moved.
func TestLastField(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Errorf("sip knows fields behind %v", lastField)
		}
	}()
	_ = (lastField + 1).String()
}

// What we say of names is what package sip reads them as.
func TestNames(t *testing.T) {
	for name, id := range fieldIDs {
		m := sip.Message{}
		raw := "OPTIONS sip:a@b SIP/2.0\r\n" + name + ": x\r\n\r\n"
		_ = m.Parse([]byte(raw)) // it is short of fields, but this one was read
		for _, f := range m.Fields() {
			if f.ID != id {
				t.Errorf("%s is %v, want %v", name, f.ID, id)
			}
		}
	}
}

// Hide allocates nothing when its memory has grown to what messages need.
func TestHideAllocatesNothing(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.case")
	our := DialogName{CallID: []byte("OURCALL"), ToTag: []byte("OURTO"), FromTag: []byte("OURFROM")}
	for _, path := range files {
		if strings.Contains(path, "unreadable") {
			continue // an error of a parser is made anew each time
		}
		c := readCase(t, path)
		m := parsed(t, wire(c.in))
		leg := c.leg
		if leg.Dialog != nil {
			leg.Dialog = func(DialogName) (DialogName, bool) { return our, true }
			leg.CallIDs = func([]byte) ([]byte, bool) { return our.CallID, true }
		}
		var session sdp.Session
		if c.sdp != nil {
			part, err := descriptionIn(m)
			if err == nil {
				err = session.Parse(m.Raw, part)
			}
			if err != nil {
				t.Fatal(err)
			}
			c.sdp.Session, c.sdp.Body = &session, part
			leg.SDP = c.sdp
		}
		var s Scratch
		edits, out := make([]edit.Edit, 0, 64), make([]byte, 0, 4096)
		n := testing.AllocsPerRun(100, func() {
			s.Reset()
			edits = Hide(m, &leg, edits[:0], &s)
			out, _ = m.AppendTo(out[:0], edits)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations, want 0", path, n)
		}
	}
}

func BenchmarkHide(b *testing.B) {
	if _, err := os.Stat("testdata/invite_to_itsp.case"); err != nil {
		b.Fatal(err)
	}
	c := readCase(b, "testdata/invite_to_itsp.case")
	m := parsed(b, wire(c.in))
	part, err := descriptionIn(m)
	if err != nil {
		b.Fatal(err)
	}
	var session sdp.Session
	if err := session.Parse(m.Raw, part); err != nil {
		b.Fatal(err)
	}
	c.sdp.Session, c.leg.SDP = &session, c.sdp
	var s Scratch
	var edits []edit.Edit
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		edits = Hide(m, &c.leg, edits[:0], &s)
		out, _ = m.AppendTo(out[:0], edits)
	}
}
