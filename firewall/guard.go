package firewall

import (
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gaissmai/bart"
)

// A Guard decides whom the border listens to. Any goroutine may call its methods;
// those for each packet take no lock unless there is something to write down.
// Their argument now is the time since Options.Start.
type Guard struct {
	// Constant after New.
	o          Options
	log        *slog.Logger
	seed       seed
	strange    [1 << 16 / 64]uint64 // ports of who sends nonsense, those of our listeners among them
	signatures *signatures
	words      words
	weights    weights
	scores     *scores
	proofs     *proofs
	source     pace
	proven     pace
	flow       pace
	flowNew    pace
	trickle    pace
	intake     [2]pace
	peer       [2]pace
	kernel     *writer // nil: there is none

	// Atomic.
	clock   atomic.Int64 // the latest time that was heard of, for who is not told it
	never   atomic.Pointer[bart.Lite]
	bans    atomic.Pointer[bart.Table[*ban]] // written under mu
	sources buckets                          // of who is unknown
	flows   buckets                          // of who registered
	asks    buckets                          // of their new requests
	shares  [2]bucket                        // of all that is unknown, of all that is proven
	peers   [2][]bucket                      // new, existing
	counts  counts
	speak   bucket // of lines of the log about bans

	// Guarded by mu.
	mu      sync.Mutex
	active  queue                 // bans, the one first that ends first
	former  queue                 // bans that are over, likewise
	past    map[netip.Prefix]*ban // those in former
	lastID  uint64
	spared  map[Spared]*spare
	homes   bart.Table[int] // how many flows of spared each source has
	lost    bool            // a flow found no room in spared
	police  Policing
	trusted []netip.Prefix // as SetNever was told
}

// New returns a Guard. It starts nothing: see Start.
func New(o Options) (*Guard, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Listeners, o.Broadcasts = slices.Clone(o.Listeners), slices.Clone(o.Broadcasts)
	for i, l := range o.Listeners {
		o.Listeners[i] = plain(l)
	}
	for i, a := range o.Broadcasts {
		o.Broadcasts[i] = a.Unmap()
	}
	g := &Guard{
		o: o, log: o.Log, scores: newScores(&o), proofs: newProofs(o.Proofs), words: dictionary(&o),
		source: paceOf(o.Source), proven: paceOf(o.ProvenSource), flow: paceOf(o.Flow), flowNew: paceOf(o.FlowNew), trickle: pace{interval: o.Trickle},
		intake: [2]pace{paceOf(o.Intake[0]), paceOf(o.Intake[1])}, peer: [2]pace{paceOf(o.New), paceOf(o.existing())},
		sources: newBuckets(), flows: newBuckets(), asks: newBuckets(), peers: [2][]bucket{make([]bucket, o.Peers), make([]bucket, o.Peers)},
		past: map[netip.Prefix]*ban{}, spared: map[Spared]*spare{}, police: o.Policing,
	}
	var err error
	if g.signatures, err = compile(o.Signatures); err != nil {
		return nil, err
	}
	var random [16]byte
	rand.Read(random[:])
	g.seed = seed{binary.LittleEndian.Uint64(random[:8]), binary.LittleEndian.Uint64(random[8:])}
	for i := range g.weights {
		g.weights[i] = o.Weights[1<<i]
	}
	for _, port := range []uint16{0, portEcho, portChargen} {
		g.strange[port/64] |= 1 << (port % 64)
	}
	for _, l := range g.o.Listeners {
		g.strange[l.Port()/64] |= 1 << (l.Port() % 64)
	}
	g.bans.Store(new(bart.Table[*ban]))
	if o.Kernel != nil {
		g.kernel = newWriter(g, o.Kernel)
	}
	g.SetNever(0, o.Never)
	return g, nil
}

// Services that answer whatever they are sent (RFC 862, RFC 864): with a forged
// source they make two hosts talk for ever.
const (
	portEcho    = 7
	portChargen = 19
)

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// nonsense tells whether nobody can have sent from src.
func (g *Guard) nonsense(src netip.AddrPort) bool {
	a, p := src.Addr(), src.Port()
	if !a.IsValid() || a.IsUnspecified() || a.IsMulticast() || a == broadcast || slices.Contains(g.o.Broadcasts, a) {
		return true
	}
	if g.strange[p/64]>>(p%64)&1 == 0 {
		return false
	}
	return p == 0 || p == portEcho || p == portChargen || slices.Contains(g.o.Listeners, src)
}

func (g *Guard) known(f From) Class {
	if g.o.Known == nil {
		return Unknown
	}
	return g.o.Known(f.Realm, f.Src, f.Listener)
}

// exempt tells whether an address is neither scored nor banned.
func (g *Guard) exempt(a netip.Addr) bool {
	a = a.Unmap()
	return g.never.Load().Contains(a) || a.Is6() && a.IsLinkLocalUnicast()
}

func (g *Guard) banned(now time.Duration, a netip.Addr) bool {
	b, ok := g.bans.Load().Lookup(a)
	return ok && b.until > now
}

// Made counts the bans that were made, by scores and by hand: who wants to act on
// new ones looks whether there are any.
func (g *Guard) Made() uint64 { return g.counts.made.Load() }

// Banned tells whether an address is banned now, for whoever is behind it and not
// known. Where the Guard only counts nobody is. It allocates nothing.
func (g *Guard) Banned(now time.Duration, a netip.Addr) bool {
	a = a.Unmap()
	return !g.o.Count && !g.exempt(a) && g.banned(now, a)
}

