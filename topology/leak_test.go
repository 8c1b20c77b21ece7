package topology

import (
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// invite is a message of the LAN into which these tests plant identifiers.
// NAME marks where a planted line or text goes.
const invite = "INVITE sip:+4930123456@192.168.1.1 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-lan-branch-1\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: DISPLAY<sip:+4930999@10.0.0.5>;tag=lan-tag-4711FROM\r\n" +
	"To: <sip:+4930123456@192.168.1.1>\r\n" +
	"Call-ID: lan-callid-0815@pbx.lan.example\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Contact: <sip:10.0.0.5>\r\n" +
	"FIELD" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 00\r\n" +
	"\r\n" +
	"v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\n" +
	"m=audio 49172 RTP/AVP 8\r\nATTRIBUTE"

const multipartInvite = "INVITE sip:+4930123456@192.168.1.1 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK-lan-branch-1\r\n" +
	"Max-Forwards: 70\r\n" +
	"From: <sip:+4930999@10.0.0.5>;tag=lan-tag-4711\r\n" +
	"To: <sip:+4930123456@192.168.1.1>\r\n" +
	"Call-ID: lan-callid-0815@pbx.lan.example\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Contact: <sip:10.0.0.5>\r\n" +
	"Content-Type: multipart/mixed; boundary=b1\r\n" +
	"Content-Length: 00\r\n" +
	"\r\n" +
	"--b1\r\nContent-Type: application/sdp\r\n\r\n" +
	"v=0\r\no=- 1 1 IN IP4 10.0.0.5\r\ns=-\r\nc=IN IP4 10.0.0.5\r\nt=0 0\r\nm=audio 49172 RTP/AVP 8\r\n" +
	"\r\n--b1\r\nContent-Type: application/isup\r\n\r\n01 00 PART\r\n--b1--\r\n"

func lanKnown() *Known {
	k := &Known{}
	k.AddHost([]byte("10.0.0.5"), "PBX")
	k.AddHost([]byte("fd00::5"), "PBX")
	k.AddHost([]byte("pbx.lan.example"), "PBX")
	k.AddToken([]byte("lan-callid-0815@pbx.lan.example"), "Call-ID of the LAN")
	k.AddToken([]byte("lan-tag-4711"), "tag of the LAN")
	k.AddToken([]byte("z9hG4bK-lan-branch-1"), "branch of the LAN")
	return k
}

func outsideLeg() *Leg {
	return &Leg{
		RequestURI: []byte("sip:+4930123456@sip.itsp.example"),
		Vias:       []byte("Via: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKours\r\n"),
		CallID:     []byte("our-call-id"), CSeq: 77, FromTag: []byte("our-tag"),
		Contact: []byte("<sip:203.0.113.7>"), MaxForwards: 69,
		Host: []byte("203.0.113.7"), PeerHost: []byte("sip.itsp.example"),
	}
}

// plant fills in a message; each key that is not given becomes empty.
func plant(template string, planted map[string]string) []byte {
	for _, key := range []string{"DISPLAY", "FROM", "FIELD", "ATTRIBUTE", "PART"} {
		template = strings.Replace(template, key, planted[key], 1)
	}
	_, body, _ := strings.Cut(template, "\r\n\r\n")
	return []byte(strings.Replace(template, "Length: 00", "Length: "+itoa(len(body)), 1))
}

func itoa(n int) string { return string((&Scratch{}).text().uint(uint64(n)).bytes()) }

// cross takes a message through Hide and gives back what would go out.
func cross(t testing.TB, raw []byte, leg *Leg) []byte {
	t.Helper()
	var m sip.Message
	if err := m.Parse(raw); err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	var s Scratch
	c := hideCase{leg: *leg, sdp: &SDP{Origin: Origin{4711, 1}, Lines: []Line{{Port: 20000}}}}
	c.sdp.Addr = addr4(203, 0, 113, 7)
	if part, ok, _ := m.BodyPart("application/sdp"); !ok || part.Empty() {
		c.sdp = nil
	}
	edits, err := c.hideIn(&m, nil, &s)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.AppendTo(nil, edits)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each of these stands where Hide lets it pass, and the audit has to find it;
// scrubbed, the message is one and says nothing.
func TestPlantedLeaks(t *testing.T) {
	field := func(line string) map[string]string { return map[string]string{"FIELD": line + "\r\n"} }
	attribute := func(line string) map[string]string { return map[string]string{"ATTRIBUTE": line + "\r\n"} }
	for _, c := range []struct {
		planted map[string]string
		field   string
		gone    string // what must have gone from the scrubbed message
		stays   string // and what must still be there
	}{
		{field("Subject: call 10.0.0.5 back"), "Subject", "Subject", ""},
		{field("s: lan-tag-4711"), "Subject", "\ns:", ""},
		{field("X-Call-ID: lan-callid-0815@pbx.lan.example"), "other", "X-Call-ID", ""},
		{field("X-Original-Call: lan-callid-0815"), "other", "X-Original", ""},
		{field("X-Tag: \"lan-tag-4711\""), "other", "X-Tag", ""},
		{field("X-Branch: z9hG4bK-lan-branch-1"), "other", "X-Branch", ""},
		{field("X-Branch: lan-branch-1"), "other", "X-Branch", ""},
		{field("X-Addr: 0A000005"), "other", "X-Addr", ""},
		{field("X-Addr: 0x0a000005"), "other", "X-Addr", ""},
		{field("X-Name: ip-10-0-0-5.cloud.example"), "other", "X-Name", ""},
		{field("X-V6: [FD00:0:0:0::5]:5060"), "other", "X-V6", ""},
		{field("X-V6: fd00-0-0-0-0-0-0-5.ipv6.example"), "other", "X-V6", ""},
		{field("X-Mapped: ::ffff:10.0.0.5"), "other", "X-Mapped", ""},
		{field("X-Reverse: 5.0.0.10.in-addr.arpa"), "other", "X-Reverse", ""},
		{field("X-Domain: node7.PBX.lan.example:5061"), "other", "X-Domain", ""},
		{field("X-Folded: one\r\n two 10.0.0.5"), "other", "X-Folded", ""},
		{field("X-10.0.0.5: in the name"), "other", "X-10", ""},
		{field("X-Escaped: %66d00%3A%3A5"), "other", "X-Escaped", ""},
		{field("Reason: SIP;cause=503;text=\"no answer of 10.0.0.5\", Q.850;cause=16"), "Reason", "text=", "Reason: SIP;cause=503, Q.850;cause=16\r\n"},
		{field("P-Asserted-Identity: \"pbx.lan.example\" <sip:+49301@10.0.0.5>, <tel:+49301>"), "P-Asserted-Identity", "pbx", "P-Asserted-Identity: <sip:+49301@203.0.113.7>, <tel:+49301>\r\n"},
		{field("P-Asserted-Identity: <sip:+49301@10.0.0.5>, <sip:10.0.0.5%3a5060@10.0.0.5>"), "P-Asserted-Identity", "%3a", "P-Asserted-Identity: <sip:+49301@203.0.113.7>\r\n"},
		{field("Diversion: <sip:+49302@10.0.0.5>;reason=unknown;x-from=\"10.0.0.5, ;\";counter=1"), "Diversion", "x-from", "Diversion: <sip:+49302@203.0.113.7>;reason=unknown;counter=1\r\n"},
		{field("History-Info: <sip:a@10.0.0.5?Reason=SIP%3Btext%3D10.0.0.5>;index=1, <sip:b@10.0.0.5>;index=1.1"), "History-Info", "text", "History-Info: <sip:b@203.0.113.7>;index=1.1\r\n"},
		{field("Warning: 399 x \"see 10.0.0.5\""), "Warning", "Warning", ""},
		{field("Call-Info: <https://a.example/10.0.0.5/photo.png>;purpose=icon"), "Call-Info", "Call-Info", ""},
		{field("User-to-User: 0a000005;encoding=hex"), "User-to-User", "User-to-User", ""},
		{field("Date: Thu, 21 Feb 2026 13:02:03 lan-tag-4711"), "Date", "Date", ""},
		{field("Authorization: Digest username=\"x\", realm=\"pbx.lan.example\""), "Authorization", "Authorization", ""},
		{field("Proxy-Authorization: Digest uri=\"sip:10.0.0.5\""), "Proxy-Authorization", "Proxy-Auth", ""},
		{field("Identity: eyJ;info=<https://pbx.lan.example/cert>;alg=ES256"), "Identity", "Identity", ""},
		{map[string]string{"DISPLAY": "\"pbx at 10.0.0.5\" "}, "From", "pbx at", "From: <sip:+4930999@203.0.113.7>;tag=our-tag\r\n"},
		{map[string]string{"FROM": ";epid=0A000005;x=1"}, "From", "epid", "From: <sip:+4930999@203.0.113.7>;tag=our-tag;x=1\r\n"},
		{attribute("a=x-origin:10.0.0.5"), "SDP a=", "x-origin", "m=audio 20000"},
		{attribute("a=label:pbx.lan.example\r\na=ptime:20"), "SDP a=", "label", "a=ptime:20\r\n"},
		{attribute("b=X-LAN:0A000005"), "SDP b=", "X-LAN", ""},
		{attribute("k=uri:http://10.0.0.5/key"), "SDP k=", "k=", ""},
		{map[string]string{"PART": "ISUP of lan-callid-0815 at 10.0.0.5"}, "body", "isup", "m=audio 20000"},
	} {
		name, template := "", invite
		for _, text := range c.planted {
			name = strings.TrimSpace(text)
		}
		if c.planted["PART"] != "" {
			template = multipartInvite
		}
		t.Run(name, func(t *testing.T) {
			out := cross(t, plant(template, c.planted), outsideLeg())
			leaks := Audit(out, nil, lanKnown())
			if len(leaks) == 0 {
				t.Fatalf("nothing found in\n%s", out)
			}
			for _, l := range leaks {
				if l.Field != c.field {
					t.Errorf("found %+v, want it in %s", l, c.field)
				}
			}
			clean := scrubbed(t, out, leaks)
			if strings.Contains(clean, c.gone) || !strings.Contains(clean, c.stays) {
				t.Errorf("scrubbed, want %q gone and %q kept:\n%s", c.gone, c.stays, clean)
			}
		})
	}
}

// scrubbed takes the leaks out and checks that what is left is a message that
// says nothing of the LAN.
func scrubbed(t testing.TB, out []byte, leaks []Leak) string {
	t.Helper()
	edits, ok := Scrub(out, leaks)
	if !ok {
		t.Fatalf("could not be scrubbed: %+v", leaks)
	}
	var m sip.Message
	if err := m.Parse(out); err != nil {
		t.Fatal(err)
	}
	clean, err := m.AppendTo(nil, m.FixLength(edits))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Parse(clean); err != nil || len(m.Raw) != len(clean) {
		t.Errorf("scrubbed, no message any more: %v\n%s", err, clean)
	}
	if rest := Audit(clean, nil, lanKnown()); len(rest) > 0 {
		t.Errorf("still there: %+v\n%s", rest, clean)
	}
	return string(clean)
}

// A message of the LAN without planted identifiers crosses without any.
func TestNothingIsLeft(t *testing.T) {
	for _, template := range []string{invite, multipartInvite} {
		out := cross(t, plant(template, nil), outsideLeg())
		if leaks := Audit(out, nil, lanKnown()); len(leaks) > 0 {
			t.Errorf("found %+v in\n%s", leaks, out)
		}
	}
}

// What looks like an identifier of the LAN but is none is left alone, and so
// is what both sides said.
func TestLookAlikesPass(t *testing.T) {
	for _, line := range []string{
		"Subject: 10.0.0.55 and 110.0.0.5", "Subject: xlan-tag-4711", "Subject: lan-tag-4711a", "Subject: pbx.lan.example.org",
		"X-Id: 0A0000055", "Subject: 0a:00:00:05", "Subject: lan-callid-08150", "Subject: fd00::55",
	} {
		out := cross(t, plant(invite, map[string]string{"FIELD": line + "\r\n"}), outsideLeg())
		if leaks := Audit(out, nil, lanKnown()); len(leaks) > 0 {
			t.Errorf("%s: found %+v", line, leaks)
		}
	}
	out := cross(t, plant(invite, map[string]string{"FIELD": "Subject: 10.0.0.5\r\n"}), outsideLeg())
	both := lanKnown()
	both.Allow([]byte("10.0.0.5"))
	if leaks := Audit(out, nil, both); len(leaks) > 0 {
		t.Errorf("both sides use 10.0.0.5: found %+v", leaks)
	}
}

func TestScrubRefuses(t *testing.T) {
	message := func(line, old, new string) string {
		return line + strings.Replace("Via: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKours\r\n"+
			"From: <sip:a@203.0.113.7>;tag=our-tag\r\nTo: <sip:b@sip.itsp.example>\r\nCall-ID: our-call-id\r\n"+
			"CSeq: 1 INVITE\r\nContact: <sip:203.0.113.7>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: 0090\r\n\r\n"+
			"v=0\r\no=- 1 1 IN IP4 203.0.113.7\r\ns=- name\r\nc=IN IP4 203.0.113.7\r\nt=0 0\r\nm=audio 2 RTP/AVP 8\r\n", old, new, 1)
	}
	const request = "INVITE sip:b@sip.itsp.example SIP/2.0\r\n"
	for name, text := range map[string]string{
		"Request-URI": message("INVITE sip:b@10.0.0.5 SIP/2.0\r\n", "", ""),
		"Via":         message(request, "UDP 203.0.113.7", "UDP 10.0.0.5"),
		"From host":   message(request, "sip:a@203.0.113.7", "sip:a@10.0.0.5"),
		"From tag":    message(request, "our-tag", "lan-tag-4711"),
		"To":          message(request, "sip:b@", "sip:10-0-0-5@"),
		"Call-ID":     message(request, "our-call-id", "lan-callid-0815"),
		"Contact":     message(request, "Contact: <sip:203.0.113.7>", "Contact: <sip:10.0.0.5>"),
		"Event":       message(request, "Max-", "Event: dialog;call-id=\"lan-callid-0815@pbx.lan.example\"\r\nMax-"),
		"Replaces":    message(request, "Max-", "Replaces: a;to-tag=lan-tag-4711;from-tag=b\r\nMax-"),
		"Refer-To":    message(request, "Max-", "Refer-To: <sip:10.0.0.5>\r\nMax-"),
		"o=":          message(request, "1 1 IN IP4 203.0.113.7", "1 1 IN IP4 10.0.0.5"),
		"c=":          message(request, "c=IN IP4 203.0.113.7", "c=IN IP4 10.0.0.5"),
		"no message":  "10.0.0.5",
	} {
		_, body, _ := strings.Cut(text, "\r\n\r\n")
		out := []byte(strings.Replace(text, "0090", itoa(len(body)), 1))
		leaks := Audit(out, nil, lanKnown())
		if len(leaks) == 0 {
			t.Errorf("%s: nothing found", name)
		}
		if edits, ok := Scrub(out, leaks); ok || edits != nil {
			t.Errorf("%s: was scrubbed: %v", name, edits)
		}
	}
	for name, c := range map[string][2]string{
		"reason phrase": {message("SIP/2.0 404 No 10.0.0.5 here\r\n", "", ""), "SIP/2.0 404 Not Found\r\n"},
		"session name":  {message(request, "- name", "PBX at 10.0.0.5"), "\r\ns=-\r\n"},
	} {
		_, body, _ := strings.Cut(c[0], "\r\n\r\n")
		out := []byte(strings.Replace(c[0], "0090", itoa(len(body)), 1))
		if clean := scrubbed(t, out, Audit(out, nil, lanKnown())); !strings.Contains(clean, c[1]) {
			t.Errorf("%s: want %q in\n%s", name, c[1], clean)
		}
	}
}

// What users write to each other is counted, and left (RFC 3428).
func TestWrittenTextStays(t *testing.T) {
	out := []byte("MESSAGE sip:b@sip.itsp.example SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKours\r\n" +
		"From: <sip:a@203.0.113.7>;tag=our-tag\r\nTo: <sip:b@sip.itsp.example>\r\nCall-ID: our-call-id\r\nCSeq: 1 MESSAGE\r\n" +
		"X-Place: 10.0.0.5\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\nping 10.0.0.5 now")
	leaks := Audit(out, nil, lanKnown())
	if len(leaks) != 2 || leaks[0].Shared || !leaks[1].Shared {
		t.Fatalf("found %+v, want one in X-Place and a shared one in the body", leaks)
	}
	edits, ok := Scrub(out, leaks)
	if !ok || len(edits) != 1 || edits[0].New != nil {
		t.Errorf("edits %v, want X-Place to go and nothing else", edits)
	}
}

// A body that leaks and is no session description goes whole.
func TestScrubWholeBody(t *testing.T) {
	out := []byte("INFO sip:b@sip.itsp.example SIP/2.0\r\nVia: SIP/2.0/UDP 203.0.113.7;branch=z9hG4bKours\r\n" +
		"From: <sip:a@203.0.113.7>;tag=our-tag\r\nTo: <sip:b@sip.itsp.example>\r\nCall-ID: our-call-id\r\nCSeq: 1 INFO\r\n" +
		"Content-Type: application/xml\r\nContent-Disposition: render\r\nContent-Length: 24\r\n\r\n<from>10.0.0.5</from>\r\n\r\n")
	clean := scrubbed(t, out, Audit(out, nil, lanKnown()))
	if strings.Contains(clean, "xml") || strings.Contains(clean, "render") || !strings.HasSuffix(clean, "Content-Length: 0\r\n\r\n") {
		t.Errorf("got\n%s", clean)
	}
}

func TestExcuse(t *testing.T) {
	r := &Realm{
		Pass: []FieldRule{{"Diversion", "sbc.hcl:1"}, {"X-Kept", "sbc.hcl:2"}, {"From", "sbc.hcl:3"}},
		Add:  []AddRule{{"X-Ours", "10.0.0.5", "sbc.hcl:4"}},
	}
	if err := r.Compile(); err != nil {
		t.Fatal(err)
	}
	leg := outsideLeg()
	leg.Realm = r
	raw := plant(invite, map[string]string{"FROM": ";other=lan-tag-4711", "FIELD": "Diversion: <sip:a@10.0.0.5>\r\nx-kept: 10.0.0.5\r\nX-Else: 10.0.0.5\r\n", "ATTRIBUTE": "a=x:10.0.0.5\r\n"})
	leaks := Audit(cross(t, raw, leg), nil, lanKnown())
	if len(leaks) != 7 {
		t.Errorf("found %d leaks, want 7: %+v", len(leaks), leaks)
	}
	var got []string
	for _, l := range r.Excuse(leaks) {
		got = append(got, l.Field+" "+l.Text)
	}
	if want := "From lan-tag-4711, other 10.0.0.5, SDP a= 10.0.0.5"; strings.Join(got, ", ") != want {
		t.Errorf("left %q, want %q", strings.Join(got, ", "), want)
	}
	if got := (*Realm)(nil).Excuse(leaks[:1]); len(got) != 1 {
		t.Errorf("without a realm nothing is excused")
	}
}
