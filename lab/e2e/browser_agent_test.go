package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"sbc/lab/netns"
)

// A browser is a user agent of JsSIP in Node that is told what to do: see
// testdata/browser/agent.js.
type browser struct {
	w       *world
	process *netns.Process
	from    int // events that were awaited, and those before them
}

// browserOptions say who a browser is.
type browserOptions struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Domain   string `json:"domain"`
	Password string `json:"password"`
	Origin   string `json:"origin"` // of the page; empty: it is no browser
	CA       string `json:"ca"`     // a file
	Address  string `json:"address"`
}

// A browserEvent is what a browser tells.
type browserEvent struct {
	Is         string   `json:"is"`
	Names      []string `json:"names"` // its Via's host, its instance, the user of its Contact
	Text       string   `json:"text"`  // of a message that it got
	From       string   `json:"from"`
	Status     int      `json:"status"`
	Originator string   `json:"originator"`
	Cause      string   `json:"cause"`
}

// needsBrowser skips or fails a test where Node or the packages are missing.
func needsBrowser(w *world) {
	w.t.Helper()
	netns.Require(w.t, "node")
	if _, err := os.Stat(filepath.Join(browserDir, "node_modules", "jssip")); err != nil {
		if os.Getenv("SBC_REQUIRE") == "all" {
			w.t.Fatal("missing: the packages of testdata/browser; `make deps` installs what the tests need")
		}
		w.t.Skip("missing: the packages of testdata/browser")
	}
}

const browserDir = "testdata/browser"

// browser starts a browser on the ITSP's side, and has it connect.
func (w *world) browser(o browserOptions) *browser {
	w.t.Helper()
	dir, err := filepath.Abs(browserDir)
	w.must(err)
	text, err := json.Marshal(o)
	w.must(err)
	b := &browser{w: w, process: w.start(w.itsp.space, netns.Command{Path: "node", Dir: dir, Args: []string{"agent.js", string(text)}})}
	b.await("ready")
	b.do("start", nil)
	return b
}

// do gives a command.
func (b *browser) do(what string, more map[string]string) {
	b.w.t.Helper()
	command := map[string]string{"do": what}
	for k, v := range more {
		command[k] = v
	}
	text, err := json.Marshal(command)
	b.w.must(err)
	b.w.must(b.process.Input(string(text) + "\n"))
}

// events returns what was told so far.
func (b *browser) events() (list []browserEvent) {
	for line := range strings.Lines(b.process.Output()) {
		var e browserEvent
		if strings.HasSuffix(line, "\n") && json.Unmarshal([]byte(line), &e) == nil {
			list = append(list, e)
		}
	}
	return list
}

// await waits for an event that comes after those awaited before.
func (b *browser) await(is string) (found browserEvent) {
	b.w.t.Helper()
	b.w.await("the browser to tell "+is, func() bool {
		select {
		case <-b.process.Done():
			b.w.t.Fatalf("the browser ended before it told %s", is)
		default:
		}
		list := b.events()
		for i := b.from; i < len(list); i++ {
			if list[i].Is == is {
				b.from, found = i+1, list[i]
				return true
			}
		}
		return false
	})
	return found
}

// messages returns what the border said to the browser.
func (b *browser) messages() (list []netns.Datagram) {
	for _, e := range b.events() {
		if e.Is == "message" {
			list = append(list, netns.Datagram{TTL: 64, DF: true, Payload: []byte(e.Text)})
		}
	}
	return list
}
