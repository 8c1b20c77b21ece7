package ladder

import (
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// bad-input: what is logged or shown stays on its line.
func TestEscape(t *testing.T) {
	for in, want := range map[string]string{
		"": "",
		"Grüße 日本 😀 e\u0301 a\\b c\u00a0d": "Grüße 日本 😀 e\u0301 a\\b c\u00a0d",
		"a\r\nSubject: b":                   `a\r\nSubject: b`,
		"\x1b[2J\x1b]0;x\x07":               `\x1b[2J\x1b]0;x\x07`,
		"\t\x00\x7f\u0085":                  `\t\x00\x7f\u0085`,
		"\u202egnp.exe\u202c\u2066\u061c":   `\u202egnp.exe\u202c\u2066\u061c`,
		"\u2028\u2029\u200b\u200d\ufeff":    `\u2028\u2029\u200b\u200d\ufeff`,
		"\xff\xc0\xaf\xed\xa0\x80":          `\xff\xc0\xaf\xed\xa0\x80`,
		"real \ufffd stays":                 "real \ufffd stays",
		"\U000e0041\U0001d173\ue000\u00ad ": `\U000e0041\U0001d173\ue000\u00ad `,
		"\u3164\u2800\u115f":                `\u3164\u2800\u115f`,
		"cut \xe2\x82":                      `cut \xe2\x82`,
	} {
		if got := Escape(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func shown(s string) bool {
	for _, r := range s {
		if r != '\u00a0' && !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(s)
}

func FuzzEscape(f *testing.F) {
	f.Add("a\xff\u202e\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		once := Escape(s)
		if !shown(once) || Escape(once) != once {
			t.Errorf("%q: %q, again %q", s, once, Escape(once))
		}
	})
}

func TestEscapeAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Escape("<sip:bob@203.0.113.7> Grüße") }); n != 0 {
		t.Errorf("%v allocations for text that stays, want 0", n)
	}
}

func TestDiff(t *testing.T) {
	for _, c := range []struct{ name, want, got, diff string }{
		{"equal", "a\nb\n", "a\nb\n", ""},
		{"both empty", "", "", ""},
		{"all new", "", "a\nb\n", "+ a\n+ b\n"},
		{"all gone", "a\n", "", "- a\n"},
		{"changed", "a\nb\nc\n", "a\nx\nc\n", "  a\n- b\n+ x\n  c\n"},
		{"line end", "a\n", "a", "- a\n+ a (no line end)\n"},
		{"not seen", "a\n", "a\r\n", "- a\n+ a\\r\n"},
		{"far apart", "x\n1\n2\n3\n4\n5\n6\n7\n8\n9\ny\n", "X\n1\n2\n3\n4\n5\n6\n7\n8\n9\nY\n",
			"- x\n+ X\n  1\n  2\n  3\n  … 3 equal lines\n  7\n  8\n  9\n- y\n+ Y\n"},
		{"moved", "a\nb\nc\nd\n", "c\nd\na\nb\n", "- a\n- b\n  c\n  d\n+ a\n+ b\n"},
	} {
		if got := Diff(c.want, c.got); got != c.diff {
			t.Errorf("%s:\n%s\nwant:\n%s", c.name, got, c.diff)
		}
	}
}

func TestDiffOfLongTexts(t *testing.T) {
	a, b := strings.Repeat("a\n", 5000), strings.Repeat("b\n", 5000)
	if got := Diff(a, b); strings.Count(got, "- a\n") != 5000 || strings.Count(got, "+ b\n") != 5000 {
		t.Errorf("%d characters, want all lines of both", len(got))
	}
}

func FuzzDiff(f *testing.F) {
	f.Add("a\nb\n", "b\nc")
	f.Fuzz(func(t *testing.T, a, b string) {
		lines := compare(cut(a), cut(b))
		var left, right []string
		for _, l := range lines {
			if l.sign != '+' {
				left = append(left, l.text)
			}
			if l.sign != '-' {
				right = append(right, l.text)
			}
		}
		if strings.Join(left, "\n") != strings.Join(cut(a), "\n") || strings.Join(right, "\n") != strings.Join(cut(b), "\n") {
			t.Errorf("%q, %q: the lines are not those of both texts: %q", a, b, lines)
		}
	})
}

func TestCase(t *testing.T) {
	data, err := os.ReadFile("testdata/masked.case")
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadCase(data)
	if err != nil {
		t.Fatal(err)
	}
	if string(c.Bytes()) != string(data) {
		t.Errorf("not the file:\n%s", Diff(string(data), string(c.Bytes())))
	}
	if !strings.HasPrefix(c.Comment, "# The host") || len(c.Sections) != 4 {
		t.Errorf("comment %q, %d sections", c.Comment, len(c.Sections))
	}
	in, _ := c.Text("in")
	wire := CRLF(in)
	if strings.Count(string(wire), "\r\n") != strings.Count(in, "\n") || LF(wire) != in {
		t.Errorf("wire %q of %q", wire, in)
	}
	if empty, ok := c.Text("changes"); !ok || empty != "" {
		t.Errorf("an empty section: %q, %v", empty, ok)
	}
	if _, ok := c.Text("nothing"); ok {
		t.Error("a section that is not there")
	}
}

func TestCaseSet(t *testing.T) {
	c := &Case{Comment: "# a"}
	c.Set("in", "a\r\nb")
	c.Set("out", "x\n")
	c.Set("in", "c\r\n")
	if got, want := string(c.Bytes()), "# a\n-- in --\nc\n-- out --\nx\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestReadCaseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "no section",
		"# comment only\n":              "no section",
		"-- in --\na\r\n":               "line 2",
		"-- a --\n-- b --\nx\n-- a --":  "line 4",
		"--boundary--\n-- not a name\n": "no section",
	} {
		if _, err := ReadCase([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", in, err, want)
		}
	}
}

func FuzzReadCase(f *testing.F) {
	f.Add([]byte("# c\n-- in --\na\n-- out --\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := ReadCase(data)
		if err != nil {
			return
		}
		again, err := ReadCase(c.Bytes())
		if err != nil || string(again.Bytes()) != string(c.Bytes()) {
			t.Errorf("%q: %v, %q, then %q", data, err, c.Bytes(), again.Bytes())
		}
	})
}

func TestCRLF(t *testing.T) {
	for in, want := range map[string]string{"": "", "a\nb": "a\r\nb", "\n\n": "\r\n\r\n", "a\r\nb\n": "a\r\nb\r\n"} {
		if got := string(CRLF(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := LF([]byte("a\r\nb\rc")); got != "a\nb\\rc" {
		t.Errorf("LF: %q", got)
	}
}

func TestNames(t *testing.T) {
	var n Names
	n.Add("PORT", "5060")
	n.Add("BRANCH", "z9hG4bK.x-1")
	n.Add("HOST", "10.0.0.5")
	if got := n.Number("TAG", "a1"); got != "TAG1" {
		t.Errorf("first tag: %s", got)
	}
	if a, b := n.Number("TAG", "a2"), n.Number("TAG", "a1"); a != "TAG2" || b != "TAG1" {
		t.Errorf("second tag %s, first again %s", a, b)
	}
	n.Add("LONG", "a1.a2")
	real := "Via: 10.0.0.5:5060;branch=z9hG4bK.x-1 tag=a1;tag=a2 a1.a2 15060 50601 x5060 110.0.0.5 10.0.0.55 ü10.0.0.5"
	file := "Via: HOST:PORT;branch=BRANCH tag=TAG1;tag=TAG2 LONG 15060 50601 x5060 110.0.0.5 10.0.0.55 ü10.0.0.5"
	if got := n.Hide(real); got != file {
		t.Errorf("Hide: %s\nwant  %s", got, file)
	}
	if got := n.Show(file); got != real {
		t.Errorf("Show: %s\nwant  %s", got, real)
	}
	if got := n.Hide("\xff5060\xff"); got != "\xffPORT\xff" {
		t.Errorf("%q: octets that are no text must stay", got)
	}
}

func TestNamesHaveOneReading(t *testing.T) {
	for _, p := range []pair{{"A", "2"}, {"B", "1"}, {"", "3"}, {"C", ""}} {
		var n Names
		n.Add("A", "1")
		n.Add("A", "1")
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Add(%q, %q) beside A for 1: want a panic", p.name, p.text)
				}
			}()
			n.Add(p.name, p.text)
		}()
	}
}
