package signaling

import (
	"context"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sbc/lab/ua"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/sip"
	"sbc/telemetry"
)

// all reads what waits in a Tap.
func (t *Tap) all() (list []TraceEvent) {
	done, cancel := context.WithCancel(context.Background())
	cancel()
	for len(t.queue) > 0 {
		ev, err := t.Next(done)
		if err != nil {
			return list
		}
		list = append(list, ev)
	}
	return list
}

func mustTap(t *testing.T, e *Engine, f TraceFilter) *Tap {
	t.Helper()
	tap, err := e.Tap(f)
	if err != nil {
		t.Fatal(err)
	}
	return tap
}

// lines writes steps as "in a INVITE".
func lines(list []TraceEvent) (s []string) {
	for _, ev := range list {
		s = append(s, strings.TrimSpace(ev.Kind+" "+ev.Leg)+" "+ev.Label)
	}
	return s
}

// A call is seen on both sides from its first message to its end, in order,
// with the real addresses and the octets that the phones sent and got.
func TestTapShowsBothLegs(t *testing.T) {
	b := startBorder(t, 31, 2)
	tap := mustTap(t, b.engine, TraceFilter{Changes: true})
	defer tap.Close()
	id := b.pbx.Invite(ua.Invite{To: "200"})
	b.await(t, b.pbx, ua.Heard)
	b.pbx.Hangup(id)
	b.await(t, b.itsp, ua.Ended)
	eventually(t, "the end of the call", func() bool { return b.engine.Status().Calls == 0 })
	list := tap.all()
	want := []string{
		"in a INVITE", "rule b to peer itsp by route ", "out b INVITE", "in b 180 Ringing", "out a 180 Ringing", "in b 200 OK", "out a 200 OK",
		"in a ACK", "out b ACK", "in a BYE", "out b BYE", "end bye_a", "in b 200 OK", "out a 200 OK",
	}
	got := lines(list)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("steps:\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for i := range list {
		checkStep(t, b, &list[i])
	}
	if tap.Dropped() != 0 {
		t.Errorf("%d steps were lost", tap.Dropped())
	}
}

func checkStep(t *testing.T, b *border, ev *TraceEvent) {
	t.Helper()
	if ev.From != "pbx" || ev.Callee != "200" || ev.Caller == "" || time.Since(ev.Time) > time.Minute || ev.At < 0 {
		t.Errorf("%s %s: %+v", ev.Kind, ev.Label, ev)
	}
	if ev.Kind != "in" && ev.Kind != "out" {
		if ev.Local.IsValid() || ev.Message != "" || ev.Method != "" {
			t.Errorf("%s %s is a message: %+v", ev.Kind, ev.Label, ev)
		}
		return
	}
	net, realm, peer := byte(2), "inside", "pbx"
	if ev.Leg == "b" {
		net, realm, peer = 3, "outside", "itsp"
	}
	local, remote := netip.AddrFrom4([4]byte{127, net, 31, 1}), netip.AddrFrom4([4]byte{127, 1 + 3*(net-2), 31, 1})
	if ev.Local != netip.AddrPortFrom(local, 5060) || ev.Remote != netip.AddrPortFrom(remote, 5060) || ev.Realm != realm || ev.Peer != peer {
		t.Errorf("%s %s: %v of %s to %v of %s", ev.Kind, ev.Label, ev.Local, ev.Realm, ev.Remote, ev.Peer)
	}
	if !strings.HasSuffix(ev.Message, "\r\n") && !strings.Contains(ev.Message, "\r\n\r\n") || ev.Method == "" || !strings.Contains(ev.Message, ev.Method) {
		t.Errorf("%s %s, method %q: %q", ev.Kind, ev.Label, ev.Method, ev.Message)
	}
	if changed := ev.Kind == "out" && ev.Method != "BYE"; changed != (len(ev.Changes) > 0) && ev.Method != "BYE" {
		t.Errorf("%s %s: %d changes", ev.Kind, ev.Label, len(ev.Changes))
	}
	if ev.Kind == "out" && strings.Contains(ev.Message, map[string]string{"a": "itspside", "b": "pbxside"}[ev.Leg]) {
		t.Errorf("what went to %s has words of the other side: what is shown was not sent", ev.Peer)
	}
}

