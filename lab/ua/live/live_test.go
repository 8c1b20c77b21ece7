package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sbc/lab/ua"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// loopback returns an address of our own among the 16 million of loopback, so
// that two runs of the test do not meet.
func loopback(n int) netip.AddrPort {
	pid := os.Getpid()
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, byte(100 + n), byte(pid >> 8), byte(pid)}), 5060)
}

func phone(t *testing.T, me, peer int, change func(o *Options)) *Phone {
	t.Helper()
	o := Options{Agent: ua.Options{
		User: string(rune('a' + me)), Addr: loopback(me), Peer: loopback(peer), MediaPort: 40000,
		Voice: uint64(10 + me), Hear: uint64(10 + peer), Rand: rand.New(rand.NewPCG(uint64(me), 0)),
	}}
	if change != nil {
		change(&o)
	}
	p, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func answer(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect {
	if e.Is == ua.Incoming {
		do = a.Answer(e.At, e.Call, do)
	}
	return do
}

func await(t *testing.T, p *Phone, kind ua.Kind) ua.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	e, _, err := p.Await(ctx, 0, func(e ua.Event) bool { return e.Is == kind })
	if err != nil {
		t.Fatalf("waiting for %q: %v, events %v", kind, err, p.Events())
	}
	return e
}

func TestTwoPhonesTalk(t *testing.T) {
	a := phone(t, 1, 2, func(o *Options) { o.TTL = 33 })
	b := phone(t, 2, 1, func(o *Options) { o.React = answer })
	id := a.Invite(ua.Invite{To: "b"})
	await(t, a, ua.Heard)
	await(t, b, ua.Heard)
	a.Hangup(id)
	for _, p := range []*Phone{a, b} {
		if e := await(t, p, ua.Ended); e.Audio.Wrong != 0 || e.Audio.Lost != 0 || e.Audio.Right < 50 {
			t.Errorf("audio %+v", e.Audio)
		}
		if err := p.Err(); err != nil {
			t.Error(err)
		}
		for _, e := range p.Events() {
			if e.Is == ua.Violation {
				t.Error(e.Text)
			}
		}
	}
}

// Close tells the far end.
func TestCloseHangsUp(t *testing.T) {
	a := phone(t, 1, 2, nil)
	b := phone(t, 2, 1, func(o *Options) { o.React = answer })
	a.Invite(ua.Invite{To: "b"})
	await(t, a, ua.Answered)
	await(t, b, ua.Answered)
	a.Close()
	a.Close()
	if e := await(t, b, ua.Ended); e.Cause != ua.ByFar {
		t.Errorf("the call ended: %s", e.Cause)
	}
	a.Hangup(1) // does nothing, and does not hang
}

func TestLostDatagramsAreSentAgain(t *testing.T) {
	lost := 0
	a := phone(t, 1, 2, func(o *Options) {
		o.Agent.Quiet = true
		o.Lose = func([]byte) bool { lost++; return lost == 1 }
	})
	b := phone(t, 2, 1, func(o *Options) { o.React, o.Agent.Quiet = answer, true })
	a.Invite(ua.Invite{To: "b"})
	await(t, a, ua.Answered)
	await(t, b, ua.Answered)
}

func TestErrorsAreKept(t *testing.T) {
	a := phone(t, 1, 2, nil)
	o := Options{Agent: ua.Options{User: "late", Addr: loopback(1), Rand: rand.New(rand.NewPCG(1, 1))}}
	if _, err := Start(o); err == nil || !strings.Contains(err.Error(), "phone late") {
		t.Errorf("an address was given twice: %v", err)
	}
	full := errors.New("no more sockets")
	b := phone(t, 2, 1, func(o *Options) {
		n := 0
		o.Listen = func(at netip.AddrPort) (*net.UDPConn, error) {
			if n++; n > 1 {
				return nil, full
			}
			return net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		}
	})
	b.Invite(ua.Invite{To: "a"})
	await(t, a, ua.Incoming)
	if err := b.Err(); !errors.Is(err, full) {
		t.Errorf("Err() = %v", err)
	}
}

func TestAwaitEndsWithItsContext(t *testing.T) {
	a := phone(t, 1, 2, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Await(ctx, 0, func(ua.Event) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("Await: %v", err)
	}
}
