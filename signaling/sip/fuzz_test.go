package sip_test

import (
	"bytes"
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

func seeds(f *testing.F, add func(raw []byte)) {
	for _, pattern := range []string{"testdata/rfc4475/*.dat", "testdata/rfc5118/*.dat"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			add(read(f, file))
		}
	}
	for _, text := range []string{invite, ok200, strings.ReplaceAll(invite, "\r\n", "\n"), "\r\n\r\n" + ok200,
		with(f, invite, "Max-Forwards: 70", "v: SIP/2.0/TCP [::1] ;\r\n rport,\tSIP/2.0/UDP a\r\nm:*\r\nSubject: \"\\\x01")} {
		add([]byte(text))
	}
}

// FuzzParse: no input is a panic; spans lie inside of Raw; what is accepted
// comes out as it came in and is read as the same again, from a stream too;
// what is refused with a status can be answered.
func FuzzParse(f *testing.F) {
	seeds(f, func(raw []byte) { f.Add(raw) })
	f.Fuzz(func(t *testing.T, raw []byte) {
		kept := bytes.Clone(raw)
		var m sip.Message
		err := m.Parse(raw)
		if !bytes.Equal(raw, kept) {
			t.Fatal("Parse changed what it was given")
		}
		inside(t, &m)
		var e *sip.Error
		if errors.As(err, &e) {
			if e.Cause == "" || e.Want == "" || e.At < 0 || e.At > len(raw) {
				t.Errorf("%+v", e)
			}
			if e.Status != 0 {
				answered(t, &m, e.Status)
			}
			return
		}
		out, err := m.AppendTo(nil, nil)
		if want := bytes.TrimLeft(kept, "\r\n"); err != nil || !bytes.Equal(out, want[:len(want)-m.Trailing()]) {
			t.Fatalf("written as %q, %v", out, err)
		}
		again(t, &m)
		streamed(t, &m)
		demand(t, &m)
		if m.IsRequest() {
			echo(t, &m)
		}
	})
}

// inside looks at the octets of every span of m.
func inside(t *testing.T, m *sip.Message) {
	t.Helper()
	v, from, to := m.Via(), m.From(), m.To()
	na, u, _ := m.Contact()
	spans := []sip.Span{m.ReasonPhrase(), m.RequestURI(), m.StartLine(), m.Body(), m.CallID(), {End: m.FieldsEnd()},
		v.Value, v.Transport, v.Host, v.Params, v.Branch, v.Maddr, v.Received, v.Rport}
	for _, a := range []sip.NameAddr{from, to, na} {
		spans = append(spans, a.Value, a.Display, a.URI, a.Params, a.Tag)
	}
	for _, u := range []sip.URI{m.URI(), m.FromURI(), m.ToURI(), u} {
		spans = append(spans, u.All, u.Scheme, u.User, u.Password, u.Host, u.Params, u.Headers)
	}
	for _, f := range m.Fields() {
		spans = append(spans, f.Line, f.Name, f.Value)
		if f.Name.Start < f.Line.Start || f.Value.Start < f.Name.End || f.Line.End < f.Value.End {
			t.Errorf("field %+v is not in order", f)
		}
	}
	for _, s := range spans {
		if s.Start < 0 || s.End < s.Start || s.End > len(m.Raw) {
			t.Fatalf("span %v of %d octets", s, len(m.Raw))
		}
	}
	_ = m.MethodName()
}

// streamed reads m from a stream, where that is possible.
func streamed(t *testing.T, m *sip.Message) {
	t.Helper()
	if m.Count(sip.FieldContentLength) == 0 {
		return
	}
	var s sip.Message
	b := append(bytes.Clone(m.Raw), "INVITE"...)
	if n, err := s.ParseStream(b); n != len(m.Raw) || err != nil || describe(&s) != describe(m) {
		t.Errorf("from a stream: %d octets, %v", n, err)
	}
	if n, err := s.ParseStream(b[:len(m.Raw)-1]); n != 0 || err != nil {
		t.Errorf("from an unfinished stream: %d octets, %v", n, err)
	}
}

// demand decodes what Parse does not.
func demand(t *testing.T, m *sip.Message) {
	t.Helper()
	for _, f := range m.Fields() {
		for na, err := range m.NameAddrs(f) {
			if err == nil {
				_, _ = sip.ParseURI(m.Raw, na.URI)
				_ = m.Bytes(na.Value)
			}
		}
		for s := range sip.Tokens(m.Raw, f.Value) {
			_ = m.Bytes(s)
		}
		r, _ := sip.ParseRAck(m.Raw, f.Value)
		d, _ := sip.ParseDialogID(m.Raw, f.Value)
		se, _ := sip.ParseSessionExpires(m.Raw, f.Value)
		a, _ := sip.ParseAuth(m.Raw, f.Value)
		_, params, _ := sip.ParseToken(m.Raw, f.Value)
		for _, s := range []sip.Span{r.Method, d.CallID, d.ToTag, d.FromTag, se.Params, a.Scheme, a.Params, params} {
			_ = m.Bytes(s)
		}
		_, _ = a.Param(m.Raw, "realm")
		_, _ = sip.Param(m.Raw, params, "tag")
		_ = sip.AppendUnquoted(nil, m.Bytes(f.Value))
	}
	if part, ok, err := m.BodyPart("application/sdp"); ok && (err != nil || part.Start < m.Body().Start || part.End > m.Body().End) {
		t.Errorf("part %v of body %v, %v", part, m.Body(), err)
	}
}

