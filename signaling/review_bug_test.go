package signaling

import (
	"testing"
	"time"

	"sbc/mediarelay"
)

// A broken is media with a bug in it.
type broken struct {
	*mediarelay.Model
	now bool // the bug is met next
}

func (b *broken) meet() {
	if b.now {
		b.now = false
		panic("a bug")
	}
}

type brokenStream struct {
	mediarelay.Stream
	of *broken
}

func (b *broken) Open(o mediarelay.Open) (mediarelay.Stream, error) {
	st, err := b.Model.Open(o)
	return &brokenStream{st, b}, err
}

func (s *brokenStream) Set(side mediarelay.Side, r mediarelay.Remote) {
	s.of.meet()
	s.Stream.Set(side, r)
}

func (s *brokenStream) Close() [2]mediarelay.Stats {
	s.of.meet()
	return s.Stream.Close()
}

func (w *world) breakMedia() *broken {
	b := &broken{Model: w.media}
	w.s.opt.Media, w.s.media = b, b
	return b
}

// A bug that the timer of a transaction meets ends the call that it is about,
// and nothing else.
func TestBugInATimer(t *testing.T) {
	w := newWorld(t)
	media := w.breakMedia()
	w.want(w.send(pbxAddr, invite), "a 100, b INVITE")
	other := w.want(w.send(pbxAddr, replaced("pbxone", "two", "secret-call", "other-call")), "a 100, b INVITE")[1]
	w.want(w.send(itspAddr, respond(other, 180, gateway, "")), "a 180")
	w.wait(31 * time.Second)
	media.now = true
	out := w.wait(1100 * time.Millisecond) // timer B: the next target
	if w.s.stats.panics != 1 || w.s.calls.Len() != 1 {
		t.Fatalf("%d panics, %d calls are left of two, sent %s", w.s.stats.panics, w.s.calls.Len(), labels(out))
	}
	w.want(w.send(itspAddr, respond(other, 486, "", "")), "b ACK, a 486")
	w.nothingLeft()
}

// A bug that no call has met ends none.
func TestBugOutsideOfCalls(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	merge := w.s.merge
	w.s.merge = nil
	w.send(pbxAddr, withoutBody(replaced("INVITE", "OPTIONS", "pbxone", "options", "secret-call", "other")))
	w.s.merge = merge
	if w.s.stats.panics != 1 || w.s.calls.Len() != 1 {
		t.Fatalf("%d panics, %d calls are left of one", w.s.stats.panics, w.s.calls.Len())
	}
	w.bye(ok, 11)
}

// A bug that the operator meets at the end of one call leaves the others, and
// nothing of the one is kept.
func TestBugAtHangup(t *testing.T) {
	w := newWorld(t)
	media := w.breakMedia()
	w.setUp()
	second := w.want(w.send(pbxAddr, replaced("pbxone", "two", "secret-call", "other-call")), "a 100, b INVITE")[1]
	media.now = true
	w.s.end(w.s.calls.All()[0], "operator")
	out := w.want(w.sent(), "a BYE, b BYE")
	w.want(w.send(pbxAddr, respond(out[0], 200, "", "")), "")
	w.want(w.send(itspAddr, respond(out[1], 200, "", "")), "")
	if w.s.stats.panics != 1 || w.s.calls.Len() != 1 {
		t.Fatalf("%d panics, %d calls are left of two", w.s.stats.panics, w.s.calls.Len())
	}
	w.want(w.send(itspAddr, respond(second, 486, "", "")), "b ACK, a 486")
	w.nothingLeft()
}
