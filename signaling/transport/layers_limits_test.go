package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sbc/signaling/transport"
)

// Bad input tls_version, tls_cipher, wrong_protocol, tls_handshake: what a
// handshake ends for, and what the far end hears.
func TestTLSRefusals(t *testing.T) {
	a := newAuthority(t, "ours")
	suites := func(ids ...uint16) *tls.Config {
		return &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: ids}
	}
	for _, c := range []struct {
		name  string
		cfg   *tls.Config
		text  string
		why   transport.Cut
		hears string
	}{
		{"TLS 1.1", &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "", transport.CutTLSVersion, "protocol version not supported"},
		{"TLS 1.0", &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "", transport.CutTLSVersion, "protocol version not supported"},
		{"no suite of ours", suites(tls.TLS_RSA_WITH_RC4_128_SHA), "", transport.CutTLSCipher, "handshake failure"},
		{"no suite for our key", suites(tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256), "", transport.CutTLSCipher, "handshake failure"},
		{"does not like our certificate", &tls.Config{ServerName: "other.example", RootCAs: a.pool()}, "", transport.CutTLSHandshake, "other.example"},
		{"SSL 2", nil, "\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", transport.CutTLSVersion, "\x15\x03"},
		{"SIP", nil, request(1, 0), transport.CutWrongProtocol, ""},
		{"HTTP", nil, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", transport.CutWrongProtocol, ""},
		{"a hello that is none", nil, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", transport.CutTLSHandshake, "\x15\x03"},
		{"a record that is too long", nil, "\x16\x03\x01\xff\xff", transport.CutTLSHandshake, "\x15\x03"},
		{"a hello without end", nil, strings.Repeat("\x16\x03\x01\x40\x00\x01\xff\xff\xff"+strings.Repeat("x", 1<<14-4), 9), transport.CutTLSHandshake, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := openTLS(t, a, transport.StreamOptions{})
			if c.cfg != nil {
				conn, err := connectTLS(t, n, c.cfg)
				if err == nil || !strings.Contains(err.Error(), c.hears) {
					t.Errorf("the far end hears %v, want %q", err, c.hears)
				}
				conn.NetConn().Close()
			} else {
				conn := connect(t, n)
				_, _ = io.WriteString(conn, c.text)
				if got := ended(t, conn); !strings.HasPrefix(got, c.hears) || c.hears == "" && c.why == transport.CutWrongProtocol && got != "" {
					t.Errorf("the far end hears %q, want %q", got, c.hears)
				}
				conn.Close()
			}
			n.awaitCut(c.why)
			until(t, func() bool { return transport.Tables(n.TCP) == 0 })
			if len(n.all("closed")) != 0 {
				t.Error("told of the end of what never began")
			}
		})
	}
}

// A thousand handshakes that do not go on, from many addresses, and those who
// dribble, keep nobody out who goes on; in the end all are gone.
func TestHandshakesHalfOpen(t *testing.T) {
	const count, sources = 1000, 70
	a := newAuthority(t, "ours")
	n := openTLS(t, a, transport.StreamOptions{Handshake: 3 * time.Second})
	transport.SetDescriptorsMax(n.TCP, 1<<20)
	hello := clientHello[:20]
	for i := range count {
		c := from(t, n, net.IPv4(127, 0, 1, byte(1+i%sources)))
		// Nothing, a piece, or an octet.
		if _, err := io.WriteString(c, hello[:[]int{0, 20, 1}[i%3]]); err != nil && !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
			t.Fatal(err)
		}
		if i%100 == 99 {
			good := mustTLS(t, n, client(a))
			write(t, good, request(i, 0))
			n.await("message", i/100+1)
			good.Close()
		}
	}
	if s := n.Stats(); s.Accepted != count+10 {
		t.Errorf("%+v", s)
	}
	until(t, func() bool { return n.Stats().Cut[transport.CutTLSSlow] == count })
	until(t, func() bool { return transport.Tables(n.TCP) == 0 })
}

