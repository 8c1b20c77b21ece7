package signaling

import (
	"bytes"
	"maps"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sbc/nat"
	"sbc/policy"
	"sbc/signaling/sip"
	"sbc/telemetry"
)

// A datagrams is a far end on a UDP socket, that reads and writes by hand.
type datagrams struct {
	t *testing.T
	c *net.UDPConn
}

func newDatagrams(t *testing.T, at netip.AddrPort) *datagrams {
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return &datagrams{t, c}
}

func (d *datagrams) write(to netip.AddrPort, b []byte) {
	d.t.Helper()
	if _, err := d.c.WriteToUDPAddrPort(b, to); err != nil {
		d.t.Fatal(err)
	}
}

// read returns the next message, which has to be the one that is wanted; "": any.
func (d *datagrams) read(want string) wire {
	d.t.Helper()
	d.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	b := make([]byte, 4096)
	n, from, err := d.c.ReadFromUDPAddrPort(b)
	if err != nil {
		d.t.Fatalf("no %s: %v", want, err)
	}
	x := wire{to: from, bytes: string(b[:n]), msg: &sip.Message{}}
	if err := x.msg.Parse([]byte(x.bytes)); err != nil {
		d.t.Fatalf("%v\n%q", err, x.bytes)
	}
	if want != "" && x.label() != want {
		d.t.Fatalf("want %s, got\n%s", want, x.bytes)
	}
	return x
}

// kept is what a store would keep.
type kept struct {
	mu      sync.Mutex
	records map[uint64][]byte
}

func (k *kept) keep(serial uint64, record []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if record == nil {
		delete(k.records, serial)
		return
	}
	k.records[serial] = bytes.Clone(record)
}

func (k *kept) all() map[uint64][]byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.records)
}

// withPhones makes the border one with phones outside, which register with a
// PBX of their own.
func withPhones(number byte, k *kept) func(*Options) {
	return func(o *Options) {
		home := netip.AddrFrom4([4]byte{127, 1, number, 2})
		po := *o.Rules.Options()
		po.Peers = append([]policy.Peer{}, po.Peers...)
		po.Peers = append(po.Peers, policy.Peer{Name: "home", Realm: 0, Domain: "voice.example", Target: policy.Target{Host: home.String(), Addr: home, Port: 5060}},
			policy.Peer{Name: "phones", Realm: 1, Domain: "voice.example", Endpoints: &policy.Endpoints{To: 2}})
		rules, err := policy.Compile(po)
		if err != nil {
			panic(err)
		}
		o.Rules, o.Calls = rules, policy.NewCalls(rules)
		o.Metrics = telemetry.New(telemetry.Options{Realms: []string{"inside", "outside"}, Peers: []string{"pbx", "itsp", "home", "phones"}})
		o.Listeners = append(o.Listeners, Listener{Realm: 1, Addr: o.Listeners[1].Addr, Host: o.Listeners[1].Host, TCP: true})
		o.Endpoints, o.BindingKey = []Endpoints{{Peer: 3}}, [16]byte{5}
		o.Keep, o.Bindings = k.keep, k.all()
	}
}

