package sdp

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sbc/lab/ladder"
	"sbc/signaling/edit"
)

var update = flag.Bool("update", false, "write what was read into the files of testdata")

// The files of testdata are descriptions as devices send them ("in") and what
// we read in them ("read").
func TestDevices(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.case")
	if len(files) < 14 {
		t.Fatalf("%d files in testdata, want 14 or more", len(files))
	}
	var s Session // one for all: nothing of one description may stay for the next
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".case"), func(t *testing.T) {
			c := readCase(t, file)
			in, _ := c.Text("in")
			raw := ladder.CRLF(in)
			if err := s.Parse(raw, whole(raw)); err != nil {
				t.Fatal(err)
			}
			got := describe(&s)
			if *update {
				c.Set("read", got)
				if err := os.WriteFile(file, c.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, _ := c.Text("read")
			if d := ladder.Diff(want, got); d != "" {
				t.Errorf("%s (- the file, + what was read):\n%s", file, d)
			}
			checkViews(t, &s)
		})
	}
}

func readCase(t testing.TB, file string) *ladder.Case {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ladder.ReadCase(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

// Line ends change nothing, nor where in a message the description is.
func TestLineEndsAndPlace(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.case")
	for _, file := range files {
		in, _ := readCase(t, file).Text("in")
		crlf := ladder.CRLF(in)
		var want Session
		if err := want.Parse(crlf, whole(crlf)); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{
			"LF":                     in,
			"no final line end":      strings.TrimSuffix(in, "\n"),
			"no final line end CRLF": strings.TrimSuffix(string(crlf), "\r\n"),
			"CR at the end":          strings.TrimSuffix(string(crlf), "\n"),
			"empty lines":            "\r\n" + string(crlf) + "\r\n\n",
			"mixed":                  strings.Replace(string(crlf), "\r\n", "\n", 3),
			"CRCRLF":                 strings.Replace(string(crlf), "\r\n", "\r\r\n", 2),
		} {
			raw := []byte("INVITE x\r\n\r\n" + text + "--trailer\r\nc=IN IP4 192.0.2.66\r\n")
			at := edit.Span{Start: len("INVITE x\r\n\r\n"), End: len("INVITE x\r\n\r\n") + len(text)}
			var s Session
			if err := s.Parse(raw, at); err != nil {
				t.Errorf("%s, %s: %v", file, name, err)
				continue
			}
			if d := ladder.Diff(describe(&want), describe(&s)); d != "" {
				t.Errorf("%s, %s:\n%s", file, name, d)
			}
			checkViews(t, &s)
		}
	}
}

func whole(raw []byte) edit.Span { return edit.Span{End: len(raw)} }

// checkViews says what must hold of any accepted description: it goes out as
// it came in, its lines are all of it but empty ones, and the media share all
// lines from the first m=.
func checkViews(t *testing.T, s *Session) {
	t.Helper()
	out, err := edit.AppendTo(nil, s.Raw, nil)
	if err != nil || !bytes.Equal(out, s.Raw) {
		t.Errorf("without an edit: %v, %q, want %q", err, out, s.Raw)
	}
	at := s.At.Start
	for _, l := range s.Lines {
		if rest := strings.Trim(string(s.Raw[at:l.Line.Start]), "\r\n"); rest != "" {
			t.Errorf("no line has %q", rest)
		}
		line := string(l.Line.Of(s.Raw))
		if want := string(l.Type) + "=" + string(l.Value.Of(s.Raw)); strings.TrimRight(line, "\r\n") != want || strings.Contains(want, "\n") {
			t.Errorf("line %q, type and value %q", line, want)
		}
		at = l.Line.End
	}
	if rest := strings.Trim(string(s.Raw[at:s.At.End]), "\r\n"); rest != "" {
		t.Errorf("no line has %q", rest)
	}
	next := s.SessionLines()[1]
	for i := range s.Media {
		m := &s.Media[i]
		if m.Lines[0] != next || s.Lines[m.Lines[0]].Type != 'm' || m.Lines[1] <= m.Lines[0] {
			t.Errorf("media %d has lines %v, want from %d", i, m.Lines, next)
		}
		next = m.Lines[1]
	}
	if next != len(s.Lines) {
		t.Errorf("the media end at line %d of %d", next, len(s.Lines))
	}
}

// describe writes down what s says.
func describe(s *Session) string {
	var b strings.Builder
	if o := s.Origin; o.Present {
		fmt.Fprintf(&b, "origin %s %s %s %s\n", text(s, o.Username), text(s, o.SessID), text(s, o.Version), text(s, o.Addr))
	}
	if s.Name != (edit.Span{}) {
		fmt.Fprintf(&b, "name %q\n", text(s, s.Name))
	}
	if s.Connection.Present {
		fmt.Fprintf(&b, "connection %s\n", s.Connection.Addr)
	}
	if s.Direction != 0 {
		fmt.Fprintf(&b, "direction %s\n", s.Direction)
	}
	for i := range s.Media {
		describeMedia(&b, s, &s.Media[i])
	}
	return b.String()
}

func describeMedia(b *strings.Builder, s *Session, m *Media) {
	fmt.Fprintf(b, "%s %s %s", text(s, m.Type), text(s, m.Proto), m.Direction)
	for _, word := range []struct {
		is   bool
		name string
	}{
		{m.Off(), "off"}, {m.Held(), "held"}, {m.Mux, "mux"}, {m.HasICE, "ice"}, {m.HasCrypto, "crypto"},
		{m.HasFingerprint, "fingerprint"}, {m.BundleOnly, "bundle-only"},
	} {
		if word.is {
			b.WriteString(" " + word.name)
		}
	}
	fmt.Fprintf(b, "\n    rtp %s", m.RTP())
	if m.PortCount != 1 {
		fmt.Fprintf(b, " ports %d", m.PortCount)
	}
	if rtcp := m.RTCP(); rtcp.IsValid() {
		fmt.Fprintf(b, " rtcp %s", rtcp)
	}
	b.WriteByte('\n')
	for f := range s.FormatsOf(m) {
		fmt.Fprintf(b, "    format %s %s", text(s, f.Text), s.EncodingName(&f))
		if f.Payload >= 0 {
			fmt.Fprintf(b, " %d/%d", f.Rate, f.Channels)
		}
		if !f.Parameters.Empty() {
			fmt.Fprintf(b, " %q", text(s, f.Parameters))
		}
		b.WriteByte('\n')
	}
	for c := range s.Candidates(m) {
		fmt.Fprintf(b, "    candidate %s %d %s %d %s %s", text(s, c.Foundation), c.Component, text(s, c.Transport), c.Priority, c.Addr, text(s, c.Type))
		if c.Related.IsValid() {
			fmt.Fprintf(b, " of %s", c.Related)
		}
		b.WriteByte('\n')
	}
}

func text(s *Session, at edit.Span) string { return string(at.Of(s.Raw)) }
