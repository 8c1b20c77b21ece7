package firewall

import (
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A writer tells the kernel. What is to be told stands in a queue in the order
// in which it happened. If the queue is full, or a call fails, the kernel is
// behind; then it is compared with what should be in it and made equal.
type writer struct {
	// Constant after newWriter.
	g       *Guard
	k       Kernel
	changes chan change
	sync    chan struct{} // holds one
	stop    chan struct{}
	done    chan struct{}

	// Atomic.
	started atomic.Bool
	behind  atomic.Bool
	says    bucket

	// Owned by the goroutine.
	adopted bool // what an earlier process left was looked at

	// Guarded by mu, which is taken last.
	mu    sync.Mutex
	again time.Duration // when the kernel may be made equal next
	pause time.Duration // until then after the next failure
}

// A change is one thing that is to be told.
type change struct {
	is     changeKind
	prefix netip.Prefix
	until  time.Duration
	flow   Spared
}

type changeKind uint8

const (
	banIt changeKind = iota
	unban
	trust   // the list is the Guard's
	police  // likewise
	spareIt // whether is the Guard's
)

// Ours:
const (
	// What a scan from some hundred networks brings while one call takes long.
	changesMax = 1 << 10
	// How often the kernel is made equal while that fails.
	pauseMin, pauseMax = time.Second, time.Minute
	// A ban whose end differs by less in the kernel is left as it is.
	endSlack = 2 * time.Second
)

// sayKernel is how often a failure is told.
var sayKernel = pace{interval: time.Minute}

func newWriter(g *Guard, k Kernel) *writer {
	w := &writer{g: g, k: k, changes: make(chan change, changesMax), sync: make(chan struct{}, 1),
		stop: make(chan struct{}), done: make(chan struct{}), pause: pauseMin}
	w.behind.Store(true)
	w.sync <- struct{}{}
	return w
}

// Start begins to tell the kernel, after Restore: it starts the one goroutine of
// a Guard, which Close ends. What an earlier process left in the kernel is taken
// over. Without a kernel it does nothing.
func (g *Guard) Start() {
	if g.kernel != nil && !g.kernel.started.Swap(true) {
		go g.kernel.run()
	}
}

// Close ends what Start began, and closes the kernel. It is called once. Nothing
// is told to the kernel from there on; all else goes on in user space.
func (g *Guard) Close() error {
	if g.kernel == nil {
		return nil
	}
	if g.kernel.started.Load() {
		close(g.kernel.stop)
		<-g.kernel.done
	}
	return g.kernel.k.Close()
}

func (w *writer) run() {
	defer close(w.done)
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		select {
		case <-w.stop:
			return
		case <-w.sync:
			w.equal()
		case c := <-w.changes:
			// Before that nobody can tell what is in the kernel from what an
			// earlier process left. The comparison has this change, too.
			if w.adopted {
				w.result(w.apply(c))
			}
		}
	}
}

// tell queues a change. mu is held, so that changes stand in their order.
func (g *Guard) tell(c change) {
	if g.kernel == nil || (c.is == banIt || c.is == unban) && (g.o.Count || !fits(c.prefix)) {
		return
	}
	select {
	case g.kernel.changes <- c:
	default:
		g.counts.kernelLost.Add(1)
		g.kernel.behind.Store(true)
	}
}

// fits tells whether a ban is one that kernels take, which know the lengths that
// scores lead to. Any other network that the operator bans is refused in user
// space.
func fits(p netip.Prefix) bool {
	a := p.Addr()
	switch p.Bits() {
	case 32:
		return a.Is4() && !a.IsMulticast() && !a.IsUnspecified()
	case 64, 56, 48:
		return a.Is6() && !a.IsMulticast() && !a.IsLinkLocalUnicast()
	}
	return false
}

// Police replaces what the kernel lets through of strangers.
func (g *Guard) Police(p Policing) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.police = p
	g.tell(change{is: police})
}

// advance has the kernel made equal if it is time.
func (w *writer) advance(now time.Duration) {
	if !w.behind.Load() {
		return
	}
	w.mu.Lock()
	due := now >= w.again
	w.mu.Unlock()
	if !due {
		return
	}
	select {
	case w.sync <- struct{}{}:
	default:
	}
}

func (w *writer) now() time.Duration { return time.Duration(w.g.clock.Load()) }

// result counts how a call ended.
func (w *writer) result(err error) bool {
	if err == nil {
		w.g.counts.kernelDone.Add(1)
		return true
	}
	w.g.counts.kernelFailed.Add(1)
	w.behind.Store(true)
	if w.says.take(w.now(), sayKernel) {
		w.g.log.Warn("the kernel does not take bans: they hold in user space, and it is tried again", slog.String("engine", w.k.Name()), slog.Any("err", err))
	}
	return false
}

// apply carries out one change.
func (w *writer) apply(c change) error {
	g := w.g
	switch c.is {
	case banIt:
		if left := c.until - w.now(); left > 0 {
			return w.k.Ban(c.prefix, left)
		}
		return nil
	case unban:
		return w.k.Unban(c.prefix)
	case trust:
		g.mu.Lock()
		list := g.trusted // which is replaced, never changed
		g.mu.Unlock()
		return w.k.Trust(slices.Clone(list))
	case police:
		g.mu.Lock()
		p := g.police
		g.mu.Unlock()
		return w.k.Police(w.policing(p))
	}
	return w.spare(c.flow)
}

// policing is what the kernel is told: nothing is refused where the Guard only
// counts.
func (w *writer) policing(p Policing) Policing {
	if w.g.o.Count {
		p.Source, p.All, p.SourceFragments, p.AllFragments = Rate{}, Rate{}, Rate{}, Rate{}
	}
	return p
}

// spare tells of a flow what is true of it now.
func (w *writer) spare(flow Spared) error {
	g := w.g
	g.mu.Lock()
	sp := g.spared[flow]
	if sp == nil || sp.wanted && sp.told {
		g.mu.Unlock()
		return nil
	}
	on := sp.wanted
	g.mu.Unlock()
	if err := w.k.Spare(flow, on); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	sp.told = on
	if !on && !sp.wanted {
		delete(g.spared, flow)
	}
	return nil
}
