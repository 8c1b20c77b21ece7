package topology

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// A Realm is what the operator's rules say of the messages that a realm gets.
// It is constant after Compile.
type Realm struct {
	Name string

	Mask      []byte      // host[:port] that stands for hosts of others; nil: Leg.Host
	MaskRule  edit.Reason // where the file says so
	UserAgent string      // stands in User-Agent and Server; "": they are removed
	AgentRule edit.Reason

	Pass   []FieldRule // their contents pass as they are
	Remove []FieldRule
	Add    []AddRule
	Bodies []BodyRule
	Audit  Mode

	// Constant after Compile.
	byID   [256]rule
	byName map[string]rule // fields that we do not know, in lower case
	bodies map[string]rule // by media type, in lower case
}

// A FieldRule names a header field, in full or compact form.
type FieldRule struct {
	Name string
	Rule edit.Reason // "sbc.hcl:14"
}

// An AddRule is a header field that every message gets, in the place of what
// the far side wrote there.
type AddRule struct {
	Name, Value string
	Rule        edit.Reason
}

// A Mode says what is done about a leak.
type Mode uint8

// Modes of the audit.
const (
	ModeScrub  Mode = iota // the field or its part is taken out
	ModeCount              // counted, and written to the call's trace
	ModeRefuse             // the message is not sent
)

func (m Mode) String() string {
	if int(m) < len(modes) {
		return modes[m]
	}
	return "unknown"
}

var modes = [...]string{"scrub", "count", "refuse"}

// ParseMode reads the name of a mode.
func ParseMode(name string) (Mode, bool) {
	for i, n := range modes {
		if n == name {
			return Mode(i), true
		}
	}
	return 0, false
}

// A rule is what a FieldRule compiles to.
type rule struct {
	do  rulesDo
	why edit.Reason
}

type rulesDo uint8

const (
	noRule rulesDo = iota
	rulePass
	ruleRemove
)

// Compile checks the rules and makes them quick to look up. The error joins
// one *RuleError or *BodyRuleError for each rule that cannot be followed.
func (r *Realm) Compile() error {
	r.byID, r.byName, r.bodies = [256]rule{}, map[string]rule{}, map[string]rule{}
	var errs []error
	for _, f := range r.Pass {
		errs = append(errs, r.compile(f, rulePass))
	}
	for _, f := range r.Remove {
		errs = append(errs, r.compile(f, ruleRemove))
	}
	for _, a := range r.Add {
		errs = append(errs, r.compileAdd(a))
	}
	for _, b := range r.Bodies {
		errs = append(errs, r.compileBody(b))
	}
	if strings.ContainsAny(r.UserAgent, "\r\n\x00") {
		errs = append(errs, &RuleError{Name: "User-Agent", Rule: r.AgentRule, Why: "holds a line break"})
	}
	return errors.Join(errs...)
}

// A RuleError tells of a rule that cannot be followed.
type RuleError struct {
	Name string // of the field
	Rule edit.Reason
	Why  string
}

func (e *RuleError) Error() string {
	if e.Rule == "" {
		return fmt.Sprintf("field %q %s", e.Name, e.Why)
	}
	return fmt.Sprintf("%s: field %q %s", e.Rule, e.Name, e.Why)
}

func (r *Realm) compile(f FieldRule, do rulesDo) error {
	id, row := named([]byte(f.Name))
	was := r.byID[id]
	if id == sip.FieldUnknown {
		was = r.byName[strings.ToLower(f.Name)]
	}
	switch {
	case !isToken(f.Name):
		return &RuleError{f.Name, f.Rule, "is no name of a header field (RFC 3261 section 25.1)"}
	case len(f.Name) > longestName:
		return &RuleError{f.Name, f.Rule, "is longer than any header field"}
	case id == sip.FieldFrom || id == sip.FieldTo:
		if do == ruleRemove {
			return &RuleError{f.Name, f.Rule, "cannot be removed: every message needs it (RFC 3261 section 8.1.1)"}
		}
	case row.do >= via && do == rulePass:
		return &RuleError{f.Name, f.Rule, "cannot pass: it belongs to one leg only"}
	case row.do >= via:
		return &RuleError{f.Name, f.Rule, "cannot be removed: the message would not work without it"}
	case was.do != noRule && was.do != do:
		return &RuleError{f.Name, f.Rule, "is told to pass and to be removed or added, see " + string(was.why)}
	}
	if id == sip.FieldUnknown {
		r.byName[strings.ToLower(f.Name)] = rule{do, f.Rule}
	} else {
		r.byID[id] = rule{do, f.Rule}
	}
	return nil
}

// compileAdd checks an AddRule. What the far side wrote into such a field goes:
// nobody but the rule speaks there.
func (r *Realm) compileAdd(a AddRule) error {
	_, row := named([]byte(a.Name))
	switch {
	case !isToken(a.Name):
		return &RuleError{a.Name, a.Rule, "is no name of a header field (RFC 3261 section 25.1)"}
	case row.do >= via:
		return &RuleError{a.Name, a.Rule, "cannot be added: it belongs to the dialog or the message itself"}
	case strings.ContainsAny(a.Value, "\r\n\x00"):
		return &RuleError{a.Name, a.Rule, "has a value with a line break"}
	}
	return r.compile(FieldRule{a.Name, a.Rule}, ruleRemove)
}

// isToken reports whether s is a token (RFC 3261 section 25.1).
func isToken[T string | []byte](s T) bool {
	for i := range len(s) {
		if class[s[i]]&(word|extends) == 0 && strings.IndexByte("%`'", s[i]) < 0 {
			return false
		}
	}
	return len(s) > 0
}

// rule returns what the operator says of f.
func (r *Realm) rule(m *sip.Message, f sip.Field) rule {
	if r == nil {
		return rule{}
	}
	if f.ID != sip.FieldUnknown || len(r.byName) == 0 {
		return r.byID[f.ID]
	}
	var name [longestName]byte
	return r.byName[string(foldInto(name[:0], m.Bytes(f.Name)))]
}

// Excuse takes out of leaks, in place, what may be there: what stands in a
// field or a body that a rule lets pass or that was added, and hosts in the
// fields of digest authentication, which is between the client and who
// challenges it (RFC 3261 section 22). In From and To only hosts pass. Leaks
// are those of one Audit. A nil Realm has no rules.
func (r *Realm) Excuse(leaks []Leak) []Leak {
	return slices.DeleteFunc(leaks, func(l Leak) bool {
		id, _ := named([]byte(l.Name))
		switch {
		case l.Name != "" && l.Host && ofDigest(id, l.Name):
			return true
		case r == nil:
			return false
		case l.Type != "":
			return r.bodies[l.Type].do == rulePass
		}
		return l.Name != "" && r.excuses(id, l)
	})
}

func (r *Realm) excuses(id sip.FieldID, l Leak) bool {
	for _, a := range r.Add {
		if strings.EqualFold(a.Name, l.Name) {
			return true
		}
	}
	switch id {
	case sip.FieldUnknown:
		return r.byName[strings.ToLower(l.Name)].do == rulePass
	case sip.FieldFrom, sip.FieldTo:
		return l.Host && r.byID[id].do == rulePass
	}
	return r.byID[id].do == rulePass
}
