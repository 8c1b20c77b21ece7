package signaling

import (
	"net/netip"
	"slices"

	"sbc/nat"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
	"sbc/signaling/transport"
	"sbc/telemetry"
)

// listenTCP opens listener i for streams. Its connections put their messages
// into the inboxes of the shards, in the order in which they came.
func (e *Engine) listenTCP(i int, l Listener) (*transport.TCP, error) {
	o := transport.StreamOptions{
		ID: transport.ListenerID(i), Realm: e.options().Realms[l.Realm].Name, Addr: l.Addr,
		Handler:     transport.Handler{Admit: e.admitsConnection(i), Message: e.streamed, Closed: e.closed, Failed: e.unsentStream, Refused: e.refusedStream},
		WebSocket:   l.WebSocket,
		Connections: l.Limits.Connections, PerSource: l.Limits.PerSource,
	}
	if l.TLS != nil {
		own := *l.TLS
		own.Dial = func(remote netip.AddrPort) *transport.Client { return e.client(l.Realm, remote) }
		o.TLS = &own
	}
	return transport.ListenTCP(o)
}

// client returns how a connection of TLS is opened: to peers alone, by what the
// configuration says of the one whose target is there, or said of it when it was
// one.
func (e *Engine) client(realm int, remote netip.AddrPort) (c *transport.Client) {
	o := e.options()
	peers := o.Rules.Peers()
	for i := range peers {
		p := &peers[i]
		if p.Realm != realm || p.Target.Transport != policy.TLS || p.Target.Port != remote.Port() || !slices.Contains(o.Rules.Resolved(i), remote.Addr()) {
			continue
		}
		if !p.Gone {
			return o.Clients[i]
		}
		c = o.Clients[i]
	}
	return c
}

// refusedStream tells the operator why a connection with a peer did not come
// about. What strangers do to our listeners is counted only.
func (e *Engine) refusedStream(f transport.Flow, why transport.Cut, err error) {
	o := e.options()
	at := &o.Listeners[f.Listener]
	if _, known := o.Rules.Known(at.Realm, f.Remote); !known && !o.Realms[at.Realm].Trust && !o.isTarget(at.Realm, f.Remote.Addr()) {
		return
	}
	if ok, _ := e.warned.Take(e.now(), warnings); ok {
		o.Log.Warn("no connection", "realm", o.Realms[at.Realm].Name, "cause", why.String(), "err", telemetry.Escape(err.Error()))
	}
}

// isTarget reports whether calls to a peer go to an address: one that is known by
// its certificate alone is known by no address.
func (o *Options) isTarget(realm int, addr netip.Addr) bool {
	peers := o.Rules.Peers()
	for i := range peers {
		if p := &peers[i]; p.Realm == realm && !p.Gone && slices.Contains(o.Rules.Resolved(i), addr) {
			return true
		}
	}
	return false
}

// identified notes which peer a connection is from by its certificate, with the
// first message that it brings, and with the first one after a reload.
func (e *Engine) identified(f transport.Flow) {
	o := e.options()
	at := &o.Listeners[f.Listener]
	if at.TLS == nil {
		return
	}
	if c, known := o.where.certified(f.Conn); known {
		if c.rules != o.Rules {
			o.where.certify(f.Conn, c.by(o.Rules, at.Realm))
		}
		return
	}
	if id := e.streams[f.Listener].Identity(f.Conn); id != nil && id.Proof == transport.ProofVerified {
		if peer, ok := o.Rules.Named(at.Realm, id.Names); ok {
			o.where.certify(f.Conn, certified{names: id.Names, peer: peer, rules: o.Rules})
		}
	}
}

// streamed takes a message from a connection. One that finds no room ends it:
// on a stream nothing is sent again.
func (e *Engine) streamed(f transport.Flow, m *sip.Message, err error) {
	<-e.opened // the first connection may come before its listener is known
	p := &packet{flow: flowOf(f), m: m, err: err}
	e.identified(f)
	if !e.heeds(p) {
		return
	}
	e.alias(f, m, err)
	if !e.workers[e.sorter.Shard(m, err)].inbox.put([]*packet{p}) {
		e.streams[f.Listener].CloseAfter(f)
	}
}

func flowOf(f transport.Flow) b2bua.Flow {
	return b2bua.Flow{Listener: uint16(f.Listener), Remote: f.Remote, Conn: f.Conn}
}

// alias lets requests to a peer use the connection that it made, where it asks
// for that (RFC 5923 section 5): to the port that it names, at its own address.
func (e *Engine) alias(f transport.Flow, m *sip.Message, err error) {
	if err != nil || !m.IsRequest() {
		return
	}
	if _, asks := sip.Param(m.Raw, m.Via().Params, "alias"); !asks {
		return
	}
	to := nat.Observe(m, f.Remote, true).SentBy
	if _, known := e.options().Rules.Peer(e.options().Listeners[f.Listener].Realm, to); known {
		e.streams[f.Listener].Alias(f, to)
	}
}

// closed tells the shards that a connection to a peer or of an endpoint is gone.
// Of those that come and go from elsewhere they do not hear.
func (e *Engine) closed(f transport.Flow) {
	<-e.opened
	_, certified := e.options().where.certified(f.Conn)
	defer e.options().where.uncertify(f.Conn)
	peer, ok := e.options().Rules.Peer(e.options().Listeners[f.Listener].Realm, f.Remote)
	ok = ok && orDefault(e.options().Rules.Peers()[peer].Target.Port) == f.Remote.Port()
	if !ok && !certified && e.options().where.at(flowOf(f)) == nil {
		return
	}
	for _, w := range e.workers {
		w.inbox.ask(func(s *Shard) { s.Broke(flowOf(f)) })
	}
}

// unsentStream tells the transaction that token names that its request could
// not be sent. Which shard has it is not known here; it is rare.
func (e *Engine) unsentStream(_ transport.Flow, token uint64) {
	for _, w := range e.workers {
		w.inbox.ask(func(s *Shard) { s.Unsent(token) })
	}
}

// write hands a message to a stream. What the transport does not take counts
// as not sent at once.
func (w *worker) write(t *transport.TCP, out *Outbound) {
	f := transport.Flow{Listener: transport.ListenerID(out.Flow.Listener), Remote: out.Flow.Remote, Conn: out.Flow.Conn}
	if len(out.Bytes) > 0 {
		conn, err := t.Send(f, out.Token(), out.Bytes)
		switch {
		case err == nil:
			out.Went(conn)
		case out.from != nil:
			w.failed = append(w.failed, out.from)
		}
	}
	if out.Close {
		t.CloseAfter(f)
	}
}

// addConnections adds those of a listener, if it is one of streams.
func (e *Engine) addConnections(to *Connections, listener int) {
	t := e.streams[listener]
	if t == nil {
		return
	}
	st := t.Stats()
	to.Open += int(st.Open)
	to.Accepted += st.Accepted
	to.Dialled += st.Dialled
	to.Unreached += st.Unreached
	to.Refused += st.OverSource + st.OverLimit
	for cause, n := range st.Cut {
		if n > 0 {
			to.Cut[transport.Cut(cause).String()] += n
		}
	}
}
