package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// schema returns the keys of every block, by the path of the block.
func schema() map[string][]string {
	all := map[string][]string{}
	var walk func(path string, t reflect.Type)
	walk = func(path string, t reflect.Type) {
		all[path] = nil
		for _, k := range keys(t) {
			if k.block == nil {
				all[path] = append(all[path], k.name)
			} else {
				walk(strings.TrimSpace(path+" "+k.name), k.block)
			}
		}
	}
	walk("", reflect.TypeFor[fileBlock]())
	delete(all, "")
	return all
}

// docs/configuration.md describes every block and key of the schema, and
// none that is not there.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	described := map[string][]string{}
	path := ""
	heading, row := regexp.MustCompile("^###? (`.*`)$"), regexp.MustCompile("^\\| `([a-z0-9_]+)` \\|")
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			path = ""
		}
		if m := heading.FindStringSubmatch(line); m != nil {
			path = strings.ReplaceAll(m[1], "`", "")
			described[path] = nil
		}
		if m := row.FindStringSubmatch(line); m != nil && path != "" {
			described[path] = append(described[path], m[1])
		}
	}
	compare(t, "docs/configuration.md", schema(), described)
}

// testdata/good/everything.hcl uses every block and key.
func TestEverything(t *testing.T) {
	file := filepath.Join("testdata", "good", "everything.hcl")
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, diags := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	used := map[string][]string{}
	var walk func(path string, b *hclsyntax.Body)
	walk = func(path string, b *hclsyntax.Body) {
		for _, inner := range b.Blocks {
			at := strings.TrimSpace(path + " " + inner.Type)
			used[at] = append(used[at], attributes(inner.Body)...)
			walk(at, inner.Body)
		}
	}
	walk("", f.Body.(*hclsyntax.Body))
	compare(t, file, schema(), used)
}

func attributes(b *hclsyntax.Body) []string {
	var names []string
	for name := range b.Attributes {
		names = append(names, name)
	}
	return names
}

func compare(t *testing.T, where string, want, got map[string][]string) {
	t.Helper()
	for path, keys := range want {
		have, ok := got[path]
		if !ok {
			t.Errorf("%s has no block %s", where, path)
		}
		for _, k := range keys {
			if !slices.Contains(have, k) {
				t.Errorf("%s: block %s has no key %s", where, path, k)
			}
		}
	}
	for path, keys := range got {
		for _, k := range keys {
			if !slices.Contains(want[path], k) {
				t.Errorf("%s: key %s of block %s does not exist", where, k, path)
			}
		}
	}
}

// The examples in the documentation that are whole files are good ones, and
// the error that it shows is what one gets.
func TestDocsExamples(t *testing.T) {
	text, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```hcl\n")
	file, _, _ := strings.Cut(rest, "```")
	machine := func() ([]Interface, error) {
		list, err := testMachine()
		list[2].Addrs = list[2].Addrs[:1]
		return list, err
	}
	if _, err := ParseOn(machine, "sbc.hcl", []byte(file)); err != nil {
		t.Errorf("the least file: %v", err)
	}
	wrong := strings.Replace(file, "[peer.pbx]", "[peer.pxb]", 1)
	_, err = ParseOn(machine, "sbc.hcl", []byte(wrong))
	p, ok := err.(*Problems)
	if !ok {
		t.Fatalf("%v", err)
	}
	var shown strings.Builder
	if err := p.Print(&shown, 0, false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), strings.TrimSpace(shown.String())) {
		t.Errorf("the documentation does not show:\n%s", shown.String())
	}
}
