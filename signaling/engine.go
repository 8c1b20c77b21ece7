package signaling

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"sbc/firewall"
	"sbc/policy/limit"
	"sbc/signaling/b2bua"
	"sbc/signaling/ident"
	"sbc/signaling/transport"
)

// An Engine runs the shards behind real sockets. Its methods may be called by
// any goroutine.
type Engine struct {
	// Constant after Start.
	key     [16]byte
	sorter  *Sorter
	began   time.Time
	sockets []*transport.UDP // by Flow.Listener; nil: that one is of streams
	streams []*transport.TCP // by Flow.Listener; nil: that one is of datagrams
	workers []*worker
	opened  chan struct{} // closed when sockets and streams are there
	readers sync.WaitGroup
	running sync.WaitGroup
	taps    taps
	guard   *firewall.Guard // nil: everybody is listened to
	busy    limit.Bucket    // of refusals to peers over their rate
	warned  limit.Bucket    // of lines about connections

	bansMade uint64 // that cutBanned has acted on; of the first shard's goroutine

	// Atomic. Never changed after it was stored; Reload stores another.
	live atomic.Pointer[Options]

	draining atomic.Bool

	reloading sync.Mutex // held by Reload
}

// options returns what the engine runs by now.
func (e *Engine) options() *Options { return e.live.Load() }

// A worker is one shard with its inbox and its goroutine.
type worker struct {
	e      *Engine
	shard  *Shard
	inbox  *inbox
	out    [][]transport.Datagram // by listener
	from   [][]*client            // whose request each of them is, or nil
	failed []*client              // whose request no stream took
}

// Start opens the listeners and begins to serve. An error of a listener says
// which address cannot be had and what to do.
func Start(o Options) (*Engine, error) {
	if o.Start.IsZero() {
		o.Start = time.Now()
	}
	if o.Shards == 0 {
		o.Shards = min(runtime.GOMAXPROCS(0), ident.Shards)
	}
	e := &Engine{began: o.Start, opened: make(chan struct{})}
	e.live.Store(&o)
	o.streams, o.where, o.talkers = newShared(&o)
	if err := e.post(&o); err != nil {
		return nil, err
	}
	rand.Read(e.key[:])
	e.sorter = NewSorter(e.key, o.BindingKey, o.Shards)
	for i := range o.Shards {
		var seed [32]byte
		rand.Read(seed[:])
		n := len(o.Listeners)
		e.workers = append(e.workers, &worker{
			e: e, shard: NewShard(&o, i, o.Shards, e.key, seed), inbox: newInbox(),
			out: make([][]transport.Datagram, n), from: make([][]*client, n),
		})
	}
	if err := e.listen(); err != nil {
		return nil, errors.Join(err, e.closeSockets(), e.dismiss())
	}
	for _, w := range e.workers {
		e.running.Add(1)
		go w.run()
	}
	for _, u := range e.sockets {
		if u != nil {
			e.readers.Add(1)
			go e.read(u)
		}
	}
	return e, nil
}

// post posts the guard, if there is to be one.
func (e *Engine) post(o *Options) error {
	if o.Guard == nil {
		return nil
	}
	known := func(realm int, src netip.AddrPort, listener uint16) firewall.Class {
		return e.options().Known(realm, src, listener)
	}
	g, err := o.Guard(known)
	e.guard, o.guard, o.cutBanned = g, g, e.cutBanned
	return err
}

func (e *Engine) dismiss() error {
	if e.guard == nil {
		return nil
	}
	return e.guard.Close()
}

// Guard returns who decides whom we listen to; nil: nobody.
func (e *Engine) Guard() *firewall.Guard { return e.guard }

func (e *Engine) listen() error {
	defer close(e.opened)
	n := len(e.options().Listeners)
	e.sockets, e.streams = make([]*transport.UDP, n), make([]*transport.TCP, n)
	for i, l := range e.options().Listeners {
		if l.TCP {
			t, err := e.listenTCP(i, l)
			if err != nil {
				return err
			}
			e.streams[i] = t
			continue
		}
		u, err := transport.ListenUDP(transport.Options{ID: transport.ListenerID(i), Realm: e.options().Realms[l.Realm].Name, Addr: l.Addr, ReceiveBuffer: receiveBuffer})
		if err != nil {
			return err
		}
		e.sockets[i] = u
		if n := u.ReceiveBuffer(); n < receiveBuffer {
			e.options().Log.Warn("small receive buffer: bursts of messages may be lost; give the process CAP_NET_ADMIN or raise sysctl net.core.rmem_max",
				"listener", l.Addr, "octets", n, "wanted", receiveBuffer)
		}
	}
	return nil
}

func (e *Engine) closeSockets() (err error) {
	for _, u := range e.sockets {
		if u != nil {
			err = errors.Join(err, u.Close())
		}
	}
	for _, t := range e.streams {
		if t != nil {
			err = errors.Join(err, t.Close())
		}
	}
	return err
}

func (e *Engine) now() time.Duration { return time.Since(e.began) }

