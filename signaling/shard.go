package signaling

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"

	"sbc/mediarelay"
	"sbc/policy"
	"sbc/policy/limit"
	"sbc/signaling/b2bua"
	"sbc/signaling/ident"
	"sbc/signaling/registrar"
	"sbc/signaling/schedule"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
	"sbc/telemetry"
)

// A Shard owns a share of the calls, their transactions and timers. All its
// methods belong to one goroutine. It has no clock: now is the time since the
// start of the process, and never goes back.
type Shard struct {
	// Constant after open.
	index   int
	of      int
	key     [16]byte
	ids     ident.Maker
	tokens  ident.Maker // of bindings: under a key that outlives the process
	media   mediarelay.Engine
	metrics *telemetry.Metrics
	log     *slog.Logger

	// Owned by the shard's goroutine. The first two change by Reload.
	opt        *Options
	rules      *policy.Rules
	rand       *rand.Rand
	now        time.Duration
	calls      *b2bua.Calls
	servers    map[b2bua.Server]*server
	clients    map[b2bua.Client]*client
	cancels    map[b2bua.Client]*client // CANCELs, which share the branch of their INVITE
	merge      map[[2]uint64]b2bua.Server
	timers     schedule.Queue[alarm]
	ring       *telemetry.Ring
	out        []Outbound
	bytes      []byte // what out refers to
	txDo       []transaction.Effect
	do         [5][]b2bua.Effect // by depth of steps: an INVITE asks for two places and its ports
	depth      int
	doServer   []transaction.Effect
	message    sip.Message
	lag        time.Duration
	stats      counters
	records    map[uint64]*record // live calls by id
	past       past
	tap        tapPoint
	closing    bool                 // calls end and none begins
	draining   bool                 // none begins
	registrar  *registrar.Registrar // nil: nobody registers
	rebinding  timer                // when it wants to be woken
	notices    []Notice             // for all shards
	hand       *sip.Message         // the message in hand; nil: none
	denials    denials              // requests of peers and endpoints that were refused
	strangers  denials
	guardTimer timer
	buffer     []byte       // for what is written and sent at once
	warned     limit.Bucket // of lines about what others do
}

// Ours: lines a second that others can make us log. All that they are about is
// counted, and most of it is told by `sbc why`, too.
var warnings = limit.Rate{Per: 100 * time.Millisecond, Burst: 20}

// mayWarn takes one of the lines that others can make the shard log.
func (s *Shard) mayWarn() bool {
	ok, _ := s.warned.Take(s.now, warnings)
	return ok
}

// counters are what a shard counts for Status.
type counters struct {
	attempts, answered, leaks, panics uint64
	rejects                           map[string]int
}

// An Outbound is a message to be sent, or none. Bytes are valid until the shard's
// next method call.
type Outbound struct {
	Flow  b2bua.Flow
	Bytes []byte
	Close bool    // the connection of Flow ends with it, because its far end broke off what it sent
	from  *client // whose request it is, or nil
}

// Token names the request that o is to Unsent; 0: it need not be told. A CANCEL
// that is lost is found by its INVITE.
func (o *Outbound) Token() uint64 {
	if o.from == nil || o.from.cancels {
		return 0
	}
	return uint64(o.from.id)
}

// Went tells by which connection o went: if that breaks, Broke is for it. It
// belongs to the goroutine of the shard.
func (o *Outbound) Went(conn uint64) {
	if o.from != nil {
		o.from.conn = conn
	}
}

