package signaling

import (
	"net/netip"

	"sbc/firewall"
	"sbc/signaling/b2bua"
	"sbc/signaling/transport"
)

// admitsConnection returns what asks the guard whether a connection to a listener
// may stay; nil: each may.
func (e *Engine) admitsConnection(listener int) func(netip.AddrPort) bool {
	realm := e.options().Listeners[listener].Realm
	if e.guard == nil || e.options().Realms[realm].Trust {
		return nil
	}
	return func(remote netip.AddrPort) bool {
		return !e.guard.Admit(e.now(), realm, remote).Drop
	}
}

// heeds asks the guard whether a message is to be looked at that a connection
// brought. A stranger's connection ends with the first one that is not: what is
// lost on a stream is lost for good. A peer that has had its share keeps its own.
func (e *Engine) heeds(p *packet) bool {
	o := e.options()
	realm := o.Listeners[p.flow.Listener].Realm
	if e.guard == nil || o.Realms[realm].Trust {
		return true
	}
	class := firewall.Proven
	if _, ok := o.Rules.Known(realm, p.flow.Remote); ok {
		class = firewall.Peer
	} else if _, ok := o.where.certified(p.flow.Conn); ok {
		class = firewall.Peer
	} else if o.where.at(p.flow) != nil {
		class = firewall.Registered
	}
	v := e.guard.Heard(e.now(), class, p.flow.Remote, p.m.Raw)
	if v.Drop {
		e.hangUp(p.flow)
		return false
	}
	switch e.passes(v.Class, p.flow, p.m, p.err) {
	case isDropped:
		return false
	case isRefused:
		p.over = true
	}
	return true
}

// hangUp ends a connection.
func (e *Engine) hangUp(f b2bua.Flow) {
	e.streams[f.Listener].CloseAfter(transport.Flow{Listener: transport.ListenerID(f.Listener), Remote: f.Remote, Conn: f.Conn})
}
