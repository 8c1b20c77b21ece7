package main

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"sbc/bench/world"
	"sbc/lab/netns"
	"sbc/signaling/sip"
)

// TestMain is the generator as well, as main is.
func TestMain(m *testing.M) {
	if spec := os.Getenv(specEnv); spec != "" {
		exit(generate(spec, os.Stdout))
	}
	os.Exit(m.Run())
}

// TestSmoke floods both subjects for a second: what comes is refused, the calls
// go on, and both registrars ask for credentials.
func TestSmoke(t *testing.T) {
	netns.Require(t, "root", string(kamailio))
	if runtime.NumCPU() < 2 {
		t.Skip("needs two cores")
	}
	o := options{calls: 20, length: time.Second, rates: []int{5000}, sources: []int{3}, subjects: []subject{ours + "none", kamailio}}
	dir := t.TempDir()
	var err error
	if o.binary, err = world.Build(dir); err != nil {
		t.Fatal(err)
	}
	var r results
	if r.floods, err = measureAll(t.Context(), o, dir); err != nil {
		t.Fatal(err)
	}
	for i := range r.floods {
		f := &r.floods[i]
		if f.except != "" || f.calls.made == 0 || f.calls.failed > 0 || f.flood.Packets == 0 || f.flood.CPU <= 0 || f.cpu <= 0 || f.before.Own == 0 {
			t.Errorf("%v: %+v", f.cell, f)
		}
		if refuses := f.subject.isOurs() && !f.baseline(); refuses != (f.border > 0) {
			t.Errorf("%v: the border refused %d packets", f.cell, f.border)
		}
	}
	for _, s := range registrars {
		a, err := register(t.Context(), s, wrong, o, dir)
		if err != nil || a.n == 0 || a.cpu <= 0 {
			t.Errorf("%s: %+v, %v", s, a, err)
		}
		r.answers = append(r.answers, a)
	}
	var out strings.Builder
	r.print(&out, o)
	// Two tables of 4 and 4 rows, an empty one of digests, goals of one engine and
	// of the registrars.
	if n := strings.Count(out.String(), "\ngoal flood."); n != 6 {
		t.Errorf("%d goals in\n%s", n, out.String())
	}
}

// An engine that cannot be had is left out, and the table says so.
func TestUnavailable(t *testing.T) {
	r := results{floods: []outcome{{cell: cell{ours + "xdp", 10, 0, innocent}, except: "no driver"}}}
	var out strings.Builder
	r.print(&out, options{})
	if !strings.Contains(out.String(), "sbc, xdp  cannot be had here") || strings.Contains(out.String(), "goal") {
		t.Errorf("printed\n%s", out.String())
	}
}

// Each packet of a flood is whole, from its own source and with its own number.
func TestFrames(t *testing.T) {
	mac := net.HardwareAddr{2, 0, 0, 0, 0, 9}
	for _, from := range []tool{innocent, scanner} {
		for _, method := range methods {
			f := newFrame(message(method, from, sipAt(world.Outside)), mac, sipAt(world.Outside))
			ids := map[string]bool{}
			for n := range uint64(3) {
				f.number(n, 0x14000100+uint32(n))
				d, ok := netns.Frame{Bytes: f.bytes}.UDP()
				if !ok || d.Src.Addr().String() != fmt.Sprintf("20.0.1.%d", n) || d.Dst != sipAt(world.Outside) {
					t.Fatalf("%s of a %s: %v to %v", method, from, d.Src, d.Dst)
				}
				if sum := checksum(f.bytes[ipAt:udpAt]); sum != 0xffff {
					t.Errorf("%s: the checksum of the IP header is wrong: %#x", method, sum)
				}
				var m sip.Message
				if err := m.Parse(d.Payload); err != nil || m.Method().String() != method {
					t.Fatalf("%v in\n%s", err, d.Payload)
				}
				ids[string(value(d.Payload, "Call-ID"))+string(value(d.Payload, "Via"))] = true
				if named := strings.Contains(string(d.Payload), "friendly-scanner"); named != (from == scanner) {
					t.Errorf("a %s writes\n%s", from, d.Payload)
				}
			}
			if len(ids) != 3 {
				t.Errorf("%s: %d transactions of 3", method, len(ids))
			}
		}
	}
}

