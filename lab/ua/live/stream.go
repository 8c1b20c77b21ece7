package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"sbc/lab/ua"
	"sbc/signaling/sip"
)

// Ours: a phone does nothing else while it waits for a connection.
const dialMax = 3 * time.Second

// bufferMax bounds what a connection may send without a message in it.
const bufferMax = 1 << 17

// A connection is one on which SIP travels.
type connection struct {
	*net.TCPConn
	remote  netip.AddrPort
	dialled bool
}

// listenStream opens the phone's signaling socket for connections.
func (p *Phone) listenStream(at netip.AddrPort) error {
	l, err := p.o.ListenStream(at)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", at, err)
	}
	p.listeners[at] = l
	p.readers.Go(func() { p.accept(at, l) })
	return nil
}

func (p *Phone) accept(local netip.AddrPort, l *net.TCPListener) {
	for {
		c, err := l.AcceptTCP()
		if err != nil {
			return
		}
		remote := unmapped(c.RemoteAddr().(*net.TCPAddr).AddrPort())
		select {
		case p.inbox <- datagram{local: local, from: remote, accepted: c}:
		case <-p.quit:
			c.Close()
			return
		}
	}
}

func unmapped(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }

// sendStream writes a message on the connection to an address, and opens one
// where there is none.
func (p *Phone) sendStream(e ua.Effect) {
	c := p.streams[e.To]
	if c == nil {
		ctx, cancel := context.WithTimeout(context.Background(), dialMax)
		defer cancel()
		t, err := p.o.Dial(ctx, e.From.Addr(), e.To)
		if err != nil {
			p.failed(fmt.Errorf("connect to %s: %w", e.To, err))
			return
		}
		c = p.serve(e.From, &connection{TCPConn: t, remote: e.To, dialled: true})
	}
	if _, err := c.Write(e.Bytes); err != nil {
		c.Close() // its reader notices, and the agent hears of it
	}
}

// serve reads a new connection.
func (p *Phone) serve(local netip.AddrPort, c *connection) *connection {
	p.streams[c.remote] = c
	p.readers.Go(func() { p.readStream(local, c) })
	return c
}

// readStream brings whole messages and keep-alives to the phone's goroutine,
// and the end of the connection.
func (p *Phone) readStream(local netip.AddrPort, c *connection) {
	buf, rest := make([]byte, 1<<16), []byte(nil)
	for {
		n, err := c.Read(buf)
		rest = append(rest, buf[:n]...)
		for {
			k, whole := cut(rest, c.dialled)
			if k == 0 {
				break
			}
			if whole && !p.put(datagram{local: local, from: c.remote, bytes: bytes.Clone(rest[:k])}) {
				return
			}
			rest = rest[k:]
		}
		if err != nil || len(rest) > bufferMax {
			c.Close()
			p.put(datagram{local: local, from: c.remote, broken: c})
			return
		}
	}
}

func (p *Phone) put(d datagram) bool {
	select {
	case p.inbox <- d:
		return true
	case <-p.quit:
		return false
	}
}

// cut returns how many octets the first thing in b has, 0 while it is not
// complete, and whether it is one for the agent. Who has dialled gets pongs,
// RFC 5626 section 3.5.1: single CRLFs; the other gets double ones.
func cut(b []byte, dialled bool) (n int, whole bool) {
	const crlf = "\r\n"
	switch {
	case dialled && bytes.HasPrefix(b, []byte(crlf)):
		return len(crlf), true
	case bytes.HasPrefix(b, []byte(crlf+crlf)):
		return len(crlf + crlf), true
	case bytes.HasPrefix([]byte(crlf+crlf), b):
		return 0, false
	}
	n, err := new(sip.Message).ParseStream(bytes.Clone(b))
	var e *sip.Error
	if errors.As(err, &e) && n == 0 {
		return len(b), true // the agent tells what is wrong with it
	}
	return n, true
}

// broke forgets a connection. The agent hears of one to its peer.
func (p *Phone) broke(c *connection, do []ua.Effect) []ua.Effect {
	if p.streams[c.remote] != c {
		return do
	}
	delete(p.streams, c.remote)
	if c.remote == p.o.Agent.Peer && c.dialled {
		return p.agent.Broke(p.now(), do)
	}
	return do
}

// Break closes all connections, as a router does that is switched off and on.
func (p *Phone) Break() {
	p.Do(func(_ *ua.Agent, _ time.Duration, do []ua.Effect) []ua.Effect {
		for _, c := range p.streams {
			c.Close()
		}
		return do
	})
}
