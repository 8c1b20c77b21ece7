package ladder

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A Chart is the ladder of a call: who takes part, from left to right, and
// what went from one to another. All text is escaped when it is drawn.
type Chart struct {
	Columns []string // names of the participants
	Rows    []Row    // in order of time
	Width   int      // characters a line may have; 0: 100
}

// A Row is one message or one event. From and To are indices into Columns. A
// Row with From == To is something that a participant did or decided alone; a
// Row with an index that no column has concerns none of them.
type Row struct {
	At       time.Duration // since the call began
	From, To int
	Label    string
	Notes    []string // shown below, as long as they are
}

// Ours: a line of a mail or an issue has 80 to 100 characters; below 40 a
// chart is no longer read. An arrow of 14 is seen as one, and text beside a
// life line is read where it has 30.
const (
	widthDefault = 100
	widthMin     = 40
	gapMin       = 14
	beside       = 30
	timeWidth    = 10
)

// AppendTo draws the chart: UTF-8 text without control characters other than
// LF, no line wider than Width.
func (c *Chart) AppendTo(dst []byte) []byte {
	d := c.layout()
	if len(d.lines) > 0 {
		dst = d.names(dst, c.Columns)
	}
	for i := range c.Rows {
		dst = d.row(dst, &c.Rows[i])
	}
	return dst
}

// A drawing knows where the life lines are.
type drawing struct {
	width int
	lines []int // column of each life line
	cells []string
}

func (c *Chart) layout() *drawing {
	d := &drawing{width: c.Width}
	if d.width <= 0 {
		d.width = widthDefault
	}
	d.width = max(d.width, widthMin)
	n := len(c.Columns)
	first := timeWidth + 3
	gap := gapMin
	for i := range c.Rows {
		// "│─ label ─▶│": five cells that are no label.
		if r := &c.Rows[i]; c.arrow(r) {
			hops := max(r.From-r.To, r.To-r.From)
			gap = max(gap, (cellsOf(Escape(r.Label))+6+hops-1)/hops)
		}
	}
	for i := 1; i < n; i++ {
		gap = max(gap, (cellsOf(Escape(c.Columns[i]))+cellsOf(Escape(c.Columns[i-1])))/2+2)
	}
	if n > 1 {
		// The last life line leaves room for half of its name.
		gap = max(min(gap, (d.width-first-gapMin/2)/(n-1)), 2)
	}
	for i := range n {
		if at := first + i*gap; at < d.width {
			d.lines = append(d.lines, at)
		}
	}
	return d
}

func (c *Chart) arrow(r *Row) bool {
	n := len(c.Columns)
	return r.From != r.To && 0 <= r.From && r.From < n && 0 <= r.To && r.To < n
}

// clear begins a new line: blank, with or without the life lines.
func (d *drawing) clear(lines bool) {
	if d.cells == nil {
		d.cells = make([]string, d.width)
	}
	for i := range d.cells {
		d.cells[i] = " "
	}
	if lines {
		for _, at := range d.lines {
			d.cells[at] = "│"
		}
	}
}

// text writes s at cell at, up to cell end, and returns the cell behind it.
func (d *drawing) text(at, end int, s string) int {
	s, _ = fit(s, max(end-at, 0))
	for _, g := range glyphs(s) {
		d.cells[at] = g.text
		if g.cells == 2 {
			d.cells[at+1] = ""
		}
		at += g.cells
	}
	return at
}

// end appends the line to dst.
func (d *drawing) end(dst []byte) []byte {
	line := strings.TrimRight(strings.Join(d.cells, ""), " ")
	return append(append(dst, line...), '\n')
}

func (d *drawing) names(dst []byte, columns []string) []byte {
	d.clear(false)
	from := 0
	for i, at := range d.lines {
		end := d.width
		if i+1 < len(d.lines) {
			end = (at + d.lines[i+1]) / 2
		}
		name := Escape(columns[i])
		from = d.text(max(from, at-cellsOf(name)/2), end, name) + 1
	}
	dst = d.end(dst)
	d.clear(true)
	return d.end(dst)
}

func (d *drawing) row(dst []byte, r *Row) []byte {
	d.clear(true)
	when := clock(r.At)
	d.text(max(timeWidth-cellsOf(when), 0), timeWidth+2, when)
	label, at := Escape(r.Label), timeWidth+3
	n := len(d.lines)
	switch from, to := r.From, r.To; {
	case from < 0 || to < 0 || from >= n || to >= n:
		dst = d.beside(dst, at, label)
	case from == to:
		at = d.lines[from]
		dst = d.event(dst, at, label)
	default:
		at = d.lines[min(from, to)]
		d.arrow(from, to, label)
		dst = d.end(dst)
	}
	if at += 2; d.width-at < beside {
		at = timeWidth + 5
	}
	for _, note := range r.Notes {
		d.clear(true)
		dst = d.beside(dst, at, Escape(note))
	}
	return dst
}

// event writes what one participant did alone: to the right of its life line,
// or to the left of the last one.
func (d *drawing) event(dst []byte, at int, s string) []byte {
	if room := at - timeWidth - 6; d.width-at < beside && cellsOf(s)+2 > d.width-at && room > d.width-at {
		s, _ = fit(s, room)
		d.cells[at] = "┤"
		d.text(at-1-cellsOf(s), at-1, s)
		return d.end(dst)
	}
	d.cells[at] = "├"
	return d.beside(dst, at+2, s)
}

// arrow draws ──label──▶ between two life lines, over those between them.
func (d *drawing) arrow(from, to int, label string) {
	left, right := d.lines[min(from, to)], d.lines[max(from, to)]
	for i := left + 1; i < right; i++ {
		if d.cells[i] == "│" {
			d.cells[i] = "┼"
		} else {
			d.cells[i] = "─"
		}
	}
	if from < to {
		d.cells[right-1] = "▶"
	} else {
		d.cells[left+1] = "◀"
	}
	if room := right - left - 5; room > 0 && label != "" {
		label, _ = fit(label, room)
		at := left + (right-left-cellsOf(label))/2
		d.cells[at] = " "
		d.cells[d.text(at+1, right-2, label)] = " "
	}
}

// beside writes a text over the life lines from cell at, beginning with the
// line that is being drawn, on as many lines as it needs.
func (d *drawing) beside(dst []byte, at int, s string) []byte {
	line, s := wrap(s, d.width-at)
	d.text(at, d.width, line)
	dst = d.end(dst)
	for s != "" {
		line, s = wrap(s, d.width-at-2)
		d.clear(true)
		d.text(at+2, d.width, line)
		dst = d.end(dst)
	}
	return dst
}

// wrap cuts s where a line of so many cells ends, at a space if there is one
// in the second half.
func wrap(s string, cells int) (line, rest string) {
	line, whole := fit(s, cells)
	if whole {
		return line, ""
	}
	line = cutCells(s, cells)
	if space := strings.LastIndexByte(line, ' '); space > len(line)/2 {
		line = line[:space]
	}
	if line == "" { // one character is wider than the line
		_, n := utf8.DecodeRuneInString(s)
		line = s[:n]
	}
	return line, strings.TrimLeft(s[len(line):], " ")
}

// clock shows a time as closely as one reads it.
func clock(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + clock(d.Abs())
	case d < time.Second:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Minute:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}
