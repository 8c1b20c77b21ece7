package config

import (
	"encoding/binary"
	"regexp/syntax"
	"slices"
)

// A search looks for a text that some patterns match and one does not, among
// all texts of a length. It goes through the patterns' machines side by side,
// by one character after the other: those that shall match go each a way of
// their own choice, the one that shall not match goes all its ways at once.
type search struct {
	in      []*machine // all of them match; at most inMax
	not     *machine   // it does not match; nil: whatever
	longest int        // characters
	steps   int        // that may be taken yet; below 0: it has given up

	letters alphabet
	queue   []visit
	seen    map[spot]bool
	sets    [][]int32        // where the machine that shall not match may be
	setOf   map[string]int32 // their places in sets
}

// Ours: the pattern, what the part of a request can be, and a length.
const inMax = 3

// A spot is where the machines are after some characters. Below 0 are spots
// that are no instructions.
type spot struct {
	before rune // one of around, or below 0: the beginning of the text
	in     [inMax]int32
	not    int32 // which of sets
}

const (
	waits   = -1 // it has not begun to match
	matches = -2 // whatever follows
)

// A visit is a spot and the way to it.
type visit struct {
	spot
	from   int // which of queue; below 0: it is the first
	by     rune
	length int
}

// find returns the shortest text that is looked for. Where there is none, and
// steps is not below 0, there is none at all.
func (s *search) find() (text string, found bool) {
	machines := slices.Clone(s.in)
	if s.not != nil {
		machines = append(machines, s.not)
	}
	s.letters = newAlphabet(machines, &s.steps)
	s.seen, s.setOf = map[spot]bool{}, map[string]int32{}
	first := spot{before: -1, in: [inMax]int32{waits, waits, waits}}
	if s.not != nil {
		first.not = s.set([]int32{int32(s.not.prog.Start)})
	}
	s.visit(first, -1, 0)
	for i := 0; i < len(s.queue) && s.steps >= 0; i++ {
		if s.ends(&s.queue[i]) {
			return s.textTo(i), true
		}
		if s.queue[i].length < s.longest {
			for kind := range around {
				s.leave(i, kind)
			}
		}
	}
	return "", false
}

func (s *search) visit(at spot, from int, by rune) {
	s.steps--
	if s.seen[at] {
		return
	}
	s.seen[at] = true
	v := visit{spot: at, from: from, by: by}
	if from >= 0 {
		v.length = s.queue[from].length + 1
	}
	s.queue = append(s.queue, v)
}

// set returns the number of a set of instructions.
func (s *search) set(list []int32) int32 {
	slices.Sort(list)
	list = slices.Compact(list)
	key := make([]byte, 0, 2*len(list))
	for _, pc := range list {
		key = binary.AppendUvarint(key, uint64(pc))
	}
	n, found := s.setOf[string(key)]
	if !found {
		n = int32(len(s.sets))
		s.setOf[string(key)], s.sets = n, append(s.sets, list)
	}
	return n
}

// ends reports whether the text that leads to v is one that is looked for.
func (s *search) ends(v *visit) bool {
	holds := syntax.EmptyOpContext(v.before, -1)
	for n, m := range s.in {
		if v.in[n] == matches {
			continue
		}
		if _, ok := m.walk(m.at(v.in[n]), holds, nil, &s.steps); !ok {
			return false
		}
	}
	if s.not == nil {
		return true
	}
	_, ok := s.not.walk(s.sets[v.not], holds, nil, &s.steps)
	return !ok
}

// at returns the instruction at which m is.
func (m *machine) at(spot int32) []int32 {
	if spot == waits {
		return []int32{int32(m.prog.Start)}
	}
	return []int32{spot}
}

// leave visits what comes after visit i by the letters of a kind.
func (s *search) leave(i, kind int) {
	v := s.queue[i].spot
	holds := syntax.EmptyOpContext(v.before, around[kind])
	var in [inMax][]int32
	for n, m := range s.in {
		matched := v.in[n] == matches
		if !matched {
			in[n], matched = m.walk(m.at(v.in[n]), holds, nil, &s.steps)
		}
		if matched {
			v.in[n] = matches
		}
	}
	var not []int32
	if s.not != nil {
		var matched bool
		if not, matched = s.not.walk(s.sets[v.not], holds, nil, &s.steps); matched {
			return
		}
	}
	for at := range s.letters.letters[kind] {
		if s.steps < 0 {
			return
		}
		s.by(i, v, in, not, &s.letters.letters[kind][at])
	}
}

// by visits what comes after visit i by one letter, where the tests in and not
// wait for it.
func (s *search) by(i int, v spot, in [inMax][]int32, not []int32, l *letter) {
	next := []spot{{before: around[kindOf(l.char)], in: v.in}}
	for n, m := range s.in {
		if v.in[n] == matches {
			continue
		}
		to := m.pass(in[n], l.can[n], nil, &s.steps)
		if v.in[n] == waits && !m.held {
			to = append(to, waits)
		}
		var more []spot
		for _, at := range next {
			for _, pc := range to {
				at.in[n] = pc
				more = append(more, at)
			}
		}
		next = more
	}
	if len(next) == 0 {
		return
	}
	set := int32(0)
	if s.not != nil {
		to := s.not.pass(not, l.can[len(s.in)], nil, &s.steps)
		if !s.not.held {
			to = append(to, int32(s.not.prog.Start))
		}
		set = s.set(to)
	}
	for _, at := range next {
		at.not = set
		s.visit(at, i, l.char)
	}
}

// pass returns where the tests lead that a letter passes.
func (m *machine) pass(tests []int32, can string, to []int32, steps *int) []int32 {
	*steps -= len(tests)
	for _, pc := range tests {
		if can[m.test[pc]] == '1' {
			to = append(to, int32(m.prog.Inst[pc].Out))
		}
	}
	return to
}

// textTo returns the text that leads to visit i.
func (s *search) textTo(i int) string {
	var text []rune
	for ; s.queue[i].from >= 0; i = s.queue[i].from {
		text = append(text, s.queue[i].by)
	}
	slices.Reverse(text)
	return string(text)
}
