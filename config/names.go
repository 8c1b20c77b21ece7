package config

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// names are the labels of one kind of block, in the order of the file.
type names struct {
	kind string // "realm"
	list []string
	at   []hcl.Range
	good []string // that can be referred to, each once
}

// find returns the place in the list.
func (n *names) find(name string) (int, bool) {
	for i, have := range n.list {
		if have == name {
			return i, true
		}
	}
	return 0, false
}

// full is how a name is referred to.
func (n *names) full(name string) string { return n.kind + "." + name }

// Ours: names stand in metrics and tables.
const nameMax = 32

// add notes a label, a wrong one too: the place of a name in the list is
// that of its block in the file.
func (r *reader) add(n *names, name string, at hcl.Range) {
	if !goodName(name) {
		r.fail(at, "Unusable name", "%q cannot be referred to as %s.NAME. A name begins with a letter and has letters, digits, _ and -, at most %d.", name, n.kind, nameMax)
	} else if i, found := n.find(name); found {
		r.fail(at, "Name used twice", "There is a %s %q in line %d already. Give this one another name.", n.kind, name, n.at[i].Start.Line)
	} else {
		n.good = append(n.good, name)
	}
	n.list, n.at = append(n.list, name), append(n.at, at)
}

func goodName(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return s != "" && len(s) <= nameMax
}

// refer reads a reference like realm.outside and gives the index of what it
// names.
func (r *reader) refer(key string, e hcl.Expression, n *names) (int, bool) {
	at := e.Range()
	steps, diags := hcl.AbsTraversalForExpr(e)
	if diags.HasErrors() {
		r.notReference(key, e, n)
		return 0, false
	}
	if len(steps) != 2 || steps.RootName() != n.kind {
		r.fail(at, "Not a reference", "%q refers to a %s, as %s.NAME.%s %s", key, n.kind, n.kind, bare(steps, n), n.known())
		return 0, false
	}
	step, ok := steps[1].(hcl.TraverseAttr)
	if !ok {
		r.fail(at, "Not a reference", "%q refers to a %s by its name. %s", key, n.kind, n.known())
		return 0, false
	}
	i, found := n.find(step.Name)
	if !found {
		r.fail(at, "Unknown "+n.kind, "There is no %s %q.%s %s", n.kind, step.Name, didYouMean(step.Name, n.good, n.full), n.known())
	}
	return i, found
}

// bare suggests what was meant by itsp or per.itsp instead of peer.itsp.
func bare(steps hcl.Traversal, n *names) string {
	name := steps.RootName()
	if len(steps) > 1 {
		if step, ok := steps[1].(hcl.TraverseAttr); ok {
			name = step.Name
		}
	}
	return didYouMean(name, n.good, n.full)
}

func (r *reader) notReference(key string, e hcl.Expression, n *names) {
	v, diags := e.Value(nil)
	if !diags.HasErrors() && v.IsKnown() && !v.IsNull() && v.Type().FriendlyName() == "string" {
		name := strings.TrimPrefix(v.AsString(), n.kind+".")
		if _, found := n.find(name); found {
			r.fail(e.Range(), "Not a reference", "%q refers to a %s: write %s, without quotes.", key, n.kind, n.full(name))
			return
		}
	}
	r.fail(e.Range(), "Not a reference", "%q refers to a %s by its name, without quotes. %s", key, n.kind, n.known())
}

// known lists what can be referred to.
func (n *names) known() string {
	if len(n.good) == 0 {
		return fmt.Sprintf("The file has no %s.", n.kind)
	}
	return fmt.Sprintf("The %s are: %s.", strings.TrimSuffix(n.kind, "s")+"s", listed(n.good, n.full))
}

// example is a reference that could stand in the file.
func (n *names) example() string {
	if len(n.good) > 0 {
		return n.full(n.good[0])
	}
	return n.kind + ".NAME"
}

// quoted is how a word of a list is shown.
func quoted(s string) string { return fmt.Sprintf("%q", s) }

// listed joins words for a sentence.
func listed(words []string, show func(string) string) string {
	shown := make([]string, len(words))
	for i, w := range words {
		shown[i] = show(w)
	}
	return strings.Join(shown, ", ")
}

// didYouMean suggests the word that is nearest to a misspelt one, as
// ` Did you mean x?`, or nothing where none is near.
func didYouMean(given string, words []string, show func(string) string) string {
	best, least := "", 3
	for _, w := range words {
		// A word of two letters is two changes from any other.
		if d := distance(strings.ToLower(given), strings.ToLower(w)); d < least && d < len(w) {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return " Did you mean " + show(best) + "?"
}

// distance is the number of letters to add, take away or change, where two
// neighbours that changed places count once.
func distance(a, b string) int {
	// Three rows of the table suffice: a swap looks two rows back.
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		older, old, row = old, row, older
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