// no is the verdict for who is refused.
func (g *Guard) no(cause Cause, c Class) Verdict {
	g.counts.dropped[cause][c].Add(1)
	return Verdict{Drop: !g.o.Count, Cause: cause, Class: c}
}

// Verdict says whether a datagram is to be parsed. It came by a listener of a
// realm from src, and first are its first octets: 2 KiB are enough, and are
// looked at only while the call lasts. It allocates nothing.
func (g *Guard) Verdict(now time.Duration, realm int, listener uint16, src netip.AddrPort, first []byte) Verdict {
	if a := src.Addr(); a.Is4In6() {
		src = netip.AddrPortFrom(a.Unmap(), src.Port())
	}
	if g.nonsense(src) {
		return g.no(CauseSource, Unknown)
	}
	if c := g.known(From{realm, listener, src}); c >= Registered {
		return g.ofKnown(now, c, src)
	}
	return g.stranger(now, src.Addr(), first, false)
}

// Heard is Verdict for a message that came by a connection of somebody of a class:
// its sender is where it claims to be, and what it did is its own doing.
func (g *Guard) Heard(now time.Duration, c Class, src netip.AddrPort, first []byte) Verdict {
	src = plain(src)
	if c >= Registered {
		return g.ofKnown(now, c, src)
	}
	g.Proved(now, src.Addr())
	return g.stranger(now, src.Addr(), first, true)
}

// ofKnown judges what somebody sent who is known: of peers New and Existing say
// the rest.
func (g *Guard) ofKnown(now time.Duration, c Class, src netip.AddrPort) Verdict {
	if c == Registered && !g.flows.at(g.seed.flow(src)).take(now, g.flow) {
		return g.no(CauseRate, c)
	}
	return Verdict{Class: c}
}

// stranger judges a message of who is not known. sure: it could not be forged.
func (g *Guard) stranger(now time.Duration, a netip.Addr, first []byte, sure bool) Verdict {
	s := sourceOf(a)
	hash := g.seed.source(s)
	class, b, p := Proven, g.proofs.find(now, s, hash), g.proven
	if b == nil {
		class, b, p = Unknown, g.sources.at(hash), g.source
	}
	if !g.exempt(a) {
		if g.banned(now, a) {
			return g.no(CauseBanned, class)
		}
		if o, agent := g.signatures.find(first); o != 0 {
			g.saw(now, s, hash, o, sure)
			g.scores.tool(s, hash, agent)
			if o&Scanner != 0 {
				return g.no(CauseScanner, class)
			}
		}
		if t := g.scores.trickle(now, s, hash, class == Proven); t != nil {
			b, p = t, g.trickle
		}
	}
	if !b.take(now, p) {
		return g.no(CauseRate, class)
	}
	if !g.shares[class].take(now, g.intake[class]) {
		return g.no(CauseIntake, class)
	}
	return Verdict{Class: class}
}

// Admit says whether a connection that was accepted may stay. Its source is
// proven by the handshake.
func (g *Guard) Admit(now time.Duration, realm int, src netip.AddrPort) Verdict {
	a := src.Addr().Unmap()
	if !g.exempt(a) && g.banned(now, a) {
		return g.no(CauseBanned, Proven)
	}
	g.Proved(now, a)
	return Verdict{Class: Proven}
}

// Proved notes that an address returned what only it could receive: the response
// to a challenge of ours with a nonce that we gave it, a handshake, a message on a
// connection. It allocates nothing.
func (g *Guard) Proved(now time.Duration, a netip.Addr) {
	s := sourceOf(a)
	g.proofs.add(now, g.o.Proof, s, g.seed.source(s))
}

// New says whether a request that belongs to nothing may be handled that came
// from a peer. Only this share is hurt by who sends in the peer's name.
func (g *Guard) New(now time.Duration, peer int) bool {
	return g.ofPeer(now, 0, peer, CausePeerNew)
}

// NewBy says whether a request that belongs to nothing may be handled that came
// by a flow that somebody registered by. It is asked before New of the peer that
// such flows share, so that who sends in the name of one phone hurts that one's
// new requests only.
func (g *Guard) NewBy(now time.Duration, src netip.AddrPort) bool {
	return g.asks.at(g.seed.flow(plain(src))).take(now, g.flowNew) || !g.no(CauseFlowNew, Registered).Drop
}

// Existing says whether a message of a peer may be handled that belongs to a
// dialog or a transaction of ours: it has our tag or our branch, which nobody
// guesses.
func (g *Guard) Existing(now time.Duration, peer int) bool {
	return g.ofPeer(now, 1, peer, CausePeerExisting)
}

func (g *Guard) ofPeer(now time.Duration, which, peer int, cause Cause) bool {
	if peer < 0 || peer >= len(g.peers[which]) || g.peers[which][peer].take(now, g.peer[which]) {
		return true
	}
	return !g.no(cause, Peer).Drop
}

// Saw adds offences to the score of who sent a message. Proven says that the
// message itself could not be forged: it came by a connection, or with the
// response to a nonce that its sender was given. That the address has proven
// itself before is no reason to set it. It allocates nothing unless it bans.
func (g *Guard) Saw(now time.Duration, src netip.Addr, o Offences, proven bool) {
	if o == 0 || g.exempt(src) {
		return
	}
	s := sourceOf(src)
	g.saw(now, s, g.seed.source(s), o, proven)
}

func (g *Guard) saw(now time.Duration, s source, hash uint64, o Offences, proven bool) {
	g.counts.offend(o, proven)
	policed, ban, why := g.scores.offend(now, s, hash, o, g.weights.of(o), proven)
	if policed {
		g.counts.policed.Add(1)
	}
	if ban {
		g.banSource(now, s, why)
	}
}
