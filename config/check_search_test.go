package config

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whether there is a text, as package regexp has it.
func TestSearch(t *testing.T) {
	for _, c := range []struct {
		in   []string
		not  string
		want string // the text, or "none"
	}{
		{[]string{"^[0-9]+$"}, "", "0"},
		{[]string{"a^b"}, "", "none"},
		{[]string{"$x"}, "", "none"},
		{[]string{"(?m)a$\n^b"}, "", "a\nb"},
		{[]string{`a\bb`}, "", "none"},
		{[]string{`a\b.`}, "", "a\x00"},
		{[]string{`^\Ba`}, "", "none"},
		{[]string{"x{257}"}, "", "none"},
		{[]string{"^x{256}$"}, "", strings.Repeat("x", 256)},
		{[]string{"[^\\x00-\\x{10FFFF}]"}, "", "none"},
		{[]string{"(?i)^straSSe$", "^[^a-z]*$"}, "", "STRASSE"},
		{[]string{"^0"}, "^00", "0"},
		{[]string{"^00"}, "^0", "none"},
		{[]string{"^00"}, "0$", "00\x00"},
		{[]string{"^[1-9][0-9]{3}$"}, "^[0-9]+$", "none"},
		{[]string{"^[0-9]+$"}, "^[0-9]{1,5}$", "000000"},
		{[]string{"^1"}, "^(?:1$|1.)", "1\n"},
		{[]string{"^1"}, "(?s)^(?:1$|1.)", "none"},
		{nil, ".*", "none"},
		{nil, "^.*$", "\n"},
		{nil, "(?s)^.*$", "none"},
		{nil, ".", ""},
		{[]string{"^k$"}, "(?i)^K$", "none"},
		{[]string{"(?i)^k$"}, "^[kK]$", "\u212a"}, // the sign for kelvin
		{[]string{`^\pL+$`}, `^\pL`, "none"},
		{[]string{"a", "b", "c"}, "(?:abc|acb|bac|bca|cab|cba)", "a\x00bc"},
	} {
		s := search{longest: 256, steps: 1 << 20}
		for _, p := range c.in {
			s.in = append(s.in, newMachine(p))
		}
		if c.not != "" {
			s.not = newMachine(c.not)
		}
		text, found := s.find()
		if s.steps < 0 {
			t.Errorf("%q not %q: gave up", c.in, c.not)
			continue
		}
		if !found {
			text = "none"
		}
		if len([]rune(text)) != len([]rune(c.want)) || found != (c.want != "none") {
			t.Errorf("%q not %q: found %q, want one like %q", c.in, c.not, text, c.want)
		}
		if found {
			holds(t, text, c.in, c.not)
		}
	}
}

func holds(t interface{ Errorf(string, ...any) }, text string, in []string, not string) {
	for _, p := range in {
		if !regexp.MustCompile(p).MatchString(text) {
			t.Errorf("%q is said to match %q", text, p)
		}
	}
	if not != "" && regexp.MustCompile(not).MatchString(text) {
		t.Errorf("%q is said not to match %q", text, not)
	}
}

// Random patterns, compared with package regexp on all short texts.
func TestSearchProperty(t *testing.T) {
	const longest = 4
	texts := []string{""}
	for i := 0; i < len(texts); i++ {
		if len(texts[i]) < longest {
			for _, c := range "ab \n" {
				texts = append(texts, texts[i]+string(c))
			}
		}
	}
	leaf := rapid.SampledFrom([]string{"a", "b", ".", "[^a]", "^", "$", `\b`, `\B`, " ", `\n`, "(?m:^)", "(?m:$)", "(?i:A)", "", `\w`, "(?s:.)"})
	pattern := rapid.Custom(func(t *rapid.T) string {
		p := leaf.Draw(t, "leaf")
		for range rapid.IntRange(0, 5).Draw(t, "operators") {
			switch rapid.IntRange(0, 4).Draw(t, "operator") {
			case 0:
				p = "(?:" + p + ")" + rapid.SampledFrom([]string{"*", "+", "?", "{2}", "{0,3}", "*?"}).Draw(t, "repeat")
			case 1:
				p = "(?:" + p + "|" + leaf.Draw(t, "leaf") + ")"
			case 2:
				p = leaf.Draw(t, "leaf") + p
			default:
				p += leaf.Draw(t, "leaf")
			}
		}
		return p
	})
	alphabet := "^[ab \\n]*$"
	rapid.Check(t, func(t *rapid.T) {
		in, not := pattern.Draw(t, "in"), pattern.Draw(t, "not")
		s := search{in: []*machine{newMachine(in), newMachine(alphabet)}, not: newMachine(not), longest: longest, steps: 1 << 22}
		text, found := s.find()
		want, first := false, ""
		reIn, reNot := regexp.MustCompile(in), regexp.MustCompile(not)
		for _, x := range texts {
			if reIn.MatchString(x) && !reNot.MatchString(x) {
				want, first = true, x
				break
			}
		}
		if s.steps < 0 || found != want || len(text) != len(first) {
			t.Fatalf("%q not %q: found %q, %t; want %q, %t", in, not, text, found, first, want)
		}
		if found {
			holds(t, text, []string{in, alphabet}, not)
		}
	})
}

// Patterns that would take a machine of a million states, or more, are given
// up on in time; that is counted in steps.
func TestSearchGivesUp(t *testing.T) {
	for _, c := range []struct {
		in, not string
		sure    bool
	}{
		{"(a|a)*b{1,200}", "", true},
		{"(a|a)*b{1,200}", "(a|a)*b{1,200}$", true},
		{"^(a|a)*b{1,200}$", "^(a*)*b{1,199}$", true},
		{"^[ab]*$", "^[ab]*a[ab]{200}$", true},
		{"^[ab]{250}$", "^[ab]*(?:a[ab]{100}a|b[ab]{100}b|a[ab]{100}b|b[ab]{100}a)[ab]*$", false},
		{"^[ab]{40}$", "a[ab]{18}a[ab]*$|b[ab]{18}b[ab]*$|^(?:[ab]{20})*c", false},
		{"(((a*)*)*)*$", "", true},
		{strings.Repeat("(x{100}|y{100}){10}", 20), "", true},
		{"^" + strings.Repeat(`[\pL\pN]?`, 50) + "$", "^[a-z]+$", true},
	} {
		p := newPatterns()
		s := p.find(256, c.not, c.in)
		if p.spent > stepsOfOne+stepsOfOne/8 {
			t.Errorf("%.60q not %.60q: %d steps", c.in, c.not, p.spent)
		}
		if s.sure != c.sure {
			t.Errorf("%.60q not %.60q: sure %t", c.in, c.not, s.sure)
		}
	}
}

// A file of many routes with such patterns has a bound of its own.
func TestPatternsGiveUp(t *testing.T) {
	p := newPatterns()
	for n := range 200 {
		p.find(256, "a[ab]{18}a[ab]*$|b[ab]{18}b[ab]*$", fmt.Sprintf("^[ab]{%d}$", 40+n))
	}
	if p.spent > stepsOfAll+stepsOfOne {
		t.Errorf("%d steps", p.spent)
	}
	if s := p.find(256, "", "a"); s.sure {
		t.Error("it goes on for ever")
	}
}
