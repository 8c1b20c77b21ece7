package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sbc/signaling/edit"
	"sbc/topology"
)

// topology reads what a realm may see of the others.
func (r *reader) topology(b *realmBlock) *topology.Realm {
	t := &topology.Realm{Name: b.Name}
	if k := only(r, "topology", b.Topology); k != nil {
		r.mask(k.Mask, t)
		r.userAgent(k.UserAgent, t)
		t.Pass = r.fieldRules(k.Pass, `"Subject"`, func(f topology.FieldRule) *topology.Realm {
			return &topology.Realm{Pass: []topology.FieldRule{f}}
		})
		t.Remove = r.fieldRules(k.Remove, `"X-Billing"`, func(f topology.FieldRule) *topology.Realm {
			return &topology.Realm{Pass: t.Pass, Remove: []topology.FieldRule{f}}
		})
		r.addRules(k.Add, t)
		r.audit(k.Audit, t)
		r.bodies(only(r, "bodies", k.Bodies), t)
	}
	// What Compile finds was found above, with its place.
	if err := t.Compile(); err != nil && !r.diags.HasErrors() {
		r.fail(b.Range, "Topology rules", "%s.", err)
	}
	return t
}

func (r *reader) mask(a *hcl.Attribute, to *topology.Realm) {
	t, ok := r.text(a, `"voice.example"`)
	if !ok {
		return
	}
	if !goodHostPort(t.s) {
		r.fail(t.at, "Not a host", "%q can stand for no host. Write a domain or an address, with a port if need be: \"voice.example\".", t.s)
		return
	}
	to.Mask, to.MaskRule = []byte(t.s), r.reason(a.Range)
}

func (r *reader) userAgent(a *hcl.Attribute, to *topology.Realm) {
	if t, ok := r.text(a, `"edge"`); ok {
		to.UserAgent, to.AgentRule = t.s, r.reason(a.Range)
	}
}

func (r *reader) reason(at hcl.Range) edit.Reason { return edit.Reason(r.ref(at).String()) }

// fieldRules reads names of fields; with makes a realm that can tell what is
// wrong with one of them.
func (r *reader) fieldRules(a *hcl.Attribute, example string, with func(topology.FieldRule) *topology.Realm) []topology.FieldRule {
	var out []topology.FieldRule
	for _, t := range r.texts(a, example) {
		f := topology.FieldRule{Name: t.s, Rule: r.reason(t.at)}
		if r.rule(t, with(f)) {
			out = append(out, f)
		}
	}
	return out
}

func (r *reader) addRules(a *hcl.Attribute, to *topology.Realm) {
	for _, p := range r.pairs(a, `X-Border = "edge"`) {
		rule := topology.AddRule{Name: p.key.s, Value: p.value.s, Rule: r.reason(p.key.at)}
		if r.rule(p.key, &topology.Realm{Add: []topology.AddRule{rule}}) {
			to.Add = append(to.Add, rule)
		}
	}
}

// bodies reads what happens to bodies by their media types.
func (r *reader) bodies(b *bodiesBlock, to *topology.Realm) {
	if b == nil {
		return
	}
	if b.Pass == nil && b.Remove == nil {
		r.fail(b.Range, "Empty bodies", "A bodies block without keys changes nothing. Write pass or remove in it, or leave it out.")
	}
	r.bodyRules(b.Pass, false, to)
	r.bodyRules(b.Remove, true, to)
}

func (r *reader) bodyRules(a *hcl.Attribute, remove bool, to *topology.Realm) {
	for _, t := range r.texts(a, `"application/isup"`) {
		rule := topology.BodyRule{Type: t.s, Remove: remove, Rule: r.reason(t.at)}
		same := func(b topology.BodyRule) bool { return b.Remove == remove && strings.EqualFold(b.Type, t.s) }
		if slices.ContainsFunc(to.Bodies, same) {
			r.fail(t.at, "Named twice", "%q stands in this list already. Take one of them out.", t.s)
			continue
		}
		// With those before it, so that a type in both lists is found.
		with := &topology.Realm{Bodies: append(slices.Clone(to.Bodies), rule)}
		if err := with.Compile(); err != nil {
			r.fail(t.at, "Unusable rule for a body", "%s.", ruleError(err))
			continue
		}
		to.Bodies = append(to.Bodies, rule)
	}
}

// rule asks topology whether it can follow one rule.
func (r *reader) rule(t text, one *topology.Realm) bool {
	err := one.Compile()
	if err == nil {
		return true
	}
	r.fail(t.at, "Unusable rule for a field", "%s.", ruleError(err))
	return false
}

// ruleError says what is wrong without naming the line again.
func ruleError(err error) string {
	var e *topology.RuleError
	if errors.As(err, &e) {
		one := *e
		one.Rule = ""
		return sentence(one.Error())
	}
	var b *topology.BodyRuleError
	if errors.As(err, &b) {
		one := *b
		one.Body.Rule = ""
		return sentence(one.Error())
	}
	return sentence(err.Error())
}

func (r *reader) audit(a *hcl.Attribute, to *topology.Realm) {
	var word string
	if r.word(a, []string{"scrub", "count", "refuse"}, &word) {
		to.Audit, _ = topology.ParseMode(word)
	}
}
