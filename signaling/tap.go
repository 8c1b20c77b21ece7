package signaling

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Ours: operators that look at the same time; a second of a busy shard's
// steps, and what they may hold of the process's memory.
const (
	tapsMax      = 4
	tapSteps     = 1 << 12
	tapOctetsMax = 8 << 20
)

// ErrTaps is the error of one Tap too many.
var ErrTaps = errors.New("too many traces are running")

// A Tap gets the steps of calls as they happen, those that its filter chooses.
// Shards never wait for it: steps that do not fit into its queue are dropped
// and counted. Its methods may be called by any goroutine.
type Tap struct {
	// Constant after open.
	e       *Engine
	slot    int
	serial  uint32
	choose  *chooser
	changes bool
	queue   chan *tapStep
	ended   chan struct{}

	// Atomic.
	octets  atomic.Int64 // in queue
	dropped atomic.Uint64

	closing sync.Once
}

// taps are the Taps of an engine.
type taps struct {
	mu     sync.Mutex
	list   [tapsMax]*Tap // by slot
	serial uint32
	closed bool
}

// Tap begins to listen. The caller closes the Tap. The error is a
// *TraceFilterError, ErrTaps, or io.EOF after the engine's end.
func (e *Engine) Tap(f TraceFilter) (*Tap, error) {
	choose, err := compile(&f, e.options().Rules.Peers())
	if err != nil {
		return nil, err
	}
	e.taps.mu.Lock()
	defer e.taps.mu.Unlock()
	if e.taps.closed {
		return nil, io.EOF
	}
	slot := slices.Index(e.taps.list[:], nil)
	if slot < 0 {
		return nil, ErrTaps
	}
	e.taps.serial++
	t := &Tap{
		e: e, slot: slot, serial: e.taps.serial, choose: choose, changes: f.Changes,
		queue: make(chan *tapStep, tapSteps), ended: make(chan struct{}),
	}
	e.taps.list[slot] = t
	e.tellShards()
	return t, nil
}

// tellShards gives the shards the list of those who listen, nil if nobody
// does. The caller holds the lock.
func (e *Engine) tellShards() {
	var list []*Tap
	for _, t := range e.taps.list {
		if t != nil {
			list = append(list, t)
		}
	}
	p := &list
	if len(list) == 0 {
		p = nil
	}
	for _, w := range e.workers {
		w.shard.tap.list.Store(p)
	}
}

// Close ends the Tap: Next returns what waits, and then io.EOF.
func (t *Tap) Close() {
	t.closing.Do(func() {
		t.e.taps.mu.Lock()
		defer t.e.taps.mu.Unlock()
		t.e.taps.list[t.slot] = nil
		t.e.tellShards()
		close(t.ended)
	})
}

// closeTaps ends all Taps, after the shards.
func (e *Engine) closeTaps() {
	e.taps.mu.Lock()
	e.taps.closed = true
	list := e.taps.list
	e.taps.mu.Unlock()
	for _, t := range list {
		if t != nil {
			t.Close()
		}
	}
}

// Dropped returns how many steps did not fit.
func (t *Tap) Dropped() uint64 { return t.dropped.Load() }

// Next waits for the next step. The error is io.EOF when the Tap or the engine
// has ended, or that of ctx.
func (t *Tap) Next(ctx context.Context) (TraceEvent, error) {
	select {
	case st := <-t.queue:
		return t.show(st), nil
	default:
	}
	select {
	case st := <-t.queue:
		return t.show(st), nil
	case <-ctx.Done():
		return TraceEvent{}, ctx.Err()
	case <-t.ended:
	}
	select {
	case st := <-t.queue: // what came before the end
		return t.show(st), nil
	default:
		return TraceEvent{}, io.EOF
	}
}

// push queues a step. It never waits.
func (t *Tap) push(st *tapStep) {
	n := st.octets()
	if t.octets.Add(n) <= tapOctetsMax {
		select {
		case t.queue <- st:
			return
		default:
		}
	}
	t.octets.Add(-n)
	t.dropped.Add(1)
}

func (t *Tap) show(st *tapStep) TraceEvent {
	t.octets.Add(-st.octets())
	ev := st.event(t.e, t.changes)
	ev.Dropped = t.dropped.Load()
	return ev
}

// since is the moment of a shard's time.
func (e *Engine) since(d time.Duration) time.Time { return e.began.Add(d) }
