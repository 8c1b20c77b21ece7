package sip_test

import (
	"fmt"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// describe writes everything that Parse found in m.
func describe(m *sip.Message) string {
	var b strings.Builder
	na, u, ok := m.Contact()
	n, star := m.Contacts()
	fmt.Fprintf(&b, "%v %v %q %d %v %v %v\n", m.IsRequest(), m.Method(), m.MethodName(), m.Status(), m.ReasonPhrase(), m.RequestURI(), m.StartLine())
	fmt.Fprintf(&b, "%+v\n%+v\n%+v\n%+v\n%+v\n%+v\n", m.URI(), m.Via(), m.From(), m.FromURI(), m.To(), m.ToURI())
	fmt.Fprintf(&b, "%+v %+v %v %d %v\n", na, u, ok, n, star)
	fmt.Fprintf(&b, "%v %d %d %d %v\n", m.CallID(), m.CSeq(), m.MaxForwards(), m.FieldsEnd(), m.Body())
	for _, f := range m.Fields() {
		fmt.Fprintf(&b, "%s %+v\n", f.ID, f)
	}
	return b.String()
}

const invite = "INVITE sip:bob@example.com SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n" +
	"Max-Forwards: 70\r\n" +
	"To: Bob <sip:bob@example.com>\r\n" +
	"From: Alice <sip:alice@example.org>;tag=1928301774\r\n" +
	"Call-ID: a84b4c76e66710@192.0.2.1\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:alice@192.0.2.1>\r\n" +
	"Content-Type: application/sdp\r\n" +
	"Content-Length: 5\r\n" +
	"\r\n" +
	"v=0\r\n"

const ok200 = "SIP/2.0 200 OK\r\n" +
	"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds;received=192.0.2.9\r\n" +
	"To: Bob <sip:bob@example.com>;tag=a6c85cf\r\n" +
	"From: Alice <sip:alice@example.org>;tag=1928301774\r\n" +
	"Call-ID: a84b4c76e66710@192.0.2.1\r\n" +
	"CSeq: 314159 INVITE\r\n" +
	"Contact: <sip:bob@192.0.2.4>\r\n" +
	"Content-Length: 0\r\n" +
	"\r\n"

// parse parses text, which must be right.
func parse(t testing.TB, text string) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse([]byte(text)); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return m
}

// with replaces old by text in a message, and fails if there is no old.
func with(t testing.TB, message, old, text string) string {
	t.Helper()
	if !strings.Contains(message, old) {
		t.Fatalf("no %q in %q", old, message)
	}
	return strings.Replace(message, old, text, 1)
}

func TestRequest(t *testing.T) {
	m := parse(t, invite)
	text := func(s sip.Span) string { return string(m.Bytes(s)) }
	via, from, to := m.Via(), m.From(), m.To()
	contact, contactURI, ok := m.Contact()
	for _, c := range []struct{ what, got, want string }{
		{"method", m.Method().String() + " " + string(m.MethodName()), "INVITE INVITE"},
		{"Request-URI", text(m.RequestURI()), "sip:bob@example.com"},
		{"its host", text(m.URI().Host), "example.com"},
		{"start line", text(m.StartLine()), "INVITE sip:bob@example.com SIP/2.0"},
		{"Via", text(via.Value), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds"},
		{"transport", text(via.Transport), "UDP"},
		{"sent-by", text(via.Host) + " " + fmt.Sprint(via.Port), "192.0.2.1 5060"},
		{"branch", text(via.Branch), "z9hG4bK776asdhds"},
		{"From", text(from.Display) + text(from.URI) + text(from.Tag), "Alicesip:alice@example.org1928301774"},
		{"user of From", text(m.FromURI().User), "alice"},
		{"To", text(to.Display) + text(to.URI) + text(to.Tag), "Bobsip:bob@example.com"},
		{"host of To", text(m.ToURI().Host), "example.com"},
		{"Call-ID", text(m.CallID()), "a84b4c76e66710@192.0.2.1"},
		{"CSeq, Max-Forwards", fmt.Sprint(m.CSeq(), m.MaxForwards()), "314159 70"},
		{"Contact", text(contact.Value) + text(contactURI.Host) + fmt.Sprint(ok), "<sip:alice@192.0.2.1>192.0.2.1true"},
		{"body", text(m.Body()), "v=0\r\n"},
		{"rest", string(m.Raw[m.FieldsEnd():]), "\r\nv=0\r\n"},
		{"status", fmt.Sprint(m.Status(), m.IsRequest()), "0 true"},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, c.got, c.want)
		}
	}
}

