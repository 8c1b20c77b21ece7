package signaling

import (
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"sbc/nat"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// Message handles what a reader has parsed: m came by flow, and err is what
// Parse said. m is not kept.
func (s *Shard) Message(now time.Duration, flow b2bua.Flow, m *sip.Message, err error) {
	s.now, s.tap.came, s.hand = max(s.now, now), flow, m
	defer s.survive(m)
	s.calls.Begin()
	realm := s.opt.Listeners[flow.Listener].Realm
	peer, known := s.rules.Peer(realm, s.sender(flow, m))
	if !known {
		peer, known = s.certified(flow)
	}
	if !known {
		peer, known = s.endpoint(flow)
	}
	former := false
	if !known {
		peer, former = s.former(realm, flow, m)
	}
	if !known && !former && m.IsRequest() {
		s.noted(flow, m)
	}
	if err != nil {
		if !known {
			s.malformed(flow)
		}
		s.unreadable(flow, m, err, known || s.opt.Realms[realm].Trust)
		return
	}
	s.metrics.Message(realm, s.carrier(flow), true, m.Method(), m.Status()/100)
	switch {
	case !m.IsRequest():
		s.responded(flow, peer, m, known || former)
	case m.Method() == sip.REGISTER && s.registers(flow, realm, m):
	case !known && !(former && s.began(flow, m)):
		s.unknown(flow, realm, m)
	default:
		s.requested(flow, peer, m, false)
	}
}

// certified returns the peer that a flow is from by its certificate.
func (s *Shard) certified(flow b2bua.Flow) (peer int, ok bool) {
	c, ok := s.named(flow)
	return c.peer, ok && !c.former && !s.rules.Peers()[c.peer].Gone
}

// named returns whose certificate a flow has by the rules of the shard: while a
// reload is under way who reads from the connection goes by those to come.
func (s *Shard) named(flow b2bua.Flow) (c certified, ok bool) {
	if c, ok = s.opt.where.certified(flow.Conn); !ok {
		return c, false
	}
	c = c.by(s.rules, s.opt.Listeners[flow.Listener].Realm)
	return c, c.peer < len(s.rules.Peers())
}

// former returns the peer that a flow was from before the configuration or a name
// server said something else. Things end with it that began then, and none begins.
func (s *Shard) former(realm int, flow b2bua.Flow, m *sip.Message) (peer int, ok bool) {
	if peer, ok = s.rules.Known(realm, s.sender(flow, m)); ok {
		return peer, true
	}
	c, ok := s.named(flow)
	return c.peer, ok
}

// began reports whether m belongs to what exists: a dialog of ours, or a
// transaction.
func (s *Shard) began(flow b2bua.Flow, m *sip.Message) bool {
	if s.calls.Has(m) {
		return true
	}
	key := s.secret(flow)
	return s.servers[b2bua.Server(transaction.ServerKey(key, m))] != nil ||
		s.servers[b2bua.Server(transaction.ServerKeyOf(key, m, sip.INVITE))] != nil
}

// sender returns the address by which the peer is known that sent m. The port
// from which a connection was made says nothing.
func (s *Shard) sender(flow b2bua.Flow, m *sip.Message) netip.AddrPort {
	if s.stream(flow) && m.IsRequest() {
		return nat.Observe(m, flow.Remote, true).SentBy
	}
	return flow.Remote
}

// unreadable handles what is no message, or one that cannot be accepted.
// Strangers hear nothing.
func (s *Shard) unreadable(flow b2bua.Flow, m *sip.Message, err error, answer bool) {
	var e *sip.Error
	if !errors.As(err, &e) {
		return
	}
	s.metrics.ParseError(e.Cause)
	s.stats.rejects[e.Cause]++
	r := b2bua.Refusal{Status: e.Status, Cause: e.Cause}
	if !answer || m.Method() == sip.ACK {
		r.Status = 0
	}
	if e.Cause != "keepalive" { // which asks for nothing
		s.deny(flow, m, &r, e)
	}
	if r.Status != 0 {
		s.sendStateless(flow, m, &b2bua.Refusal{Status: e.Status, Reason: e.Reason, Cause: e.Cause})
	}
	if e.Close {
		// Nobody knows where the next message begins (RFC 3261 section 18.3).
		s.out = append(s.out, Outbound{Flow: flow, Close: true})
	}
}

// stateless refuses a request without keeping anything.
func (s *Shard) stateless(flow b2bua.Flow, m *sip.Message, r *b2bua.Refusal) {
	s.sendStateless(flow, m, r)
	s.refused(-1, r)
	s.deny(flow, m, r, nil)
}

// sendStateless sends a refusal for which nothing is kept.
func (s *Shard) sendStateless(flow b2bua.Flow, m *sip.Message, r *b2bua.Refusal) {
	s.answerStateless(flow, m, &sip.Response{Status: r.Status, Reason: r.Reason, Fields: []byte(r.Fields)})
}

// answerStateless sends an answer for which nothing is kept. Its To tag is a
// keyed hash of the request, so that a retransmission gets the same answer and
// the ACK is recognised.
func (s *Shard) answerStateless(flow b2bua.Flow, m *sip.Message, r *sip.Response) {
	tag := transaction.StatelessTag(s.key, m)
	r.Src, r.ToTag = flow.Remote, tag[:]
	flow = s.answerBy(flow, m)
	at := len(s.bytes)
	s.bytes = sip.AppendResponse(s.bytes, m, r)
	s.out = append(s.out, Outbound{Flow: flow, Bytes: s.bytes[at:len(s.bytes):len(s.bytes)]})
}

// answerBy returns the flow by which a request that came by flow is answered.
func (s *Shard) answerBy(flow b2bua.Flow, m *sip.Message) b2bua.Flow {
	if at := &s.opt.Listeners[flow.Listener]; !at.TCP {
		peer, known := s.rules.Known(at.Realm, flow.Remote)
		flow.Remote = nat.Observe(m, flow.Remote, known && s.rules.Peers()[peer].Asymmetric).Answer
	} else if s.registrar == nil || s.opt.where.at(flow) == nil {
		// By the connection of the request, and if that is gone by a new one
		// (RFC 3261 section 18.2.2). To an endpoint no other leads.
		flow.Remote = nat.Observe(m, flow.Remote, true).SentBy
	}
	return flow
}

// stranger handles a request from nobody that is configured.
func (s *Shard) stranger(flow b2bua.Flow, m *sip.Message, trust bool) {
	if s.lost(flow, m) {
		return
	}
	s.suspect(flow, m, 0)
	if !trust || m.Method() == sip.ACK {
		s.count("stranger")
		s.deny(flow, m, &b2bua.Refusal{Cause: "stranger"}, nil)
		return
	}
	s.stateless(flow, m, &b2bua.Refusal{Status: 403, Cause: "stranger"})
}

// responded handles a response: it belongs to the transaction that its branch
// names, or to nothing. RFC 3261 section 18.1.2 asks for no more; we take it
// only by the listener that the request left by, and from a peer or from where
// the request went: who copies a branch from the wire is neither.
func (s *Shard) responded(flow b2bua.Flow, peer int, m *sip.Message, known bool) {
	id, ok := s.ids.Read(ident.Branch, m.Bytes(m.Via().Branch))
	if !ok || m.Vias() > 1 { // misrouted: RFC 3261 section 8.1.3.3
		s.count("stray_response")
		return
	}
	table := s.clients
	if m.Method() == sip.CANCEL {
		table = s.cancels
	}
	tx := table[b2bua.Client(id.Serial)]
	if tx == nil || tx.method != m.Method() || tx.flow.Listener != flow.Listener ||
		!known && tx.flow.Remote.Addr() != flow.Remote.Addr() {
		s.count("stray_response")
		if tx == nil && known && m.Method() == sip.INVITE {
			s.step(&b2bua.Event{Is: b2bua.Stray, Msg: m, Flow: flow, Peer: peer})
		}
		return
	}
	if flow.Remote.Addr() == tx.flow.Remote.Addr() {
		tx.flow.Conn = flow.Conn // what follows, an ACK or CANCEL, goes the same way
	}
	s.streamed(tx, true)
	s.stepClient(tx, transaction.Event{Is: transaction.Response, Status: m.Status(), Bytes: m.Raw}, m)
}

// requested handles a request of a peer. proven: it has shown that by credentials.
func (s *Shard) requested(flow b2bua.Flow, peer int, m *sip.Message, proven bool) {
	switch m.Method() {
	case sip.ACK:
		s.acked(flow, peer, m)
		return
	case sip.CANCEL:
		s.canceled(flow, peer, m)
		return
	}
	key := b2bua.Server(transaction.ServerKey(s.secret(flow), m))
	if tx := s.servers[key]; tx != nil {
		s.metrics.Retransmission(true)
		s.stepServer(tx, transaction.Event{Is: transaction.Request})
		return
	}
	if len(s.servers) >= transactionsMax {
		s.stateless(flow, m, &b2bua.Refusal{Status: 503, Cause: "capacity", Fields: retryAfter})
		return
	}
	if m.To().Tag.Empty() {
		if _, ok := s.merge[transaction.MergeKey(s.secret(flow), m)]; ok {
			s.stateless(flow, m, &b2bua.Refusal{Status: 482, Cause: "merged"})
			return
		}
		if s.looped(m) {
			s.stateless(flow, m, &b2bua.Refusal{Status: 482, Reason: "Loop Detected", Cause: "loop"})
			return
		}
	}
	if !proven && s.proves(flow, peer, m) && !s.provesToBe(flow, peer, m) {
		return
	}
	tx := s.newServer(key, s.answerBy(flow, m), peer, m)
	if m.Method() == sip.INVITE {
		s.trying(tx, m, flow)
	}
	if m.To().Tag.Empty() {
		s.outOfDialog(tx, flow, peer, m)
	} else {
		s.step(&b2bua.Event{Is: b2bua.Request, Msg: m, Flow: flow, Peer: peer, Server: key})
	}
	s.pending(tx)
}

const retryAfter = "Retry-After: 5\r\n"

// Ours: responses of our own are rarely longer.
const responseSize = 512

// trying answers 100 at once, which stops the caller's retransmissions.
func (s *Shard) trying(tx *server, m *sip.Message, flow b2bua.Flow) {
	b := sip.AppendResponse(make([]byte, 0, responseSize), m, &sip.Response{Status: 100, Src: flow.Remote})
	s.stepServer(tx, transaction.Event{Is: transaction.Respond, Status: 100, Bytes: b})
}

func (s *Shard) outOfDialog(tx *server, flow b2bua.Flow, peer int, m *sip.Message) {
	switch m.Method() {
	case sip.INVITE:
		s.routed(tx, flow, peer, m, b2bua.Invite)
	case sip.OPTIONS:
		if s.qualifies(tx, flow, peer, m) {
			break
		}
		if toUser(m) && m.MaxForwards() != 0 { // RFC 3261 section 11
			s.routed(tx, flow, peer, m, b2bua.Begin)
		} else {
			s.options(tx, flow, m)
		}
	case sip.MESSAGE, sip.SUBSCRIBE, sip.NOTIFY, sip.PUBLISH, sip.REFER:
		s.routed(tx, flow, peer, m, b2bua.Begin)
	case sip.BYE, sip.INFO, sip.PRACK, sip.UPDATE:
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 481, Cause: "no_dialog"})
	case sip.UnknownMethod:
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 501, Cause: "method", Fields: b2bua.Allow})
	default:
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 405, Cause: "method", Fields: b2bua.Allow})
	}
}

