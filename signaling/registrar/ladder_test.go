package registrar

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/lab/ladder"
	"sbc/signaling/sip"
)

var update = flag.Bool("update", false, "write what happened into the .ladder files")

func TestLadders(t *testing.T) {
	files, err := filepath.Glob("testdata/*.ladder")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d ladders, %v", len(files), err)
	}
	hands := ladder.Files{Read: os.ReadFile}
	if *update {
		hands.Write = func(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w := newWorld(t)
			ladder.Run(t, file, hands, w.do)
		})
	}
}

func sorted(s []string) []string { slices.Sort(s); return s }

// A world is a Registrar between phones and a PBX, and a clock that stands
// still until "wait".
type world struct {
	t      testing.TB
	r      *Registrar
	now    time.Time
	phones map[string]*phone
	pbx    pbx
	key    uint64 // of the REGISTER that waits for the PBX
	aor    string
	fields []byte
	kept   map[uint64][]byte
	names  map[string]string // of tokens
	lines  []string
	local  bool // bindings are kept here alone
}

func newWorld(t testing.TB) *world {
	o := options()
	o.Endpoints[0].Silent = true
	return &world{t: t, r: New(o), now: start, phones: map[string]*phone{}, kept: map[uint64][]byte{}, names: map[string]string{}}
}

// do does one line of a ladder:
//
//	config refresh=60s expires=30m …   before all else
//	phone NAME AOR [CALL-ID [USER]]    makes a phone
//	NAME FLOW LINE [| LINE]...         it sends a REGISTER with these lines by that flow
//	cseq NAME N                        its next CSeq
//	user NAME [USER [NONCE]]           whose credentials it has, and for which challenge
//	grant [LINE | LINE ...]            the PBX answers 200 as RFC 3261 has it
//	answer STATUS [LINE | ...]         it answers something else
//	silence                            it does not
//	ask NAME                           a request for the token of that name comes
//	wait 30s, broke FLOW, heard FLOW, restart, alive NAME
func (w *world) do(verb string, args []string) []string {
	w.lines = nil
	rest := strings.Join(args, " ")
	switch verb {
	case "config":
		w.config(args)
	case "phone":
		p := &phone{aor: args[1], callID: args[0] + "-1"}
		if len(args) > 2 {
			p.callID = args[2]
		}
		if len(args) > 3 {
			p.user = args[3]
		}
		w.phones[args[0]] = p
	case "cseq":
		n, _ := strconv.Atoi(args[1])
		w.phones[args[0]].cseq = n - 1
	case "user":
		p, args := w.phones[args[0]], append(args[1:], "", "")
		p.user, p.nonce = args[0], args[1]
	case "grant":
		w.answered(response(w.t, 200, append(w.pbx.answer(w.t, w.now, w.aor, w.fields), split(rest)...)...))
	case "answer":
		status, lines, _ := strings.Cut(rest, " ")
		n, _ := strconv.Atoi(status)
		for token, name := range w.names {
			lines = strings.ReplaceAll(lines, name+"@", token+"@")
		}
		w.answered(response(w.t, n, split(lines)...))
	case "silence":
		w.answered(nil)
	case "ask":
		w.ask(args[0])
	case "wait":
		w.wait(rest)
	case "broke":
		w.effects(w.r.Broke(flowOf(rest)))
	case "heard":
		w.effects(w.r.Heard(w.now, flowOf(rest)))
	case "alive":
		w.effects(w.r.KeptAlive(w.now, w.serial(args[0])))
	case "restart":
		w.restart()
	default:
		w.register(verb, args[0], split(strings.Join(args[1:], " ")))
	}
	return w.lines
}

func split(lines string) (list []string) {
	if lines == "" {
		return nil
	}
	for line := range strings.SplitSeq(lines, "|") {
		list = append(list, strings.TrimSpace(line))
	}
	return list
}

func (w *world) config(args []string) {
	o := options()
	e := &o.Endpoints[0]
	e.Silent = true
	for _, arg := range args {
		name, value, _ := strings.Cut(arg, "=")
		d, _ := time.ParseDuration(value)
		n, _ := strconv.Atoi(value)
		switch name {
		case "refresh":
			e.Refresh = d
		case "expires":
			e.Expires = d
		case "min":
			e.MinExpires = d
		case "contacts":
			e.Contacts = n
		case "bindings":
			e.Bindings = n
		case "rate":
			e.Rate = float64(n)
		case "burst":
			e.Burst = n
		case "keepalive":
			e.Silent = value == "off"
		case "domain":
			e.Domain = value
		case "local":
			w.local = true
		case "pbx":
			w.pbx.max = int(d.Seconds())
		default:
			w.t.Fatalf("config %s", arg)
		}
	}
	w.r = New(o)
}