func TestResponseParsed(t *testing.T) {
	m := parse(t, ok200)
	via := m.Via()
	if m.IsRequest() || m.Status() != 200 || m.Method() != sip.INVITE || m.MaxForwards() != -1 ||
		string(m.Bytes(m.ReasonPhrase())) != "OK" || string(m.Bytes(via.Received)) != "192.0.2.9" || m.URI() != (sip.URI{}) {
		t.Errorf("got %s", describe(m))
	}
}

// TestReuse holds that nothing of a message shines through in the next.
func TestReuse(t *testing.T) {
	torn := with(t, ok200, "To: Bob <sip:bob@example.com>;tag=a6c85cf\r\n", "")
	bare := "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP b\r\nTo: sip:a\r\nFrom: sip:b;tag=1\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n"
	messages := []string{invite, ok200, torn, "\r\n\r\n", "rubbish", bare, with(t, invite, "To: Bob", "To: \"Bob"),
		with(t, invite, "sip:bob@example.com SIP", "sip:"+strings.Repeat("b", 3000)+" SIP"), "INVITE sip:a SIP/2.0\r\nVia"}
	var used sip.Message
	for i, first := range messages {
		for j, second := range messages {
			var fresh sip.Message
			_ = used.Parse([]byte(first))
			got, want := fmt.Sprint(used.Parse([]byte(second))), fmt.Sprint(fresh.Parse([]byte(second)))
			if a, b := describe(&used), describe(&fresh); got != want || a != b {
				t.Errorf("%d after %d: got %s\n%s\nwant %s\n%s", j, i, got, a, want, b)
			}
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	m, raw := new(sip.Message), []byte(invite)
	out, edits := make([]byte, 0, 2048), make([]sip.Edit, 0, 4)
	host := []byte("203.0.113.7")
	pass := func() {
		if err := m.Parse(raw); err != nil {
			t.Fatal(err)
		}
		f, _ := m.First(sip.FieldContact)
		for na, err := range m.NameAddrs(f) {
			if err != nil || na.URI.Empty() {
				t.Fatal(err)
			}
		}
		v := m.Via()
		edits = append(edits[:0], sip.Edit{Start: v.Host.Start, End: v.Host.End, New: host})
		out, _ = m.AppendTo(out[:0], edits)
	}
	if n := testing.AllocsPerRun(100, pass); n != 0 {
		t.Errorf("%v allocations to parse, look and write; want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() {
		f := new(sip.Message)
		_ = f.Parse(raw)
		_, _ = f.AppendTo(make([]byte, 0, 2048), nil)
	}); n > 2 {
		t.Errorf("%v allocations without reuse; want 2", n)
	}
	answer := sip.Response{Status: 486, ToTag: []byte("ours"), Src: source}
	if n := testing.AllocsPerRun(100, func() { out = sip.AppendResponse(out[:0], m, &answer) }); n != 0 {
		t.Errorf("%v allocations to answer; want 0", n)
	}
	wrong := []byte(with(t, invite, "CSeq: 314159", "CSeq: x"))
	if n := testing.AllocsPerRun(100, func() {
		if m.Parse(wrong) == nil {
			t.Fatal("accepted")
		}
	}); n != 0 {
		t.Errorf("%v allocations to refuse; want 0", n)
	}
}
