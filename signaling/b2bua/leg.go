package b2bua

import (
	"bytes"
	"net/netip"
	"slices"

	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// A leg is our half of one dialog (RFC 3261 section 12).
type leg struct {
	realm, peer int
	flow        Flow // by which the dialog began
	state       legState

	callID    []byte
	localTag  []byte // ours
	remoteTag []byte // theirs; nil: not known yet
	local     []byte // From of our requests, To of our responses: complete values
	remote    []byte // the other one
	localSeq  uint32
	remoteSeq uint32
	seqKnown  bool   // remoteSeq is that of a request that came
	target    []byte // remote target URI, from their Contact
	routes    []byte // route set as complete Route lines
	strict    []byte // first route, when it is a strict router: it becomes the Request-URI
	next      Flow   // where requests go
	open      bool   // the far end's URI names no transport
	sent      sentSDP
	said      []line // what the far end last agreed to, by media line
	offered   []line // what it proposed, while an offer is open
	codecs    []codec

	// Our last ACK for a 2xx, sent again when that 2xx comes again.
	ack    []byte
	ackTo  Flow
	ackSeq uint32
	lost   []string // tags of forks that answered too late and were ended
}

type legState uint8

const (
	legNone      legState = iota // no message yet
	legEarly                     // INVITE under way
	legConfirmed                 // 2xx sent or received
	legEnded                     // BYE sent or received, or INVITE refused
)

// newTag gives a leg its tag and enters it into the table of dialogs.
func (c *Calls) newTag(call *Call, s Side, l *leg) {
	id := ident.ID{Serial: c.opt.Rand.Uint64(), Shard: call.shard}
	l.localTag = c.opt.IDs.Append(nil, ident.Tag, id)
	c.legs[id.Serial] = legRef{call, s}
}

// find returns the leg whose tag stands in a message to us (To of a request),
// when Call-ID and the far end's tag match too.
func (c *Calls) find(callID, ourTag, theirTag []byte) (*pair, Side) {
	id, ok := c.opt.IDs.Read(ident.Tag, ourTag)
	if !ok {
		return nil, A
	}
	ref, ok := c.legs[id.Serial]
	if !ok {
		return nil, A
	}
	// A far end that had not sent its tag yet may send a request first only
	// where its response was lost (RFC 3261 section 12.2.2); none is known
	// to, and taking the tag from it would let a guess in.
	is := func(p *pair) bool {
		l := &p.legs[ref.side]
		return string(l.localTag) == string(ourTag) && string(l.remoteTag) == string(theirTag) && string(l.callID) == string(callID) && l.dialog()
	}
	p := ref.call.pair
	if !is(p) {
		i := slices.IndexFunc(ref.call.forks, is)
		if i < 0 {
			return nil, A
		}
		p = ref.call.forks[i]
	}
	c.hand = ref.call
	return p, ref.side
}

// dialog reports whether there is a dialog with the far end, confirmed, early
// or ended: RFC 2543 knows far ends that have no tag even then.
func (l *leg) dialog() bool { return len(l.remoteTag) > 0 || l.state != legEarly }

// takes reports whether requests can be sent within the leg's dialog.
func (l *leg) takes() bool { return l.dialog() && (l.state == legEarly || l.state == legConfirmed) }

// keepAck keeps the ACK that was sent for a 2xx.
func (l *leg) keepAck(ack []byte, to Flow, seq uint32) {
	l.ack, l.ackTo, l.ackSeq = append(l.ack[:0], ack...), to, seq
}

// learn takes what m, from the leg's far end, says about where the far end is:
// its Contact as remote target, and with the first message of a dialog its
// Record-Route as route set (RFC 3261 section 12.1 and 12.2.1.2).
func (c *Calls) learn(l *leg, m *sip.Message, first bool) {
	if uri := contactURI(m); uri != nil {
		l.target = append(l.target[:0], uri...)
	}
	if first {
		l.learnRoutes(m)
	}
	c.aim(l)
}

// moved makes uri the remote target, unless there is none.
func (c *Calls) moved(l *leg, uri []byte) {
	if len(uri) > 0 {
		l.target = append(l.target[:0], uri...)
		c.aim(l)
	}
}

func contactURI(m *sip.Message) []byte {
	f, ok := m.First(sip.FieldContact)
	if !ok {
		return nil
	}
	for na, err := range m.NameAddrs(f) {
		if err != nil || !reachable(m, na.URI) {
			return nil
		}
		return bare(m.Raw, na.URI)
	}
	return nil
}

// bare is a URI without its headers, which have no place in a Request-URI (RFC
// 3261 section 19.1.1).
func bare(raw []byte, s edit.Span) []byte {
	if uri, err := sip.ParseURI(raw, s); err == nil && uri.Headers.Start > 0 {
		s.End = uri.Headers.Start - 1
	}
	return s.Of(raw)
}

// reachable tells whether requests can be sent to a URI: RFC 3261 section
// 8.1.1.8 wants sip or sips in Contact, and the next hop would not read others.
func reachable(m *sip.Message, s edit.Span) bool {
	uri, err := sip.ParseURI(m.Raw, s)
	if err != nil {
		return false
	}
	scheme := m.Bytes(uri.Scheme)
	return bytes.EqualFold(scheme, []byte("sip")) || bytes.EqualFold(scheme, []byte("sips"))
}

// learnRoutes takes the route set of a dialog: in order from a request, in
// reverse from a response (RFC 3261 sections 12.1.1 and 12.1.2).
func (l *leg) learnRoutes(m *sip.Message) {
	var routes [][]byte
	for _, f := range m.Fields() {
		if f.ID != sip.FieldRecordRoute {
			continue
		}
		for na, err := range m.NameAddrs(f) {
			if err != nil {
				break
			}
			if reachable(m, na.URI) {
				routes = append(routes, m.Bytes(na.Value))
			}
		}
	}
	if !m.IsRequest() {
		for i, j := 0, len(routes)-1; i < j; i, j = i+1, j-1 {
			routes[i], routes[j] = routes[j], routes[i]
		}
	}
	l.routes, l.strict = nil, nil
	for i, r := range routes {
		if i == 0 && !looseRouter(r) {
			l.strict = append([]byte(nil), r...)
			continue
		}
		l.routes = append(append(append(l.routes, "Route: "...), r...), "\r\n"...)
	}
}

func looseRouter(route []byte) bool {
	na, err := sip.ParseNameAddr(route, edit.Span{End: len(route)})
	if err != nil {
		return false
	}
	uri, err := sip.ParseURI(route, na.URI)
	if err != nil {
		return false
	}
	_, lr := sip.Param(route, uri.Params, "lr")
	return lr
}

// requestURI returns the Request-URI and Route lines of a request to the far
// end (RFC 3261 section 12.2.1.1).
func (l *leg) requestURI() (uri, routes []byte) {
	if l.strict == nil {
		return l.target, l.routes
	}
	routes = append(append([]byte(nil), l.routes...), "Route: <"...)
	routes = append(append(routes, l.target...), ">\r\n"...)
	na, err := sip.ParseNameAddr(l.strict, edit.Span{End: len(l.strict)})
	if err != nil {
		return l.target, l.routes
	}
	return bare(l.strict, na.URI), routes
}

// from reports whether ev comes from the far end of l: from its peer, or by its
// flow.
func (c *Calls) from(l *leg, ev *Event) bool {
	return ev.Flow == l.flow || ev.Peer == l.peer && !c.endpoint(l.peer)
}

// endpoint reports whether a peer is a class of user agents that register.
func (c *Calls) endpoint(peer int) bool {
	return peer >= 0 && peer < len(c.opt.Endpoints) && c.opt.Endpoints[peer]
}

// aim computes where requests of the dialog go: to the first route or the
// remote target where that is an address, else the way the dialog began. A
// host name is not looked up: what a peer writes into a Contact must not make
// us ask anybody. A target that names no transport means the one by which the
// dialog began: far ends on streams rarely say it, though RFC 3263 section 4.1
// would have UDP then. An endpoint is where it registered from.
func (c *Calls) aim(l *leg) {
	l.next, l.open = l.flow, !c.endpoint(l.peer)
	if c.endpoint(l.peer) {
		return
	}
	hop := l.target
	if l.strict != nil {
		hop = l.strict
	} else if len(l.routes) > 0 {
		hop = l.routes[len("Route: "):]
		for i, c := range hop {
			if c == '\r' {
				hop = hop[:i]
				break
			}
		}
	}
	na, err := sip.ParseNameAddr(hop, edit.Span{End: len(hop)})
	if err != nil {
		return
	}
	uri, err := sip.ParseURI(hop, na.URI)
	if err != nil {
		return
	}
	host := uri.Host.Of(hop)
	if maddr, ok := sip.Param(hop, uri.Params, "maddr"); ok {
		host = maddr.Of(hop)
	}
	addr, err := netip.ParseAddr(string(bytes.Trim(host, "[]")))
	if err != nil || !sdp.Usable(addr, l.flow.Remote.Addr().IsLoopback()) {
		return
	}
	transport := c.opt.Listeners[l.flow.Listener].Transport
	if named, ok := sip.Param(hop, uri.Params, "transport"); ok {
		transport, l.open = string(bytes.ToUpper(named.Of(hop))), false
	}
	listener, ok := c.listener(l, transport, addr)
	if !ok {
		return
	}
	port := uri.Port
	switch {
	case port == 0 && transport == "TLS":
		port = 5061 // RFC 3261 section 19.1.2
	case port == 0:
		port = 5060
	}
	l.next = Flow{Listener: listener, Remote: netip.AddrPortFrom(addr, uint16(port))}
	if listener == l.flow.Listener && addr == l.flow.Remote.Addr() {
		l.next.Conn = l.flow.Conn
	}
}

// connected notes by which connection the far end was heard of last: requests
// go there rather than by one of their own, which a NAT or firewall in front of
// the far end might not let in.
func (l *leg) connected(by Flow) {
	if by.Listener == l.flow.Listener && by.Remote.Addr() == l.flow.Remote.Addr() {
		l.flow.Conn = by.Conn
	}
}

// listener returns the listener by which the far end of l is reached at an
// address: the one of the dialog where it can be.
func (c *Calls) listener(l *leg, transport string, addr netip.Addr) (uint16, bool) {
	serves := func(o *Listener) bool { return o.Transport == transport && o.IP6 == addr.Is6() && o.Realm == l.realm }
	if serves(&c.opt.Listeners[l.flow.Listener]) {
		return l.flow.Listener, true
	}
	i := slices.IndexFunc(c.opt.Listeners, func(o Listener) bool { return serves(&o) })
	return uint16(max(i, 0)), i >= 0
}

// refresh tells whether a request or its 2xx may change the remote target
// (RFC 3261 section 12.2).
func refresh(m sip.Method) bool {
	return m == sip.INVITE || m == sip.UPDATE || m == sip.SUBSCRIBE || m == sip.NOTIFY || m == sip.REFER
}