// Phones by UDP and TCP register over several shards; a STUN request of one that
// is registered is answered, and no other; a connection that breaks leaves its
// phone unreachable, until it comes by another; and after a restart the phone
// on UDP is reached at once.
func TestEngineRegister(t *testing.T) {
	const number = 31
	k := &kept{records: map[uint64][]byte{}}
	sbc := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 3, number, 1}), 5060)
	inside := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 2, number, 1}), 5060)
	home := newDatagrams(t, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 1, number, 2}), 5060))
	phone := newDatagrams(t, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 4, number, 9}), 31022))
	var contacts []string
	t.Run("before", func(t *testing.T) {
		b := startBorder(t, number, 3, withPhones(number, k))
		phone.write(sbc, nat.AppendBindingRequest(nil, nat.Transaction{1}))
		phone.write(sbc, []byte(crlf(register("one", "1", "Expires: 600\n"))))
		reg := home.read("REGISTER")
		home.write(inside, []byte(crlf(granted(reg))))
		phone.read("200") // and nothing for the STUN request before it
		contacts = append(contacts, strings.TrimPrefix(strings.SplitN(reg.field("Contact"), ">", 2)[0], "<"))

		phone.write(sbc, nat.AppendBindingRequest(nil, nat.Transaction{2}))
		buf := make([]byte, 600)
		n, _, err := phone.c.ReadFromUDPAddrPort(buf)
		if at, ok := nat.STUN(buf[:max(n, 20)]).Mapped(); err != nil || !ok || at.Port() != 31022 {
			t.Errorf("STUN says %v, %v, %v", at, ok, err)
		}

		dial := func() *peer {
			d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 4, number, 10)}}
			c, err := d.Dial("tcp", sbc.String())
			if err != nil {
				t.Fatal(err)
			}
			return newPeer(t, c)
		}
		second := strings.NewReplacer("SIP/2.0/UDP", "SIP/2.0/TCP", "10.0.0.5", "10.0.0.6", "sip:100@", "sip:200@", "5060>", "5060;transport=tcp>")
		tcp := dial()
		tcp.write(second.Replace(register("two", "1", "Expires: 600\n")))
		reg = home.read("REGISTER")
		home.write(inside, []byte(crlf(granted(reg))))
		tcp.read("200")
		contact := strings.TrimPrefix(strings.SplitN(reg.field("Contact"), ">", 2)[0], "<")
		contacts = append(contacts, contact)
		qualify(t, home, inside, contact, "q1", "200")
		tcp.c.Close()
		eventually(t, "the phone to be gone", func() bool {
			for _, r := range b.engine.Registrations() {
				if r.AOR == "sip:200@voice.example" && r.State == "unreachable" {
					return true
				}
			}
			return false
		})
		qualify(t, home, inside, contact, "q2", "480")
		tcp = dial()
		tcp.write(second.Replace(register("three", "2", "Expires: 600\n")))
		reg = home.read("REGISTER")
		home.write(inside, []byte(crlf(granted(reg))))
		tcp.read("200")
		if !strings.Contains(reg.field("Contact"), contact) {
			t.Errorf("the token changed: %s, was %s", reg.field("Contact"), contact)
		}
		home.write(inside, []byte(crlf(strings.NewReplacer("sip:+4930123@192.168.1.1", contact, "192.168.1.10:5060", "127.1.31.2:5060").Replace(invite))))
		home.read("100")
		inv := tcp.read("INVITE")
		if !strings.HasPrefix(inv.bytes, "INVITE sip:200@10.0.0.6:5060;transport=tcp SIP/2.0\r\n") {
			t.Errorf("the phone is called\n%s", inv.bytes)
		}
		tcp.write(respond(inv, 486, "", ""))
		tcp.read("ACK")
		home.write(inside, []byte(crlf(strings.NewReplacer("sip:+4930123@192.168.1.1", contact).Replace(pbxAck(home.read("486"))))))
	})
	t.Run("after", func(t *testing.T) {
		if len(k.all()) != 2 {
			t.Fatalf("%d records were kept", len(k.all()))
		}
		startBorder(t, number, 2, withPhones(number, k))
		qualify(t, home, inside, contacts[0], "q3", "200")
		qualify(t, home, inside, contacts[1], "q4", "480")
	})
}

// qualify asks by OPTIONS whether a phone is there.
func qualify(t *testing.T, home *datagrams, sbc netip.AddrPort, contact, branch, want string) {
	t.Helper()
	home.write(sbc, []byte("OPTIONS "+contact+" SIP/2.0\r\nVia: SIP/2.0/UDP 127.1.31.2:5060;branch=z9hG4bK"+branch+"\r\nMax-Forwards: 70\r\nFrom: <sip:pbx@127.1.31.2>;tag=1\r\nTo: <"+contact+
		">\r\nCall-ID: "+branch+"\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"))
	home.read(want)
}
