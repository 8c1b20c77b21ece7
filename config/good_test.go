package config

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sbc"
	"sbc/firewall"
	"sbc/policy"
	"sbc/policy/digest"
)

// What everything.hcl asks the environment for.
// Each good file has a dump of the configuration that it gives beside it.
func TestGoodFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/good/*.hcl")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".hcl"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, file, src, strings.TrimSuffix(file, ".hcl")+".txt")
		})
	}
}

// The example passes on a machine that has none of its addresses.
func TestExample(t *testing.T) {
	golden(t, "sbc.hcl.example", sbc.Example, "testdata/good/example.txt")
	none := func() ([]Interface, error) { return nil, nil }
	if _, err := ParseOn(none, "sbc.hcl.example", sbc.Example); err != nil {
		t.Error(err)
	}
	more := regexp.MustCompile(`(?m)^#(  |\S)`).ReplaceAll(sbc.Example, []byte("$1"))
	if c, err := ParseOn(testMachine, "sbc.hcl.example", more); err != nil || len(c.Endpoints) != 1 || c.Store == "" {
		t.Errorf("with what is left to choose: %v", err)
	}
	effective := 0
	for line := range strings.Lines(string(sbc.Example)) {
		if s := strings.TrimSpace(line); s != "" && !strings.HasPrefix(s, "#") {
			effective++
		}
	}
	if effective > 45 {
		t.Errorf("the example has %d lines that are no comment", effective)
	}
}

func golden(t *testing.T, name string, src []byte, file string) {
	t.Helper()
	c, err := ParseOn(testMachine, name, src)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Rules(digest.NewNonces([32]byte{1}, 0)); err != nil {
		t.Errorf("policy does not take it: %v", err)
	}
	got := dump(c)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-expected +found\n%s", diff)
	}
}

// dump writes a configuration for people to compare.
func dump(c *Config) string {
	var b strings.Builder
	for i, e := range c.Realms {
		fmt.Fprintf(&b, "realm %d %s trust %t nat %t routed %v address %s udp %q tcp %q (%s)\n", i, e.Name, e.Trust, e.NAT, e.Routed, e.Address,
			e.Network(policy.UDP), e.Network(policy.TCP), e.Ref)
		for _, l := range e.Listen {
			fmt.Fprintf(&b, "  listen %s %s as %s (%s)\n", l.Transport, l.Addr, l.Host, l.Ref)
			if l.TLS != nil || l.Origins != nil || l.Most+l.PerSource > 0 {
				fmt.Fprintf(&b, "    %+v origins %q at most %d, %d of a source\n", l.TLS, l.Origins, l.Most, l.PerSource)
			}
		}
		fmt.Fprintf(&b, "  emergency %q limits %+v\n", e.Emergency, e.Limits)
		fmt.Fprintf(&b, "  media %s as %s ports %d-%d (%s)\n", e.Media.Addr, e.Media.Advertise, e.Media.Ports[0], e.Media.Ports[1], e.Media.Ref)
		fmt.Fprintf(&b, "  topology %s audit %s mask %q (%s) user agent %q (%s)\n", e.Topology.Name, e.Topology.Audit,
			e.Topology.Mask, e.Topology.MaskRule, e.Topology.UserAgent, e.Topology.AgentRule)
		for _, f := range e.Topology.Pass {
			fmt.Fprintf(&b, "    pass %s (%s)\n", f.Name, f.Rule)
		}
		for _, f := range e.Topology.Remove {
			fmt.Fprintf(&b, "    remove %s (%s)\n", f.Name, f.Rule)
		}
		for _, f := range e.Topology.Add {
			fmt.Fprintf(&b, "    add %s: %s (%s)\n", f.Name, f.Value, f.Rule)
		}
		for _, f := range e.Topology.Bodies {
			fmt.Fprintf(&b, "    body %s remove %t (%s)\n", f.Type, f.Remove, f.Rule)
		}
	}
	for i, p := range c.Policy.Peers {
		fmt.Fprintf(&b, "peer %d %s realm %d target %+v sources %v host %s redirect %s limits %+v tolls %+v (%s)\n",
			i, p.Name, p.Realm, p.Target, p.Sources, p.Host(), p.Redirect, p.Limits, p.Tolls, p.Ref)
	}
	for _, e := range c.Endpoints {
		to := "registers"
		if p := c.Policy.Peers[e.Peer].Endpoints; p != nil {
			to = fmt.Sprint(p.To)
		}
		fmt.Fprintf(&b, "endpoints %+v to %s\n", e, to)
	}
	for _, l := range c.Clients {
		fmt.Fprintf(&b, "client %+v, by names %q\n", l, c.Policy.Peers[l.Peer].Names)
	}
	for _, d := range c.Domains {
		fmt.Fprintf(&b, "domain %s realm %d users %v who %v algorithms %v integrity %t nonce age %v (%s)\n", d.Host, d.Realm, d.Users, d.Who, d.Algorithms, d.Integrity, d.NonceAge, d.Ref)
	}
	f, o := &c.Firewall, &c.Firewall.Options
	fmt.Fprintf(&b, "firewall %s count %t allow %v source %v intake %v new %v police %v ban %v half life %v bans %v to %v at most %d honeypots %q dictionary %d signatures %d invite %v digest %v\n",
		f.Engine, o.Count, f.Allow, o.Source, o.Intake, o.New, o.Police, o.Ban, o.HalfLife, o.BanFirst, o.BanMax, o.Bans, o.Honeypots, len(o.Dictionary), len(o.Signatures),
		o.Weights[firewall.StrangerInvite], o.Weights[firewall.DigestFailure])
	if t := c.Turn; t != nil {
		fmt.Fprintf(&b, "turn realm %d port %d domain %s ports %v users %d secrets %d allow %v deny %v allocations %d (%s)\n",
			t.Realm, t.Port, t.Domain, t.Ports, len(t.Users), len(t.Secrets), t.Allow, t.Deny, t.Allocations, t.Ref)
	}
	for _, r := range c.Policy.Routes {
		fmt.Fprintf(&b, "route %s from %v to %v user %v host %v methods %v (%s)\n", r.Name, r.From, r.To, r.Match.User, r.Match.Host, r.Match.Methods, r.Ref)
		for _, f := range r.Match.Fields {
			fmt.Fprintf(&b, "  field %s %s\n", f.Name, f.Value)
		}
		if r.Rewrite != nil {
			fmt.Fprintf(&b, "  rewrite %+v\n", *r.Rewrite)
		}
	}
	fmt.Fprintf(&b, "limits %+v, of policy %d\ntelemetry %+v\ncontrol %s\nstore %s\n", c.Limits, c.Policy.Calls, c.Telemetry, c.Control, c.Store)
	if c.Warnings != nil {
		fmt.Fprintf(&b, "%s\n", c.Warnings)
	}
	return b.String()
}