// An octet at a time is no handshake, however regularly they come.
func TestHandshakeSlowloris(t *testing.T) {
	a := newAuthority(t, "ours")
	for name, o := range map[string]transport.StreamOptions{
		"tls": {Handshake: 100 * time.Millisecond, TLS: &transport.TLS{Certificates: load(t, a.issue())}},
		"ws":  {Message: 100 * time.Millisecond, WebSocket: &transport.WebSocket{}},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, o)
			c := connect(t, n)
			text, why := "\x16\x03\x01\x10\x00\x01\x00\x0f\xf0"+strings.Repeat("\x03", 1000), transport.CutTLSSlow
			if name == "ws" {
				text, why = wsRequest(strings.Repeat("X: y\r\n", 1000)), transport.CutSlow
			}
			pace := time.NewTicker(10 * time.Millisecond)
			defer pace.Stop()
			octets := 0
			for i := range len(text) {
				<-pace.C
				if _, err := c.Write([]byte{text[i]}); err != nil {
					break
				}
				octets++
			}
			if octets > 100 {
				t.Errorf("%d octets were waited for, one in 10 ms", octets)
			}
			n.awaitCut(why)
		})
	}
}

// Too many handshakes, from one address or in all: the oldest makes room.
func TestHandshakesLimits(t *testing.T) {
	a := newAuthority(t, "ours")
	certs := load(t, a.issue(dns("localhost")))
	for name, c := range map[string]struct {
		opt    transport.StreamOptions
		source func(i int) byte
	}{
		"per source": {transport.StreamOptions{HandshakesPerSource: 3}, func(int) byte { return 1 }},
		"in all":     {transport.StreamOptions{Handshakes: 3}, func(i int) byte { return byte(1 + i) }},
	} {
		for _, ws := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				o, why := c.opt, transport.CutTLSSlow
				o.Handshake, o.Message = time.Hour, time.Hour
				if ws {
					o.WebSocket, why = &transport.WebSocket{}, transport.CutSlow
				} else {
					o.TLS = &transport.TLS{Certificates: certs}
				}
				n := open(t, o)
				other := from(t, n, net.IPv4(127, 0, 2, 1)) // begins first
				until(t, func() bool { return n.Stats().Accepted == 1 })
				var conns []*net.TCPConn
				for i := range 5 {
					conns = append(conns, from(t, n, net.IPv4(127, 0, 1, c.source(i))))
				}
				first := conns[:2]
				if name == "in all" {
					first = append([]*net.TCPConn{other}, first...)
				}
				for _, c := range first {
					ended(t, c)
				}
				until(t, func() bool { return n.Stats().Cut[why] == uint64(len(first)) })
				last := conns[4]
				if ws {
					turn(t, last)
				} else if err := tls.Client(last, client(a)).Handshake(); err != nil {
					t.Error(err)
				}
				if s := n.Stats(); s.Cut[why] != uint64(len(first)) || s.OverSource+s.OverLimit != 0 {
					t.Errorf("%+v", s)
				}
			})
		}
	}
}

// Without descriptors accepting pauses, and does not spin; who connects waits
// for it.
func TestLayersWithoutDescriptors(t *testing.T) {
	a := newAuthority(t, "ours")
	for name, o := range map[string]transport.StreamOptions{
		"tls": {TLS: &transport.TLS{Certificates: load(t, a.issue(dns("localhost")))}},
		"ws":  {WebSocket: &transport.WebSocket{}},
	} {
		t.Run(name, func(t *testing.T) {
			n := open(t, o)
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				t.Fatal(err)
			}
			f := os.NewFile(uintptr(fd), "far end")
			defer f.Close()
			var was unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
				t.Fatal(err)
			}
			none := was
			none.Cur = 0
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &none); err != nil {
				t.Fatal(err)
			}
			defer unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
			if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: int(n.Local().Port())}); err != nil {
				t.Fatal(err)
			}
			until(t, func() bool { return n.Stats().Paused >= 3 })
			if s := n.Stats(); s.Paused > 100 || s.Accepted != 0 {
				t.Errorf("%+v", s)
			}
			unix.Setrlimit(unix.RLIMIT_NOFILE, &was)
			c, err := net.FileConn(f)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if name == "ws" {
				write(t, turn(t, c), frame(text_, request(1, 0)))
			} else {
				write(t, tls.Client(c, client(a)), request(1, 0))
			}
			n.await("message", 1)
		})
	}
}

