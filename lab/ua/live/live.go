// Package live runs a user agent of package ua on sockets, in real time: UDP,
// or TCP where the agent's messages travel on streams.
//
// A [Phone] has one goroutine that owns the agent, and one reader for each
// socket and connection. It opens its sockets through a function that it is given, so that
// the same phone runs on loopback and in a network namespace.
package live

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"sbc/lab/ua"
)

// Options say what a phone needs.
type Options struct {
	Agent ua.Options

	// Listen opens a UDP socket; nil: net.ListenUDP.
	Listen func(netip.AddrPort) (*net.UDPConn, error)

	// ListenStream and Dial do so for an agent whose messages travel on
	// streams; Dial connects from a local address, at any port. nil: those of
	// package net.
	ListenStream func(netip.AddrPort) (*net.TCPListener, error)
	Dial         func(ctx context.Context, from netip.Addr, to netip.AddrPort) (*net.TCPConn, error)

	// React is asked about every event, on the phone's goroutine: what it
	// appends is carried out next. It answers calls, for instance. It may be
	// nil.
	React func(a *ua.Agent, e ua.Event, do []ua.Effect) []ua.Effect

	// Lose is asked about every datagram that is to be sent, on the phone's
	// goroutine: those for which it is true get lost. It may be nil.
	Lose func(datagram []byte) bool

	TTL int // of the datagrams that are sent; 0: the system's
}

// A Phone is an agent that runs. Its methods may be called from any
// goroutine.
type Phone struct {
	// Constant after Start.
	o       Options
	start   time.Time
	inbox   chan datagram
	work    chan func(*ua.Agent, time.Duration, []ua.Effect) []ua.Effect
	quit    chan struct{}
	readers sync.WaitGroup

	// Owned by the phone's goroutine.
	agent     *ua.Agent
	conns     map[netip.AddrPort]*net.UDPConn
	listeners map[netip.AddrPort]*net.TCPListener
	streams   map[netip.AddrPort]*connection // by their remote address

	mu     sync.Mutex
	events []ua.Event    // Guarded by mu.
	errs   []error       // Guarded by mu.
	more   chan struct{} // Guarded by mu. Closed and replaced when an event is added.
	closed bool          // Guarded by mu.

	gone chan struct{} // closed when the phone's goroutine has ended
}

type datagram struct {
	local, from netip.AddrPort
	bytes       []byte
	accepted    *net.TCPConn // a new connection instead of octets
	broken      *connection  // one that ended
}

// Ours: what a busy phone may leave unread before its sockets have to wait.
const inboxLen = 256

// errsMax bounds the list of errors: a network that is down gives one a packet.
const errsMax = 20

// Start opens the phone's signaling socket and runs it until Close.
func Start(o Options) (*Phone, error) {
	if o.Listen == nil {
		o.Listen = func(at netip.AddrPort) (*net.UDPConn, error) {
			return net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		}
	}
	if o.ListenStream == nil {
		o.ListenStream = func(at netip.AddrPort) (*net.TCPListener, error) {
			return net.ListenTCP("tcp", net.TCPAddrFromAddrPort(at))
		}
	}
	if o.Dial == nil {
		o.Dial = dial
	}
	p := &Phone{
		o: o, start: time.Now(), agent: ua.New(o.Agent), conns: map[netip.AddrPort]*net.UDPConn{},
		inbox: make(chan datagram, inboxLen), quit: make(chan struct{}), gone: make(chan struct{}),
		work: make(chan func(*ua.Agent, time.Duration, []ua.Effect) []ua.Effect),
		more: make(chan struct{}), listeners: map[netip.AddrPort]*net.TCPListener{}, streams: map[netip.AddrPort]*connection{},
	}
	if err := p.open(o.Agent.Addr); err != nil {
		return nil, fmt.Errorf("phone %s: %w", o.Agent.User, err)
	}
	go p.run()
	return p, nil
}

func (p *Phone) run() {
	defer close(p.gone)
	timer := time.NewTimer(0)
	defer timer.Stop()
	var do []ua.Effect
	for {
		do = do[:0]
		select {
		case d := <-p.inbox:
			do = p.take(d, do)
		case f := <-p.work:
			do = f(p.agent, p.now(), do)
		case <-timer.C:
			do = p.agent.Tick(p.now(), do)
		case <-p.quit:
			p.hangUp()
			return
		}
		do = p.carryOut(do)
		if at, ok := p.agent.Next(); ok {
			timer.Reset(at - p.now())
		} else {
			timer.Stop()
		}
	}
}

// take takes what a reader brought.
func (p *Phone) take(d datagram, do []ua.Effect) []ua.Effect {
	switch {
	case d.accepted != nil:
		p.serve(d.local, &connection{TCPConn: d.accepted, remote: d.from})
		return do
	case d.broken != nil:
		return p.broke(d.broken, do)
	}
	return p.agent.Receive(p.now(), d.local, d.from, d.bytes, do)
}

