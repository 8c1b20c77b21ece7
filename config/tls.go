package config

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
	"sbc/signaling/transport"
)

// stream reads what belongs to listeners of streams alone.
func (r *reader) stream(b *listenBlock, l *Listen) {
	secure, web := l.Transport == policy.TLS || l.Transport == policy.WSS, l.Transport == policy.WS || l.Transport == policy.WSS
	for _, k := range []struct {
		a     *hcl.Attribute
		is    bool
		where string
	}{
		{b.Certificate, secure, `listen "tls" and listen "wss"`}, {b.Key, secure, `listen "tls" and listen "wss"`},
		{b.Clients, secure, `listen "tls" and listen "wss"`}, {b.CA, secure, `listen "tls" and listen "wss"`}, {b.Usage, secure, `listen "tls" and listen "wss"`},
		{b.Origins, web, `listen "ws" and listen "wss"`},
		{b.Connections, l.Transport != policy.UDP, "listeners of connections"}, {b.PerSource, l.Transport != policy.UDP, "listeners of connections"},
	} {
		if k.a != nil && !k.is {
			r.fail(k.a.Range, "Not for this transport", "%q belongs to %s. Take it out here.", k.a.Name, k.where)
		}
	}
	r.integer(b.Connections, 1, 1_000_000, "16384", &l.Most)
	r.integer(b.PerSource, 1, 1_000_000, "256", &l.PerSource)
	for _, t := range r.texts(b.Origins, `"https://phone.example"`) {
		l.Origins = append(l.Origins, t.s)
	}
	if secure {
		l.TLS = r.listenTLS(b)
	}
}

func (r *reader) listenTLS(b *listenBlock) *ListenTLS {
	t := &ListenTLS{}
	if f, ok := r.pair(b.Range, b.Certificate, b.Key, true); ok {
		t.Files = append(t.Files, f)
	}
	for _, also := range b.Also {
		if f, ok := r.pair(also.Range, also.Certificate, also.Key, true); ok {
			t.Files = append(t.Files, f)
		}
	}
	ask, usage := "none", "client"
	r.word(b.Clients, []string{"none", "request", "require"}, &ask)
	t.Ask = map[string]transport.ClientAsk{"none": transport.AskNone, "request": transport.AskRequest, "require": transport.AskRequire}[ask]
	r.word(b.Usage, []string{"client", "server"}, &usage)
	if usage == "server" {
		t.ClientUsage = transport.UsageServer
	}
	t.CA = r.authorities(b.CA)
	return t
}

// pair reads the files of a certificate and its key, and looks whether they fit.
func (r *reader) pair(block hcl.Range, cert, key *hcl.Attribute, must bool) (f transport.CertificateFile, ok bool) {
	switch {
	case cert == nil && key == nil && !must:
		return f, false
	case cert == nil:
		r.missing(block, "certificate", `"/etc/sbc/edge.pem"`)
		return f, false
	case key == nil:
		r.missing(block, "key", `"/etc/sbc/edge.key"`)
		return f, false
	}
	c, ok1 := r.text(cert, `"/etc/sbc/edge.pem"`)
	k, ok2 := r.text(key, `"/etc/sbc/edge.key"`)
	if !ok1 || !ok2 {
		return f, false
	}
	if st, err := os.Stat(k.s); err == nil {
		r.private(k, st)
	}
	loaded, err := tls.LoadX509KeyPair(c.s, k.s)
	if err != nil {
		r.fail(c.at, "Certificate cannot be used", "%s. The certificate with those that vouch for it stands in %s, its key in %s, both as PEM.", sentence(strings.TrimSuffix(err.Error(), ".")), c.s, k.s)
		return f, false
	}
	r.valid(c, loaded.Leaf)
	return transport.CertificateFile{Certificate: c.s, Key: k.s}, true
}

// Ours: a month is what people need who renew by hand.
const expiresSoon = 30 * 24 * time.Hour

// valid warns of a certificate that nobody believes now, or soon.
func (r *reader) valid(at text, c *x509.Certificate) {
	now := time.Now()
	switch {
	case now.After(c.NotAfter):
		r.warn(at.at, "Certificate has expired", "%s was good until %s: far ends will refuse it. Renew it; the border takes the new one as soon as the files change.", at.s, day(c.NotAfter))
	case now.Before(c.NotBefore):
		r.warn(at.at, "Certificate is not good yet", "%s is good from %s on: far ends will refuse it until then. Is the clock of this machine right?", at.s, day(c.NotBefore))
	case c.NotAfter.Sub(now) < expiresSoon:
		r.warn(at.at, "Certificate expires soon", "%s is good until %s. Renew it; the border takes the new one as soon as the files change.", at.s, day(c.NotAfter))
	}
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006") }

// authorities reads the name of a file of certificates.
func (r *reader) authorities(a *hcl.Attribute) string {
	t, ok := r.text(a, `"/etc/sbc/ca.pem"`)
	if !ok {
		return ""
	}
	if _, err := transport.LoadRoots(t.s); err != nil {
		r.fail(t.at, "Authorities cannot be used", "%s.", sentence(err.Error()))
	}
	return t.s
}

// peerTLS reads how a peer proves who it is, and what is proved to it.
func (r *reader) peerTLS(b *peerBlock, p *policy.Peer, c *Config, peer int) {
	t := only(r, "tls", b.TLS)
	to := p.Target.Transport == policy.TLS
	client := Client{Peer: peer, Name: p.Target.Host}
	if t != nil {
		for _, name := range r.texts(t.Accept, `"sip.itsp.example"`) {
			if !goodHost(name.s) {
				r.fail(name.at, "Not a name", "%q is no name that a certificate has.", name.s)
				continue
			}
			p.Names = append(p.Names, strings.ToLower(name.s))
		}
		if name, ok := r.text(t.Name, `"sip.itsp.example"`); ok {
			client.Name = name.s
		}
		client.CA = r.authorities(t.CA)
		client.Certificate, _ = r.pair(t.Range, t.Certificate, t.Key, false)
		r.boolean(t.Wildcard, &client.Wildcard)
		if !to && len(p.Names) == 0 {
			r.fail(t.Range, "TLS that nobody speaks", "The target does not say ;transport=tls, and no name is accepted: write target = \"sip:...;transport=tls\", or accept = [\"sip.itsp.example\"] for a peer that connects to us.")
		}
	}
	if to {
		c.Clients = append(c.Clients, client)
	}
	if len(p.Names) > 0 && p.Realm >= 0 && !slices.ContainsFunc(c.Realms[p.Realm].Listen, func(l Listen) bool { return l.TLS != nil && l.TLS.Ask != transport.AskNone }) {
		r.fail(t.Accept.Range, "Nobody asks for its certificate", "Peer %q is known by a certificate, and no listener of its realm asks for one. Write clients = \"request\" in listen \"tls\".", p.Name)
	}
}
