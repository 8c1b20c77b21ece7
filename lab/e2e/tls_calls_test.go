package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// The names of both ends.
const (
	edgeName = "edge.border.example"
	itspName = "sip.itsp.example"
)

// tlsConfig is a border that speaks TLS to the ITSP and UDP to the PBX. {dir}
// has its files.
const tlsConfig = `
realm "outside" {
  address = "{toitsp}"
  listen "tls" {
    certificate = "{dir}/edge.pem"
    key         = "{dir}/edge.key"
    ca          = "{dir}/ca.pem"
    {listener}
  }
  media {
    ports = "20000-20999"
  }
  topology {
    audit = "refuse"
  }
}

realm "inside" {
  address = "{topbx}"
  listen "udp" {}
  media {
    ports = "30000-30999"
  }
  topology {
    audit = "refuse"
  }
}

peer "itsp" {
  realm  = realm.outside
  target = "sip:{itsp}"
  tls {
    name        = "sip.itsp.example"
    ca          = "{dir}/ca.pem"
    certificate = "{dir}/edge.pem"
    key         = "{dir}/edge.key"
    {accept}
  }
}

peer "pbx" {
  realm  = realm.inside
  target = "sip:{pbx}"
}

route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}

route "out" {
  from = [peer.pbx]
  to   = [peer.itsp]
}

telemetry {
  log_format = "text"
  log_level  = "debug"
}

console {
  socket = "{socket}"
}

store {
  path = "{socket}.db"
}
`

// certificates is a folder with what the border needs for TLS.
type certificates struct {
	dir string
	ca  *authority // of both ends
}

// setup is a border with tlsConfig: what the listener, and what the ITSP's block
// has more.
func (c *certificates) setup(listener, accept string) setup {
	return setup{itsp: network{tls: c.dir}, text: strings.NewReplacer("{dir}", c.dir, "{listener}", listener, "{accept}", accept).Replace(tlsConfig)}
}

func newCertificates(t *testing.T) *certificates {
	t.Helper()
	c := &certificates{dir: t.TempDir(), ca: newAuthority(t, "of both")}
	c.ca.keep(c.dir, "ca")
	keep(t, c.dir, "edge", c.ca.issue(edgeName))
	return c
}

// known is a listener that knows the ITSP by its certificate.
const (
	known       = `clients = "require"`
	knownAccept = `accept = ["sip.itsp.example"]`
)

// veils has the ITSP's phones speak TLS with a certificate, and verify ours.
func (w *world) veils(c *certificates, own tls.Certificate) *veil {
	return w.veiled(w.itsp,
		&tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.ca.pool()},
		&tls.Config{Certificates: []tls.Certificate{own}, ServerName: edgeName, RootCAs: c.ca.pool()})
}

// tlsPhones are the phones of a world, of which that of the ITSP speaks TLS.
func (w *world) tlsPhones(way string) *pair {
	w.t.Helper()
	return w.phones(way, func(i int, o *live.Options) {
		if caller, callee := w.ends(way); [...]*side{caller, callee}[i] == w.itsp {
			w.itsp.veil.cover(o)
		}
	})
}

// Calls between an ITSP that speaks TLS, and is known by its certificate alone,
// and a PBX that speaks UDP.
func TestTLSCalls(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		for _, far := range []bool{false, true} {
			t.Run(way+map[bool]string{false: "", true: " callee hangs up"}[far], func(t *testing.T) {
				t.Parallel()
				c := newCertificates(t)
				w := newWorldOf(t, c.setup(known, knownAccept))
				v := w.veils(c, c.ca.issue(itspName))
				p := w.tlsPhones(way)
				p.talk(ua.Invite{})
				if far {
					p.far.Hangup(1)
				} else {
					p.caller.Hangup(1)
				}
				p.over()
				p.clean(0)
				w.sealed()
				w.saysTLS(v)
			})
		}
	}
}

// saysTLS fails the test unless the SBC's own Via and Contact name TLS.
func (w *world) saysTLS(v *veil) {
	w.t.Helper()
	for _, d := range v.messages() {
		for line := range strings.SplitSeq(string(d.Payload), "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			if !strings.Contains(value, w.itsp.border.String()) {
				continue
			}
			if name == "Via" && !strings.HasPrefix(value, " SIP/2.0/TLS ") || name == "Contact" && !strings.Contains(value, ";transport=tls") {
				w.t.Errorf("on a connection of TLS the border says %q", line)
			}
		}
	}
}

// The same with a stack of TLS and SIP that we did not write, with sound.
func TestTLSBaresip(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	netns.Require(t, "baresip")
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			c := newCertificates(t)
			keep(t, c.dir, "edge", c.ca.issue(edgeName, at(outsideAddr))) // which baresip dials
			sbc := c.setup(known, knownAccept)
			sbc.itsp.tls = t.TempDir()
			c.ca.keep(sbc.itsp.tls, "ca")
			keepOne(t, sbc.itsp.tls, "own", c.ca.issue(itspName))
			newWorldOf(t, sbc).baresips(way)
		})
	}
}

// A call to an ITSP that does not prove who it is ends at once, and the log says
// what was wrong and what helps.
func TestTLSCallsRefused(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, c := range []struct {
		name string
		own  func(c *certificates) tls.Certificate
		logs string
	}{
		{"wrong name", func(c *certificates) tls.Certificate { return c.ca.issue("sip.other.example") }, "is for other names; it is for [\\\"sip.other.example\\\"]"},
		{"unknown authority", func(c *certificates) tls.Certificate { return newAuthority(t, "of nobody").issue(itspName) }, "add the authority that issued it"},
		{"expired", func(c *certificates) tls.Certificate { return c.ca.issue(itspName, expired) }, "the peer has to renew it"},
		{"for clients", func(c *certificates) tls.Certificate {
			return c.ca.issue(itspName, goodFor(x509.ExtKeyUsageClientAuth))
		}, "it may not be used for this end of a connection"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := newCertificates(t)
			w := newWorldOf(t, files.setup(known, knownAccept))
			w.veils(files, c.own(files))
			p := w.tlsPhones("out")
			began := time.Now()
			id := p.caller.Invite(ua.Invite{To: "4930123"})
			if e := p.call(p.caller, id, ua.Ended); e.Status != 503 {
				t.Errorf("the call was refused with %d", e.Status)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("the call was refused after %v", took)
			}
			w.await("the reason in the log", func() bool { return strings.Contains(w.border.process.Output(), c.logs) })
			if e := p.far.Events(); len(e) != 0 {
				t.Errorf("the ITSP heard of the call: %v", words(e))
			}
		})
	}
}
