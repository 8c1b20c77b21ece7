package firewall

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/bits"
	"net/netip"
	"time"
)

// Options of a Guard. Defaults has what is usual; New refuses what makes no
// sense. A Rate of 0 a second is no bound.
type Options struct {
	Start time.Time // when the clock of all methods was 0
	Count bool      // all is scored, counted and listed as it would be; nothing is refused
	Log   *slog.Logger

	// Listeners are our own sockets, Broadcasts the broadcast addresses of our
	// networks: neither sends anything to us.
	Listeners  []netip.AddrPort
	Broadcasts []netip.Addr

	// Known says whether a sender is known: Registered, Peer, or Unknown. It is
	// called for each datagram by all readers and must be fast. nil: nobody is.
	Known func(realm int, src netip.AddrPort, listener uint16) Class

	// Never are neither banned nor policed: peers, resolvers, what the operator
	// allows. Guard.SetNever replaces them.
	Never []netip.Prefix

	Peers int  // how many there are: the argument of Guard.New is below that
	New   Rate // of one peer: requests that belong to nothing; what exists has a share by it

	Intake       [2]Rate       // of all that are Unknown, and of all that are Proven
	Source       Rate          // of one source that is unknown
	ProvenSource Rate          // of one that is proven
	Flow         Rate          // of one flow that somebody registered by, before it is parsed
	FlowNew      Rate          // of one such flow: requests that belong to nothing
	Trickle      time.Duration // a policed source may send one packet in this time
	Proof        time.Duration // how long a source stays proven
	Proofs       int           // how many can be

	Weights  map[Offences]float64 // of each offence; what is not named weighs nothing
	HalfLife time.Duration        // in which a score halves
	Police   float64              // score from which a source is policed, until half of it has faded
	Ban      float64              // score of proven offences from which it is banned
	Sources  int                  // how many sources have a score

	Signatures []Signature
	Dictionary []string // users that lists of scanners begin with
	Honeypots  []string // users that nobody has been given; a + in front does not matter

	BanFirst time.Duration // the first ban; each further one is twice as long
	BanMax   time.Duration // but no longer than this
	Memory   time.Duration // how long a former ban is remembered
	Bans     int           // how many there may be; of former ones the same
	Merge    int           // so many banned /64 of a /56 ban it, so many /56 a /48; 0: none does

	Kernel   Kernel // nil: bans are carried out in user space alone
	Policing Policing
	Flows    int // of Guard.Registered, at most

	// Keep, if not nil, keeps the record of a ban for a restart; nil: it is over.
	// It must neither wait nor call the Guard.
	Keep func(id uint64, record []byte)
}

// Ours:
const (
	// A carrier's trunk at 250 calls a second, with as much for retransmissions
	// and OPTIONS.
	defaultNew = 1000
	// Messages of what exists for each new request: those of a call with a hold and
	// a transfer. Who may begin little has calls, too: at least as many as by default.
	perNew = 10
	// A shard handles 20,000 messages a second. That many unknown phones that
	// register after a power cut are through within a minute, and what is left of
	// the shard is for who is known.
	defaultUnknown = 2000
	defaultProven  = 4000
	// An office of 100 phones behind one address that all register at once.
	defaultSource, defaultSourceBurst = 30, 100
	defaultProvenSource               = 100
	// What a reader parses beside its other work: so much in the name of a phone
	// does not end the calls that it has.
	defaultFlow = 5000
	// One phone; or a PBX that registers.
	defaultFlowNew = 50

	// What the kernel lets through is more than what user space does, which can
	// tell who is proven: the kernel is for floods that would drown a reader.
	defaultAll = 20000
	// A phone with a long session description sends two fragments a call.
	defaultFragments = 50

	defaultProofs  = 1 << 16 // 1.5 MiB
	defaultSources = 1 << 13 // 3.5 MiB
	defaultBans    = 10000
	defaultFlows   = 1 << 17

	defaultPolice = 20
	defaultBan    = 40
)

