package sim

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/lab/ladder"
	"sbc/lab/ua"
	"sbc/signaling/sip"
)

var update = flag.Bool("update", false, "write what happens now into the .ladder files")

// A stage is a world in which nothing happens by chance: people do what a
// .ladder file says, one thing after the other, and all messages at the SBC's
// door are written down.
type stage struct {
	w       *world
	cast    []*actor // by role
	calls   map[call]ua.Call
	lines   []string
	refused map[*actor]int // status with which the next call is refused
}

// A call is named by who is in it and by the other one.
type call struct{ who, far int }

// roles are who appears in the files: two on either side of the border.
var roles = []string{"alice", "bob", "carol", "dave"}

// casts say who plays whom, in a story that goes outwards and in one that goes
// inwards.
var casts = map[string][]int{"out": {0, 2, 3, 1}, "in": {2, 0, 1, 3}}

// A carrier says who speaks IPv6 and who TCP.
type carrier struct {
	name     string
	ip6, tcp set
}

// carriers are what a story is told over: it is the same each time.
var carriers = []carrier{
	{"UDP", 0, 0}, {"TCP", 0, 15}, {"UDP IPv6", 15, 0}, {"TCP IPv6", 15, 15},
	{"UDP IPv4 and TCP IPv6", 1<<2 | 1<<3, 1<<2 | 1<<3}, {"each his own", 1<<1 | 1<<2, 1<<1 | 1<<3},
}

func newStage(way string, by carrier) (*stage, error) {
	w, err := newWorld(Options{Seed: 5, Delay: 10 * time.Millisecond, Sparse: true, IP6: by.ip6, TCP: by.tcp, agents: func(o *ua.Options) { o.Reliable = ua.RelSupported }})
	if err != nil {
		return nil, err
	}
	s := &stage{w: w, calls: map[call]ua.Call{}, refused: map[*actor]int{}}
	for _, i := range casts[way] {
		s.cast = append(s.cast, w.actors[i])
	}
	w.stage = s.told
	w.checkers = append(w.checkers, &recorder{watch: watch{w}, s: s})
	w.perfect = true
	return s, nil
}

func (s *stage) roleOf(index int) int {
	return slices.IndexFunc(s.cast, func(a *actor) bool { return a.index == index })
}

// role returns the index of a name.
func role(name string) int { return slices.Index(roles, name) }

// user is the number of a role.
func (s *stage) user(r int) string { return s.cast[r].at.prefix + "00100" }

// told is what an agent tells: who calls becomes a call, and nobody does
// anything by himself.
func (s *stage) told(a *actor, e ua.Event, do []ua.Effect) []ua.Effect {
	who := s.roleOf(a.index)
	switch e.Is {
	case ua.Incoming:
		if status := s.refused[a]; status > 0 {
			delete(s.refused, a)
			return a.agent.Reject(s.w.now, e.Call, status, do)
		}
		s.calls[call{who, s.from(e.Message)}] = e.Call
		if e.Other > 0 { // it takes the place of another call
			return a.agent.Answer(s.w.now, e.Call, do)
		}
	case ua.Referred:
		if e.Other > 0 {
			s.calls[call{who, s.target(e.Text)}] = e.Other
		}
	case ua.Subscribed:
		s.calls[call{who, s.from(e.Message)}] = e.Call
	}
	return do
}

// from returns who sent a message, by the user part of From.
func (s *stage) from(m *sip.Message) int {
	uri, err := sip.ParseURI(m.Raw, m.From().URI)
	if err != nil {
		return -1
	}
	user := string(m.Bytes(uri.User))
	return slices.IndexFunc(s.cast, func(a *actor) bool { return a.at.name == user })
}

// target returns whom a URI means.
func (s *stage) target(uri string) int {
	return slices.IndexFunc(s.cast, func(a *actor) bool {
		return strings.Contains(uri, a.at.prefix+"00100") || strings.Contains(uri, a.at.name)
	})
}

// play is what the lines of a file do.
func (s *stage) play(verb string, args []string) []string {
	s.lines = nil
	if verb == "wait" {
		d, err := time.ParseDuration(args[0])
		if err != nil {
			return []string{err.Error()}
		}
		s.w.run(s.w.now + d)
		return s.lines
	}
	who := role(verb)
	if who < 0 || len(args) == 0 {
		return []string{fmt.Sprintf("nobody is called %q", verb)}
	}
	a := s.cast[who]
	do, err := s.act(who, args[0], args[1:])
	if err != nil {
		return []string{err.Error()}
	}
	a.do(do)
	// Long enough for what follows at once, too short for anything to be sent
	// again.
	s.w.run(s.w.now + 400*time.Millisecond)
	return s.lines
}

