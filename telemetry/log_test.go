package telemetry

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// CR, LF, ESC and bidi in anything that is logged or shown: one line, escaped.
func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"sip:bob@b.example", "sip:bob@b.example"},
		{"Jürgen 木", "Jürgen 木"},
		{"a\r\nb\tc", `a\r\nb\tc`},
		{"\x1b[31mred\x00", `\x1b[31mred\x00`},
		{"a\u202eb\u2066c\u200ed", `a\u202eb\u2066c\u200ed`},
		{"a\u2028b\u0085c\u200bd", `a\u2028b\u0085c\u200bd`},
		{"\xff\xc3(", `\xff\xc3(`},
		{"\x7f", `\x7f`},
		{`a\nb`, `a\nb`},
		{"\ufeff", `\ufeff`},
	} {
		if got := Escape(c.in); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("a\r\n\x1b\u202e\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Escape(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q: not UTF-8: %q", s, got)
		}
		for _, r := range got {
			if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
				t.Fatalf("%q: %q still has %U", s, got, r)
			}
		}
		if Escape(got) != got {
			t.Fatalf("%q: escaped again it differs", s)
		}
	})
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	l, err := NewLogger(&b, LogOptions{Level: slog.LevelInfo})
	if err != nil {
		t.Fatal(err)
	}
	l.Debug("not shown")
	l.Info("call", "call", "k7f3qd", "caller", Escape("x\r\ny"), "setup", 1500*time.Millisecond)
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("not one line of JSON: %q: %v", b.String(), err)
	}
	if line["caller"] != `x\r\ny` || line["call"] != "k7f3qd" || line["setup"] != "1.5s" {
		t.Errorf("line %v", line)
	}
	b.Reset()
	l, err = NewLogger(&b, LogOptions{Format: "text", Level: slog.LevelDebug})
	if err != nil {
		t.Fatal(err)
	}
	l.Debug("shown")
	if !strings.Contains(b.String(), "level=DEBUG msg=shown") {
		t.Errorf("line %q", b.String())
	}
	if _, err := NewLogger(&b, LogOptions{Format: "xml"}); err == nil {
		t.Error("a format that does not exist was taken")
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) || isTerminal(&b) {
		t.Error("neither the null device nor a buffer is a terminal")
	}
}
