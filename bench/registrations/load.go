package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sbc/bench/world"
)

const (
	ports     = 20                    // phones behind one address
	phonesMax = ports * (1<<16 - 256) // addresses of homes, without the first ones
	drain     = 2 * time.Second       // how long the last answers may take
)

// A phone registers from a flow of its own.
type phone struct {
	cseq    uint32
	bound   bool  // its last answer was a 200
	waiting bool  // for an answer
	sent    int64 // the REGISTER that is under way or was the last, in nanoseconds since 1970
}

// counts are what has happened so far.
type counts struct {
	sent     int // REGISTERs
	granted  int // 200
	sentBack int // 503 with Retry-After
	failed   int // any other answer
	options  int // that phones got
	atPBX    int // REGISTERs that reached the PBX
}

func (c counts) since(o counts) counts {
	return counts{c.sent - o.sent, c.granted - o.granted, c.sentBack - o.sentBack, c.failed - o.failed, c.options - o.options, c.atPBX - o.atPBX}
}

// A retry is a phone that was told when to come again.
type retry struct {
	phone int
	at    time.Time
}

// A load is all phones and the PBX. Everything runs in the goroutine that calls
// its methods.
type load struct {
	o       options
	kind    kind
	target  netip.AddrPort
	socks   []*world.Socket // of the phones, by port; then that of the PBX
	polls   []unix.PollFd
	phones  []phone
	pbx     *pbx
	began   time.Time
	ramped  int // phones that have sent their first REGISTER
	cycled  int // REGISTERs after the first ones
	retries []retry
	sum     counts
	times   []time.Duration // from REGISTER to answer; nil: nobody asks
	strange []byte          // the first answer that is none
	buf     []byte
}

func newLoad(w *world.World, k kind, o options) (l *load, err error) {
	l = &load{o: o, kind: k, target: sipAt(world.Outside), phones: make([]phone, o.phones), pbx: newPBX()}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	for i := range ports + 1 {
		space, port := w.ITSP, sipAt(world.ITSP).Port()+uint16(i)
		if i == ports {
			space, port = w.LAN, sipAt(world.LAN).Port()
		}
		s, err := world.Open(space, netip.AddrPortFrom(netip.IPv4Unspecified(), port))
		if err != nil {
			return l, err
		}
		l.socks = append(l.socks, s)
		l.polls = append(l.polls, unix.PollFd{Fd: int32(s.FD), Events: unix.POLLIN})
	}
	return l, nil
}

func (l *load) close() {
	for _, s := range l.socks {
		s.Close()
	}
}

// flow returns where a phone is seen from outside, and the place of its socket.
func (l *load) flow(i int) (netip.AddrPort, int) {
	a := homes.Addr().As4()
	n := i/ports + 256
	a[2], a[3] = byte(n>>8), byte(n)
	return netip.AddrPortFrom(netip.AddrFrom4(a), sipAt(world.ITSP).Port()+uint16(i%ports)), i % ports
}

// phoneAt is the inverse of flow.
func (l *load) phoneAt(a netip.Addr, port int) (int, bool) {
	b := a.As4()
	i := (int(b[2])<<8+int(b[3])-256)*ports + port
	return i, homes.Contains(a) && i >= 0 && i < len(l.phones)
}

// run lets the phones register, and register again, until a time.
func (l *load) run(until time.Time) error {
	if l.began.IsZero() {
		l.began = time.Now()
	}
	for at := time.Now(); at.Before(until); at = time.Now() {
		next, err := l.due(at)
		if err != nil {
			return err
		}
		if err := l.wait(min(next.Sub(at), until.Sub(at))); err != nil {
			return err
		}
	}
	return nil
}

// listen lets the phones and the PBX do nothing but answer, until a time.
func (l *load) listen(until time.Time) error {
	for at := time.Now(); at.Before(until); at = time.Now() {
		if err := l.wait(until.Sub(at)); err != nil {
			return err
		}
	}
	return nil
}

// wait waits for something to come, but no longer than most, and takes it.
func (l *load) wait(most time.Duration) error {
	t := unix.NsecToTimespec(max(most, 0).Nanoseconds())
	if _, err := unix.Ppoll(l.polls, &t, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for answers: %w", err)
	}
	return l.receive()
}