// echo answers m and reads the answer.
func echo(t *testing.T, m *sip.Message) {
	t.Helper()
	var a sip.Message
	src := netip.MustParseAddrPort("198.51.100.7:31022")
	out := sip.AppendResponse(nil, m, &sip.Response{Status: 200, ToTag: []byte("ours"), Src: src})
	if err := a.Parse(out); err != nil {
		t.Fatalf("%v in the answer %q", err, out)
	}
	if a.Status() != 200 || a.CSeq() != m.CSeq() || !bytes.Equal(a.MethodName(), m.MethodName()) ||
		!bytes.Equal(a.Bytes(a.CallID()), m.Bytes(m.CallID())) || a.To().Tag.Empty() ||
		string(a.Bytes(a.Via().Received)) != "198.51.100.7" || a.Count(sip.FieldVia) != m.Count(sip.FieldVia) {
		t.Errorf("answer %q", out)
	}
}

// FuzzEditThenWrite changes fields where they may be changed, as a list of
// what to do with each says: what is written parses, and holds the fields
// that nobody touched as they were.
func FuzzEditThenWrite(f *testing.F) {
	seeds(f, func(raw []byte) {
		f.Add(raw, []byte{0, 0, 0, 0, 1, 2, 3, 0, 1, 2, 3}, []byte("body"))
		f.Add(raw, []byte{3, 2, 1}, []byte(nil))
	})
	f.Fuzz(func(t *testing.T, raw, todo, body []byte) {
		var m, n sip.Message
		if m.Parse(raw) != nil || len(body) > 1<<10 || m.Body().Len() > 32<<10 || len(m.Fields()) > 100 || m.FieldsEnd() > 16<<10 {
			return
		}
		if m.Body().Empty() {
			body = nil // what its type is worth was not looked at
		}
		edits, want := edited(&m, todo)
		edits = append(edits, sip.Edit{Start: m.FieldsEnd(), End: m.FieldsEnd(), New: []byte("X-Last: \"1\"\r\n")},
			sip.Edit{Start: m.Body().Start, End: m.Body().Start, New: body})
		out, err := m.AppendTo(nil, m.FixLength(edits))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Parse(out); err != nil {
			t.Fatalf("%v in %q", err, out)
		}
		var got []string
		for _, f := range n.Fields() {
			if f.ID != sip.FieldContentLength && string(n.Bytes(f.Name)) != "X-New" {
				got = append(got, string(n.Bytes(f.Line)))
			}
		}
		if a, b := strings.Join(got, ""), strings.Join(want, "")+"X-Last: \"1\"\r\n"; a != b {
			t.Errorf("fields are\n%q\nwant\n%q", a, b)
		}
		if b := string(body) + string(m.Bytes(m.Body())); string(n.Bytes(n.Body())) != b {
			t.Errorf("body is %q, want %q", n.Bytes(n.Body()), b)
		}
		if string(n.Bytes(n.StartLine())) != string(m.Bytes(m.StartLine())) {
			t.Errorf("start line is %q", n.Bytes(n.StartLine()))
		}
	})
}

// edited does one of four things to each field: nothing, a field before it,
// another value, or away with it, the last two only where a message can do
// without. It returns the edits and the lines that remain.
func edited(m *sip.Message, todo []byte) (edits []sip.Edit, remain []string) {
	for i, f := range m.Fields() {
		what := byte(0)
		if i < len(todo) {
			what = todo[i] % 4
		}
		free := f.ID == sip.FieldUnknown || f.ID == sip.FieldSubject || f.ID == sip.FieldDate || f.ID == sip.FieldAccept
		switch {
		case f.ID == sip.FieldContentLength:
		case what == 1:
			edits = append(edits, sip.Edit{Start: f.Line.Start, End: f.Line.Start, New: []byte("X-New: a\r\n b\r\n")})
			remain = append(remain, string(m.Bytes(f.Line)))
		case what == 2 && free:
			edits = append(edits, sip.Edit{Start: f.Value.Start, End: f.Value.End, New: []byte("other")})
			line := string(m.Raw[f.Line.Start:f.Value.Start]) + "other" + string(m.Raw[f.Value.End:f.Line.End])
			remain = append(remain, line)
		case what == 3 && free:
			edits = append(edits, sip.Edit{Start: f.Line.Start, End: f.Line.End})
		default:
			remain = append(remain, string(m.Bytes(f.Line)))
		}
	}
	return edits, remain
}
