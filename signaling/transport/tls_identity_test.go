package transport_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"sbc/signaling/transport"
)

// A refusal is one call of Handler.Refused.
type refusals struct {
	mu   sync.Mutex
	list []refusal
}

type refusal struct {
	why transport.Cut
	err error
}

func (r *refusals) note(_ transport.Flow, why transport.Cut, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, refusal{why, err})
}

func (r *refusals) await(t *testing.T) refusal {
	t.Helper()
	until(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return len(r.list) > 0 })
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list[0]
}

// Those who connect, by what they show and what is asked of them: bad input
// tls_certificate.
func TestTLSClientCertificates(t *testing.T) {
	ours, other := newAuthority(t, "ours"), newAuthority(t, "another")
	right := ours.issue(uris(t, "sip:itsp.example"), dns("sbc.itsp.example"))
	const none, request_, require = transport.AskNone, transport.AskRequest, transport.AskRequire
	const client_, server = transport.UsageClient, transport.UsageServer
	cases := []struct {
		name  string
		ask   transport.ClientAsk
		usage transport.ClientUsage
		shows []tls.Certificate
		proof transport.Proof // if it comes in
		names []string
		want  string // what the operator reads, if it does not
	}{
		{"not asked", none, client_, []tls.Certificate{right}, transport.ProofNone, nil, ""},
		{"right", require, client_, []tls.Certificate{right}, transport.ProofVerified, []string{"itsp.example"}, ""},
		{"right, asked kindly", request_, client_, []tls.Certificate{right}, transport.ProofVerified, []string{"itsp.example"}, ""},
		{"only DNS names", require, client_, []tls.Certificate{ours.issue(dns("A.example", "b.example"))}, transport.ProofVerified, []string{"a.example", "b.example"}, ""},
		{"missing", require, client_, nil, 0, nil, "didn't provide a certificate"},
		{"missing, asked kindly", request_, client_, nil, transport.ProofNone, nil, ""},
		{"unknown authority", require, client_, []tls.Certificate{other.issue(dns("x.example"))}, 0, nil, `it is for ["x.example"]: if this is the peer, add the authority`},
		{"unknown authority, asked kindly", request_, client_, []tls.Certificate{other.issue()}, transport.ProofUnverified, nil, ""},
		{"expired", require, client_, []tls.Certificate{ours.issue(expired)}, 0, nil, "the peer has to renew it"},
		{"expired, asked kindly", request_, client_, []tls.Certificate{ours.issue(expired)}, transport.ProofUnverified, nil, ""},
		{"only for servers", require, client_, []tls.Certificate{ours.issue(usage(x509.ExtKeyUsageServerAuth))}, 0, nil, `client usage "server"`},
		{"only for servers, which will do", require, server, []tls.Certificate{ours.issue(dns("x.example"), usage(x509.ExtKeyUsageServerAuth))}, transport.ProofVerified, []string{"x.example"}, ""},
		{"for clients, where servers will do", require, server, []tls.Certificate{ours.issue(dns("x.example"), usage(x509.ExtKeyUsageClientAuth))}, transport.ProofVerified, []string{"x.example"}, ""},
		{"for code, where servers will do", require, server, []tls.Certificate{ours.issue(usage(x509.ExtKeyUsageCodeSigning))}, 0, nil, "it may not be used for this end"},
	}
	for _, c := range cases {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			t.Run(fmt.Sprintf("%s, %s", c.name, tls.VersionName(version)), func(t *testing.T) {
				var refused refusals
				n := &node{t: t}
				n = openTLS(t, ours, transport.StreamOptions{
					TLS:     &transport.TLS{Ask: c.ask, ClientUsage: c.usage, Roots: ours.pool},
					Handler: n.handler(&refused),
				}).with(n)
				cfg := client(ours)
				cfg.MaxVersion = version
				cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
					if len(c.shows) == 0 {
						return new(tls.Certificate), nil
					}
					return &c.shows[0], nil
				}
				conn, err := connectTLS(t, n, cfg)
				if c.want != "" {
					if err == nil { // with 1.3 the client's end is through before ours
						_, err = io.ReadAll(conn)
					}
					if err == nil || !strings.Contains(err.Error(), "remote error: tls:") {
						t.Errorf("the far end hears %v", err)
					}
					conn.NetConn().Close()
					n.awaitCut(transport.CutTLSCertificate)
					if got := refused.await(t); got.why != transport.CutTLSCertificate || !strings.Contains(got.err.Error(), c.want) ||
						!strings.Contains(got.err.Error(), conn.LocalAddr().String()) {
						t.Errorf("the operator reads %q, want %q", got.err, c.want)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				write(t, conn, request(1, 0))
				id := n.Identity(n.await("message", 1)[0].flow.Conn)
				if id == nil || id.Proof != c.proof || !slices.Equal(id.Names, c.names) || (id.Err != nil) != (c.proof == transport.ProofUnverified) {
					t.Errorf("identity %+v, want %v %v", id, c.proof, c.names)
				}
			})
		}
	}
}

