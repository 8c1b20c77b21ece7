package main

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sbc/bench/world"
	"sbc/lab/netns"
	"sbc/signaling/sip"
)

// TestSmoke measures both subjects for seconds: everything is granted, phones
// are asked and answer, the PBX is spared.
func TestSmoke(t *testing.T) {
	netns.Require(t, "root", "kamailio")
	if runtime.NumCPU() < 2 {
		t.Skip("needs two cores")
	}
	o := options{phones: 200, ramp: 400, rounds: 1, refresh: 2 * time.Second, window: 3 * time.Second,
		learn: 2 * time.Second, settle: time.Second, load: kept.String()}
	dir := t.TempDir()
	var err error
	if o.binary, err = world.Build(dir); err != nil {
		t.Fatal(err)
	}
	all, err := measureAll(o, dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, rounds := range all[kept] {
		r := &rounds[0]
		if r.failures() != 0 || r.count.sent < 200 || r.count.granted < 200 || len(r.times) < 200 || r.quantile(0.5) <= 0 {
			t.Errorf("%s: %+v, %d without an answer, %d not registered", name, r.count, r.unanswered, r.unbound)
		}
		if r.cpu <= 0 || r.grown.Own == 0 {
			t.Errorf("%s: no time or memory is used: %v, %+v", name, r.cpu, r.grown)
		}
	}
	ours := all[kept][sbcName][0].all
	if ours.options < o.phones || ours.atPBX < o.phones || ours.atPBX > ours.sent/2 {
		t.Errorf("sbc: %+v", ours)
	}
	var out strings.Builder
	printTable(&out, o, all)
	printGoals(&out, all)
	if strings.Count(out.String(), "\n") != 4+3 {
		t.Errorf("printed\n%s", out.String())
	}
}

func TestGoals(t *testing.T) {
	round := func(cpu time.Duration, heap int64, failed int) []result {
		return []result{{cpu: cpu, window: time.Minute, phones: 100, grown: world.Memory{Heap: heap}, count: counts{failed: failed}}}
	}
	for _, c := range []struct {
		name   string
		ours   []result
		missed string
	}{
		{"all well", round(time.Second, 100*2048, 0), ""},
		{"half", round(2*time.Second, 100*2048, 0), ""},
		{"too dear", round(3*time.Second, 100*2048, 0), "registrations-cpu"},
		{"too big", round(time.Second, 100*2049, 0), "registrations-bytes"},
		{"no heap was measured", round(time.Second, 0, 0), "registrations-bytes"},
		{"one failed", round(time.Second, 100*2048, 1), "registrations-failed"},
	} {
		var out strings.Builder
		printGoals(&out, results{kept: {sbcName: c.ours, peerName: round(4*time.Second, 0, 0)}})
		var missed []string
		for line := range strings.Lines(out.String()) {
			if f := strings.Fields(line); len(f) == 5 && f[4] == "short" {
				missed = append(missed, f[1])
			}
		}
		if got := strings.Join(missed, " "); got != c.missed || strings.Count(out.String(), "\n") != 3 {
			t.Errorf("%s: missed %q, want %q\n%s", c.name, got, c.missed, out.String())
		}
	}
}

func TestMedian(t *testing.T) {
	for want, windows := range map[float64][]time.Duration{0: nil, 2: {2}, 3: {2, 4}, 5: {9, 1, 5}} {
		var rounds []result
		for _, w := range windows {
			rounds = append(rounds, result{window: w * time.Second})
		}
		if got := median(rounds, func(r *result) float64 { return r.window.Seconds() }); got != want {
			t.Errorf("%v: %v, want %v", windows, got, want)
		}
	}
}

// TestPhones holds every phone to a flow and a message of its own.
func TestPhones(t *testing.T) {
	l := &load{phones: make([]phone, phonesMax)}
	for _, i := range []int{0, 1, ports - 1, ports, 19_999, phonesMax - 1} {
		flow, port := l.flow(i)
		if got, ok := l.phoneAt(flow.Addr(), port); !ok || got != i || int(flow.Port()) != 5060+port {
			t.Errorf("phone %d is at %v, where %d is", i, flow, got)
		}
		var m sip.Message
		raw := appendRegister(nil, i, 7)
		if err := m.Parse(raw); err != nil {
			t.Fatalf("%v in\n%s", err, raw)
		}
		if n, _ := m.Contacts(); n != 1 || m.CSeq() != 7 || m.Method() != sip.REGISTER {
			t.Errorf("phone %d writes\n%s", i, raw)
		}
		if again := appendRegister(nil, i, 8); len(again) != len(raw) {
			t.Errorf("phone %d writes more the next time:\n%s", i, again)
		}
	}
	if _, ok := l.phoneAt(homes.Addr(), 0); ok {
		t.Error("the first address is a phone's")
	}
}

// TestPBX grants a phone a time of its own first, then always the same, and
// gives its Contact back.
func TestPBX(t *testing.T) {
	p := newPBX()
	for i, c := range []struct{ phone, least, most int }{
		{1, grantedLeast, grantedMost - 1}, {2, grantedLeast, grantedMost - 1}, {1, grantedMost, grantedMost}, {2, grantedMost, grantedMost},
	} {
		request := appendRegister(nil, c.phone, uint32(i))
		var m, asked sip.Message
		if err := asked.Parse(request); err != nil {
			t.Fatal(err)
		}
		answer := p.answer(request)
		if err := m.Parse(answer); err != nil || m.Status() != 200 || status(answer) != 200 || m.To().Tag.Empty() {
			t.Fatalf("%v in\n%s", err, answer)
		}
		uri, seconds, _ := strings.Cut(string(field(answer, "contact")), ";expires=")
		var n int
		if _, err := fmt.Sscan(seconds, &n); err != nil || n < c.least || n > c.most || uri != string(field(request, "Contact")) {
			t.Errorf("REGISTER %d: %v in\n%s", i, err, answer)
		}
	}
	if answer := p.answer([]byte("OPTIONS sip:pbx SIP/2.0\r\nVia: v\r\nTo: <sip:pbx>\r\n\r\n")); !strings.HasPrefix(string(answer), "SIP/2.0 200 OK\r\nVia: v\r\nTo: <sip:pbx>;tag=") {
		t.Errorf("OPTIONS: %q", answer)
	}
	if p.registers != 4 || len(p.bindings) != 2 {
		t.Errorf("%d REGISTERs, %d bindings", p.registers, len(p.bindings))
	}
}
