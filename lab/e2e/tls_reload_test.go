package e2e

import (
	"crypto/tls"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// carrierBlocks are what a reload adds.
const carrierBlocks = `
peer "carrier" {
  realm  = realm.outside
  target = "sip:198.51.100.20;transport=tls"
  tls {
    name        = "sip.itsp.example"
    accept      = ["sip.itsp.example"]
    ca          = "{dir}/ca.pem"
    certificate = "{dir}/carrier.pem"
    key         = "{dir}/carrier.key"
  }
}

route "carrier" {
  from = [peer.pbx]
  match { user = "^9" }
  to = [peer.carrier]
}

route "from_carrier" {
  from = [peer.carrier]
  to   = [peer.pbx]
}
`

// A peer that speaks TLS is added while calls go on, with a certificate of its
// own that it asks for: calls go to it and come from it, and those that were there
// go on. A file that names no certificate changes nothing, and one without the
// peer takes it out again.
func TestReloadAddsTLSPeer(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	c := newCertificates(t)
	sbc := standard
	listen := strings.NewReplacer("{dir}", c.dir).Replace(`listen "udp" {}
  listen "tls" {
    certificate = "{dir}/edge.pem"
    key         = "{dir}/edge.key"
    ca          = "{dir}/ca.pem"
    clients     = "request"
  }`)
	sbc.text = strings.Replace(sbcConfig, `listen "{listenout}" {}`, listen, 1)
	w := newWorldOf(t, sbc)
	p := w.phones("out", func(i int, o *live.Options) {
		if i == 0 {
			o.React = answer
		}
	})
	p.talk(ua.Invite{})
	carrier, v := w.carrier(c)
	good, err := os.ReadFile(w.border.file)
	w.must(err)
	added := strings.Replace(string(good), "route \"in\"", strings.ReplaceAll(carrierBlocks, "{dir}", c.dir)+"\nroute \"in\"", 1)
	w.must(os.WriteFile(w.border.file, []byte(added), 0o600))
	if _, err := w.border.run("reload"); err == nil || !strings.Contains(err.Error(), "Certificate cannot be used") {
		t.Fatalf("a file that names no certificate: %v", err)
	}
	keep(t, c.dir, "carrier", c.ca.issue("carrier.border.example"))
	if out, err := w.border.run("reload"); err != nil {
		t.Fatalf("reload: %v\n%s", err, out)
	}
	to := p.caller.Invite(ua.Invite{To: "9123"})
	p.call(p.caller, to, ua.Heard)
	p.call(carrier, 1, ua.Heard)
	from := carrier.Invite(ua.Invite{To: "4930123"})
	p.call(carrier, from, ua.Heard)
	p.call(p.caller, to+1, ua.Heard)
	w.must(os.WriteFile(w.border.file, good, 0o600))
	if out, err := w.border.run("reload"); err != nil {
		t.Fatalf("reload: %v\n%s", err, out)
	}
	p.heardMore(p.caller)
	p.heardMore(p.far)
	back := p.caller.Invite(ua.Invite{To: "9123"}) // to the ITSP, as before
	p.call(p.caller, back, ua.Heard)
	p.call(p.far, 2, ua.Heard)
	if v.reset() == 0 {
		t.Fatal("the carrier has no connection")
	}
	w.await("the SBC to see the reset", func() bool { return w.connections() == 0 })
	carrier.Hangup(from) // no longer a peer, it ends what it began, by a new connection
	if e := p.call(p.caller, to+1, ua.Ended); e.Cause != ua.ByFar {
		t.Errorf("its call ended: %s", e.Cause)
	}
	for _, id := range []ua.Call{1, to, back} {
		p.caller.Hangup(id)
		p.call(p.caller, id, ua.Ended)
	}
	p.call(p.far, 1, ua.Ended)
	p.call(p.far, 2, ua.Ended)
	p.call(carrier, 1, ua.Ended)
	p.call(carrier, from, ua.Ended)
	p.clean(0)
	w.sealed()
}

// A reload holds for connections that are there. Who is known by a certificate stays
// so when its peer gets another name; and when its own name is taken from it, it
// begins nothing more by the connection that it has, and ends what it began.
func TestReloadOfCertificateNames(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	c := newCertificates(t)
	w := newWorldOf(t, c.setup(known, knownAccept))
	w.veils(c, c.ca.issue(itspName))
	p := w.tlsPhones("in")
	p.talk(ua.Invite{})
	good, err := os.ReadFile(w.border.file)
	w.must(err)
	reload := func(text string) {
		t.Helper()
		w.must(os.WriteFile(w.border.file, []byte(text), 0o600))
		if out, err := w.border.run("reload"); err != nil {
			t.Fatalf("reload: %v\n%s", err, out)
		}
	}
	reload(strings.NewReplacer("peer \"itsp\"", "peer \"carrier\"", "peer.itsp", "peer.carrier").Replace(string(good)))
	p.heardMore(p.caller)
	second := p.caller.Invite(ua.Invite{To: "4930123"})
	p.call(p.caller, second, ua.Heard)
	reload(strings.Replace(string(good), knownAccept, `accept = ["sip.other.example"]`, 1))
	p.caller.Invite(ua.Invite{To: "4930123"})
	w.await("the third call to be refused", func() bool {
		s, err := w.border.status()
		return err == nil && len(s.Rejects) > 0
	})
	p.caller.Hangup(1)
	p.caller.Hangup(second)
	p.call(p.far, 1, ua.Ended)
	p.call(p.far, 2, ua.Ended)
	if list := p.far.Events(); slices.ContainsFunc(list, func(e ua.Event) bool { return e.Call == 3 }) {
		t.Errorf("the third call came through: %s", words(list))
	}
	w.sealed()
}

// carrier is a phone at the ITSP's second address that speaks TLS, wants a
// certificate for carrier.border.example, and answers.
func (w *world) carrier(c *certificates) (*live.Phone, *veil) {
	w.t.Helper()
	own := c.ca.issue(itspName)
	v := w.veiled(w.itsp, &tls.Config{
		Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: c.ca.pool(),
		VerifyConnection: func(cs tls.ConnectionState) error {
			return cs.PeerCertificates[0].VerifyHostname("carrier.border.example")
		},
	}, &tls.Config{Certificates: []tls.Certificate{own}, ServerName: edgeName, RootCAs: c.ca.pool()})
	o := w.phoneOptions(w.itsp)
	v.cover(&o)
	o.Agent.Addr = netip.AddrPortFrom(w.itsp.second, tlsPort)
	o.React = answer
	phone, err := live.Start(o)
	w.must(err)
	w.t.Cleanup(func() {
		phone.Close()
		if w.t.Failed() {
			w.t.Logf("phone of the carrier: %s", words(phone.Events()))
		}
	})
	w.t.Cleanup(w.border.settle)
	return phone, v
}
