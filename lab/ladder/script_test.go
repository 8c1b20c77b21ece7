package ladder

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what happened into the files of testdata")

func disk() Files {
	files := Files{Read: os.ReadFile}
	if *update {
		files.Write = func(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }
	}
	return files
}

// A responder sends its answer again, at intervals that double, until it is
// told that it arrived.
type responder struct {
	now, next, interval time.Duration
	last                string
	acked               bool
}

func (r *responder) do(verb string, args []string) []string {
	switch verb {
	case "respond":
		r.last, r.interval = args[0], 500*time.Millisecond
		r.next = r.now + r.interval
		return []string{At(r.now, "◀── "+r.last)}
	case "ACK":
		r.acked = true
		return nil
	case "wait":
		d, err := time.ParseDuration(strings.ReplaceAll(args[0], " ", ""))
		if err != nil {
			panic(err)
		}
		return r.wait(d)
	}
	panic("no verb " + verb)
}

func (r *responder) wait(d time.Duration) (happened []string) {
	r.now += d
	if r.acked {
		return []string{At(r.now, "gone")}
	}
	for ; r.next <= r.now; r.next += r.interval {
		happened = append(happened, At(r.next, "◀── "+r.last))
		r.interval *= 2
	}
	return happened
}

func TestRun(t *testing.T) {
	Run(t, "testdata/busy_lost_ack.ladder", disk(), new(responder).do)
}

// A witness is a TB that remembers.
type witness struct{ errors, fatal []string }

func (w *witness) Helper()                      {}
func (w *witness) Errorf(f string, args ...any) { w.errors = append(w.errors, fmt.Sprintf(f, args...)) }
func (w *witness) Fatalf(f string, args ...any) { w.fatal = append(w.fatal, fmt.Sprintf(f, args...)) }

// memory is a disk with one file.
func memory(content *string, write bool) Files {
	files := Files{Read: func(string) ([]byte, error) { return []byte(*content), nil }}
	if write {
		files.Write = func(_ string, data []byte) error { *content = string(data); return nil }
	}
	return files
}

func TestRunTellsTheDifference(t *testing.T) {
	const right = "respond 486\n        0s  ◀── 486\nwait 1s\n     500ms  ◀── 486\n"
	for _, wrong := range []string{
		"respond 486\nwait 1s\n",
		"respond 486\n        0s  ◀── 487\nwait 1s\n     500ms  ◀── 486\n",
		"respond 486\n        0s  ◀── 486\nwait 1s\n     500ms  ◀── 486\n     900ms  ◀── 486\n",
		strings.TrimSuffix(right, "\n"),
	} {
		w, file := &witness{}, wrong
		Run(w, "x.ladder", memory(&file, false), new(responder).do)
		if len(w.errors) != 1 || len(w.fatal) != 0 || file != wrong {
			t.Errorf("%q: errors %q, fatal %q, then %q", wrong, w.errors, w.fatal, file)
		}
		w = &witness{}
		Run(w, "x.ladder", memory(&file, true), new(responder).do)
		if len(w.errors)+len(w.fatal) != 0 || file != right {
			t.Errorf("%q: update: errors %q, fatal %q, wrote\n%s", wrong, w.errors, w.fatal, file)
		}
		Run(w, "x.ladder", memory(&file, false), new(responder).do)
		if len(w.errors)+len(w.fatal) != 0 {
			t.Errorf("after an update: %q %q", w.errors, w.fatal)
		}
	}
}

func TestRunSaysWhatFailed(t *testing.T) {
	broken := errors.New("the disk is gone")
	file, bad := "wait 1s\n    x\n", "    x\n"
	for name, files := range map[string]Files{
		"read":   {Read: func(string) ([]byte, error) { return nil, broken }},
		"write":  {Read: memory(&file, false).Read, Write: func(string, []byte) error { return broken }},
		"syntax": memory(&bad, true),
	} {
		w := &witness{}
		Run(w, "x.ladder", files, (&responder{last: "486", interval: time.Hour}).do)
		if len(w.fatal) != 1 {
			t.Errorf("%s: fatal %q, want one", name, w.fatal)
		}
	}
}

// echo says all of its arguments.
func echo(_ string, args []string) []string { return args }

func TestPlayKeepsRemarks(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"# only a comment\n\n", "# only a comment\n\n"},
		{"do a\n# behind\n", "do a\n    a\n# behind\n"},
		{"do a b\n    a\n    # between\n    b\n", "do a b\n    a\n    # between\n    b\n"},
		{"do a b\n    # before\n    a\n    b\n\n# next\ndo c\n", "do a b\n    # before\n    a\n    b\n\n# next\ndo c\n    c\n"},
		{"do\n    a\n    # between\n    b\n", "do\n    # between\n"},
		{"do a\n    x\n    # two\n    y\n    z\n# end\n", "do a\n    a\n    # two\n# end\n"},
		{"do a   \n    a\n", "do a\n    a\n"},
		{`do "two words" "a \"b\\"` + "\n", `do "two words" "a \"b\\"` + "\n    two words\n    a \"b\\\n"},
		{`do "#1"` + "\n", `do "#1"` + "\n    \\#1\n"},
	} {
		got, err := Play([]byte(c.in), echo)
		if err != nil || string(got) != c.want {
			t.Errorf("%q: %v\n%s", c.in, err, Diff(c.want, string(got)))
		}
	}
}

func TestPlayRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"    0s  x\n":            "line 1",
		"# a\ndo a\r\n":          "line 2",
		"do a\n\ndo \"a b\n":     "line 3",
		"# a\n\n\t1s  x\ndo a\n": "line 3",
	} {
		if out, err := Play([]byte(in), echo); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want an error with %q", in, out, err, want)
		}
	}
}

// What happened must not be readable as something to do, or as a comment.
func TestPlayIndents(t *testing.T) {
	out, err := Play([]byte("do\n"), func(string, []string) []string {
		return []string{"one\ntwo\n", "", "  three  ", "\n\n", "# four", At(time.Second, "five\nsix\x1b")}
	})
	want := "do\n    one\n    two\n  three\n    \\# four\n        1s  five\\nsix\\x1b\n"
	if err != nil || string(out) != want {
		t.Errorf("%v\n%s", err, Diff(want, string(out)))
	}
}

func FuzzPlay(f *testing.F) {
	f.Add("# c\ndo a\n    x\n# d\n    y\n\nthen \"b c\"\n", 3)
	f.Fuzz(func(t *testing.T, script string, lines int) {
		// What is done says n things, with texts that look like other lines.
		do := func(verb string, args []string) []string {
			return append(args, []string{"do x", "# y", "    z", "", "a\nb"}[:max(lines, 0)%6]...)
		}
		once, err := Play([]byte(script), do)
		if err != nil {
			return
		}
		twice, err := Play(once, do)
		if err != nil || string(once) != string(twice) {
			t.Errorf("playing %q again: %v\n%s", once, err, Diff(string(once), string(twice)))
		}
	})
}
