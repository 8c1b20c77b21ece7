package sbc_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The tests of this package hold the rules of docs/architecture.md: what is
// not checked is not a rule. The tables that they read are the ones that
// people read.

const module = "sbc"

// A folder is one Go package of this module as go list sees it.
type folder struct {
	ImportPath, Dir, Name                    string
	Export                                   string
	GoFiles, TestGoFiles, XTestGoFiles       []string
	Imports, TestImports, XTestImports, Deps []string
	Standard                                 bool

	path string // below the module, "." for the root
}

// everything is the result of go list: our packages by path, and the export
// data of all packages.
type everything struct {
	ours   map[string]*folder
	export map[string]string
}

func list(t *testing.T) everything {
	t.Helper()
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Name,Export,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports,Standard", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	e := everything{map[string]*folder{}, map[string]string{}}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		f := &folder{}
		if err := d.Decode(f); err == io.EOF {
			return e
		} else if err != nil {
			t.Fatal(err)
		}
		e.export[f.ImportPath] = f.Export
		if p, ok := ourPath(f.ImportPath); ok {
			f.path = p
			e.ours[p] = f
		}
	}
}

// ourPath returns the path of a package of ours below the module.
func ourPath(imported string) (string, bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// block returns the lines of the fenced block of that name, comments left out.
func block(t *testing.T, file, name string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(text), "\n```"+name+"\n")
	body, _, closed := strings.Cut(rest, "\n```")
	if !ok || !closed {
		t.Fatalf("%s has no block ```%s", file, name)
	}
	var lines [][]string
	for line := range strings.Lines(body) {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, words)
		}
	}
	return lines
}

// A floor is one line of the table of floors.
type floor struct {
	number int
	pure   bool
	uses   []string // third-party modules that a pure package may use
}

func floors(t *testing.T) map[string]floor {
	t.Helper()
	table := map[string]floor{}
	for _, words := range block(t, "docs/architecture.md", "floors") {
		n, err := strconv.Atoi(words[0])
		if err != nil || len(words) < 2 {
			t.Fatalf("floors: line %q: want a number and a path", words)
		}
		f := floor{number: n}
		if len(words) > 2 && words[2] == "pure" {
			f.pure, f.uses = true, words[3:]
		} else if len(words) > 2 {
			t.Fatalf("floors: line %q: want pure, and modules after it", words)
		}
		table[words[1]] = f
	}
	return table
}

func TestFloors(t *testing.T) {
	all, table := list(t), floors(t)
	for p, f := range all.ours {
		mine, ok := table[p]
		if !ok {
			t.Errorf("%s is not in the floors of docs/architecture.md", p)
			continue
		}
		for _, imported := range f.Imports {
			other, ok := ourPath(imported)
			if !ok {
				continue
			}
			if at, ok := table[other]; ok && at.number >= mine.number {
				t.Errorf("%s (floor %d) imports %s (floor %d): only lower floors may be imported", p, mine.number, other, at.number)
			} else if mine.pure && !at.pure {
				t.Errorf("%s is pure and imports %s, which is not", p, other)
			}
		}
	}
	for p := range table {
		if all.ours[p] == nil {
			t.Errorf("the floors of docs/architecture.md name %s, which does not exist", p)
		}
	}
}

// impure are the packages of the standard library that a pure package must
// not import, with those below them.
var impure = []string{
	"crypto/rand", "io/fs", "log", "net", "os", "runtime", "sync", "syscall", "testing", "unsafe",
}

// but these are fine.
var pureEnough = []string{"net/netip", "net/url", "sync/atomic"}

func TestPurity(t *testing.T) {
	all, table := list(t), floors(t)
	for p, f := range all.ours {
		rule := table[p]
		if !rule.pure {
			continue
		}
		for _, imported := range f.Imports {
			if err := mayImport(imported, rule); err != nil {
				t.Errorf("%s is pure: %v", p, err)
			}
		}
	}
	for _, c := range check(t, all, func(p string) bool { return table[p].pure }) {
		c.clocks(t)
		c.maps(t)
	}
}

func mayImport(imported string, rule floor) error {
	if _, ours := ourPath(imported); ours || slices.Contains(pureEnough, imported) {
		return nil
	}
	if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
		for _, m := range rule.uses {
			if imported == m || strings.HasPrefix(imported, m+"/") {
				return nil
			}
		}
		return fmt.Errorf("it may not use %s", imported)
	}
	for _, no := range impure {
		if imported == no || strings.HasPrefix(imported, no+"/") {
			return fmt.Errorf("it imports %s", imported)
		}
	}
	return nil
}