// Defaults returns options that suit a border on the Internet. What is left to
// fill in: Start, Log, Listeners, Broadcasts, Known, Never, Peers, Kernel, the
// listeners of Policing, Keep.
//
// A phone with an old password that tries again each 30 s reaches a score of 29:
// it is policed, and never banned.
func Defaults() Options {
	return Options{
		New:          Rate{defaultNew, 2 * defaultNew},
		Intake:       [2]Rate{{defaultUnknown, 2 * defaultUnknown}, {defaultProven, 2 * defaultProven}},
		Source:       Rate{defaultSource, defaultSourceBurst},
		ProvenSource: Rate{defaultProvenSource, 3 * defaultProvenSource},
		Flow:         Rate{defaultFlow, 2 * defaultFlow},
		FlowNew:      Rate{defaultFlowNew, 4 * defaultFlowNew},
		Trickle:      10 * time.Second,
		Proof:        10 * time.Minute,
		Proofs:       defaultProofs,

		Weights: map[Offences]float64{
			StrangerInvite: 4, StrangerRegister: 2, StrangerOptions: 1, StrangerOther: 1,
			DigestFailure: 1, DictionaryUser: 4,
			Scanner: defaultPolice, Tool: 2, Honeypot: defaultPolice, Malformed: 2,
		},
		HalfLife:   10 * time.Minute,
		Police:     defaultPolice,
		Ban:        defaultBan,
		Sources:    defaultSources,
		Signatures: DefaultSignatures(),
		Dictionary: DefaultDictionary(),

		BanFirst: 10 * time.Minute,
		BanMax:   7 * 24 * time.Hour,
		Memory:   7 * 24 * time.Hour,
		Bans:     defaultBans,
		Merge:    4,
		Flows:    defaultFlows,

		Policing: Policing{
			Source: Rate{2 * defaultProvenSource, 6 * defaultProvenSource}, All: Rate{defaultAll, 2 * defaultAll},
			SourceFragments: Rate{defaultFragments, 5 * defaultFragments}, AllFragments: Rate{20 * defaultFragments, 40 * defaultFragments},
		},
	}
}

// existing is the share of one peer in messages of what exists, dialogs and
// transactions.
func (o *Options) existing() Rate {
	if o.New.PerSecond <= 0 {
		return Rate{} // neither has a bound
	}
	return Rate{perNew * max(o.New.PerSecond, defaultNew), perNew * max(o.New.Burst, 2*defaultNew)}
}

// check finds what makes no sense.
func (o *Options) check() error {
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"half-life of scores", o.HalfLife}, {"trickle of policed sources", o.Trickle}, {"life of a proof", o.Proof},
		{"first ban", o.BanFirst}, {"longest ban", o.BanMax}, {"memory of bans", o.Memory},
	} {
		if d.d <= 0 {
			return fmt.Errorf("firewall: %s is %v: it must be more than 0", d.name, d.d)
		}
	}
	switch {
	case o.BanMax < o.BanFirst:
		return fmt.Errorf("firewall: the longest ban, %v, is shorter than the first, %v", o.BanMax, o.BanFirst)
	case !(o.Police > 0) || !(o.Ban > 0) || math.IsInf(o.Police+o.Ban, 0):
		return fmt.Errorf("firewall: sources are policed at %v and banned at %v: both must be more than 0", o.Police, o.Ban)
	case o.Bans < 1 || o.Sources < ways || o.Proofs < proofWays || o.Flows < 0 || o.Peers < 0 || o.Merge < 0 || o.Merge == 1:
		return errors.New("firewall: a table has no room; or one network is enough to ban a larger one")
	case o.Log == nil || o.Start.IsZero():
		return errors.New("firewall: no log, or no time when the clock began")
	}
	for w, v := range o.Weights {
		if bits.OnesCount16(uint16(w)) != 1 || w >= 1<<offences {
			return fmt.Errorf("firewall: a weight for %q: name one offence", w)
		}
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("firewall: offence %q weighs %v", w, v)
		}
	}
	for _, p := range o.Never {
		if !p.IsValid() {
			return errors.New("firewall: an invalid network in the list of who is never banned")
		}
	}
	return nil
}
