package resolve

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Options are what a Resolver needs to know.
type Options struct {
	Names   []Name
	Every   time.Duration // between two look-ups of a name; 0: 1 min
	Keep    time.Duration // how long the last good answer is used when look-ups fail; 0: 1 h
	Timeout time.Duration // of one look-up of one family; 0: 3 s
	Retry   time.Duration // before the first repetition after a failure, doubled up to Every; 0: 2 s

	// Changed is called by the resolver's goroutine for each change, one after
	// the other. While it runs no name is looked up.
	Changed func(Change)

	// Dial reaches the name servers of /etc/resolv.conf; nil: as the machine
	// does. /etc/hosts is read before they are asked.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Resolver keeps the addresses of names.
type Resolver struct {
	// Constant after start.
	o    Options
	stop context.CancelFunc
	done sync.WaitGroup

	// Atomic.
	addrs []atomic.Pointer[[]netip.Addr]

	dialer dialer

	// Owned by the resolver's goroutine.
	dns     *net.Resolver
	entries []entry
}

// Start begins to look up. It returns at once; Close ends it.
func Start(o Options) *Resolver {
	o.Every = orElse(o.Every, time.Minute)
	o.Keep = orElse(o.Keep, time.Hour)
	o.Timeout = orElse(o.Timeout, 3*time.Second)
	o.Retry = orElse(o.Retry, retryFirst)
	if o.Changed == nil {
		o.Changed = func(Change) {}
	}
	if o.Dial == nil {
		o.Dial = new(net.Dialer).DialContext
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &Resolver{
		o:       o,
		stop:    stop,
		addrs:   make([]atomic.Pointer[[]netip.Addr], len(o.Names)),
		dialer:  dialer{dial: o.Dial},
		entries: make([]entry, len(o.Names)),
	}
	for i := range o.Names {
		if known := o.Names[i].Known; len(known) > 0 {
			r.entries[i].begin(known, time.Now())
			r.addrs[i].Store(&known)
		}
	}
	r.dns = r.dialer.resolver()
	r.done.Add(1)
	go r.run(ctx)
	return r
}

func orElse(d, other time.Duration) time.Duration {
	if d <= 0 {
		return other
	}
	return d
}

// Addrs returns what is known of Options.Names[name]: nothing before the first
// answer. It never waits. The slice is shared and must not be changed.
func (r *Resolver) Addrs(name int) []netip.Addr {
	if p := r.addrs[name].Load(); p != nil {
		return *p
	}
	return nil
}

// Close ends the look-up that is under way and returns when the goroutine has
// ended. Changed must not call it.
func (r *Resolver) Close() {
	r.stop()
	r.done.Wait()
}

func (r *Resolver) run(ctx context.Context) {
	defer r.done.Done()
	if len(r.entries) == 0 {
		return
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		i := r.due()
		r.lookUp(ctx, i)
		if ctx.Err() != nil {
			return
		}
		timer.Reset(time.Until(r.entries[r.due()].next))
	}
}

// due returns the name that is to be looked up first.
func (r *Resolver) due() int {
	first := 0
	for i := range r.entries {
		if r.entries[i].next.Before(r.entries[first].next) {
			first = i
		}
	}
	return first
}

func (r *Resolver) lookUp(ctx context.Context, i int) {
	n := r.o.Names[i]
	var answers [families]answer
	for f := range families {
		if n.asks(f) {
			answers[f].addrs, answers[f].err = r.ask(ctx, f, n)
		}
	}
	if ctx.Err() != nil {
		return
	}
	c, ok := r.entries[i].answered(n, time.Now(), &r.o, answers)
	if !ok {
		return
	}
	c.Name = i
	r.addrs[i].Store(&c.Addrs)
	r.o.Changed(c)
}

// ask looks up one family. It takes Options.Timeout at most.
func (r *Resolver) ask(ctx context.Context, f family, n Name) ([]netip.Addr, error) {
	short, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	r.dialer.begin()
	defer r.dialer.hangUp()
	return r.dns.LookupNetIP(short, f.network(), n.question())
}
