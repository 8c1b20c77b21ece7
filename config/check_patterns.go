package config

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
)

// A part is what a pattern of a match is compared with.
type part struct {
	all     string // what it can be, as a pattern; "": any text
	usual   string // what it is, unless somebody is up to something
	longest int    // characters: package policy refuses what is longer
}

var (
	// With escapes resolved a user part can be any text. Without them it has what
	// package sip takes; a URN for help (RFC 5031) is one as a whole.
	userPart = part{usual: `^(?:[^\x00-\x20\x7f<>"@:\[\]%]*|(?i:urn:service:sos)(?:[.][^\x00-\x20\x7f<>"]*)?)$`, longest: 256}

	// RFC 3261 section 25.1, hostname and IPv6reference with what devices write;
	// of a tel URI it is the number (RFC 3966 section 3).
	hostPart = part{all: `^[^\x00-\x20\x7f<>"]*$`, usual: `^(?:[0-9A-Za-z*#+()._-]*|\[[0-9A-Fa-f:.]+(?:%[0-9A-Za-z._-]+)?\])$`, longest: 256}

	fieldPart = part{longest: 1024}
)

// Ours. A step is some nanoseconds: no comparison takes more than some
// milliseconds, and all of a file less than a second. Those that people write
// take a few hundred steps.
const (
	stepsOfOne = 1 << 17
	stepsOfAll = 1 << 22
)

// patterns compare patterns, as far as that is done in a number of steps.
type patterns struct {
	machines map[string]*machine
	samples  map[[2]string]sample
	covered  map[[3]string]bool
	spent    int // steps
}

// A sample is a text that a pattern matches, where one was found.
type sample struct {
	text  string
	found bool
	sure  bool // or there is none
}

func newPatterns() *patterns {
	return &patterns{machines: map[string]*machine{}, samples: map[[2]string]sample{}, covered: map[[3]string]bool{}}
}

func (p *patterns) machine(pattern string) *machine {
	m, found := p.machines[pattern]
	if !found {
		m = newMachine(pattern)
		p.machines[pattern] = m
	}
	return m
}

// find looks for a text that the patterns of in match, "" being any, and not
// does not.
func (p *patterns) find(longest int, not string, in ...string) sample {
	s := search{longest: longest, steps: min(stepsOfOne, stepsOfAll-p.spent)}
	if s.steps <= 0 {
		return sample{}
	}
	before := s.steps
	for _, pattern := range in {
		if pattern != "" {
			s.in = append(s.in, p.machine(pattern))
		}
	}
	if not != "" {
		s.not = p.machine(not)
	}
	text, found := s.find()
	p.spent += before - s.steps
	return sample{text, found, found || s.steps >= 0}
}

// sample returns a text that a pattern matches and that is one of another
// pattern.
func (p *patterns) sample(longest int, pattern, of string) sample {
	key := [2]string{pattern, of}
	s, found := p.samples[key]
	if !found {
		s = p.find(longest, "", pattern, of)
		p.samples[key] = s
	}
	return s
}

// cover reports whether a matches each text of a part that b matches, nil
// matching any. Where that takes too long to find out it says no.
func (p *patterns) cover(a, b *regexp.Regexp, longest int, of string) bool {
	inner := source(b)
	if a == nil || b != nil && a.String() == inner {
		return true
	}
	key := [3]string{a.String(), inner, of}
	yes, found := p.covered[key]
	if !found {
		s := p.find(longest, a.String(), inner, of)
		yes = s.sure && !s.found
		p.covered[key] = yes
	}
	return yes
}

func source(re *regexp.Regexp) string {
	if re == nil {
		return ""
	}
	return re.String()
}

// covers reports whether everything that b matches is matched by a but for the
// method, as far as one can see; usual: but for parts that are not usual, too.
func (p *patterns) covers(a, b *policy.Match, usual bool) bool {
	user, host := userPart.all, hostPart.all
	if usual {
		user, host = userPart.usual, hostPart.usual
	}
	if !p.cover(a.User, b.User, userPart.longest, user) || !p.cover(a.Host, b.Host, hostPart.longest, host) {
		return false
	}
	for _, f := range a.Fields {
		if !p.coverField(f, b.Fields) {
			return false
		}
	}
	return true
}

func (p *patterns) coverField(f policy.FieldMatch, list []policy.FieldMatch) bool {
	for _, g := range list {
		if strings.EqualFold(f.Name, g.Name) && p.cover(f.Value, g.Value, fieldPart.longest, fieldPart.all) {
			return true
		}
	}
	return false
}

// checkPatterns finds patterns that match nothing that can stand there.
func (r *reader) checkPatterns(file *fileBlock, c *Config) {
	for i, b := range file.Routes {
		if r.wrongRoutes[i] || len(b.Match) == 0 {
			continue
		}
		before := len(r.diags)
		m := &c.Policy.Routes[i].Match
		r.checkUser(b, m.User, c.Policy.Routes[i].Rewrite)
		if m.Host != nil && r.matchable(b.Match[0].Host.Expr.Range(), m.Host, &hostPart) && r.none(m.Host, &hostPart) {
			r.fail(b.Match[0].Host.Expr.Range(), "Pattern matches no host",
				"What is compared is the host alone, a name or an address, of IPv6 in brackets: without user, port and parameters. No host matches this.")
		}
		for n, f := range m.Fields {
			items, _ := hcl.ExprMap(b.Match[0].Field.Expr)
			r.matchable(items[n].Value.Range(), f.Value, &fieldPart)
		}
		r.wrongRoutes[i] = len(r.diags) > before
	}
}

// checkUser looks at the pattern for the user part, and at what strip leaves of
// it.
func (r *reader) checkUser(b *routeBlock, user *regexp.Regexp, w *policy.Rewrite) {
	if user == nil {
		return
	}
	at := b.Match[0].User.Expr.Range()
	if !r.matchable(at, user, &userPart) {
		return
	}
	if r.none(user, &userPart) {
		r.warn(at, "Pattern matches escapes only",
			"What is compared is what stands between \"sip:\" and \"@\", with escapes resolved. This wants what stands there only as an escape: @, :, %%, quotes, brackets or spaces (RFC 3261 section 25.1).")
	}
	if w == nil || w.Strip == 0 {
		return
	}
	longer := "(?s)^.{" + strconv.Itoa(w.Strip+1) + "}"
	if s := r.patterns.find(userPart.longest, "", user.String(), userPart.all, longer); s.sure && !s.found {
		r.fail(b.Number[0].Strip.Expr.Range(), "Nothing is left",
			"No user part that the route matches has more than %d characters, so that every call would be refused with 404. Take fewer off.", w.Strip)
	}
}

// matchable reports whether some text matches, and fails where none does.
func (r *reader) matchable(at hcl.Range, re *regexp.Regexp, p *part) bool {
	s := r.patterns.sample(p.longest, re.String(), p.all)
	if s.found || !s.sure {
		return true
	}
	r.fail(at, "Pattern matches nothing",
		"No text of at most %d characters matches this. Nothing stands before ^, which is the beginning of the text, and nothing behind $, which is its end.", p.longest)
	return false
}

// none reports whether a pattern matches nothing that is usual.
func (r *reader) none(re *regexp.Regexp, p *part) bool {
	s := r.patterns.sample(p.longest, re.String(), p.usual)
	return s.sure && !s.found
}
