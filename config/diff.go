package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// A Change is one difference between two files that are both good, in the file's
// own words. Where a key was not written, Was or Is is empty: its default holds.
type Change struct {
	Block   string `json:"block"`         // `peer "itsp"`
	Key     string `json:"key,omitempty"` // "limits.calls"; empty: the whole block came or went
	Was     string `json:"was,omitempty"`
	Is      string `json:"is,omitempty"`
	Restart bool   `json:"restart"` // it cannot be done while we run
}

// restarts are the keys, by block, that are read when the process starts and not
// again: they name sockets, files, ports and memory that calls in progress use.
var restarts = map[string][]string{
	"realm":     {"address", "interface", "nat", "routed", "listen", "advertise", "media"},
	"telemetry": {"listen", "log_format", "trace_memory"},
	"firewall": {"engine", "mode", "honeypots", "dictionary", "scanners", "weights", "source_rate", "unknown_rate", "proven_rate", "peer_rate",
		"police_score", "ban_score", "half_life", "ban_first", "ban_longest", "bans"},
	"turn":    nil, // all of it
	"store":   nil,
	"console": nil,
}

// restart reports whether a change of a key in a block needs a restart.
func restart(block, key string) bool {
	keys, ok := restarts[block]
	first, _, _ := strings.Cut(key, ".")
	first, _, _ = strings.Cut(first, " ")
	return ok && (keys == nil || slices.Contains(keys, first))
}

// Diff returns what the file of next says otherwise than that of running, in the
// order of their blocks.
func Diff(running, next *Config) []Change {
	was, is := blocksOf(running.src), blocksOf(next.src)
	var out []Change
	for _, b := range was {
		other, ok := find(is, b.name)
		if !ok {
			out = append(out, Change{Block: b.name, Was: "there", Restart: b.restarts()})
			continue
		}
		out = append(out, b.changes(other, running)...)
	}
	for _, b := range is {
		if _, ok := find(was, b.name); !ok {
			out = append(out, Change{Block: b.name, Is: "there", Restart: b.restarts() || len(running.Endpoints) == 0 && b.binds()})
		}
	}
	return append(out, reordered(was, is)...)
}

// A block is one top-level block as it is written.
type block struct {
	kind, name string // "peer", `peer "itsp"`
	keys       []entry
}

// An entry is one key of a block, those of nested blocks with the path to them.
type entry struct{ key, value string }

func find(list []block, name string) (*block, bool) {
	i := slices.IndexFunc(list, func(b block) bool { return b.name == name })
	if i < 0 {
		return nil, false
	}
	return &list[i], true
}

// restarts reports whether the coming or going of b needs a restart.
func (b *block) restarts() bool {
	return b.kind == "realm" || slices.ContainsFunc(b.keys, func(e entry) bool { return restart(b.kind, e.key) })
}

// binds reports whether b needs the store, which is opened at the start.
func (b *block) binds() bool {
	return b.kind == "endpoints" || slices.ContainsFunc(b.keys, func(e entry) bool { return e.key == "registers" })
}

func (b *block) changes(now *block, running *Config) (out []Change) {
	value := func(keys []entry, key string) string {
		if i := slices.IndexFunc(keys, func(e entry) bool { return e.key == key }); i >= 0 {
			return keys[i].value
		}
		return ""
	}
	change := func(key, was, is string) {
		first := key == "registers" && len(running.Endpoints) == 0 // the store was not opened
		out = append(out, Change{Block: b.name, Key: key, Was: shown(key, was), Is: shown(key, is), Restart: first || restart(b.kind, key)})
	}
	for _, e := range b.keys {
		if is := value(now.keys, e.key); is != e.value {
			change(e.key, e.value, is)
		}
	}
	for _, e := range now.keys {
		if value(b.keys, e.key) == "" {
			change(e.key, "", e.value)
		}
	}
	return out
}

// shown hides what is as good as a password.
func shown(key, value string) string {
	if value != "" && strings.Contains(key, ".ha1") {
		return "(not shown)"
	}
	return value
}

// reordered tells when the routes that both files have are tried in another
// order.
func reordered(was, is []block) []Change {
	names := func(list, other []block) (out []string) {
		for _, b := range list {
			if _, both := find(other, b.name); both && b.kind == "route" {
				out = append(out, strings.TrimPrefix(b.name, "route "))
			}
		}
		return out
	}
	a, b := names(was, is), names(is, was)
	if slices.Equal(a, b) {
		return nil
	}
	return []Change{{Block: "route", Key: "order", Was: strings.Join(a, ", "), Is: strings.Join(b, ", ")}}
}

// blocksOf reads the blocks of a file that was found good.
func blocksOf(src []byte) (list []block) {
	file, _ := hclsyntax.ParseConfig(src, "", hcl.InitialPos)
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		one := block{kind: b.Type, name: nameOf(b)}
		one.read(src, "", b.Body)
		list = append(list, one)
	}
	return list
}

// read appends the keys of a body, nested blocks among them in their order.
func (b *block) read(src []byte, path string, body *hclsyntax.Body) {
	attributes := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attributes = append(attributes, a)
	}
	slices.SortFunc(attributes, func(x, y *hclsyntax.Attribute) int { return cmp.Compare(x.SrcRange.Start.Byte, y.SrcRange.Start.Byte) })
	for _, a := range attributes {
		b.keys = append(b.keys, entry{path + a.Name, oneLine(a.Expr.Range().SliceBytes(src))})
	}
	seen := map[string]int{}
	for _, n := range body.Blocks {
		name := nameOf(n)
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s %d", name, seen[name])
		}
		b.keys = append(b.keys, entry{path + name, "there"})
		b.read(src, path+name+".", n.Body)
	}
}

func nameOf(b *hclsyntax.Block) string {
	name := b.Type
	for _, l := range b.Labels {
		name += fmt.Sprintf(" %q", l)
	}
	return name
}

// oneLine writes an expression on one line, without comments and with single
// spaces, so that two that differ in nothing else are the same.
func oneLine(expr []byte) string {
	tokens, _ := hclsyntax.LexExpression(expr, "", hcl.InitialPos)
	var out []byte
	end := -1 // of the token before
	for _, t := range tokens {
		if t.Type == hclsyntax.TokenComment || t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenEOF {
			continue
		}
		if end >= 0 && t.Range.Start.Byte > end {
			out = append(out, ' ')
		}
		out, end = append(out, t.Bytes...), t.Range.End.Byte
	}
	return string(out)
}