// dial connects from a local address.
func dial(ctx context.Context, from netip.Addr, to netip.AddrPort) (*net.TCPConn, error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
	c, err := d.DialContext(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

func (p *Phone) now() time.Duration { return time.Since(p.start) }

// carryOut does what the agent asks for, and what React asks for then.
func (p *Phone) carryOut(do []ua.Effect) []ua.Effect {
	for i := 0; i < len(do); i++ {
		switch e := do[i]; e.Do {
		case ua.Send:
			p.send(e)
		case ua.Open:
			if err := p.open(e.From); err != nil {
				p.failed(err)
			}
		case ua.Close:
			if c := p.conns[e.From]; c != nil {
				c.Close()
				delete(p.conns, e.From)
			}
			if l := p.listeners[e.From]; l != nil {
				l.Close()
				delete(p.listeners, e.From)
			}
		case ua.Tell:
			p.note(e.Event)
			if p.o.React != nil {
				do = p.o.React(p.agent, e.Event, do)
			}
		}
	}
	return do
}

func (p *Phone) send(e ua.Effect) {
	if p.o.Agent.Stream && e.From == p.agent.Addr() {
		if p.o.Lose == nil || !p.o.Lose(e.Bytes) {
			p.sendStream(e)
		}
		return
	}
	c := p.conns[e.From]
	if c == nil {
		p.failed(fmt.Errorf("send from %s: no such socket", e.From))
		return
	}
	if p.o.Lose != nil && p.o.Lose(e.Bytes) {
		return
	}
	// A closed port of the far end shows here as an error of an earlier send.
	if _, err := c.WriteToUDPAddrPort(e.Bytes, e.To); err != nil && !errors.Is(err, errRefused) {
		p.failed(fmt.Errorf("send to %s: %w", e.To, err))
	}
}

func (p *Phone) open(at netip.AddrPort) error {
	if p.o.Agent.Stream && at == p.agent.Addr() {
		return p.listenStream(at)
	}
	c, err := p.o.Listen(at)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", at, err)
	}
	if p.o.TTL != 0 {
		if err := setTTL(c, p.o.TTL); err != nil {
			c.Close()
			return fmt.Errorf("TTL on %s: %w", at, err)
		}
	}
	p.conns[at] = c
	p.readers.Go(func() { p.read(at, c) })
	return nil
}

func (p *Phone) read(local netip.AddrPort, c *net.UDPConn) {
	buf := make([]byte, 1<<16)
	for {
		n, from, err := c.ReadFromUDPAddrPort(buf)
		if errors.Is(err, errRefused) {
			continue
		}
		if err != nil {
			return
		}
		if !p.put(datagram{local: local, from: unmapped(from), bytes: slices.Clone(buf[:n])}) {
			return
		}
	}
}

func (p *Phone) note(e ua.Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	close(p.more)
	p.more = make(chan struct{})
}

func (p *Phone) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.errs) < errsMax {
		p.errs = append(p.errs, err)
	}
}

// Do runs a command on the phone's agent and carries its effects out. The
// effects have been carried out when it returns, unless the phone is closed.
func (p *Phone) Do(f func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect) {
	done := make(chan struct{})
	select {
	case p.work <- func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
		defer close(done)
		return p.carryOut(f(a, now, do))[:0]
	}:
		<-done
	case <-p.gone:
	}
}

// Invite calls, and returns the id of the call.
func (p *Phone) Invite(i ua.Invite) (id ua.Call) {
	p.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect {
		id, do = a.Invite(now, i, do)
		return do
	})
	return id
}

// Hangup ends a call.
func (p *Phone) Hangup(id ua.Call) {
	p.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Hangup(now, id, do) })
}

// Register registers the phone, and keeps it registered.
func (p *Phone) Register(r ua.Register) {
	p.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Register(now, r, do) })
}

// Unregister takes the phone's contacts back.
func (p *Phone) Unregister() {
	p.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Unregister(now, do) })
}

// Events returns what has happened so far.
func (p *Phone) Events() []ua.Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.events[:len(p.events):len(p.events)]
}

// Await returns the first event from number from on for which match is true,
// and the number that follows it. It waits until there is one.
func (p *Phone) Await(ctx context.Context, from int, match func(ua.Event) bool) (ua.Event, int, error) {
	for {
		p.mu.Lock()
		events, more := p.events, p.more
		p.mu.Unlock()
		for ; from < len(events); from++ {
			if match(events[from]) {
				return events[from], from + 1, nil
			}
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ua.Event{}, from, ctx.Err()
		}
	}
}

// Err returns what went wrong with the phone's sockets, nil when nothing did.
func (p *Phone) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return errors.Join(p.errs...)
}

// hangUp ends the calls that are left, without waiting for answers.
func (p *Phone) hangUp() {
	for _, id := range p.agent.Calls() {
		p.carryOut(p.agent.Hangup(p.now(), id, nil))
	}
	for _, c := range p.conns {
		c.Close()
	}
	for _, l := range p.listeners {
		l.Close()
	}
	for _, c := range p.streams {
		c.Close()
	}
}

// Close hangs up what is left and frees everything. Calling it again does
// nothing.
func (p *Phone) Close() {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	p.mu.Unlock()
	if !again {
		close(p.quit)
	}
	<-p.gone
	p.readers.Wait()
}
