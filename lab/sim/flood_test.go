package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"sbc/signaling"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// A crowd is many phones and their PBX around the shards of an SBC, without
// checkers: phones that do what Retry-After says and no more.
type crowd struct {
	t      *testing.T
	now    time.Duration
	queue  queue
	sorter *signaling.Sorter
	shards []*signaling.Shard
	chance *rand.Rand

	phones []crowdPhone
	left   int // that are not registered
	atPBX  []time.Duration
}

type crowdPhone struct {
	seq   int
	asked []byte // its credentials
	done  bool
}

// Ours: how long a message takes.
const crowdDelay = 20 * time.Millisecond

func newCrowd(t *testing.T, n int, rate float64) *crowd {
	o := Options{Seed: 9, Phones: 1, Shards: 2}
	so, _, err := newSBC(&o)
	if err != nil {
		t.Fatal(err)
	}
	so.Endpoints[0].Rate, so.Endpoints[0].Silent = rate, true
	c := &crowd{t: t, chance: rand.New(rand.NewPCG(9, 9)), phones: make([]crowdPhone, n), left: n}
	key := [16]byte{7}
	c.sorter = signaling.NewSorter(key, so.BindingKey, so.Shards)
	for i := range so.Shards {
		c.shards = append(c.shards, signaling.NewShard(so, i, so.Shards, key, shardSeed(9, i)))
	}
	return c
}

// addr is where a phone is.
func (c *crowd) addr(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{20, byte(i >> 16), byte(i >> 8), byte(i)}), 5060)
}

// ask lets a phone send a REGISTER.
func (c *crowd) ask(i int) {
	p := &c.phones[i]
	p.seq++
	b := fmt.Appendf(nil, "REGISTER sip:%s SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKc%dx%d;rport\r\nMax-Forwards: 70\r\n"+
		"From: <sip:u%d@%s>;tag=t%d\r\nTo: <sip:u%d@%s>\r\nCall-ID: crowd%d\r\nCSeq: %d REGISTER\r\nContact: <sip:u%d@10.0.0.5:5060>\r\n"+
		"Expires: 1800\r\n%sContent-Length: 0\r\n\r\n", voiceDomain, i, p.seq, i, voiceDomain, i, i, voiceDomain, i, p.seq, i, p.asked)
	c.come(outside, c.addr(i), b)
}

// come is a message that reaches the SBC.
func (c *crowd) come(listener uint16, src netip.AddrPort, b []byte) {
	var m sip.Message
	err := m.Parse(bytes.Clone(b))
	s := c.shards[c.sorter.Shard(&m, err)]
	s.Message(c.now, b2bua.Flow{Listener: listener, Remote: src}, &m, err)
	c.take(s)
}

// take brings what a shard sends to where it goes.
func (c *crowd) take(s *signaling.Shard) {
	for _, o := range s.Out() {
		var m sip.Message
		if m.Parse(bytes.Clone(o.Bytes)) != nil {
			c.t.Fatalf("unreadable:\n%s", o.Bytes)
		}
		if m.IsRequest() {
			c.queue.add(c.now+crowdDelay, func() { c.pbx(&m) })
		} else if m.Status() > 100 {
			c.queue.add(c.now+crowdDelay, func() { c.answered(&m) })
		}
	}
	s.Notices()
}

// pbx is a REGISTER that reaches the PBX, which challenges everybody once.
func (c *crowd) pbx(m *sip.Message) {
	c.atPBX = append(c.atPBX, c.now)
	r := sip.Response{Status: 401, Src: listeners[inside].addr, ToTag: []byte("pbx"),
		Fields: []byte("WWW-Authenticate: Digest realm=\"asterisk\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n")}
	if m.Count(sip.FieldAuthorization) > 0 {
		f, _ := m.First(sip.FieldContact)
		r.Status, r.Fields = 200, append(append([]byte("Contact: "), m.Bytes(f.Value)...), "\r\n"...)
	}
	b := sip.AppendResponse(nil, m, &r)
	c.queue.add(c.now+crowdDelay, func() { c.come(inside, neighbours[registrarAt].addr, b) })
}

// answered is a response that reaches a phone.
func (c *crowd) answered(m *sip.Message) {
	i, _ := strconv.Atoi(string(m.Bytes(m.CallID()))[len("crowd"):])
	p := &c.phones[i]
	switch m.Status() {
	case 200:
		if !p.done {
			p.done = true
			c.left--
		}
	case 401:
		p.asked = fmt.Appendf(nil, "Authorization: Digest username=\"u%d\", realm=\"asterisk\", nonce=\"n\", uri=\"sip:%s\", response=\"00112233445566778899aabbccddeeff\", algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\"\r\n", i, voiceDomain)
		c.ask(i)
	case 503:
		f, _ := m.First(sip.FieldRetryAfter)
		n, err := strconv.Atoi(string(m.Bytes(f.Value)))
		if err != nil {
			c.t.Fatalf("Retry-After %q", m.Bytes(f.Value))
		}
		c.queue.add(c.now+time.Duration(n)*time.Second+between(c.chance, 0, time.Second), func() { c.ask(i) })
	default:
		c.t.Fatalf("%d", m.Status())
	}
}

// run lets time pass until all are registered, or an end.
func (c *crowd) run(end time.Duration) {
	for c.left > 0 {
		at, ok := c.queue.next()
		which := -1
		for i, s := range c.shards {
			if t, has := s.Next(); has && (!ok || t < at) {
				at, ok, which = t, true, i
			}
		}
		if !ok || at > end {
			return
		}
		c.now = max(c.now, at)
		if which < 0 {
			c.queue.pop()()
			continue
		}
		c.shards[which].Advance(c.now)
		c.take(c.shards[which])
	}
}

// busiest returns the most that reached the PBX within a time.
func (c *crowd) busiest(within time.Duration) (most int) {
	from := 0
	for i, at := range c.atPBX {
		for c.atPBX[from] <= at-within {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

// 20,000 phones that come back within the same second, after an outage, are
// all registered after the time that their number takes at the rate that the
// PBX bears, with a challenge each, and the PBX gets no more than that.
func TestCrowd(t *testing.T) {
	const rate, cost = 200.0, 2
	n := 20_000
	if testing.Short() {
		n = 2000
	}
	c := newCrowd(t, n, rate)
	for i := range n {
		c.queue.add(between(c.chance, 0, time.Second), func() { c.ask(i) })
	}
	computed := time.Duration(float64(n*cost) / rate * float64(time.Second))
	c.run(2 * computed)
	asked := 0
	for i := range c.phones {
		asked += c.phones[i].seq
	}
	t.Logf("%d phones after %v, computed %v; %d at the PBX, at most %d in a second and %d in ten, %.1f REGISTERs a phone", n-c.left, c.now, computed,
		len(c.atPBX), c.busiest(time.Second), c.busiest(10*time.Second), float64(asked)/float64(n))
	if c.left > 0 || c.now > computed*11/10 {
		t.Errorf("%d phones are not registered after %v", c.left, c.now)
	}
	// A bucket holds a second's worth; what may not wait borrows some more.
	for _, within := range []time.Duration{time.Second, 10 * time.Second, time.Minute} {
		if got, most := c.busiest(within), int(rate*(within.Seconds()+1)*1.02); got > most {
			t.Errorf("the PBX got %d REGISTERs in %v, %d are allowed", got, within, most)
		}
	}
}
