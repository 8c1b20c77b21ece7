package policy

import (
	"errors"
	"fmt"
	"slices"

	"sbc/signaling/sip"
)

// Ours. Numbers and names of users are far shorter than 256 octets; a longer
// part only costs time. A field that chooses a route is an account code or a
// header of a few words.
const (
	partMax  = 256  // octets of a user or host part
	valueMax = 1024 // octets of a field value that is compared
)

// A Query is a request that wants to go somewhere. Nothing of it is kept.
type Query struct {
	From   int // the peer that it is from, as Peer said
	Msg    *sip.Message
	User   []byte // user part of the Request-URI as received
	Host   []byte // host part of the Request-URI
	Method sip.Method
}

// A Decision is where a request goes.
type Decision struct {
	Route *Route
	Peers []int  // to be tried in this order; shared, read only
	User  []byte // the new user part: of the Query when nothing rewrites it
}

// Route finds the first route that begins at the peer and matches, and does
// its rewriting. Exactly one of decision and refusal is given: with a
// refusal the decision is zero. It allocates only where a route rewrites or
// a part that is looked at holds escapes.
func (r *Rules) Route(q Query) (Decision, *Refusal) {
	if q.From < 0 || q.From >= len(r.byPeer) {
		return Decision{}, &r.refusals.noPeer
	}
	routes := r.byPeer[q.From]
	if len(routes) == 0 {
		return Decision{}, &r.refusals.notAllowed[q.From]
	}
	if len(q.User) > partMax || len(q.Host) > partMax {
		return Decision{}, &r.refusals.uriTooLong[q.From]
	}
	user := unescape(q.User)
	for _, t := range routes {
		if missed, _ := t.matches(&q, user); missed == Fits {
			return t.decide(&q, user)
		}
	}
	return Decision{}, &r.refusals.noRoute[q.From]
}

// matches returns what of the route's match the request misses, or Fits; of a
// field also which one.
func (t *route) matches(q *Query, user []byte) (missed Part, field int) {
	m := &t.Match
	switch {
	case len(m.Methods) > 0 && !slices.Contains(m.Methods, q.Method):
		return PartMethod, 0
	case m.User != nil && !m.User.Match(user):
		return PartUser, 0
	case m.Host != nil && !m.Host.Match(q.Host):
		return PartHost, 0
	}
	for i := range m.Fields {
		if !m.Fields[i].matches(q.Msg) {
			return PartField, i
		}
	}
	return Fits, 0
}

func (t *route) decide(q *Query, user []byte) (Decision, *Refusal) {
	d := Decision{Route: t.Route, Peers: t.To, User: q.User}
	if t.Rewrite == nil {
		return d, nil
	}
	d.User = t.rewrite(user)
	if len(d.User) == 0 || len(d.User) > partMax {
		return Decision{}, &t.empty
	}
	return d, nil
}

func compileRoute(o *Route) (*route, error) {
	t := &route{Route: o}
	for _, f := range o.Match.Fields {
		if f.Name == "" || f.Value == nil {
			return nil, errors.New("a field to match needs a name and a pattern")
		}
	}
	if o.Rewrite == nil {
		return t, nil
	}
	t.empty = notFound(CauseRewrite, o.Ref, fmt.Sprintf("route %s leaves no user part of 1 to %d octets", o.Name, partMax))
	return t, t.compileRewrite()
}

func (t *route) compileRewrite() error {
	w := t.Rewrite
	switch {
	case w.Strip < 0:
		return fmt.Errorf("strip of %d characters", w.Strip)
	case w.Replace == "":
		return nil
	case w.Strip != 0 || w.Prefix != "":
		return errors.New("replace stands alone, without strip and prefix")
	case t.Match.User == nil:
		return errors.New("replace needs a pattern for the user part")
	}
	var err error
	t.replace, err = parseTemplate(w.Replace, t.Match.User.NumSubexp())
	return err
}
