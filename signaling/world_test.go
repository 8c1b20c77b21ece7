package signaling

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
	"sbc/telemetry"
	"sbc/topology"
)

// A world is one shard between a PBX on a LAN and an ITSP, without sockets.
type world struct {
	t     testing.TB
	s     *Shard
	media *mediarelay.Model
	calls *policy.Calls
	now   time.Duration
}

var (
	pbxAddr  = netip.MustParseAddrPort("192.168.1.10:5060")
	itspAddr = netip.MustParseAddrPort("198.51.100.5:5060")
	backup   = netip.MustParseAddrPort("198.51.100.6:5060")
)

const (
	listenerInside, listenerOutside = 0, 1
)

func newWorld(t testing.TB, change ...func(*Options, *policy.Options)) *world {
	po := policy.Options{
		Realms: []policy.Realm{{Name: "inside"}, {Name: "outside"}},
		Peers: []policy.Peer{
			{Name: "pbx", Realm: 0, Target: policy.Target{Host: "192.168.1.10", Addr: pbxAddr.Addr(), Port: 5060}},
			{Name: "itsp", Realm: 1, Target: policy.Target{Host: "198.51.100.5", Addr: itspAddr.Addr(), Port: 5060}, Domain: "sip.itsp.example"},
			{Name: "backup", Realm: 1, Target: policy.Target{Host: "198.51.100.6", Addr: backup.Addr(), Port: 5060}},
		},
		Routes: []policy.Route{
			{Name: "out", From: []int{0}, To: []int{1, 2}, Ref: policy.Ref{File: "sbc.hcl", Line: 40}},
			{Name: "in", From: []int{1, 2}, To: []int{0}, Ref: policy.Ref{File: "sbc.hcl", Line: 50}},
		},
	}
	realm := func(name string) *topology.Realm {
		r := &topology.Realm{Name: name, Audit: topology.ModeRefuse}
		if err := r.Compile(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	o := &Options{
		Realms: []Realm{
			{Name: "inside", Topology: realm("inside"), Media: Addrs{IP4: netip.MustParseAddr("192.168.1.1")}},
			{Name: "outside", Topology: realm("outside"), Media: Addrs{IP4: netip.MustParseAddr("203.0.113.7")}},
		},
		Listeners: []Listener{
			{Realm: 0, Addr: netip.MustParseAddrPort("192.168.1.1:5060"), Host: "192.168.1.1:5060"},
			{Realm: 1, Addr: netip.MustParseAddrPort("203.0.113.7:5060"), Host: "203.0.113.7:5060"},
		},
		Log:        slog.New(slog.NewTextHandler(io.Discard, nil)),
		Metrics:    telemetry.New(telemetry.Options{Realms: []string{"inside", "outside"}, Peers: []string{"pbx", "itsp", "backup"}}),
		TraceBytes: 1 << 20,
		Quiet:      time.Minute,
		Held:       10 * time.Minute,
	}
	for _, f := range change {
		f(o, &po)
	}
	rules, err := policy.Compile(po)
	if err != nil {
		t.Fatal(err)
	}
	o.Rules, o.Calls = rules, policy.NewCalls(rules)
	var mo mediarelay.Options
	for i, r := range o.Realms {
		first := uint16(20000 + 10000*i)
		mo.Realms = append(mo.Realms, mediarelay.RealmPool{Name: r.Name, Addr: r.Media.IP4, Addr6: r.Media.IP6, First: first, Last: first + 199})
	}
	m, err := mediarelay.NewModel(mo, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	o.Media = m
	w := &world{t: t, s: NewShard(o, 0, 1, [16]byte{7}, [32]byte{9}), media: m, calls: o.Calls}
	t.Cleanup(func() {
		for _, r := range w.s.refusals("") {
			if r.Why == "" || r.Remedy == "" {
				t.Errorf("nobody can tell why: %+v", r)
			}
		}
	})
	return w
}

// A wire is one message that the SBC sent, or that it closed a connection.
type wire struct {
	to    netip.AddrPort
	flow  b2bua.Flow
	close bool
	bytes string
	msg   *sip.Message
}

func (w wire) String() string { return fmt.Sprintf("to %v:\n%s", w.to, w.bytes) }

// send gives the SBC a message, LF for CRLF, and returns what it sends.
func (w *world) send(from netip.AddrPort, text string) []wire {
	w.t.Helper()
	listener := uint16(listenerOutside)
	if from == pbxAddr {
		listener = listenerInside
	}
	return w.by(b2bua.Flow{Listener: listener, Remote: from}, text)
}

// by gives the SBC a message by a flow.
func (w *world) by(flow b2bua.Flow, text string) []wire {
	w.t.Helper()
	var m sip.Message
	err := error(nil)
	if w.s.stream(flow) {
		_, err = m.ParseStream([]byte(crlf(text)))
	} else {
		err = m.Parse([]byte(crlf(text)))
	}
	w.s.Message(w.now, flow, &m, err)
	return w.sent()
}

func crlf(text string) string {
	head, body, _ := strings.Cut(strings.TrimLeft(text, "\n"), "\n\n")
	body = strings.ReplaceAll(body, "\n", "\r\n")
	head = strings.ReplaceAll(head, "LENGTH", fmt.Sprint(len(body)))
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

func (w *world) sent() (list []wire) {
	w.t.Helper()
	for _, o := range w.s.Out() {
		x := wire{to: o.Flow.Remote, flow: o.Flow, close: o.Close, bytes: string(o.Bytes), msg: &sip.Message{}}
		if o.Close && len(o.Bytes) == 0 {
			list = append(list, x)
			continue
		}
		err := x.msg.Parse([]byte(x.bytes))
		// What answers a request without a Call-ID has none either.
		if e := (*sip.Error)(nil); err != nil && !(errors.As(err, &e) && e.Cause == "missing_field") {
			w.t.Fatalf("the SBC sent what does not parse: %v\n%s", err, x.bytes)
		}
		list = append(list, x)
	}
	return list
}

// wait lets the time pass, timer by timer.
func (w *world) wait(d time.Duration) (list []wire) {
	end := w.now + d
	for {
		at, ok := w.s.Next()
		if !ok || at > end {
			break
		}
		w.now = at
		w.media.SetNow(w.now)
		w.s.Advance(w.now)
		list = append(list, w.sent()...)
	}
	w.now = end
	w.media.SetNow(w.now)
	w.s.Advance(w.now)
	return append(list, w.sent()...)
}

// label is what a ladder shows of a message: "INVITE" or "200".
func (x wire) label() string {
	if x.close {
		return "close"
	}
	if x.msg.IsRequest() {
		return string(x.msg.MethodName())
	}
	return fmt.Sprint(x.msg.Status())
}

func labels(list []wire) string {
	var s []string
	for _, x := range list {
		side := "a"
		if x.to != pbxAddr {
			side = "b"
		}
		s = append(s, side+" "+x.label())
	}
	return strings.Join(s, ", ")
}

func (w *world) want(list []wire, want string) []wire {
	w.t.Helper()
	if got := labels(list); got != want {
		w.t.Fatalf("the SBC sent %q, want %q\n%v", got, want, list)
	}
	return list
}

// field returns the value of a field of x, unfolded.
func (x wire) field(name string) string {
	f, ok := x.msg.FindName(name)
	if !ok {
		return ""
	}
	return string(x.msg.Unfold(nil, f.Value))
}

// nothingLeft checks that the SBC holds nothing once the last transaction has
// timed out.
func (w *world) nothingLeft() {
	w.t.Helper()
	w.wait(65 * time.Second)
	s := w.s
	if n := s.calls.Len(); n != 0 {
		w.t.Errorf("%d calls are left", n)
	}
	if n := s.calls.Rest(); n != 0 {
		w.t.Errorf("%d table entries are left", n)
	}
	if len(s.servers)+len(s.clients)+len(s.cancels)+len(s.merge) != 0 {
		w.t.Errorf("transactions are left: %d servers, %d clients, %d cancels, %d merge keys", len(s.servers), len(s.clients), len(s.cancels), len(s.merge))
	}
	if n := s.timers.Len(); n != 0 {
		w.t.Errorf("%d timers are left", n)
	}
	if len(s.records) != 0 {
		w.t.Errorf("%d records are left", len(s.records))
	}
	if n := w.media.Streams(); n != 0 {
		w.t.Errorf("%d media streams are left", n)
	}
	for i := range 3 {
		if n := w.calls.InUse(i); n != 0 {
			w.t.Errorf("%d places at peer %d are left", n, i)
		}
	}
}

const offer = `v=0
o=alice 2890844526 2890844526 IN IP4 192.168.1.44
s=Phone of alice
c=IN IP4 192.168.1.44
t=0 0
m=audio 49170 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=sendrecv
`

const answer = `v=0
o=gw 1 1 IN IP4 198.51.100.77
s=-
c=IN IP4 198.51.100.77
t=0 0
m=audio 6000 RTP/AVP 8 101
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
`

const invite = `INVITE sip:+4930123@192.168.1.1 SIP/2.0
Via: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbxone;rport
Max-Forwards: 70
From: "Alice" <sip:100@pbx.lan>;tag=pbxtag
To: <sip:+4930123@192.168.1.1>
Call-ID: secret-call@192.168.1.10
CSeq: 10 INVITE
Contact: <sip:100@192.168.1.10:5060>
User-Agent: OfficePBX 1.2
Supported: timer, 100rel
Content-Type: application/sdp
Content-Length: LENGTH

` + offer

// respond makes the response of the far end to x.
func respond(x wire, status int, extra, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\n", status, sip.StatusText(status))
	for _, f := range x.msg.Fields() {
		switch f.ID {
		case sip.FieldVia, sip.FieldFrom, sip.FieldCallID, sip.FieldCSeq:
			fmt.Fprintf(&b, "%s: %s\n", f.ID, x.msg.Bytes(f.Value))
		case sip.FieldTo:
			fmt.Fprintf(&b, "To: %s", x.msg.Bytes(f.Value))
			if x.msg.To().Tag.Empty() && status > 100 {
				b.WriteString(";tag=fartag99")
			}
			b.WriteString("\n")
		}
	}
	b.WriteString(extra)
	if body != "" {
		b.WriteString("Content-Type: application/sdp\n")
	}
	b.WriteString("Content-Length: LENGTH\n\n" + body)
	return b.String()
}
