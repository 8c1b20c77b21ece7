package sim

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"sbc/lab/ladder"
	"sbc/signaling/sip"
)

// A storyteller writes down what passes the SBC's door, for a ladder.
type storyteller struct {
	watch
	s     *scene
	from  time.Duration
	rows  []ladder.Row
	begun bool
}

func (t *storyteller) in(m *message)  { t.row(m, t.column(m), 1) }
func (t *storyteller) out(m *message) { t.row(m, 1, t.column(m)) }

// storyColumns are those of the ladders: transferor, transferee and target.
var storyColumns = []string{"T (LAN)", "SBC", "E (ITSP)", "G (ITSP)"}

// column is that of who sent a message or gets it.
func (t *storyteller) column(m *message) int {
	switch m.from {
	case t.s.alice.index:
		return 0
	case t.s.bob.index:
		return 2
	}
	return 3
}

func (t *storyteller) row(m *message, from, to int) {
	if t.begun && !m.response(sip.INVITE, 100, 100) {
		t.rows = append(t.rows, ladder.Row{At: m.at - t.from, From: from, To: to, Label: storyLabel(m), Notes: t.notes(m)})
	}
}

// storyLabel is a message in the fewest words; notes say the rest.
func storyLabel(m *message) string {
	words := strings.Fields(label(m))
	switch {
	case !m.sip.IsRequest():
		return strings.Join(words[:2], " ")
	case m.sip.Method() == sip.NOTIFY:
		_, status, _ := strings.Cut(words[len(words)-1], ":")
		return "NOTIFY " + status
	}
	return words[0]
}

// notes say what the fields of a transfer mean to who reads them.
func (t *storyteller) notes(m *message) (all []string) {
	if !m.sip.IsRequest() {
		return nil
	}
	for _, id := range []sip.FieldID{sip.FieldReferTo, sip.FieldReplaces, sip.FieldReferredBy} {
		f, ok := m.sip.First(id)
		if !ok {
			continue
		}
		v := string(m.sip.Bytes(f.Value))
		if id == sip.FieldReplaces {
			all = append(all, "Replaces: "+t.dialog(v))
			continue
		}
		uri, replaces, named := strings.Cut(strings.Trim(v, "<>"), "?Replaces=")
		note := id.String() + ": " + t.hosts(uri)
		if named {
			replaces, _ = url.PathUnescape(replaces)
			note += ", Replaces=" + t.dialog(replaces)
		}
		all = append(all, note)
	}
	return all
}

// dialog says which dialog is named, and in whose identifiers.
func (t *storyteller) dialog(v string) string {
	callID, _, _ := strings.Cut(v, ";")
	for _, listener := range []int{inside, outside} {
		if l := t.s.w.book.legs[legKey{listener, callID}]; l != nil {
			column := t.column(&message{from: l.peer})
			return "call T–G, as " + storyColumns[column][:1] + " names it"
		}
	}
	return "call T–G, by an alias"
}

// hosts gives the hosts in a text names that say whose they are.
func (t *storyteller) hosts(v string) string {
	var names []string
	for i, n := range []string{"sbc-lan", "sbc-itsp"} {
		names = append(names, listeners[i].addr.String(), n, listeners[i].addr.Addr().String(), n)
	}
	at := t.s.alice.at
	names = append(names, "sip:"+at.name+"@", "sip:T@", at.canary().Host(), "pbx", at.addr.String(), "pbx", at.addr.Addr().String(), "pbx", t.s.carol.at.prefix+targetNumber, "G")
	v, _, _ = strings.Cut(strings.NewReplacer(names...).Replace(v), ";")
	return strings.Trim(v, "<>")
}

// storyOf is the ladder of a transfer, from the REFER on, as a block of
// Markdown.
func storyOf(t *testing.T, x transfer) string {
	t.Helper()
	s, err := x.scene(Options{Seed: 5, Delay: 10 * time.Millisecond, Sparse: true})
	if err != nil {
		t.Fatal(err)
	}
	s.w.perfect = true
	teller := &storyteller{watch: watch{s.w}, s: s}
	s.w.checkers = append(s.w.checkers, teller)
	if !s.prepare(3 * time.Second) {
		t.Fatal("the calls did not come up")
	}
	teller.begun, teller.from = true, s.w.now
	s.begin(2 * time.Second)
	s.w.run(s.w.now + 4*time.Second)
	chart := ladder.Chart{Columns: storyColumns, Rows: teller.rows}
	return "```\n" + string(chart.AppendTo(nil)) + "```\n"
}
