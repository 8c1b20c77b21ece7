package sim

import (
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"sbc/lab/ua"
	"sbc/mediarelay"
	"sbc/signaling"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// A world is everything that a run consists of.
type world struct {
	// Constant after newWorld.
	o      Options
	sbc    *signaling.Options
	key    [16]byte
	sorter *signaling.Sorter
	shards []*signaling.Shard
	relay  *mediarelay.Model

	now        time.Duration
	queue      queue
	perfect    bool       // the network loses nothing any more
	wires      *rand.Rand // chance of the network
	chance     *rand.Rand // chance of what people and strangers do
	neighbours []neighbour
	actors     []*actor
	conns      []*conn        // that are open, oldest first
	connected  uint64         // that were ever opened
	unheard    map[txKey]bool // requests of the SBC that it knows were in vain
	fork       *fork          // nil: none
	lan        *lan           // what is between the phones and the public network; nil: there are none
	phones     []*actor
	byConn     map[uint64]*actor // the phone that made a connection
	ringing    map[string]string // the number of the plan by which a phone was called last, by its user
	kept       map[uint64][]byte // records of bindings, as the store has them
	restarts   int
	booted     time.Duration    // when the SBC was started
	bindings   *bindings        // what the wire tells of them
	plans      map[string]*plan // by number
	numbers    []string         // of all plans
	things     int              // that were planned
	scan       scanner
	stage      func(*actor, ua.Event, []ua.Effect) []ua.Effect // what an agent tells goes there; nil: to the actor

	held     []signaling.Inspection // of each shard, after its last step
	book     book
	checkers []checker
	judge    judge
	spoken   map[int][][]byte // by user agent: what it said that names dialogs
	sum      hash.Hash64      // of everything that the SBC sent
	report   Report
}

// A step is what the SBC did at once: for a datagram, or because a timer was
// due.
type step struct {
	at     time.Duration
	in     *message // nil: a timer
	out    []*message
	shard  int
	before signaling.Inspection // of the shard
	after  signaling.Inspection
}

func newWorld(o Options) (*world, error) {
	so, relay, err := newSBC(&o)
	if err != nil {
		return nil, err
	}
	w := &world{
		neighbours: append(o.neighbours(), o.phones()...), o: o, plans: map[string]*plan{}, sum: fnv.New64a(),
		wires: rand.New(rand.NewPCG(o.Seed, 0x371e5)), chance: rand.New(rand.NewPCG(o.Seed, 0xc4a7ce)),
	}
	w.unheard = map[txKey]bool{}
	w.report.cells, w.spoken = map[string]int{}, map[int][][]byte{}
	w.byConn, w.ringing, w.kept = map[uint64]*actor{}, map[string]string{}, map[uint64][]byte{}
	w.boot(so, relay)
	w.book.init()
	w.bindings = newBindings(w)
	w.checkers = newCheckers(w)
	for i := range neighbours {
		w.actors = append(w.actors, newActor(w, i, &w.neighbours[i]))
	}
	if o.Fork {
		w.addFork()
	}
	if o.Phones > 0 {
		w.addPhones()
	}
	w.scan.w = w
	w.judge = judge{map[string]time.Duration{}, map[string]int{}, map[string]bool{}}
	return w, nil
}

// boot starts the SBC, with keys of its own.
func (w *world) boot(so *signaling.Options, relay *mediarelay.Model) {
	so.Visit = func(table, state, event string) { w.report.cells[table+" | "+state+" | "+event]++ }
	so.Keep = w.keep
	if w.o.sbc != nil {
		w.o.sbc(so)
	}
	w.sbc, w.relay, w.shards, w.held = so, relay, nil, nil
	so.Start, w.booted = so.Start.Add(w.now), w.now
	seed := w.o.Seed + uint64(w.restarts)<<56
	for i := range w.key {
		w.key[i] = byte(seed >> (i % 8 * 8))
	}
	w.sorter = signaling.NewSorter(w.key, so.BindingKey, so.Shards)
	for i := range so.Shards {
		s := signaling.NewShard(so, i, so.Shards, w.key, shardSeed(seed, i))
		w.shards = append(w.shards, s)
		w.held = append(w.held, s.Inspect())
	}
}

// run lets time pass until end.
func (w *world) run(end time.Duration) {
	for {
		at, do := w.first()
		if do == nil || at > end {
			break
		}
		w.now = max(w.now, at)
		w.relay.SetNow(w.up())
		w.report.Events++
		do()
	}
	w.now = max(w.now, end)
	w.relay.SetNow(w.up())
}

// first returns what happens next, nil if nothing ever does.
func (w *world) first() (at time.Duration, do func()) {
	if t, ok := w.queue.next(); ok {
		at, do = t, func() { w.queue.pop()() }
	}
	for _, a := range w.actors {
		if t, ok := a.agent.Next(); ok && (do == nil || t < at) {
			at, do = t, a.tick
		}
	}
	if f := w.fork; f != nil {
		if t, ok := f.proxy.Next(); ok && (do == nil || t < at) {
			at, do = t, f.tick
		}
	}
	for i, s := range w.shards {
		if t, ok := s.Next(); ok && (do == nil || t+w.booted < at) {
			at, do = t+w.booted, func() { w.wake(i) }
		}
	}
	return at, do
}

// up is for how long the SBC has been running.
func (w *world) up() time.Duration { return w.now - w.booted }

// after plans do for later.
func (w *world) after(d time.Duration, do func()) { w.queue.add(w.now+d, do) }

// wake lets the timers of a shard fire.
func (w *world) wake(i int) {
	w.shards[i].Advance(w.up())
	w.done(&step{at: w.now, shard: i})
}

// arrive is a datagram that reaches the SBC.
func (w *world) arrive(listener int, src netip.AddrPort, b []byte) {
	w.come(newMessage(w, true, b2bua.Flow{Listener: uint16(listener), Remote: src}, b))
}

// come is a message that reaches the SBC.
func (w *world) come(m *message) {
	m.known = w.mayKnow(m)
	w.book.see(m, nil)
	w.trace(m)
	for _, c := range w.checkers {
		c.in(m)
	}
	i := w.sorter.Shard(&m.sip, m.err)
	if listeners[m.listener].stream {
		var parsed sip.Message
		_, err := parsed.ParseStream(slices.Clone(m.raw))
		w.shards[i].Message(w.up(), m.flow, &parsed, err)
	} else {
		w.shards[i].Datagram(w.up(), m.flow.Listener, m.remote, slices.Clone(m.raw))
	}
	w.done(&step{at: w.now, shard: i, in: m})
}

// done sends what a shard has to send, and lets the checkers look.
func (w *world) done(s *step) {
	list := w.shards[s.shard].Out()
	if w.o.broken.out != nil {
		list = w.o.broken.out(w, list)
	}
	var lost []uint64
	for i := range list {
		o := &list[i]
		if len(o.Bytes) > 0 {
			s.out = append(s.out, w.leave(newMessage(w, false, o.Flow, slices.Clone(o.Bytes)), s))
			if !w.bring(s, o) {
				lost = append(lost, o.Token())
			}
		}
		if o.Close {
			w.endAfter(o.Flow)
		}
	}
	s.before, s.after = w.held[s.shard], w.shards[s.shard].Inspect()
	if w.o.broken.inspect != nil {
		w.o.broken.inspect(w, &s.after)
	}
	w.held[s.shard] = s.after
	for _, c := range w.checkers {
		c.after(s)
	}
	for _, token := range lost {
		w.unsent(s.shard, token)
	}
	for _, n := range w.shards[s.shard].Notices() {
		for i, shard := range w.shards {
			shard.Notice(w.up(), n)
			w.done(&step{at: w.now, shard: i})
		}
	}
}

// leave lets the world see a message that leaves the SBC.
func (w *world) leave(m *message, s *step) *message {
	w.book.see(m, s.in)
	w.trace(m)
	w.scan.hear(m.raw)
	fmt.Fprint(w.sum, w.now, m.listener, m.remote)
	w.sum.Write(m.raw)
	w.report.Sent++
	for _, c := range w.checkers {
		c.out(m)
	}
	return m
}

// bring lets the network carry the last message of a step to its addressee. It
// is false if the SBC learns at once that there is no way.
func (w *world) bring(s *step, o *signaling.Outbound) bool {
	m := s.out[len(s.out)-1]
	switch {
	case listeners[m.listener].stream:
		w.write(s.shard, m, o)
	case m.from >= 0 && w.actors[m.from].phone != nil:
		w.carry(&w.actors[m.from].fromSBC, func() { w.deliver(m.remote, listeners[m.listener].addr, m.raw) })
	case m.from >= 0:
		a := w.actors[m.from]
		if a.away && a.noRoute {
			w.lost(m)
			if o.Token() == 0 {
				return true
			}
			if l := m.leg; l != nil && m.tx == l.invite && l.state == early && !l.rang {
				l.to(given, w.now) // also when it went out before, and is heard
			}
			return false
		}
		w.carry(&a.fromSBC, func() { a.receive(a.at.addr, listeners[m.listener].addr, m.raw) })
	}
	return true
}

// carry lets the network deliver a datagram by a link.
func (w *world) carry(l *link, deliver func()) {
	for _, d := range l.carry(w.wires, w.perfect) {
		w.after(d, deliver)
	}
}

func (w *world) trace(m *message) {
	if m.leg != nil {
		w.note("%v (%s)", m, m.leg.talk.number)
		return
	}
	w.note("%v", m)
}

func (w *world) note(format string, args ...any) {
	if w.o.Trace != nil {
		w.o.Trace(fmt.Sprintf("%12v ", w.now) + fmt.Sprintf(format, args...))
	}
}

// harmed are the invariants that a user agent breaks by what it sends itself:
// a mutant of its own message is its own word.
var harmed = []string{violation, noCanary, noLeak, oneFinal, sameAnswer, legsEnd, oneCause, noAnswer, cseqRises, pinnedSource, reach, knownName, noAuthInt, goesOn}

// fail notes that an invariant does not hold.
func (w *world) fail(invariant, format string, args ...any) {
	if w.o.Mutants > 0 && slices.Contains(harmed, invariant) {
		return
	}
	p := Problem{At: w.now, Invariant: invariant, Text: fmt.Sprintf(format, args...)}
	w.note("PROBLEM %v", p)
	if !slices.Contains(w.report.all, invariant) {
		w.report.all = append(w.report.all, invariant)
	}
	if len(w.report.Problems) < problemsMax {
		w.report.Problems = append(w.report.Problems, p)
	}
}
