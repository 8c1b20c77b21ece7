package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"sbc/lab/netns"
)

var (
	udp4 = network{}
	udp6 = network{ip6: true}
	tcp4 = network{tcp: true}
	tcp6 = network{tcp: true, ip6: true}
)

// transports are what the callers and the callees of a call use.
var transports = []struct{ caller, callee network }{
	{tcp4, tcp4},
	{tcp4, udp4},
	{udp4, tcp4},
	{udp6, udp6},
	{tcp6, tcp6},
	{udp4, udp6},
	{udp6, udp4},
	{tcp4, udp6},
	{udp4, tcp6},
}

// over is a setup in which the sides of a call have their networks.
func over(way string, caller, callee network) setup {
	s := standard
	s.lan, s.itsp = caller, callee
	if way == "in" {
		s.lan, s.itsp = callee, caller
	}
	return s
}

// The basic call, and one that the callee ends, over whatever there is.
func TestTransports(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, n := range transports {
		for _, file := range []string{"basic", "callee_bye", "late_offer"} {
			for _, way := range []string{"out", "in"} {
				t.Run(n.caller.String()+" to "+n.callee.String()+" "+file+" "+way, func(t *testing.T) {
					t.Parallel()
					w := newWorldOf(t, over(way, n.caller, n.callee))
					w.sipp(way, file, nil)
				})
			}
		}
	}
}

// Sound over them.
func TestBaresipTransports(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "baresip")
	throughSBC(t)
	for _, c := range []struct {
		way            string
		caller, callee network
	}{
		{"out", tcp4, tcp4},
		{"in", udp6, udp6},
		{"out", udp4, udp6},
		{"in", udp4, udp6},
	} {
		t.Run(c.caller.String()+" to "+c.callee.String()+" "+c.way, func(t *testing.T) {
			t.Parallel()
			newWorldOf(t, over(c.way, c.caller, c.callee)).baresips(c.way)
		})
	}
}

// A connection is a stream of octets: pings between messages are answered
// (RFC 5626 section 3.5.1), a message may come in pieces, and several at once
// of one Call-ID are answered in their order.
func TestStream(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root")
	throughSBC(t)
	for _, n := range []network{tcp4, tcp6} {
		t.Run(n.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, over("in", n, n))
			conn, err := w.itsp.space.Dial("tcp", w.itsp.target().String())
			w.must(err)
			defer conn.Close()
			w.must(conn.SetDeadline(time.Now().Add(testTime / 2)))
			send := func(text string) {
				_, err := io.WriteString(conn, text)
				w.must(err)
			}
			in := textproto.NewReader(bufio.NewReader(conn))
			send("\r\n\r\n")
			if line, err := in.ReadLine(); line != "" || err != nil {
				t.Fatalf("a ping was answered by %q, %v", line, err)
			}
			for _, octet := range []byte("\r\n" + w.ping(1)) {
				send(string(octet))
			}
			w.pong(in, 1)
			send(w.ping(2) + "\r\n" + w.ping(3) + w.ping(4))
			for n := 2; n <= 4; n++ {
				w.pong(in, n)
			}
		})
	}
}

// ping is an OPTIONS of the ITSP to the SBC.
func (w *world) ping(n int) string {
	return fmt.Sprintf("OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/TCP %[2]s;branch=z9hG4bKping%[3]d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:ping@%[2]s>;tag=ping\r\nTo: <sip:%[1]s>\r\nCall-ID: pings\r\nCSeq: %[3]d OPTIONS\r\nContent-Length: 4\r\n\r\nping",
		literal(w.itsp.border), literal(w.itsp.addr), n)
}

// pong reads the answer to ping n.
func (w *world) pong(in *textproto.Reader, n int) {
	w.t.Helper()
	line, err := in.ReadLine()
	w.must(err)
	head, err := in.ReadMIMEHeader()
	w.must(err)
	if !strings.HasPrefix(line, "SIP/2.0 200") || head.Get("CSeq") != fmt.Sprint(n, " OPTIONS") || head.Get("Content-Length") != "0" {
		w.t.Errorf("ping %d was answered by %s, %v", n, line, head)
	}
}