// options answers an OPTIONS for ourselves (RFC 3261 section 11). It is a
// peer's way to ask whether we live: Max-Forwards 0 is no reason to refuse.
func (s *Shard) options(tx *server, flow b2bua.Flow, m *sip.Message) {
	if r := b2bua.CheckRequest(m); r != nil && r.Status != 483 {
		s.refuse(tx, flow, m, r)
		return
	}
	s.respond(tx, flow, m, &sip.Response{Status: 200, Fields: []byte(b2bua.Allow + "Accept: application/sdp\r\nSupported: timer\r\n")})
}

// toUser tells whether a request is for somebody behind us.
func toUser(m *sip.Message) bool {
	uri, err := sip.ParseURI(m.Raw, m.RequestURI())
	return err == nil && !uri.User.Empty()
}

// routed finds where a request that belongs to no dialog goes, and hands it on
// as the event is.
func (s *Shard) routed(tx *server, flow b2bua.Flow, peer int, m *sip.Message, is b2bua.Kind) {
	realm := s.opt.Listeners[flow.Listener].Realm
	uri, err := wantedURI(m)
	urgent := s.urgent(realm, m, uri)
	if err != nil {
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 416, Cause: "scheme"})
		return
	}
	if s.draining && !urgent {
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 503, Cause: "drain", Fields: retryAfter})
		return
	}
	if s.closing {
		s.refuse(tx, flow, m, &b2bua.Refusal{Status: 503, Cause: "shutdown", Fields: retryAfter})
		return
	}
	if t, no, token := s.binding(peer, m); no != nil {
		s.refuse(tx, flow, m, no)
		return
	} else if token {
		s.step(&b2bua.Event{Is: is, Msg: m, Flow: flow, Peer: peer, Server: tx.key, Targets: []b2bua.Target{t}, Urgent: urgent})
		return
	}
	named, isNamed, r := s.calls.Named(m)
	if r != nil {
		s.refuse(tx, flow, m, r)
		return
	}
	if isNamed && named.URI != nil && !named.Flow.Remote.IsValid() {
		named = s.place(named)
	}
	if isNamed && named.URI != nil {
		s.step(&b2bua.Event{Is: is, Msg: m, Flow: flow, Peer: peer, Server: tx.key, Targets: s.farEnd(named)})
		return
	}
	decision, no := s.rules.Route(queryOf(peer, m, uri))
	if no != nil {
		s.refuse(tx, flow, m, refusal(no))
		return
	}
	if no := s.toll(flow, peer, m, decision.User, urgent); no != nil {
		s.refuse(tx, flow, m, no)
		return
	}
	targets := s.targets(&decision)
	s.home(flow, peer, targets)
	if isNamed {
		targets = slices.DeleteFunc(targets, func(t b2bua.Target) bool { return t.Peer != named.Peer })
	}
	if len(targets) == 0 {
		s.refuse(tx, flow, m, s.nobody(&decision))
		return
	}
	s.step(&b2bua.Event{Is: is, Msg: m, Flow: flow, Peer: peer, Server: tx.key, Targets: targets, Urgent: urgent})
}

