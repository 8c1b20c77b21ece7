package sdp

import (
	"path/filepath"
	"strings"
	"testing"

	"sbc/lab/ladder"
	"sbc/signaling/edit"
)

// Edits at the session and at the media, and what is left alone.
func TestEdits(t *testing.T) {
	const in = "v=0\no=- 1 1 IN IP4 10.0.0.5\ns=secret\nc=IN IP4 10.0.0.5\nt=0 0\na=tool:x\nm=audio 4000/2 RTP/AVP 8  0\na=rtcp:4001 IN IP4 10.0.0.5\na=candidate:1 1 UDP 1 10.0.0.5 4000 typ host\na=x-kept  as is \na=sendonly\n"
	const want = "v=0\no=- 7 8 IN IP4 203.0.113.7\ns=-\nc=IN IP4 203.0.113.7\nt=0 0\nm=audio 20000 RTP/AVP 8  0\na=rtcp:20009\na=x-kept  as is \na=recvonly\na=new\n"
	change := func(s *Session) []edit.Edit {
		m := &s.Media[0]
		var e []edit.Edit
		e = s.Replace(e, s.Origin.Line, []byte("- 7 8 IN IP4 203.0.113.7"), "origin")
		e = s.Replace(e, s.Connection.Line, []byte("IN IP4 203.0.113.7"), "connection")
		e = append(e, edit.Edit{Start: s.Name.Start, End: s.Name.End, New: []byte("-"), Why: "name"})
		e = append(e, edit.Edit{Start: m.Port.Start, End: m.Port.End, New: []byte("20000"), Why: "port"})
		e = append(e, edit.Edit{Start: m.RTCPLine.Start, End: m.RTCPLine.End, New: []byte("20009"), Why: "rtcp"})
		tool, _ := s.Attribute(nil, "tool")
		e = s.Remove(e, tool.Line, "tool")
		for c := range s.Candidates(m) {
			e = s.Remove(e, c.Line, "candidate")
		}
		direction, _ := s.Attribute(m, "sendonly")
		e = s.Replace(e, direction.Line, []byte(m.Direction.Reverse().String()), "direction")
		return s.Insert(e, m.Lines[1]-1, []byte("a=new"), "new")
	}
	for name, eol := range map[string]string{"LF": "\n", "CRLF": "\r\n"} {
		for _, end := range []string{eol, ""} {
			text := strings.TrimSuffix(strings.ReplaceAll(in, "\n", eol), eol) + end
			s := parse(t, text)
			if s.LineEnd() != eol {
				t.Errorf("%s: line end %q", name, s.LineEnd())
			}
			out, err := edit.AppendTo(nil, s.Raw, change(s))
			right := strings.TrimSuffix(strings.ReplaceAll(want, "\n", eol), eol) + end
			if err != nil || string(out) != right {
				t.Errorf("%s, end %q: %v\n%s", name, end, err, ladder.Diff(right, string(out)))
			}
			if again := parse(t, string(out)); again.Media[0].Direction != RecvOnly {
				t.Errorf("%s: direction %s", name, again.Media[0].Direction)
			}
		}
	}
}

// An edit that puts in what stands there changes nothing.
func TestEditToTheSame(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.case")
	for _, file := range files {
		in, _ := readCase(t, file).Text("in")
		for _, raw := range [][]byte{[]byte(in), ladder.CRLF(in), []byte(strings.TrimSuffix(in, "\n"))} {
			var s Session
			if err := s.Parse(raw, whole(raw)); err != nil {
				t.Fatal(err)
			}
			var edits []edit.Edit
			for i, l := range s.Lines {
				edits = s.Replace(edits, i, l.Value.Of(raw), "same")
			}
			if out, err := edit.AppendTo(nil, raw, edits); err != nil || string(out) != string(raw) {
				t.Errorf("%s: %v\n%s", file, err, ladder.Diff(string(raw), string(out)))
			}
		}
	}
}

func TestLineEndOfOneLine(t *testing.T) {
	for text, want := range map[string]string{"v=0": "\r\n", "v=0\n": "\n", "v=0\r\n": "\r\n", "v=0\r": "\r\n"} {
		if got := parse(t, text).LineEnd(); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := new(Session).LineEnd(); got != "\r\n" {
		t.Errorf("of nothing: %q", got)
	}
}
