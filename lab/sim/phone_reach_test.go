package sim

import (
	"fmt"
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/ua"
	"sbc/signaling"
)

// called plays a world with one phone behind a NAT of a kind, which does
// nothing for its NAT itself, and tells whether it took a call of the PBX that
// came at a time within 3 s.
func called(t *testing.T, k nat.Kind, at time.Duration, change func(*Options)) bool {
	t.Helper()
	o := Options{Seed: uint64(at), Phones: 1, Span: at, Sparse: true, Delay: 10 * time.Millisecond, nat: &k}
	o.habits = func(p *phone) {
		p.register, p.keep, p.deaf = ua.Register{Seconds: 3600, Again: true}, ua.Keepalive{}, false
	}
	if change != nil {
		change(&o)
	}
	w, err := newWorld(o)
	if err != nil {
		t.Fatal(err)
	}
	w.begin()
	p := &plan{number: "1000001", to: "phone1", phone: true, caller: registrarAt, answer: 500 * time.Millisecond, hangUp: 3 * time.Second, hangers: [2]bool{true, false}}
	w.plans[p.number] = p
	w.queue.add(at, func() {
		w.ringing[p.to] = p.number
		w.place(p)
	})
	w.run(at + 20*time.Second)
	for _, p := range w.report.Problems {
		t.Errorf("%v", p)
	}
	return p.answered
}

// A phone whose NAT forgets it after 20 s is reached after 3 minutes, because
// it is asked for OPTIONS in between; without those it is not.
func TestReachedAfter3Minutes(t *testing.T) {
	if !called(t, nat.Impatient, 3*time.Minute, nil) {
		t.Error("the phone was not reached")
	}
	silent := func(o *Options) { o.sbc = func(so *signaling.Options) { so.Endpoints[0].Silent = true } }
	missed := 0
	for i := range 15 {
		if !called(t, nat.Impatient, 3*time.Minute+time.Duration(i)*2*time.Second, silent) {
			missed++
		}
	}
	if missed == 0 {
		t.Error("the NAT never closed: nothing was tested")
	}
}

// Whenever it is called, a phone behind a NAT of any kind takes the call, but
// for the time after a probe that its NAT did not outlive: from there to its
// next REGISTER, which is due then.
func TestReachedAtAnyTime(t *testing.T) {
	for _, k := range nat.Named() {
		t.Run(k.Name, func(t *testing.T) {
			missed := ""
			n := 0
			for at := 20 * time.Second; at < 5*time.Minute; at += 3700 * time.Millisecond {
				if !called(t, k.Kind, at, nil) {
					missed += fmt.Sprint(" ", at)
					n++
				}
			}
			if most := map[bool]int{true: 3}[k.Kind.Lifetime > 0 && k.Kind.Lifetime < 30*time.Second]; n > most {
				t.Errorf("%d calls were missed, %d may be:%s", n, most, missed)
			}
			t.Logf("missed:%s", missed)
		})
	}
}

// Both sides hear each other through every kind of NAT: the SBC is in the
// public network, and learns where a phone's media comes from, as long as that
// is the address from which it registered. By nature a phone cannot be heard
// behind a NAT that gives its media another public address than its signaling
// (nat.Kind.Arbitrary), for which sources have to be configured; and one that
// only listens hears nothing more when its NAT has forgotten it.
func TestPhonesHear(t *testing.T) {
	for i, k := range nat.Named() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			heard := 0
			for seed := range uint64(4) {
				o := Options{Seed: uint64(100*i) + seed, Phones: 2, PhoneCalls: 4, Span: 70 * time.Second, Delay: 20 * time.Millisecond, nat: &k.Kind}
				r, err := Run(o)
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range r.Problems {
					t.Errorf("lab: seed %#x: %v", o.Seed, p)
				}
				heard += r.Heard
			}
			if heard == 0 {
				t.Error("nobody was asked whether it hears the other")
			}
			t.Logf("%d times", heard)
		})
	}
}
