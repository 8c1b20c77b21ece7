package sim

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"sbc/lab/ladder"
	"sbc/lab/ua"
)

// A matrix is what came of all cells.
type matrix struct {
	played int
	cells  map[transfer]string
}

// enter plays a cell.
func (m *matrix) enter(t *testing.T, x transfer) {
	if x.impossible() != "" {
		return
	}
	_, result, err := x.play()
	if err != nil {
		t.Errorf("%v: %v", x, err)
	}
	if m.cells == nil {
		m.cells = map[transfer]string{}
	}
	m.cells[x] = result
	m.played++
}

const transfersDoc = "../../docs/transfers.md"

// publish compares the generated parts of the document with what happened, or
// writes them.
func (m *matrix) publish(t *testing.T) {
	doc, err := os.ReadFile(transfersDoc)
	if err != nil {
		t.Fatal(err)
	}
	out := doc
	for _, p := range []struct{ name, text string }{
		{"blind", storyOf(t, transfer{kind: blind, place: farThird, leave: ua.LeaveDone})},
		{"attended", storyOf(t, transfer{kind: attended, place: farThird, leave: ua.LeaveDone})},
		{"matrix", m.tables()},
		{"places", m.places()},
	} {
		if out, err = replacePart(out, p.name, p.text); err != nil {
			t.Fatal(err)
		}
	}
	switch {
	case bytes.Equal(out, doc):
	case *update:
		if err := os.WriteFile(transfersDoc, out, 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("docs/transfers.md says something else than what happened (-update writes it):\n%s", ladder.Diff(string(doc), string(out)))
	}
}

// replacePart puts text between the two markers of a name.
func replacePart(doc []byte, name, text string) ([]byte, error) {
	begin, end := "<!-- begin: "+name+" -->\n", "<!-- end: "+name+" -->\n"
	before, rest, ok := strings.Cut(string(doc), begin)
	_, behind, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return nil, fmt.Errorf("%s has no part %q", transfersDoc, name)
	}
	return []byte(before + begin + "\n" + text + "\n" + end + behind), nil
}

// tables are the cells: a table for each kind, a row for each outcome, a column
// for each time at which the transferor leaves.
func (m *matrix) tables() string {
	var b strings.Builder
	for k := range kinds {
		m.table(&b, transfer{kind: k})
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (m *matrix) table(b *strings.Builder, x transfer) {
	columns := leaves
	head, rule := "| what comes of it |", "|---|"
	switch {
	case x.picked():
		columns, head, rule = leaves[3:], head+" who is connected then |", rule+"---|"
	case x.kind == unheard:
		columns = slices.DeleteFunc(slices.Clone(leaves), func(l ua.Leave) bool { return l == ua.LeaveDone })
	}
	for _, l := range columns {
		if !x.picked() {
			head, rule = head+" T leaves "+leaveNames[l]+" |", rule+"---|"
		}
	}
	fmt.Fprintf(b, "### %s\n\n%s\n%s\n", kindTitles[x.kind], head, rule)
	var never []string
	for x.outcome = range outcomes {
		var row []string
		can := false
		for _, x.leave = range columns {
			text, ok := m.cell(x)
			row, can = append(row, text), can || ok
		}
		if can {
			fmt.Fprintf(b, "| %s | %s |\n", x.title(), strings.Join(row, " | "))
		} else {
			never = append(never, "- "+x.title()+": "+row[0])
		}
	}
	if len(never) > 0 {
		fmt.Fprintf(b, "\nWhat cannot be:\n\n%s\n", strings.ReplaceAll(strings.Join(never, "\n"), ": cannot be: ", ": "))
	}
	b.WriteString("\n")
}

// cell is what came of all variants of a cell, or why there are none.
func (m *matrix) cell(x transfer) (text string, ok bool) {
	var results []string
	why := ""
	for _, v := range x.variants() {
		if r, played := m.cells[v]; !played {
			why = cmp.Or(why, v.impossible())
		} else if !slices.Contains(results, r) {
			results = append(results, r)
		}
	}
	if len(results) == 0 {
		return "cannot be: " + why, false
	}
	return strings.Join(results, " or "), true
}

// title is an outcome in the letters of the tables.
func (x transfer) title() string {
	by := strings.NewReplacer("{to}", "G", "{by}", "E")
	if x.picked() {
		by = strings.NewReplacer("{to}", "E", "{by}", "G")
	}
	return by.Replace(outcomeTitles[x.outcome])
}

var outcomeTitles = [outcomes]string{
	"{to} answers", "{to} is busy (486)", "{to} rejects (603)", "{to} does not answer, {by} gives up (CANCEL, 487)", "nothing comes from {to}'s peer (408)",
	"E refuses the REFER (403)", "T has ended the call that Replaces names", "the call that Replaces names is answered meanwhile, and Replaces is early-only (486)",
	"{to} does not let a call be replaced that rings at it (481)",
}

// places are the variants of each cell, with the number of cells that were
// played.
func (m *matrix) places() string {
	var b strings.Builder
	b.WriteString("| G is | T on the LAN, caller | T on the LAN, called | T at the ITSP, caller | T at the ITSP, called |\n|---|---|---|---|---|\n")
	count := map[transfer]int{}
	for x := range m.cells {
		x.kind, x.leave, x.outcome = 0, 0, 0
		count[x]++
	}
	for p := range places {
		fmt.Fprintf(&b, "| %s |", placeTitles[p])
		for _, inward := range []bool{false, true} {
			for _, called := range []bool{false, true} {
				fmt.Fprintf(&b, " %d |", count[transfer{place: p, inward: inward, called: called}])
			}
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%d cells in all.\n", m.played)
	return b.String()
}

var leaveNames = map[ua.Leave]string{
	ua.LeaveAtOnce: "at once, behind the REFER", ua.LeaveAccepted: "at the 202", ua.LeaveDone: "at the NOTIFY of success", ua.LeaveNever: "when the users say so",
}

var placeTitles = [places]string{
	"a third peer on T's side", "a third peer on E's side", "behind T's peer", "behind E's peer", "behind T's peer, and T's call with G does not cross the border",
}

var kindTitles = [kinds]string{
	"Blind", "Blind without news", "Attended", "Early attended", "Pick-up", "Pick-up of a call that rings",
}