// NewShard returns shard index of so many. key is secret and the same for
// all of them; seed makes all random choices of the shard.
func NewShard(o *Options, index, of int, key [16]byte, seed [32]byte) *Shard {
	if o.streams == nil {
		o.streams, o.where, o.talkers = newShared(o)
	}
	s := &Shard{
		opt: o.own(), index: index, of: of, key: key, ids: ident.NewMaker(key), tokens: ident.NewMaker(o.BindingKey),
		rules: o.Rules, media: o.Media, metrics: o.Metrics, log: o.Log,
		rand:    rand.New(rand.NewChaCha8(seed)),
		servers: map[b2bua.Server]*server{}, clients: map[b2bua.Client]*client{}, cancels: map[b2bua.Client]*client{},
		merge: map[[2]uint64]b2bua.Server{}, records: map[uint64]*record{},
		ring:  telemetry.NewRing(max(o.TraceBytes/of, 1<<16)),
		stats: counters{rejects: map[string]int{}},

		denials: denials{most: denialsMax / of}, strangers: denials{most: strangersMax / of},
	}
	bo := s.opt.calls()
	bo.IDs, bo.Rand = s.ids, s.rand
	bo.Shard = func(r *rand.Rand) uint8 {
		return uint8(index + of*r.IntN((ident.Shards-index+of-1)/of))
	}
	bo.OwnPort, bo.Stream = s.ownPort, s.streamFor
	bo.Registered = s.registered
	s.calls = b2bua.New(bo)
	if s.registrar = s.newRegistrar(); s.registrar != nil {
		s.restore(o.Bindings)
	}
	if o.guard != nil && index == 0 {
		s.set(&s.guardTimer, alarm{owner: guarding{}}, guardEvery)
	}
	return s
}

// newShared returns what all shards share.
func newShared(o *Options) (*streams, *whereabouts, *talkers) {
	return &streams{works: make([]atomic.Bool, len(o.Rules.Peers()))}, &whereabouts{}, &talkers{}
}

// Out returns what is to be sent and forgets it.
func (s *Shard) Out() []Outbound {
	out := s.out
	s.out, s.bytes = s.out[:0], s.bytes[:0]
	return out
}

// Next returns when the shard wants to be woken; ok is false if never.
func (s *Shard) Next() (at time.Duration, ok bool) { return s.timers.Next() }

// Advance lets the timers fire that are due.
func (s *Shard) Advance(now time.Duration) {
	s.now = max(s.now, now)
	for x := s.timers.Pop(s.now); x != nil; x = s.timers.Pop(s.now) {
		s.lag = s.now - x.At()
		s.fire(x.Of)
	}
}

func (s *Shard) fire(a alarm) {
	defer s.survive(nil)
	s.calls.Begin()
	a.owner.fire(s, a.which)
}

// A timer is set for the record that it is part of.
type timer = schedule.Timer[alarm]

// An alarm is whom a timer is for, and what it means to them.
type alarm struct {
	owner firer
	which uint8
}

// A firer owns timers.
type firer interface {
	fire(s *Shard, which uint8)
}

func (s *Shard) set(x *timer, of alarm, after time.Duration) {
	x.Of = of
	s.timers.Set(x, s.now+after)
}

// Unsent handles that there was no way for the request that a Token names. It
// may be one of another shard, or over.
func (s *Shard) Unsent(token uint64) {
	if tx := s.clients[b2bua.Client(token)]; tx != nil {
		s.fail(tx)
	}
}

// Datagram handles what came from src by listener.
func (s *Shard) Datagram(now time.Duration, listener uint16, src netip.AddrPort, b []byte) {
	err := s.message.Parse(b)
	s.Message(now, b2bua.Flow{Listener: listener, Remote: src}, &s.message, err)
}

func (s *Shard) send(flow b2bua.Flow, b []byte, from *client) {
	at := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	s.out = append(s.out, Outbound{Flow: flow, Bytes: s.bytes[at:len(s.bytes):len(s.bytes)], from: from})
}

// secret returns the key under which the requests that come by a flow are
// found again. Each realm has its own, since both may use the same private
// addresses and identifiers; so may the homes of endpoints, each behind an
// address of its own.
func (s *Shard) secret(flow b2bua.Flow) [16]byte {
	realm := s.opt.Listeners[flow.Listener].Realm
	key := s.key
	key[0] ^= byte(realm)
	key[1] ^= byte(realm >> 8)
	if s.registrar == nil && len(s.rules.Options().Domains) == 0 {
		return key
	}
	if _, peer := s.rules.Known(realm, flow.Remote); !peer {
		for i, b := range flow.Remote.Addr().As16() {
			key[i] ^= b
		}
	}
	return key
}