// Identity is known when the first message comes.
func TestTLSIdentityWithFirstMessage(t *testing.T) {
	a := newAuthority(t, "ours")
	n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Ask: transport.AskRequire, Roots: a.pool}})
	for i := range 20 {
		name := fmt.Sprintf("peer%d.example", i)
		cert := a.issue(dns(name))
		cfg := client(a)
		cfg.Certificates = []tls.Certificate{cert}
		c := mustTLS(t, n, cfg)
		write(t, c, request(i, 0))
		f := n.await("message", i+1)[i].flow
		if !n.Identity(f.Conn).Is(name) || n.Identity(f.Conn).Is("peer.example") {
			t.Errorf("identity %+v, want %s", n.Identity(f.Conn), name)
		}
	}
	if n.Identity(1<<60) != nil || n.Identity(1<<60).Is("x") {
		t.Error("there is no such connection")
	}
}

// A peer whose authority is believed no more does not come in with what it
// was given before.
func TestTLSNoResumptionWithoutCheck(t *testing.T) {
	a, other := newAuthority(t, "ours"), newAuthority(t, "another")
	var mu sync.Mutex
	roots := a.pool()
	n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Ask: transport.AskRequire, Roots: func() *x509.CertPool { mu.Lock(); defer mu.Unlock(); return roots }}})
	cfg := client(a)
	cfg.Certificates, cfg.ClientSessionCache = []tls.Certificate{a.issue()}, tls.NewLRUClientSessionCache(8)
	for i := range 3 {
		c := mustTLS(t, n, cfg)
		write(t, c, request(1, 0))
		f := n.await("message", i+1)[i].flow
		if _, err := n.Send(f, 1, []byte("x")); err != nil { // the far end reads tickets with what follows them
			t.Fatal(err)
		}
		io.ReadFull(c, make([]byte, 1))
		if c.ConnectionState().DidResume {
			t.Error("resumed")
		}
	}
	mu.Lock()
	roots = other.pool()
	mu.Unlock()
	c, err := connectTLS(t, n, cfg)
	if err == nil {
		_, err = io.ReadAll(c)
	}
	if err == nil {
		t.Error("it came in")
	}
	c.NetConn().Close()
	until(t, func() bool { return n.Stats().Cut[transport.CutTLSCertificate] == 1 })
}