// checked is a package with its syntax and types, tests left out.
type checked struct {
	path  string
	fset  *token.FileSet
	files []*ast.File
	info  *types.Info
}

// check parses and type-checks the packages that are wanted.
func check(t *testing.T, all everything, want func(path string) bool) []*checked {
	t.Helper()
	fset := token.NewFileSet()
	lookup := func(p string) (io.ReadCloser, error) { return os.Open(all.export[p]) }
	imp := importer.ForCompiler(fset, "gc", lookup)
	var list []*checked
	for p, f := range all.ours {
		if !want(p) {
			continue
		}
		c := &checked{path: p, fset: fset, info: &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
		}}
		for _, name := range f.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(f.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			c.files = append(c.files, file)
		}
		if _, err := (&types.Config{Importer: imp}).Check(f.ImportPath, fset, c.files, c.info); err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		list = append(list, c)
	}
	return list
}

func (c *checked) inspect(f func(ast.Node) bool) {
	for _, file := range c.files {
		ast.Inspect(file, f)
	}
}

func (c *checked) at(n ast.Node) string {
	pos := c.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", path.Join(c.path, filepath.Base(pos.Filename)), pos.Line)
}

// clocked are the functions of package time that look at a clock.
var clocked = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// clocks finds what reads a clock, draws from the global generator, or starts
// a goroutine.
func (c *checked) clocks(t *testing.T) {
	c.inspect(func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			t.Errorf("%s: a pure package starts no goroutine", c.at(n))
		case *ast.Ident:
			f, ok := c.info.Uses[n].(*types.Func)
			if !ok || f.Pkg() == nil || f.Signature().Recv() != nil {
				return true
			}
			switch p := f.Pkg().Path(); {
			case p == "time" && slices.Contains(clocked, f.Name()):
				t.Errorf("%s: a pure package is told the time and does not ask for it (time.%s)", c.at(n), f.Name())
			case p == "math/rand" || p == "math/rand/v2" && !strings.HasPrefix(f.Name(), "New"):
				t.Errorf("%s: a pure package draws from a generator that it is given (rand.%s)", c.at(n), f.Name())
			}
		}
		return true
	})
}

// emitted are the types that a pure package gives to its caller in order.
var emitted = []string{"Effect", "Edit"}

// maps finds ranges over maps in which effects or edits are appended: their
// order would differ from run to run. Effects that are emitted by a function
// that the body calls are seen by the type of what it returns.
func (c *checked) maps(t *testing.T) {
	c.inspect(func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok {
			return true
		}
		if _, ok := c.info.TypeOf(loop.X).Underlying().(*types.Map); !ok {
			return true
		}
		ast.Inspect(loop.Body, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && c.emits(call) {
				t.Errorf("%s: effects in the order of a map differ from run to run", c.at(call))
			}
			return true
		})
		return true
	})
}

func (c *checked) emits(call *ast.CallExpr) bool {
	s, ok := c.info.TypeOf(call).(*types.Slice)
	if !ok {
		return false
	}
	named, ok := types.Unalias(s.Elem()).(*types.Named)
	return ok && slices.Contains(emitted, named.Obj().Name())
}

func TestGoroutines(t *testing.T) {
	table := map[string]int{}
	for _, words := range block(t, "docs/architecture.md", "goroutines") {
		n, err := strconv.Atoi(words[1])
		if err != nil || len(words) < 3 {
			t.Fatalf("goroutines: line %q: want a path, a number and a purpose", words)
		}
		table[words[0]] += n
	}
	for _, c := range check(t, list(t), func(string) bool { return true }) {
		var found []string
		c.inspect(func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				found = append(found, c.at(n))
			case *ast.SelectorExpr:
				f, ok := c.info.Uses[n.Sel].(*types.Func)
				if ok && f.FullName() == "(*sync.WaitGroup).Go" {
					found = append(found, c.at(n))
				}
			}
			return true
		})
		if len(found) != table[c.path] {
			t.Errorf("%s starts goroutines at %d places, the table in docs/architecture.md has %d: %s", c.path, len(found), table[c.path], strings.Join(found, " "))
		}
		delete(table, c.path)
	}
	for p := range table {
		t.Errorf("the table of goroutines names %s, which does not exist", p)
	}
}
