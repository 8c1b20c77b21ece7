package signaling

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sbc/policy"
	"sbc/signaling/b2bua"
)

// Whereabouts tell which endpoints are behind which flow, and the ways to those
// that register here. All shards and readers
// share them. A binding is entered and taken out by the one shard that has it;
// who reads never waits.
type whereabouts struct {
	flows  sync.Map // *behind by b2bua.Flow
	places sync.Map // *[]located by place
	certs  sync.Map // certified by the connections whose certificates have proved somebody

	under *whereabouts // where it looks for what it does not have; nothing is written there. nil: nowhere
}

// A behind is what is behind a flow. It does not change; another one takes its
// place.
type behind struct {
	peer     int           // the endpoints, as policy knows them
	user     string        // of the address-of-record of the first binding
	bindings []uint64      // their serials
	route    []byte        // Route lines of what they send to their registrar (RFC 3608); nil: none
	heard    *atomic.Int64 // when something came last, in ns since the start of the process
}

// enter notes that a binding is behind a flow, with the route of its requests.
func (w *whereabouts) enter(f b2bua.Flow, peer int, user string, binding uint64, route []byte) {
	for {
		old, ok := w.flows.Load(f)
		if !ok {
			first := &behind{peer: peer, user: user, bindings: []uint64{binding}, route: route, heard: new(atomic.Int64)}
			if _, taken := w.flows.LoadOrStore(f, first); !taken {
				return
			}
			continue
		}
		b := old.(*behind)
		if slices.Contains(b.bindings, binding) && string(b.route) == string(route) {
			return
		}
		more := &behind{peer: b.peer, user: b.user, bindings: b.bindings, route: route, heard: b.heard}
		if !slices.Contains(b.bindings, binding) {
			more.bindings = append(slices.Clone(b.bindings), binding)
		}
		if w.flows.CompareAndSwap(f, b, more) {
			return
		}
	}
}

// leave notes that a binding is not behind a flow any more.
func (w *whereabouts) leave(f b2bua.Flow, binding uint64) {
	for {
		old, ok := w.flows.Load(f)
		if !ok {
			return
		}
		b := old.(*behind)
		i := slices.Index(b.bindings, binding)
		switch {
		case i < 0:
			return
		case len(b.bindings) == 1:
			if w.flows.CompareAndDelete(f, b) {
				return
			}
		default:
			less := &behind{peer: b.peer, user: b.user, bindings: slices.Delete(slices.Clone(b.bindings), i, i+1), route: b.route, heard: b.heard}
			if w.flows.CompareAndSwap(f, b, less) {
				return
			}
		}
	}
}

// at returns what is behind a flow; nil: nobody who registered.
func (w *whereabouts) at(f b2bua.Flow) *behind {
	if b, ok := w.flows.Load(f); ok {
		return b.(*behind)
	}
	if w.under != nil {
		return w.under.at(f).copy()
	}
	return nil
}

// copy returns a behind of its own: what is heard of one is not heard of the
// other.
func (b *behind) copy() *behind {
	if b == nil {
		return nil
	}
	own := *b
	own.heard = new(atomic.Int64)
	own.heard.Store(b.heard.Load())
	return &own
}

// flowOf returns the flow of those who registered by a listener from an address;
// of several connections any.
func (w *whereabouts) flowOf(listener uint16, remote netip.AddrPort) (flow b2bua.Flow, ok bool) {
	w.flows.Range(func(k, _ any) bool {
		flow = k.(b2bua.Flow)
		ok = flow.Listener == listener && flow.Remote == remote
		return !ok
	})
	return flow, ok
}

// Ours: 5 s. The shard of a binding is told that something came from it no more
// often: what it plans by that counts in tens of seconds.
const heardEvery = 5 * time.Second

// hear notes that something came, and reports whether the shards of the
// bindings want to know.
func (b *behind) hear(now time.Duration) bool {
	last := time.Duration(b.heard.Load())
	return now-last >= heardEvery && b.heard.CompareAndSwap(int64(last), int64(now))
}

// expect lets the next that comes be told, whatever came before: somebody waits
// for it.
func (b *behind) expect(now time.Duration) { b.heard.Store(int64(now - heardEvery)) }

// Bound reports whether an endpoint is known to be behind a flow, for the
// simulation.
func (s *Shard) Bound(flow b2bua.Flow) bool {
	return s.registrar != nil && s.opt.where.at(flow) != nil
}

// A certified is the peer whose certificate is at the other end of a connection.
type certified struct {
	names  []string // that it has proved
	peer   int
	rules  *policy.Rules // by which it is
	former bool          // by others, and not by these
}

// by returns who it is by other rules.
func (c certified) by(rules *policy.Rules, realm int) certified {
	if c.rules == rules {
		return c
	}
	peer, ok := rules.Named(realm, c.names)
	if !ok {
		peer = c.peer
	}
	return certified{names: c.names, peer: peer, rules: rules, former: !ok}
}

// certify notes that the certificate at the other end of a connection is a peer's.
func (w *whereabouts) certify(conn uint64, c certified) { w.certs.Store(conn, c) }

func (w *whereabouts) uncertify(conn uint64) { w.certs.Delete(conn) }

// certified returns the peer that a connection is from, or was from.
func (w *whereabouts) certified(conn uint64) (c certified, ok bool) {
	if conn == 0 {
		return c, false
	}
	if c, ok := w.certs.Load(conn); ok {
		return c.(certified), true
	}
	if w.under != nil {
		return w.under.certified(conn)
	}
	return c, false
}
