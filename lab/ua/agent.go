package ua

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/signaling/sip"
)

// Options say who an agent is.
type Options struct {
	User   string         // user part of its address-of-record
	Addr   netip.AddrPort // where it sends from and receives SIP
	Peer   netip.AddrPort // where its requests go that belong to no dialog
	Domain string         // host of what it calls; empty: Peer
	Stream bool           // its messages travel on a stream: Via and Contact say TCP, and no transaction sends again
	Canary Canary         // what names its side; the zero Canary adds nothing

	Fields []string // more field lines for INVITE and its 2xx, without line ends
	Codecs []Codec  // in order of preference; nil: PCMA, PCMU

	MediaPort  uint16     // first RTP port; calls take pairs from here on
	MediaPairs int        // number of pairs; 0: 100
	Video      bool       // it takes and offers a video line
	Fax        bool       // it takes and offers T.38
	Mux        bool       // it takes and offers rtcp-mux, RFC 5761
	RTCPApart  bool       // its RTCP ports are not next to those of RTP: a=rtcp, RFC 3605
	RTCPAddr   netip.Addr // where it receives RTCP; zero: at Addr
	Dynamic    uint8      // first of the payload types with which it numbers all formats; 0: those of RFC 3551
	OwnNumbers bool       // its answers number formats in its own way
	Quiet      bool       // no RTP, no RTCP and no media sockets, only SDP
	Voice      uint64     // seed of the audio that is sent
	Hear       uint64     // seed of the audio that is expected; 0: none is checked

	Reliable     Reliability // of provisional responses
	OfferInPrack bool        // the first PRACK after an answer has another offer

	Register  *Register  // how it registers when a Move says so; nil: no Move does
	Keepalive Keepalive  // of its flow to Peer
	Registrar *Registrar // of a PBX where phones register; nil: it is none. Never changed

	// What it answers to an OPTIONS outside of a dialog: 0: 200; -1: nothing, as
	// some phones do; else this status.
	OptionsStatus int

	Challenge Challenge // of those who ask for something
	Password  string    // with which it answers challenges; empty: they end the attempt
	Methods   []string  // extension methods that it answers with 200

	Events         []string // packages that it tells of; nil: all that it knows
	ReplaceRinging bool     // lets Replaces name a call that rings here, as phones do against RFC 3891 section 3
	NotifyFirst    bool     // the first NOTIFY goes before the 2xx to the SUBSCRIBE or REFER

	// For how long requests wait for their answer, INVITE, BYE, CANCEL, PRACK and
	// UPDATE aside; what they bring about, a NOTIFY for instance, does not wait.
	// After 3.5 s there is a 100. 0: not at all.
	Slow time.Duration

	Rand *rand.Rand // source of tags, branches, Call-IDs, and of the wait after 491
}

// An Agent is a user agent. It must be used by one goroutine at a time.
type Agent struct {
	// Constant after New.
	o     Options
	start uint64 // session ids of SDP begin here

	alarms       alarms
	seq          uint64
	clients      map[string]*client // by branch and method
	servers      map[string]*server // by branch, sent-by and method
	sockets      map[netip.AddrPort]socket
	dialogs      map[string]*call // calls by Call-ID and our tag: live ones, and those whose dialog a subscription uses
	calls        []*call          // live calls, oldest first
	subs         []*subscription  // not over, oldest first
	publications []*publication   // not taken back, oldest first
	entities     []string         // entity tags of what others published here
	nonces       []string         // that were given
	ended        []string         // names of the last dialogs that are over, oldest first
	last         Call

	reg       *registration  // of a phone; nil: it never registered
	named     []string       // URIs that it told others as its Contact while it registers
	public    netip.AddrPort // that its Contact says in the place of Addr; zero: none was learned
	keep      keeping
	reborn    time.Duration // until then answers come that are for who it was before a reboot
	registrar registrar
}

// New returns an agent without calls.
func New(o Options) *Agent {
	if o.Codecs == nil {
		o.Codecs = []Codec{PCMA, PCMU}
	}
	if o.Events == nil {
		o.Events = packages
	}
	if o.MediaPairs == 0 {
		o.MediaPairs = 100
	}
	return &Agent{
		o: o, start: uint64(o.Rand.Uint32()),
		registrar: registrar{byUser: map[string][]*binding{}, nonces: map[string]*nonce{}, of: map[string]int{}},
		sockets:   map[netip.AddrPort]socket{}, clients: map[string]*client{}, servers: map[string]*server{}, dialogs: map[string]*call{},
	}
}

// Receive takes a datagram that came from an address to one of the agent's
// local addresses: Addr, or a media port. The agent keeps a copy.
func (a *Agent) Receive(now time.Duration, local, from netip.AddrPort, datagram []byte, do []Effect) []Effect {
	if local != a.o.Addr {
		return a.receiveMedia(now, local, from, datagram, do)
	}
	if !a.o.Stream && isSTUN(datagram) {
		return a.stun(now, from, datagram, do)
	}
	m := new(sip.Message)
	if err := m.Parse(append([]byte(nil), datagram...)); err != nil {
		if e, ok := err.(*sip.Error); ok && e.Cause == "keepalive" {
			return a.lines(now, from, len(datagram), do)
		}
		return a.violation(now, 0, "unreadable message: "+err.Error(), do)
	}
	if m.IsRequest() {
		return a.request(now, from, m, do)
	}
	return a.response(now, m, do)
}

// Calls returns the calls that are not over, oldest first.
func (a *Agent) Calls() []Call {
	ids := make([]Call, 0, len(a.calls))
	for _, c := range a.calls {
		ids = append(ids, c.id)
	}
	return ids
}

// Idle reports whether the agent holds nothing: no call, no subscription, no
// transaction.
func (a *Agent) Idle() bool {
	return len(a.calls) == 0 && len(a.subs) == 0 && len(a.clients) == 0 && len(a.servers) == 0
}

// byID returns a live call, or nil.
func (a *Agent) byID(id Call) *call {
	for _, c := range a.calls {
		if c.id == id {
			return c
		}
	}
	return nil
}

func (a *Agent) send(to netip.AddrPort, b []byte, do []Effect) []Effect {
	return append(do, Effect{Do: Send, From: a.o.Addr, To: to, Bytes: b})
}

func (a *Agent) violation(now time.Duration, id Call, text string, do []Effect) []Effect {
	return tell(Event{Is: Violation, At: now, Call: id, Text: text}, do)
}

// word returns n random letters and digits.
func (a *Agent) word(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[a.o.Rand.IntN(len(letters))]
	}
	return string(b)
}

// Addr returns where the agent sends from and receives SIP: that of its
// Options, or where it roamed to.
func (a *Agent) Addr() netip.AddrPort { return a.o.Addr }