// canceled handles a CANCEL: it is answered by its own transaction, and the
// INVITE that it names is told (RFC 3261 section 9.2).
func (s *Shard) canceled(flow b2bua.Flow, peer int, m *sip.Message) {
	key := b2bua.Server(transaction.ServerKey(s.secret(flow), m))
	if tx := s.servers[key]; tx != nil {
		s.metrics.Retransmission(true)
		s.stepServer(tx, transaction.Event{Is: transaction.Request})
		return
	}
	invite := b2bua.Server(transaction.ServerKeyOf(s.secret(flow), m, sip.INVITE))
	of := s.servers[invite]
	if of == nil || of.peer != peer {
		s.stateless(flow, m, &b2bua.Refusal{Status: 481, Cause: "cancel"})
		return
	}
	tx := s.newServer(key, of.flow, peer, m)
	s.respond(tx, flow, m, &sip.Response{Status: 200, ToTag: s.calls.Tag(invite)})
	s.step(&b2bua.Event{Is: b2bua.Canceled, Msg: m, Flow: flow, Peer: peer, Server: invite})
}

// acked handles an ACK: for a response other than 2xx it belongs to the
// INVITE's transaction, for a 2xx to the dialog.
func (s *Shard) acked(flow b2bua.Flow, peer int, m *sip.Message) {
	if tx := s.servers[b2bua.Server(transaction.ServerKeyOf(s.secret(flow), m, sip.INVITE))]; tx != nil && tx.invite.State() != transaction.Accepted {
		s.stepServer(tx, transaction.Event{Is: transaction.Ack})
		return
	}
	if transaction.IsStatelessAck(s.key, m) {
		return
	}
	s.step(&b2bua.Event{Is: b2bua.Ack, Msg: m, Flow: flow, Peer: peer})
}