// A far end that we connect to has to prove its name: RFC 5922 section 7.2.
func TestTLSServerNames(t *testing.T) {
	ours, other := newAuthority(t, "ours"), newAuthority(t, "another")
	ip := func(c *x509.Certificate) { c.IPAddresses = append(c.IPAddresses, loopback.Addr().AsSlice()) }
	cases := []struct {
		name string
		cert tls.Certificate
		want string // the name to be proven
		wild bool
		err  string // "": it is accepted
	}{
		{"DNS name", ours.issue(dns("sip.itsp.example")), "sip.itsp.example", false, ""},
		{"another case", ours.issue(dns("SIP.itsp.example")), "sip.ITSP.example", false, ""},
		{"one of many", ours.issue(dns("a.example", "itsp.example")), "itsp.example", false, ""},
		{"URI", ours.issue(uris(t, "sip:itsp.example"), dns("edge1.itsp.example")), "itsp.example", false, ""},
		{"URI with a port", ours.issue(uris(t, "sip:itsp.example:5061;transport=tls")), "itsp.example", false, ""},
		{"common name", ours.issue(common("itsp.example")), "itsp.example", false, ""},
		{"address", ours.issue(ip), "127.0.0.1", false, ""},
		{"wrong name", ours.issue(dns("a.example", "b.example")), "itsp.example", false, `which should be "itsp.example", is for other names; it is for ["a.example" "b.example"]: ask the peer`},
		{"name below", ours.issue(dns("sip.itsp.example")), "itsp.example", false, "is for other names"},
		{"common name beside another", ours.issue(common("itsp.example"), dns("a.example")), "itsp.example", false, "is for other names"},
		{"DNS name beside a URI", ours.issue(uris(t, "sip:a.example"), dns("itsp.example")), "itsp.example", false, `it is for ["sip:a.example" "itsp.example"]`},
		{"URI of a user", ours.issue(uris(t, "sip:alice@itsp.example")), "itsp.example", false, "is for other names"},
		{"sips", ours.issue(uris(t, "sips:itsp.example")), "itsp.example", false, "is for other names"},
		{"wrong address", ours.issue(ip), "127.0.0.2", false, "is for other names"},
		{"address as a name", ours.issue(dns("127.0.0.1")), "127.0.0.1", false, "is for other names"},
		{"wildcard", ours.issue(dns("*.itsp.example")), "sip.itsp.example", false, "is for other names"},
		{"wildcard, allowed", ours.issue(dns("*.itsp.example")), "sip.itsp.example", true, ""},
		{"wildcard, allowed, two labels", ours.issue(dns("*.itsp.example")), "a.sip.itsp.example", true, "is for other names"},
		{"wildcard, allowed, none", ours.issue(dns("*.itsp.example")), "itsp.example", true, "is for other names"},
		{"wildcard, allowed, of all", ours.issue(dns("*.example")), "itsp.example", true, "is for other names"},
		{"wildcard in a URI", ours.issue(uris(t, "sip:*.itsp.example")), "sip.itsp.example", true, "is for other names"},
		{"wildcard wanted", ours.issue(dns("*.itsp.example")), "*.itsp.example", true, "is for other names"},
		{"unknown authority", other.issue(dns("itsp.example")), "itsp.example", false, "add the authority"},
		{"only for clients", ours.issue(dns("itsp.example"), usage(x509.ExtKeyUsageClientAuth)), "itsp.example", false, "it may not be used for this end"},
		{"no name to prove", ours.issue(dns("itsp.example")), "", false, "nobody said which name"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := openTLS(t, ours, transport.StreamOptions{TLS: &transport.TLS{Certificates: load(t, c.cert)}})
			var refused refusals
			n := &node{t: t}
			n = openTLS(t, ours, transport.StreamOptions{
				TLS: &transport.TLS{Dial: func(netip.AddrPort) *transport.Client {
					return &transport.Client{Name: c.want, Roots: ours.pool(), Wildcard: c.wild}
				}},
				Handler: n.handler(&refused),
			}).with(n)
			if _, err := n.Send(n.Flow(b.Local()), 7, []byte(request(1, 0))); err != nil {
				t.Fatal(err)
			}
			if c.err == "" {
				b.await("message", 1)
				return
			}
			if e := n.await("failed", 1)[0]; e.token != 7 {
				t.Errorf("%+v", e)
			}
			got := refused.await(t)
			if got.why != transport.CutTLSCertificate || !strings.Contains(got.err.Error(), c.err) || !strings.Contains(got.err.Error(), b.Local().String()) {
				t.Errorf("the operator reads %q, want %q", got.err, c.err)
			}
			if s := n.Stats(); s.Unreached == 0 || s.Dialled != 0 || s.Cut[transport.CutTLSCertificate] != s.Unreached || len(b.all("message")) != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// A far end whose certificate has expired: ours would not show one.
func TestTLSServerExpired(t *testing.T) {
	a := newAuthority(t, "ours")
	cert := a.issue(dns("itsp.example"), expired)
	l, to := far(t, loopback)
	var refused refusals
	n := &node{t: t}
	n = openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Dial: dialling("itsp.example", a)}, Handler: n.handler(&refused)}).with(n)
	if _, err := n.Send(n.Flow(to), 7, []byte(request(1, 0))); err != nil {
		t.Fatal(err)
	}
	c := tls.Server(accept(t, l), &tls.Config{Certificates: []tls.Certificate{cert}})
	if err := c.Handshake(); err == nil {
		_, err = io.ReadAll(c)
		if err == nil || !strings.Contains(err.Error(), "bad certificate") {
			t.Errorf("the far end hears %v", err)
		}
	}
	if got := refused.await(t); got.why != transport.CutTLSCertificate || !strings.Contains(got.err.Error(), "look at our own clock as well") {
		t.Errorf("the operator reads %v", got.err)
	}
	n.await("failed", 1)
}

// Our own certificate is shown to far ends that ask for one.
func TestTLSOurClientCertificate(t *testing.T) {
	a := newAuthority(t, "ours")
	b := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Ask: transport.AskRequire, Roots: a.pool}})
	own := load(t, a.issue(uris(t, "sip:us.example")))
	n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Dial: func(netip.AddrPort) *transport.Client {
		return &transport.Client{Name: "localhost", Roots: a.pool(), Certificates: own}
	}}})
	if _, err := n.Send(n.Flow(b.Local()), 1, []byte(request(1, 0))); err != nil {
		t.Fatal(err)
	}
	if f := b.await("message", 1)[0].flow; !b.Identity(f.Conn).Is("us.example") {
		t.Errorf("identity %+v", b.Identity(f.Conn))
	}
}

// To where nobody knows who is to be there, nothing is opened.
func TestTLSNoClient(t *testing.T) {
	a := newAuthority(t, "ours")
	_, to := far(t, loopback)
	for name, dial := range map[string]func(netip.AddrPort) *transport.Client{
		"no function": nil, "no client": func(netip.AddrPort) *transport.Client { return nil },
	} {
		n := openTLS(t, a, transport.StreamOptions{TLS: &transport.TLS{Dial: dial}})
		if _, err := n.Send(n.Flow(to), 1, []byte("x")); err != transport.ErrInbound {
			t.Errorf("%s: %v", name, err)
		}
	}
}
