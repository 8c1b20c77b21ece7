package ua

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// Three agents do whatever they may, in any weather: nobody breaks a rule,
// nothing that Moves lists is ignored, and at the end nothing is left.
func TestRandomMoves(t *testing.T) {
	made := map[string]int{}
	for seed := range uint64(200) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 8))
			w := newWorldOf(t, 3, func(i int, o *Options) {
				o.Video, o.Fax, o.Mux = r.IntN(3) > 0, r.IntN(3) > 0, r.IntN(2) == 0
				o.Dynamic, o.OwnNumbers = uint8(r.IntN(2)*(96+4*i)), r.IntN(2) == 0
				o.Quiet, o.ReplaceRinging, o.Reliable = true, true, Reliability(r.IntN(2))
				o.NotifyFirst, o.OfferInPrack = r.IntN(2) == 0, r.IntN(2) == 0
			})
			clear(w.react)
			if seed%3 != 0 {
				w.chaos = rand.New(rand.NewPCG(seed, 9))
			}
			route(w)
			for range 100 {
				w.run(time.Duration(r.IntN(1500)) * time.Millisecond)
				i := r.IntN(3)
				a := w.agents[i]
				ids := append(append(append([]Call{0}, a.Calls()...), a.Subscriptions()...), a.Publications()...)
				moves := a.Moves(ids[r.IntN(len(ids))])
				if len(moves) == 0 {
					continue
				}
				m := moves[r.IntN(len(moves))]
				if strings.HasPrefix(m.Name, "re") || m.Name == "hang up" {
					m = moves[r.IntN(len(moves))] // let some calls live
				}
				if m.NeedsTo {
					m.To = string(rune('a' + (i+1+r.IntN(2))%3))
				}
				made[m.Name]++
				_, do := a.Make(w.now, m, nil)
				w.do(i, do)
			}
			for range 4 {
				w.run(20 * time.Second)
				for i := range w.agents {
					w.hangup(i)
				}
			}
			w.run(4 * time.Minute)
			w.done()
			w.clean()
			for i := range w.agents {
				if w.has(i, Ignored, 0) {
					t.Errorf("%c: %s", 'a'+i, w.kinds(i))
				}
			}
		})
	}
	for i := range callVerbs {
		if made[callVerbs[i].name] == 0 {
			t.Errorf("%q was never made", callVerbs[i].name)
		}
	}
}

// route leads a request to the user that it names.
func route(w *world) {
	w.route = func(b []byte, p *packet) {
		if p.from != addrs[p.by] {
			return
		}
		if user, ok := requestUser(b); ok && user >= 'a' && int(user-'a') < len(w.agents) {
			p.to = addrs[user-'a']
		}
	}
}

// Everybody does whatever he may, with media, and some calls fork.
func TestRandomMovesWithMedia(t *testing.T) {
	for seed := range uint64(15) {
		r := rand.New(rand.NewPCG(seed, 13))
		w := forked(t, ForkerOptions{RecordRoute: seed%2 == 0, TwoWinners: seed%3 == 0}, func(i int, o *Options) {
			o.ReplaceRinging, o.Reliable, o.Video, o.Fax, o.MediaPairs = true, RelSupported, true, true, 1000
			o.Mux, o.Dynamic = r.IntN(2) == 0, uint8(r.IntN(2)*(96+4*i))
		})
		clear(w.react)
		w.route = func(b []byte, p *packet) {
			user, ok := requestUser(b)
			if p.by != forkerIndex && p.from == addrs[p.by] && ok && user >= 'a' && user < 'e' && p.to != addrs[forkerIndex] {
				p.to = addrs[user-'a']
			}
		}
		w.chaos = r
		for range 60 {
			i := r.IntN(4)
			a := w.agents[i]
			ids := append(append([]Call{0}, a.Calls()...), a.Subscriptions()...)
			moves := a.Moves(ids[r.IntN(len(ids))])
			if len(moves) == 0 {
				continue
			}
			m := moves[r.IntN(len(moves))]
			if strings.HasPrefix(m.Name, "re") || m.Name == "hang up" {
				m = moves[r.IntN(len(moves))]
			}
			m.To = string(rune('a' + (i+1+r.IntN(3))%4))
			_, do := a.Make(w.now, m, nil)
			w.do(i, do)
			w.run(time.Duration(r.IntN(800)) * time.Millisecond)
		}
		for range 4 {
			for i := range w.agents {
				w.hangup(i)
			}
			w.run(20 * time.Second)
		}
		w.run(3 * time.Minute)
		w.done()
		for i := range w.agents {
			for _, e := range w.events[i] {
				wrong := e.Audio.Wrong + e.Audio.BadFax + e.Audio.BadRTCP + e.Video.Wrong
				if e.Is == Violation && !strings.HasPrefix(e.Text, "media from") || wrong > 0 {
					t.Errorf("seed %d: %c: %v %s %+v %+v", seed, 'a'+i, e.Is, e.Text, e.Audio, e.Video)
				}
			}
		}
	}
}
