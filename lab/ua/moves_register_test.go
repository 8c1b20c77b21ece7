package ua

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Three phones of a PBX register, roam, lose their power and call in any
// weather: nobody breaks a rule, and nothing that Moves lists is ignored.
func TestRandomRegistrations(t *testing.T) {
	made := map[string]int{}
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 21))
			w := phones(t, r, seed%4 == 0)
			if seed%4 != 0 && seed%3 != 0 {
				w.chaos = rand.New(rand.NewPCG(seed, 22))
			}
			for range 60 {
				w.run(time.Duration(r.IntN(20000)) * time.Millisecond)
				i := r.IntN(4)
				a := w.agents[i]
				moves := a.registerMoves()
				if m, ok := w.pick(a, i, moves, r); ok {
					made[m.Name]++
					_, do := a.Make(w.now, m, nil)
					w.do(i, do)
				}
			}
			w.chaos = nil
			w.run(time.Minute)
			for i, a := range w.agents[1:] {
				w.hangup(i + 1)
				w.do(i+1, a.SetKeepalive(w.now, Keepalive{}, nil))
				w.do(i+1, a.Register(w.now, *a.o.Register, nil))
			}
			w.run(time.Minute)
			for i, a := range w.agents[1:] {
				if b := w.agents[0].Bindings(a.o.User); !a.Registered() || !strings.Contains(uris(b), a.Contact()) {
					t.Errorf("%c is at %s, bound are %v", 'b'+i, a.Contact(), uris(b))
				}
				w.do(i+1, a.Unregister(w.now, nil))
			}
			w.run(15 * time.Minute)
			w.clean()
			if users := w.agents[0].BoundUsers(); len(users) > 0 {
				t.Errorf("still bound: %v", users)
			}
			for i := range w.agents {
				if w.has(i, Ignored, 0) {
					t.Errorf("%c: %s", 'a'+i, w.kinds(i))
				}
			}
		})
	}
	for i := range registerVerbs {
		if made[registerVerbs[i].name] == 0 {
			t.Errorf("%q was never made", registerVerbs[i].name)
		}
	}
}

// phones is a world in which a is a PBX, and b, c and d are phones that differ.
func phones(t *testing.T, r *rand.Rand, stream bool) *world {
	named := r.IntN(2) == 0
	w := newWorldOf(t, 4, quietly, func(i int, o *Options) {
		o.Password, o.Stream = "secret", stream
		if named {
			o.Canary = Canary{Word: fmt.Sprintf("side%d", i), Inner: canaries[0].Inner}
		}
		if i == 0 {
			o.Registrar = &Registrar{Domain: "pbx.example", Realm: "pbx", Min: 20 * r.IntN(2), Max: 120, GRUU: true,
				Outbound: r.IntN(2) == 0, Spent: r.IntN(2) == 0, Qualify: time.Duration(r.IntN(2)) * 15 * time.Second,
				Users: map[string]string{"b": "secret", "c": "secret", "d": "secret"}}
			return
		}
		o.Domain = "pbx.example"
		o.Register = &Register{Seconds: 10 + r.IntN(300), Again: r.IntN(2) == 0, Learn: r.IntN(2) == 0, InContact: r.IntN(2) == 0, Shared: true}
		if r.IntN(2) == 0 {
			o.Register.Instance, o.Register.RegID, o.Register.GRUU = fmt.Sprintf("urn:uuid:%d", i), r.IntN(2), r.IntN(2) == 0
			o.Register.Outbound = r.IntN(2) == 0
		}
		o.Keepalive = Keepalive{With: Keeping(r.IntN(3)), Every: 10 * time.Second}
	})
	return w
}

// pick chooses a move, and for whom it is.
func (w *world) pick(a *Agent, i int, moves []Move, r *rand.Rand) (Move, bool) {
	if i == 0 && r.IntN(2) == 0 {
		moves = []Move{{Name: "invite", NeedsTo: true}}
	}
	if len(moves) == 0 {
		return Move{}, false
	}
	m := moves[r.IntN(len(moves))]
	switch users := w.agents[0].BoundUsers(); {
	case m.Name == "roam":
		m.To = fmt.Sprintf("192.0.2.%d:%d", 10+i, 5000+r.IntN(5000))
		if m.To == a.o.Addr.String() {
			return m, false
		}
	case m.NeedsTo && len(users) == 0:
		return m, false
	case m.NeedsTo:
		m.To = users[r.IntN(len(users))]
	}
	return m, true
}
