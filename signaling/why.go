package signaling

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

// A RefusalInfo is a request that was refused, by us or by who was asked, as
// `sbc why` shows it.
type RefusalInfo struct {
	At     time.Time `json:"at"`    // of the last one, where several were alike
	Times  int       `json:"times"` // in a row
	Call   string    `json:"call,omitempty"`
	Method string    `json:"method,omitempty"` // empty: it could not be read
	Source string    `json:"source"`           // address and port
	Realm  string    `json:"realm"`
	Peer   string    `json:"peer,omitempty"`    // who asked; empty: a stranger
	From   string    `json:"from,omitempty"`    // user part
	To     string    `json:"to,omitempty"`      // user part of the Request-URI
	Status int       `json:"status"`            // of the answer; 0: there was none
	By     string    `json:"by,omitempty"`      // peer whose answer it was; empty: we refused
	SentTo string    `json:"sent_to,omitempty"` // peer that it went to, of one that has not answered
	Cause  string    `json:"cause"`
	Rule   string    `json:"rule,omitempty"`
	Why    string    `json:"why"`              // what was looked at
	Remedy string    `json:"remedy,omitempty"` // what would have let it through
}

// Ours: how many refusals are kept of all shards together. Strangers have a
// share of their own: a scan does not push out what a peer asks about.
const (
	denialsMax   = 8000
	strangersMax = 2000
)

// A denial is a RefusalInfo as a shard keeps it: of one size, so that no flood
// makes anything grow. Its texts are constants, or the rules'.
type denial struct {
	at       time.Duration
	times    uint32
	call     uint64 // 0: none
	source   netip.AddrPort
	listener uint16
	status   uint16
	peer, by int16 // -1: none
	sentTo   int16 // the same
	method   sip.Method
	unread   bool   // it could not be read:
	octet    uint32 // where reading stopped; why says what was wanted
	from, to name
	cause    string
	rule     string
	why      string
}

// A name is the user part of a URI, cut where it is long.
type name struct {
	n uint8
	b [39]byte
}

func (n *name) set(b []byte) { n.n = uint8(copy(n.b[:], b)) }

func (n *name) String() string { return string(n.b[:n.n]) }

// alike tells whether two denials differ in their time only.
func (d *denial) alike(o *denial) bool {
	x, y := *d, *o
	x.at, x.times, y.at, y.times = 0, 0, 0, 0
	return x == y
}

// Denials are a ring of the last ones.
type denials struct {
	list []denial
	next int // the oldest one, once the ring is full
	most int
}

// last returns the newest one; nil: there is none.
func (r *denials) last() *denial {
	n := len(r.list)
	if n == 0 {
		return nil
	}
	return &r.list[(r.next+n-1)%n]
}

func (r *denials) add(d *denial) {
	if last := r.last(); last != nil && last.alike(d) {
		last.at = d.at
		last.times++
		return
	}
	d.times = 1
	if len(r.list) < r.most {
		r.list = append(r.list, *d)
		return
	}
	r.list[r.next] = *d
	r.next = (r.next + 1) % len(r.list)
}

// deny keeps why m, which came by flow and is no response, was refused. Of a
// message that could not be read err says why; m may be nil.
func (s *Shard) deny(flow b2bua.Flow, m *sip.Message, r *b2bua.Refusal, err *sip.Error) {
	d := denial{at: s.now, source: flow.Remote, listener: flow.Listener, status: uint16(r.Status), peer: -1, by: -1, sentTo: -1,
		cause: r.Cause, rule: string(r.Rule), why: r.Why}
	if err != nil {
		d.unread, d.octet, d.why = true, uint32(err.At), err.Want
	} else if m != nil {
		d.method = m.Method()
		d.from.set(userOf(m, m.From().URI))
		d.to.set(userOf(m, m.RequestURI()))
	}
	if peer, known := s.rules.Known(s.opt.Listeners[flow.Listener].Realm, flow.Remote); known {
		d.peer = int16(peer)
	} else if b := s.opt.where.at(flow); b != nil {
		d.peer = int16(b.peer)
	}
	if d.peer < 0 {
		s.strangers.add(&d)
		return
	}
	s.denials.add(&d)
}

// denied keeps what b2bua refused.
func (s *Shard) denied(e *b2bua.Effect) {
	r := e.Refusal
	switch {
	case r.Cause == "stray_response":
	case e.Call != nil:
		d := s.denialIn(e)
		d.status, d.cause, d.why = uint16(r.Status), r.Cause, r.Why
		if r.Rule != "" {
			d.rule = string(r.Rule)
		}
		s.denials.add(&d)
	case s.hand != nil && s.hand.IsRequest():
		s.deny(s.tap.came, s.hand, r, nil)
	}
}

