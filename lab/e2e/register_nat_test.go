package e2e

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sbc/lab/nat"
	"sbc/lab/netns"
)

// impatient is conntrack that forgets UDP after 20 s.
var impatient = func() nat.Kind { k := nat.Masquerade; k.Lifetime = 20 * time.Second; return k }()

// natRows are the NATs of the table, and what `sbc registrations` calls them.
var natRows = []struct {
	name  string
	kinds []nat.Kind
	word  string
}{
	{"none", nil, "none"},
	{"masquerade", []nat.Kind{nat.Masquerade}, "address"},
	{"masquerade with random ports", []nat.Kind{nat.MasqueradeRandom}, "address+port"},
	{"full cone", []nat.Kind{nat.FullCone}, "address"},
	{"address-restricted", []nat.Kind{nat.AddressRestricted}, "address"},
	{"port-restricted", []nat.Kind{nat.PortRestricted}, "address"},
	{"symmetric", []nat.Kind{nat.Symmetric}, "address+port"},
	{"20 s", []nat.Kind{nat.Impatient}, "address"},
	{"20 s by conntrack", []nat.Kind{impatient}, "address"},
	{"NAT behind NAT", []nat.Kind{nat.MasqueradeRandom, nat.PortRestricted}, "address+port"},
}

// needsTown skips a test that lacks what a town is made of.
func needsTown(t *testing.T) {
	t.Helper()
	netns.Require(t, "root", "nft", "baresip", "kamailio", "kamcmd")
	throughSBC(t)
}

// Behind each NAT a phone registers, is called, calls, registers again and
// leaves.
func TestRegisteredBehindNAT(t *testing.T) {
	t.Parallel()
	needsTown(t)
	for _, row := range natRows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			n := newTown(t)
			h := n.home(row.kinds...)
			phone, desk := h.phone("alice", 1, "udp"), n.atDesk(2)
			n.registered(h, row.word)
			n.call(desk, phone)
			n.call(phone, desk)
			n.refreshed()
			phone.leave()
			n.gone()
			n.hidden()
		})
	}
}

// A registration is a line of `sbc registrations --json`.
type registration struct {
	AOR      string  `json:"aor"`
	Contact  string  `json:"contact"`
	State    string  `json:"state"`
	NAT      string  `json:"nat"`
	Flow     string  `json:"flow"`
	Age      float64 `json:"age_seconds"`
	Here     float64 `json:"expires_here_seconds"`
	There    float64 `json:"expires_there_seconds"`
	Interval float64 `json:"keepalive_interval_seconds"`
}

// registrations lists the bindings.
func (n *town) registrations() (list []registration) {
	n.t.Helper()
	n.told(&list, "registrations")
	return list
}

// registered fails the test unless one phone is registered, behind a NAT of
// that name, and the PBX has a contact for it that leads here.
func (n *town) registered(h *home, word string) {
	n.t.Helper()
	contact := n.pbx.knows(1)[0]
	if !strings.HasSuffix(contact, "@"+insideAddr.String()) {
		n.t.Errorf("the PBX has the contact %s", contact)
	}
	list := n.registrations()
	if len(list) != 1 {
		n.t.Fatalf("registrations: %+v", list)
	}
	r, public := list[0], h.public
	if !public.IsValid() {
		public = n.private[len(n.private)-1]
	}
	if r.AOR != "sip:alice@"+domain || r.State != "reachable" || r.NAT != word ||
		!strings.HasPrefix(strings.ToLower(r.Flow), "udp "+public.String()+":") || r.Here > 15 || r.There < 500 {
		n.t.Errorf("registration behind %s: %+v", word, r)
	}
	out, err := n.border.run("registrations")
	n.must(err)
	for _, want := range []string{r.AOR, r.Contact, "reachable", word, r.Flow, "phones"} {
		if !bytes.Contains(out, []byte(want)) {
			n.t.Errorf("sbc registrations does not show %q:\n%s", want, out)
		}
	}
}

// binding returns that of a user, the zero registration if there is none.
func (n *town) binding(user string) registration {
	n.t.Helper()
	for _, r := range n.registrations() {
		if r.AOR == "sip:"+user+"@"+domain {
			return r
		}
	}
	return registration{}
}

// refreshed waits until a phone has registered again, and fails the test if the
// PBX has seen more than the two REGISTERs of the first time, the one that it
// challenged and the one that it granted: the refresh, which a baresip tries
// without credentials, is answered here.
func (n *town) refreshed() {
	n.t.Helper()
	n.await("a refresh", func() bool { return requests(n.itsp.seen.Datagrams(), "REGISTER", outsideAddr) >= 3 })
	if there := requests(n.lan.seen.Datagrams(), "REGISTER", lanAddr); there != 2 {
		n.t.Errorf("the PBX has seen %d REGISTERs, not 2", there)
	}
}

// gone waits until the one phone is registered nowhere, and fails the test if
// it can still be called.
func (n *town) gone() {
	n.t.Helper()
	n.pbx.knows(0)
	n.await("no registration", func() bool { return len(n.registrations()) == 0 })
	if status := n.asksPBX("OPTIONS", "alice"); status != 404 {
		n.t.Errorf("who has left: %d", status)
	}
}
