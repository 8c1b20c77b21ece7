package ladder

import (
	"bytes"
	"fmt"
	"strings"
	"time"
)

// TB is what Run needs of a testing.TB.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// Files are the hands with which Run reaches the disk. In a test:
//
//	files := ladder.Files{Read: os.ReadFile}
//	if *update {
//		files.Write = func(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }
//	}
type Files struct {
	Read  func(name string) ([]byte, error)
	Write func(name string, data []byte) error // nil: compare, write nothing
}

// A Do does what one line of a .ladder file says and returns what happened,
// one line each, usually made by At. A line that is not indented is indented
// by Play.
type Do func(verb string, args []string) []string

// Run plays the .ladder file and reports an error for each difference between
// what the file says that happens and what happened. With files.Write it
// writes what happened into the file instead.
func Run(t TB, file string, files Files, do Do) {
	t.Helper()
	script, err := files.Read(file)
	if err != nil {
		t.Fatalf("%v", err)
		return
	}
	got, err := Play(script, do)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
		return
	}
	if bytes.Equal(script, got) {
		return
	}
	if files.Write == nil {
		t.Errorf("%s: not what the file says (- the file, + what happened):\n%s", file, Diff(string(script), string(got)))
	} else if err := files.Write(file, got); err != nil {
		t.Fatalf("%v", err)
	}
}

// Play does what script says and returns it with what happened in the place
// of what it said that happens. Comments ("# …") and empty lines stay where
// they are. An error names the line that cannot be read.
func Play(script []byte, do Do) ([]byte, error) {
	steps, err := readSteps(script)
	if err != nil {
		return nil, err
	}
	var out []byte
	for i := range steps {
		out = steps[i].appendTo(out, do)
	}
	return out, nil
}

// At returns the line for something that happened at a virtual time: the time
// to the right of a column, then the text, escaped.
func At(at time.Duration, text string) string {
	return fmt.Sprintf("%10s  %s", at, Escape(text))
}

// A step is one thing that is done, with the comments below it.
type step struct {
	line    string   // as written; "": what stands before the first step
	words   []string // verb and arguments
	remarks []remark
	said    int // number of lines of what the file says that happens
}

// A remark is a comment or an empty line.
type remark struct {
	after int // number of lines of what happens above it
	text  string
}

func readSteps(script []byte) ([]step, error) {
	steps := []step{{}}
	n := 0
	for line := range strings.Lines(string(script)) {
		n++
		line = strings.TrimSuffix(line, "\n")
		s := &steps[len(steps)-1]
		switch text := strings.TrimSpace(line); {
		case strings.ContainsRune(line, '\r'):
			return nil, fmt.Errorf("line %d: a CR: lines end with LF in the file", n)
		case text == "" || text[0] == '#':
			s.remarks = append(s.remarks, remark{s.said, strings.TrimRight(line, " \t")})
		case line[0] != ' ' && line[0] != '\t':
			w, err := words(text)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			steps = append(steps, step{line: strings.TrimRight(line, " \t"), words: w})
		case s.line == "":
			return nil, fmt.Errorf("line %d: something happens before anything is done", n)
		default:
			s.said++
		}
	}
	return steps, nil
}

// appendTo does the step and appends it, what happened, and its remarks. A
// remark among what happened keeps its place, one below it stays below.
func (s *step) appendTo(out []byte, do Do) []byte {
	var happened []string
	if s.line != "" {
		out = append(append(out, s.line...), '\n')
		happened = indented(do(s.words[0], s.words[1:]))
	}
	remarks := s.remarks
	for i, line := range happened {
		for len(remarks) > 0 && remarks[0].after <= i && remarks[0].after < s.said {
			out = append(append(out, remarks[0].text...), '\n')
			remarks = remarks[1:]
		}
		out = append(append(out, line...), '\n')
	}
	for _, r := range remarks {
		out = append(append(out, r.text...), '\n')
	}
	return out
}

// indented makes of texts lines that can only be read as what happened.
func indented(texts []string) []string {
	var lines []string
	for _, text := range texts {
		for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
			line = strings.TrimRight(strings.ReplaceAll(line, "\r", ""), " \t")
			text := strings.TrimSpace(line)
			if text == "" {
				continue
			}
			if line[0] != ' ' && line[0] != '\t' {
				line = "    " + line
			}
			if text[0] == '#' {
				line = strings.Replace(line, "#", `\#`, 1)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// words cuts a line at its spaces. "Two words" in double quotes are one; \"
// and \\ inside of them stand for themselves.
func words(line string) ([]string, error) {
	var all []string
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		var word string
		if line[0] != '"' {
			end := strings.IndexAny(line, " \t")
			if end < 0 {
				end = len(line)
			}
			word, line = line[:end], line[end:]
		} else {
			var ok bool
			if word, line, ok = quoted(line[1:]); !ok {
				return nil, fmt.Errorf("a quote that does not end")
			}
		}
		all = append(all, word)
	}
	return all, nil
}

func quoted(s string) (word, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
