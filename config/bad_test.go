package config

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expectations in testdata")

// testMachine has what the test files talk about.
func testMachine() ([]Interface, error) {
	return []Interface{
		{Name: "lo", Addrs: []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")}},
		{Name: "eth0", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")}},
		{Name: "eth1", Addrs: []netip.Addr{netip.MustParseAddr("192.168.1.1"), netip.MustParseAddr("192.168.2.1")}},
		{Name: "eth2", Addrs: []netip.Addr{netip.MustParseAddr("fe80::2"), netip.MustParseAddr("169.254.1.2")}},
		{Name: "eth3", Addrs: []netip.Addr{netip.MustParseAddr("2001:db8:3::1"), netip.MustParseAddr("fe80::3"), netip.MustParseAddr("192.0.2.3")}},
		{Name: "eth4", Addrs: []netip.Addr{netip.MustParseAddr("192.0.2.4"), netip.MustParseAddr("2001:db8:4::1"), netip.MustParseAddr("fd00:4::1")}},
		{Name: "eth5", Addrs: []netip.Addr{netip.MustParseAddr("2001:db8:5::1")}},
	}, nil
}

// An expectation stands behind the wrong line: `# ERROR: summary: detail`,
// or WARNING; several of them one after the other.
var expectation = regexp.MustCompile(` *# (ERROR|WARNING): `)

// Cause: unknown key, wrong type. A wrong file is refused whole, with every
// problem at its line and the remedy in its text.
func TestBadFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.hcl")
	if err != nil || len(files) < 35 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".hcl"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := ParseOn(testMachine, "sbc.hcl", src)
			if c != nil {
				t.Errorf("a wrong file gave a configuration")
			}
			problems, ok := err.(*Problems)
			if !ok {
				t.Fatalf("error is %T: %v", err, err)
			}
			lines := strings.Split(string(src), "\n")
			if *update {
				rewrite(t, file, lines, problems)
				return
			}
			if diff := cmp.Diff(expectations(lines), found(problems)); diff != "" {
				t.Errorf("-expected +found\n%s", diff)
			}
		})
	}
}

// expectations reads the expectations, as "line: KIND: text".
func expectations(lines []string) []string {
	var out []string
	for i, line := range lines {
		at := expectation.FindAllStringSubmatchIndex(line, -1)
		for n, m := range at {
			end := len(line)
			if n+1 < len(at) {
				end = at[n+1][0]
			}
			out = append(out, fmt.Sprintf("%d: %s: %s", i+1, line[m[2]:m[3]], line[m[1]:end]))
		}
	}
	return out
}

func found(p *Problems) []string {
	var out []string
	for _, one := range p.All() {
		out = append(out, fmt.Sprintf("%d: %s", one.Line, comment(one)))
	}
	return out
}

func comment(p Problem) string {
	kind := "ERROR"
	if p.Warning {
		kind = "WARNING"
	}
	return kind + ": " + p.Summary + ": " + p.Detail
}

func rewrite(t *testing.T, file string, lines []string, p *Problems) {
	for i, line := range lines {
		if at := expectation.FindStringIndex(line); at != nil {
			lines[i] = line[:at[0]]
		}
	}
	for _, one := range p.All() {
		lines[one.Line-1] += " # " + comment(one)
	}
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
