package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"sbc/lab/netns"
)

// A hundred reloads under 200 calls a second, each with other rules, and each
// followed by a file that is wrong: no call fails, and nothing is left behind.
func TestReloadUnderLoad(t *testing.T) {
	throughSBC(t)
	netns.Require(t, "root", "sipp")
	t.Parallel()
	w := reloading(t)
	const reloads, rate, calls = 100, 200, 2400
	load := []string{"-m", fmt.Sprint(calls), "-r", fmt.Sprint(rate), "-l", "1000", "-timeout", "90s", "-deadcall_wait", lateMillis}
	finished := w.begin("basic", w.lan, many,
		part{role: "uas", side: w.itsp, port: sipPort, args: load},
		part{role: "uac", side: w.lan, port: sipPort + 1, calls: true, args: load})
	good, err := os.ReadFile(w.border.file)
	w.must(err)
	for i := range reloads {
		w.must(os.WriteFile(w.border.file, []byte(vary(string(good), i)), 0o600))
		if _, err := w.border.run("reload"); err != nil {
			t.Fatalf("reload %d: %v", i, err)
		}
		w.must(os.WriteFile(w.border.file, append(good, "\nroute \"x\" { form = [peer.pbx] }\n"...), 0o600))
		if _, err := w.border.run("reload"); err == nil || !strings.Contains(err.Error(), `Did you mean "from"?`) {
			t.Fatalf("a wrong file: %v", err)
		}
	}
	finished()
	w.sealed()
	s, err := w.border.status()
	w.must(err)
	if s.Attempts != calls || s.Answered != calls || len(s.Rejects) != 0 {
		t.Errorf("%d calls, %d answered, refused: %v", s.Attempts, s.Answered, s.Rejects)
	}
}

// reloading is a world with ports for 200 calls a second: 1,000 pairs rest at any
// time.
func reloading(t *testing.T) *world {
	sbc := standard
	sbc.outside, sbc.inside = "20000-29999", "30000-39999"
	return newWorldOf(t, sbc)
}

// A thousand reloads under load, a wrong file each third time: no call fails, and
// the process grows by no more than 2 %. With SBC_LONG alone.
func TestThousandReloads(t *testing.T) {
	throughSBC(t)
	netns.Require(t, "root", "sipp")
	if os.Getenv("SBC_LONG") == "" {
		return // make test-long
	}
	w := reloading(t)
	var cancel context.CancelFunc
	w.ctx, cancel = context.WithTimeout(context.Background(), 10*testTime)
	t.Cleanup(cancel)
	// What has a fixed size fills up first: the traces of calls, the transactions of
	// half a minute, and the pages of the program that read configurations.
	const reloads, warm, rate, calls, begin = 1100, 100, 200, 24000, 16000
	load := []string{"-m", fmt.Sprint(calls), "-r", fmt.Sprint(rate), "-l", "1000", "-timeout", "300s", "-deadcall_wait", lateMillis}
	finished := w.begin("basic", w.lan, many,
		part{role: "uas", side: w.itsp, port: sipPort, args: load},
		part{role: "uac", side: w.lan, port: sipPort + 1, calls: true, args: load})
	good, err := os.ReadFile(w.border.file)
	w.must(err)
	w.await("memory to fill", func() bool { s, err := w.border.status(); return err == nil && s.Answered > begin })
	var before int
	for i := range reloads {
		text := []byte(vary(string(good), i))
		if i%3 == 2 {
			text = append(text, "\nroute \"x\" { form = [peer.pbx] }\n"...)
		}
		w.must(os.WriteFile(w.border.file, text, 0o600))
		if _, err := w.border.run("reload"); (err == nil) == (i%3 == 2) {
			t.Fatalf("reload %d: %v", i, err)
		}
		if i == warm {
			before = w.border.resident()
		}
	}
	after := w.border.resident()
	s, err := w.border.status()
	w.must(err)
	if s.Attempts >= calls {
		t.Error("the load ended before the reloads")
	}
	finished()
	s, err = w.border.status()
	w.must(err)
	if s.Attempts != calls || s.Answered != calls || len(s.Rejects) != 0 {
		t.Errorf("%d calls, %d answered, refused: %v", s.Attempts, s.Answered, s.Rejects)
	}
	t.Logf("resident: %d KiB after %d reloads, %d KiB after %d", before, warm, after, reloads)
	if after > before+before/50 {
		t.Errorf("it grew from %d to %d KiB", before, after)
	}
}

// resident returns the memory of the SBC in KiB.
func (b *border) resident() int {
	b.w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", b.process.PID()))
	b.w.must(err)
	var size, resident int
	_, err = fmt.Sscan(string(text), &size, &resident)
	b.w.must(err)
	return resident * os.Getpagesize() / 1024
}

// vary changes the rules so that those of each turn differ from the last: peers
// that come, go and move up, other limits, other routes, other fields hidden.
func vary(text string, turn int) string {
	more := ""
	for i := range turn % 4 {
		more += fmt.Sprintf("\npeer \"extra%d\" {\n  realm  = realm.outside\n  target = \"sip:203.0.113.%d\"\n}\n", i, 100+i)
	}
	if turn%4 > 0 {
		more += "route \"extra\" {\n  from = [peer.extra0]\n  to   = [peer.pbx]\n}\n"
	}
	first := "route \"first\" {\n  from = [peer.pbx]\n  match { user = \"^9999\" }\n  to = [peer.itsp]\n}\n"
	if turn%3 == 0 {
		first = ""
	}
	text = strings.Replace(text, "route \"in\"", first+"route \"in\"", 1)
	text = strings.Replace(text, "peer \"itsp\" {", more+"\npeer \"itsp\" {\n  limits { calls = "+fmt.Sprint(1000+turn)+" }\n", 1)
	if turn%2 == 1 {
		text = strings.Replace(text, "audit =", "user_agent = \"edge\"\n    audit =", 1)
	}
	return text
}
