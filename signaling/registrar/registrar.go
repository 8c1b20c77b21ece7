package registrar

import (
	"encoding/binary"
	"time"

	"sbc/signaling/schedule"
	"sbc/signaling/sip"
)

// A Registrar holds the bindings of one shard. Its events are Register,
// Answered, KeptAlive, Heard, Broke, Advance and Restore.
type Registrar struct {
	// Constant after New.
	opt    Options
	k0, k1 uint64

	epoch    time.Time // of the first event
	serial   uint64    // of the last REGISTER that went to the PBX
	aors     map[string]*aor
	count    []int // addresses-of-record, by endpoints
	bindings map[uint64]*binding
	flows    map[Flow]*binding // the first of those that are reached by a flow
	due      schedule.Queue[*binding]

	underway map[uint64]*pending // by Verdict.Key
	waiting  map[uint64]*pending // the first of those for one address-of-record, by its hash
	oldest   *pending
	newest   *pending

	rates      []rate // by endpoints
	sources    gate
	perAOR     []gate // by endpoints
	queue      table  // appointments
	challenged table  // until when a phone may answer its challenge
	nonces     table  // until when credentials for a challenge are taken from where it went

	route string // the Service-Route that the PBX gave last

	// Used again by every event.
	q       request
	buf     []byte // what is hashed
	out     []byte // lines
	do      []Effect
	records []byte
}

// New returns a Registrar without bindings.
func New(o Options) *Registrar {
	o.defaults()
	r := &Registrar{
		opt:        o,
		k0:         binary.LittleEndian.Uint64(o.Key[:8]),
		k1:         binary.LittleEndian.Uint64(o.Key[8:]),
		aors:       map[string]*aor{},
		count:      make([]int, len(o.Endpoints)),
		bindings:   map[uint64]*binding{},
		flows:      map[Flow]*binding{},
		underway:   map[uint64]*pending{},
		waiting:    map[uint64]*pending{},
		sources:    newGate(o.Sources, o.SourceRate, o.SourceBurst),
		queue:      newTable(o.Appointments),
		challenged: newTable(o.UnderwayMax),
		nonces:     newTable(o.UnderwayMax),
	}
	for i := range o.Endpoints {
		e := &o.Endpoints[i]
		r.rates = append(r.rates, newRate(e))
		r.perAOR = append(r.perAOR, newGate(o.Sources, e.AORRate, e.AORBurst))
	}
	return r
}

// Reload replaces Options.Endpoints. Those that there were keep their places and
// their bindings; new ones follow.
func (r *Registrar) Reload(endpoints []Endpoints) {
	r.opt.Endpoints = r.opt.endpoints(endpoints)
	for i := range r.opt.Endpoints {
		e := &r.opt.Endpoints[i]
		if i == len(r.count) {
			r.count = append(r.count, 0)
			r.rates = append(r.rates, newRate(e))
			r.perAOR = append(r.perAOR, newGate(r.opt.Sources, e.AORRate, e.AORBurst))
			continue
		}
		r.rates[i].perSecond, r.rates[i].burst = e.Rate, float64(e.Burst)
		r.perAOR[i].pace(e.AORRate, e.AORBurst)
	}
}

// since returns now as all times here are counted.
func (r *Registrar) since(now time.Time) time.Duration {
	if r.epoch.IsZero() {
		// An hour ahead: nothing that is remembered is before 0.
		r.epoch = now.Add(-time.Hour)
	}
	return now.Sub(r.epoch)
}

// Len returns the number of bindings.
func (r *Registrar) Len() int { return len(r.bindings) }

// Underway returns how many REGISTERs wait for the PBX.
func (r *Registrar) Underway() int { return len(r.underway) }

// Register says what becomes of a REGISTER that came by flow for the endpoints
// with that index: an answer of ours, or its way to the PBX, which ends with
// Answered. Retransmissions must not come here.
func (r *Registrar) Register(now time.Time, ep int, flow Flow, m *sip.Message) Verdict {
	r.begin()
	at := r.since(now)
	q := &r.q
	v := r.register(at, now, q, ep, flow, m)
	v.Effects = r.do
	q.m, q.aor = nil, nil
	return v
}

