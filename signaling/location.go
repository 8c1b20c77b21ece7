package signaling

import (
	"slices"
	"strings"

	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
)

// A place is what calls are routed to where our own registrar knows the way: an
// address-of-record of endpoints, or a peer that registers.
type place struct {
	peer int    // as policy knows it
	user string // in the form of registrar.AppendUser
}

// placeOf returns the place of an address-of-record, "sip:user@host".
func placeOf(peer int, aor string) place {
	_, user, _ := strings.Cut(aor, ":")
	if at := strings.LastIndexByte(user, '@'); at >= 0 {
		return place{peer, user[:at]}
	}
	return place{peer, ""}
}

// A located is one way to a place. It does not change.
type located struct {
	serial  uint64
	flow    b2bua.Flow
	contact string
	path    []byte // complete Route lines
}

// settle notes a way to a place: the newest is the first. What is stored is never
// changed.
func (w *whereabouts) settle(at place, l located) {
	w.change(at, func(list []located) []located {
		return append([]located{l}, slices.DeleteFunc(list, func(o located) bool { return o.serial == l.serial })...)
	})
}

// depart notes that a way to a place is gone.
func (w *whereabouts) depart(at place, serial uint64) {
	w.change(at, func(list []located) []located {
		return slices.DeleteFunc(list, func(o located) bool { return o.serial == serial })
	})
}

// change is called by the one shard that has the place.
func (w *whereabouts) change(at place, f func([]located) []located) {
	var list []located
	if old, ok := w.places.Load(at); ok {
		list = slices.Clone(*old.(*[]located))
	}
	if list = f(list); len(list) == 0 {
		w.places.Delete(at)
		return
	}
	w.places.Store(at, &list)
}

// ways returns the ways to a place, the newest first; read only.
func (w *whereabouts) ways(at place) []located {
	if list, ok := w.places.Load(at); ok {
		return *list.(*[]located)
	}
	if w.under != nil {
		return w.under.ways(at)
	}
	return nil
}

// located returns the targets at which a user of a peer is that registers here. A
// peer as a whole takes any number: the host is that of its contact.
func (s *Shard) located(peer int, user []byte, why edit.Reason) (list []b2bua.Target) {
	p := &s.rules.Peers()[peer]
	if p.Registers {
		for _, l := range s.opt.where.ways(place{peer, p.User}) {
			t := b2bua.Target{Peer: peer, Flow: l.flow, Host: p.Domain, URI: numberAt(user, l.contact), Routes: l.path, Rule: why, Follow: p.Redirect == policy.RedirectFollow}
			list = append(list, t)
		}
		return list
	}
	for _, l := range s.opt.where.ways(place{peer, string(registrar.AppendUser(nil, user))}) {
		list = append(list, b2bua.Target{Peer: peer, Flow: l.flow, Host: p.Domain, URI: []byte(l.contact), Routes: l.path, Rule: why})
	}
	return list
}

// numberAt returns the URI of a number at the host of a contact.
func numberAt(user []byte, contact string) []byte {
	uri, err := sip.ParseURI([]byte(contact), edit.Span{End: len(contact)})
	if err != nil {
		return []byte(contact)
	}
	out := append([]byte(contact[:uri.Scheme.End]), ':')
	if len(user) > 0 {
		out = append(append(out, user...), '@')
	}
	return append(out, contact[uri.Host.Start:]...)
}

// nobody refuses a request whose route leads nowhere now.
func (s *Shard) nobody(d *policy.Decision) *b2bua.Refusal {
	last := d.Peers[len(d.Peers)-1]
	if p := &s.rules.Peers()[last]; p.Endpoints != nil && p.Here() {
		at := s.rules.Domain(p.Realm, []byte(p.Domain))
		if at != nil && at.Has(string(registrar.AppendUser(nil, d.User)), last) {
			return &b2bua.Refusal{Status: 480, Cause: "unregistered"}
		}
		return &b2bua.Refusal{Status: 404, Cause: "no_user"}
	}
	return &b2bua.Refusal{Status: 503, Cause: "no_target", Fields: retryAfter}
}
