package config

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sbc/policy"
)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "edge.hcl")
	src := "realm \"a\" {\n  address = \"127.0.0.1\"\n  listen \"udp\" {}\n}\n"
	if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.File != path || c.Realms[0].Ref != (policy.Ref{File: "edge.hcl", Line: 1}) || c.Realms[0].Listen[0].Ref.Line != 3 {
		t.Errorf("file %q, realm %s, listener %s", c.File, c.Realms[0].Ref, c.Realms[0].Listen[0].Ref)
	}
	if _, err := Load(filepath.Join(dir, "none.hcl")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	var p *Problems
	if _, err := Load(dir); err == nil || errors.As(err, &p) {
		t.Errorf("a directory: %v", err)
	}
}

// The one interface that every machine has is found by its name.
func TestSystemInterfaces(t *testing.T) {
	list, err := SystemInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		for _, a := range i.Addrs {
			if a.IsLoopback() {
				return
			}
		}
	}
	t.Errorf("no loopback address: %v", list)
}

// The interfaces cannot be listed: the problem says what to do.
func TestInterfacesFail(t *testing.T) {
	machine := func() ([]Interface, error) { return nil, errors.New("permission denied") }
	_, err := ParseOn(machine, "sbc.hcl", []byte("realm \"a\" {\n  interface = \"eth0\"\n  listen \"udp\" {}\n}\n"))
	if err == nil || !strings.Contains(err.Error(), "sbc.hcl:2: Interfaces cannot be listed: permission denied") {
		t.Error(err)
	}
}

func TestProblems(t *testing.T) {
	src := "realm \"a\" {\n  address = \"127.0.0.1\"\n  listen \"upd\" {}\n}\nlimits {\n  media_timeout = \"10m\"\n  held_timeout  = \"1m\"\n}\n"
	_, err := ParseOn(testMachine, "/etc/sbc/sbc.hcl", []byte(src))
	var p *Problems
	if !errors.As(err, &p) {
		t.Fatalf("%T %v", err, err)
	}
	all := p.All()
	if len(all) != 2 || all[0].Warning || all[0].Line != 3 || all[0].File != "/etc/sbc/sbc.hcl" || !all[1].Warning || all[1].Line != 7 {
		t.Errorf("%+v", all)
	}
	want := "/etc/sbc/sbc.hcl:3: Unknown transport: A listener cannot be \"upd\". Did you mean \"udp\"? It is one of: \"udp\", \"tcp\", \"tls\", \"ws\", \"wss\".\n"
	if !strings.HasPrefix(p.Error(), want) || strings.HasSuffix(p.Error(), "\n") {
		t.Errorf("%s", p.Error())
	}
	var plain, colored strings.Builder
	if err := p.Print(&plain, 0, false); err != nil {
		t.Error(err)
	}
	if err := p.Print(&colored, 40, true); err != nil {
		t.Error(err)
	}
	for _, part := range []string{"Error: Unknown transport", `line 3, in realm "a"`, `   3:   listen "upd" {}`, "Did you mean \"udp\"?", "Warning: "} {
		if !strings.Contains(plain.String(), part) {
			t.Errorf("%q is missing in:\n%s", part, plain.String())
		}
	}
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(colored.String(), "\x1b[31m") {
		t.Error("color is not as asked for")
	}
	for line := range strings.Lines(colored.String()) {
		if len(line) > 80 {
			t.Errorf("not wrapped: %q", line)
		}
	}
}

