package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sbc/lab/netns"
)

// A tool is one of SIPVicious or a mode of sipsak.
type tool struct {
	name  string
	args  []string
	found string // what it prints when it has found something
	env   []string
}

// scannersRate is the load of calls that goes on while they scan.
const scannersRate = 20

// vicious are SIPVicious's tools; {sbc} is the border. They give up a second after
// the last answer.
var vicious = []tool{
	{name: "svmap", args: []string{"-m", "OPTIONS", "{sbc}"}, found: "| {sbc}"},
	{name: "svmap", args: []string{"-m", "INVITE", "{sbc}"}, found: "| {sbc}"},
	{name: "svmap", args: []string{"-m", "REGISTER", "{sbc}"}, found: "| {sbc}"},
	{name: "svwar", args: []string{"-m", "REGISTER", "-e", "100-200", "--force", "--maximumtime=1", "{sbc}"}, found: "reqauth"},
	{name: "svwar", args: []string{"-m", "REGISTER", "-e", "100-200", "--force", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "reqauth"},
	{name: "svwar", args: []string{"-m", "INVITE", "-e", "100-200", "--force", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "reqauth"},
	{name: "svwar", args: []string{"-m", "OPTIONS", "-d", "{users}", "--force", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "reqauth"},
	{name: "svcrack", args: []string{"-u", "150", "-r", "100-200", "--maximumtime=1", "{sbc}"}, found: "Password"},
	{name: "svcrack", args: []string{"-u", "150", "-d", "{users}", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "Password"},
}

// SIPVicious finds nothing: no device, no extension, no password, whether phones
// register here or not. Calls go on meanwhile, and the border tells whose tool it
// was.
func TestSIPVicious(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	netns.Require(t, "svmap", "svwar", "svcrack")
	for _, c := range []struct {
		name   string
		phones bool
		engine string
	}{{"phones, tcx", true, "tcx"}, {"phones, nftables", true, "nftables"}, {"no phones, tcx", false, "tcx"}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newSiege(t, c.phones, fmt.Sprintf("engine = %q", c.engine))
			s := n.stranger("scanner")
			seen := s.watched()
			goesOn := n.load(scannersRate, 4)
			n.harmless(s, vicious)
			goesOn()
			if got := statuses(seen()); len(got) > 0 {
				t.Errorf("the scanner was answered: %v", got)
			}
			about := n.source(s.addr)
			if about.Fingerprint != "friendly-scanner" || about.State != "policed" || !strings.Contains(about.Offences, "scanner") {
				t.Errorf("sbc sources has of it: %+v", about)
			}
			if g := n.gate(); g.Dropped["scanner"] == 0 || g.Bans != 0 {
				t.Errorf("%+v", g)
			}
			n.measured(fmt.Sprintf("%+v", about))
		})
	}
}

// dictionary is what tools try whose arguments have {users}.
const dictionary = "100\n150\nadmin\nalice\nasterisk\n1000\n"

// harmless runs tools to their ends, and fails the test if one of them finds
// something.
func (n *siege) harmless(s *stranger, tools []tool) {
	n.t.Helper()
	for i, out := range n.tried(s, tools, dictionary) {
		found := strings.ReplaceAll(tools[i].found, "{sbc}", outsideAddr.String())
		if found != "" && strings.Contains(out, found) {
			n.t.Errorf("%s %v:\n%s", tools[i].name, tools[i].args, out)
		}
	}
}

// tried runs tools to their ends, all at once, and returns what they wrote.
func (n *siege) tried(s *stranger, tools []tool, words string) (outs []string) {
	n.t.Helper()
	dir := n.t.TempDir()
	users := filepath.Join(dir, "users")
	n.must(os.WriteFile(users, []byte(words), 0o600))
	fill := strings.NewReplacer("{sbc}", outsideAddr.String(), "{users}", users)
	var running []*netns.Process
	for i, tool := range tools {
		var args []string
		for _, a := range tool.args {
			args = append(args, fill.Replace(a))
		}
		home := filepath.Join(dir, fmt.Sprint(i))
		n.must(os.Mkdir(home, 0o700))
		p, err := s.space.Start(netns.Command{Path: tool.name, Args: args, Dir: home, Env: append(tool.env, "HOME="+home)})
		n.must(err)
		defer p.Kill()
		running = append(running, p)
	}
	for i, p := range running {
		_ = p.Wait(n.ctx) // its status says nothing
		out := p.Output()
		if out == "" || strings.Contains(out, "Traceback") || n.ctx.Err() != nil {
			n.t.Errorf("%s %v does not work: %s", tools[i].name, tools[i].args, out)
		}
		outs = append(outs, out)
	}
	return outs
}

// watched returns what returns all that the border has sent to a stranger.
func (s *stranger) watched() func() [][]byte {
	s.n.t.Helper()
	c, err := s.space.Capture("eth0")
	s.n.must(err)
	s.n.t.Cleanup(c.Close)
	return func() (all [][]byte) {
		for _, d := range c.Datagrams() {
			if d.Src.Addr() == outsideAddr && !bytes.Equal(d.Payload, nil) {
				all = append(all, d.Payload)
			}
		}
		return all
	}
}

// The same tools by another name, as whoever has read this does it. They are told
// to prove themselves, whoever they ask for; what is more than a stranger's share
// is dropped; and who guesses passwords is policed by what it did, and banned if it
// was quick.
// The last one has the right password in its list, so that it is known what they
// say when they find something.
func TestSIPViciousByAnotherName(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	netns.Require(t, "svmap", "python3")
	for _, engine := range []string{"tcx", "nftables"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			n := newSiege(t, true, fmt.Sprintf("engine = %q", engine))
			s, guesser, insider := n.stranger("scanner"), n.stranger("guesser"), n.stranger("insider")
			goesOn := n.load(scannersRate, 4)
			n.harmless(s, n.disguised(
				tool{name: "svmap", args: []string{"-m", "OPTIONS", "{sbc}"}, found: "| {sbc}"},
				tool{name: "svwar", args: []string{"-m", "REGISTER", "-e", "100-3000", "-t", "0", "--force", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "| 150"},
				tool{name: "svwar", args: []string{"-m", "INVITE", "-e", "100-200", "--force", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "| 150"},
				tool{name: "svwar", args: []string{"-m", "OPTIONS", "-e", "100-200", "--force", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "| 150"},
				tool{name: "svwar", args: []string{"-m", "REGISTER", "-e", "100-200", "--force", "--maximumtime=1", "{sbc}"}, found: "| 150"},
			))
			cracks := n.disguised(
				tool{name: "svcrack", args: []string{"-u", "150", "-r", "100-999", "-t", "0", "--maximumtime=1", "--domain=" + domain, "{sbc}"}, found: "| 150"})
			// It gives up at the first 503, which is what it gets when it asks faster
			// than it guesses. Its owner does not.
			for range 10 {
				n.harmless(guesser, cracks)
				if n.source(guesser.addr).State == "policed" && n.gate().Kernel["source"] > 0 || n.ban(guesser.addr).Prefix != "" {
					break
				}
			}
			if about := n.source(guesser.addr); about.State != "policed" && about.State != "banned" || !strings.Contains(about.Offences, "digest failure") {
				t.Errorf("sbc sources has of who guesses: %+v", about)
			}
			goesOn()
			g := n.gate()
			if g.Kernel["source"]+g.Kernel["banned"] == 0 || !strings.HasPrefix(g.Engine, engine) {
				t.Errorf("%+v", g)
			}
			n.measured(fmt.Sprintf("%+v", n.source(guesser.addr)))
			right := n.disguised(tool{name: "svcrack", args: []string{"-u", "150", "-d", "{users}", "--maximumtime=1", "--domain=" + domain, "{sbc}"}})
			if out := n.tried(insider, right, "pw-150\n")[0]; !strings.Contains(out, "| 150") {
				t.Errorf("svcrack with the right password: %s", out)
			}
		})
	}
}

// disguised returns tools that give themselves the name of a phone.
func (n *siege) disguised(tools ...tool) []tool {
	n.t.Helper()
	const from = "/usr/share/sipvicious"
	dir := n.t.TempDir()
	n.must(os.CopyFS(dir, os.DirFS(from)))
	for _, file := range []string{"libs/svhelper.py", "svmap.py"} {
		path := filepath.Join(dir, "sipvicious", file)
		text, err := os.ReadFile(path)
		n.must(err)
		n.must(os.WriteFile(path, []byte(strings.NewReplacer("friendly-scanner", "Zoiper rv2.8", `"sipvicious"`, `"phone"`,
			"='sipvicious'", "='phone'", "100@1.1.1.1", "phone@198.51.100.99").Replace(string(text))), 0o600))
	}
	for i := range tools {
		tools[i].args = append([]string{"-c", "from sipvicious." + tools[i].name + " import main; main()"}, tools[i].args...)
		tools[i].name, tools[i].env = "python3", []string{"PYTHONPATH=" + dir}
	}
	return tools
}
