package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sbc/policy"
)

const reloadBase = `
realm "a" {
  address = "127.0.0.1"
  listen "udp" {}
  listen "tcp" { port = 5061 }
}
realm "b" {
  address = "127.0.0.2"
  listen "udp" {}
}
peer "itsp" {
  realm  = realm.a
  target = "sip:127.0.0.9"
  limits { calls = 30 }
}
peer "pbx" {
  realm  = realm.b
  target = "sip:127.0.0.8"
}
endpoints "phones" {
  realm  = realm.a
  domain = "voice.example"
  to     = peer.pbx
}
route "in" {
  from = [peer.itsp]
  to   = [peer.pbx]
}
route "out" {
  from = [peer.pbx, endpoints.phones]
  to   = [peer.itsp]
}
`

func parse(t *testing.T, src string) *Config {
	t.Helper()
	c, err := ParseOn(testMachine, "sbc.hcl", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c Change) String() string {
	s := c.Block + "|" + c.Key + "|" + c.Was + "|" + c.Is
	if c.Restart {
		s += "|restart"
	}
	return s
}

func TestDiff(t *testing.T) {
	for _, c := range []struct {
		old, new string // in the base
		want     []string
	}{
		{"", "", nil},
		{"calls = 30", "calls = 50", []string{`peer "itsp"|limits.calls|30|50`}},
		{"  limits { calls = 30 }\n", "", []string{`peer "itsp"|limits|there|`, `peer "itsp"|limits.calls|30|`}},
		{"  limits { calls = 30 }\n", "  limits {\n    # as before\n    calls = 30 // calls\n  }\n", nil},
		{`"sip:127.0.0.8"`, `"sip:127.0.0.7"`, []string{`peer "pbx"|target|"sip:127.0.0.8"|"sip:127.0.0.7"`}},
		{"[peer.pbx, endpoints.phones]", "[ // both\n  peer.pbx,\n  endpoints.phones ]", []string{`route "out"|from|[peer.pbx, endpoints.phones]|[ peer.pbx, endpoints.phones ]`}},
		{"listen \"tcp\" { port = 5061 }", "listen \"tcp\" { port = 5062 }", []string{`realm "a"|listen "tcp".port|5061|5062|restart`}},
		{"realm \"a\" {\n", "realm \"a\" {\n  trust = true\n", []string{`realm "a"|trust||true`}},
		{"realm \"a\" {\n", "realm \"a\" {\n  nat = \"off\"\n", []string{`realm "a"|nat||"off"|restart`}},
		{"route \"in\" {", "telemetry { listen = \"127.0.0.1:9090\" }\nroute \"in\" {", []string{`telemetry|||there|restart`}},
		{"route \"in\" {", "telemetry { log_level = \"debug\" }\nroute \"in\" {", []string{`telemetry|||there`}},
		{"route \"in\" {", "store { path = \"/tmp/x\" }\nroute \"in\" {", []string{`store|||there|restart`}},
		{"route \"in\" {", "peer \"x\" {\n  realm = realm.b\n  target = \"sip:127.0.0.5\"\n}\nroute \"in\" {", []string{`peer "x"|||there`}},
	} {
		next := parse(t, strings.Replace(reloadBase, c.old, c.new, 1))
		var got []string
		for _, d := range Diff(parse(t, reloadBase), next) {
			got = append(got, d.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q for %q:\n got %q\nwant %q", c.new, c.old, got, c.want)
		}
	}
}

// Routes are tried in their order: another order is a change.
func TestDiffOrder(t *testing.T) {
	in, out := "route \"in\" {\n  from = [peer.itsp]\n  to   = [peer.pbx]\n}\n", "route \"out\" {\n  from = [peer.pbx, endpoints.phones]\n  to   = [peer.itsp]\n}\n"
	swapped := strings.Replace(strings.Replace(reloadBase, out, "", 1), in, out+in, 1)
	got := Diff(parse(t, reloadBase), parse(t, swapped))
	if len(got) != 1 || got[0].String() != `route|order|"in", "out"|"out", "in"` {
		t.Errorf("%v", got)
	}
}

// The first endpoints need the store, which is opened at the start.
func TestDiffFirstEndpoints(t *testing.T) {
	at, end := strings.Index(reloadBase, "endpoints \"phones\""), strings.Index(reloadBase, "route \"in\"")
	without := strings.Replace(reloadBase[:at]+reloadBase[end:], ", endpoints.phones", "", 1)
	var restarts int
	for _, c := range Diff(parse(t, without), parse(t, reloadBase)) {
		if c.Restart {
			restarts++
		}
	}
	if restarts != 1 {
		t.Errorf("%v", Diff(parse(t, without), parse(t, reloadBase)))
	}
	for _, c := range Diff(parse(t, reloadBase), parse(t, without)) {
		if c.Restart {
			t.Errorf("endpoints that go need no restart: %v", c)
		}
	}
}

// However files follow each other, a name keeps its place and its references.
func TestFollow(t *testing.T) {
	first := parse(t, reloadBase)
	text := strings.NewReplacer(
		"peer \"itsp\" {", "peer \"first\" {\n  realm = realm.b\n  target = \"sip:127.0.0.7\"\n}\npeer \"itsp\" {",
		"from = [peer.itsp]\n", "from = [peer.first, peer.itsp]\n",
		"realm \"a\" {", "realm \"A\" {",
	).Replace(reloadBase)
	text = strings.Replace(text, "realm \"A\" {", "realm \"a\" {", 1)
	// The realms change their order in the file.
	b := text[strings.Index(text, "realm \"b\""):strings.Index(text, "peer \"first\"")]
	text = b + strings.Replace(text, b, "", 1)
	second := parse(t, text)
	second.Follow(first)
	third := parse(t, strings.NewReplacer("\npeer \"itsp\"", "\npeer \"other\"", "peer.itsp", "peer.other").Replace(reloadBase))
	third.Follow(second)
	fourth := parse(t, reloadBase)
	fourth.Follow(third)
	for i, want := range []string{
		"a b|itsp:a pbx:b phones:a>pbx|phones|in: [itsp]>[pbx] out: [pbx phones]>[itsp]",
		"a b|itsp:a pbx:b phones:a>pbx first:b|phones|in: [first itsp]>[pbx] out: [pbx phones]>[itsp]",
		"a b|-itsp:a pbx:b phones:a>pbx -first:b other:a|phones|in: [other]>[pbx] out: [pbx phones]>[other]",
		"a b|itsp:a pbx:b phones:a>pbx -first:b -other:a|phones|in: [itsp]>[pbx] out: [pbx phones]>[itsp]",
	} {
		c := []*Config{first, second, third, fourth}[i]
		if got := describe(c); got != want {
			t.Errorf("file %d:\n got %s\nwant %s", i+1, got, want)
		}
		if _, err := policy.Compile(c.Policy); err != nil {
			t.Errorf("file %d: %v", i+1, err)
		}
	}
}

// describe writes all that refers to something by its place.
func describe(c *Config) string {
	var realms, peers, endpoints, routes []string
	for i := range c.Realms {
		if c.Realms[i].Name != c.Policy.Realms[i].Name {
			return "realms differ"
		}
		realms = append(realms, c.Realms[i].Name)
	}
	name := func(list []int) (out []string) {
		for _, i := range list {
			out = append(out, c.Policy.Peers[i].Name)
		}
		return out
	}
	for _, p := range c.Policy.Peers {
		s := p.Name + ":" + c.Realms[p.Realm].Name
		if p.Gone {
			s = "-" + s
		}
		if p.Endpoints != nil {
			s += ">" + c.Policy.Peers[p.Endpoints.To].Name
		}
		peers = append(peers, s)
	}
	for _, e := range c.Endpoints {
		endpoints = append(endpoints, c.Policy.Peers[e.Peer].Name)
	}
	for _, r := range c.Policy.Routes {
		routes = append(routes, fmt.Sprintf("%s: %v>%v", r.Name, name(r.From), name(r.To)))
	}
	return strings.Join(realms, " ") + "|" + strings.Join(peers, " ") + "|" + strings.Join(endpoints, " ") + "|" + strings.Join(routes, " ")
}
