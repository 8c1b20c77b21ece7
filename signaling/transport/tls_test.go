package transport_test

import (
	"crypto/tls"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sbc/signaling/transport"
)

// Messages come whole and in order, in whatever records and segments, and the
// answers go back by the same connection.
func TestTLSReads(t *testing.T) {
	a := newAuthority(t, "ours")
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			n := openTLS(t, a, transport.StreamOptions{ID: 3})
			if n.Transport() != "TLS" {
				t.Errorf("transport %q", n.Transport())
			}
			cfg := client(a)
			cfg.MaxVersion = version
			c := mustTLS(t, n, cfg)
			var text []string
			for i := range 200 {
				text = append(text, request(i, i*i%3000))
			}
			text = append(text, request(200, 60000))
			rnd := rand.New(rand.NewPCG(1, 2))
			for rest := strings.Join(text, "\r\n"); rest != ""; {
				k := min(1+rnd.IntN(1<<rnd.IntN(16)), len(rest))
				write(t, c, rest[:k])
				rest = rest[k:]
			}
			got := n.await("message", len(text))
			for i, e := range got {
				if e.err != nil || string(e.m.Raw) != text[i] || e.flow != got[0].flow || e.flow.Listener != 3 {
					t.Fatalf("message %d by %v: %v %q", i, e.flow, e.err, e.m.Raw)
				}
			}
			id := n.Identity(got[0].flow.Conn)
			if id == nil || id.Proof != transport.ProofNone || id.Version != version || id.Suite == 0 || len(id.Names) != 0 {
				t.Errorf("identity %+v", id)
			}
			long := strings.Repeat("0123456789", 10000)
			for _, b := range []string{"response", long} {
				if _, err := n.Send(got[0].flow, 1, []byte(b)); err != nil {
					t.Fatal(err)
				}
			}
			back := make([]byte, len("response")+len(long))
			if _, err := io.ReadFull(c, back); err != nil || string(back) != "response"+long {
				t.Errorf("%v, %q", err, back[:20])
			}
			write(t, c, "\r\n\r\n")
			if _, err := io.ReadFull(c, back[:2]); err != nil || string(back[:2]) != "\r\n" {
				t.Errorf("%v, pong %q", err, back[:2])
			}
			n.CloseAfter(got[0].flow)
			// To the end in good order: a close_notify, and no reset.
			if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
				t.Errorf("at the end %q, %v", rest, err)
			}
			c.Close()
			n.await("closed", 1)
			if n.Identity(got[0].flow.Conn) != nil {
				t.Error("the identity outlives its connection")
			}
		})
	}
}

// Requests to one address share a connection; what is sent while it comes
// about waits; the far end's answers come by it.
func TestTLSReuse(t *testing.T) {
	ca := newAuthority(t, "ours")
	for _, at := range both {
		a := openTLS(t, ca, transport.StreamOptions{Addr: at, TLS: &transport.TLS{Dial: dialling("localhost", ca)}})
		b := openTLS(t, ca, transport.StreamOptions{Addr: at})
		for i := range 50 {
			if _, err := a.Send(a.Flow(b.Local()), 1, []byte(request(i, 100*i))); err != nil {
				t.Fatal(err)
			}
		}
		got := b.await("message", 50)
		for i, e := range got {
			if e.flow != got[0].flow || string(e.m.Raw) != request(i, 100*i) {
				t.Fatalf("message %d by %v: %q", i, e.flow, e.m.Raw)
			}
		}
		if _, err := b.Send(got[0].flow, 1, []byte(request(1, 0))); err != nil {
			t.Fatal(err)
		}
		back := a.await("message", 1)[0].flow
		id := a.Identity(back.Conn)
		if id == nil || id.Proof != transport.ProofVerified || !id.Is("LOCALHOST.") || id.Is("example.com") {
			t.Errorf("identity %+v", id)
		}
		until(t, func() bool { return a.Stats().Sent == 50 })
		if x, y := a.Stats(), b.Stats(); x.Dialled != 1 || y.Accepted != 1 || y.Open != 1 {
			t.Errorf("%+v, %+v", x, y)
		}
		a.Close()
		b.await("closed", 1)
		if s := b.Stats(); s.Cut != (transport.StreamStats{}).Cut {
			t.Errorf("%+v", s)
		}
	}
}

