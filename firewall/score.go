package firewall

import (
	"math"
	"math/bits"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"sbc/signaling/sip"
)

// Scores are what is known of the sources that sent something of late. A source
// has a place in one set, which its hash names; when the set is full, the
// place is taken from who has shown least.
type scores struct {
	// Constant after New.
	half        float64 // half-life in ns
	police, ban float64
	sets        []scoreSet
}

// Ours: the keys of a set are one cache line.
const ways = 8

type scoreSet struct {
	// Atomic: what a verdict looks at. Written under mu.
	keys    [ways]atomic.Uint64
	policed [ways]atomic.Int64 // until when, by all evidence
	sure    [ways]atomic.Int64 // by what is proven
	trickle [ways]bucket       // of a policed source

	// Guarded by mu.
	mu   sync.Mutex
	info [ways]info
}

// An info is all else that is kept of a source.
type info struct {
	at          time.Duration // of the scores, which halve from there on
	score, sure float64       // by all evidence, and by what is proven
	first, last time.Duration
	did         Tally // offences
	proven      Tally // those that are proven, since the last ban

	methods [methods]uint32
	users   uint64 // bits of the hashes of the users asked for
	user    text
	agent   text
	print   uint32 // of its messages' structure
	printed bool
	from    From // of the last request
}

const methods = int(sip.PUBLISH) + 1

// A text is one from the network, cut where it is long.
type text struct {
	n uint8
	b [textMax]byte
}

// Ours: more than any honest product calls itself.
const textMax = 64

func (t *text) set(b []byte) { t.n = uint8(copy(t.b[:], b)) }

func newScores(o *Options) *scores {
	return &scores{half: float64(o.HalfLife), police: o.Police, ban: o.Ban, sets: make([]scoreSet, (o.Sources+ways-1)/ways)}
}

func (t *scores) set(hash uint64) *scoreSet { return &t.sets[hash%uint64(len(t.sets))] }

// trickle returns the bucket of a source that is policed; nil: it is not. One
// that is proven to be where it claims is policed by what is proven only:
// anybody may have forged the rest.
func (t *scores) trickle(now time.Duration, s source, hash uint64, proven bool) *bucket {
	set := t.set(hash)
	for i := range set.keys {
		if set.keys[i].Load() != uint64(s) {
			continue
		}
		until := set.sure[i].Load()
		if !proven {
			until = max(until, set.policed[i].Load())
		}
		// The place may be given to another in between.
		if time.Duration(until) > now && set.keys[i].Load() == uint64(s) {
			return &set.trickle[i]
		}
		return nil
	}
	return nil
}

// place returns where a source is in its set, and makes room for it if it is
// new. The set's lock is held.
func (t *scores) place(set *scoreSet, now time.Duration, s source) int {
	for i := range set.keys {
		if set.keys[i].Load() == uint64(s) {
			return i
		}
	}
	worst, least := 0, math.Inf(1)
	for i := range set.keys {
		if set.keys[i].Load() == 0 {
			worst = i
			break
		}
		if w := t.worth(&set.info[i], now); w < least || w == least && set.info[i].last < set.info[worst].last {
			worst, least = i, w
		}
	}
	set.policed[worst].Store(0)
	set.sure[worst].Store(0)
	set.trickle[worst].due.Store(0)
	set.keys[worst].Store(uint64(s))
	set.info[worst] = info{at: now, first: now}
	return worst
}

// worth says how much it takes to push somebody out of its set. What is proven
// weighs more than anything that may be forged.
func (t *scores) worth(n *info, now time.Duration) float64 {
	return (n.score + scoreMax*t.ban*n.sure) * t.fade(now-n.at)
}

func (t *scores) fade(d time.Duration) float64 {
	if d <= 0 {
		return 1
	}
	return math.Exp2(-float64(d) / t.half)
}

// Ours: a score is at most 64 times that of who is banned: with the defaults a
// source is policed for 8 half-lives at most after its last offence.
const scoreMax = 64

// offend adds to the scores of a source. It reports whether it has just become
// policed, whether it is to be banned, and why.
func (t *scores) offend(now time.Duration, s source, hash uint64, o Offences, weight float64, proven bool) (policed, ban bool, why Tally) {
	set := t.set(hash)
	set.mu.Lock()
	defer set.mu.Unlock()
	i := t.place(set, now, s)
	n := &set.info[i]
	f := t.fade(now - n.at)
	n.score, n.sure, n.at, n.last = n.score*f+weight, n.sure*f, max(n.at, now), max(n.last, now)
	n.did.add(o)
	if proven {
		n.sure += weight
		n.proven.add(o)
	}
	n.score, n.sure = min(n.score, scoreMax*t.ban), min(n.sure, scoreMax*t.ban)
	policed = t.mark(&set.policed[i], n.at, n.score)
	t.mark(&set.sure[i], n.at, n.sure)
	if proven && n.sure >= t.ban {
		// After the ban it begins anew.
		why, ban = n.proven, true
		n.sure, n.proven = 0, Tally{}
	}
	return policed, ban, why
}

// mark polices who has come to the score for that, until half of it has faded,
// and reports whether that has just begun.
func (t *scores) mark(until *atomic.Int64, now time.Duration, score float64) bool {
	if score < t.police {
		return false
	}
	was := time.Duration(until.Load()) > now
	until.Store(int64(now) + int64(t.half*(math.Log2(score/t.police)+1)))
	return !was
}

// ask notes a request.
func (t *scores) ask(now time.Duration, s source, hash, userHash uint64, from From, r *Request) {
	set := t.set(hash)
	set.mu.Lock()
	defer set.mu.Unlock()
	n := &set.info[t.place(set, now, s)]
	n.last = max(n.last, now)
	n.from = from
	n.from.Src = netip.AddrPortFrom(from.Src.Addr().WithZone(""), from.Src.Port()) // which would be kept
	if c := &n.methods[min(int(r.Method), methods-1)]; *c != math.MaxUint32 {
		*c++
	}
	if len(r.User) > 0 {
		n.user.set(r.User)
		n.users |= 1 << (userHash % 64)
	}
	switch {
	case len(r.Agent) > 0:
		n.agent.set(r.Agent)
	case n.agent.n == 0 && len(r.Head) > 0:
		n.print, n.printed = structure(r.Head), true
	}
}

// tool notes the User-Agent of what was refused unread.
func (t *scores) tool(s source, hash uint64, agent []byte) {
	if len(agent) == 0 {
		return
	}
	set := t.set(hash)
	set.mu.Lock()
	defer set.mu.Unlock()
	for i := range set.keys {
		if set.keys[i].Load() == uint64(s) {
			set.info[i].agent.set(agent)
		}
	}
}

// A From is where a message came from.
type From struct {
	Realm    int
	Listener uint16
	Src      netip.AddrPort
}

// A Request is what Guard.Asked keeps of one. Its slices are copied, and may be
// nil.
type Request struct {
	Method sip.Method
	User   []byte // whom it is for, or who registers
	Agent  []byte // User-Agent
	Head   []byte // the message, or its first octets
}

// different estimates how many users there were that left bits.
func different(users uint64) int {
	zeros := 64 - bits.OnesCount64(users)
	return int(math.Round(-64 * math.Log(max(float64(zeros), 0.5)/64)))
}
