package topology

import (
	"errors"
	"strings"
	"testing"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
)

// Each of these stands where Hide lets it pass, in a body or in a field that
// names dialogs; the audit finds it, and scrubbed, the message says nothing.
func TestPlantedLeaksInBodies(t *testing.T) {
	const xml = "application/dialog-info+xml"
	for _, c := range []struct{ contentType, body, gone string }{
		{xml, `<dialog-info display="at 10.0.0.5"/>`, "<dialog-info"},
		{xml, `<dialog-info display="at &#49;0.0.0&#x2e;5"/>`, "<dialog-info"},
		{xml, `<dialog-info display="at &#x000031;0.0.0.&#53;"/>`, "<dialog-info"},
		{xml, `<dialog-info display="&quot;pbx.lan.example&quot;"/>`, "<dialog-info"},
		{xml, `<dialog-info display="pbx&#46;lan.example&amp;x"/>`, "<dialog-info"},
		{xml, `<dialog-info other="lan-callid-0815%40pbx.lan.example"/>`, "<dialog-info"},
		{xml, `<dialog-info other="lan-callid-0815&#37;40pbx.lan.example"/>`, "<dialog-info"},
		{xml, `<dialog-info other="lan%2Dtag%&#50;D4711"/>`, "<dialog-info"},
		{xml, `<a><note>call lan-callid-0815&#64;pbx.lan.example</note></a>`, "<note>"},
		{xml, `<a><!-- lan-tag-4711 --></a>`, "<!--"},
		{xml, `<a><![CDATA[at fd00::5]]></a>`, "CDATA"},
		{xml, `<a b="x" lan-tag-4711="y"/>`, "<a"},
		{"application/reginfo+xml", `<contact id="lan-callid-0815"/>`, "<contact"},
		{"application/conference-info+xml", `<display-text>bob at 10-0-0-5.dhcp</display-text>`, "<display"},
		{"application/pidf+xml", `<note>0A000005</note>`, "<note"},
		{"application/resource-lists+xml", `<entry ref="users/sip%3abob%4010.0.0.5"/>`, "<entry"},
		{"application/rlmi+xml", `<name>pbx.lan.example</name>`, "<name"},
		{"application/simple-message-summary", "Messages-Waiting: yes\r\nSubject: from 10.0.0.5\r\n", "Waiting"},
		{"message/sipfrag", "SIP/2.0 486 busy at pbx.lan.example\r\n", "486"},
		{"message/sipfrag", "SIP/2.0 486 Busy\r\nX-Place: 10.0.0.5\r\n", "486"},
		{"application/isup", "\x01\x0010.0.0.5", "\x01\x00"},
		{"application/vq-rtcpxr", "CallID:lan-callid-0815@pbx.lan.example\r\n", "CallID"},
		{"text/plain", "10.0.0.5", ""},
		{"message/cpim", "From: <im:a@pbx.lan.example>\r\n", "<im:"},
	} {
		t.Run(c.contentType+" "+c.body, func(t *testing.T) {
			m := parsed(t, notify("NOTIFY", "Content-Type: "+c.contentType+"\r\n", c.body))
			out := hidden(t, m, outsideLeg())
			leaks := Audit(out, nil, lanKnown())
			if len(leaks) == 0 {
				t.Fatalf("nothing found in\n%s", out)
			}
			for _, l := range leaks {
				if l.Field != "body" || l.Type != c.contentType || l.Shared {
					t.Errorf("found %+v", l)
				}
			}
			if clean := scrubbed(t, out, leaks); c.gone != "" && strings.Contains(clean, c.gone) {
				t.Errorf("%q is left in\n%s", c.gone, clean)
			}
			part := "--b\r\nContent-Type: " + c.contentType + "\r\n\r\n" + c.body + "\r\n--b\r\n\r\nkept\r\n--b--\r\n"
			m = parsed(t, notify("NOTIFY", "Content-Type: multipart/mixed;boundary=b\r\n", part))
			out = hidden(t, m, outsideLeg())
			if clean := scrubbed(t, out, Audit(out, nil, lanKnown())); !strings.Contains(clean, "kept") {
				t.Errorf("more than a part is gone from\n%s", clean)
			}
		})
	}
}

// References and escapes that make another text are no leak.
func TestEscapedLookAlikesPass(t *testing.T) {
	for _, body := range []string{
		`<a b="10.0.0.5&#49;"/>`, `<a b="10.0.0.5&#x30;"/>`, `<a b="10.0&amp;.0.5"/>`,
		`<a b="&#xffffffffff31;0.0.0.5"/>`, `<a b="&#0x31;0.0.0.5"/>`, `<a b="&amp;#49;0.0.0.5"/>`,
	} {
		out := hidden(t, parsed(t, notify("NOTIFY", "Content-Type: application/pidf+xml\r\n", body)), outsideLeg())
		if leaks := Audit(out, nil, lanKnown()); len(leaks) > 0 {
			t.Errorf("%s: found %+v", body, leaks)
		}
	}
}

