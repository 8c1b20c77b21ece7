package ladder

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// charts are drawn in testdata/NAME.chart.
var charts = map[string]*Chart{
	"call": {Columns: []string{"pbx", "SBC", "itsp"}, Rows: []Row{
		{0, 0, 1, "INVITE", nil},
		{200 * time.Microsecond, 1, 0, "100 Trying", nil},
		{300 * time.Microsecond, 1, 1, `route "out" to peer itsp (sbc.hcl:41)`, nil},
		{412345 * time.Nanosecond, 1, 2, "INVITE", []string{
			"Contact: <sip:1001@192.168.1.10> → <sip:203.0.113.7> (we are the far end here, RFC 3261 section 8.1.1.8)",
			"Call-ID: 8f2a@192.168.1.10 → k7f3qd2mz5wq8rbtv6xs",
			"o=: 192.168.1.10 → 203.0.113.7",
		}},
		{31 * ms, 2, 1, "180 Ringing", nil},
		{32 * ms, 1, 0, "180 Ringing", []string{"Server: removed (sbc.hcl:12)"}},
		{2345678 * time.Microsecond, 2, 1, "200 OK", nil},
		{2346 * ms, 1, 0, "200 OK", nil},
		{2400 * ms, -1, -1, "audit: 6 messages out, nothing found", nil},
		{2500 * ms, 0, 2, "audio", []string{"3002 packets, 0 lost, jitter 0.4 ms"}},
		{2500 * ms, 2, 0, "audio", []string{"3001 packets, 1 lost, jitter 1.2 ms"}},
		{62500 * ms, 2, 2, "silent for 60 s", nil},
		{62501 * ms, 1, 2, "BYE", nil},
	}},
	"narrow": {Width: 50, Columns: []string{"a phone with a long name", "SBC", "itsp.example"}, Rows: []Row{
		{0, 0, 1, "INVITE sip:+4930123456@192.168.1.1", nil},
		{ms, 1, 1, `route "out" to peer itsp (sbc.hcl:41)`, nil},
		{ms, 1, 2, "INVITE", []string{"Contact: <sip:1001@192.168.1.10> → <sip:203.0.113.7>", strings.Repeat("x", 90)}},
		{2 * ms, 2, 2, "busy with something that takes a long text", nil},
		{2 * ms, 2, 1, "486 Busy Here", nil},
		{2 * ms, 1, 0, "486 Busy Here", nil},
	}},
	"hostile": {Columns: []string{"a\x1b[31m", "SBC", "b\u202e"}, Rows: []Row{
		{-ms, 0, 1, "INVITE\r\n        0s   │◀── 200 OK", []string{"\xff\x00\u2028", "a\nb"}},
		{0, 1, 2, "日本語の表示名 INVITE 日本語の表示名 日本語の表示名 日本語の表示名", []string{strings.Repeat("日本", 40)}},
		{0, 2, 1, "e" + strings.Repeat("\u0301", 50), nil},
		{time.Hour + 90*time.Second, 7, 1, "from nobody", nil},
		{1<<63 - 1, 1, 1, "", []string{""}},
	}},
	"no_rows":   {Columns: []string{"pbx", "SBC", "itsp"}},
	"one_alone": {Columns: []string{"SBC"}, Rows: []Row{{0, 0, 0, "started", []string{"with sbc.hcl"}}, {0, 0, 1, "x", nil}}},
	"nobody":    {Rows: []Row{{0, 0, 0, "a", []string{"b"}}}},
	"two_sides": {Columns: []string{"seen by the LAN", "seen by the ITSP"}, Rows: []Row{{0, 0, 1, "", nil}, {5 * ms, 1, 0, "200", nil}}},
}

func TestChart(t *testing.T) {
	for name, c := range charts {
		t.Run(name, func(t *testing.T) {
			got := c.AppendTo([]byte("kept\n"))
			file := "testdata/" + name + ".chart"
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := Diff(string(want), string(got)); d != "" {
				t.Errorf("%s:\n%s", file, d)
			}
			checkChart(t, c, string(got))
		})
	}
}

// checkChart says what holds for every chart: no line is too wide, none has
// what a terminal would obey.
func checkChart(t *testing.T, c *Chart, got string) {
	t.Helper()
	width := max(c.Width, widthMin)
	if c.Width == 0 {
		width = widthDefault
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(got, "\n"), "\n") {
		if !shown(line) {
			t.Errorf("line %q", line)
		}
		if n := cellsOf(line); n > width {
			t.Errorf("line of %d cells, want %d at most: %s", n, width, line)
		}
	}
}

// All labels and notes are there to be read, whatever the layout.
func TestChartShowsAll(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	for range 300 {
		n := 1 + r.IntN(5)
		c := &Chart{Width: 60 + r.IntN(80)}
		for i := range n {
			c.Columns = append(c.Columns, fmt.Sprintf("p%d", i))
		}
		for i := range 20 {
			c.Rows = append(c.Rows, Row{time.Duration(i) * ms, r.IntN(n+2) - 1, r.IntN(n+2) - 1,
				fmt.Sprintf("L%d", i), []string{fmt.Sprintf("N%d", i)}})
		}
		got := string(c.AppendTo(nil))
		checkChart(t, c, got)
		for i := range c.Rows {
			for _, word := range []string{fmt.Sprintf("L%d", i), fmt.Sprintf("N%d", i)} {
				if !strings.Contains(got, word) {
					t.Fatalf("seed %d: %s is missing in\n%s", seed, word, got)
				}
			}
		}
	}
}

func FuzzChart(f *testing.F) {
	f.Add("pbx", "SBC", "INVITE", "Contact: a", 0, 1, 80, int64(1))
	f.Fuzz(func(t *testing.T, a, b, label, note string, from, to, width int, at int64) {
		c := &Chart{Columns: []string{a, b, a}, Width: width % 500, Rows: []Row{{time.Duration(at), from, to, label, []string{note}}}}
		if c.Width < 0 {
			c.Width = 0
		}
		checkChart(t, c, string(c.AppendTo(nil)))
	})
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 412345 * time.Nanosecond: "400µs", 999960 * time.Microsecond: "1s", 1234567 * time.Microsecond: "1.235s",
		90*time.Second + 123*ms: "1m30.1s", -5 * ms: "-5ms", -1 << 63: "-2562047h47m16.854775807s",
	} {
		if got := clock(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
}
