package public

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// A Watch keeps the public address of a realm. All methods may be called from
// any goroutine, and none waits for the network but Close.
type Watch struct {
	o     Options
	stop  context.CancelFunc
	ended sync.WaitGroup

	mu    sync.Mutex
	state State // Guarded by mu.

	telling sync.Mutex // Held while Changed is called: one call after the other.
}

// New begins to learn. What the configuration says, and a public address of
// the interface itself, is in State when New returns; all else comes later. An
// error says what is wrong with o. The caller must Close the Watch.
func New(o Options) (*Watch, error) {
	o.defaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	w := &Watch{o: o}
	ctx, stop := context.WithCancel(context.Background())
	w.stop = stop
	list := w.learners()
	for _, l := range list {
		l.rest = l.still()
		l.advise()
		w.note(l)
	}
	for _, l := range list {
		if l.rest {
			continue
		}
		w.ended.Add(1)
		go func() {
			defer w.ended.Done()
			w.run(ctx, l)
			l.giveBack()
		}()
	}
	return w, nil
}

// learners makes what learns the two addresses.
func (w *Watch) learners() []*learner {
	first := newLearner(&w.o, w.o.Signaling, w.o.signaling())
	first.signaling = true
	if !w.o.apart() {
		first.media = true
		return []*learner{first}
	}
	second := newLearner(&w.o, w.o.Media, w.o.media())
	second.media = true
	return []*learner{first, second}
}

// apart reports whether media need a learner of their own.
func (o *Options) apart() bool {
	maps := o.Media.Method != STUN && o.Media.Method != Fixed
	return o.Media != o.Signaling || maps && len(o.media()) > 0
}

func (o *Options) check() error {
	if !o.Local.IsValid() || o.Local.IsUnspecified() {
		return fmt.Errorf("realm %q: no local address to ask from", o.Realm)
	}
	for _, s := range []Source{o.Signaling, o.Media} {
		switch s.Method {
		case Auto, UPnP, PCP, NATPMP:
		case STUN:
			if s.Server == "" {
				return fmt.Errorf("realm %q: STUN needs a server", o.Realm)
			}
		case Fixed:
			if !s.Addr.IsValid() || s.Addr.Unmap().Is4() != o.Local.Is4() {
				return fmt.Errorf("realm %q: %s cannot be the public address of %s", o.Realm, s.Addr, o.Local)
			}
		default:
			return fmt.Errorf("realm %q: unknown method %q", o.Realm, s.Method)
		}
	}
	return nil
}

// State returns what is known now.
func (w *Watch) State() State {
	w.mu.Lock()
	defer w.mu.Unlock()
	return State{Signaling: w.state.Signaling.clone(), Media: w.state.Media.clone()}
}

// Close gives the mappings back to the router, for at most some seconds, and
// ends the Watch. Changed is not called any more when it returns.
func (w *Watch) Close() {
	w.stop()
	w.ended.Wait()
}

// breath is between two turns at least. Ours.
const breath = time.Second

func (w *Watch) run(ctx context.Context, l *learner) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		was := l.now.Err
		next := l.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		l.advise()
		if l.now.Err != was && l.now.Err != "" {
			w.o.Log.Warn("public address", "realm", w.o.Realm, "err", l.now.Err)
		}
		w.tell(l)
		timer.Reset(max(time.Until(next), min(breath, w.o.Every)))
	}
}

// note puts what a learner knows into the state, and reports whether the world
// has been told something else.
func (w *Watch) note(l *learner) (changed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.signaling {
		now := l.now.clone()
		changed = w.state.Signaling.differs(&now)
		w.state.Signaling = now
	}
	if l.media {
		now := w.forMedia(l.now.clone())
		changed = w.state.Media.differs(&now) || changed
		w.state.Media = now
	}
	return changed
}

// tell notes what a learner knows, and calls Changed where it is news.
func (w *Watch) tell(l *learner) {
	w.telling.Lock()
	defer w.telling.Unlock()
	if !w.note(l) {
		return
	}
	now := w.State()
	w.o.Log.Info("public address", "realm", w.o.Realm, "now", now.String())
	if w.o.Changed != nil {
		w.o.Changed(now)
	}
}

// forMedia makes of what is known what concerns media.
func (w *Watch) forMedia(k Known) Known {
	if !w.o.apart() {
		k.Mappings = nil
	}
	k.Advice = nil
	r := w.o.MediaPorts
	if r.size() == 0 || k.Method == Own || k.Method == Fixed {
		return k
	}
	by := w.o.Media.Method
	switch {
	case by == STUN:
		k.Advice = []string{w.forward(fmt.Sprintf("UDP %d-%d", r.First, r.Last))}
	case len(w.o.media()) == 0:
		k.Advice = []string{fmt.Sprintf("%s: %d ports are more than a router is asked for (%d)",
			w.forward(fmt.Sprintf("UDP %d-%d", r.First, r.Last)), r.size(), w.o.MaxPorts)}
	}
	return k
}

// forward says what the operator has to do.
func (w *Watch) forward(what string) string { return forward(what, w.o.Local) }

func forward(what string, local netip.Addr) string {
	return fmt.Sprintf("forward %s to %s in the router yourself", what, local)
}

// advise notes which ports of signaling the operator has to forward: all where
// the method maps none.
func (l *learner) advise() {
	l.now.Advice = nil
	if l.source.Method != STUN {
		return
	}
	for _, p := range l.o.signaling() {
		l.now.Advice = append(l.now.Advice, forward(fmt.Sprintf("%s %d", upper(p.Transport), p.Port.Port), l.o.Local))
	}
}
