package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sbc/bench/world"
)

// RFC 3261 table 4.
const t1 = 500 * time.Millisecond

// Ours:
const (
	talk     = 100 * time.Millisecond // from ACK to BYE
	patience = 4 * time.Second        // without an answer a call has failed: its INVITE was sent three times
	tick     = time.Millisecond
)

// A state is how far a call has come.
type state uint8

const (
	calling state = iota // INVITE was sent
	ringing              // there was a 1xx: it is not sent again
	talking              // 200, and ACK was sent
	leaving              // BYE was sent
	over
	failed
)

// A call is one of the known peer.
type call struct {
	state state
	began time.Time
	setup time.Duration // from INVITE to 200
	due   time.Time     // when something is to be done
	wait  time.Duration // until the next time
	again []byte        // what is sent again until there is an answer; the ACK while the call is up
	bye   []byte
}

// An answered is the 200 of the PBX, sent again until the ACK.
type answered struct {
	b         []byte
	to        netip.AddrPort
	due, late time.Time
	wait      time.Duration
}

// calls are made by the peer and answered by the PBX behind the subject. All
// runs in the goroutine that calls its methods.
type calls struct {
	rate      int
	peer, pbx *world.Socket
	polls     []unix.PollFd
	list      []call
	first     int // before it, all are over or have failed
	open      map[string]*answered
	began     time.Time
	from      int    // the number of its first call: none has the Call-ID of another
	resent    int    // messages of the peer
	strange   []byte // the first refusal
	buf       []byte
}

func sipAt(a netip.Addr) netip.AddrPort { return netip.AddrPortFrom(a, 5060) }

func newCalls(w *world.World, rate int) (*calls, error) {
	peer, err := world.Open(w.ITSP, sipAt(world.ITSP))
	if err != nil {
		return nil, err
	}
	pbx, err := world.Open(w.LAN, sipAt(world.LAN))
	if err != nil {
		peer.Close()
		return nil, err
	}
	return &calls{rate: rate, peer: peer, pbx: pbx, polls: []unix.PollFd{
		{Fd: int32(peer.FD), Events: unix.POLLIN}, {Fd: int32(pbx.FD), Events: unix.POLLIN}}}, nil
}

func (c *calls) close() {
	c.peer.Close()
	c.pbx.Close()
}

// begin forgets the calls before.
func (c *calls) begin() {
	c.from += len(c.list)
	c.list, c.first, c.open, c.resent, c.strange = nil, 0, map[string]*answered{}, 0, nil
	c.began = time.Now()
}

// run makes calls until done is closed or a time has passed, and then waits
// until they have ended.
func (c *calls) run(ctx context.Context, length time.Duration, done <-chan struct{}) error {
	ended := func() bool {
		select {
		case <-done:
			return true
		default:
			return time.Since(c.began) >= length
		}
	}
	for !ended() {
		for due := int(time.Since(c.began).Seconds() * float64(c.rate)); len(c.list) < due; {
			if err := c.invite(); err != nil {
				return err
			}
		}
		if err := c.turn(ctx); err != nil {
			return err
		}
	}
	for late := time.Now().Add(patience + talk + t1); c.first < len(c.list) && time.Now().Before(late); {
		if err := c.turn(ctx); err != nil {
			return err
		}
	}
	return nil
}

