package signaling

import (
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// A server is one server transaction with what it needs around its machine.
type server struct {
	key     b2bua.Server
	merge   [2]uint64
	flow    b2bua.Flow // where responses go
	peer    int
	method  sip.Method
	invite  transaction.ServerInvite
	other   transaction.ServerNonInvite
	retry   timer  // the timer that sends again
	timeout timer  // the one that ends the state, or says that a 100 is due
	call    uint64 // that has not answered at once; 0: none
}

// A client is one client transaction.
type client struct {
	id      b2bua.Client
	cancels bool // it is the CANCEL of the INVITE with this id
	away    bool // its far end is an endpoint whose connection is gone
	again   bool // it went a second time, because conn broke
	fresh   bool // no connection was known when it began
	flow    b2bua.Flow
	conn    uint64     // by which it went; 0: a datagram, or not yet
	instead b2bua.Flow // when flow fails; zero: none
	pings   uint64     // it asks whether the endpoint of the binding with this serial is there; 0: it does not
	peer    int        // the endpoints that it goes to, as policy knows them; 0: it goes to another
	method  sip.Method
	invite  transaction.ClientInvite
	other   transaction.ClientNonInvite
	bytes   []byte // the request as it was sent
	reason  []byte // lines that its CANCEL has to carry
	retry   timer
	timeout timer
}

// slot returns which of a transaction's two timers t is: at most one of each
// kind runs at a time.
func slot(t transaction.Timer, retry, timeout *timer) *timer {
	switch t {
	case transaction.TimerA, transaction.TimerE, transaction.TimerG:
		return retry
	}
	return timeout
}

func (s *Shard) arm(x *timer, owner firer, e *transaction.Effect) {
	s.set(x, alarm{owner, uint8(e.Timer)}, e.After)
}

// newServer begins the server transaction of a request.
func (s *Shard) newServer(key b2bua.Server, flow b2bua.Flow, peer int, m *sip.Message) *server {
	tx := &server{key: key, flow: flow, peer: peer, method: m.Method()}
	if tx.method == sip.INVITE {
		tx.invite = transaction.NewServerInvite(s.stream(flow))
	} else {
		tx.other = transaction.NewServerNonInvite(s.stream(flow))
	}
	if m.To().Tag.Empty() {
		tx.merge = transaction.MergeKey(s.secret(flow), m)
		s.merge[tx.merge] = key
	}
	s.servers[key] = tx
	return tx
}

func (s *Shard) stepServer(tx *server, ev transaction.Event) {
	do := s.doServer[:0]
	if s.opt.Visit != nil {
		s.visit("server", tx.method, tx.state(), &ev)
	}
	if tx.method == sip.INVITE {
		do = tx.invite.Step(ev, do)
	} else {
		do = tx.other.Step(ev, do)
	}
	s.doServer = do[:0]
	late := false
	for i := range do {
		switch e := &do[i]; e.Do {
		case transaction.Send:
			s.send(tx.flow, e.Bytes, nil)
		case transaction.Arm:
			s.arm(slot(e.Timer, &tx.retry, &tx.timeout), tx, e)
		case transaction.Disarm:
			s.timers.Stop(slot(e.Timer, &tx.retry, &tx.timeout))
		case transaction.TimedOut:
			s.count("no_ack")
		case transaction.Late:
			late = true
		case transaction.Gone:
			s.goneServer(tx)
		}
	}
	if late {
		s.late(tx)
	}
}

// pending sees to it that a request gets a 100 when it is due, if the calls
// have left it without an answer.
func (s *Shard) pending(tx *server) {
	if call := s.calls.InHand(); call != nil && tx.method != sip.INVITE && tx.other.State() == transaction.Trying {
		tx.call = call.ID
		s.stepServer(tx, transaction.Event{Is: transaction.Pending})
	}
}

// late tells the call of a request that its 100 is due. A call that is over
// has none.
func (s *Shard) late(tx *server) {
	if r := s.records[tx.call]; r != nil {
		s.step(&b2bua.Event{Is: b2bua.Late, Call: r.call, Server: tx.key})
	}
}

func (s *Shard) goneServer(tx *server) {
	delete(s.servers, tx.key)
	if s.merge[tx.merge] == tx.key {
		delete(s.merge, tx.merge)
	}
}

func (tx *server) fire(s *Shard, which uint8) {
	t := transaction.Timer(which)
	if t == transaction.TimerG {
		s.metrics.Retransmission(false)
	}
	s.stepServer(tx, transaction.Event{Is: transaction.Fire, Timer: t})
}

// newClient begins a client transaction with the request in b.
func (s *Shard) newClient(id b2bua.Client, flow b2bua.Flow, method sip.Method, b []byte) *client {
	tx := &client{id: id, flow: flow, fresh: flow.Conn == 0, method: method, bytes: append([]byte(nil), b...)}
	table := s.clients
	switch method {
	case sip.INVITE:
		tx.invite = transaction.NewClientInvite(s.stream(flow), tx.bytes)
	case sip.CANCEL:
		tx.cancels, table = true, s.cancels
		fallthrough
	default:
		tx.other = transaction.NewClientNonInvite(s.stream(flow), tx.bytes)
	}
	if s.registrar != nil {
		if at := s.opt.where.at(flow); at != nil {
			tx.peer = at.peer
		}
	}
	table[id] = tx
	s.stepClient(tx, transaction.Event{Is: transaction.Start}, nil)
	return tx
}

// stepClient steps a client transaction; m is the response of the event.
func (s *Shard) stepClient(tx *client, ev transaction.Event, m *sip.Message) {
	do := s.txDo[:0]
	if s.opt.Visit != nil {
		s.visit("client", tx.method, tx.state(), &ev)
	}
	if tx.method == sip.INVITE {
		do = tx.invite.Step(ev, do)
	} else {
		do = tx.other.Step(ev, do)
	}
	s.txDo = nil // Up leads to other transactions
	// What goes up comes last: a bug that it meets leaves no transaction
	// without its timers.
	for i := range do {
		if !goesUp(do[i].Do) {
			s.clientEffect(tx, &do[i], m)
		}
	}
	for i := range do {
		if goesUp(do[i].Do) {
			s.clientEffect(tx, &do[i], m)
		}
	}
	s.txDo = do[:0]
}

func goesUp(a transaction.Action) bool {
	return a == transaction.Up || a == transaction.TimedOut || a == transaction.Failed
}

func (s *Shard) clientEffect(tx *client, e *transaction.Effect, m *sip.Message) {
	switch e.Do {
	case transaction.Send:
		s.send(tx.flow, e.Bytes, tx)
	case transaction.SendAck:
		s.send(tx.flow, transaction.AppendAck(nil, tx.bytes, m), nil)
	case transaction.SendCancel:
		s.newClient(tx.id, tx.flow, sip.CANCEL, tx.cancel())
	case transaction.Arm:
		s.arm(slot(e.Timer, &tx.retry, &tx.timeout), tx, e)
	case transaction.Disarm:
		s.timers.Stop(slot(e.Timer, &tx.retry, &tx.timeout))
	case transaction.Up:
		if tx.pings != 0 {
			s.bind(s.registrar.KeptAlive(s.clock(), tx.pings))
		} else if !tx.cancels {
			s.step(&b2bua.Event{Is: b2bua.Response, Client: tx.id, Msg: m, Flow: tx.flow, Peer: tx.peer})
		}
	case transaction.TimedOut, transaction.Failed:
		if !tx.cancels && tx.pings == 0 {
			status := e.Status
			if tx.away {
				status = 480
			}
			s.step(&b2bua.Event{Is: b2bua.TimedOut, Client: tx.id, Status: status})
		}
	case transaction.Gone:
		if tx.cancels {
			delete(s.cancels, tx.id)
		} else {
			delete(s.clients, tx.id)
		}
	}
}

// cancel returns the CANCEL of an INVITE.
func (tx *client) cancel() []byte {
	b := transaction.AppendCancel(nil, tx.bytes)
	if len(tx.reason) > 0 && len(b) > 0 {
		b = append(append(b[:len(b)-len("\r\n")], tx.reason...), "\r\n"...)
	}
	return b
}

// fail tells a transaction that its request could not be sent.
func (s *Shard) fail(tx *client) {
	defer s.survive(nil)
	s.calls.Begin()
	if s.clients[tx.id] != tx && s.cancels[tx.id] != tx {
		return
	}
	s.streamed(tx, false)
	if !s.byDatagram(tx) {
		s.stepClient(tx, transaction.Event{Is: transaction.Fail}, nil)
	}
}

func (tx *client) fire(s *Shard, which uint8) {
	t := transaction.Timer(which)
	if t == transaction.TimerA || t == transaction.TimerE {
		s.metrics.Retransmission(false)
	}
	s.stepClient(tx, transaction.Event{Is: transaction.Fire, Timer: t}, nil)
}

func (tx *server) state() transaction.State {
	if tx.method == sip.INVITE {
		return tx.invite.State()
	}
	return tx.other.State()
}

func (tx *client) state() transaction.State {
	if tx.method == sip.INVITE {
		return tx.invite.State()
	}
	return tx.other.State()
}

// visit tells Options.Visit which cell of a transaction's table is passed.
func (s *Shard) visit(kind string, method sip.Method, state transaction.State, ev *transaction.Event) {
	table, what := kind+" non-INVITE", ev.Is.String()
	if method == sip.INVITE {
		table = kind + " INVITE"
	}
	switch ev.Is {
	case transaction.Response, transaction.Respond:
		what += " " + [...]string{"1xx", "2xx", "300-699"}[min(ev.Status/100, 3)-1]
	case transaction.Fire:
		what += " " + ev.Timer.String()
	}
	s.opt.Visit(table, state.String(), what)
}
