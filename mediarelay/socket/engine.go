package socket

import (
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// Options of the engine.
type Options struct {
	mediarelay.Options
	Workers int       // goroutines that relay; 0: DefaultWorkers, or GOMAXPROCS if that is less
	Buffer  int       // octets that wait in the kernel for one port; 0: DefaultBuffer
	Start   time.Time // of the process: what times in Stats count from; zero: when the engine opened
}

const (
	// DefaultWorkers is the default of Options.Workers. Ours: one worker may
	// wait for a processor behind a busy shard; that both do is rare. More
	// would only take turns with the shards.
	DefaultWorkers = 2

	// DefaultBuffer is the default of Options.Buffer. Ours: two to three
	// seconds of audio, or half a second of video, by the kernel's way to
	// count; what is later than that is of no use to anybody.
	DefaultBuffer = 128 << 10

	// triesMax bounds how many pairs an Open finds taken by other processes
	// before it gives up. Ours: with half of the range taken, all tries fail
	// once in 2^32 times; and a shard waits for the answer.
	triesMax = 32

	// ip6 is the index of IPv6 where something is by family; IPv4 has 0.
	ip6 = 1
)

// An Engine relays media through UDP sockets. It is a mediarelay.Engine.
type Engine struct {
	// Constant after open.
	o       Options
	kernel  kernel
	start   time.Time
	base    [][2]int32 // of each realm's First in ports, by family
	workers []*worker
	wake    int // eventfd; readable when the workers must end

	// Atomic. All ports of all realms; nil: not open.
	ports []atomic.Pointer[port]

	running sync.WaitGroup // workers
	opening sync.WaitGroup // Opens that are under way

	// spirals orders the Sets that name a port of ours, see
	// mediarelay.Session.SetChecked. It is taken alone.
	spirals sync.Mutex

	// Guarded by mu, which is held for memory only, never for a system call.
	mu      sync.Mutex
	pools   []*mediarelay.Pool
	streams map[*stream]struct{}
	next    int // worker of the next stream
	down    bool
}

// New opens the engine. It tries to bind one socket at each address of each
// realm, so that a wrong address is found here and not in the first call.
func New(o Options) (*Engine, error) { return start(o, linux) }

func start(o Options, k kernel) (*Engine, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if o.Workers == 0 {
		o.Workers = min(DefaultWorkers, runtime.GOMAXPROCS(0))
	}
	if o.Buffer == 0 {
		o.Buffer = DefaultBuffer
	}
	var seed [32]byte
	_, _ = crand.Read(seed[:]) // never fails
	e := &Engine{
		o:       o,
		kernel:  k,
		start:   o.Start,
		wake:    -1,
		pools:   o.Pools(rand.New(rand.NewChaCha8(seed))),
		streams: make(map[*stream]struct{}),
	}
	if e.start.IsZero() {
		e.start = time.Now()
	}
	e.layOut()
	if err := e.begin(); err != nil {
		e.release()
		return nil, err
	}
	return e, nil
}

// layOut makes room for all ports of all realms.
func (e *Engine) layOut() {
	var n int32
	for i := range e.o.Realms {
		r, base := &e.o.Realms[i], [2]int32{}
		for family := range base {
			if r.Of(family == ip6).IsValid() {
				base[family] = n
				n += int32(r.Last) - int32(r.First) + 1
			}
		}
		e.base = append(e.base, base)
	}
	e.ports = make([]atomic.Pointer[port], n)
}

// try binds a socket at each address of a realm for a moment.
func (e *Engine) try(r *mediarelay.RealmPool) error {
	for family := range 2 {
		a := r.Of(family == ip6)
		if !a.IsValid() {
			continue
		}
		fd, err := e.kernel.listen(netip.AddrPortFrom(a, 0), e.o.Buffer)
		if errors.Is(err, unix.EADDRNOTAVAIL) {
			return fmt.Errorf("realm %q: %v is no address of this host: give it to an interface, or correct the realm's media address", r.Name, a)
		}
		if err != nil {
			return fmt.Errorf("realm %q: %w", r.Name, err)
		}
		_ = e.kernel.close(fd)
	}
	return nil
}

// begin tries the addresses and starts the workers.
func (e *Engine) begin() error {
	for i := range e.o.Realms {
		if err := e.try(&e.o.Realms[i]); err != nil {
			return err
		}
	}
	var err error
	if e.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("start media workers: %w", err)
	}
	for range e.o.Workers {
		w, err := newWorker(e)
		if err != nil {
			return err
		}
		e.workers = append(e.workers, w)
	}
	for _, w := range e.workers {
		e.running.Add(1)
		go func() {
			defer e.running.Done()
			w.run()
		}()
	}
	return nil
}

// release closes what begin opened.
func (e *Engine) release() {
	for _, w := range e.workers {
		_ = unix.Close(w.epfd)
	}
	if e.wake >= 0 {
		_ = unix.Close(e.wake)
	}
}

// Close closes every stream and ends the workers. When it returns, nothing of
// the engine is left. Closing again does nothing.
func (e *Engine) Close() error {
	e.mu.Lock()
	if e.down {
		e.mu.Unlock()
		return nil
	}
	e.down = true
	e.mu.Unlock()
	e.opening.Wait()

	for _, s := range e.live() {
		s.Close()
	}
	one := [8]byte{1}
	if _, err := unix.Write(e.wake, one[:]); err != nil {
		return fmt.Errorf("stop media workers: %w", err)
	}
	e.running.Wait()
	e.release()
	return nil
}

// live returns the streams that are open now.
func (e *Engine) live() []*stream {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]*stream, 0, len(e.streams))
	for s := range e.streams {
		list = append(list, s)
	}
	return list
}

// now returns the time since the start of the process.
func (e *Engine) now() time.Duration { return time.Since(e.start) }

// Ports returns the use of each realm's pool.
func (e *Engine) Ports() []mediarelay.PortUse {
	e.mu.Lock()
	defer e.mu.Unlock()
	use := make([]mediarelay.PortUse, len(e.pools))
	for i, p := range e.pools {
		use[i] = p.Use(e.now())
		use[i].Realm = e.o.Realms[i].Name
	}
	return use
}

// index returns the place in e.ports of a local address.
func (e *Engine) index(a netip.AddrPort) (int32, bool) {
	family := 0
	if a.Addr().Is6() {
		family = ip6
	}
	for i := range e.o.Realms {
		if r := &e.o.Realms[i]; r.Of(family == ip6) == a.Addr() && r.First <= a.Port() && a.Port() <= r.Last {
			return e.base[i][family] + int32(a.Port()-r.First), true
		}
	}
	return 0, false
}

// owns reports whether a is in the range of one of our pools.
func (e *Engine) owns(a netip.AddrPort) bool {
	_, ok := e.index(netip.AddrPortFrom(a.Addr().Unmap(), a.Port()))
	return ok
}
