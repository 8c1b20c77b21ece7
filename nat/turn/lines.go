package turn

import (
	"bytes"
	"strings"
)

// lines is a writer that gives what is written away line by line. What is
// longer than max octets is cut.
type lines struct {
	max  int
	line func([]byte) // valid until it returns

	part []byte
}

// Ours.
const (
	reportMax = 1 << 16 // octets of a report
	lineMax   = 512     // octets of a line of a panic
	tailLines = 40      // the message of a panic and the goroutine that it was in
)

// Write never fails.
func (l *lines) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		i := bytes.IndexByte(rest, '\n')
		piece := rest
		if i >= 0 {
			piece = rest[:i]
		}
		l.part = append(l.part, piece[:min(len(piece), l.max-len(l.part))]...)
		if i < 0 {
			break
		}
		l.line(l.part)
		l.part = l.part[:0]
		rest = rest[i+1:]
	}
	return len(p), nil
}

// A tail keeps the first line and the last lines of an output.
type tail struct{ kept []string }

func (t *tail) add(line []byte) {
	if len(t.kept) == tailLines {
		t.kept = append(t.kept[:1], t.kept[2:]...)
	}
	t.kept = append(t.kept, string(line))
}

// String returns the lines that were kept.
func (t *tail) String() string { return strings.Join(t.kept, "\n") }
