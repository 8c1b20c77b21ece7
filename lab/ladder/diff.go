package ladder

import (
	"fmt"
	"strings"
)

// Ours: lines around a difference that are shown, and the size of the table
// up to which the shortest difference is looked for.
const (
	context  = 3
	tableMax = 4 << 20
)

// Diff returns the lines in which got differs from want, with some equal ones
// around them: "-" is in want only, "+" in got only. It returns "" if they
// are equal. What cannot be seen is escaped.
func Diff(want, got string) string {
	if want == got {
		return ""
	}
	lines := compare(cut(want), cut(got))
	var b strings.Builder
	for i, shown := 0, 0; i < len(lines); i++ {
		if !near(lines, i) {
			continue
		}
		if i > shown {
			fmt.Fprintf(&b, "  … %d equal lines\n", i-shown)
		}
		shown = i + 1
		fmt.Fprintf(&b, "%c %s\n", lines[i].sign, Escape(lines[i].text))
	}
	return b.String()
}

type diffLine struct {
	sign byte // ' ', '-', '+'
	text string
}

// near reports whether line i or one in the context around it differs.
func near(lines []diffLine, i int) bool {
	for j := max(i-context, 0); j <= min(i+context, len(lines)-1); j++ {
		if lines[j].sign != ' ' {
			return true
		}
	}
	return false
}

// cut returns the lines of s without their LF. A last line without one says
// so.
func cut(s string) []string {
	if s == "" {
		return nil
	}
	if !strings.HasSuffix(s, "\n") {
		s += " (no line end)"
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func compare(a, b []string) []diffLine {
	var head, tail []diffLine
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, diffLine{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	end := 0
	for end < len(a) && end < len(b) && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	for _, text := range a[len(a)-end:] {
		tail = append(tail, diffLine{' ', text})
	}
	return append(append(head, middle(a[:len(a)-end], b[:len(b)-end])...), tail...)
}

// middle compares by the longest common subsequence.
func middle(a, b []string) []diffLine {
	var lines []diffLine
	common := table(a, b)
	i, j := 0, 0
	for common != nil && i < len(a) && j < len(b) {
		switch {
		case a[i] == b[j]:
			lines = append(lines, diffLine{' ', a[i]})
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			lines = append(lines, diffLine{'-', a[i]})
			i++
		default:
			lines = append(lines, diffLine{'+', b[j]})
			j++
		}
	}
	for _, text := range a[i:] {
		lines = append(lines, diffLine{'-', text})
	}
	for _, text := range b[j:] {
		lines = append(lines, diffLine{'+', text})
	}
	return lines
}

// table returns for each i and j how many lines a[i:] and b[j:] have in
// common; nil where that is too much work.
func table(a, b []string) [][]int32 {
	if (len(a)+1)*(len(b)+1) > tableMax {
		return nil
	}
	t := make([][]int32, len(a)+1)
	t[len(a)] = make([]int32, len(b)+1)
	for i := len(a) - 1; i >= 0; i-- {
		t[i] = make([]int32, len(b)+1)
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				t[i][j] = t[i+1][j+1] + 1
			} else {
				t[i][j] = max(t[i+1][j], t[i][j+1])
			}
		}
	}
	return t
}
