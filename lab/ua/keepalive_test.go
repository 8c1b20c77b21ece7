package ua

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// nat puts a behind a router with this public address, from now on.
func (w *world) nat(public string) {
	outside := netip.MustParseAddrPort(public)
	w.route = func(_ []byte, p *packet) {
		if p.by == 0 && p.from == w.agents[0].o.Addr {
			p.from = outside
		}
		if p.to == outside {
			p.to = w.agents[0].o.Addr
		}
	}
}

func uris(list []Binding) string {
	var all []string
	for _, b := range list {
		all = append(all, b.URI)
	}
	return strings.Join(all, " ")
}

// A phone that learns its public address from the response registers it, and
// takes the private one back.
func TestLearn(t *testing.T) {
	for _, learn := range []bool{false, true} {
		w := registering(t, func(o *Options) { o.Register.Learn = learn }, nil)
		w.react[0] = answer
		w.nat("203.0.113.7:31022")
		w.register()
		w.run(20 * time.Second)
		bound, events := "sip:a@10.0.0.1:5060", "registered 200"
		if learn {
			bound, events = "sip:a@203.0.113.7:31022", "registered 200, registered 200"
		}
		if got := uris(w.agents[1].Bindings("a")); got != bound || w.agents[0].Contact() != bound || w.kinds(0) != events {
			t.Errorf("%v: %s, %s", learn, got, w.kinds(0))
		}
		if learn {
			_, do := w.agents[1].Message(w.now, "a", "hello", nil)
			w.do(1, do)
			w.nat("203.0.113.8:31023")
		}
		w.run(60 * time.Second)
		if bound := "sip:a@203.0.113.8:31023"; learn && uris(w.agents[1].Bindings("a")) != bound {
			t.Error(uris(w.agents[1].Bindings("a")))
		}
		w.clean()
		w.unregistered()
	}
}

// A phone that sends STUN hears of a new mapping, and registers again.
func TestKeepAliveSTUN(t *testing.T) {
	w := registering(t, func(o *Options) {
		o.Keepalive, o.Register = Keepalive{With: KeepSTUN, Every: 20 * time.Second}, &Register{Learn: true}
	}, nil)
	w.nat("203.0.113.7:31022")
	w.register()
	w.run(30 * time.Second)
	w.nat("203.0.113.7:31099")
	w.run(30 * time.Second)
	w.clean()
	w.want("registered 200, registered 200, kept alive, kept alive, flow failed, registered 200", "bound, bound, unbound, bound, unbound")
	if got := uris(w.agents[1].Bindings("a")); got != "sip:a@203.0.113.7:31099" {
		t.Error(got)
	}
	w.lose = func(p packet) bool { return isSTUN(p.bytes) }
	w.run(70 * time.Second) // from 60 s on, until 99.5 s, and again from 100 s on
	if got := w.count("a→ STUN 0x0001"); got != 2+7+6 || !strings.HasSuffix(w.kinds(0), "flow failed, registered 200") {
		t.Errorf("%d requests, %s", got, w.kinds(0))
	}
	w.lose = nil
	w.do(0, w.agents[0].SetKeepalive(w.now, Keepalive{}, nil))
	w.unregistered()
}

func TestSTUNViolations(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(b []byte) []byte
		want   string
	}{
		{"nothing", func(b []byte) []byte { return b }, ""},
		{"length", func(b []byte) []byte { b[3]++; return b }, "length 13"},
		{"cut off", func(b []byte) []byte { b[23] = 9; return b }, "cut off"},
		{"size", func(b []byte) []byte { b[23] = 7; return b }, "XOR-MAPPED-ADDRESS 00 01"},
		{"family", func(b []byte) []byte { b[25] = 2; return b }, "XOR-MAPPED-ADDRESS 00 02"},
		{"none", func(b []byte) []byte { b[21] = 0x21; return b }, "no XOR-MAPPED-ADDRESS"},
		{"transaction", func(b []byte) []byte { b[9]++; return b }, "answers no request"},
		{"error", func(b []byte) []byte { b[1] = 0x11; return b }, "STUN 0x0111 to a Binding request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := registering(t, func(o *Options) { o.Keepalive = Keepalive{With: KeepSTUN} }, nil)
			w.register()
			w.route = func(b []byte, p *packet) {
				if title(t, b) == "STUN 0x0101" {
					p.bytes = c.change([]byte(string(b)))
				}
			}
			w.run(26 * time.Second)
			w.violated(c.want)
		})
	}
}

// RFC 5769 sections 2.2 and 2.3, less what follows the address.
func TestMappedAddressOfRFC5769(t *testing.T) {
	for _, c := range []struct{ packet, want string }{
		{"0101000c2112a442b7e7a701bc34d686fa87dfae" + "002000080001a147e112a643", "192.0.2.1:32853"},
		{"010100182112a442b7e7a701bc34d686fa87dfae" + "002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"},
	} {
		b, err := hex.DecodeString(c.packet)
		if err != nil {
			t.Fatal(err)
		}
		if c.want[0] != '[' {
			b[3] = 12
		}
		got, err := mappedAddress(b)
		if err != nil || got.String() != c.want {
			t.Errorf("%v %v, want %s", got, err, c.want)
		}
		if again := bindingResponse(b, got); string(again) != string(b) {
			t.Errorf("% x\n% x", again, b)
		}
	}
}