// act makes a role do something. Unless the words name somebody it is done in
// the only call there is.
func (s *stage) act(who int, verb string, words []string) ([]ua.Effect, error) {
	a, now := s.cast[who], s.w.now
	far := -1
	if len(words) > 0 {
		if far = role(words[0]); far >= 0 {
			words = words[1:]
		}
	}
	word := func(i int) string {
		if i < len(words) {
			return words[i]
		}
		return ""
	}
	number := func(i int) int { n, _ := strconv.Atoi(word(i)); return n }
	has := func(w string) bool { return slices.Contains(words, w) }
	id := s.calls[call{who, far}]
	if far < 0 || verb == "redirects" {
		for r := range roles {
			if c, ok := s.calls[call{who, r}]; ok {
				id = c
			}
		}
	}
	switch verb {
	case "calls":
		id, do := a.agent.Invite(now, ua.Invite{To: s.user(far), Late: has("late"), Video: has("video"), Reliable: reliability[has("reliably")]}, nil)
		s.calls[call{who, far}] = id
		return do, nil
	case "rings":
		return a.agent.Ring(now, id, max(number(0), 180), nil), nil
	case "progresses":
		return a.agent.Progress(now, id, nil), nil
	case "answers":
		return a.agent.Answer(now, id, nil), nil
	case "rejects":
		return a.agent.Reject(now, id, number(0), nil), nil
	case "will-reject":
		s.refused[a] = number(0)
		return nil, nil
	case "redirects":
		return a.agent.Redirect(now, id, 302, []string{s.user(far)}, nil), nil
	case "hangs-up":
		return a.agent.Hangup(now, id, nil), nil
	case "holds":
		return a.agent.Hold(now, id, ua.SendOnly, nil), nil
	case "resumes":
		return a.agent.Hold(now, id, ua.NotHeld, nil), nil
	case "updates":
		return a.agent.Update(now, id, ua.SendOnly, nil), nil
	case "refers":
		to := role(word(0))
		r := ua.Refer{To: s.user(to)}
		if has("replacing") {
			r.Replaces = s.calls[call{who, to}]
		}
		if has("leaving") {
			r.Leave = ua.LeaveDone
		}
		return a.agent.Refer(now, id, r, nil), nil
	case "subscribes":
		id, do := a.agent.Subscribe(now, ua.Subscribe{To: s.user(far), Event: word(0), Seconds: 300}, nil)
		s.calls[call{who, far}] = id
		return do, nil
	case "unsubscribes":
		return a.agent.Unsubscribe(now, id, nil), nil
	case "notifies":
		return a.agent.Notify(now, id, nil), nil
	case "publishes":
		_, do := a.agent.Publish(now, s.user(far), nil)
		return do, nil
	case "writes":
		_, do := a.agent.Message(now, s.user(far), strings.Join(words, " "), nil)
		return do, nil
	case "tells":
		_, do := a.agent.NotifyUnasked(now, s.user(far), nil)
		return do, nil
	}
	return nil, fmt.Errorf("nobody %q", verb)
}

var reliability = map[bool]ua.Reliability{true: ua.RelRequired}

// A recorder writes down what passes the SBC's door.
type recorder struct {
	watch
	s *stage
}

func (r *recorder) in(m *message)  { r.note(m, "──▶") }
func (r *recorder) out(m *message) { r.note(m, "◀──") }

func (r *recorder) note(m *message, arrow string) {
	who := r.s.roleOf(m.from)
	if who < 0 {
		r.s.lines = append(r.s.lines, ladder.At(m.at, "somebody "+arrow+" "+label(m)))
		return
	}
	r.s.lines = append(r.s.lines, ladder.At(m.at, fmt.Sprintf("%-5s %s %s", roles[who], arrow, label(m))))
}

// Each of the flows of SIP that books begin with, in both directions and over
// all carriers: the same story, with the caller on either side of the border.
// Nobody breaks a rule,
// nothing leaks and nothing is left.
func TestFlows(t *testing.T) {
	files, err := filepath.Glob("testdata/flows/*.ladder")
	if err != nil || len(files) == 0 {
		t.Fatal(err, "no flows")
	}
	for _, file := range files {
		for _, way := range []string{"out", "in"} {
			for i, by := range carriers {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".ladder")+"/"+way+"/"+by.name, func(t *testing.T) {
					tell(t, file, way, by, *update && way == "out" && i == 0)
				})
			}
		}
	}
}

// tell plays one story.
func tell(t *testing.T, file, way string, by carrier, write bool) {
	s, err := newStage(way, by)
	if err != nil {
		t.Fatal(err)
	}
	hands := ladder.Files{Read: os.ReadFile}
	if write {
		hands.Write = func(name string, data []byte) error { return os.WriteFile(name, data, 0o644) }
	}
	ladder.Run(t, file, hands, s.play)
	if err := s.over(); err != nil {
		t.Error(err)
	}
}

// over lets everything end, and tells what did not hold.
func (s *stage) over() error {
	for range 3 {
		s.w.endCalls(0)
		s.w.run(s.w.now + settle)
	}
	s.w.run(s.w.now + 400*time.Second) // the longest subscription
	for _, c := range s.w.checkers {
		c.end()
	}
	var errs []error
	for _, p := range s.w.report.Problems {
		errs = append(errs, errors.New(p.String()))
	}
	return errors.Join(errs...)
}
