package transport_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// Messages come whole and in order, in whatever segments.
func TestTCPReads(t *testing.T) {
	for _, at := range both {
		t.Run(at.String(), func(t *testing.T) {
			n := open(t, transport.StreamOptions{ID: 3, Addr: at})
			c := connect(t, n)
			var text []string
			for i := range 200 {
				text = append(text, request(i, i*i%3000))
			}
			rnd := rand.New(rand.NewPCG(1, 2))
			for rest := strings.Join(text, "\r\n"); rest != ""; {
				k := min(1+rnd.IntN(1<<rnd.IntN(13)), len(rest))
				write(t, c, rest[:k])
				rest = rest[k:]
			}
			got := n.await("message", len(text))
			from := c.LocalAddr().(interface{ String() string }).String()
			for i, e := range got {
				if e.err != nil || string(e.m.Raw) != text[i] || e.flow != got[0].flow || e.flow.Listener != 3 || e.flow.Conn == 0 || e.flow.Remote.String() != from {
					t.Fatalf("message %d by %v: %v %q", i, e.flow, e.err, e.m.Raw)
				}
			}
			c.Close()
			if closed := n.await("closed", 1); closed[0].flow != got[0].flow {
				t.Errorf("closed %v, want %v", closed[0].flow, got[0].flow)
			}
			if s := n.Stats(); s.Accepted != 1 || s.Open != 0 || s.Received != 200 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// Bad input not_sip and wrong_protocol: the connection ends without an answer,
// and nobody is told of a message.
func TestTCPEndsWhatIsNotSIP(t *testing.T) {
	for text, want := range map[string]transport.Cut{
		clientHello:                             transport.CutWrongProtocol,
		"GET / HTTP/1.1\r\n":                    transport.CutWrongProtocol,
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n": transport.CutWrongProtocol,
		"\x00\x00\x00\x01":                      transport.CutNotSIP,
		"hello\r\n":                             transport.CutNotSIP,
	} {
		n := open(t, transport.StreamOptions{})
		c := connect(t, n)
		write(t, c, text)
		if got := ended(t, c); got != "" {
			t.Errorf("%q: answered %q", text, got)
		}
		n.awaitCut(want)
		if len(n.await("closed", 1)) != 1 || len(n.all("message")) != 0 {
			t.Errorf("%q: %v", text, n.events)
		}
	}
}

// Bad input content_length and too_large: the handler answers and closes. The
// answer arrives although the far end goes on to send.
func TestTCPBrokenStream(t *testing.T) {
	for _, s := range streams {
		if s.want == nil || s.want[len(s.want)-1] != "verdict 1" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			n := open(t, transport.StreamOptions{})
			c := connect(t, n)
			write(t, c, s.text)
			e := n.await("message", 1)[0]
			serr := (*sip.Error)(nil)
			if !errors.As(e.err, &serr) || !serr.Close {
				t.Fatalf("got %v", e.err)
			}
			write(t, c, strings.Repeat(request(2, 0), 50))
			if _, err := n.Send(e.flow, 1, []byte("SIP/2.0 400 Bad\r\n\r\n")); err != nil {
				t.Fatal(err)
			}
			n.CloseAfter(e.flow)
			// To the end, and without a reset, which may take what was not read yet.
			c.SetReadDeadline(time.Now().Add(20 * time.Second))
			if got, err := io.ReadAll(c); err != nil || string(got) != "SIP/2.0 400 Bad\r\n\r\n" {
				t.Errorf("got %q, %v", got, err)
			}
			for range 10 {
				write(t, c, request(3, 0)) // a reset would have it fail
			}
			c.Close()
			n.await("closed", 1)
			if m := n.all("message"); len(m) != 1 {
				t.Errorf("%d messages behind the broken one", len(m)-1)
			}
		})
	}
}

// A broken stream ends in time even if the handler does nothing, and one that
// was to close even if the far end does not.
func TestTCPClosesInTime(t *testing.T) {
	n := open(t, transport.StreamOptions{Close: 50 * time.Millisecond})
	c := connect(t, n)
	write(t, c, noLength(""))
	n.await("closed", 1)
	ended(t, c)

	c = connect(t, n)
	write(t, c, request(1, 0))
	f := n.await("message", 2)[1].flow
	n.CloseAfter(f)
	n.CloseAfter(f)
	n.CloseAfter(transport.Flow{Conn: 1 << 60})
	// Such a connection takes nothing more.
	l, to := far(t, loopback)
	if _, err := n.Send(transport.Flow{Remote: to, Conn: f.Conn}, 1, []byte("other")); err != nil {
		t.Fatal(err)
	}
	next(t, accept(t, l), "other")
	n.await("closed", 2)
	ended(t, c)
}

// Bad input keepalive: CRLFCRLF gets a CRLF, but not without end.
func TestTCPPings(t *testing.T) {
	n := open(t, transport.StreamOptions{})
	c := connect(t, n)
	for range 3 {
		write(t, c, "\r\n\r\n")
		next(t, c, "\r\n")
	}
	write(t, c, strings.Repeat("\r\n\r\n", 5000)+"\r\n"+request(1, 0))
	f := n.await("message", 1)[0].flow
	if _, err := n.Send(f, 0, []byte("end")); err != nil {
		t.Fatal(err)
	}
	next(t, c, strings.Repeat("\r\n", 7)+"end")
	if s := n.Stats(); s.Pings != 10 || s.Received != 1 {
		t.Errorf("%+v", s)
	}
}

// A message that comes an octet at a time ends the connection, however
// regularly they come, and so does one behind whole messages.
func TestTCPSlowMessage(t *testing.T) {
	for _, before := range []string{"", request(1, 0), "\r\n\r\n"} {
		n := open(t, transport.StreamOptions{Message: 100 * time.Millisecond})
		c := connect(t, n)
		write(t, c, before)
		pace := time.NewTicker(10 * time.Millisecond)
		defer pace.Stop()
		octets := 0
		for _, b := range []byte(request(2, 0)) {
			<-pace.C
			if _, err := c.Write([]byte{b}); err != nil {
				break
			}
			octets++
		}
		if octets > 100 {
			t.Errorf("%d octets were waited for, one in 10 ms", octets)
		}
		n.awaitCut(transport.CutSlow)
	}
}

// CRLFs are no message that has begun; who answers pings is not slow.
func TestTCPPongIsNoMessage(t *testing.T) {
	n := open(t, transport.StreamOptions{Message: time.Millisecond, First: 200 * time.Millisecond, Idle: 200 * time.Millisecond})
	c := connect(t, n)
	write(t, c, "\r\n")
	n.awaitCut(transport.CutIdle)
	ended(t, c)
}

func TestTCPIdle(t *testing.T) {
	t.Run("nothing said", func(t *testing.T) {
		n := open(t, transport.StreamOptions{First: 50 * time.Millisecond})
		c := connect(t, n)
		n.awaitCut(transport.CutIdle)
		ended(t, c)
	})
	t.Run("no more", func(t *testing.T) {
		n := open(t, transport.StreamOptions{Idle: 50 * time.Millisecond})
		c := connect(t, n)
		write(t, c, request(1, 0))
		n.awaitCut(transport.CutIdle)
		ended(t, c)
	})
	t.Run("pings are no message", func(t *testing.T) {
		n := open(t, transport.StreamOptions{First: 50 * time.Millisecond})
		c := connect(t, n)
		for {
			if _, err := c.Write([]byte("\r\n\r\n")); err != nil {
				break
			}
		}
		n.awaitCut(transport.CutIdle)
	})
	t.Run("ours", func(t *testing.T) {
		n := open(t, transport.StreamOptions{Idle: 50 * time.Millisecond, First: time.Nanosecond})
		l, to := far(t, loopback)
		if _, err := n.Send(n.Flow(to), 1, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if got := ended(t, accept(t, l)); got != "x" {
			t.Errorf("got %q", got)
		}
		n.awaitCut(transport.CutIdle)
	})
}

// Who sends now and then keeps its connection. A machine that sleeps for so long that
// the test itself is the silent one gets more time.
func TestTCPBusyIsNotIdle(t *testing.T) {
	for idle := 300 * time.Millisecond; idle < time.Minute; idle *= 2 {
		n := open(t, transport.StreamOptions{Idle: idle})
		c := connect(t, n)
		begin, last, quiet := time.Now(), time.Now(), time.Duration(0)
		for quiet < idle/2 && time.Since(begin) < 3*idle {
			_, err := io.WriteString(c, request(0, 0))
			quiet, last = max(quiet, time.Since(last)), time.Now()
			if err != nil {
				break
			}
			time.Sleep(idle / 20) // as fast as it can, it waits for a window to open, and is silent
		}
		if quiet >= idle/2 {
			continue
		}
		if s := n.Stats(); s.Open != 1 {
			t.Errorf("%+v", s)
		}
		return
	}
	t.Error("the machine is never awake for long enough")
}