// refuse answers the request of tx with a status of ours.
func (s *Shard) refuse(tx *server, flow b2bua.Flow, m *sip.Message, r *b2bua.Refusal) {
	s.respond(tx, flow, m, &sip.Response{Status: r.Status, Reason: r.Reason, Fields: []byte(r.Fields)})
	s.refused(tx.peer, r)
	s.deny(flow, m, r, nil)
}

func (s *Shard) respond(tx *server, flow b2bua.Flow, m *sip.Message, r *sip.Response) {
	r.Src = flow.Remote
	if m.To().Tag.Empty() && r.ToTag == nil {
		tag := transaction.StatelessTag(s.key, m)
		r.ToTag = tag[:]
	}
	b := sip.AppendResponse(make([]byte, 0, responseSize), m, r)
	s.stepServer(tx, transaction.Event{Is: transaction.Respond, Status: r.Status, Bytes: b})
}

func refusal(no *policy.Refusal) *b2bua.Refusal {
	r := &b2bua.Refusal{Status: no.Status, Reason: no.Reason, Cause: no.Cause, Rule: edit.Reason(no.Rule.String()), Why: no.Why}
	if no.RetryAfter > 0 {
		r.Fields = "Retry-After: " + strconv.Itoa(no.RetryAfter) + "\r\n"
	}
	return r
}
