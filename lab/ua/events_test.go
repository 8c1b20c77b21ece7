package ua

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func quietly(_ int, o *Options) { o.Quiet = true }

func (w *world) subscribe(s Subscribe) Call {
	w.t.Helper()
	s.To = "b"
	id, do := w.agents[0].Subscribe(w.now, s, nil)
	w.do(0, do)
	return id
}

func TestSubscriptions(t *testing.T) {
	const begun, told = "replied 200, notified", "subscribed"
	for _, event := range packages {
		for _, c := range []struct {
			name   string
			s      Subscribe
			first  bool
			play   func(w *world, id Call)
			a, b   string
			change func(i int, o *Options)
		}{
			{"refreshed, told and ended", Subscribe{Seconds: 600}, false, func(w *world, id Call) {
				w.do(0, w.agents[0].Resubscribe(w.now, id, 300, nil))
				w.run(time.Second)
				w.do(1, w.agents[1].Notify(w.now, 1, nil))
				w.do(1, w.agents[1].Notify(w.now, 1, nil))
				w.run(time.Second)
				w.do(0, w.agents[0].Unsubscribe(w.now, id, nil))
			}, begun + ", replied 200, notified, notified, notified, replied 200, notified, unsubscribed", told + ", unsubscribed 200", nil},
			{"NOTIFY before the 200", Subscribe{Seconds: 600, ID: "7"}, true, func(w *world, id Call) {
				w.do(0, w.agents[0].Unsubscribe(w.now, id, nil))
			}, "notified, replied 200, notified, unsubscribed", told + ", unsubscribed 200", nil},
			{"its time is over", Subscribe{Seconds: 5}, false, func(w *world, id Call) { w.run(6 * time.Second) },
				begun + ", notified, unsubscribed", told + ", unsubscribed 200", nil},
			{"expelled", Subscribe{Seconds: 600}, false, func(w *world, id Call) { w.do(1, w.agents[1].Expel(w.now, 1, "noresource", nil)) },
				begun + ", notified, unsubscribed", told + ", unsubscribed 200", nil},
			{"fetched", Subscribe{}, false, func(w *world, id Call) {}, begun + ", unsubscribed", told + ", unsubscribed 200", nil},
			{"not known", Subscribe{Seconds: 60}, false, func(w *world, id Call) {}, "unsubscribed 489", "",
				func(_ int, o *Options) { o.Events = []string{"refer"} }},
		} {
			t.Run(event+" "+c.name, func(t *testing.T) {
				w := newWorld(t, quietly, func(i int, o *Options) {
					o.NotifyFirst = c.first
					if c.change != nil {
						c.change(i, o)
					}
				})
				c.s.Event = event
				id := w.subscribe(c.s)
				w.run(time.Second)
				c.play(w, id)
				w.done()
				w.want(c.a, c.b)
				w.clean()
			})
		}
	}
}

func TestForkedSubscription(t *testing.T) {
	for _, single := range []bool{false, true} {
		for _, record := range []bool{false, true} {
			w := forked(t, ForkerOptions{RecordRoute: record}, quietly)
			id := w.subscribe(Subscribe{Event: "presence", Seconds: 600, Single: single})
			w.run(5 * time.Second)
			want := 3
			if single {
				want = 1
			}
			subs := w.agents[0].Subscriptions()
			if len(subs) != want || subs[0] != id {
				t.Errorf("single %t: subscriptions %v", single, subs)
			}
			for i := 1; i < 4; i++ {
				for _, s := range w.agents[i].Subscriptions() {
					w.do(i, w.agents[i].Notify(w.now, s, nil))
				}
			}
			w.run(time.Second)
			for _, s := range subs {
				w.do(0, w.agents[0].Unsubscribe(w.now, s, nil))
			}
			w.done()
			w.clean()
		}
	}
}

// A phone sees by the busy-lamp field that another one rings, and takes the
// call.
func TestPickUp(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprint(early), func(t *testing.T) {
			w := newWorldOf(t, 3, quietly, func(_ int, o *Options) { o.ReplaceRinging = true })
			w.react[1] = func(a *Agent, e Event, do []Effect) []Effect {
				if e.Is == Incoming && e.Other != 0 {
					return a.Answer(e.At, e.Call, do)
				}
				return ringOnly(a, e, do)
			}
			w.dial(2, 1)
			id := w.subscribe(Subscribe{Event: "dialog", Seconds: 60})
			w.run(time.Second)
			call, do := w.agents[0].PickUp(w.now, id, early, nil)
			w.do(0, do)
			w.run(2 * time.Second)
			if c := w.agents[0].byID(call); c == nil || !c.up {
				t.Errorf("a did not take the call: %s", w.kinds(0))
			}
			if !w.has(1, Replaced, 0) || !w.has(2, Ended, 487) {
				t.Errorf("b: %s\nc: %s", w.kinds(1), w.kinds(2))
			}
			w.hangup(0)
			w.run(100 * time.Second)
			w.done()
			w.clean()
		})
	}
}

