package config

import (
	"fmt"
	"io"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// Problems are everything that is wrong with a file, or everything that is
// probably not meant, in the order of its lines. It is an error.
type Problems struct {
	diags hcl.Diagnostics
	files map[string]*hcl.File
}

// A Problem is one of them.
type Problem struct {
	File    string
	Line    int    // from 1
	Warning bool   // the file is good all the same
	Summary string // what is wrong
	Detail  string // where and why, and what would be right
}

// String returns the problem on one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s: %s", p.File, p.Line, p.Summary, p.Detail)
}

// Error returns one line for each problem.
func (p *Problems) Error() string {
	var lines []string
	for _, one := range p.All() {
		lines = append(lines, one.String())
	}
	return strings.Join(lines, "\n")
}

// All returns the problems one by one.
func (p *Problems) All() []Problem {
	all := make([]Problem, 0, len(p.diags))
	for _, d := range p.diags {
		one := Problem{Warning: d.Severity == hcl.DiagWarning, Summary: d.Summary, Detail: d.Detail}
		if d.Subject != nil {
			one.File, one.Line = d.Subject.Filename, d.Subject.Start.Line
		}
		all = append(all, one)
	}
	return all
}

// Print writes the problems with the lines of the file that they are about.
// width is that of the terminal, 0 where the text does not go to one and is
// not to be wrapped; color puts in escape sequences.
func (p *Problems) Print(w io.Writer, width uint, color bool) error {
	return hcl.NewDiagnosticTextWriter(w, p.files, width, color).WriteDiagnostics(p.diags)
}

// problems returns the errors found, with the warnings between them, or nil
// (of type error) where there is no error.
func (r *reader) problems() error {
	if !r.diags.HasErrors() {
		return nil
	}
	return r.found()
}

func (r *reader) warnings() *Problems {
	if len(r.diags) == 0 {
		return nil
	}
	return r.found()
}

func (r *reader) found() *Problems {
	sort.SliceStable(r.diags, func(i, j int) bool { return startOf(r.diags[i]) < startOf(r.diags[j]) })
	return &Problems{diags: r.diags, files: map[string]*hcl.File{r.file: {Bytes: r.src, Nav: r.nav}}}
}

func startOf(d *hcl.Diagnostic) int {
	if d.Subject == nil {
		return 0
	}
	return d.Subject.Start.Byte
}

// fail notes an error: summary says what is wrong, detail what would be
// right.
func (r *reader) fail(at hcl.Range, summary, detail string, args ...any) {
	r.note(hcl.DiagError, at, summary, detail, args)
}

// warn notes what is probably not meant.
func (r *reader) warn(at hcl.Range, summary, detail string, args ...any) {
	r.note(hcl.DiagWarning, at, summary, detail, args)
}

func (r *reader) note(s hcl.DiagnosticSeverity, at hcl.Range, summary, detail string, args []any) {
	r.diags = append(r.diags, &hcl.Diagnostic{Severity: s, Summary: summary, Detail: fmt.Sprintf(detail, args...), Subject: &at})
}