// What users write to each other is counted only; what else a MESSAGE has is
// not theirs.
func TestWrittenTypes(t *testing.T) {
	for contentType, shared := range map[string]bool{
		"text/plain": true, "Text/HTML; charset=utf-8": true, "message/CPIM": true, "application/im-iscomposing+xml": true,
		"application/pidf+xml": false, "application/octet-stream": false,
	} {
		out := hidden(t, parsed(t, notify("MESSAGE", "Content-Type: "+contentType+"\r\n", "<a> at 10.0.0.5</a>")), outsideLeg())
		leaks := Audit(out, nil, lanKnown())
		if len(leaks) != 1 || leaks[0].Shared != shared {
			t.Errorf("%s: found %+v, want shared %v", contentType, leaks, shared)
		}
	}
}

// Digest is between client and challenger: hosts in its fields are excused,
// Call-IDs are not, and nothing is in other fields.
func TestExcuseDigest(t *testing.T) {
	for name, want := range map[string]int{
		"WWW-Authenticate": 1, "proxy-authenticate": 1, "Authorization": 1, "Proxy-Authorization": 1,
		"Authentication-Info": 1, "Proxy-Authentication-Info": 1, "X-Authorization": 2, "Subject": 2,
	} {
		line := name + ": Digest realm=\"pbx.lan.example\",nonce=\"lan-callid-0815\"\r\n"
		for _, realm := range []*Realm{nil, {}} {
			leaks := realm.Excuse(Audit(cross(t, plant(invite, map[string]string{"FIELD": line}), outsideLeg()), nil, lanKnown()))
			if n := len(leaks) - len(realm.Excuse(Audit(cross(t, plant(invite, nil), outsideLeg()), nil, lanKnown()))); n != want {
				t.Errorf("%s: %d leaks left, want %d: %+v", name, n, want, leaks)
			}
		}
	}
}

// A body that a rule lets pass is not looked at, and what it says is excused.
func TestExcuseBodies(t *testing.T) {
	leg := bodyLeg(t, false)
	raw := notify("NOTIFY", "Content-Type: Application/WatcherInfo+xml\r\n", `<a b="sip:a@10.0.0.5"/>`)
	leaks := Audit(hidden(t, parsed(t, raw), leg), nil, lanKnown())
	if len(leaks) != 1 || len(leg.Realm.Excuse(leaks)) != 0 {
		t.Errorf("found %+v", leaks)
	}
	raw = notify("NOTIFY", "Content-Type: application/octet-stream\r\n", "10.0.0.5")
	leaks = Audit(hidden(t, parsed(t, raw), leg), nil, lanKnown())
	if len(leg.Realm.Excuse(leaks)) != 1 {
		t.Errorf("found %+v", leaks)
	}
}

func TestBodyRules(t *testing.T) {
	for _, c := range []struct {
		rules []BodyRule
		want  string
	}{
		{[]BodyRule{{"application/isup", true, "sbc.hcl:1"}, {"application/ISUP", true, "sbc.hcl:2"}, {"text/x", false, ""}}, ""},
		{[]BodyRule{{"isup", true, "sbc.hcl:1"}}, `sbc.hcl:1: body "isup" is no media type`},
		{[]BodyRule{{"text/*", true, "sbc.hcl:1"}}, `is no media type`},
		{[]BodyRule{{"text/plain;a=b", true, ""}}, `body "text/plain;a=b" is no media type`},
		{[]BodyRule{{"a/" + strings.Repeat("x", longestType), true, ""}}, `is no media type`},
		{[]BodyRule{{"Multipart/mixed", true, "sbc.hcl:1"}}, `name the types of its parts`},
		{[]BodyRule{{"application/sdp", true, "sbc.hcl:1"}}, `belongs to the call`},
		{[]BodyRule{{"a/b", true, "sbc.hcl:1"}, {"A/b", false, "sbc.hcl:2"}}, `sbc.hcl:2: body "A/b" is told to pass and to be removed, see sbc.hcl:1`},
	} {
		err := (&Realm{Bodies: c.rules}).Compile()
		var re *BodyRuleError
		if c.want == "" && err != nil || c.want != "" && (!errors.As(err, &re) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: got %v, want %q", c.rules, err, c.want)
		}
	}
}

