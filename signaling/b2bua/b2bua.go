// Package b2bua holds the calls of one shard: two legs each, and what crosses
// from one to the other.
//
// It does no I/O. Step takes an event and appends effects, which the caller
// carries out in order; some effects (Open, Reserve, Listen) are answered at once
// by another event, before any other event of that call. A relayed message
// takes one way only: bytes, facts, leg, topology.Hide, bytes, audit.
//
// RFC 7092 calls what this is a signaling-plane B2BUA with media relay.
package b2bua

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/signaling/edit"
	"sbc/signaling/ident"
	"sbc/signaling/sip"
	"sbc/topology"
)

// A Flow is where a message came from or goes to: a listener of ours and the
// address at the other end. On a stream Conn is the connection; what goes to
// one that is gone, or to 0, goes to Remote by any that leads there.
type Flow struct {
	Listener uint16
	Remote   netip.AddrPort
	Conn     uint64
}

// A Side names a leg of a call.
type Side uint8

// The caller's leg is A, the callee's is B.
const (
	A Side = iota
	B
)

func (s Side) other() Side { return 1 - s }

func (s Side) String() string { return [...]string{"a", "b"}[s] }

// A Server names a server transaction, a Client a client transaction: the key
// of the first, the serial in the branch of the second.
type (
	Server [2]uint64
	Client uint64
)

// Options are what all calls of a shard have in common. They change by Reload
// alone.
type Options struct {
	Realms    []Realm
	Listeners []Listener // by Flow.Listener
	IDs       ident.Maker
	Rand      *rand.Rand
	Shard     func(*rand.Rand) uint8 // draws a virtual shard that the owner of these calls serves

	// Endpoints tells by index which peers are classes of user agents that
	// register: each of them is known by its flow and by nothing else, and what
	// it writes of where it is says nothing.
	Endpoints []bool

	// Registered is told of the response to a REGISTER that was sent for the
	// user agent which Registration.Key names, or that there is none: then m is
	// nil. It returns what the user agent sees of it. Status 0: it was not sent,
	// or its call ended because of a bug, and what is returned does not matter.
	Registered func(key uint64, m *sip.Message, status int) Registration

	// Challenges tells whether we ask those of a realm to prove themselves in a
	// digest realm of that name: their credentials for it are for us alone. nil:
	// we ask nobody.
	Challenges func(realm int, name []byte) bool

	// OwnPort tells whether an address that a description in a realm names is
	// one of our media addresses, and if so whether a call has that port now
	// and the realm may name it.
	OwnPort func(realm int, a netip.AddrPort) (own, live bool)

	// Redirect finds the target that a Contact of a 3xx from a peer names, if it
	// is one that calls may go to.
	Redirect func(peer int, contact sip.URI, raw []byte) (Target, bool)

	// Stream returns the flow by which a request that is too large for a
	// datagram goes instead of by, if there is one that has worked.
	Stream func(by Flow) (Flow, bool)

	// Visit, if not nil, is told which cells of the tables of dialogs and
	// subscriptions are passed: for the simulation, which wants all of them.
	Visit func(table, state, event string)

	Ring  time.Duration // from the INVITE to its final response, RFC 3261 section 16.6 timer C
	Quiet time.Duration // silence of all media that ends a call; 0: never
	Held  time.Duration // the same while a call is held; 0: never
	Long  time.Duration // the longest call; 0: no bound
}

// A Realm is what calls must know of a realm.
type Realm struct {
	Topology *topology.Realm
	Known    *topology.Known // identifiers of the other realms' configuration
	Loopback bool            // the realm itself is on loopback addresses
	Media    Addrs           // what descriptions name as ours
	Moves    bool            // that may change while calls are up
}

// Addrs are addresses of ours, at most one of each family. One that is not
// valid is none.
type Addrs struct{ IP4, IP6 netip.Addr }

// Of returns the address of one family; it is not valid where there is none.
func (a Addrs) Of(ip6 bool) netip.Addr {
	if ip6 {
		return a.IP6
	}
	return a.IP4
}

// A Listener is an address of ours as it stands in Via and Contact.
type Listener struct {
	Realm     int
	Host      string // host[:port]
	Transport string // UDP, TCP, TLS, WS or WSS
	IP6       bool
}

