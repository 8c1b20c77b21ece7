package signaling

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
)

// reload swaps the rules of the world as Engine.Reload does, with the options of
// before changed by change.
func (w *world) reload(change func(*policy.Options)) {
	w.t.Helper()
	po := *w.s.rules.Options()
	po.Peers, po.Routes = append([]policy.Peer(nil), po.Peers...), append([]policy.Route(nil), po.Routes...)
	change(&po)
	rules, err := policy.Compile(po)
	if err != nil {
		w.t.Fatal(err)
	}
	rules.Inherit(w.s.rules)
	r := &Reload{Rules: rules, Endpoints: w.s.opt.Endpoints, Quiet: w.s.opt.Quiet, Held: w.s.opt.Held, Ring: w.s.opt.Ring, Long: w.s.opt.Long}
	for _, e := range w.s.opt.Realms {
		r.Realms = append(r.Realms, RealmReload{Trust: e.Trust, Topology: e.Topology})
	}
	o := w.s.opt.Reloaded(r)
	w.s.Reload(o)
	w.calls = o.Calls
}

const itspBye = `BYE sip:sbc@203.0.113.7 SIP/2.0
Via: SIP/2.0/UDP 198.51.100.5:5060;branch=z9hG4bKfarbye
Max-Forwards: 70
From: FROM
To: TO
Call-ID: CALLID
CSeq: 77 BYE
Content-Length: 0

`

// byeOf is the BYE of the far end that got x, and answered it with fartag99.
func byeOf(x wire) string {
	from := x.field("From")
	return strings.NewReplacer("FROM", x.field("To")+";tag=fartag99", "TO", from, "CALLID", x.field("Call-ID")).Replace(itspBye)
}

// goneITSP takes the ITSP out of the file.
func goneITSP(po *policy.Options) {
	po.Peers[1].Gone = true
	po.Routes = []policy.Route{
		{Name: "out", From: []int{0}, To: []int{2}, Ref: policy.Ref{File: "sbc.hcl", Line: 41}},
		{Name: "in", From: []int{2}, To: []int{0}, Ref: policy.Ref{File: "sbc.hcl", Line: 51}},
	}
}

// A peer that a reload takes away ends the call that it has; what it begins gets
// the silence of strangers. New calls go by the new routes.
func TestReloadTakesPeerAway(t *testing.T) {
	w := newWorld(t)
	out := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.send(itspAddr, respond(out, 180, "Contact: <sip:gw@198.51.100.5>\n", ""))
	w.reload(goneITSP) // while it rings
	ok := w.want(w.send(itspAddr, respond(out, 200, "Contact: <sip:gw@198.51.100.5>\n", answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	if n := w.calls.InUse(1); n != 1 {
		t.Errorf("the peer that is gone has %d calls, want 1", n)
	}
	w.want(w.send(itspAddr, strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(invite, "192.168.1.10", "198.51.100.5"), "secret-call", "new-call"), "pbxone", "itspone")), "")
	w.want(w.send(itspAddr, strings.Replace(strings.Replace(byeOf(out), "tag=", "tag=x", 2), "BYE", "OPTIONS", 2)), "")
	bye := w.want(w.send(itspAddr, byeOf(out)), "b 200, a BYE")
	w.send(pbxAddr, respond(bye[1], 200, "", ""))
	next := strings.NewReplacer("secret-call", "second-call", "pbxone", "pbxtwo").Replace(invite)
	second := w.want(w.send(pbxAddr, next), "a 100, b INVITE")[1]
	if second.to != backup {
		t.Errorf("the next call goes to %v", second.to)
	}
	w.want(w.send(backup, respond(second, 486, "", "")), "b ACK, a 486")
	w.wait(time.Second)
	w.send(pbxAddr, strings.Replace(strings.Replace(next, "INVITE sip", "ACK sip", 1), "10 INVITE", "10 ACK", 1))
	w.nothingLeft()
}

// New peers and limits count from the next call on.
func TestReloadLimits(t *testing.T) {
	w := newWorld(t)
	first := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	fresh := netip.MustParseAddrPort("198.51.100.9:5060")
	w.reload(func(po *policy.Options) {
		po.Peers[0].Limits.Calls = 1
		po.Peers = append(po.Peers, policy.Peer{Name: "fresh", Realm: 1, Target: policy.Target{Host: "198.51.100.9", Addr: fresh.Addr(), Port: 5060}})
		po.Routes = append(po.Routes, policy.Route{Name: "fresh", From: []int{3}, To: []int{0}})
	})
	next := strings.NewReplacer("secret-call", "second-call", "pbxone", "pbxtwo").Replace(invite)
	w.want(w.send(pbxAddr, next), "a 100, a 503")
	w.want(w.send(itspAddr, respond(first, 486, "", "")), "b ACK, a 486")
	from := strings.NewReplacer("secret-call", "third-call", "pbxone", "freshone", "192.168.1.10", "198.51.100.9").Replace(invite)
	in := w.want(w.send(fresh, from), "b 100, a INVITE")[1]
	w.want(w.send(pbxAddr, respond(in, 404, "", "")), "a ACK, b 404")
	w.wait(70 * time.Second)
	for i := range 4 {
		if n := w.calls.InUse(i); n != 0 {
			t.Errorf("peer %d has %d calls", i, n)
		}
	}
}

// While a reload is under way the reader of a connection knows more peers than the
// shard, which goes by what it has.
func TestReaderIsAheadOfTheShard(t *testing.T) {
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Peers[0].Names = []string{"sip.carrier.example"} })
	realm, flow := w.s.opt.Listeners[0].Realm, b2bua.Flow{Conn: 7}
	if w.s.rules.Peers()[0].Realm != realm {
		t.Fatal("the peer is in another realm")
	}
	for name, known := range map[string]bool{"sip.carrier.example": true, "sip.new.example": false} {
		w.s.opt.where.certify(flow.Conn, certified{names: []string{name}, peer: len(w.s.rules.Peers()), rules: new(policy.Rules)})
		if peer, ok := w.s.certified(flow); ok != known || ok && peer != 0 {
			t.Errorf("%s: peer %d, %v", name, peer, ok)
		}
		if _, ok := w.s.named(flow); ok != known {
			t.Errorf("%s: %v", name, ok)
		}
	}
}