// What is asked for is found on both legs of the call, from its first message
// on, also where only the callee's side has it; other calls are not.
func TestTapFilters(t *testing.T) {
	b := startBorder(t, 32, 1)
	for _, c := range []struct {
		name   string
		filter TraceFilter
		want   bool // it shows the call of the pbx to 200 at the itsp
	}{
		{"everything", TraceFilter{}, true},
		{"callee", TraceFilter{Numbers: []string{"20"}}, true},
		{"caller", TraceFilter{Numbers: []string{"x", "pb"}}, true},
		{"glob", TraceFilter{Numbers: []string{"2?0"}}, true},
		{"glob of a part", TraceFilter{Numbers: []string{"2?"}}, false},
		{"nobody", TraceFilter{Numbers: []string{"201"}}, false},
		{"caller's peer", TraceFilter{Peers: []string{"pbx"}}, true},
		{"callee's peer", TraceFilter{Peers: []string{"itsp"}}, true},
		{"caller's address", TraceFilter{Addresses: []netip.Prefix{netip.MustParsePrefix("127.1.32.1/32")}}, true},
		{"callee's address", TraceFilter{Addresses: []netip.Prefix{netip.MustParsePrefix("127.4.32.1/32")}}, true},
		{"our address at the callee's side", TraceFilter{Addresses: []netip.Prefix{netip.MustParsePrefix("127.3.32.1/16")}}, true},
		{"as an IPv6 address", TraceFilter{Addresses: []netip.Prefix{netip.MustParsePrefix("::ffff:127.4.32.1/32")}}, true},
		{"another address", TraceFilter{Addresses: []netip.Prefix{netip.MustParsePrefix("127.5.0.0/16")}}, false},
		{"number and address", TraceFilter{Numbers: []string{"200"}, Addresses: []netip.Prefix{netip.MustParsePrefix("127.4.0.0/16")}}, true},
		{"near address and far peer", TraceFilter{Peers: []string{"itsp"}, Addresses: []netip.Prefix{netip.MustParsePrefix("127.1.0.0/16")}}, true},
		{"number of another", TraceFilter{Numbers: []string{"9"}, Peers: []string{"itsp"}}, false},
	} {
		tap := mustTap(t, b.engine, c.filter)
		c.filter.Methods = []string{"bye", "INFO"}
		byes := mustTap(t, b.engine, c.filter)
		before := b.engine.Status().Answered
		id := b.pbx.Invite(ua.Invite{To: "200"})
		eventually(t, "the answer", func() bool {
			list := b.engine.Calls()
			return b.engine.Status().Answered > before && len(list) == 1 && list[0].State == "talking"
		})
		b.pbx.Hangup(id)
		eventually(t, "the end", func() bool { return b.engine.Status().Calls == 0 && b.engine.Status().Shards[0].Calls == 0 })
		got, only := lines(tap.all()), lines(byes.all())
		tap.Close()
		byes.Close()
		if c.want && (len(got) < 12 || got[0] != "in a INVITE" || len(only) == 0 || only[0] != "in a BYE" || len(only) > 4) || !c.want && len(got)+len(only) > 0 {
			t.Errorf("%s: %d steps %q, and of BYE %q", c.name, len(got), got, only)
		}
	}
}