// A Target is a peer that a call may be sent to.
type Target struct {
	Peer   int
	Flow   Flow
	Host   string      // for the Request-URI and To: the peer's domain or address
	User   []byte      // user part after the route's rewriting; nil: as received
	Rule   edit.Reason // the route that chose it: sbc.hcl:40
	Follow bool        // its 3xx are followed
	Open   bool        // nothing says that it must be this transport
	URI    []byte      // the Request-URI, where the far end of a dialog or a binding is meant; nil: of User and Host
	Routes []byte      // complete Route lines: Path of a binding, Service-Route of an endpoint
}

// Kind says what happened.
type Kind uint8

// Events.
const (
	Invite      Kind = iota // Msg opens a call: Flow, Peer, Server, Targets
	Begin                   // Msg opens anything else than a call: Flow, Peer, Server, Targets, and of a REGISTER Register
	Request                 // Msg belongs to a dialog, and is neither ACK nor CANCEL: Flow, Peer, Server
	Ack                     // Msg is an ACK for a 2xx: Flow, Peer
	Canceled                // a CANCEL for the INVITE of Server was answered 200: Msg
	Response                // Msg answers Client
	TimedOut                // no final response came for Client, or it could not be sent: Status says which
	Late                    // 3.5 s are over, and Call has no answer for Server yet
	Stray                   // Msg is a 2xx to an INVITE of ours that nobody waits for: Flow
	Readdressed             // descriptions for Realm name another address of ours
	Moved                   // the endpoint that was at Flow is at To now
	Fire                    // Timer of Call is due
	Opened                  // answer to Open: Streams, or Err
	Reserved                // answer to Reserve: Err
	Heard                   // answer to Listen: Silent
	End                     // the operator or the engine ends Call: Why
)

// An Event is what Step takes. Msg and all it refers to are read during Step
// and, where an Open or Reserve follows, until its answer; never later.
type Event struct {
	Is       Kind
	Msg      *sip.Message
	Flow     Flow
	To       Flow // of Moved
	Realm    int  // of Readdressed
	Peer     int  // index of the peer it is from; -1: none
	Server   Server
	Client   Client
	Status   int // of TimedOut: 408, or 503 where there was no way to send
	Targets  []Target
	Urgent   bool // of Invite: it is a call for help
	Register *Registration
	Call     *Call
	Side     Side // of Call, once it is known
	pair     *pair
	Timer    Timer
	Streams  []Stream
	Err      *Refusal
	Silent   time.Duration
	Why      string
}

// A Stream is one media line's ports of ours, by side: all 0 where the line has
// none.
type Stream struct {
	Local [2]Local
}

func (s *Stream) open() bool { return s.Local[A].Port != 0 }

// Local is our end of a media line on one side.
type Local struct{ Port, RTCPPort uint16 }

// A Need says which ports a media line needs.
type Need uint8

// The needs of a media line.
const (
	NoPorts  Need = iota // it is off
	ForRTP               // RTP and RTCP
	ForVideo             // the same, and much of it
	ForOther             // something that is passed unread, T.38 for instance
)

// A Remote is the far end of a media line on one side, as offer and answer
// agreed.
type Remote struct {
	RTP, RTCP       netip.AddrPort
	Signaling       netip.Addr // where what it signals comes from
	Mux             bool
	Opaque          bool // not RTP, whatever the ports were opened for
	Sends, Receives bool
	Payloads        []topology.Renumber // what payload types of RTP from there become; valid as long as the effect
}

// A Refusal is an answer of ours to a request, with its cause for the
// counters and what the sender shall know.
type Refusal struct {
	Status int
	Reason string // "": the status's own
	Cause  string // metric label
	Fields string // complete field lines
	Rule   edit.Reason
	Why    string // what was looked at, for people; "": the cause says it
}

// Action says what an Effect does.
type Action uint8

