package signaling

import (
	"log/slog"
	"net/netip"
	"time"

	"sbc/firewall"
	"sbc/mediarelay"
	"sbc/policy"
	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
	"sbc/signaling/transport"
	"sbc/telemetry"
	"sbc/topology"
)

// Options are what an Engine needs to know. What of them a configuration may
// change while it runs changes by Engine.Reload.
type Options struct {
	Version   string
	Start     time.Time // of the process: what the media engine counts from as well; zero: now
	Realms    []Realm
	Listeners []Listener
	Rules     *policy.Rules
	Calls     *policy.Calls // places at peers, shared with nobody else
	Media     mediarelay.Engine
	Metrics   *telemetry.Metrics
	Log       *slog.Logger

	// Endpoints register with a peer through us. BindingKey makes the tokens by
	// which the peer knows them, and says which shard has which: secret, and the
	// same after a restart, or the peer does not reach who registered before.
	Endpoints  []Endpoints
	BindingKey [16]byte

	// Clients are how connections of TLS are opened to peers, by their index.
	Clients map[int]*transport.Client

	// Guard, if not nil, makes the guard that decides whom we listen to, before
	// anything is read; known is for its Options. The engine closes it.
	Guard func(known func(realm int, src netip.AddrPort, listener uint16) firewall.Class) (*firewall.Guard, error)

	// Keep, if not nil, keeps the record of a binding for a restart; nil: it is
	// over. It is called by all shards and does not wait. Bindings are the
	// records that were kept.
	Keep     func(serial uint64, record []byte)
	Bindings map[uint64][]byte // by serial

	Shards     int // goroutines that own calls; 0: one a processor
	TraceBytes int // memory of the traces, in all

	Ring  time.Duration // from an INVITE to its final response; 0: 3 minutes
	Quiet time.Duration // silence of all media that ends a call; 0: never
	Held  time.Duration // the same while a call is held; 0: never
	Long  time.Duration // the longest call; 0: no bound

	// Visit, if not nil, is told which cells of the tables of transactions,
	// dialogs and subscriptions the shards pass: for the simulation.
	Visit func(table, state, event string)

	guard     *firewall.Guard
	cutBanned func() // ends the connections of who is banned; it does not wait
	talkers   *talkers
	streams   *streams     // made with the first shard
	where     *whereabouts // likewise

	// Of a Try, whose shard has no bindings: asks the one that has them.
	lookup func(serial uint64) (registrar.Binding, registrar.State)
}

// A Realm is a network that the SBC faces.
type Realm struct {
	Name     string
	Trust    bool // strangers are answered; else they get silence
	Topology *topology.Realm
	Media    Addrs     // where media sockets are bound
	Public   Addrs     // what descriptions name instead; not valid: Media
	Moves    bool      // Public may change while we run: Engine.Readdress
	Ports    [2]uint16 // first and last of the media ports; 0: all are ours
}

// Addrs are addresses of ours, at most one of each family.
type Addrs = b2bua.Addrs

// named returns the addresses that descriptions for the realm name.
func (r *Realm) named() Addrs {
	named := r.Media
	if r.Public.IP4.IsValid() {
		named.IP4 = r.Public.IP4
	}
	if r.Public.IP6.IsValid() {
		named.IP6 = r.Public.IP6
	}
	return named
}

func (r *Realm) loopback() bool { return r.Media.IP4.IsLoopback() || r.Media.IP6.IsLoopback() }

// A Listener is an address on which a realm's messages arrive.
type Listener struct {
	Realm int
	Addr  netip.AddrPort
	Host  string // as it stands in Via and Contact: host[:port]
	TCP   bool   // streams; else datagrams

	TLS       *transport.TLS       // of streams: over TLS; its Dial is the engine's
	WebSocket *transport.WebSocket // of streams: over WebSocket, with TLS or without
	Limits    StreamLimits         // of streams
}

// StreamLimits bound the connections of a listener; 0: as transport has it.
type StreamLimits struct{ Connections, PerSource int }

// transport returns the name of the listener's transport as Via has it.
func (l *Listener) transport() string {
	switch {
	case !l.TCP:
		return "UDP"
	case l.WebSocket != nil && l.TLS != nil:
		return "WSS"
	case l.WebSocket != nil:
		return "WS"
	case l.TLS != nil:
		return "TLS"
	}
	return "TCP"
}

// Ours:
const (
	// 5 times the calls a second of a large carrier interconnection for the 32 s
	// that a transaction lives; each takes less than a kilobyte.
	transactionsMax = 1 << 18
	// 2 s of a full shard at 20,000 messages a second.
	inboxMax = 1 << 15
	// 2,000 messages of a kilobyte with the kernel's overhead: what comes in
	// 50 ms at 40,000 a second.
	receiveBuffer = 4 << 20
	// 5 ms: no timer of SIP is that exact, and a wake-up for each of the
	// thousands of transactions that end in a second costs more than its work.
	timerGrain = 5 * time.Millisecond

	ringTime = 3 * time.Minute // RFC 3261 section 16.6, timer C: more than 3 minutes
)

// calls returns what the b2bua needs to know of o; index is the shard's.
func (o *Options) calls() b2bua.Options {
	b := b2bua.Options{Visit: o.Visit, Ring: o.Ring, Quiet: o.Quiet, Held: o.Held, Long: o.Long}
	if b.Ring == 0 {
		b.Ring = ringTime
	}
	for i := range o.Rules.Peers() {
		p := &o.Rules.Peers()[i]
		b.Endpoints = append(b.Endpoints, p.Endpoints != nil || p.Here())
	}
	known := o.known()
	for i, r := range o.Realms {
		b.Realms = append(b.Realms, b2bua.Realm{Topology: r.Topology, Known: known[i], Loopback: r.loopback(), Media: r.named(), Moves: r.Moves})
	}
	b.Redirect = o.redirect
	if len(o.Rules.Options().Domains) > 0 {
		b.Challenges = o.challenges
	}
	for _, l := range o.Listeners {
		b.Listeners = append(b.Listeners, b2bua.Listener{Realm: l.Realm, Host: l.Host, Transport: l.transport(), IP6: l.Addr.Addr().Is6()})
	}
	return b
}
