package e2e

import (
	"testing"

	"sbc/lab/netns"
)

// second is a setup with another peer on each side: its calls are those of
// who has its address.
func second(s setup) setup {
	s.more = `
peer "itsp2" {
  realm  = realm.outside
  target = "sip:198.51.100.20"
}
peer "pbx2" {
  realm  = realm.inside
  target = "sip:10.77.3.20"
}
route "charlie-in" {
  from = [peer.itsp, peer.itsp2]
  to   = [peer.pbx2]
  match { user = "^charlie$" }
}
route "charlie-out" {
  from = [peer.pbx, peer.pbx2]
  to   = [peer.itsp2]
  match { user = "^charlie$" }
}
`
	return s
}

// A redirection is followed where the configuration says so, and to peers
// only.
func TestRedirectionIsFollowed(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			follow := second(standard)
			follow.peers = `redirect = "follow"`
			w := newWorldOf(t, follow)
			caller, callee := w.ends(way)
			w.play("followed", caller, nil,
				part{role: "uas", side: callee, port: sipPort},
				part{role: "second", side: callee, addr: callee.second, port: sipPort},
				part{role: "uac", side: caller, port: sipPort + 1, calls: true})
		})
	}
}