// Effects.
const (
	Respond  Action = iota // Bytes with Status go out by Server
	Start                  // Client begins on Flow with the request in Bytes
	Abandon                // Server ends without an answer
	Cancel                 // CANCEL goes out for the INVITE of Client, with the field lines in Bytes
	Send                   // Bytes go out on Flow, without a transaction: ACK for a 2xx
	Arm                    // Timer of Call, After
	Disarm                 // Timer of Call
	Reserve                // a place for Call at Peer; answered by Reserved
	Release                // the place at Peer
	Open                   // ports for the media lines of Needs that have none yet, in the families IP6: answered by Opened
	Pin                    // Remote is the far end of media line Index on Side
	Shut                   // the ports of media line Index
	Close                  // those of all media lines
	Listen                 // how long is all media silent? answered by Heard
	Saw                    // for the trace: Msg came in on Side
	Routed                 // for the trace: Call goes to Peer by Rule
	Rang                   // for the counters: the callee's side was first heard of
	Scrubbed               // for the trace: Edits were done to Msg, which is on its way to Side, because of what leaked
	Leaked                 // for the trace and the counters: the audit found Text in Field
	Refused                // for the counters: Refusal
	Created                // Call exists: Method opened it
	Answered               // Call was answered
	Ended                  // Call ended: Text is the cause; nothing is sent for it but what is under way
	Gone                   // Call is over; nothing refers to it
)

// An Effect is what Step asks for. What it refers to is valid until the next
// Step of the same Calls that is not an answer to one of these effects.
type Effect struct {
	Do      Action
	Side    Side
	Timer   Timer
	Call    *Call
	Server  Server
	Client  Client
	Flow    Flow
	Instead Flow // of Start: by which the request goes if it cannot go by Flow; zero: none
	Peer    int
	Status  int
	Method  sip.Method
	Again   bool // of Respond: it was sent before
	Bytes   []byte
	Msg     *sip.Message // what Bytes was made from, or nil: it is our own
	Edits   []edit.Edit  // what was changed in Msg
	After   time.Duration
	Needs   []Need  // of Open, by media line
	IP6     [2]bool // of Open: whether a side's media is over IPv6
	Index   int
	Remote  Remote
	Also    bool // of Pin: beside the far ends that were pinned before; else in their place
	Field   string
	Text    string
	Rule    edit.Reason
	Refusal *Refusal
}

// A Timer is one of a call's timers.
type Timer uint8

// The timers of a call; each is armed at most once.
const (
	TimerRing  Timer = iota // no final response to an INVITE
	TimerAgain              // the 2xx is sent again until its ACK comes
	TimerMedia              // time to ask for silence
	TimerLong               // the longest call
	TimerUsage              // the time of all subscriptions
	TimerRenew              // an INVITE of our own waits, or waits for its answer
	Timers                  // how many there are
)

// Calls are the calls of one shard. One goroutine owns them.
type Calls struct {
	opt     Options
	list    []*Call           // in no order that matters, but the same for the same events
	legs    map[uint64]legRef // by the serial of our tag
	byTx    map[Server]*Call  // INVITEs that are not answered yet
	out     map[Client]*Call  // requests that have no final response yet
	work    scratch
	hand    *Call // whose event is being handled
	foreign foreigns

	// Constant.
	strays [2]uint64                                             // makes the branches of BYEs in dialogs that nothing is kept of
	hosts  [][]byte                                              // of Options.Listeners
	names  func(topology.DialogName) (topology.DialogName, bool) // c.dialogName, bound once
	ids    func([]byte) ([]byte, bool)                           // c.callIDName
}

type legRef struct {
	call *Call
	side Side
}

// New returns Calls without a call.
func New(o Options) *Calls {
	c := &Calls{opt: o, legs: map[uint64]legRef{}, byTx: map[Server]*Call{}, out: map[Client]*Call{}}
	c.names, c.ids = c.dialogName, c.callIDName
	c.strays = [2]uint64{o.Rand.Uint64(), o.Rand.Uint64()}
	c.Readdress(o.Listeners, o.Realms)
	return c
}

// Readdress replaces what is said of us: Options.Listeners and Options.Realms,
// in the same order.
func (c *Calls) Readdress(listeners []Listener, realms []Realm) {
	c.opt.Listeners, c.opt.Realms = listeners, realms
	c.hosts = c.hosts[:0]
	for _, l := range listeners {
		c.hosts = append(c.hosts, []byte(l.Host))
	}
}

