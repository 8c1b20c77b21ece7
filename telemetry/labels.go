package telemetry

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// Ours: the causes of all packages together are about a hundred; what comes
// after labelsMax different ones counts as "other", so that a bug that lets
// text from the network in costs a wrong label, not the memory.
const (
	labelsMax      = 160
	labelLengthMax = 32
	other          = "other"
)

// labels numbers the values of one label as they are first used. Looking one
// up takes no lock.
type labels struct {
	index atomic.Pointer[map[string]int]

	mu    sync.Mutex // taken to add a value
	names []string   // Guarded by mu. By number; 0 is "other".
}

func newLabels() *labels {
	l := &labels{names: []string{other}}
	l.index.Store(&map[string]int{other: 0})
	return l
}

// number returns the number of name, below labelsMax.
func (l *labels) number(name string) int {
	if i, ok := (*l.index.Load())[name]; ok {
		return i
	}
	if !isLabel(name) {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := *l.index.Load()
	if i, ok := old[name]; ok {
		return i
	}
	if len(l.names) == labelsMax {
		return 0
	}
	grown := maps.Clone(old)
	grown[name] = len(l.names)
	l.names = append(l.names, name)
	l.index.Store(&grown)
	return grown[name]
}

// all returns the names by number.
func (l *labels) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names[:len(l.names):len(l.names)]
}

// isLabel tells whether name looks like a cause of ours: lower case letters,
// digits and underscores.
func isLabel(name string) bool {
	if name == "" || len(name) > labelLengthMax {
		return false
	}
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// A table counts by a fixed first label and by a cause.
type table struct {
	desc   *prometheus.Desc
	causes *labels
	rows   atomic.Pointer[[]row] // never changed after it was stored
}

// A row has the counts of one value of the first label.
type row struct {
	name   string
	counts *[labelsMax]atomic.Uint64 // by cause
}

// newTable returns a table with the labels first and cause; rows without a
// label name make a table by cause alone.
func newTable(name, help, first string, rows []string, cause string) *table {
	names := []string{first, cause}
	if first == "" {
		names, rows = []string{cause}, []string{""}
	}
	t := &table{desc: prometheus.NewDesc(name, help, names, nil), causes: newLabels()}
	t.rows.Store(&[]row{})
	t.grow(rows)
	return t
}

// grow makes the table one with rows, of which it has the first already. One
// goroutine at a time calls it.
func (t *table) grow(rows []string) {
	grown := slices.Clone(*t.rows.Load())
	for _, name := range rows[min(len(grown), len(rows)):] {
		grown = append(grown, row{name, new([labelsMax]atomic.Uint64)})
	}
	t.rows.Store(&grown)
}

// add counts; a row that there is not counts for the first.
func (t *table) add(row int, cause string, n uint64) {
	rows := *t.rows.Load()
	if row >= len(rows) {
		row = 0
	}
	rows[row].counts[t.causes.number(cause)].Add(n)
}

// Describe implements prometheus.Collector.
func (t *table) Describe(c chan<- *prometheus.Desc) { c <- t.desc }

// Collect implements prometheus.Collector. What never happened is left out.
func (t *table) Collect(c chan<- prometheus.Metric) {
	names := t.causes.all()
	for _, r := range *t.rows.Load() {
		for i, name := range names {
			n := r.counts[i].Load()
			if n == 0 {
				continue
			}
			values := []string{r.name, name}
			if r.name == "" {
				values = values[1:]
			}
			c <- prometheus.MustNewConstMetric(t.desc, prometheus.CounterValue, float64(n), values...)
		}
	}
}

// fieldLabel writes the name of a field as a label: "SDP a=" as "sdp_a".
func fieldLabel(field string) string {
	if len(field) > labelLengthMax {
		return other
	}
	b := make([]byte, 0, labelLengthMax)
	for i := range len(field) {
		switch c := field[i]; {
		case c >= 'A' && c <= 'Z':
			b = append(b, c+'a'-'A')
		case c == ' ' || c == '-':
			b = append(b, '_')
		case c != '=':
			b = append(b, c)
		}
	}
	return string(b)
}