// read is the reader of one listener: it parses, and puts each message into
// the inbox of its shard.
func (e *Engine) read(u *transport.UDP) {
	defer e.readers.Done()
	batch := transport.NewBatch(0)
	sorted := make([][]*packet, len(e.workers))
	for {
		if _, err := u.ReadBatch(batch); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			// Out of buffers or memory: that passes.
			e.options().Log.Warn("listener", "err", err)
			time.Sleep(10 * time.Millisecond)
			continue
		}
		for _, in := range batch.Packets {
			class, ok := e.admits(uint16(u.ID()), in.Src, in.Bytes)
			if !ok || e.keepsAlive(u, in) {
				continue
			}
			p := packets.Get().(*packet)
			p.flow = b2bua.Flow{Listener: uint16(u.ID()), Remote: in.Src}
			p.buf = append(p.buf[:0], in.Bytes...)
			p.m, p.err = &p.msg, p.msg.Parse(p.buf)
			switch e.passes(class, p.flow, p.m, p.err) {
			case isDropped:
				p.done()
				continue
			case isRefused:
				p.over = true
			}
			i := e.sorter.Shard(p.m, p.err)
			sorted[i] = append(sorted[i], p)
		}
		for i, ps := range sorted {
			if len(ps) > 0 {
				e.workers[i].inbox.put(ps)
				sorted[i] = ps[:0]
			}
		}
	}
}

// run is the shard's goroutine.
func (w *worker) run() {
	defer w.e.running.Done()
	wait := time.NewTimer(0)
	defer wait.Stop()
	var ps []*packet
	for {
		select {
		case <-w.inbox.wake:
		case <-wait.C:
		}
		var asks []func(*Shard)
		var closed bool
		ps, asks, closed = w.inbox.take(ps)
		for i, p := range ps {
			if p.over {
				w.shard.OverRate(w.e.now(), p.flow, p.m)
			} else {
				w.shard.Message(w.e.now(), p.flow, p.m, p.err)
			}
			p.done()
			ps[i] = nil
			if len(w.shard.out) >= 64 {
				w.flush()
			}
		}
		w.shard.Advance(w.e.now())
		for _, ask := range asks {
			ask(w.shard)
		}
		w.flush()
		for _, n := range w.shard.Notices() {
			w.e.tell(n)
		}
		if closed {
			return
		}
		if at, ok := w.shard.Next(); ok {
			wait.Reset(max(at-w.e.now(), timerGrain))
		}
	}
}

// flush sends what the shard has to send, a batch a listener.
func (w *worker) flush() {
	// What could not be sent leads to more: the next target of a call.
	for len(w.shard.out) > 0 {
		w.flushOnce()
	}
}

func (w *worker) flushOnce() {
	out := w.shard.Out()
	for i := range out {
		l := out[i].Flow.Listener
		if t := w.e.streams[l]; t != nil {
			w.write(t, &out[i])
			continue
		}
		w.out[l] = append(w.out[l], transport.Datagram{Dst: out[i].Flow.Remote, Bytes: out[i].Bytes})
		w.from[l] = append(w.from[l], out[i].from)
	}
	for l, list := range w.out {
		if len(list) == 0 {
			continue
		}
		if sent, _ := w.e.sockets[l].WriteBatch(list); sent < len(list) {
			w.unsent(list, w.from[l])
		}
		clear(w.from[l])
		w.out[l], w.from[l] = list[:0], w.from[l][:0]
	}
	// Only now: what they lead to takes the memory of what went out.
	for i, tx := range w.failed {
		w.shard.fail(tx)
		w.failed[i] = nil
	}
	w.failed = w.failed[:0]
}

// unsent finds the transactions for which there is no way to the far end. What
// did not fit into the send buffer is lost as on any network, and sent again.
func (w *worker) unsent(list []transport.Datagram, from []*client) {
	for i := range list {
		if err := list[i].Err; err != nil && from[i] != nil && !errors.Is(err, transport.ErrFull) && !errors.Is(err, net.ErrClosed) {
			w.failed = append(w.failed, from[i])
		}
	}
}

// Ready reports whether the engine takes calls.
func (e *Engine) Ready() bool { return len(e.workers) > 0 && !e.draining.Load() }

// Stop ends all calls, waits until they are gone or ctx ends, and closes
// everything. The error says how many calls had to be left.
func (e *Engine) Stop(ctx context.Context) error {
	e.each(func(s *Shard) { s.Close("shutdown") })
	left := e.drained(ctx)
	err := errors.Join(e.closeSockets(), e.dismiss())
	for _, w := range e.workers {
		w.inbox.close()
	}
	e.readers.Wait()
	e.running.Wait()
	e.closeTaps()
	if left > 0 {
		err = errors.Join(err, fmt.Errorf("%d calls had not ended on both sides when time was up", left))
	}
	return err
}

// drained waits until no call is left.
func (e *Engine) drained(ctx context.Context) int {
	for {
		left := 0
		e.each(func(s *Shard) { left += s.calls.Len() })
		if left == 0 || ctx.Err() != nil {
			return left
		}
		select {
		case <-ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// each runs f in the goroutine of each shard, one after the other.
func (e *Engine) each(f func(*Shard)) {
	for _, w := range e.workers {
		w.inbox.do(f)
	}
}
