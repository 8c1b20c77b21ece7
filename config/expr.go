package config

import (
	"math/big"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// The functions of this file read one value each. They leave what they are
// given a pointer to alone where the key is missing or wrong, so a default
// that stands there stays, and report whether they read a value.

// A text is a string of the file and its place.
type text struct {
	s  string
	at hcl.Range
}

// value evaluates an expression and checks its type. want names it for the
// operator, with an example.
func (r *reader) value(name string, e hcl.Expression, want cty.Type, example string) (cty.Value, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() {
		for _, d := range diags {
			d.Detail += " Write " + example + "."
		}
		r.diags = append(r.diags, diags...)
		return v, false
	}
	if v.IsNull() || !v.IsKnown() || !v.Type().Equals(want) {
		given := v.Type().FriendlyName()
		if v.IsNull() {
			given = "null"
		}
		r.fail(e.Range(), "Wrong type", "%q is a %s, not a %s: write %s.", name, want.FriendlyName(), given, example)
		return v, false
	}
	return v, true
}

func (r *reader) text(a *hcl.Attribute, example string) (text, bool) {
	if a == nil {
		return text{}, false
	}
	return r.textOf(a.Name, a.Expr, a.Name+" = "+example)
}

func (r *reader) textOf(name string, e hcl.Expression, example string) (text, bool) {
	v, ok := r.value(name, e, cty.String, example)
	if !ok {
		return text{}, false
	}
	t := text{v.AsString(), e.Range()}
	for _, c := range t.s {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			r.fail(t.at, "Control character", "%q holds the character %q, which may stand in no value.", name, c)
			return text{}, false
		}
	}
	return t, true
}

func (r *reader) boolean(a *hcl.Attribute, to *bool) {
	if a == nil {
		return
	}
	if v, ok := r.value(a.Name, a.Expr, cty.Bool, a.Name+" = true or "+a.Name+" = false"); ok {
		*to = v.True()
	}
}

// integer reads a whole number in [low, high].
func (r *reader) integer(a *hcl.Attribute, low, high int, example string, to *int) bool {
	if a == nil {
		return false
	}
	v, ok := r.value(a.Name, a.Expr, cty.Number, a.Name+" = "+example)
	if !ok {
		return false
	}
	n, exact := v.AsBigFloat().Int64()
	if exact != big.Exact || n < int64(low) || n > int64(high) {
		r.fail(a.Expr.Range(), "Out of range", "%q is a whole number from %d to %d.", a.Name, low, high)
		return false
	}
	*to = int(n)
	return true
}

// never is the word for a time that does not end anything.
const never = "never"

// duration reads a time with its unit in [low, high]. Where never is allowed
// it gives 0.
func (r *reader) duration(a *hcl.Attribute, low, high time.Duration, orNever bool, to *time.Duration) {
	const example = `"90s", "5m" or "2h"`
	t, ok := r.text(a, `"90s"`)
	if !ok {
		return
	}
	if t.s == never && orNever {
		*to = 0
		return
	}
	d, err := time.ParseDuration(t.s)
	if err != nil {
		words := example
		if orNever {
			words = `"90s", "5m", "2h" or "never"`
		}
		r.fail(t.at, "Not a time", "%q is no time. A time is a number with its unit: %s.", t.s, words)
		return
	}
	if d < low || d > high {
		r.fail(t.at, "Out of range", "%q is from %q to %q.", a.Name, short(low), short(high))
		return
	}
	*to = d
}

// short writes a duration without the units that are zero.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// size reads an amount of memory with its unit in [low, high] octets.
func (r *reader) size(a *hcl.Attribute, low, high int, to *int) {
	t, ok := r.text(a, `"16MiB"`)
	if !ok {
		return
	}
	n, ok := parseSize(t.s)
	if !ok {
		r.fail(t.at, "Not a size", "%q is no size. A size is a whole number with its unit: \"512KiB\", \"16MiB\" or \"1GiB\".", t.s)
		return
	}
	if n < low || n > high {
		r.fail(t.at, "Out of range", "%q is from %dMiB to %dMiB.", a.Name, low>>20, high>>20)
		return
	}
	*to = n
}

func parseSize(s string) (int, bool) {
	for unit, shift := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		digits, ok := strings.CutSuffix(s, unit)
		if !ok || digits == "" || len(digits) > 7 {
			continue
		}
		n := 0
		for _, c := range digits {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = 10*n + int(c-'0')
		}
		return n << shift, true
	}
	return 0, false
}

// word reads one of a few words.
func (r *reader) word(a *hcl.Attribute, words []string, to *string) bool {
	t, ok := r.text(a, `"`+words[0]+`"`)
	if !ok {
		return false
	}
	for _, w := range words {
		if t.s == w {
			*to = w
			return true
		}
	}
	r.fail(t.at, "Unknown word", "%q cannot be %q.%s It is one of: %s.", a.Name, t.s, didYouMean(t.s, words, quoted), listed(words, quoted))
	return false
}

// exprs reads a list. Where only one element is given without brackets, it
// says so.
func (r *reader) exprs(a *hcl.Attribute, example string) []hcl.Expression {
	if a == nil {
		return nil
	}
	list, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		r.fail(a.Expr.Range(), "Not a list", "%q is a list: write %s = [%s].", a.Name, a.Name, example)
		return nil
	}
	if len(list) == 0 {
		r.fail(a.Expr.Range(), "Empty list", "%q has at least one element: write %s = [%s], or leave it out.", a.Name, a.Name, example)
	}
	return list
}

func (r *reader) texts(a *hcl.Attribute, example string) []text {
	var out []text
	for _, e := range r.exprs(a, example) {
		if t, ok := r.textOf(a.Name, e, a.Name+" = ["+example+"]"); ok {
			out = append(out, t)
		}
	}
	return out
}

// A pair is one element of an object.
type pair struct{ key, value text }

// pairs reads an object with texts, in the order of the file.
func (r *reader) pairs(a *hcl.Attribute, example string) []pair {
	if a == nil {
		return nil
	}
	items, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		r.fail(a.Expr.Range(), "Not an object", "%q is an object: write %s = { %s }.", a.Name, a.Name, example)
		return nil
	}
	var out []pair
	for _, i := range items {
		k, ok := r.textOf(a.Name, i.Key, a.Name+" = { "+example+" }")
		if !ok {
			continue
		}
		if v, ok := r.textOf(k.s, i.Value, a.Name+" = { "+example+" }"); ok {
			out = append(out, pair{k, v})
		}
	}
	return out
}

// Ours: longer than any pattern that a person can read.
const patternMax = 512

// pattern compiles a regular expression. flags are put in front.
func (r *reader) pattern(t text, flags string) *regexp.Regexp {
	if t.s == "" {
		r.fail(t.at, "Empty pattern", "An empty pattern matches everything. Leave the key out instead.")
		return nil
	}
	if len(t.s) > patternMax {
		r.fail(t.at, "Pattern too long", "The pattern has %d octets. At most %d may be used; split the route in two.", len(t.s), patternMax)
		return nil
	}
	re, err := regexp.Compile(flags + t.s)
	if err != nil {
		r.fail(t.at, "Not a regular expression", "%s.", sentence(patternError(err, flags)))
		return nil
	}
	return re
}

// patternError is the error of regexp without what it puts around.
func patternError(err error, flags string) string {
	s := strings.TrimPrefix(err.Error(), "error parsing regexp: ")
	return strings.ReplaceAll(s, "`"+flags, "`")
}
