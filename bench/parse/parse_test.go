package main

import (
	"bytes"
	"testing"
)

// TestSameWork holds both contenders to the same result: they see the same in
// what came in, and what they write says the same.
func TestSameWork(t *testing.T) {
	o, p := new(ours), newTheirs()
	same := func(name string, datagram []byte) looked {
		t.Helper()
		mine, err := o.read(datagram)
		if err != nil {
			t.Fatalf("%s: sbc: %v", name, err)
		}
		other, err := p.read(datagram)
		if err != nil {
			t.Fatalf("%s: sipgo: %v", name, err)
		}
		if mine != other {
			t.Errorf("%s:\n  sbc sees   %+v\n  sipgo sees %+v", name, mine, other)
		}
		return mine
	}
	in := same("in", []byte(invite))
	if in.length == 0 || in.cseq != 314159 || in.viaPort != 5060 || in.hops != 70 {
		t.Errorf("in: %+v", in)
	}
	if err := o.pass([]byte(invite)); err != nil {
		t.Fatal(err)
	}
	if err := p.pass([]byte(invite)); err != nil {
		t.Fatal(err)
	}
	for name, out := range map[string][]byte{"out of sbc": o.out, "out of sipgo": p.out.Bytes()} {
		got := same(name, bytes.Clone(out))
		want := in
		want.viaHost, want.branch, want.callID, want.contactHost = viaHost, viaBranch, ourCallID, viaHost
		if got != want {
			t.Errorf("%s:\n  got  %+v\n  want %+v", name, got, want)
		}
	}
}

func TestGoals(t *testing.T) {
	fast := &contender{times: []float64{100}, allocs: 2}
	slow := &contender{times: []float64{1000}, allocs: 50}
	for _, c := range []struct {
		all  []*contender
		want string
	}{
		{[]*contender{slow, slow, fast, fast, fast}, "goal parse_speed got=10.0 want=>=8 ok\ngoal parse_allocs got=2 want=<=2 ok\n"},
		{[]*contender{slow, slow, slow, slow, slow}, "goal parse_speed got=1.0 want=>=8 short\ngoal parse_allocs got=50 want=<=2 short\n"},
	} {
		var b bytes.Buffer
		print(&b, c.all)
		if !bytes.HasSuffix(b.Bytes(), []byte(c.want)) {
			t.Errorf("got %q, want it to end with %q", b.String(), c.want)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	datagram := []byte(invite)
	o, t := new(ours), newTheirs()
	run := func(name string, work func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := work(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("sbc", func() error { return o.pass(datagram) })
	run("sbc-parse", func() error { return o.m.Parse(datagram) })
	run("sbc-nothing-kept", func() error { return o.fresh(datagram) })
	run("sipgo", func() error { return t.pass(datagram) })
	run("sipgo-parse", func() error { _, err := t.parse(datagram); return err })
}
