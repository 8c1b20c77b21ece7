package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the gaps of configurations in tests and benches stand for.
var gaps = strings.NewReplacer(
	"{toitsp}", "198.51.100.1", "{itsp}", "198.51.100.10", "{topbx}", "10.77.3.1", "{pbx}", "10.77.3.10",
	"{listenout}", "udp", "{listenin}", "udp",
	"{outside}", "20000-20999", "{inside}", "30000-30999", "{audit}", "refuse",
	"engine = \"%[5]s\"", "", "{firewall}", "", "{limits}", "calls = 500", "{topology}", "", "{peers}", "redirect = \"follow\"", "{phones}", "", "{state}", "/tmp/state.db", "{socket}", "/tmp/sbc.sock",
	"%[1]s", "198.51.100.1", "%[2]s", "10.77.3.1", "%[3]s", "198.51.100.10", "%[4]s", "10.77.3.10", "%[4]d", "60", "%[5]d", "100", "%[5]s", "/tmp/sbc.sock",
	"%[6]s", "127.0.0.1:9090", "%[7]s", "/tmp")

// Nobody is warned of a file that means what it says.
func TestNoFalseAlarms(t *testing.T) {
	raw := regexp.MustCompile("(?s)`(\nrealm \"[^`]*)`")
	files := map[string]string{}
	for _, pattern := range []string{"../lab/e2e/*_test.go", "../bench/*/testdata/sbc.hcl", "testdata/good/minimal.hcl", "testdata/good/everything.hcl", "testdata/good/families.hcl", "testdata/good/one_realm.hcl"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(paths), err)
		}
		for _, path := range paths {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(path) == ".hcl" {
				files[path] = string(src)
			}
			for _, m := range raw.FindAllStringSubmatch(string(src), -1) {
				if !strings.Contains(m[1], "{dir}") { // where its certificates are
					files[path] = strings.ReplaceAll(m[1], "{more}", secondPair(t))
				}
			}
		}
	}
	docs, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(docs), "```hcl\n")
	least, _, _ := strings.Cut(rest, "```")
	files["docs/configuration.md"] = strings.NewReplacer(`interface = "eth0"`, `address = "203.0.113.7"`, `interface = "eth1"`, `address = "192.168.1.1"`).Replace(least)
	if len(files) < 10 {
		t.Errorf("only %d files", len(files))
	}
	for path, text := range files {
		c, err := ParseOn(testMachine, path, []byte(gaps.Replace(text)))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if c.Warnings != nil {
			t.Errorf("%v", c.Warnings)
		}
	}
}

// secondPair is what tests of redirections add.
func secondPair(t *testing.T) string {
	t.Helper()
	src, err := os.ReadFile("../lab/e2e/redirect_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(src), "s.more = `")
	more, _, ok := strings.Cut(rest, "`")
	if !ok {
		t.Fatal("lab/e2e has no second pair of peers")
	}
	return more
}
