package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
	"sbc/signaling/sip"
)

// What goes to somebody else outside of a call. The methods that are not here
// belong to a call, or are answered by the SBC itself.
var routedMethods = []sip.Method{sip.INVITE, sip.MESSAGE, sip.SUBSCRIBE, sip.PUBLISH, sip.NOTIFY, sip.OPTIONS, sip.REFER}

func (r *reader) routes(file *fileBlock, c *Config) {
	routeNames := names{kind: "route"}
	for _, b := range file.Routes {
		r.add(&routeNames, b.Name, b.NameRange)
		before := len(r.diags)
		c.Policy.Routes = append(c.Policy.Routes, r.route(b, len(file.Peers)))
		r.wrongRoutes = append(r.wrongRoutes, len(r.diags) > before)
	}
}

func (r *reader) route(b *routeBlock, peers int) policy.Route {
	t := policy.Route{Name: b.Name, Ref: r.ref(b.Range)}
	t.From = r.ends(b, b.From, "from", peers)
	t.To = r.ends(b, b.To, "to", peers)
	match := only(r, "match", b.Match)
	if match != nil {
		t.Match = r.match(match)
	}
	if number := only(r, "number", b.Number); number != nil {
		t.Rewrite = r.number(number, match, t.Match.User)
	}
	return t
}

func (r *reader) match(b *matchBlock) policy.Match {
	var m policy.Match
	if t, ok := r.text(b.User, `"^[0-9]+$"`); ok {
		m.User = r.pattern(t, "")
	}
	if t, ok := r.text(b.Host, `"^voice[.]example$"`); ok {
		m.Host = r.pattern(t, "(?i)") // RFC 3261 section 19.1.4: hosts are compared without case.
	}
	r.methods(b.Method, &m)
	for _, p := range r.pairs(b.Field, `X-Account = "^gold$"`) {
		if !token(p.key.s) {
			r.fail(p.key.at, "Not a field name", "%q is no name of a header field. Write one like X-Account.", p.key.s)
			continue
		}
		if v := r.pattern(p.value, ""); v != nil {
			m.Fields = append(m.Fields, policy.FieldMatch{Name: p.key.s, Value: v})
		}
	}
	if b.User == nil && b.Host == nil && b.Method == nil && b.Field == nil {
		r.fail(b.Range, "Empty match", "A match without keys matches everything. Write user, host, method or field in it, or leave it out.")
	}
	return m
}

func (r *reader) methods(a *hcl.Attribute, m *policy.Match) {
	words := make([]string, len(routedMethods))
	for i, method := range routedMethods {
		words[i] = method.String()
	}
	for _, t := range r.texts(a, `"INVITE"`) {
		i := slices.Index(words, t.s)
		switch {
		case i >= 0 && slices.Contains(m.Methods, routedMethods[i]):
			r.fail(t.at, "Named twice", "%q stands in this list already. Take one of them out.", t.s)
		case i >= 0:
			m.Methods = append(m.Methods, routedMethods[i])
		case sip.ParseMethod([]byte(t.s)) == sip.REGISTER:
			r.fail(t.at, "Method is not routed", "The SBC answers REGISTER itself. What is routed: %s.", listed(words, quoted))
		case sip.ParseMethod([]byte(t.s)) != sip.UnknownMethod:
			r.fail(t.at, "Method is not routed", "%s belongs to a call and goes where that went. What is routed: %s.", t.s, listed(words, quoted))
		default:
			r.fail(t.at, "Unknown method", "%q is no method.%s What is routed: %s.", t.s, didYouMean(t.s, words, quoted), listed(words, quoted))
		}
	}
}

// Ours: E.164 numbers have 15 digits; a prefix or a template is not longer
// than what it makes.
const (
	stripMax   = 32
	numberMax  = 64
	numberText = "digits, letters and + - _ . * #"
)

func (r *reader) number(b *numberBlock, match *matchBlock, user *regexp.Regexp) *policy.Rewrite {
	w := &policy.Rewrite{}
	if b.Strip == nil && b.Prefix == nil && b.Replace == nil {
		r.fail(b.Range, "Empty number", "A number block without keys changes nothing. Write strip, prefix or replace in it, or leave it out.")
	}
	if b.Replace != nil && (b.Strip != nil || b.Prefix != nil) {
		r.fail(b.Replace.NameRange, "Replace stands alone", "replace makes the whole user part anew. Leave strip and prefix out.")
	}
	r.integer(b.Strip, 1, stripMax, "1", &w.Strip)
	if t, ok := r.text(b.Prefix, `"+49"`); ok && r.userText(t, "") {
		w.Prefix = t.s
	}
	if t, ok := r.text(b.Replace, `"+49$1"`); ok && r.userText(t, "$") {
		w.Replace = t.s
		r.replacement(t, match, user)
	}
	return w
}

func (r *reader) replacement(t text, match *matchBlock, user *regexp.Regexp) {
	if match == nil || match.User == nil {
		r.fail(t.at, "Nothing to replace", "replace uses the groups of the route's match. Write match { user = \"^0([1-9][0-9]*)$\" } too.")
		return
	}
	if user == nil {
		return // The pattern is wrong, which was said.
	}
	if err := policy.CheckReplace(t.s, user.NumSubexp()); err != nil {
		r.fail(t.at, "Unusable replacement", "%s.", sentence(err.Error()))
	}
}

// userText checks what is put into a user part; more is what else it may
// hold.
func (r *reader) userText(t text, more string) bool {
	if t.s == "" {
		r.fail(t.at, "Empty text", "An empty text changes nothing. Leave the key out.")
		return false
	}
	if len(t.s) > numberMax {
		r.fail(t.at, "Text too long", "The text has %d octets. At most %d may be used.", len(t.s), numberMax)
		return false
	}
	for _, c := range t.s {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', strings.ContainsRune("+-_.*#"+more, c):
		default:
			r.fail(t.at, "Character that is in no number", "%q cannot stand in a number here. What can: %s.", c, numberText)
			return false
		}
	}
	return true
}

// token reports whether s is a token of RFC 3261 section 25.1.
func token(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-.!%*_+`'~", c) >= 0:
		default:
			return false
		}
	}
	return s != ""
}

// sentence begins with a capital.
func sentence(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