// Of what a fuzzer sends most is no message, and none is what a phone sends.
func TestRubbish(t *testing.T) {
	wrong, to := 0, sipAt(world.Outside)
	for i := range batch {
		text := payload(i, fuzzer, to)
		if text != payload(i, fuzzer, to) || text == payload(i, innocent, to) {
			t.Errorf("%d: %q", i, text)
		}
		if len(text) > 1472 {
			t.Errorf("%d does not fit into a frame: %d octets", i, len(text))
		}
		var m sip.Message
		if m.Parse([]byte(text)) != nil {
			wrong++
		}
	}
	if wrong < batch/2 || wrong == batch {
		t.Errorf("%d of %d are no messages", wrong, batch)
	}
}

// checksum adds up a header as RFC 1071 does: 0xffff where its checksum is right.
func checksum(b []byte) uint16 {
	var sum uint32
	for ; len(b) > 0; b = b[2:] {
		sum += uint32(binary.BigEndian.Uint16(b))
	}
	return uint16(sum>>16 + sum&0xffff)
}

func TestQuantiles(t *testing.T) {
	var many []time.Duration
	for i := range 300 {
		d := time.Duration(i%100 + 1)
		if i >= 200 {
			d += 1000 // a bad second
		}
		many = append(many, d)
	}
	for _, c := range []struct {
		setups       []time.Duration
		p50, p99, in time.Duration
	}{
		{nil, 0, 0, 0},
		{[]time.Duration{3, 1, 2}, 2, 3, 0},
		{many, 75, 1097, 99},
	} {
		s := tally{setups: c.setups, rate: 100}
		if s.quantile(0.5) != c.p50 || s.quantile(0.99) != c.p99 || s.second() != c.in {
			t.Errorf("of %d: %v, %v, %v", len(c.setups), s.quantile(0.5), s.quantile(0.99), s.second())
		}
	}
}

func TestGoals(t *testing.T) {
	at := func(s subject, sources, failed int, setup, cpu time.Duration, grown int64) outcome {
		return outcome{cell: cell{s, 1000, sources, innocent}, cpu: cpu, calls: tally{made: 1, failed: failed, setups: []time.Duration{setup}, rate: 1},
			beside: 2 * time.Millisecond, flood: sent{Packets: 1000, Took: time.Second, CPU: time.Millisecond}, grown: world.Memory{Own: grown, Heap: grown / 2}}
	}
	const ms = time.Millisecond
	none := subject(ours + "none")
	for _, c := range []struct {
		name   string
		flood  outcome
		missed string
	}{
		{"fine", at(none, 1, 0, 3*ms, 5*ms, 20<<20), ""},
		{"a call failed", at(none, 1, 1, 3*ms, 5*ms, 0), "failed_calls"},
		{"slow", at(none, 1, 0, 4*ms, 5*ms, 0), "p99_ratio"},
		{"it grows", at(none, 1, 0, 3*ms, 5*ms, 40<<20), "memory_growth heap_growth"},
		{"it costs more", at(none, 1, 0, 3*ms, 8*ms, 0), "cpu_to_kamailio"},
	} {
		r := results{floods: []outcome{at(none, 0, 0, 2*ms, 2*ms, 6<<20), c.flood, at(kamailio, 0, 0, 2*ms, 2*ms, 0), at(kamailio, 1, 9, 9*ms, 7*ms, 90<<20)}}
		var missed []string
		all := r.goals()
		for _, g := range all {
			if !g.OK {
				missed = append(missed, strings.TrimSuffix(strings.TrimPrefix(g.Name, "flood."), ".none"))
			}
		}
		if got := strings.Join(missed, " "); got != c.missed || len(all) != 5 {
			t.Errorf("%s: %d goals, missed %q, want %q", c.name, len(all), got, c.missed)
		}
	}
}
