package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Options say how to run the demo.
type Options struct {
	Program string    // the sbc to run
	Example []byte    // its configuration
	Out     io.Writer // where the story is told
	Once    bool      // end after the first calls, else stay up until the context ends
	Local   bool      // on loopback, also where namespaces could be made
}

// ErrFailed is the error of a demo that showed what must not be. What it is
// has been written to Options.Out.
var ErrFailed = errors.New("the demo found something wrong; see above")

// Ours: setting up takes a second, the calls six.
const onceTime = 30 * time.Second

// Run shows the demo. It returns ErrFailed when a call failed, was not heard,
// or something leaked or was left behind.
func Run(ctx context.Context, o Options) error {
	t := &teller{w: o.Out}
	short, cancel := context.WithTimeout(ctx, onceTime)
	defer cancel()
	w, err := build(o)
	if err != nil {
		return err
	}
	defer w.close()
	if err := w.await(short); err != nil {
		return fmt.Errorf("%w\n%s", err, w.border.Output())
	}
	t.scene(w)
	if err := w.show(short, t); err != nil {
		return fmt.Errorf("%w\n%s", err, w.border.Output())
	}
	if !o.Once && ctx.Err() == nil {
		t.hint(w)
		w.goOn(ctx)
	}
	if err := w.stop(); err != nil {
		t.wrong("the border did not end as it should: %v", err)
	}
	if t.failed {
		return ErrFailed
	}
	return t.err
}

// show makes the calls and tells of them.
func (w *world) show(ctx context.Context, t *teller) error {
	first, err := w.call(ctx, w.pbx, w.itsp, outgoing)
	if err != nil {
		return err
	}
	second, err := w.call(ctx, w.itsp, w.pbx, incoming)
	if err != nil {
		return err
	}
	st, err := w.quiet(ctx)
	if err != nil {
		return err
	}
	t.ladder(first)
	t.hidden(first)
	t.media(first, second)
	t.verdict(w, st, first, second)
	return nil
}

// Ours: often enough to find a call up at any time.
const (
	between = 2 * time.Second
	talking = 20 * time.Second
)

// goOn makes one call after the other until ctx ends.
func (w *world) goOn(ctx context.Context) {
	for ctx.Err() == nil {
		id := w.pbx.phone.Invite(outgoing.invite())
		if wait(ctx, talking) {
			w.pbx.phone.Hangup(id)
			wait(ctx, between)
		}
	}
}

// wait waits and reports whether it did so to the end.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
