package signaling

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/lab/ua"
	"sbc/lab/ua/live"
	"sbc/mediarelay"
	"sbc/mediarelay/socket"
	"sbc/policy"
	"sbc/telemetry"
	"sbc/topology"
)

// A border is an Engine on loopback addresses between two live phones.
type border struct {
	engine    *Engine
	pbx, itsp *live.Phone
}

func answerAll(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	if e.Is == ua.Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
		return a.Answer(e.At, e.Call, do)
	}
	return do
}

// startBorder starts everything at addresses of 127.0.0.0/8 that end with the
// test's own number, so that tests may run side by side.
func startBorder(t *testing.T, number byte, shards int, change ...func(*Options)) *border {
	t.Helper()
	at := func(net byte) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, net, number, 1}), 5060)
	}
	pbx, inside, outside, itsp := at(1), at(2), at(3), at(4)
	start := time.Now()
	rules, err := policy.Compile(policy.Options{
		Realms: []policy.Realm{{Name: "inside"}, {Name: "outside"}},
		Peers: []policy.Peer{
			{Name: "pbx", Realm: 0, Target: policy.Target{Host: pbx.Addr().String(), Addr: pbx.Addr(), Port: 5060}},
			{Name: "itsp", Realm: 1, Target: policy.Target{Host: itsp.Addr().String(), Addr: itsp.Addr(), Port: 5060}},
		},
		Routes: []policy.Route{{Name: "out", From: []int{0}, To: []int{1}}, {Name: "in", From: []int{1}, To: []int{0}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	media, err := socket.New(socket.Options{Start: start, Options: mediarelay.Options{Realms: []mediarelay.RealmPool{
		{Name: "inside", Addr: inside.Addr(), First: 20000, Last: 20099},
		{Name: "outside", Addr: outside.Addr(), First: 20000, Last: 20099},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	realm := func(name string) *topology.Realm {
		r := &topology.Realm{Name: name, Audit: topology.ModeRefuse}
		if err := r.Compile(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	b := &border{}
	o := Options{
		Start: start, Shards: shards, Rules: rules, Calls: policy.NewCalls(rules), Media: media,
		Realms:     []Realm{{Name: "inside", Topology: realm("inside"), Media: Addrs{IP4: inside.Addr()}}, {Name: "outside", Topology: realm("outside"), Media: Addrs{IP4: outside.Addr()}}},
		Listeners:  []Listener{{Realm: 0, Addr: inside, Host: inside.Addr().String()}, {Realm: 1, Addr: outside, Host: outside.Addr().String()}},
		Metrics:    telemetry.New(telemetry.Options{Realms: []string{"inside", "outside"}, Peers: []string{"pbx", "itsp"}}),
		Log:        slog.New(slog.NewTextHandler(io.Discard, nil)),
		TraceBytes: 1 << 20, Quiet: time.Minute,
	}
	for _, f := range change {
		f(&o)
	}
	b.engine, err = Start(o)
	if err != nil {
		t.Fatal(err)
	}
	phone := func(user string, addr, peer netip.AddrPort, seed uint64) *live.Phone {
		p, err := live.Start(live.Options{React: answerAll, Agent: ua.Options{
			User: user, Addr: addr, Peer: peer, MediaPort: 30000, Voice: seed, Hear: 3 - seed,
			Canary: ua.Canary{Word: user + "side", Inner: netip.AddrFrom4([4]byte{10, 66, byte(seed), 7})},
			Rand:   rand.New(rand.NewPCG(seed, 1)),
		}})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	b.pbx, b.itsp = phone("pbx", pbx, inside, 1), phone("itsp", itsp, outside, 2)
	t.Cleanup(func() {
		// The phones answer the BYEs of the engine's end.
		defer b.pbx.Close()
		defer b.itsp.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := b.engine.Stop(ctx); err != nil {
			t.Error(err)
		}
		if err := media.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func (b *border) await(t *testing.T, p *live.Phone, kind ua.Kind) ua.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e, _, err := p.Await(ctx, 0, func(e ua.Event) bool { return e.Is == kind })
	if err != nil {
		t.Fatalf("no %s: %v\n%v", kind, err, p.Events())
	}
	return e
}

// eventually waits until cond is true.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for late := time.Now().Add(20 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(late) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Calls in both directions over real sockets and several shards: heard, told
// of, ended from either side, and nothing left.
func TestEngine(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Run("calls", func(t *testing.T) {
		b := startBorder(t, 11, 2)
		id := b.pbx.Invite(ua.Invite{To: "200"})
		b.await(t, b.pbx, ua.Heard)
		b.await(t, b.itsp, ua.Heard)

		calls := b.engine.Calls()
		if len(calls) != 1 || calls[0].State != "talking" || calls[0].From != "pbx" || calls[0].To != "itsp" || calls[0].Callee != "200" {
			t.Fatalf("calls: %+v", calls)
		}
		rep, ok := b.engine.Call(calls[0].ID)
		if !ok || !rep.Live || len(rep.Media) != 1 || rep.Media[0].Sides[0].Packets == 0 || rep.Media[0].Sides[1].Packets == 0 {
			t.Errorf("report: %v %+v", ok, rep.Media)
		}
		if rep.Ledger.Ports != 2 || rep.Ledger.Slots != 2 {
			t.Errorf("ledger of the call: %+v", rep.Ledger)
		}
		checkLadder(t, rep.Ladder)
		if st := b.engine.Status(); st.Calls != 1 || st.Ledger.Rest() || st.Answered != 1 || st.Leaks != 0 || len(st.Shards) != 2 {
			t.Errorf("status: %+v", st)
		}

		b.pbx.Hangup(id)
		b.await(t, b.itsp, ua.Ended)
		eventually(t, "the end of the call", func() bool { return b.engine.Status().Calls == 0 })
		past, ok := b.engine.Call(calls[0].ID)
		if !ok || past.Live || past.Cause != "bye_a" || past.State != "ended" || len(past.Media) != 1 {
			t.Errorf("report of the call that ended: %v %+v", ok, past.CallInfo)
		}
		st := b.engine.Status()
		if st.Ledger.Rest() || st.Realms[0].InUse != 0 || st.Realms[1].InUse != 0 {
			t.Errorf("left behind: %+v %+v", st.Ledger, st.Realms)
		}
		noViolations(t, b.pbx, b.itsp)
	})
}

func noViolations(t *testing.T, phones ...*live.Phone) {
	t.Helper()
	for _, p := range phones {
		for _, e := range p.Events() {
			if e.Is == ua.Violation {
				t.Errorf("at %v: %s", e.At, e.Text)
			}
		}
	}
}

// checkLadder checks that the account of a call says what came, what was
// changed and why, and what went.
func checkLadder(t *testing.T, ladder []LadderEntry) {
	t.Helper()
	var in, out *LadderEntry
	for i := range ladder {
		e := &ladder[i]
		if e.Label == "INVITE" && e.Kind == "in" {
			in = e
		}
		if e.Label == "INVITE" && e.Kind == "out" {
			out = e
		}
	}
	if in == nil || out == nil || in.Leg != "a" || out.Leg != "b" {
		t.Fatalf("the ladder has no INVITE in and out: %+v", ladder)
	}
	if !strings.Contains(in.Message, "pbxside") || strings.Contains(out.Message, "pbxside") {
		t.Errorf("in:\n%s\nout:\n%s", in.Message, out.Message)
	}
	i := slices.IndexFunc(out.Changes, func(c ChangeInfo) bool { return c.Field == "Contact" })
	if i < 0 || !strings.Contains(out.Changes[i].Before, "pbxside") || out.Changes[i].Why == "" {
		t.Errorf("the change of Contact is not accounted for: %+v", out.Changes)
	}
}

// The operator ends a call: both sides get a BYE.
func TestEngineHangup(t *testing.T) {
	b := startBorder(t, 12, 1)
	b.itsp.Invite(ua.Invite{To: "100"})
	b.await(t, b.itsp, ua.Answered)
	eventually(t, "the answer", func() bool { c := b.engine.Calls(); return len(c) == 1 && c[0].State == "talking" })
	if b.engine.Hangup("nobody") {
		t.Error("a call that does not exist was ended")
	}
	if !b.engine.Hangup(b.engine.Calls()[0].ID) {
		t.Error("the call was not found")
	}
	if e := b.await(t, b.itsp, ua.Ended); e.Cause != ua.ByFar {
		t.Errorf("the caller's call ended: %v", e.Cause)
	}
	if e := b.await(t, b.pbx, ua.Ended); e.Cause != ua.ByFar {
		t.Errorf("the callee's call ended: %v", e.Cause)
	}
}

// Many calls at once over several shards.
func TestEngineManyCalls(t *testing.T) {
	b := startBorder(t, 13, 3)
	const calls = 20
	for range calls {
		b.pbx.Invite(ua.Invite{To: "200"})
	}
	eventually(t, "all calls", func() bool { return b.engine.Status().Answered == calls })
	busy := 0
	for _, s := range b.engine.Status().Shards {
		if s.Calls > 0 {
			busy++
		}
	}
	if busy < 2 {
		t.Errorf("%d calls are on %d shard", calls, busy)
	}
}

// An address that cannot be bound is an error that says which and what to do.
func TestEngineAddressTaken(t *testing.T) {
	b := startBorder(t, 14, 1)
	_, err := Start(*b.engine.options())
	if err == nil || !strings.Contains(err.Error(), `realm "inside": cannot listen on udp 127.2.14.1:5060`) {
		t.Errorf("got %v", err)
	}
}