// On a stream a CRLF answers a double one; where it does not come the flow is
// gone. On UDP nothing answers.
func TestKeepAliveCRLF(t *testing.T) {
	w := registering(t, func(o *Options) { o.Stream, o.Keepalive = true, Keepalive{With: KeepCRLF, Every: 20 * time.Second} },
		func(o *Options) { o.Stream = true })
	w.register()
	w.run(45 * time.Second)
	w.clean()
	w.want("registered 200, kept alive, kept alive", "bound")
	w.lose = func(p packet) bool { return title(t, p.bytes) == "1 CRLF" }
	w.run(28 * time.Second)
	if !strings.HasSuffix(w.kinds(0), "flow failed, registered 200") {
		t.Error(w.kinds(0))
	}
	w.do(0, w.agents[0].Receive(w.now, addrs[0], addrs[1], []byte(crlf), nil)) // late
	w.clean()
	w.do(0, w.agents[0].Receive(w.now, addrs[0], addrs[1], []byte(crlf), nil))
	w.violated("CRLF that answers no keep-alive")

	w = registering(t, func(o *Options) { o.Keepalive = Keepalive{With: KeepCRLF} }, nil)
	w.register()
	w.run(80 * time.Second)
	w.clean()
	if w.count("a→ 2 CRLF") != 3 || w.has(0, KeptAlive, 0) || w.has(0, FlowFailed, 0) {
		t.Error(w.kinds(0), w.wire)
	}
}

// A connection that breaks is no reason to wait.
func TestBroke(t *testing.T) {
	w := registering(t, func(o *Options) { o.Stream = true }, func(o *Options) { o.Stream = true })
	w.lose = func(packet) bool { return true }
	w.register()
	w.run(time.Second)
	w.lose = nil
	w.do(0, w.agents[0].Broke(w.now, nil))
	w.run(time.Second)
	w.do(0, w.agents[0].Broke(w.now, nil))
	w.run(time.Second)
	w.clean()
	w.want("flow failed, registered 200, flow failed, registered 200", "bound, bound")
	w.unregistered()
}

// A phone in another network registers there, and its call goes on.
func TestRoam(t *testing.T) {
	for _, name := range []string{"", instance} {
		there := netip.MustParseAddrPort("10.0.9.9:5061")
		w := newWorld(t, func(i int, o *Options) {
			if i == 1 {
				o.Registrar = &Registrar{Domain: "pbx.example", Outbound: true}
				return
			}
			o.Domain, o.Register = "pbx.example", &Register{Seconds: 100, Instance: name, RegID: 1, Outbound: true}
		})
		w.register()
		id := w.invite(Invite{})
		w.run(2 * time.Second)
		m := Move{Name: "roam", To: there.String()}
		_, do := w.agents[0].Make(w.now, m, nil)
		w.do(0, do)
		w.run(3 * time.Second)
		if got := uris(w.agents[1].Bindings("a")); got != "sip:a@10.0.9.9:5061" {
			t.Errorf("%q: bound %s", name, got)
		}
		if _, ok := w.open[addrs[0]]; ok || !w.has(0, Reinvited, 200) {
			t.Error(w.kinds(0))
		}
		sent, got := w.agents[0].Media(id)
		if got.Wrong > 0 || got.Right < 200 || sent < 200 {
			t.Errorf("%d sent, %+v", sent, got)
		}
		w.hangup(0)
		w.run(time.Second)
		for _, v := range w.violations() {
			if !strings.HasPrefix(v, "b: media from 10.0.9.9") { // before the new offer came
				t.Error(v)
			}
		}
		w.do(0, w.agents[0].Unregister(w.now, nil))
		w.done()
	}
}

// A phone that loses its power says nothing, and comes back as another one.
func TestReboot(t *testing.T) {
	w := registering(t, nil, nil)
	w.register()
	w.invite(Invite{})
	w.run(time.Second)
	first := w.agents[1].Bindings("a")[0].CallID
	wire := len(w.wire)
	w.do(0, w.agents[0].Reboot(w.now, nil))
	if len(w.wire) != wire || !w.agents[0].Idle() {
		t.Error("it said something, or kept something")
	}
	w.register()
	w.run(time.Second)
	if b := w.agents[1].Bindings("a"); len(b) != 1 || b[0].CallID == first {
		t.Errorf("%+v", b)
	}
	if got := w.kinds(0); !strings.HasSuffix(got, "ended (forgotten), registered 200") {
		t.Error(got)
	}
	w.hangup(1)
	w.unregistered()
}