// The far end goes away by the rules.
func TestTLSFarEndCloses(t *testing.T) {
	a := newAuthority(t, "ours")
	n := openTLS(t, a, transport.StreamOptions{Close: 50 * time.Millisecond})
	for i, end := range []func(*tls.Conn){
		func(c *tls.Conn) { c.Close() },
		func(c *tls.Conn) { c.CloseWrite() },
		func(c *tls.Conn) { c.NetConn().Close() },
	} {
		c := mustTLS(t, n, client(a))
		write(t, c, request(1, 0))
		n.await("message", i+1)
		end(c)
		n.await("closed", i+1)
	}
	if s := n.Stats(); s.Cut != (transport.StreamStats{}).Cut || s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

// A record that somebody changed on the way ends the connection.
func TestTLSGarbled(t *testing.T) {
	a := newAuthority(t, "ours")
	n := openTLS(t, a, transport.StreamOptions{})
	c := mustTLS(t, n, client(a))
	write(t, c, request(1, 0))
	n.await("message", 1)
	write(t, c.NetConn(), "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32))
	if _, err := io.ReadAll(c); err == nil || !strings.Contains(err.Error(), "bad record MAC") {
		t.Errorf("the far end hears %v", err)
	}
	c.NetConn().Close()
	n.awaitCut(transport.CutTLSHandshake)
	n.await("closed", 1)
}

// A message, a record and an octet of its header that do not become whole end
// the connection.
func TestTLSSlowMessage(t *testing.T) {
	a := newAuthority(t, "ours")
	for name, begin := range map[string]func(c *tls.Conn){
		"message": func(c *tls.Conn) { write(t, c, request(2, 0)[:100]) },
		"record":  func(c *tls.Conn) { write(t, c.NetConn(), "\x17\x03\x03\x40\x00and") },
		"header":  func(c *tls.Conn) { write(t, c.NetConn(), "\x17\x03") },
	} {
		t.Run(name, func(t *testing.T) {
			n := openTLS(t, a, transport.StreamOptions{Message: 50 * time.Millisecond})
			c := mustTLS(t, n, client(a))
			write(t, c, request(1, 0))
			n.await("message", 1)
			begin(c)
			n.awaitCut(transport.CutSlow)
		})
	}
}

// A connection of which nobody says anything ends, and says so.
func TestTLSIdle(t *testing.T) {
	a := newAuthority(t, "ours")
	n := openTLS(t, a, transport.StreamOptions{Idle: 50 * time.Millisecond, Close: 50 * time.Millisecond})
	c := mustTLS(t, n, client(a))
	write(t, c, request(1, 0))
	if rest, err := io.ReadAll(c); err != nil || len(rest) != 0 {
		t.Errorf("%q, %v", rest, err)
	}
	n.awaitCut(transport.CutIdle)
}

// The names of causes and proofs, as metrics and people have them.
func TestTLSNames(t *testing.T) {
	for c, want := range map[transport.Cut]string{
		transport.CutTLSVersion: "tls_version", transport.CutTLSCipher: "tls_cipher", transport.CutTLSCertificate: "tls_certificate",
		transport.CutTLSHandshake: "tls_handshake", transport.CutTLSSlow: "tls_slow", transport.CutWSProtocol: "ws_protocol",
		transport.CutWSOrigin: "ws_origin", transport.CutWSUnmasked: "ws_unmasked", transport.CutWSTooLong: "ws_too_long", transport.CutWSUTF8: "ws_utf8",
	} {
		if c.String() != want {
			t.Errorf("cause %d is %q, want %q", c, c, want)
		}
	}
	for p, want := range []string{"none", "unverified", "verified"} {
		if got := transport.Proof(p).String(); got != want {
			t.Errorf("proof %d is %q, want %q", p, got, want)
		}
	}
}
