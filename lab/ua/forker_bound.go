package ua

import (
	"net/netip"
	"slices"
	"time"

	"sbc/signaling/sip"
)

// A forkTarget is where a branch goes.
type forkTarget struct {
	uri    string
	routes []string // in the place of those that the request came with; RFC 3327 section 5.5
	to     netip.AddrPort
}

// targets lists where a new request goes. RFC 3261 section 16.5.
func (f *Forker) targets(m *sip.Message) (list []forkTarget) {
	if f.o.Registrar == nil {
		for _, to := range f.o.Branches {
			list = append(list, forkTarget{uri: f.target(m, to), to: to})
		}
		return list
	}
	u := m.URI()
	for _, b := range f.o.Registrar.registrar.byUser[string(m.Bytes(u.User))] {
		d := f.o.Registrar.wayToBinding(b)
		list = append(list, forkTarget{uri: b.URI, routes: b.Path, to: d.next(f.o.Registrar.o.Peer)})
	}
	return list
}

// bound takes a new request to a user: all its contacts get it, of a method
// that does not fork the best one.
func (f *Forker) bound(now time.Duration, key string, m *sip.Message, from netip.AddrPort, do []Effect) []Effect {
	a := f.o.Registrar
	u := m.URI()
	user := string(m.Bytes(u.User))
	best := a.bound(user)
	switch {
	case best == nil && (a.o.Registrar.Users == nil || a.o.Registrar.Users[user] != ""):
		return f.reply(m, from, 480, do)
	case best == nil:
		return f.reply(m, from, 404, do)
	case m.Method() == sip.INVITE || m.Method() == sip.SUBSCRIBE:
		return f.fork(now, key, m, from, do)
	}
	d := a.wayToBinding(best)
	branch := "z9hG4bKrelay" + string(m.MethodName()) + string(m.Bytes(m.Via().Branch))
	return f.send(d.next(a.o.Peer), f.requestOn(m, from, best.URI, branch, false, best.Path...), do)
}

// mine reports whether a request outside of a dialog names a user of ours.
func (f *Forker) mine(m *sip.Message) bool {
	if f.o.Registrar == nil || !m.To().Tag.Empty() || m.Method() == sip.ACK || m.Method() == sip.CANCEL {
		return false
	}
	if at := f.nextHop(m); at.IsValid() && at != f.o.Addr {
		return false
	}
	u := m.URI()
	host := string(m.Bytes(u.Host))
	return host == hostOf(f.o.Registrar.registrarDomain()) || hop(m.Bytes(m.RequestURI())) == f.o.Addr
}

// forRegistrar reports whether a message is for the registrar at our address:
// a REGISTER, what names its own user, or what belongs to it.
func (f *Forker) forRegistrar(m *sip.Message) bool {
	a := f.o.Registrar
	if a == nil {
		return false
	}
	if !m.IsRequest() {
		return a.clients[string(m.Bytes(m.Via().Branch))+" "+string(m.MethodName())] != nil
	}
	method := string(m.MethodName())
	if slices.Contains([]string{"ACK", "CANCEL"}, method) {
		method = "INVITE"
	}
	if a.servers[serverKey(m, method)] != nil {
		return true
	}
	u := m.URI()
	switch {
	case !m.To().Tag.Empty():
		return a.dialogs[dialogKey(m)] != nil || a.subOf(m) != nil
	case m.Method() == sip.REGISTER:
		return f.mine(m)
	}
	return string(m.Bytes(u.User)) == a.o.User && f.mine(m)
}
