package config

import (
	"fmt"
	"regexp/syntax"
	"slices"
	"unicode"
)

// A machine is a pattern as the automaton that package regexp makes of it,
// whose groups do not count here. It matches anywhere in a text.
type machine struct {
	prog   *syntax.Prog
	held   bool           // by ^: it matches from the beginning or not at all
	test   []int          // by instruction: which of tests it is, below 0: none
	tests  []*syntax.Inst // of one character, each once
	cuts   []rune         // characters from which on a test may say something else
	marked []int          // by instruction: the walk that came by last
	walks  int
}

// newMachine compiles a pattern that package regexp has taken already.
func newMachine(pattern string) *machine {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil
	}
	prog, err := syntax.Compile(re.Simplify())
	if err != nil {
		return nil
	}
	m := &machine{prog: prog, held: prog.StartCond()&syntax.EmptyBeginText != 0, test: make([]int, len(prog.Inst)), marked: make([]int, len(prog.Inst))}
	seen := map[string]int{}
	for pc := range prog.Inst {
		m.test[pc] = -1
		i := &prog.Inst[pc]
		switch i.Op {
		case syntax.InstRune, syntax.InstRune1, syntax.InstRuneAny, syntax.InstRuneAnyNotNL:
			key := fmt.Sprint(i.Op, i.Arg, i.Rune)
			n, found := seen[key]
			if !found {
				n = len(m.tests)
				seen[key], m.tests = n, append(m.tests, i)
				m.cut(i)
			}
			m.test[pc] = n
		}
	}
	return m
}

// cut notes where a test changes its mind.
func (m *machine) cut(i *syntax.Inst) {
	if len(i.Rune) != 1 {
		for at := 0; at+1 < len(i.Rune); at += 2 {
			m.cuts = append(m.cuts, i.Rune[at], i.Rune[at+1]+1)
		}
		return
	}
	first := i.Rune[0]
	m.cuts = append(m.cuts, first, first+1)
	if i.Op == syntax.InstRune && syntax.Flags(i.Arg)&syntax.FoldCase != 0 {
		for c := unicode.SimpleFold(first); c != first; c = unicode.SimpleFold(c) {
			m.cuts = append(m.cuts, c, c+1)
		}
	}
}

// walk follows everything that takes no character, from some instructions on,
// where what stands before and behind is as holds says. It returns the tests
// of a character that it comes to, appended to at, and whether the pattern has
// matched.
func (m *machine) walk(from []int32, holds syntax.EmptyOp, at []int32, steps *int) (tests []int32, matched bool) {
	m.walks++
	stack := slices.Clone(from)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if m.marked[pc] == m.walks {
			continue
		}
		m.marked[pc] = m.walks
		*steps--
		switch i := &m.prog.Inst[pc]; i.Op {
		case syntax.InstMatch:
			return at, true
		case syntax.InstAlt, syntax.InstAltMatch:
			stack = append(stack, int32(i.Out), int32(i.Arg))
		case syntax.InstCapture, syntax.InstNop:
			stack = append(stack, int32(i.Out))
		case syntax.InstEmptyWidth:
			if syntax.EmptyOp(i.Arg)&^holds == 0 {
				stack = append(stack, int32(i.Out))
			}
		case syntax.InstFail:
		default:
			at = append(at, pc)
		}
	}
	return at, false
}

// An alphabet has one letter for all characters that some machines cannot tell
// apart.
type alphabet struct {
	letters [3][]letter // by what stands around them, as in around
}

type letter struct {
	char rune
	can  []string // by machine: for each of its tests '1' where the letter passes
}

// around are characters for what ^, $ and \b look at: a new line, a character
// of a word, another one.
var around = [3]rune{'\n', 'a', ' '}

func kindOf(c rune) int {
	switch {
	case c == '\n':
		return 0
	case syntax.IsWordChar(c):
		return 1
	}
	return 2
}

// newAlphabet makes the alphabet of some machines.
func newAlphabet(machines []*machine, steps *int) (a alphabet) {
	// The surrogates from 0xD800 on are no characters.
	cuts := []rune{0, '\n', '\n' + 1, '0', '9' + 1, 'A', 'Z' + 1, '_', '_' + 1, 'a', 'z' + 1, 0xD800, 0xE000}
	for _, m := range machines {
		cuts = append(cuts, m.cuts...)
	}
	slices.Sort(cuts)
	seen := map[string]bool{}
	for _, c := range slices.Compact(cuts) {
		if c >= 0xD800 && c < 0xE000 || c > unicode.MaxRune || *steps < 0 {
			continue
		}
		l := letter{char: c}
		key := string(rune('0' + kindOf(c)))
		for _, m := range machines {
			can := make([]byte, len(m.tests))
			for n, i := range m.tests {
				can[n] = '0'
				if i.MatchRune(c) {
					can[n] = '1'
				}
			}
			*steps -= 1 + len(can)/16 // which are fast
			l.can = append(l.can, string(can))
			key += "/" + l.can[len(l.can)-1]
		}
		if !seen[key] {
			seen[key] = true
			a.letters[kindOf(c)] = append(a.letters[kindOf(c)], l)
		}
	}
	return a
}
