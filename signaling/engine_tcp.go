package signaling

import (
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
	"sbc/signaling/transport"
)

// listenTCP opens listener i for streams. Its connections put their messages
// into the inboxes of the shards, in the order in which they came.
func (e *Engine) listenTCP(i int, l Listener) (*transport.TCP, error) {
	return transport.ListenTCP(transport.StreamOptions{
		ID: transport.ListenerID(i), Realm: e.opt.Realms[l.Realm].Name, Addr: l.Addr,
		Handler: transport.Handler{Message: e.streamed, Failed: e.unsentStream},
	})
}

// streamed takes a message from a connection.
func (e *Engine) streamed(f transport.Flow, m *sip.Message, err error) {
	p := &packet{flow: b2bua.Flow{Listener: uint16(f.Listener), Remote: f.Remote, Conn: f.Conn}, m: m, err: err}
	e.workers[e.sorter.Shard(m, err)].inbox.put([]*packet{p})
}

// unsentStream tells the transaction that token names that its request could
// not be sent. Which shard has it is not known here; it is rare.
func (e *Engine) unsentStream(_ transport.Flow, token uint64) {
	for _, w := range e.workers {
		w.inbox.ask(func(s *Shard) {
			if tx := s.clients[b2bua.Client(token)]; tx != nil {
				s.fail(tx)
			}
		})
	}
}

// write hands a message to a stream. What the transport does not take counts
// as not sent at once; a CANCEL that is lost is found by its INVITE.
func (w *worker) write(t *transport.TCP, out *Outbound) {
	f := transport.Flow{Listener: transport.ListenerID(out.Flow.Listener), Remote: out.Flow.Remote, Conn: out.Flow.Conn}
	if len(out.Bytes) > 0 {
		token := uint64(0)
		if out.from != nil && !out.from.cancels {
			token = uint64(out.from.id)
		}
		if err := t.Send(f, token, out.Bytes); err != nil && out.from != nil {
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