// Reload replaces what a configuration says: Realms, Listeners and Endpoints,
// which begin with those that there were, Redirect, and the times. Calls go on by
// the new ones.
func (c *Calls) Reload(o *Options) {
	c.opt.Endpoints, c.opt.Redirect, c.opt.Challenges = o.Endpoints, o.Redirect, o.Challenges
	c.opt.Ring, c.opt.Quiet, c.opt.Held, c.opt.Long = o.Ring, o.Quiet, o.Held, o.Long
	c.Readdress(o.Listeners, o.Realms)
}

// Len returns the number of calls, those without a session too.
func (c *Calls) Len() int { return len(c.list) }

// Sessions returns the number of calls that people hear.
func (c *Calls) Sessions() (n int) {
	for _, call := range c.list {
		if call.Session() {
			n++
		}
	}
	return n
}

// All returns the calls. The slice is a view until the next Step.
func (c *Calls) All() []*Call { return c.list }

// Rest returns how many table entries there are beyond those of live calls:
// 0 unless something was left behind.
func (c *Calls) Rest() int {
	legs, txs := 0, 0
	for _, call := range c.list {
		call.pairs(func(p *pair) {
			if len(p.legs[A].localTag) > 0 {
				legs++
			}
		})
		if len(call.legs[B].localTag) > 0 {
			legs++
		}
		txs += call.clients
	}
	return len(c.legs) - legs + len(c.out) - txs + max(0, len(c.byTx)-len(c.list))
}

// Tag returns the tag that our responses to an unanswered INVITE carry, which
// the response to its CANCEL shall carry as well (RFC 3261 section 9.2); nil if
// no call has that INVITE. It is a view until the next Step.
func (c *Calls) Tag(invite Server) []byte {
	call := c.byTx[invite]
	if call == nil {
		return nil
	}
	return call.legs[call.inv.from].localTag
}

// InHand returns the call whose event was handled last, nil if it was none's:
// after a panic it is the one that a bug of ours has broken.
func (c *Calls) InHand() *Call { return c.hand }

// Begin forgets whose event was handled last: what happens until the next Step
// is no call's.
func (c *Calls) Begin() { c.hand = nil }

// Drop forgets a call that cannot be ended properly any more, without a
// message to anybody, and appends what gives back what it holds.
func (c *Calls) Drop(call *Call, cause string, do []Effect) []Effect {
	call.pairs(func(p *pair) { p.legs[A].state, p.legs[B].state, p.subs = legEnded, legEnded, nil })
	if call.inv != nil {
		c.finish(call, call.inv.client)
	}
	for _, r := range call.relays {
		c.finish(call, r.client)
	}
	call.clients = 0
	return c.ended(call, cause, do)
}

// Reap finishes the requests of a call that has ended for which no transaction
// lives, because a bug came between: nobody would tell of their end.
func (c *Calls) Reap(call *Call, lives func(Client) bool, do []Effect) []Effect {
	if in := call.inv; in != nil && !lives(in.client) {
		c.finish(call, in.client)
	}
	for _, r := range call.relays {
		if !lives(r.client) {
			c.finish(call, r.client)
		}
	}
	return c.maybeGone(call, do)
}

// Step handles one event and appends what is to be done. The caller drains
// do, answering Open, Reserve and Listen by a Step each, before the next event.
func (c *Calls) Step(ev *Event, do []Effect) []Effect {
	switch ev.Is {
	case Opened, Reserved:
		return c.resume(ev, do)
	case Heard:
		return c.heard(ev, do)
	}
	c.work.reset()
	c.hand = ev.Call
	switch ev.Is {
	case Invite:
		return c.invite(ev, do)
	case Begin:
		return c.begin(ev, do)
	case Request:
		return c.request(ev, do)
	case Ack:
		return c.ack(ev, do)
	case Canceled:
		return c.canceled(ev, do)
	case Response:
		return c.response(ev, do)
	case TimedOut:
		return c.timedOut(ev, do)
	case Late:
		return c.late(ev, do)
	case Stray:
		return c.lateResponse(ev, do)
	case Readdressed:
		return c.readdressed(ev.Realm, do)
	case Moved:
		return c.follow(ev.Flow, ev.To, do)
	case Fire:
		return c.fire(ev, do)
	case End:
		return c.end(ev.Call, ev.Why, nil, do)
	}
	return do
}
