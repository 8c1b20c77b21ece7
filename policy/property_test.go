package policy

import (
	"bytes"
	"net/netip"
	"regexp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sbc/signaling/sip"
)

var (
	// Few addresses and short prefixes, so that they meet each other.
	someAddr = rapid.Custom(func(t *rapid.T) netip.Addr {
		c, d := byte(rapid.IntRange(0, 3).Draw(t, "c")), byte(rapid.IntRange(0, 7).Draw(t, "d"))
		if rapid.Bool().Draw(t, "six") {
			return netip.AddrFrom16([16]byte{0: 10, 2: c, 15: d})
		}
		return netip.AddrFrom4([4]byte{10, 0, c, d})
	})
	somePrefix = rapid.Custom(func(t *rapid.T) netip.Prefix {
		addr := someAddr.Draw(t, "addr")
		return netip.PrefixFrom(addr, rapid.IntRange(8, addr.BitLen()).Draw(t, "bits")).Masked()
	})
)

// drawPeers gives each peer a port of its own, so that no two are alike.
func drawPeers(t *rapid.T) []Peer {
	peers := make([]Peer, rapid.IntRange(1, 8).Draw(t, "peers"))
	for i := range peers {
		peers[i] = Peer{Name: "p", Realm: rapid.IntRange(0, 1).Draw(t, "realm"), Target: Target{Host: "x", Port: uint16(5060 + i)},
			Sources: rapid.SliceOfN(somePrefix, 1, 4).Draw(t, "sources")}
	}
	return peers
}

// The table finds what looking through all prefixes finds.
func TestPeerProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Realms: make([]Realm, 2), Peers: drawPeers(t)}
		r, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		realm := rapid.IntRange(0, 1).Draw(t, "in")
		src := netip.AddrPortFrom(someAddr.Draw(t, "src"), uint16(rapid.IntRange(5059, 5069).Draw(t, "port")))
		got, ok := r.Peer(realm, src)
		if !ok {
			got = -1
		}
		if want := slowPeer(&o, realm, src); got != want {
			t.Fatalf("peer %d, want %d", got, want)
		}
	})
}

func slowPeer(o *Options, realm int, src netip.AddrPort) int {
	best, bits, byPort := -1, -1, false
	for i := range o.Peers {
		p := &o.Peers[i]
		for _, s := range p.Sources {
			if p.Realm != realm || !s.Contains(src.Addr()) || s.Bits() < bits {
				continue
			}
			port := p.Target.Port == src.Port()
			if s.Bits() > bits || port && !byPort {
				best, bits, byPort = i, s.Bits(), port
			}
		}
	}
	return best
}

// The first route of the file that begins at the peer and matches is taken.
func TestRouteProperty(t *testing.T) {
	patterns := []*regexp.Regexp{nil, regexp.MustCompile("^0"), regexp.MustCompile("1"), regexp.MustCompile("^[0-9]+$"), regexp.MustCompile("^$")}
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Realms: make([]Realm, 2), Peers: drawPeers(t)}
		peer := rapid.IntRange(0, len(o.Peers)-1)
		for range rapid.IntRange(0, 6).Draw(t, "routes") {
			o.Routes = append(o.Routes, Route{
				From:  rapid.SliceOfNDistinct(peer, 1, len(o.Peers), rapid.ID).Draw(t, "from"),
				To:    []int{peer.Draw(t, "to")},
				Match: Match{User: rapid.SampledFrom(patterns).Draw(t, "user"), Host: rapid.SampledFrom(patterns).Draw(t, "host")},
			})
		}
		r, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		q := Query{From: peer.Draw(t, "asks"), User: []byte(rapid.StringMatching("[01a]{0,3}").Draw(t, "u")),
			Host: []byte(rapid.StringMatching("[01a]{0,3}").Draw(t, "h")), Method: sip.INVITE}
		d, no := r.Route(q)
		i := slices.IndexFunc(o.Routes, func(t Route) bool {
			return slices.Contains(t.From, q.From) && (t.Match.User == nil || t.Match.User.Match(q.User)) && (t.Match.Host == nil || t.Match.Host.Match(q.Host))
		})
		if (i < 0) != (no != nil) || i >= 0 && d.Route != &o.Routes[i] {
			t.Fatalf("route %+v refusal %+v, want %d", d.Route, no, i)
		}
	})
}

// Escaping and its reverse cancel each other for any octets, and what is
// escaped has no octet that ends a user part.
func TestEscapeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "b")
		e := appendEscaped(nil, b)
		if bytes.ContainsAny(e, "@:<>\" \r\n\x00#") {
			t.Fatalf("%q", e)
		}
		if got := unescape(e); !bytes.Equal(got, b) {
			t.Fatalf("%q became %q, then %q", b, e, got)
		}
	})
}

// What is no escape stays as it is, and nothing grows.
func FuzzUnescape(f *testing.F) {
	for _, s := range []string{"%", "%2", "%2B", "%2b49", "%%41", "%zz", "a%"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		if got := unescape(b); len(got) > len(b) || !bytes.Equal(b, before) {
			t.Errorf("%q became %q", before, got)
		}
	})
}
