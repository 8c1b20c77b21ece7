package ladder

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names are the names, in capitals, that stand in a file for text that is
// another one in each run: ports, tags, branches. The zero Names has none.
type Names struct {
	pairs []pair // in the order in which they were added
}

type pair struct{ name, text string }

// Add makes name stand for text. It panics where text or name already stands
// for something else, or is empty: a file must have one reading.
func (n *Names) Add(name, text string) {
	for _, p := range n.pairs {
		if p == (pair{name, text}) {
			return
		}
		if p.name == name || p.text == text {
			panic(fmt.Sprintf("ladder: name %s for %q, but %s stands for %q", name, text, p.name, p.text))
		}
	}
	if name == "" || text == "" {
		panic("ladder: a name for nothing, or no name")
	}
	n.pairs = append(n.pairs, pair{name, text})
}

// Number returns the name of text; where it has none, text gets prefix with
// the next free number: TAG1, TAG2.
func (n *Names) Number(prefix, text string) string {
	for _, p := range n.pairs {
		if p.text == text {
			return p.name
		}
	}
	for i := 1; ; i++ {
		name := fmt.Sprintf("%s%d", prefix, i)
		if !slices.ContainsFunc(n.pairs, func(p pair) bool { return p.name == name }) {
			n.Add(name, text)
			return name
		}
	}
}

// Hide returns s with names in the place of what they stand for. Only whole
// words are replaced, and of two texts that fit the longer one: the 5060 in
// 15060 is no port 5060.
func (n *Names) Hide(s string) string {
	return n.replace(s, func(p pair) (string, string) { return p.text, p.name })
}

// Show returns s with what names stand for in their place: what a test sends.
func (n *Names) Show(s string) string {
	return n.replace(s, func(p pair) (string, string) { return p.name, p.text })
}

func (n *Names) replace(s string, sides func(pair) (from, to string)) string {
	order := slices.Clone(n.pairs)
	slices.SortStableFunc(order, func(a, b pair) int {
		x, _ := sides(a)
		y, _ := sides(b)
		return cmp.Compare(len(y), len(x))
	})
	var b strings.Builder
next:
	for i := 0; i < len(s); {
		for _, p := range order {
			from, to := sides(p)
			if strings.HasPrefix(s[i:], from) && whole(s, i, i+len(from)) {
				b.WriteString(to)
				i += len(from)
				continue next
			}
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		b.WriteString(s[i : i+size])
		i += size
	}
	return b.String()
}

// whole reports whether s[start:end] is no part of a longer word.
func whole(s string, start, end int) bool {
	first, _ := utf8.DecodeRuneInString(s[start:])
	last, _ := utf8.DecodeLastRuneInString(s[:end])
	before, _ := utf8.DecodeLastRuneInString(s[:start])
	behind, _ := utf8.DecodeRuneInString(s[end:])
	return !(inWord(before) && inWord(first)) && !(inWord(last) && inWord(behind))
}

func inWord(r rune) bool {
	return r != utf8.RuneError && (r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r))
}
