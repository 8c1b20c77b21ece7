package signaling

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/firewall"
	"sbc/lab/ua"
	"sbc/policy"
	"sbc/telemetry"
)

// metricsText is what Prometheus reads of us.
func metricsText(t testing.TB, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler(func() bool { return true }).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	var ours []string
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "sbc_") {
			ours = append(ours, line)
		}
	}
	return strings.Join(ours, "")
}

// holding is all that somebody could notice of a try afterwards.
type holding struct {
	In         Inspection
	Refusals   []RefusalInfo
	Traced     []uint64
	Past       int
	Notices    int
	Metrics    string
	Log        string
	Streams    int
	Uses       [5][2]policy.Use
	All        int
	Heard      map[string]int64
	Works      []bool
	Talkers    map[talker]int
	Next       int64
	Registered []RegistrationInfo
}

func (w *world) holding(log *bytes.Buffer) (h holding) {
	s := w.s
	next, _ := s.Next()
	h = holding{In: s.Inspect(), Refusals: s.refusals(""), Traced: s.ring.Calls(), Past: len(s.past.list), Notices: len(s.notices), Metrics: metricsText(w.t, s.metrics),
		Log: log.String(), Streams: w.media.Streams(), All: w.calls.Total(), Heard: map[string]int64{}, Talkers: maps.Clone(s.opt.talkers.n), Next: int64(next), Registered: s.registrations()}
	for i := range s.rules.Peers() {
		h.Uses[i][0], h.Uses[i][1] = w.calls.Uses(w.now, i)
		h.Works = append(h.Works, s.opt.streams.works[i].Load())
	}
	s.opt.where.flows.Range(func(k, v any) bool {
		f, _ := json.Marshal(k)
		h.Heard[string(f)] = v.(*behind).heard.Load()
		return true
	})
	return h
}

// After a thousand tries of all kinds nothing is other than before.
func TestTryLeavesNothing(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	var log bytes.Buffer
	w := newHere(t, func(o *Options, p *policy.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		p.Peers[1].Limits.Calls = 2
		p.Peers[0].Tolls.User = 3
	})
	w.want((&agent{w: w, at: phoneAddr, user: "100"}).registers(), "b 200")
	w.want(w.send(pbxAddr, invite), "a 100, b INVITE")
	w.want(w.send(anotherAddr, strings.Replace(invite, "secret-call", "c2", 1)), "")
	w.now += 2 * heardEvery // the phone has not been heard for long
	w.s.Advance(w.now)
	w.sent()
	before := w.holding(&log)
	tries := []Try{
		tryPBX("4711"), tryPBX("100"), tryPBX("200"), tryPBX("300"), tryITSP("4711"), tryITSP("112"), tryPBX("4711@ "),
		{Realm: "outside", Source: phoneAddr, From: "100", To: "4711"},
		{Realm: "outside", Source: phoneAddr, From: "100", To: "4711", Proven: "branch"},
		{Realm: "outside", Source: otherPhone, From: "100@voice.example", To: "4711"},
		{Realm: "outside", Source: otherPhone, From: "1@voice.example", To: "4711"},
		{Realm: "outside", Source: anotherAddr, From: "1", To: "4711"},
		{Realm: "inside", Source: pbxAddr, From: "1", To: "4711", Method: "MESSAGE", Fields: []string{"X-A: 192.168.1.10"}},
		{Realm: "inside", Source: pbxAddr, From: "1", To: "4711", Method: "OPTIONS"},
		{Realm: "inside", Source: pbxAddr, From: "1", To: "4711", Fields: []string{"X-A: pbx at 192.168.1.10"}},
	}
	for i := range 1000 {
		w.try(tries[i%len(tries)])
	}
	if after := w.holding(&log); !reflect.DeepEqual(before, after) {
		t.Errorf("it was\n%+v\nand is\n%+v", before, after)
	}
	if out := w.sent(); len(out) > 0 {
		t.Errorf("it was sent: %v", out)
	}
}

