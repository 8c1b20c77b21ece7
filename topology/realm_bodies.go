package topology

import (
	"bytes"
	"strings"

	"sbc/signaling/edit"
)

// A BodyRule says what happens to bodies of a media type, and to parts of
// multipart bodies.
type BodyRule struct {
	Type   string // "application/isup", without parameters
	Remove bool   // it is taken out; else it passes as it is
	Rule   edit.Reason
}

// compileBody checks a BodyRule.
func (r *Realm) compileBody(b BodyRule) error {
	kind, sub, ok := strings.Cut(b.Type, "/")
	name := strings.ToLower(b.Type)
	do := rulePass
	if b.Remove {
		do = ruleRemove
	}
	was := r.bodies[name]
	switch {
	case !ok || !isToken(kind) || !isToken(sub) || len(name) > longestType || strings.Contains(sub, "*"):
		return &BodyRuleError{b, "is no media type, like application/isup"}
	case strings.HasPrefix(name, "multipart/"):
		return &BodyRuleError{b, "has no contents of its own: name the types of its parts"}
	case name == string(sdpType):
		return &BodyRuleError{b, "belongs to the call: its addresses and ports are ours"}
	case was.do != noRule && was.do != do:
		return &BodyRuleError{b, "is told to pass and to be removed, see " + string(was.why)}
	}
	r.bodies[name] = rule{do, b.Rule}
	return nil
}

// A BodyRuleError tells of a rule for bodies that cannot be followed.
type BodyRuleError struct {
	Body BodyRule
	Why  string
}

func (e *BodyRuleError) Error() string {
	text := "body \"" + e.Body.Type + "\" " + e.Why
	if e.Body.Rule == "" {
		return text
	}
	return string(e.Body.Rule) + ": " + text
}

// bodyRule returns what the operator says of bodies of a media type.
func (r *Realm) bodyRule(mediaType []byte) rule {
	if r == nil || len(r.bodies) == 0 {
		return rule{}
	}
	var b [longestType]byte
	return r.bodies[string(foldInto(b[:0], bytes.TrimSpace(mediaType)))]
}
