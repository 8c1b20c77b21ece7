package signaling

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/sip"
)

// A peer is a far end on one connection, that reads and writes by hand.
type peer struct {
	t  *testing.T
	c  net.Conn
	in *bufio.Reader
}

func newPeer(t *testing.T, c net.Conn) *peer {
	t.Cleanup(func() { c.Close() })
	return &peer{t, c, bufio.NewReader(c)}
}

// write sends a message, LF for CRLF, in two pieces.
func (p *peer) write(text string) {
	p.t.Helper()
	b := crlf(text)
	for _, piece := range []string{b[:len(b)/3], b[len(b)/3:]} {
		if _, err := io.WriteString(p.c, piece); err != nil {
			p.t.Fatal(err)
		}
	}
}

// read returns the next message, which has to be the one that is wanted.
func (p *peer) read(want string) wire {
	p.t.Helper()
	p.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	var head strings.Builder
	length := 0
	for {
		line, err := p.in.ReadString('\n')
		if err != nil {
			p.t.Fatalf("no %s: %v; it began with %q", want, err, head.String())
		}
		head.WriteString(line)
		fmt.Sscanf(line, "Content-Length: %d", &length)
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(p.in, body); err != nil {
		p.t.Fatal(err)
	}
	x := wire{bytes: head.String() + string(body), msg: &sip.Message{}}
	if err := x.msg.Parse([]byte(x.bytes)); err != nil {
		p.t.Fatalf("%v\n%s", err, x.bytes)
	}
	if x.label() != want {
		p.t.Fatalf("want %s, got\n%s", want, x.bytes)
	}
	return x
}

// gone waits for the end of the connection.
func (p *peer) gone() {
	p.t.Helper()
	p.c.SetReadDeadline(time.Now().Add(20 * time.Second))
	if b, err := io.ReadAll(p.in); err != nil && !errors.Is(err, syscall.ECONNRESET) || len(b) > 0 {
		p.t.Errorf("the connection did not just end: %q, %v", b, err)
	}
}

func overTCP(o *Options) {
	for i := range o.Listeners {
		o.Listeners[i].TCP = true
	}
	for i := range o.Rules.Peers() {
		o.Rules.Peers()[i].Target.Transport = policy.TCP
	}
}

// A call over connections: the SBC makes the one to the callee, and each
// dialog stays on its own.
func TestEngineTCP(t *testing.T) {
	b := startBorder(t, 15, 2, overTCP)
	ln, err := net.Listen("tcp", "127.4.15.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, 15, 1)}}
	c, err := d.Dial("tcp", "127.2.15.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	pbx := newPeer(t, c)
	here := strings.NewReplacer("SIP/2.0/UDP 192.168.1.10:5060", "SIP/2.0/TCP 127.1.15.1:5070", "192.168.1.10", "127.1.15.1:5070", "192.168.1.44", "127.1.15.1", "192.168.1.1", "127.2.15.1", ":5060", "")

	pbx.write("\n\n" + here.Replace(invite))
	pbx.read("100")
	if got, err := ln.Accept(); err != nil {
		t.Fatal(err)
	} else {
		c = got
	}
	itsp := newPeer(t, c)
	inv := itsp.read("INVITE")
	if via := inv.field("Via"); !strings.HasPrefix(via, "SIP/2.0/TCP 127.3.15.1;") || strings.Contains(inv.bytes, "127.1.15.1") {
		t.Errorf("the ITSP reads\n%s", inv.bytes)
	}
	itsp.write(respond(inv, 180, "Contact: <sip:gw@127.4.15.1>\n", ""))
	itsp.write(respond(inv, 200, "Contact: <sip:gw@127.4.15.1>\n", strings.ReplaceAll(answer, "198.51.100.77", "127.4.15.1")))
	pbx.read("180")
	ok := pbx.read("200")
	pbx.write(here.Replace(ackFor(ok)))
	itsp.read("ACK")
	itsp.write(fromITSP(inv.bytes, respond(inv, 200, gateway, answer), "BYE", 1, ""))
	itsp.read("200")
	bye := pbx.read("BYE")
	pbx.write(respond(bye, 200, "", ""))
	eventually(t, "the end of the call", func() bool { return len(b.engine.Calls()) == 0 })
	if st := b.engine.Status(); st.Realms[0].Connections.Accepted != 1 || st.Realms[1].Connections.Dialled != 1 || st.Realms[1].Connections.Open != 1 {
		t.Errorf("connections: %+v, %+v", st.Realms[0].Connections, st.Realms[1].Connections)
	}
}

// What breaks off a stream is answered, and ends the connection and nothing
// else; where there is nobody the caller hears it at once.
func TestEngineTCPTrouble(t *testing.T) {
	startBorder(t, 16, 2, overTCP)
	dial := func() *peer {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, 16, 1)}}
		c, err := d.Dial("tcp", "127.2.16.1:5060")
		if err != nil {
			t.Fatal(err)
		}
		return newPeer(t, c)
	}
	here := strings.NewReplacer("SIP/2.0/UDP 192.168.1.10:5060", "SIP/2.0/TCP 127.1.16.1:5070", "192.168.1.44", "127.1.16.1", "192.168.1.1", "127.2.16.1", ":5060", "")
	broken, other := dial(), dial()
	broken.write(here.Replace(strings.Replace(invite, "Content-Length: LENGTH\n", "", 1)))
	if got := broken.read("400"); !strings.Contains(got.field("Via"), "z9hG4bKpbxone") {
		t.Errorf("answered\n%s", got.bytes)
	}
	broken.gone()

	// Nobody listens at the ITSP's address.
	other.write(here.Replace(invite))
	other.read("100")
	other.read("503")

	// Somebody listens, and hangs up without a word, twice.
	ln, err := net.Listen("tcp", "127.4.16.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	again := strings.NewReplacer("pbxone", "pbxtwo", "secret-call", "other-call")
	other.write(again.Replace(here.Replace(invite)))
	other.read("100")
	for range 2 {
		itsp, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		newPeer(t, itsp).read("INVITE")
		itsp.Close()
	}
	other.read("503")

	hello := dial()
	io.WriteString(hello.c, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
	hello.gone()
}

// RFC 5923: a peer that asks for it is called by the connection that it made.
func TestEngineTCPAlias(t *testing.T) {
	b := startBorder(t, 17, 2, overTCP)
	dial := func(side byte, to string) *peer {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, side, 17, 1)}}
		c, err := d.Dial("tcp", to)
		if err != nil {
			t.Fatal(err)
		}
		return newPeer(t, c)
	}
	itsp, pbx := dial(4, "127.3.17.1:5060"), dial(1, "127.2.17.1:5060")
	itsp.write("OPTIONS sip:127.3.17.1 SIP/2.0\nVia: SIP/2.0/TCP 127.4.17.1;branch=z9hG4bKopt;alias\nMax-Forwards: 70\nFrom: <sip:a@127.4.17.1>;tag=1\nTo: <sip:127.3.17.1>\nCall-ID: o\nCSeq: 1 OPTIONS\nContent-Length: 0\n\n")
	itsp.read("200")
	here := strings.NewReplacer("SIP/2.0/UDP 192.168.1.10:5060", "SIP/2.0/TCP 127.1.17.1:5070", "192.168.1.44", "127.1.17.1", "192.168.1.1", "127.2.17.1", ":5060", "")
	pbx.write(here.Replace(invite))
	pbx.read("100")
	inv := itsp.read("INVITE")
	itsp.write(respond(inv, 486, "", ""))
	itsp.read("ACK")
	pbx.read("486")
	if c := b.engine.Status().Realms[1].Connections; c.Dialled != 0 || c.Accepted != 1 {
		t.Errorf("connections: %+v", c)
	}
}