// Tries go on beside calls and reloads, and nobody notices: every call is counted
// once, and each is carried.
func TestTryWhileRunning(t *testing.T) {
	b := startBorder(t, 77, 2)
	source := func(net byte) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, net, 77, 1}), 5060)
	}
	ctx, stop := context.WithCancel(t.Context())
	var tried, refused atomic.Int64
	ended := make(chan struct{}, 3)
	try := func(x Try, wants ...string) {
		for ctx.Err() == nil {
			r, err := b.engine.Try(x)
			got := ""
			if r.Sent != nil {
				got = r.Sent.Peer
			} else if r.Refusal != nil {
				got = r.Refusal.Cause
			}
			switch {
			case err != nil:
				t.Error(err)
			case got != wants[0] && got != wants[len(wants)-1]:
				t.Errorf("%+v", r)
			}
			if got == wants[len(wants)-1] {
				refused.Add(1)
			}
			tried.Add(1)
		}
		ended <- struct{}{}
	}
	go try(Try{Realm: "inside", Source: source(1), From: "1", To: "200"}, "itsp", "no_route")
	go try(Try{Realm: "outside", Source: source(9), From: "1", To: "200"}, "stranger")
	go func() { // a file that changes all the time
		for i := 0; ctx.Err() == nil; i++ {
			o := b.engine.options()
			po := *o.Rules.Options()
			po.Routes = append([]policy.Route(nil), po.Routes...)
			if po.Routes[0].Match.User = nil; i%2 == 0 {
				po.Routes[0].Match.User = regexp.MustCompile("^20")
				po.Routes[0].Match.Host = regexp.MustCompile("^127")
			}
			rules, err := policy.Compile(po)
			if err != nil {
				t.Error(err)
				break
			}
			rules.Inherit(o.Rules)
			r := &Reload{Rules: rules, Quiet: o.Quiet}
			for _, e := range o.Realms {
				r.Realms = append(r.Realms, RealmReload{Trust: e.Trust, Topology: e.Topology})
			}
			b.engine.Reload(r)
			b.engine.Readdress(Advertised{Realm: 1, Hosts: map[int]string{1: o.Listeners[1].Host}})
		}
		ended <- struct{}{}
	}()
	const calls = 5
	for i := range calls {
		id := b.pbx.Invite(ua.Invite{To: "200"})
		eventually(t, "the call to be up", func() bool { return b.engine.Status().Answered == uint64(i+1) })
		b.pbx.Hangup(id)
		eventually(t, "the end of the call", func() bool { return b.engine.Status().Calls == 0 })
	}
	eventually(t, "a hundred tries", func() bool { return tried.Load() > 100 && refused.Load() > 0 })
	stop()
	for range cap(ended) {
		<-ended
	}
	st := b.engine.Status()
	if st.Attempts != calls || st.Answered != calls || st.Ledger.Rest() || len(st.Rejects) != 0 || st.Panics != 0 {
		t.Errorf("status %+v", st)
	}
	if list := b.engine.Refusals("", 0); len(list) != 0 {
		t.Errorf("refused: %+v", list)
	}
	noViolations(t, b.pbx, b.itsp)
}

// Nobody is suspected for what is only tried; who is banned is said to be so.
func TestTryAndTheGuard(t *testing.T) {
	b := startBorder(t, 78, 1, func(o *Options) {
		o.Guard = func(known func(int, netip.AddrPort, uint16) firewall.Class) (*firewall.Guard, error) {
			g := firewall.Defaults()
			g.Start, g.Log, g.Known, g.Peers = o.Start, o.Log, known, len(o.Rules.Peers())
			return firewall.New(g)
		}
	})
	g := b.engine.Guard()
	before := g.Stats()
	x := Try{Realm: "outside", Source: netip.MustParseAddrPort("192.0.2.9:5060"), From: "100", To: "00491234", UserAgent: "friendly-scanner"}
	try := func() TryReport {
		t.Helper()
		r, err := b.engine.Try(x)
		if err != nil || r.OK || r.Source.By != "nobody" {
			t.Fatalf("%+v, %v", r, err)
		}
		return r
	}
	for range 50 {
		if r := try(); r.Source.Banned != "" {
			t.Fatalf("banned %s", r.Source.Banned)
		}
	}
	if after := g.Stats(); !reflect.DeepEqual(before, after) || len(g.Sources(b.engine.now())) != 0 || len(g.Bans(b.engine.now())) != 0 {
		t.Errorf("the guard knows %+v, bans %+v, counts %+v", g.Sources(b.engine.now()), g.Bans(b.engine.now()), after)
	}
	if err := g.Ban(b.engine.now(), netip.MustParsePrefix("192.0.2.0/28"), time.Hour, "ticket 17"); err != nil {
		t.Fatal(err)
	}
	if r := try(); !strings.HasPrefix(r.Source.Banned, "until 20") || !strings.HasSuffix(r.Source.Banned, ": ticket 17") {
		t.Errorf("banned %q", r.Source.Banned)
	}
	x.Source = netip.MustParseAddrPort("192.0.2.99:5060")
	for range 50 {
		g.Saw(b.engine.now(), x.Source.Addr(), firewall.Scanner, true)
	}
	if r := try(); !strings.HasSuffix(r.Source.Banned, " scanner") {
		t.Errorf("banned %q", r.Source.Banned)
	}
}

// What a try costs, and so how much of a processor operators can take.
func BenchmarkTry(b *testing.B) {
	w := newWorld(b)
	turns, x := w.turns(), tryPBX("4711")
	b.ReportAllocs()
	for b.Loop() {
		if r, err := x.run(0, turns); err != nil || !r.OK {
			b.Fatal(r, err)
		}
	}
}
