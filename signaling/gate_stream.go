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
	v := e.guard.Heard(e.now(), o.classOf(p.flow), p.flow.Remote, p.m.Raw)
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

// classOf says who is at the far end of a connection.
func (o *Options) classOf(f b2bua.Flow) firewall.Class {
	if _, ok := o.Rules.Known(o.Listeners[f.Listener].Realm, f.Remote); ok {
		return firewall.Peer
	}
	if _, ok := o.where.certified(f.Conn); ok {
		return firewall.Peer
	}
	if o.where.at(f) != nil {
		return firewall.Registered
	}
	return firewall.Proven
}

// cutBanned ends the connections of strangers who have been banned since it was
// called last: where the kernel lets nothing in from them any more, nothing else
// would, for a long time. One goroutine calls it.
func (e *Engine) cutBanned() {
	made := e.guard.Made()
	if made == e.bansMade {
		return
	}
	e.bansMade = made
	now, o := e.now(), e.options()
	for i, t := range e.streams {
		if t != nil && !o.Realms[o.Listeners[i].Realm].Trust {
			t.CutBanned(func(f transport.Flow) bool {
				return e.guard.Banned(now, f.Remote.Addr()) && o.classOf(flowOf(f)) < firewall.Registered
			})
		}
	}
}

// hangUp ends a connection.
func (e *Engine) hangUp(f b2bua.Flow) {
	e.streams[f.Listener].CloseAfter(transport.Flow{Listener: transport.ListenerID(f.Listener), Remote: f.Remote, Conn: f.Conn})
}