func (r *Registrar) register(at time.Duration, now time.Time, q *request, ep int, flow Flow, m *sip.Message) Verdict {
	if ok, wait := r.sources.pass(r.source(flow), at); !ok {
		return r.later("register_rate", wait)
	}
	if no := r.read(q, ep, flow, m); no.yes() {
		return r.refuse(no, ep)
	}
	r.match(q)
	if ok, wait := r.perAOR[ep].pass(q.gateOf(), at); !ok {
		return r.later("register_rate", wait)
	}
	if no := r.check(at, q); no.yes() {
		return r.refuse(no, ep)
	}
	if r.crosses(q) {
		return r.answer(500, "register_crossed", 1+r.opt.Rand.IntN(10))
	}
	q.print, q.creds = r.fingerprint(q)
	same := r.unchanged(at, q)
	switch {
	case q.repeats && !same:
		return r.refuse(refusal{500, "register_order"}, ep)
	case q.repeats:
		return r.repeat(at, now, q)
	case same:
		r.touch(at, q)
		if r.fresh(at, q) {
			return r.refresh(at, now, q)
		}
	}
	urgent := q.known && q.removal || same && r.left(at, q) < 2*r.opt.Endpoints[ep].Refresh
	ok, wait := r.admit(at, q, urgent)
	if !ok {
		if same && r.left(at, q) >= time.Second {
			return r.refresh(at, now, q)
		}
		return r.later("register_rate", wait)
	}
	v := r.relay(at, q)
	here := r.challengedHere(at, q)
	v.Bare = !q.known && !here
	r.underway[v.Key].answers = here && q.creds != 0
	return v
}

// match finds what is bound.
func (r *Registrar) match(q *request) {
	q.aor = r.aors[string(q.key)]
	if q.aor == nil {
		return
	}
	for _, b := range q.aor.list {
		q.known = q.known || b.flow == q.flow && !b.down
		q.near = q.near || b.flow.Remote.Addr() == q.flow.Remote.Addr()
		for i := range q.contacts {
			if q.contacts[i].serial == b.serial {
				q.contacts[i].b = b
			}
		}
	}
}

// gateOf is what REGISTERs are counted by: each address that has a binding of
// the address-of-record on its own, so that strangers cannot use up what the
// phone needs.
func (q *request) gateOf() uint64 {
	if q.near {
		return q.session
	}
	return q.hash
}

// check refuses what cannot be, given what is bound.
func (r *Registrar) check(at time.Duration, q *request) refusal {
	e := &r.opt.Endpoints[q.ep]
	if q.aor == nil && len(q.contacts) > 0 && r.count[q.ep] >= e.Bindings {
		return refusal{503, "binding_limit"}
	}
	n := 0
	for i := range q.contacts {
		c := &q.contacts[i]
		if c.seconds > 0 && c.b == nil {
			n++
		}
	}
	if q.aor == nil {
		return refusal{}
	}
	adds := n > 0
	for _, b := range q.aor.list {
		if b.state(at) == Reachable {
			n++
		}
		// RFC 3261 section 10.3 steps 6 and 7: with the same Call-ID the
		// sequence number must rise, or the request fails.
		if b.callID != q.callID || q.m.CSeq() > b.cseq || !q.star && !q.speaksOf(b) {
			continue
		}
		if q.m.CSeq() < b.cseq || !b.ours || at-b.came > repeatFor {
			return refusal{500, "register_order"}
		}
		// The PBX has not seen this number: if the phone's NAT has given it
		// another port meanwhile, it may.
		q.repeats = b.flow == q.flow
	}
	if adds && n > e.Contacts {
		return refusal{403, "binding_limit"}
	}
	return refusal{}
}

func (q *request) speaksOf(b *binding) bool {
	for i := range q.contacts {
		if q.contacts[i].b == b {
			return true
		}
	}
	return false
}

// unchanged tells whether q asks for nothing but more time for what its flow
// has already.
func (r *Registrar) unchanged(at time.Duration, q *request) bool {
	if q.removal || len(q.contacts) == 0 {
		return false
	}
	for i := range q.contacts {
		b := q.contacts[i].b
		if b == nil || b.print != q.print || q.creds != 0 && b.creds != q.creds || b.callID != q.callID || b.flow != q.flow || b.down || at >= b.there {
			return false
		}
	}
	return true
}

// fresh tells whether the PBX need not hear of an unchanged q yet.
func (r *Registrar) fresh(at time.Duration, q *request) bool {
	for i := range q.contacts {
		if b := q.contacts[i].b; b.stale || b.there-at < b.granted/2 {
			return false
		}
	}
	return true
}

// left returns the least that the PBX still gives a binding of an unchanged q.
func (r *Registrar) left(at time.Duration, q *request) time.Duration {
	least := q.contacts[0].b.there
	for i := range q.contacts {
		least = min(least, q.contacts[i].b.there)
	}
	return least - at
}

// touch notes that the phone is there: it asked for its binding by the very
// flow that the PBX confirmed, whatever becomes of it now.
func (r *Registrar) touch(at time.Duration, q *request) {
	for i := range q.contacts {
		b := q.contacts[i].b
		b.here = min(max(b.here, at+b.refresh), b.there)
		r.sooner(b, b.here)
		r.reached(at, b)
	}
}
