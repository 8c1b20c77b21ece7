package e2e

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// What is forged in somebody's name: nonsense, a scanner's REGISTER, an INVITE.
var forgeries = []struct {
	name string
	text func(i int) string
}{
	{"nonsense", func(i int) string { return fmt.Sprintf("\x00\xff nonsense %d\r\n\r\n", i) }},
	{"a scanner's REGISTER", func(i int) string {
		return forged("REGISTER", fmt.Sprint(100+i%100), i, "User-Agent: friendly-scanner")
	}},
	{"an INVITE", func(i int) string { return forged("INVITE", fmt.Sprint("49301", i%1000), i) }},
	{"a wrong password", func(i int) string {
		return forged("REGISTER", "alice", i, guess(`SIP/2.0 401 nonce="bm9uY2Vub25jZW5vbmNlbm9uY2Vub25jZQ"`, "alice", "sip:"+domain, i))
	}},
}

// forged is a request that nobody's socket sent.
func forged(method, user string, i int, fields ...string) string {
	s := &stranger{n: &siege{town: &town{pbx: &pbx{calls: i}}}}
	return s.hand(netip.MustParseAddrPort("198.51.100.10:5060"), "UDP", method, user, outsideAddr.String(), fields...)
}

// forgedRate is how many packets a second are forged: what a machine sends that
// plays four other parts.
const forgedRate = 5000

// forge sends so many packets in somebody's name, of each forgery in turn.
func (f *forger) forge(src netip.AddrPort, packets int, text func(i int) string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range packets {
		if i%(forgedRate/1000) == 0 {
			<-tick.C
		}
		f.udp(src, []byte(text(i)))
	}
}

// One forged packet, and ten thousand, ban and police nobody in whose name they
// are: not the ITSP, not a name server, not a phone that registered. Who calls
// goes on calling.
func TestForgedPacketsHurtNobody(t *testing.T) {
	t.Parallel()
	needsTown(t)
	const resolver = "198.51.100.53"
	for _, engine := range []string{"tcx", "nftables"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			mayFlood(t)
			n := newSiege(t, true, fmt.Sprintf("engine = %q\n  allow = [%q]", engine, resolver+"/32"))
			alice, other := n.home(nat.Masquerade).phone("alice", 1, "udp"), n.home(nat.PortRestricted).phone("150", 2, "udp")
			flow := n.flowOf("alice")
			f := n.stranger("forger").forger()
			n.begins(alice, other)
			for _, packets := range []int{1, 2500} {
				for _, c := range []struct {
					whose string
					src   netip.AddrPort
				}{
					{"a name server", netip.MustParseAddrPort(resolver + ":53")},
					{"a phone", flow},
					{"a phone, another port", netip.AddrPortFrom(flow.Addr(), flow.Port()^1)},
				} {
					for _, what := range forgeries {
						f.forge(c.src, packets, what.text)
						n.spotless(c.src.Addr(), fmt.Sprintf("%d of %s in the name of %s", packets, what.name, c.whose))
					}
				}
			}
			n.hangs(alice, other)
			n.begins(other, alice)
			n.hangs(alice, other)
			n.begins(alice, other)
			n.hangs(alice, other)
			n.measured("forged packets")
		})
	}
}

// flowOf returns where the border knows a user to be.
func (n *siege) flowOf(user string) netip.AddrPort {
	n.t.Helper()
	var transport, at string
	if _, err := fmt.Sscan(n.binding(user).Flow, &transport, &at); err != nil {
		n.t.Fatal(err)
	}
	return netip.MustParseAddrPort(at)
}

// spotless fails the test if an address is banned, or treated as anything but what
// it is.
func (n *siege) spotless(a netip.Addr, why string) {
	n.t.Helper()
	if bans := n.bans(); len(bans) > 0 {
		n.t.Errorf("after %s: %+v", why, bans)
	}
	if s := n.source(a); s.State == "policed" || s.State == "banned" || s.Proven != 0 {
		n.t.Errorf("after %s: %+v", why, s)
	}
}

// Somebody floods the border with INVITEs in the ITSP's name. What the ITSP begins
// may be refused meanwhile, with 503; its call that is up ends as it should, and
// the PBX calls as before. The ITSP is a suspect of nothing.
func TestFloodInThePeersName(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, engine := range []string{"tcx", "nftables"} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			mayFlood(t)
			n := newSiege(t, false, fmt.Sprintf("engine = %q\n  peer_rate = \"100/s\"", engine))
			p := n.phones("in", func(_ int, o *live.Options) { o.Agent.Quiet, o.React = true, answer })
			up := p.caller.Invite(ua.Invite{To: "4930123"})
			p.call(p.caller, up, ua.Answered)
			p.call(p.far, up, ua.Answered)
			told := (&stranger{n: n, space: n.itsp.space, addr: itspAddr}).watched()
			f := n.stranger("forger").forger()
			for _, what := range forgeries {
				f.forge(netip.AddrPortFrom(itspAddr, sipPort), 1, what.text)
			}
			n.spotless(itspAddr, "one of each in the ITSP's name")
			flooded, began := make(chan struct{}), time.Now()
			go func() {
				defer close(flooded)
				f.forge(netip.AddrPortFrom(itspAddr, sipPort), 3*forgedRate, func(i int) string { return forged("INVITE", fmt.Sprint("00", i), i) })
			}()
			n.await("the flood to be over the ITSP's share", func() bool { return n.gate().Dropped["peer_new"] > 0 })
			for i := range 10 {
				id := p.far.Invite(ua.Invite{To: "0301"})
				p.call(p.far, id, ua.Answered)
				p.far.Hangup(id)
				if e := p.call(p.far, id, ua.Ended); e.Status >= 300 {
					t.Errorf("call %d of the PBX: %d", i, e.Status)
				}
			}
			p.caller.Hangup(up)
			p.call(p.caller, up, ua.Ended)
			p.call(p.far, up, ua.Ended)
			<-flooded
			n.spotless(itspAddr, "a flood in the ITSP's name")
			st, err := n.border.status()
			n.must(err)
			if st.Rejects["rate"] == 0 {
				t.Errorf("nobody was refused: %v", st.Rejects)
			}
			refused := 0
			for _, b := range told() {
				if statusOf(b) != 503 {
					continue
				}
				if refused++; !bytes.Contains(b, []byte("\r\nRetry-After: 5\r\n")) {
					t.Fatalf("the ITSP gets %q", b)
				}
			}
			if most := 100 * (3 + int(time.Since(began)/time.Second)); refused == 0 || refused > most {
				t.Errorf("of %d the ITSP was told %d times that they are too many, more than %d", 3*forgedRate, refused, most)
			}
			n.await("the ITSP to be heard again", func() bool {
				id := p.caller.Invite(ua.Invite{To: "4930123"})
				e, _, err := p.caller.Await(n.ctx, 0, func(e ua.Event) bool { return e.Call == id && (e.Is == ua.Answered || e.Is == ua.Ended) })
				n.must(err)
				if e.Is == ua.Ended {
					return false
				}
				p.caller.Hangup(id)
				p.call(p.caller, id, ua.Ended)
				return true
			})
			n.measured(fmt.Sprintf("refused: %v", st.Rejects))
		})
	}
}
