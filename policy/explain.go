package policy

import "strings"

// An Attempt is one route that a request was held against.
type Attempt struct {
	Route  *Route
	Missed Part
	Want   string // the pattern, or the methods, that it misses
	Have   string // what was compared with it
	Field  string // of PartField: its name
	Absent bool   // of PartField: the request has no such field
}

// A Part is a part of a Match that a request misses.
type Part uint8

// What an Attempt can say of a route.
const (
	Fits       Part = iota // all of it holds: this is the route
	PartMethod             // the method is none of its methods
	PartUser               // the user part does not match
	PartHost               // the host does not match
	PartField              // no value of a field matches
	NotTried               // one before it was the route
)

func (p Part) String() string { return parts[p] }

var parts = [...]string{"fits", "method", "user", "host", "field", "not_tried"}

// Explain says for each route that begins at the peer whether the request
// matches it, in the order in which Route tries them. The one that fits is the
// one that Route decides for, or refuses for because it leaves no number. There
// are none where Route does not look at any.
func (r *Rules) Explain(q Query) []Attempt {
	if q.From < 0 || q.From >= len(r.byPeer) || len(q.User) > partMax || len(q.Host) > partMax {
		return nil
	}
	user := unescape(q.User)
	list := make([]Attempt, 0, len(r.byPeer[q.From]))
	missed, field, found := NotTried, 0, false
	for _, t := range r.byPeer[q.From] {
		if missed = NotTried; !found {
			missed, field = t.matches(&q, user)
		}
		found = found || missed == Fits
		list = append(list, t.attempt(&q, user, missed, field))
	}
	return list
}

// attempt tells of what matches has said.
func (t *route) attempt(q *Query, user []byte, missed Part, field int) Attempt {
	a, m := Attempt{Route: t.Route, Missed: missed}, &t.Match
	switch missed {
	case PartMethod:
		var names []string
		for _, method := range m.Methods {
			names = append(names, method.String())
		}
		a.Want, a.Have = strings.Join(names, ", "), q.Method.String()
	case PartUser:
		a.Want, a.Have = m.User.String(), string(user)
	case PartHost:
		a.Want, a.Have = m.Host.String(), string(q.Host)
	case PartField:
		f := &m.Fields[field]
		a.Want, a.Field = f.Value.String(), f.Name
		var have []string
		for value := range f.values(q.Msg) {
			have = append(have, string(q.Msg.Unfold(nil, value)))
		}
		a.Have, a.Absent = strings.Join(have, ", "), have == nil
	}
	return a
}