// layered opens a listener of each kind, and a connection to it that has sent a
// message.
func layered(t *testing.T, o transport.StreamOptions, each func(t *testing.T, n *node, c net.Conn, f transport.Flow)) {
	a := newAuthority(t, "ours")
	for _, kind := range []string{"TLS", "WS", "WSS"} {
		t.Run(kind, func(t *testing.T) {
			o := o
			if kind != "WS" {
				o.TLS = &transport.TLS{Certificates: load(t, a.issue(dns("localhost")))}
			}
			if kind != "TLS" {
				o.WebSocket = &transport.WebSocket{}
			}
			n := open(t, o)
			var c net.Conn = connect(t, n)
			if kind != "WS" {
				c = tls.Client(c, client(a))
			}
			if kind == "TLS" {
				write(t, c, request(0, 0))
			} else {
				c = turn(t, c)
				write(t, c, frame(text_, request(0, 0)))
			}
			each(t, n, c, n.await("message", 1)[0].flow)
		})
	}
}

// A far end that does not read is cut; who sends to it waits for nothing, and
// hears of each message that was not written.
func TestLayersFarEndDoesNotRead(t *testing.T) {
	for name, c := range map[string]struct {
		opt transport.StreamOptions
		cut transport.Cut
	}{
		"slow": {transport.StreamOptions{Write: 100 * time.Millisecond}, transport.CutSlow},
		"full": {transport.StreamOptions{Write: time.Hour}, transport.CutFull},
	} {
		t.Run(name, func(t *testing.T) {
			layered(t, c.opt, func(t *testing.T, n *node, _ net.Conn, f transport.Flow) {
				took, full := 0, 0
				text := []byte(strings.Repeat("x", 1000))
				until(t, func() bool {
					for range 100 {
						if n.Stats().Cut[c.cut] != 0 {
							return true
						}
						switch _, err := n.Send(f, 1, text); {
						case err == nil:
							took++
						case errors.Is(err, transport.ErrFull):
							full++
						case !errors.Is(err, transport.ErrInbound): // cut meanwhile
							t.Fatal(err)
						}
					}
					return false
				})
				n.await("closed", 1)
				s := n.Stats()
				if full == 0 || s.Full != uint64(full) || int(s.Sent+s.Unsent) != took || len(n.all("failed")) != int(s.Unsent) || s.Unsent == 0 {
					t.Errorf("took %d, refused %d, %d reported: %+v", took, full, len(n.all("failed")), s)
				}
			})
		})
	}
}

// What is queued when the far end is to be closed is written first.
func TestLayersCloseAfterQueue(t *testing.T) {
	layered(t, transport.StreamOptions{Queue: 64 << 20, Close: 20 * time.Second}, func(t *testing.T, n *node, c net.Conn, f transport.Flow) {
		text := strings.Repeat("0123456789", 5000)
		const count = 100
		for range count {
			if _, err := n.Send(f, 1, []byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		n.CloseAfter(f)
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if p, ok := c.(*page); ok {
			for range count {
				p.is(text_, text)
			}
			p.isClosed(1000)
		} else {
			got, err := io.ReadAll(c)
			if err != nil || string(got) != strings.Repeat(text, count) {
				t.Errorf("got %d octets, %v", len(got), err)
			}
			c.Close()
		}
		n.await("closed", 1)
		if s := n.Stats(); len(n.all("failed")) != 0 || s.Sent != count {
			t.Errorf("%+v", s)
		}
	})
}

// New keys that the far end asks for, and that nobody reads, are bounded, and
// so is what it says that is for nobody.
func TestLayersListenerEnds(t *testing.T) {
	layered(t, transport.StreamOptions{}, func(t *testing.T, n *node, c net.Conn, f transport.Flow) {
		n.Close()
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if p, ok := c.(*page); ok {
			if first, code := p.next(); first != close_ || code != status(1001) {
				t.Errorf("%#x %q", first, code)
			}
		} else if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
			t.Errorf("%q, %v", rest, err)
		}
	})
}