func TestTapRefuses(t *testing.T) {
	b := startBorder(t, 33, 1)
	for _, f := range []TraceFilter{{Peers: []string{"nobody"}}, {Numbers: []string{"["}}, {Numbers: []string{""}}, {Addresses: []netip.Prefix{{}}}} {
		wrong := (*TraceFilterError)(nil)
		if _, err := b.engine.Tap(f); !errors.As(err, &wrong) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	var open []*Tap
	for range tapsMax {
		open = append(open, mustTap(t, b.engine, TraceFilter{}))
	}
	if _, err := b.engine.Tap(TraceFilter{}); !errors.Is(err, ErrTaps) {
		t.Errorf("one too many: %v", err)
	}
	open[1].Close()
	open[1].Close()
	again := mustTap(t, b.engine, TraceFilter{})
	again.Close()
	for _, tap := range open {
		tap.Close()
		if _, err := tap.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	}
	if b.engine.workers[0].shard.tap.list.Load() != nil {
		t.Error("nobody listens, and the shard still tells")
	}
}

// A Tap that nobody reads loses steps, holds no more than its bound, and
// costs no call.
func TestTapThatIsNotRead(t *testing.T) {
	b := startBorder(t, 34, 1)
	tap := mustTap(t, b.engine, TraceFilter{})
	st := &tapStep{step: step{sent: make([]byte, 1<<20)}}
	for range 10 {
		tap.push(st)
	}
	if n := len(tap.queue); n != 7 || tap.Dropped() != 3 || tap.octets.Load() > tapOctetsMax {
		t.Errorf("%d steps of a megabyte wait, %d octets, %d lost", n, tap.octets.Load(), tap.Dropped())
	}
	for range tapSteps {
		tap.push(&tapStep{})
	}
	if lost := tap.Dropped(); lost < 10 || tap.octets.Load() > tapOctetsMax {
		t.Errorf("%d lost, %d octets wait", lost, tap.octets.Load())
	}
	b.pbx.Invite(ua.Invite{To: "200"})
	b.await(t, b.pbx, ua.Answered)
	lost := tap.Dropped()
	list := tap.all()
	if len(list) == 0 || list[0].Dropped != lost || tap.octets.Load() != 0 {
		t.Errorf("%d steps were read, the first says that %d were lost of %d; %d octets wait", len(list), list[0].Dropped, lost, tap.octets.Load())
	}
	tap.Close()
}

// The engine's end ends a Tap, after all that happened till then.
func TestTapEndsWithTheEngine(t *testing.T) {
	var b *border
	var tap *Tap
	t.Run("the engine runs", func(t *testing.T) {
		b = startBorder(t, 35, 1)
		tap = mustTap(t, b.engine, TraceFilter{})
		b.pbx.Invite(ua.Invite{To: "200"})
		b.await(t, b.pbx, ua.Answered)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last TraceEvent
	for {
		ev, err := tap.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		last = ev
	}
	if last.Label != "200 OK" || last.Method != "BYE" {
		t.Errorf("the last step: %+v", last)
	}
	if _, err := b.engine.Tap(TraceFilter{}); !errors.Is(err, io.EOF) {
		t.Errorf("a Tap after the end: %v", err)
	}
	cancel()
	if _, err := tap.Next(ctx); err == nil {
		t.Error("a step after the end")
	}
}

// tapShard returns a shard, and a call of it that a record is kept for.
func tapShard(t testing.TB) (*Shard, *Engine, *b2bua.Call) {
	rules, err := policy.Compile(policy.Options{
		Realms: []policy.Realm{{Name: "inside"}, {Name: "outside"}},
		Peers:  []policy.Peer{{Name: "pbx", Target: policy.Target{Host: "127.0.0.1", Addr: netip.MustParseAddr("127.0.0.1")}}},
		Routes: []policy.Route{{Name: "out", From: []int{0}, To: []int{0}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Rules: rules, Realms: []Realm{{Name: "inside"}}, Listeners: []Listener{{Addr: netip.MustParseAddrPort("127.0.0.2:5060")}},
		Metrics: telemetry.New(telemetry.Options{Realms: []string{"inside"}, Peers: []string{"pbx"}}),
	}
	e := &Engine{}
	e.live.Store(&o)
	s := NewShard(&o, 0, 1, [16]byte{}, [32]byte{})
	e.workers = []*worker{{shard: s}}
	c := &b2bua.Call{ID: 7, To: -1, Caller: "100", Callee: "200"}
	s.record(c)
	s.tap.came = b2bua.Flow{Remote: netip.MustParseAddrPort("127.0.0.9:5060")}
	return s, e, c
}

const tapMessage = "MESSAGE sip:200@127.0.0.2 SIP/2.0\r\nAuthorization: Digest response=\"secret\"\r\nCSeq: 1 MESSAGE\r\n\r\n\xff"

// Nothing is allocated for a step while nobody listens.
func TestTraceDoesNotAllocate(t *testing.T) {
	s, _, c := tapShard(t)
	msg := []byte(tapMessage)
	if n := testing.AllocsPerRun(100, func() { s.trace(c, telemetry.In, b2bua.A, "", msg, nil) }); n != 0 {
		t.Errorf("a message that came in: %v allocations", n)
	}
	e := b2bua.Effect{Do: b2bua.Send, Call: c, Bytes: msg, Flow: s.tap.came}
	if n := testing.AllocsPerRun(100, func() { s.traceOut(&e) }); n != 0 {
		t.Errorf("a message that goes out: %v allocations", n)
	}
}

// Secrets are masked in messages and in what was changed, octets that are no
// text are kept, and what a shard gave is not changed.
func TestTapMasks(t *testing.T) {
	s, e, c := tapShard(t)
	tap := mustTap(t, e, TraceFilter{Changes: true})
	msg := []byte(tapMessage)
	value := []byte("sip:bob:secret@b.example")
	scrub := []edit.Edit{{Start: 0, End: 7, New: []byte("x"), Why: "leak"}}
	eff := b2bua.Effect{Do: b2bua.Send, Call: c, Side: b2bua.B, Bytes: msg, Flow: s.tap.came}
	eff.Edits = []edit.Edit{{Start: 8, End: 21, New: value, Why: "hidden"}}
	eff.Msg = &s.message
	if err := s.message.Parse(msg); err == nil {
		t.Log("it is a whole message")
	}
	s.message.Raw = msg
	s.trace(c, telemetry.Leak, b2bua.B, scrubbed, msg, scrub)
	s.traceOut(&eff)
	s.traceOut(&eff)
	list := tap.all()
	if len(list) != 2 || string(msg) != tapMessage || string(value) != "sip:bob:secret@b.example" {
		t.Fatalf("%d steps, %q", len(list), lines(list))
	}
	for i, ev := range list {
		text := ev.Message + string(ev.Octets)
		for _, ch := range ev.Changes {
			text += ch.Before + ch.After
		}
		if strings.Contains(text, "secret") || len(ev.Octets) != len(msg) || ev.Octets[len(msg)-1] != 0xff || ev.Method != "MESSAGE" {
			t.Errorf("step %d: %+v", i, ev)
		}
		// What the audit took out belongs to the message that came next only.
		if want := 2 - i; len(ev.Changes) != want || ev.Changes[0].Why != "hidden" {
			t.Errorf("step %d: changes %+v, want %d", i, ev.Changes, want)
		}
	}
}

// A CANCEL is shown as it is sent, with the reason that it carries.
func TestTapShowsCancel(t *testing.T) {
	s, e, c := tapShard(t)
	tap := mustTap(t, e, TraceFilter{Methods: []string{"CANCEL"}})
	invite := "INVITE sip:200@127.0.0.9 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n\r\n"
	s.clients[5] = &client{bytes: []byte(invite), flow: s.tap.came}
	s.traceOut(&b2bua.Effect{Do: b2bua.Cancel, Call: c, Side: b2bua.B, Client: 5, Method: sip.CANCEL, Bytes: []byte("Reason: SIP;cause=200\r\n")})
	list := tap.all()
	if len(list) != 1 || list[0].Label != "CANCEL" || !strings.HasPrefix(list[0].Message, "CANCEL sip:200@127.0.0.9") || !strings.HasSuffix(list[0].Message, "Reason: SIP;cause=200\r\n\r\n") || list[0].Remote != s.tap.came.Remote {
		t.Errorf("%+v", list)
	}
}

// While it is not known where a call goes, a few of its steps are held, and no
// more; when it is known and was not asked for, none.
func TestTapHolds(t *testing.T) {
	s, e, c := tapShard(t)
	tap := mustTap(t, e, TraceFilter{Addresses: []netip.Prefix{netip.MustParsePrefix("127.0.0.77/32")}})
	for range 3 * heldMax {
		s.trace(c, telemetry.In, b2bua.A, "", []byte(tapMessage), nil)
	}
	if n := len(s.record(c).tap.held); n != heldMax {
		t.Errorf("%d steps are held, want %d", n, heldMax)
	}
	s.trace(c, telemetry.In, b2bua.B, "", []byte(tapMessage), nil)
	if n := len(s.record(c).tap.held); n != 0 {
		t.Errorf("%d steps are still held", n)
	}
	s.trace(c, telemetry.Rule, b2bua.A, "a rule", nil, nil)
	s.tap.came.Remote = netip.MustParseAddrPort("127.0.0.77:9")
	s.trace(c, telemetry.In, b2bua.B, "", []byte(tapMessage), nil)
	s.trace(c, telemetry.End, b2bua.A, "bye", nil, nil)
	if got := strings.Join(lines(tap.all()), ", "); got != "rule a a rule, in b MESSAGE, end bye" {
		t.Errorf("steps %q", got)
	}
}

func BenchmarkTrace(b *testing.B) {
	for name, f := range map[string]*TraceFilter{"nobody": nil, "everything": {}, "another": {Numbers: []string{"7"}}} {
		b.Run(name, func(b *testing.B) {
			s, e, c := tapShard(b)
			if f != nil {
				if _, err := e.Tap(*f); err != nil {
					b.Fatal(err)
				}
			}
			msg := []byte(tapMessage)
			b.ReportAllocs()
			for b.Loop() {
				s.trace(c, telemetry.In, b2bua.A, "", msg, nil)
			}
		})
	}
}
