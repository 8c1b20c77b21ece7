package console

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sbc/signaling"
	"sbc/telemetry"
)

// A page is text under construction. Everything that is put into it is
// escaped: much of it came from the network.
type page struct{ b strings.Builder }

func (p *page) line(format string, args ...any) {
	p.b.WriteString(telemetry.Escape(strings.TrimRight(fmt.Sprintf(format, args...), " ")))
	p.b.WriteByte('\n')
}

func (p *page) to(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// table writes rows in columns under a heading; nothing when there is no row.
func (p *page) table(heading []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	all := append([][]string{heading}, rows...)
	widths := make([]int, len(heading))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], width(cell))
		}
	}
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			line.WriteString(cell + strings.Repeat(" ", widths[i]-width(cell)+2))
		}
		p.line("%s", line.String())
	}
}

// width is the number of columns of s on a terminal, for the scripts that
// names in a configuration are written in.
func width(s string) int { return len([]rune(telemetry.Escape(s))) }

// WriteStatus writes a status as text.
func WriteStatus(w io.Writer, st signaling.Status) error {
	p := &page{}
	p.line("sbc %s, up %s", st.Version, seconds(st.Uptime))
	p.line("%s now, %d attempted, %d answered", count(st.Calls, "call"), st.Attempts, st.Answered)
	p.line("leaks %d, panics %d, ledger %s", st.Leaks, st.Panics, ledger(st.Ledger))
	p.line("")
	p.table([]string{"REALM", "PORT PAIRS", "IN USE", "RESTING", "CONNECTIONS", "LISTENS ON"}, realmRows(st))
	for _, r := range st.Realms {
		for _, line := range r.Public {
			p.line("  %s %s", r.Name, line)
		}
	}
	p.line("")
	p.table([]string{"PEER", "REALM", "CALLS", "LIMIT", "TARGET", "ADDRESSES"}, peerRows(st))
	p.line("")
	if len(st.Bindings) > 0 {
		var rows [][]string
		for _, b := range st.Bindings {
			rows = append(rows, []string{b.Endpoints, strconv.Itoa(b.Reachable), strconv.Itoa(b.Unreachable)})
		}
		p.table([]string{"ENDPOINTS", "REACHABLE", "UNREACHABLE"}, rows)
		p.line("")
	}
	p.table([]string{"SHARD", "CALLS", "TRANSACTIONS", "TIMERS", "QUEUE", "DROPPED", "LAG"}, shardRows(st))
	gateLines(p, st.Gate)
	if s := st.Store; s != nil && s.Error != "" {
		p.line("")
		p.line("the store cannot be written, and a restart would forget %s: %s", count(s.Waiting, "change"), s.Error)
	}
	if len(st.Rejects) > 0 {
		p.line("")
		var rows [][]string
		for _, cause := range slices.Sorted(maps.Keys(st.Rejects)) {
			rows = append(rows, []string{cause, strconv.Itoa(st.Rejects[cause])})
		}
		p.table([]string{"REFUSED FOR", "TIMES"}, rows)
	}
	return p.to(w)
}

func realmRows(st signaling.Status) (rows [][]string) {
	for _, r := range st.Realms {
		rows = append(rows, []string{r.Name, strconv.Itoa(r.Ports), strconv.Itoa(r.InUse), strconv.Itoa(r.Resting), strconv.Itoa(r.Connections.Open), strings.Join(r.Listen, ", ")})
	}
	return rows
}

func peerRows(st signaling.Status) (rows [][]string) {
	for _, r := range st.Peers {
		limit := "none"
		if r.Limit > 0 {
			limit = strconv.Itoa(r.Limit)
		}
		target, addrs := r.Target, strings.Join(r.Address, ", ")
		switch {
		case r.Gone:
			addrs = "gone from the file, its calls go on"
		case target == "":
			target, addrs = "none", "by registration"
		case addrs == "":
			addrs = "not resolved"
		}
		rows = append(rows, []string{r.Name, r.Realm, strconv.Itoa(r.Calls), limit, target, addrs})
	}
	return rows
}

func shardRows(st signaling.Status) (rows [][]string) {
	for i, s := range st.Shards {
		rows = append(rows, []string{
			strconv.Itoa(i), strconv.Itoa(s.Calls), strconv.Itoa(s.Transactions), strconv.Itoa(s.Timers),
			strconv.Itoa(s.Queue), strconv.FormatUint(s.Dropped, 10), brief(s.Lag),
		})
	}
	return rows
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ledger says whether anything was left behind.
func ledger(l signaling.Ledger) string {
	if !l.Rest() {
		return "at zero"
	}
	return fmt.Sprintf("NOT AT ZERO: calls %d, ports %d, timers %d", l.Calls, l.Ports, l.Timers)
}

// WriteCalls writes a list of calls as text.
func WriteCalls(w io.Writer, list []signaling.CallInfo) error {
	p := &page{}
	if len(list) == 0 {
		p.line("no calls")
	}
	slices.SortFunc(list, func(a, b signaling.CallInfo) int { return strings.Compare(a.ID, b.ID) })
	slices.SortStableFunc(list, func(a, b signaling.CallInfo) int { return int(b.Age) - int(a.Age) })
	var rows [][]string
	for _, c := range list {
		rows = append(rows, []string{c.ID, c.State, seconds(c.Age), c.From, c.To, c.Caller, c.Callee, c.Route})
	}
	p.table([]string{"ID", "STATE", "AGE", "FROM", "TO", "CALLER", "CALLEE", "ROUTE"}, rows)
	return p.to(w)
}

// WriteRegistrations writes a list of bindings as text.
func WriteRegistrations(w io.Writer, list []signaling.RegistrationInfo) error {
	p := &page{}
	if len(list) == 0 {
		p.line("nobody is registered")
	}
	var rows [][]string
	for _, r := range list {
		keep := "none"
		if r.Interval > 0 {
			keep = "every " + seconds(r.Interval)
		}
		rows = append(rows, []string{r.AOR, r.Contact, r.State, r.NAT, r.Flow, seconds(r.Age), seconds(r.Here), seconds(r.There), keep, r.Endpoints})
	}
	p.table([]string{"ADDRESS-OF-RECORD", "CONTACT", "STATE", "NAT", "FLOW", "AGE", "HERE", "THERE", "KEEP-ALIVE", "ENDPOINTS"}, rows)
	return p.to(w)
}

// seconds writes a time as one would say it: 1h2m3s.
func seconds(s float64) string {
	return time.Duration(s * float64(time.Second)).Truncate(time.Second).String()
}

// brief writes a short time with three digits: 1.25ms.
func brief(s float64) string {
	d := time.Duration(s * float64(time.Second))
	for unit := time.Second; unit >= time.Microsecond; unit /= 1000 {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}