// Media over TCP, and media along a path of addresses (RFC 4975), is off
// whatever its Line says; media over datagrams is not.
func TestStreamed(t *testing.T) {
	for proto, want := range map[string]bool{
		"TCP/MSRP": true, "TCP/TLS/MSRP": true, "tcp": true, "TCP/BFCP": true, "TCP/RTP/AVP": true, "msrp/tcp": true,
		"TCP/DTLS/SCTP": true, "RTP/AVP": false, "UDP/TLS/RTP/SAVPF": false, "UDP/BFCP": false, "udptl": false,
		"UDP/DTLS/SCTP": false, "TCPX": false,
	} {
		for _, path := range []bool{false, true} {
			text := "v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=x 9 " + proto + " *\r\n"
			if path {
				text += "a=path:msrp://10.0.0.5:9/x;tcp\r\n"
			}
			raw, want := []byte(text), want || path && !strings.Contains(proto, "RTP/")
			var s sdp.Session
			if err := s.Parse(raw, edit.Span{End: len(raw)}); err != nil {
				t.Fatal(err)
			}
			if got := Streamed(&s, 0); got != want {
				t.Errorf("%s, path %v: %v, want %v", proto, path, got, want)
			}
			var scratch Scratch
			to := &SDP{Session: &s, Addr: addr4(203, 0, 113, 7), Lines: []Line{{Port: 20000}}}
			got, err := edit.AppendTo(nil, raw, HideSDP(to, nil, &scratch))
			if err != nil || strings.Contains(string(got), "m=x 0 ") != want || strings.Contains(string(got), "10.0.0.5") {
				t.Errorf("%s, path %v: %v\n%s", proto, path, err, got)
			}
		}
	}
}

// Hide tells the leg what it read, and writes what the leg says, whatever it
// is made of.
func TestDialogNamesAreEscaped(t *testing.T) {
	leg := bodyLeg(t, true)
	var asked []string
	answer := leg.Dialog
	leg.Dialog = func(d DialogName) (DialogName, bool) {
		asked = append(asked, string(d.CallID)+" "+string(d.ToTag)+" "+string(d.FromTag))
		return answer(d)
	}
	raw := notify("NOTIFY", "Refer-To: <sip:b@10.0.0.5?Replaces=a%3Cb%40c%3bfrom-tag%3dx%3Bto-tag=y>\r\nContent-Type: application/dialog-info+xml\r\n",
		`<dialog call-id="a&lt;b&quot;&#x63;" local-tag='y&amp;'/>`)
	out := string(hidden(t, parsed(t, raw), leg))
	if want := "a<b@c y x|a<b\"c y& "; strings.Join(asked, "|") != want {
		t.Errorf("asked for %q, want %q", strings.Join(asked, "|"), want)
	}
	for _, want := range []string{
		`Refer-To: <sip:b@203.0.113.7?Replaces=OUR'%3C%22CALL%3Bfrom-tag%3Dour'from%3Bto-tag%3Dour'to>`,
		`<dialog call-id="OUR&apos;&lt;&quot;CALL" local-tag='our&apos;to'/>`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("want %s in\n%s", want, out)
		}
	}
}

// What is no document is not sent on.
func TestUnreadableXML(t *testing.T) {
	for _, body := range []string{
		"<a", "<a>", "</a>", "<a b=\"c>", "<a b>", "<a b=c/>", "<!DOCTYPE a [<!ENTITY b \"10.0.0.5\">]><a>&b;</a>", "<!-- ", "<a><![CDATA[</a>",
		"<? <a/>", "<a call-id=\"x\" call-id=\"y\"/>", "<a><route-set></a>", "< a/>", "<a b=\"<\"/>", "\xff\xfe<\x00a\x00/\x00>\x00",
	} {
		out := string(hidden(t, parsed(t, notify("NOTIFY", "Content-Type: application/pidf+xml\r\n", body)), bodyLeg(t, true)))
		if !strings.HasSuffix(out, "\r\nContent-Length: 0\r\n\r\n") || strings.Contains(out, "pidf") {
			t.Errorf("%q crossed:\n%s", body, out)
		}
	}
}

// A transfer encoding hides the text of a part (RFC 2045 section 6).
func TestEncodedParts(t *testing.T) {
	for encoding, stays := range map[string]bool{"binary": true, "8bit": true, "7BIT": true, "base64": false, "quoted-printable": false} {
		body := "--b\r\nContent-Transfer-Encoding: " + encoding + "\r\nContent-Type: application/pidf+xml\r\n\r\n<a/>\r\n--b\r\n\r\nkept\r\n--b--"
		out := string(hidden(t, parsed(t, notify("NOTIFY", "Content-Type: multipart/mixed;boundary=b\r\n", body)), bodyLeg(t, true)))
		if strings.Contains(out, "<a/>") != stays || !strings.Contains(out, "kept") {
			t.Errorf("%s:\n%s", encoding, out)
		}
	}
}