// turn does what is due, and takes what comes within a tick.
func (c *calls) turn(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.advance(time.Now()); err != nil {
		return err
	}
	t := unix.NsecToTimespec(tick.Nanoseconds())
	if _, err := unix.Ppoll(c.polls, &t, nil); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for answers: %w", err)
	}
	for _, on := range []struct {
		k    *world.Socket
		take func(world.Datagram) error
	}{{c.peer, c.atPeer}, {c.pbx, c.atPBX}} {
		for {
			d, ok, err := on.k.Receive()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			if err := on.take(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// advance sends again what was not answered, hangs up, and gives up.
func (c *calls) advance(now time.Time) error {
	for c.first < len(c.list) && c.list[c.first].state >= over {
		c.first++
	}
	for i := c.first; i < len(c.list); i++ {
		k := &c.list[i]
		if k.state >= over || now.Before(k.due) {
			continue
		}
		if err := c.step(k, now); err != nil {
			return err
		}
	}
	for id, a := range c.open {
		if now.Before(a.due) {
			continue
		}
		if now.After(a.late) {
			delete(c.open, id)
			continue
		}
		a.wait *= 2
		a.due = now.Add(a.wait)
		if err := c.pbx.Send(a.to, a.b); err != nil {
			return err
		}
	}
	return nil
}

func (c *calls) step(k *call, now time.Time) error {
	switch {
	case k.state == talking:
		k.state, k.again = leaving, k.bye
		k.began, k.wait = now, t1/2
	case now.Sub(k.began) >= patience || k.state == ringing:
		k.state = failed
		return nil
	default:
		c.resent++
	}
	k.wait *= 2
	k.due = now.Add(min(k.wait, k.began.Add(patience).Sub(now)))
	return c.peer.Send(sipAt(world.Outside), k.again)
}

func (c *calls) invite() error {
	n := c.from + len(c.list)
	now := time.Now()
	m := fmt.Appendf(nil, "INVITE sip:%d@%v SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bKi%d\r\nFrom: \"Caller\" <sip:caller@%v>;tag=c%d\r\n"+
		"To: <sip:%d@%v>\r\nCall-ID: call-%d@%v\r\nCSeq: 1 INVITE\r\nContact: <sip:caller@%v>\r\nMax-Forwards: 70\r\nUser-Agent: trunk/1.0\r\n"+
		"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", n, world.Outside, sipAt(world.ITSP), n, world.ITSP, n,
		n, world.Outside, n, world.ITSP, sipAt(world.ITSP), len(sdp(world.ITSP)), sdp(world.ITSP))
	c.list = append(c.list, call{began: now, due: now.Add(t1), wait: t1, again: m})
	return c.peer.Send(sipAt(world.Outside), m)
}

func sdp(at netip.Addr) string {
	return fmt.Sprintf("v=0\r\no=bench 1 1 IN IP4 %v\r\ns=-\r\nc=IN IP4 %v\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"+
		"a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n", at, at)
}

// atPeer takes an answer.
func (c *calls) atPeer(d world.Datagram) error {
	code := status(d.Bytes)
	n, err := strconv.Atoi(string(between(value(d.Bytes, "Call-ID"), "call-", "@")))
	if n -= c.from; code == 0 || err != nil || n < 0 || n >= len(c.list) {
		return nil // of a call before
	}
	k := &c.list[n]
	invite := bytes.HasSuffix(value(d.Bytes, "CSeq"), []byte("INVITE"))
	switch {
	case !invite && code >= 200 && k.state == leaving:
		if k.state = over; code != 200 {
			k.state = failed
		}
	case !invite || k.state >= leaving:
	case code < 200:
		if k.state == calling {
			k.state, k.due = ringing, k.began.Add(patience)
		}
	case code >= 300:
		k.state = failed
		if c.strange == nil {
			c.strange = bytes.Clone(d.Bytes)
		}
	case k.state == talking: // our ACK was lost
		c.resent++
		return c.peer.Send(sipAt(world.Outside), k.again)
	default:
		k.state, k.setup = talking, time.Duration(d.At-k.began.UnixNano())
		k.due = time.Now().Add(talk)
		k.again, k.bye = within(d.Bytes, "ACK", 1, n+c.from), within(d.Bytes, "BYE", 2, n+c.from)
		return c.peer.Send(sipAt(world.Outside), k.again)
	}
	return nil
}

// within writes a request of the peer in the dialog of a 200 (RFC 3261 section
// 12.2.1.1).
func within(ok []byte, method string, cseq, n int) []byte {
	uri := between(value(ok, "Contact"), "<", ">")
	m := fmt.Appendf(nil, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %v;branch=z9hG4bK%s%d\r\n", method, uri, sipAt(world.ITSP), method, n)
	routes := values(ok, "Record-Route")
	slices.Reverse(routes)
	for _, r := range routes {
		m = fmt.Appendf(m, "Route: %s\r\n", r)
	}
	return fmt.Appendf(m, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		value(ok, "From"), value(ok, "To"), value(ok, "Call-ID"), cseq, method)
}

// atPBX answers a request.
func (c *calls) atPBX(d world.Datagram) error {
	method, _, _ := bytes.Cut(d.Bytes, []byte(" "))
	id := string(value(d.Bytes, "Call-ID"))
	switch string(method) {
	case "INVITE":
		a := c.open[id]
		if a == nil {
			now := time.Now()
			a = &answered{to: d.From, due: now.Add(t1), late: now.Add(patience), wait: t1}
			more := fmt.Sprintf("Contact: <sip:pbx@%v>\r\nContent-Type: application/sdp\r\n", sipAt(world.LAN))
			a.b = appendAnswer(nil, d.Bytes, "200 OK", more, sdp(world.LAN))
			c.open[id] = a
		}
		return c.pbx.Send(a.to, a.b)
	case "ACK":
		delete(c.open, id)
	case "BYE", "OPTIONS", "CANCEL":
		c.buf = appendAnswer(c.buf[:0], d.Bytes, "200 OK", "", "")
		return c.pbx.Send(d.From, c.buf)
	}
	return nil
}

// A tally is what came of calls.
type tally struct {
	made, failed, resent int
	setups               []time.Duration // in the order in which they were made; what was not answered took patience
	rate                 int
}

func (c *calls) tally() tally {
	t := tally{made: len(c.list), resent: c.resent, rate: c.rate}
	for i := range c.list {
		k := &c.list[i]
		if k.setup == 0 {
			k.setup = patience
		}
		t.setups = append(t.setups, k.setup)
		if k.state != over {
			t.failed++
		}
	}
	return t
}

func (t *tally) quantile(q float64) time.Duration { return quantile(t.setups, q) }

// second is the p99 of a second in the median: what else the machine does comes
// in bursts, which spoil a second and not the figure.
func (t *tally) second() time.Duration {
	var list []time.Duration
	for s := range slices.Chunk(t.setups, t.rate) {
		if len(s) == t.rate {
			list = append(list, quantile(s, 0.99))
		}
	}
	return quantile(list, 0.5)
}

// quantile returns what a part of the list does not exceed.
func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[max(int(math.Ceil(q*float64(len(sorted))))-1, 0)]
}
