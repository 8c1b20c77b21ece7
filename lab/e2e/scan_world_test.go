package e2e

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/lab/netns"
)

// siegeConfig is a border of which an ITSP and strangers see the same side. It has
// {phones} for the endpoints that register here, and {firewall} for arguments of
// that block.
const siegeConfig = `
realm "outside" {
  address = "{toitsp}"
  listen "udp" {}
  listen "tcp" {}
  media {
    ports = "{outside}"
  }
  topology {
    audit = "refuse"
  }
}

realm "inside" {
  address = "10.77.3.1"
  listen "udp" {}
  media {
    ports = "{inside}"
  }
  topology {
    audit = "refuse"
  }
}

peer "itsp" {
  realm  = realm.outside
  target = "sip:{itsp}"
}

peer "pbx" {
  realm  = realm.inside
  target = "sip:{pbx}"
}
{phones}
route "in" {
  from = [peer.itsp]
  match { user = "^4930123$" }
  to = [peer.pbx]
}

route "out" {
  from = [peer.pbx]
  to   = [peer.itsp]
}

firewall {
  {firewall}
}

telemetry {
  log_format = "text"
}

console {
  socket = "{socket}"
}

store {
  path = "{state}"
}
`

// siegePhones are endpoints that register here: user 150 is one, in the middle of
// what scanners try.
const siegePhones = `
endpoints "phones" {
  realm       = realm.outside
  domain      = "voice.example"
  nat_refresh = "15s"
  user "150" {
    password = file("{secrets}/150")
  }
  user "alice" {
    password = file("{secrets}/alice")
  }
}

route "phones" {
  from = [endpoints.phones, peer.pbx]
  match { user = "^(150|alice)$" }
  to = [endpoints.phones]
}
`

// The ports of media of a siege: those of the calls of a minute rest at any time.
const siegeOutside, siegeInside = "20000-29999", "30000-39999"

// siegeTime bounds each siege: scanners are slow when the machine is busy.
const siegeTime = 4 * testTime

// A siege is a town whose host "itsp" is the ITSP, a peer of the border, and in
// which strangers are plugged into the same switch.
type siege struct {
	*town
	sbc setup
}

// newSiege builds a siege, of which change may change something before the border
// starts. There is no PBX but what sipp plays.
func newSiege(t *testing.T, phones bool, firewall string, change ...func(*siege)) *siege {
	t.Helper()
	netns.Require(t, "root", "sipp")
	dir := t.TempDir()
	users := ""
	if phones {
		users = strings.ReplaceAll(siegePhones, "{secrets}", dir)
		for _, user := range []string{"150", "alice"} {
			if err := os.WriteFile(filepath.Join(dir, user), []byte("pw-"+user+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	sbc := setup{outside: siegeOutside, inside: siegeInside, state: filepath.Join(dir, "state.db")}
	sbc.text = strings.NewReplacer("{phones}", users, "{firewall}", firewall, "{state}", sbc.state).Replace(siegeConfig)
	if _, err := build(); err != nil { // which is not on the test's time
		t.Fatal(err)
	}
	n := &siege{town: buildTown(t), sbc: sbc}
	var cancel context.CancelFunc
	n.ctx, cancel = context.WithTimeout(context.Background(), siegeTime)
	t.Cleanup(cancel)
	n.must(n.internet.Plug(netns.End{Space: n.middle, Interface: "eth0", Addr: netip.PrefixFrom(outsideAddr, 24)}))
	n.state, n.pbx = sbc.state, &pbx{n: n.town}
	for _, f := range change {
		f(n)
	}
	n.border = n.startBorder(sbc)
	return n
}

// byIP6 has the outside speak IPv6.
func (n *siege) byIP6() { n.ip6(n.itsp, "eth0") }

// stranger plugs in a host that nobody has invited.
func (n *siege) stranger(name string) *stranger {
	n.t.Helper()
	space, addr := n.home().host(name)
	return &stranger{n: n, space: space, addr: addr}
}

// A stranger is a host on the internet.
type stranger struct {
	n     *siege
	space *netns.Space
	addr  netip.Addr
}

// load has the ITSP and the PBX call each other, so many times a second for so many
// seconds, in either direction; what it returns waits for the last call, and fails
// the test unless each went through.
func (n *siege) load(rate, seconds int) (wait func()) {
	n.t.Helper()
	args := []string{"-m", strconv.Itoa(rate * seconds / 2), "-r", fmt.Sprint((rate + 1) / 2), "-l", "1000", "-timeout", "60s", "-deadcall_wait", lateMillis}
	var waits []func()
	for _, way := range []string{"in", "out"} {
		caller, callee := n.ends(way)
		waits = append(waits, n.begin("basic", caller, many,
			part{role: "uas", side: callee, port: sipPort, args: args},
			part{role: "uac", side: caller, port: sipPort + 1, calls: true, args: args}))
	}
	return func() {
		n.t.Helper()
		for _, wait := range waits {
			wait()
		}
	}
}

// A gate is what `sbc status --json` says of whom we do not listen to.
type gate struct {
	Engine  string            `json:"engine"`
	Bans    int               `json:"bans"`
	Policed uint64            `json:"policed"`
	Banned  uint64            `json:"banned"`
	Behind  bool              `json:"kernel_behind"`
	Dropped map[string]uint64 `json:"dropped"`
	Kernel  map[string]uint64 `json:"kernel"`
}

func (w *world) gate() gate {
	w.t.Helper()
	var s struct {
		Gate gate `json:"gate"`
	}
	w.told(&s, "status")
	return s.Gate
}

// A source is a line of `sbc sources --json`.
type source struct {
	Source      string            `json:"source"`
	State       string            `json:"state"`
	Score       float64           `json:"score"`
	Proven      float64           `json:"proven_score"`
	Methods     map[string]uint32 `json:"methods"`
	Offences    string            `json:"offences"`
	Fingerprint string            `json:"fingerprint"`
	User        string            `json:"user"`
	Users       int               `json:"users"`
}

// source returns what the border knows of an address.
func (n *siege) source(a netip.Addr) source {
	n.t.Helper()
	var list []source
	n.told(&list, "sources")
	for _, s := range list {
		if s.Source == a.String() || s.Source == a.String()+"/32" {
			return s
		}
	}
	return source{}
}

// A banned is a line of `sbc bans --json`.
type banned struct {
	Prefix   string    `json:"prefix"`
	Since    time.Time `json:"since"`
	Until    time.Time `json:"until"`
	Times    int       `json:"times"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
	Offences string    `json:"offences"`
}

func (n *siege) bans() (list []banned) {
	n.t.Helper()
	n.told(&list, "bans")
	return list
}

// ban returns that of an address; the zero one if there is none.
func (n *siege) ban(a netip.Addr) banned {
	n.t.Helper()
	for _, b := range n.bans() {
		if b.Prefix == a.String() || b.Prefix == a.String()+"/32" {
			return b
		}
	}
	return banned{}
}

// measured logs what was refused where.
func (n *siege) measured(what string) {
	n.t.Helper()
	g := n.gate()
	n.t.Logf("%s: %s, %d bans, %d policed; dropped %v, in the kernel %v", what, g.Engine, g.Bans, g.Policed, g.Dropped, g.Kernel)
}