func (w *world) say(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	text = tokens.ReplaceAllStringFunc(text, w.name)
	w.lines = append(w.lines, ladder.At(w.now.Sub(start), text))
}

var tokens = regexp.MustCompile(`\bt[0-9a-f]{16}\b`)

// name gives tokens names in the order in which they are met: they are hashes.
func (w *world) name(token string) string {
	if w.names[token] == "" {
		w.names[token] = "T" + strconv.Itoa(len(w.names)+1)
	}
	return w.names[token]
}

func (w *world) serial(name string) uint64 {
	for token, n := range w.names {
		if n == name {
			serial, _ := strconv.ParseUint(token[1:], 16, 64)
			return serial
		}
	}
	w.t.Fatalf("no token %s", name)
	return 0
}

func (w *world) register(name, flow string, lines []string) {
	p := w.phones[name]
	if p == nil {
		w.t.Fatalf("no phone %q", name)
	}
	take := w.r.Register
	if w.local {
		take = w.r.Bind
	}
	v := take(w.now, 0, flowOf(flow), parse(w.t, p.register(lines...)))
	if v.Status == 0 {
		w.key, w.aor, w.fields = v.Key, p.aor, slices.Clone(v.Fields)
		bare := ""
		if v.Bare {
			bare = " without credentials"
		}
		w.say("──▶ REGISTER%s%s", bare, oneLine(v.Fields))
	} else {
		cause := ""
		if v.Cause != "" {
			cause = " (" + v.Cause + ")"
		}
		w.say("◀── %d%s%s", v.Status, cause, oneLine(v.Fields))
	}
	w.effects(v.Effects)
}

var date = regexp.MustCompile(`Date: [^\r]*\r\n`)

func oneLine(fields []byte) string {
	s := date.ReplaceAllString(string(fields), "")
	return strings.TrimSuffix(" | "+strings.ReplaceAll(s, "\r\n", " | "), " | ")
}

func (w *world) answered(m *sip.Message) {
	reply := w.r.Answered(w.now, w.key, m)
	if reply.Status > 0 {
		own := ""
		if reply.Own {
			own = " (ours)"
		}
		w.say("◀── %d%s%s", reply.Status, own, oneLine(reply.Fields))
	}
	w.effects(reply.Effects)
}

func (w *world) effects(do []Effect) {
	for _, e := range do {
		token := fmt.Sprintf("t%016x", e.Serial)
		switch e.Do {
		case Save:
			w.kept[e.Serial] = slices.Clone(e.Record)
		case Delete:
			delete(w.kept, e.Serial)
			w.say("    forgotten: %s", token)
		case Moved:
			w.say("    moved: %s from %s to %s", token, showFlow(e.Old), showFlow(e.Flow))
		default:
			w.say("    %s: %s %s by %s", e.Do, token, e.AOR, showFlow(e.Flow))
		}
	}
}

func (w *world) ask(name string) {
	b, s := w.r.Lookup(w.now, w.serial(name))
	switch s {
	case Unknown:
		w.say("404")
	case Unreachable:
		w.say("480")
	case Reachable:
		w.say("%s by %s%s%s", b.Contact, showFlow(b.Flow), oneLine([]byte(b.Path)), oneLine([]byte(b.ServiceRoute)))
	}
}

func (w *world) wait(text string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		w.t.Fatal(err)
	}
	end := w.now.Add(d)
	for {
		at, ok := w.r.Next()
		if !ok || at.After(end) {
			w.now = end
			return
		}
		if at.After(w.now) {
			w.now = at
		}
		w.effects(w.r.Advance(w.now))
	}
}

func (w *world) restart() {
	w.r = New(w.r.opt)
	var serials []uint64
	for serial := range w.kept {
		serials = append(serials, serial)
	}
	slices.Sort(serials)
	for _, serial := range serials {
		do, err := w.r.Restore(w.now, slices.Clone(w.kept[serial]))
		if err != nil {
			w.t.Fatal(err)
		}
		w.effects(do)
	}
}