// answeredNo keeps that a request in a call is answered with a refusal: that of
// the far end, or ours because there came none. A challenge is none, and who
// cancels knows why.
func (s *Shard) answeredNo(e *b2bua.Effect) {
	if e.Status < 400 || e.Status == 401 || e.Status == 407 || e.Status == 487 || e.Msg != nil && e.Msg.IsRequest() {
		return
	}
	d := s.denialIn(e)
	d.status = uint16(e.Status)
	other := int16(e.Call.Peer(1 - e.Side))
	if e.Msg != nil {
		d.by, d.cause = other, "answer"
	} else if last := s.denials.last(); last != nil && last.call == d.call && last.at == d.at && last.status == d.status {
		return // denied has it
	} else {
		d.sentTo, d.cause = other, "no_answer"
	}
	s.denials.add(&d)
}

// denialIn is of a request in a call, which is answered on the side of e.
func (s *Shard) denialIn(e *b2bua.Effect) denial {
	c := e.Call
	flow := c.Flow(e.Side)
	d := denial{at: s.now, call: c.ID, source: flow.Remote, listener: flow.Listener,
		peer: int16(c.Peer(e.Side)), by: -1, sentTo: -1, method: e.Method, rule: string(c.Rule)}
	d.from.set([]byte(c.Caller))
	d.to.set([]byte(c.Callee))
	return d
}

// userOf returns the user part of a URI, or the number of a tel: URI.
func userOf(m *sip.Message, at edit.Span) []byte {
	uri, err := sip.ParseURI(m.Raw, at)
	if err != nil {
		return nil
	}
	if uri.User.Empty() && strings.EqualFold(string(m.Bytes(uri.Scheme)), "tel") {
		return m.Bytes(uri.Host)
	}
	return m.Bytes(uri.User)
}

// likes tells whether a denial is about what somebody asks for: the id of a
// call, a number within From or the Request-URI, or a source address or network.
func (d *denial) likes(what string, network netip.Prefix) bool {
	if network.IsValid() {
		return network.Contains(d.source.Addr().Unmap())
	}
	return what == "" || d.call != 0 && ident.Short(d.call) == what ||
		strings.Contains(d.from.String(), what) || strings.Contains(d.to.String(), what)
}

// network reads an address or a network.
func network(what string) (p netip.Prefix) {
	if a, err := netip.ParseAddr(what); err == nil {
		return netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen())
	}
	p, _ = netip.ParsePrefix(what)
	return p.Masked()
}

// Refusals returns the last requests that were refused, in the order of time:
// those about a call, by its id, a number or part of one, a source address or
// network, or all if what is empty. Last, if not 0, is how many at most.
func (e *Engine) Refusals(what string, last int) []RefusalInfo {
	list := []RefusalInfo{}
	e.each(func(s *Shard) { list = append(list, s.refusals(what)...) })
	slices.SortStableFunc(list, func(a, b RefusalInfo) int { return a.At.Compare(b.At) })
	if last > 0 && len(list) > last {
		list = list[len(list)-last:]
	}
	return list
}

func (s *Shard) refusals(what string) (list []RefusalInfo) {
	source := network(what)
	for _, ring := range []*denials{&s.denials, &s.strangers} {
		for i := range ring.list {
			if d := &ring.list[(ring.next+i)%len(ring.list)]; d.likes(what, source) {
				list = append(list, s.refusalInfo(d))
			}
		}
	}
	return list
}

func (s *Shard) refusalInfo(d *denial) RefusalInfo {
	peers, at := s.rules.Peers(), &s.opt.Listeners[d.listener]
	info := RefusalInfo{
		At: s.opt.Start.Add(d.at), Times: int(d.times), Source: d.source.String(), Realm: s.opt.Realms[at.Realm].Name,
		From: d.from.String(), To: d.to.String(), Status: int(d.status), Cause: d.cause, Rule: d.rule,
	}
	if d.call != 0 {
		info.Call = ident.Short(d.call)
	}
	if !d.unread {
		info.Method = d.method.String()
	}
	if d.peer >= 0 {
		info.Peer = peers[d.peer].Name
	}
	if d.by >= 0 {
		info.By = peers[d.by].Name
	}
	if d.sentTo >= 0 {
		info.SentTo = peers[d.sentTo].Name
	}
	explain(&info, d)
	return info
}
