package sbc_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// Ours: a file that is read in one sitting, and a function that fits a screen
// or two.
const (
	fileLinesMax     = 600
	functionLinesMax = 100
)

// files returns the files of the repository with one of the suffixes, less
// what is only data of tests.
func files(t *testing.T, suffixes ...string) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == "testdata" || d.Name() == ".git" {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(p, s) }) {
			list = append(list, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSizes(t *testing.T) {
	fset := token.NewFileSet()
	for _, name := range files(t, ".go") {
		f, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		if n := fset.File(f.FileStart).LineCount(); n > fileLinesMax {
			t.Errorf("%s has %d lines: split it, %d is the limit", name, n, fileLinesMax)
		}
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok {
				if n := fset.Position(fn.End()).Line - fset.Position(fn.Pos()).Line + 1; n > functionLinesMax {
					t.Errorf("%s: %s has %d lines: split it, %d is the limit", name, fn.Name.Name, n, functionLinesMax)
				}
			}
		}
	}
}

// Each package has one package comment, and it says what the package is.
func TestPackageDocs(t *testing.T) {
	for p, f := range list(t).ours {
		var docs []string
		names := f.GoFiles
		if len(names) == 0 {
			names = slices.Concat(f.TestGoFiles, f.XTestGoFiles)
		}
		for _, name := range names {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(f.Dir, name), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			if file.Doc != nil {
				docs = append(docs, file.Doc.Text())
			}
		}
		start := "Package " + f.Name + " "
		if f.Name == "main" {
			start = "Command " + filepath.Base(p) + " "
		}
		if len(docs) != 1 || !strings.HasPrefix(docs[0], start) {
			t.Errorf("%s has %d package comments: want one, which begins with %q", p, len(docs), start)
		}
	}
}

func TestModule(t *testing.T) {
	text := read(t, "go.mod")
	if regexp.MustCompile(`(?m)^\s*(replace|exclude|retract)\b`).MatchString(text) {
		t.Error("go.mod replaces or excludes a module: a clone must build what everybody builds")
	}
	direct := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^(?:require)?\s+(\S+\.\S+/?\S*) v\S+$`).FindAllStringSubmatch(text, -1) {
		direct[m[1]] = true
	}
	table := importers(t)
	for m := range direct {
		if table[m] == nil {
			t.Errorf("docs/dependencies.md does not say why we use %s", m)
		}
	}
	for m := range table {
		if !direct[m] {
			t.Errorf("docs/dependencies.md names %s, which go.mod does not require directly", m)
		}
	}
}

// importers returns which packages may import a module.
func importers(t *testing.T) map[string][]string {
	t.Helper()
	table := map[string][]string{}
	for _, words := range block(t, "docs/dependencies.md", "importers") {
		if len(words) < 2 {
			t.Fatalf("importers: line %q: want a module and packages, or tests", words)
		}
		table[words[0]] = words[1:]
	}
	return table
}

// A third party has one importer where that is possible, so that it can be
// replaced in an afternoon.
func TestImporters(t *testing.T) {
	table := importers(t)
	for p, f := range list(t).ours {
		for _, imported := range f.Imports {
			if m := moduleOf(imported, table); m != "" && !slices.Contains(table[m], p) {
				t.Errorf("%s imports %s: docs/dependencies.md allows it in %s", p, imported, strings.Join(table[m], ", "))
			}
		}
		for _, imported := range slices.Concat(f.TestImports, f.XTestImports) {
			m := moduleOf(imported, table)
			if m != "" && !slices.Contains(table[m], p) && !slices.Contains(table[m], "tests") {
				t.Errorf("the tests of %s import %s: docs/dependencies.md allows it in %s", p, imported, strings.Join(table[m], ", "))
			}
		}
	}
}

// moduleOf returns the module of a third party's package; "" if it is ours or
// the standard library's.
func moduleOf(imported string, table map[string][]string) string {
	if _, ours := ourPath(imported); ours {
		return ""
	}
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") {
		return ""
	}
	for m := range table {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			return m
		}
	}
	return imported
}

var metricName = regexp.MustCompile(`\bsbc_[a-z0-9_]+[a-z0-9]\b`)

// Every metric is in the operator's guide, and the guide names no other.
func TestMetricsAreDocumented(t *testing.T) {
	code := map[string]bool{}
	for _, name := range files(t, ".go") {
		if filepath.Dir(name) != "telemetry" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, m := range metricName.FindAllString(read(t, name), -1) {
			code[m] = true
		}
	}
	guide := map[string]bool{}
	for _, m := range metricName.FindAllString(read(t, "docs/operating.md"), -1) {
		guide[m] = true
	}
	for m := range code {
		if !guide[m] {
			t.Errorf("docs/operating.md does not explain %s", m)
		}
	}
	for m := range guide {
		if !code[m] {
			t.Errorf("docs/operating.md names %s, which does not exist", m)
		}
	}
	if len(code) < 10 {
		t.Errorf("only %d metrics were found in the code: is the search right?", len(code))
	}
}

// Every key and block of the configuration is in its documentation.
func TestConfigurationIsDocumented(t *testing.T) {
	guide, keys := read(t, "docs/configuration.md"), 0
	fset := token.NewFileSet()
	for _, name := range files(t, ".go") {
		if filepath.Dir(name) != "config" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			tag, _ := strconv.Unquote(field.Tag.Value)
			key, kind, _ := strings.Cut(reflect.StructTag(tag).Get("hcl"), ",")
			if key == "" || kind == "label" || strings.HasSuffix(kind, "_range") {
				return true
			}
			keys++
			if !regexp.MustCompile("(?m)`" + key + "`|^\\s*" + key + `\b`).MatchString(guide) {
				t.Errorf("docs/configuration.md does not explain %s", key)
			}
			return true
		})
	}
	if keys < 10 {
		t.Errorf("only %d keys were found in the code: is the search right?", keys)
	}
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Every link from one document to another leads somewhere.
func TestLinks(t *testing.T) {
	for _, name := range files(t, ".md") {
		for _, m := range markdownLink.FindAllStringSubmatch(read(t, name), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s: link %s: %v", name, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(read(t, file)), anchor) {
				t.Errorf("%s: link %s: no such heading", name, m[1])
			}
		}
	}
}

func anchors(text string) (list []string) {
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		list = append(list, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return list
}

// never are words that no file has: paths of one machine, promises instead of
// work, and ways to cite an RFC that a search for the usual one would miss.
// They are split so that this file does not have them either.
var never = []*regexp.Regexp{
	regexp.MustCompile(`/wor` + `k/|/roo` + `t/|/hom` + `e/[a-z]`),
	regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX:)`),
	regexp.MustCompile(`(?i)\bfor ` + `now\b|\bnot yet ` + `implemented\b|\bissue [A` + `-Z]\b`),
	regexp.MustCompile(`\bRFC[0-9` + `]|\bRFC [0-9]+,? (§|[sS]ec\.|S` + `ection)|§`),
}

func TestNever(t *testing.T) {
	for _, name := range files(t, ".go", ".md", ".hcl", ".example", "Makefile", ".ci/run", ".service", ".sh", ".awk") {
		text := read(t, name)
		if !utf8.ValidString(text) {
			t.Errorf("%s is not UTF-8", name)
		}
		for i, line := range bytes.Split([]byte(text), []byte("\n")) {
			for _, no := range never {
				if m := no.Find(line); m != nil && filepath.Base(name) != "tidy_text_test.go" {
					t.Errorf("%s:%d: %q", name, i+1, m)
				}
			}
		}
	}
}