// A PRACK whose RAck cannot be read is not made better (row "prack").
func TestUnreadableRAck(t *testing.T) {
	leg := outsideLeg()
	leg.RAck = 77
	for in, want := range map[string]string{"1 2 INVITE": "1 77 INVITE", "1 2": "1 2", "x 2 INVITE": "x 2 INVITE", "1\r\n  2 INVITE": "1 77 INVITE"} {
		out := string(hidden(t, parsed(t, notify("PRACK", "RAck: "+in+"\r\n", "")), leg))
		if !strings.Contains(out, "\r\nRAck: "+want+"\r\n") {
			t.Errorf("%q: want %q in\n%s", in, want, out)
		}
	}
}

// Where a body goes, what others write beside the fields that describe it
// stays.
func TestBodyGoesAlone(t *testing.T) {
	raw := []byte("NOTIFY sip:b@192.168.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bKx\r\nContent-Type: application/pidf+xml\r\n" +
		"From: <sip:a@10.0.0.5>;tag=y\r\nTo: <sip:b@192.168.1.1>;tag=x\r\nCall-ID: z\r\nCSeq: 1 NOTIFY\r\n" +
		"Content-ID: <a@10.0.0.5>\r\nContent-Length: 1\r\n\r\n<")
	leg := outsideLeg()
	leg.Routes = []byte("Route: <sip:203.0.113.9;lr>\r\n")
	leg.Realm = &Realm{Remove: []FieldRule{{"Content-ID", "sbc.hcl:1"}}}
	if err := leg.Realm.Compile(); err != nil {
		t.Fatal(err)
	}
	out := string(hidden(t, parsed(t, raw), leg))
	if !strings.Contains(out, "\r\nRoute: <sip:203.0.113.9;lr>\r\nFrom:") || strings.Contains(out, "\r\nContent-T") || strings.Contains(out, "\r\nContent-I") {
		t.Errorf("got\n%s", out)
	}
}

// A leak in the body and in a field that describes it is taken out once.
func TestScrubBodyAndItsFields(t *testing.T) {
	out := hidden(t, parsed(t, notify("NOTIFY", "Content-Disposition: render;x=10.0.0.5\r\nContent-ID: <a@10.0.0.5>\r\nContent-Type: a/b\r\n", "10.0.0.5 fd00::5")), outsideLeg())
	if clean := scrubbed(t, out, Audit(out, nil, lanKnown())); strings.Contains(clean, "Content-D") || !strings.HasSuffix(clean, "\r\n\r\n") {
		t.Errorf("got\n%s", clean)
	}
}

// A line of another body is no line of a session description.
func TestScrubPartBesideSDP(t *testing.T) {
	raw := plant(multipartInvite, map[string]string{"PART": "\r\na=10.0.0.5\r\nrest"})
	out := cross(t, raw, outsideLeg())
	if clean := scrubbed(t, out, Audit(out, nil, lanKnown())); strings.Contains(clean, "rest") || !strings.Contains(clean, "m=audio 20000") {
		t.Errorf("got\n%s", clean)
	}
}

// Elements name one dialog for each element that they stand in, whatever their
// order (RFC 4575 section 5.7).
func TestDialogElements(t *testing.T) {
	leg := bodyLeg(t, true)
	var asked []string
	leg.Dialog = func(d DialogName) (DialogName, bool) {
		asked = append(asked, string(d.CallID)+" "+string(d.ToTag)+" "+string(d.FromTag))
		return d, true
	}
	leg.CallIDs = func(id []byte) ([]byte, bool) { asked = append(asked, string(id)); return id, true }
	body := "<a><sip><call-id>1</call-id></sip><sip><to-tag>t</to-tag><call-id>2</call-id></sip>" +
		"<sip><from-tag>f</from-tag></sip><sip><call-id>3</call-id><from-tag>g</from-tag><call-id>4</call-id></sip></a>"
	out := string(hidden(t, parsed(t, notify("NOTIFY", "Content-Type: application/conference-info+xml\r\n", body)), leg))
	if want := "1|2 t |3  g|4"; strings.Join(asked, "|") != want {
		t.Errorf("asked for %q, want %q", strings.Join(asked, "|"), want)
	}
	if strings.Contains(out, "from-tag>f<") {
		t.Errorf("a tag without a Call-ID crossed:\n%s", out)
	}
}

func BenchmarkHideDialogInfo(b *testing.B) {
	c := readCase(b, "testdata/dialog_info.case")
	m := parsed(b, wire(c.in))
	our := DialogName{CallID: []byte("OURCALL"), ToTag: []byte("OURTO"), FromTag: []byte("OURFROM")}
	c.leg.Dialog = func(DialogName) (DialogName, bool) { return our, true }
	c.leg.CallIDs = func([]byte) ([]byte, bool) { return our.CallID, true }
	var s Scratch
	var edits []edit.Edit
	b.SetBytes(int64(len(m.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		edits = Hide(m, &c.leg, edits[:0], &s)
	}
}