// due sends what is to be sent, and returns when there is more.
func (l *load) due(now time.Time) (next time.Time, err error) {
	all := len(l.phones)
	ramp := func() time.Time { return l.began.Add(time.Duration(l.ramped) * time.Second / time.Duration(l.o.ramp)) }
	for ; l.ramped < all && !ramp().After(now); l.ramped++ {
		if err := l.register(l.ramped); err != nil {
			return next, err
		}
	}
	first := l.began.Add(time.Duration(all) * time.Second / time.Duration(l.o.ramp))
	cycle := func() time.Time { return first.Add(time.Duration(l.cycled) * l.o.refresh / time.Duration(all)) }
	for ; !cycle().After(now); l.cycled++ {
		if err := l.register(l.cycled % all); err != nil {
			return next, err
		}
	}
	if next = cycle(); l.ramped < all {
		next = ramp()
	}
	kept := l.retries[:0]
	for _, r := range l.retries {
		if r.at.After(now) {
			kept = append(kept, r)
		} else if err := l.register(r.phone); err != nil {
			return next, err
		}
	}
	l.retries = kept
	return next, nil
}

func (l *load) register(i int) error {
	p := &l.phones[i]
	from, port := l.flow(i)
	p.cseq++
	l.buf = appendRegister(l.buf[:0], i, p.cseq)
	p.waiting, p.sent = true, time.Now().UnixNano()
	l.sum.sent++
	return l.socks[port].SendFrom(from.Addr(), l.target, l.buf)
}

// receive takes what has come to all sockets.
func (l *load) receive() error {
	for i, s := range l.socks {
		for {
			d, ok, err := s.Receive()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if i < ports {
				err = l.atPhone(s, i, d)
			} else if status(d.Bytes) == 0 {
				err = s.SendFrom(world.LAN, d.From, l.pbx.answer(d.Bytes))
			}
			if err != nil {
				return err
			}
		}
	}
	l.sum.atPBX = l.pbx.registers
	return nil
}

func (l *load) atPhone(s *world.Socket, port int, d world.Datagram) error {
	i, ok := l.phoneAt(d.To, port)
	if !ok {
		return fmt.Errorf("something came to %v, which is no phone's: %q", d.To, d.Bytes)
	}
	code := status(d.Bytes)
	if code > 0 {
		l.answered(i, code, d)
		return nil
	}
	if bytes.HasPrefix(d.Bytes, []byte("OPTIONS ")) {
		l.sum.options++
	}
	if l.kind != kept {
		return nil
	}
	l.buf = appendAnswer(l.buf[:0], d.Bytes, nil)
	return s.SendFrom(d.To, d.From, l.buf)
}

func (l *load) answered(i, code int, d world.Datagram) {
	p := &l.phones[i]
	seq, _, _ := bytes.Cut(field(d.Bytes, "CSeq"), []byte(" "))
	if n, err := strconv.ParseUint(string(seq), 10, 32); err != nil || uint32(n) != p.cseq || !p.waiting || code < 200 {
		return
	}
	p.waiting, p.bound = false, code == 200
	if l.times != nil {
		l.times = append(l.times, time.Duration(d.At-p.sent))
	}
	switch after, err := strconv.Atoi(string(field(d.Bytes, "Retry-After"))); {
	case code == 200:
		l.sum.granted++
	case err == nil:
		l.sum.sentBack++
		l.retries = append(l.retries, retry{i, time.Now().Add(time.Duration(after) * time.Second)})
	default:
		l.sum.failed++
		if l.strange == nil {
			l.strange = bytes.Clone(d.Bytes)
		}
	}
}

// bound returns how many phones are registered.
func (l *load) bound() (n int) {
	for i := range l.phones {
		if l.phones[i].bound {
			n++
		}
	}
	return n
}

// unanswered returns how many REGISTERs that were sent in a time have had no
// answer.
func (l *load) unanswered(from, to time.Time) (n int) {
	for i := range l.phones {
		if p := &l.phones[i]; p.waiting && p.sent >= from.UnixNano() && p.sent < to.UnixNano() {
			n++
		}
	}
	return n
}