// The problems of a file are the same each time, in the same order.
func TestProblemsOrder(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.hcl")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, first := ParseOn(testMachine, "sbc.hcl", src)
		for range 5 {
			if _, again := ParseOn(testMachine, "sbc.hcl", src); again.Error() != first.Error() {
				t.Errorf("%s:\n%v\n%v", file, first, again)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	_, err := ParseOn(testMachine, "sbc.hcl", []byte(strings.Repeat("#\n", fileMax)))
	if err == nil || !strings.Contains(err.Error(), "sbc.hcl:1: File too long") {
		t.Error(err)
	}
}

// What nests twenty thousand deep is refused before anything recurses.
func TestTooDeep(t *testing.T) {
	for _, open := range []string{"[", "(", "{", "!", "-", "x?", "\"${", "a {\n", "[\n", "f(", "[for a in ",
		"1+", "1+\n", "(1+\n", "a&&", "a.", "[1,2]+", "a[0]", "a == ", "\"%{if true}", "%{if true}"} {
		_, err := ParseOn(testMachine, "sbc.hcl", []byte("x = ["+strings.Repeat(open, 20_000)))
		if err == nil || !strings.Contains(err.Error(), "Nested too deep") {
			t.Errorf("%q: %.200v", open, err)
		}
	}
}

// Cause: ESC, bidi and the like in what is shown. The file is refused, and
// none of it gets to the terminal.
func TestUnshowable(t *testing.T) {
	for _, c := range []string{"\x1b[2J", "\x00", "\x7f", "\xff", "\u202e", "\u0085"} {
		_, err := ParseOn(testMachine, "sbc.hcl", []byte("# one\n# two "+c+"\n"))
		var p *Problems
		if !errors.As(err, &p) || len(p.All()) != 1 || p.All()[0].Line != 2 || p.All()[0].Summary != "Not a text" {
			t.Errorf("%q: %v", c, err)
			continue
		}
		var shown strings.Builder
		if err := p.Print(&shown, 0, false); err != nil || strings.Contains(shown.String()+p.Error(), c) {
			t.Errorf("%q: %v %q", c, err, shown.String())
		}
	}
	if line, _ := unshowable([]byte("# Größe\t→ 1\r\n")); line != 0 {
		t.Error("a text is refused")
	}
}

func TestDidYouMean(t *testing.T) {
	words := []string{"inside", "outside", "pbx"}
	tests := []struct{ given, want string }{
		{"insde", "inside"},
		{"isnide", "inside"},
		{"OUTSIDE", "outside"},
		{"outsides", "outside"},
		{"bpx", "pbx"},
		{"pb", "pbx"},
		{"lan", ""},
		{"", ""},
		{"xyz", ""},
	}
	for _, test := range tests {
		want := ""
		if test.want != "" {
			want = " Did you mean " + test.want + "?"
		}
		if got := didYouMean(test.given, words, func(s string) string { return s }); got != want {
			t.Errorf("%q: %q, want %q", test.given, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "ab", 2}, {"abc", "abc", 0}, {"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 1}, {"abcd", "badc", 2},
	}
	for _, test := range tests {
		if got := distance(test.a, test.b); got != test.want {
			t.Errorf("%q %q: %d, want %d", test.a, test.b, got, test.want)
		}
	}
}

func TestGoodHost(t *testing.T) {
	good := []string{"a", "2001:db8::1", "sip.itsp.example", "192.0.2.1", "1.example", "a-b.c", "voice.example.", strings.Repeat("a", 63) + ".example"}
	bad := []string{"", ".", "a..b", "-a", "a-", "a_b", "192.0.2", "192.0.2.300", "fe80::1%eth0", "[2001:db8::1]", "a b", "ä.example", strings.Repeat("a", 64), strings.Repeat("a.", 130)}
	for _, s := range good {
		if !goodHost(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range bad {
		if goodHost(s) {
			t.Errorf("%q is accepted", s)
		}
	}
}

// Any file is read or refused; what is read is good enough for all who take
// it, and what is refused says where.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/bad/*.hcl", "testdata/good/*.hcl", "../sbc.hcl.example"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := ParseOn(testMachine, "sbc.hcl", src)
		var p *Problems
		switch {
		case err == nil && c != nil:
			if _, err := policy.Compile(c.Policy); err != nil {
				t.Errorf("policy does not take it: %v", err)
			}
			for _, e := range c.Realms {
				if len(e.Listen) == 0 || e.Media.Advertise.IP4.IsValid() != e.Media.Addr.IP4.IsValid() || !e.Address.IsValid() || !e.Media.Addr.IsValid() || e.Media.Ports[0] >= e.Media.Ports[1] || e.Topology == nil {
					t.Errorf("half a realm: %+v", e)
				}
			}
		case c != nil || !errors.As(err, &p) || len(p.All()) == 0:
			t.Errorf("configuration %v, error %v", c, err)
		default:
			for _, one := range p.All() {
				if one.Line < 1 || one.Summary == "" || one.Detail == "" {
					t.Errorf("half a problem: %+v", one)
				}
			}
			if err := p.Print(new(strings.Builder), 0, false); err != nil {
				t.Error(err)
			}
		}
	})
}

// A socket of the metrics at every address takes IPv4 and, by IPv6's, both.
func TestWithin(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "0.0.0.0", true},
		{"192.0.2.1", "::", true},
		{"2001:db8::1", "::", true},
		{"2001:db8::1", "0.0.0.0", false},
	} {
		if got := within(netip.MustParseAddr(test.a), netip.MustParseAddr(test.b)); got != test.want {
			t.Errorf("%s in %s: %t", test.a, test.b, got)
		}
	}
}

func TestGoodHostPort(t *testing.T) {
	for s, want := range map[string]bool{
		"voice.example": true, "voice.example:5070": true, "192.0.2.1:1": true, "[2001:db8::1]": true, "[2001:db8::1]:65535": true,
		"2001:db8::1": false, "2001:db8::1:5060": false, "[2001:db8::1]:": false, "[2001:db8::1]5060": false, "[2001:db8::1]:0": false,
		"[2001:db8::1": false, "2001:db8::1]:5060": false, "[192.0.2.1]": false, "[voice.example]": false, "[fe80::1%a]": false,
		"[]": false, "]": false, "[": false, ":5060": false, "a:+1": false, "a:65536": false, "": false, "[[::1]]": false,
	} {
		if got := goodHostPort(s); got != want {
			t.Errorf("%q: %t", s, got)
		}
	}
}

func TestAddrs(t *testing.T) {
	four, six := netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("2001:db8::1")
	for _, test := range []struct {
		of       Addrs
		want     string
		first    netip.Addr
		loopback bool
	}{
		{Addrs{}, "invalid IP", netip.Addr{}, false},
		{Addrs{IP4: four}, "127.0.0.1", four, true},
		{Addrs{IP6: six}, "2001:db8::1", six, false},
		{Addrs{IP4: four, IP6: six}, "127.0.0.1 and 2001:db8::1", four, false},
		{Addrs{IP4: four, IP6: netip.IPv6Loopback()}, "127.0.0.1 and ::1", four, true},
	} {
		if test.of.String() != test.want || test.of.First() != test.first || test.of.IsLoopback() != test.loopback {
			t.Errorf("%+v: %s, first %s, loopback %t", test.of, test.of, test.of.First(), test.of.IsLoopback())
		}
		if test.of.Of(four) != test.of.IP4 || test.of.Of(six) != test.of.IP6 || test.of.IsValid() != (len(test.of.All()) > 0) {
			t.Errorf("%+v", test.of)
		}
	}
}
