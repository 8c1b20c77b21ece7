package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"sbc/policy"
)

// A reader reads one file and collects what is wrong with it.
type reader struct {
	machine    Interfaces
	file, base string
	src        []byte
	open       os.FileMode // permissions of the file, if everybody may read it; else 0
	nav        any         // lets the printer name the block that a line is in
	diags      hcl.Diagnostics

	realmNames, peerNames, endpointNames names
	here                                 []bool        // by endpoints: they register here
	listenAt                             [][]hcl.Range // by realm and listener: its block
	wrongRoutes                          []bool        // had problems of their own
	patterns                             *patterns
}

// Ours: the schema nests 4 deep, an object or a list adds 2. The parser
// and the evaluator recurse, so the bound comes before them.
const depthMax = 32

// blocks parses the file into the structs of the schema. It returns nil
// where the syntax is wrong: what could be read of such a file would only
// give problems that are none.
func (r *reader) blocks() *fileBlock {
	if !r.bounds() {
		return nil
	}
	file, diags := hclsyntax.ParseConfig(r.src, r.file, hcl.InitialPos)
	for _, d := range diags {
		d.Detail += remedies[d.Summary]
	}
	r.diags = append(r.diags, diags...)
	if file != nil {
		r.nav = file.Nav
	}
	if diags.HasErrors() {
		return nil
	}
	var out fileBlock
	diags = gohcl.DecodeBody(file.Body, nil, &out)
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		explain(diags, body)
	}
	r.diags = append(r.diags, diags...)
	return &out
}

// remedies are what the parser does not say about its most frequent problems.
var remedies = map[string]string{
	"Invalid escape sequence":  ` In a pattern each backslash is written twice: "^\\+[0-9]+$".`,
	"Invalid block definition": ` A key has a sign before its value: name = "value".`,
}

// bounds refuses what the parser or a terminal would choke on.
func (r *reader) bounds() bool {
	start := hcl.Range{Filename: r.file, Start: hcl.InitialPos, End: hcl.InitialPos}
	if len(r.src) > fileMax {
		r.fail(start, "File too long", "The file has %d octets. A configuration has at most %d.", len(r.src), fileMax)
		r.src = nil
		return false
	}
	if line, c := unshowable(r.src); line != 0 {
		start.Start.Line, start.End.Line = line, line
		r.fail(start, "Not a text", "The file holds %q, which no text does. Is it the right file?", c)
		r.src = nil // Its lines are not fit to be shown.
		return false
	}
	tokens, _ := hclsyntax.LexConfig(r.src, r.file, hcl.InitialPos)
	if at, deep := tooDeep(tokens); deep {
		r.fail(at, "Nested too deep", "Blocks, lists, objects and operators nest at most %d deep.", depthMax)
		return false
	}
	return true
}

// unshowable finds what is no UTF-8, steers a terminal, or turns the order of
// a line around, so that it reads other than it works.
func unshowable(src []byte) (line int, what string) {
	line = 1
	for i := 0; i < len(src); {
		c, size := utf8.DecodeRune(src[i:])
		switch {
		case c == '\n':
			line++
		case c == '\t', c == '\r':
		case c == utf8.RuneError && size == 1, unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c):
			return line, string(src[i : i+size])
		}
		i += size
	}
	return 0, ""
}

// tooDeep counts what the parser and the evaluator recurse on: brackets, and
// the operators of one expression, which nest without any.
func tooDeep(tokens hclsyntax.Tokens) (at hcl.Range, deep bool) {
	type level struct {
		open      hclsyntax.TokenType
		operators int // of the expression that the level is in the midst of
	}
	levels := []level{{open: hclsyntax.TokenOBrace}} // A file is like the body of a block.
	for _, t := range tokens {
		now := &levels[len(levels)-1]
		switch {
		case opens[t.Type]:
			now.operators++
			levels = append(levels, level{open: t.Type})
		case closes[t.Type]:
			levels = levels[:max(len(levels)-1, 1)]
		case t.Type == hclsyntax.TokenComma, t.Type == hclsyntax.TokenNewline && now.open == hclsyntax.TokenOBrace:
			now.operators = 0
		case operators[t.Type]:
			now.operators++
		}
		if now.operators > depthMax || len(levels) > depthMax {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}

type tokenSet map[hclsyntax.TokenType]bool

var (
	opens = tokenSet{
		hclsyntax.TokenOBrace: true, hclsyntax.TokenOBrack: true, hclsyntax.TokenOParen: true,
		hclsyntax.TokenTemplateInterp: true, hclsyntax.TokenTemplateControl: true,
	}
	closes = tokenSet{
		hclsyntax.TokenCBrace: true, hclsyntax.TokenCBrack: true, hclsyntax.TokenCParen: true, hclsyntax.TokenTemplateSeqEnd: true,
	}
	operators = tokenSet{
		hclsyntax.TokenPlus: true, hclsyntax.TokenMinus: true, hclsyntax.TokenStar: true, hclsyntax.TokenSlash: true, hclsyntax.TokenPercent: true,
		hclsyntax.TokenEqualOp: true, hclsyntax.TokenNotEqual: true, hclsyntax.TokenLessThan: true, hclsyntax.TokenLessThanEq: true,
		hclsyntax.TokenGreaterThan: true, hclsyntax.TokenGreaterThanEq: true, hclsyntax.TokenAnd: true, hclsyntax.TokenOr: true,
		hclsyntax.TokenBang: true, hclsyntax.TokenQuestion: true, hclsyntax.TokenDot: true,
	}
)

// ref is the place of a rule.
func (r *reader) ref(at hcl.Range) policy.Ref {
	return policy.Ref{File: r.base, Line: at.Start.Line}
}

// A key is one name of the schema.
type key struct {
	name  string
	block reflect.Type // of the struct; nil: an attribute
}

// keys returns the names that may stand in a block, in the schema's order.
func keys(block reflect.Type) []key {
	var all []key
	for i := range block.NumField() {
		f := block.Field(i)
		name, kind, _ := strings.Cut(f.Tag.Get("hcl"), ",")
		switch kind {
		case "":
			all = append(all, key{name: name})
		case "block":
			t := f.Type
			if t.Kind() == reflect.Slice {
				t = t.Elem()
			}
			all = append(all, key{name: name, block: t.Elem()})
		}
	}
	return all
}

// explain adds to problems about names that do not exist, and are like none
// that does, which ones do.
func explain(diags hcl.Diagnostics, body *hclsyntax.Body) {
	where := map[hcl.Range]string{}
	expected(body, reflect.TypeFor[fileBlock](), where)
	for _, d := range diags {
		if d.Subject == nil || strings.Contains(d.Detail, "Did you mean") {
			continue
		}
		if known, ok := where[*d.Subject]; ok && strings.HasPrefix(d.Summary, "Unsupported ") {
			d.Detail += " " + known
		}
	}
}

// expected notes for each name in body what else could stand there.
func expected(body *hclsyntax.Body, block reflect.Type, where map[hcl.Range]string) {
	var names []string
	inner := map[string]reflect.Type{}
	for _, k := range keys(block) {
		names = append(names, k.name)
		if k.block != nil {
			inner[k.name] = k.block
		}
	}
	known := fmt.Sprintf("What may stand here: %s.", strings.Join(names, ", "))
	for _, a := range body.Attributes {
		where[a.NameRange] = known
	}
	for _, b := range body.Blocks {
		where[b.TypeRange] = known
		if t, ok := inner[b.Type]; ok {
			expected(b.Body, t, where)
		}
	}
}
