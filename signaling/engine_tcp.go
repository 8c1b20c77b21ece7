package signaling

import (
	"sbc/nat"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// listenTCP opens listener i for streams. Its connections put their messages
// into the inboxes of the shards, in the order in which they came.
func (e *Engine) listenTCP(i int, l Listener) (*transport.TCP, error) {
	return transport.ListenTCP(transport.StreamOptions{
		ID: transport.ListenerID(i), Realm: e.options().Realms[l.Realm].Name, Addr: l.Addr,
		Handler: transport.Handler{Admit: e.admitsConnection(i), Message: e.streamed, Closed: e.closed, Failed: e.unsentStream},
	})
}

// streamed takes a message from a connection. One that finds no room ends it:
// on a stream nothing is sent again.
func (e *Engine) streamed(f transport.Flow, m *sip.Message, err error) {
	<-e.opened // the first connection may come before its listener is known
	p := &packet{flow: flowOf(f), m: m, err: err}
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
	peer, ok := e.options().Rules.Peer(e.options().Listeners[f.Listener].Realm, f.Remote)
	ok = ok && orDefault(e.options().Rules.Peers()[peer].Target.Port) == f.Remote.Port()
	if !ok && e.options().where.at(flowOf(f)) == nil {
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
