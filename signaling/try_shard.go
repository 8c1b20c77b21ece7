package signaling

import (
	crand "crypto/rand"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"slices"

	"sbc/mediarelay"
	"sbc/signaling/registrar"
	"sbc/telemetry"
)

// Ours, of the shard of a Try: one call and its media.
const (
	tryPairs      = 64      // of media ports
	tryBindings   = 16      // addresses-of-record, of which it has none
	tryTraceBytes = 1 << 18 // of three messages of 64 KiB
)

// scratch returns a shard that decides as those of turns do now and touches
// nothing of theirs: it counts its call from where they stand on counters of its
// own, takes ports of its own, and looks at who is registered without being seen.
func scratch(turns []turn) (*Shard, error) {
	var o *Options
	var draining, closing bool
	turns[0](func(s *Shard) { o, draining, closing = s.opt.own(), s.draining, s.closing })
	if o == nil || closing {
		return nil, ErrStopping
	}
	var random [32 + 16 + 16]byte
	_, _ = crand.Read(random[:]) // it never fails
	media, err := spareMedia(o, rand.New(rand.NewPCG(binary.LittleEndian.Uint64(random[48:]), binary.LittleEndian.Uint64(random[56:]))))
	if err != nil {
		return nil, err
	}
	realms := make([]string, len(o.Realms))
	for i := range o.Realms {
		realms[i] = o.Realms[i].Name
	}
	o.Media = media
	o.Metrics = telemetry.New(telemetry.Options{Realms: realms, Peers: peerNames(o.Rules.Peers())})
	o.Log = slog.New(slog.DiscardHandler)
	o.Calls = o.Calls.Copy()
	o.Keep, o.Bindings, o.Visit = nil, nil, nil
	o.Guard, o.guard, o.cutBanned = nil, nil, nil // nobody is suspected for a try
	o.TraceBytes = tryTraceBytes
	o.streams, o.where, o.talkers = o.streams.with(o.Rules, o.Rules), &whereabouts{under: o.where}, o.talkers.copy()
	o.lookup = lookupIn(turns)
	o.Endpoints = slices.Clone(o.Endpoints)
	for i := range o.Endpoints {
		o.Endpoints[i].Bindings = tryBindings
	}
	s := NewShard(o, 0, 1, [16]byte(random[32:48]), [32]byte(random[:32]))
	s.draining = draining
	return s, nil
}

// lookupIn asks the shard that has a binding for it.
func lookupIn(turns []turn) func(serial uint64) (registrar.Binding, registrar.State) {
	return func(serial uint64) (b registrar.Binding, state registrar.State) {
		turns[int(uint8(serial))%len(turns)](func(s *Shard) { b, state = s.registrar.Lookup(s.clock(), serial) })
		return b, state
	}
}

// A spare is a media engine without sockets that has ports where the real one
// has.
type spare struct {
	*mediarelay.Model
	names []string // of realms
	full  []bool   // by realm: the real one has none left
}

func spareMedia(o *Options, r *rand.Rand) (*spare, error) {
	var mo mediarelay.Options
	for i := range o.Realms {
		realm := &o.Realms[i]
		first, last := realm.Ports[0], realm.Ports[1]
		if first == 0 {
			first, last = 1<<14, 1<<15 // all are ours
		}
		last = first + min(last-first, 2*tryPairs)
		mo.Realms = append(mo.Realms, mediarelay.RealmPool{Name: realm.Name, Addr: realm.Media.IP4, Addr6: realm.Media.IP6, First: first, Last: last})
	}
	m, err := mediarelay.NewModel(mo, r)
	if err != nil {
		return nil, err
	}
	s := &spare{Model: m}
	for _, use := range o.Media.Ports() {
		s.names = append(s.names, use.Realm)
		s.full = append(s.full, use.Total-use.InUse-use.Resting <= 0)
	}
	return s, nil
}

// Open is that of mediarelay.Engine.
func (s *spare) Open(o mediarelay.Open) (mediarelay.Stream, error) {
	for _, realm := range o.Realm {
		if realm < len(s.full) && s.full[realm] {
			return nil, &mediarelay.Exhausted{Realm: s.names[realm]}
		}
	}
	return s.Model.Open(o)
}