func TestSubscriptionsInBadWeather(t *testing.T) {
	for seed := range uint64(100) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 6))
			change := func(_ int, o *Options) { o.Quiet, o.NotifyFirst = true, seed%3 == 0 }
			var w *world
			if seed%2 == 0 {
				w = newWorld(t, change)
			} else {
				w = forked(t, ForkerOptions{RecordRoute: seed%4 == 1}, change)
			}
			w.chaos = r
			for range 3 {
				w.subscribe(Subscribe{Event: packages[r.IntN(5)], Seconds: r.IntN(40)})
			}
			for range 20 {
				w.run(time.Duration(r.IntN(3000)) * time.Millisecond)
				i := r.IntN(len(w.agents))
				a := w.agents[i]
				subs := a.Subscriptions()
				if len(subs) == 0 {
					continue
				}
				switch id := subs[r.IntN(len(subs))]; {
				case a.theirs(id) != nil && r.IntN(4) == 0:
					w.do(i, a.Expel(w.now, id, "deactivated", nil))
				case a.theirs(id) != nil:
					w.do(i, a.Notify(w.now, id, nil))
				case a.mine(id) != nil && r.IntN(4) == 0:
					w.do(i, a.Unsubscribe(w.now, id, nil))
				case a.mine(id) != nil:
					w.do(i, a.Resubscribe(w.now, id, 20+r.IntN(20), nil))
				}
			}
			w.run(2 * time.Minute)
			w.done()
			w.clean()
		})
	}
}

// What a far end does wrong in a subscription or a transfer is told.
func TestEventViolations(t *testing.T) {
	for _, c := range []struct{ name, message, old, new, want string }{
		{"nothing", "NOTIFY", "Event", "Event", ""},
		{"another package", "NOTIFY", "Event: dialog", "Event: reg", "subscription of dialog"},
		{"no state", "NOTIFY", "Subscription-State", "X-Subscription", "without Subscription-State"},
		{"another state", "NOTIFY", "active;", "passive;", "passive"},
		{"more than was asked for", "NOTIFY", "expires=60", "expires=99", "99 seconds"},
		{"another type", "NOTIFY", "dialog-info+xml\r\n", "reginfo+xml\r\n", "of type"},
		{"another version", "NOTIFY", "version=\"1\"", "version=\"0\"", "version 0 after 0"},
		{"another user", "NOTIFY", "entity=\"sip:b@", "entity=\"sip:x@", "speaks of"},
		{"broken XML", "NOTIFY", "</dialog-info>", "</dialog-infi>", "body of dialog"},
		{"no Contact", "NOTIFY", "Contact", "X-Conta", "no Contact"},
		{"no Contact in the 200", "200 SUBSCRIBE", "Contact", "X-Conta", "no Contact"},
		{"no Expires", "200 SUBSCRIBE", "Expires", "X-Expis", "Expires"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quietly)
			w.route = func(b []byte, p *packet) {
				if title(t, b) == c.message {
					p.bytes = bytes.ReplaceAll(b, []byte(c.old), []byte(c.new))
				}
			}
			w.subscribe(Subscribe{Event: "dialog", Seconds: 60})
			w.run(time.Second)
			w.do(1, w.agents[1].Notify(w.now, 1, nil))
			w.run(time.Second)
			got := strings.Join(w.violations(), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

func TestReferViolations(t *testing.T) {
	for _, c := range []struct{ name, message, old, new, want string }{
		{"nothing", "NOTIFY", "Event", "Event", ""},
		{"no Refer-To", "REFER", "Refer-To", "Refer-At", "Refer-To"},
		{"no Referred-By", "REFER", "Referred-By", "Referred-Of", "Referred-By"},
		{"not a sipfrag", "NOTIFY", "message/sipfrag;version=2.0", "text/plain", "of type"},
		{"no status", "NOTIFY", "SIP/2.0 ", "SIP 2.0 ", "sipfrag begins"},
		{"not terminated", "NOTIFY", "terminated;reason=noresource", "active;expires=10", "not terminated"},
		{"no Event", "NOTIFY", "Event: refer", "Evenx: refer", "no Event"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := transfer{kind: "blind"}.world(t)
			direct(w)
			direct := w.route
			w.route = func(b []byte, p *packet) {
				direct(b, p)
				if title(t, b) == c.message {
					at := strings.Index(string(b), " SIP/2.0\r\n") + 10 // not in the start line
					p.bytes = append(bytes.Clone(b[:at]), bytes.ReplaceAll(b[at:], []byte(c.old), []byte(c.new))...)
				}
			}
			id, _ := w.dial(0, 1)
			w.do(0, w.agents[0].Refer(w.now, id, Refer{To: "c"}, nil))
			w.run(3 * time.Second)
			got := strings.Join(w.violations(), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}
