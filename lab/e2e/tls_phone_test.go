package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua/live"
)

const tlsPort = 5061

// A veil stands between a phone of lab/ua, which speaks TCP, and the wire, where
// its messages go by TLS and say so. What the border said to the phone is kept as
// it was before it was encrypted.
type veil struct {
	// Constant after newVeil.
	w              *world
	side           *side
	server, client *tls.Config

	running sync.WaitGroup

	mu    sync.Mutex
	ended bool             // Guarded by mu.
	ends  []io.Closer      // Guarded by mu. What is open, and more.
	conns []*net.TCPConn   // Guarded by mu. On the wire.
	heard []netns.Datagram // Guarded by mu.
}

// veiled has the phones of a side speak TLS to the SBC, as a server with one
// configuration and as a client with another.
func (w *world) veiled(s *side, server, client *tls.Config) *veil {
	v := &veil{w: w, side: s, server: server, client: client}
	s.veil = v
	w.t.Cleanup(v.close)
	return v
}

// cover changes the options of a phone of the side.
func (v *veil) cover(o *live.Options) {
	o.Agent.Stream = true
	o.Agent.Addr = v.side.at(tlsPort)
	o.Agent.Peer = netip.AddrPortFrom(v.side.border, tlsPort)
	o.ListenStream, o.Dial = v.listen, v.dial
}

// listen takes connections on the wire and hands them to the phone.
func (v *veil) listen(at netip.AddrPort) (*net.TCPListener, error) {
	var outer net.Listener
	if err := v.side.space.Do(func() (err error) {
		outer, err = net.Listen("tcp", at.String())
		return err
	}); err != nil {
		return nil, err
	}
	inner, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		outer.Close()
		return nil, err
	}
	v.opened(outer)
	v.running.Go(func() {
		for {
			c, err := outer.Accept()
			if err != nil {
				return
			}
			v.running.Go(func() { v.accepted(c.(*net.TCPConn), inner.Addr().String()) })
		}
	})
	return inner, nil
}

func (v *veil) accepted(c *net.TCPConn, phone string) {
	v.opened(c)
	secure := tls.Server(c, v.server)
	_ = c.SetDeadline(time.Now().Add(testTime / 2))
	if secure.Handshake() != nil { // the border says why
		c.Close()
		return
	}
	near, err := net.Dial("tcp", phone)
	if err != nil { // the phone has gone
		c.Close()
		return
	}
	v.join(c, secure, near)
}

// dial opens a connection on the wire, and returns the phone's end.
func (v *veil) dial(_ context.Context, _ netip.Addr, to netip.AddrPort) (*net.TCPConn, error) {
	c, err := v.side.space.Dial("tcp", to.String())
	if err != nil {
		return nil, err
	}
	v.opened(c)
	secure := tls.Client(c, v.client)
	_ = c.SetDeadline(time.Now().Add(testTime / 2))
	if err := secure.Handshake(); err != nil {
		c.Close()
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	phone, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		return nil, err
	}
	near, err := l.Accept()
	if err != nil {
		return nil, err
	}
	v.running.Go(func() { v.join(c.(*net.TCPConn), secure, near) })
	return phone.(*net.TCPConn), nil
}

// What the phone says of its transport, and what the wire has: of one length, so
// that Content-Length is right.
var plainWords, secureWords = [][]byte{[]byte("SIP/2.0/TCP "), []byte(";transport=tcp")}, [][]byte{[]byte("SIP/2.0/TLS "), []byte(";transport=tls")}

// join copies between the wire and the phone until either ends, and then ends the
// other.
func (v *veil) join(wire *net.TCPConn, secure *tls.Conn, near net.Conn) {
	v.opened(near)
	_ = wire.SetDeadline(time.Time{})
	v.mu.Lock()
	v.conns = append(v.conns, wire)
	v.mu.Unlock()
	src, dst := wire.RemoteAddr().(*net.TCPAddr).AddrPort(), wire.LocalAddr().(*net.TCPAddr).AddrPort()
	v.running.Go(func() {
		v.copy(near, secure, func(b []byte) []byte {
			v.mu.Lock()
			v.heard = append(v.heard, netns.Datagram{Src: src, Dst: dst, TTL: 64, Payload: bytes.Clone(b)})
			v.mu.Unlock()
			return reword(b, secureWords, plainWords)
		})
		near.Close()
	})
	v.copy(secure, near, func(b []byte) []byte { return reword(b, plainWords, secureWords) })
	secure.Close()
	near.Close()
}

func reword(b []byte, from, to [][]byte) []byte {
	for i := range from {
		b = bytes.ReplaceAll(b, from[i], to[i])
	}
	return b
}

// copy hands on what it reads: a message is one piece, from the border (a record
// of TLS) and from the phone (a segment of its loopback).
func (v *veil) copy(to io.Writer, from io.Reader, change func([]byte) []byte) {
	buf := make([]byte, 1<<16)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(change(buf[:n])); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// opened notes what has to be closed.
func (v *veil) opened(c io.Closer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ended {
		c.Close()
		return
	}
	v.ends = append(v.ends, c)
}

// messages returns what the border said so far.
func (v *veil) messages() []netns.Datagram {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.heard[:len(v.heard):len(v.heard)]
}

// reset resets all connections that there are, and says how many there were.
func (v *veil) reset() (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.conns {
		if c.SetLinger(0) == nil && c.Close() == nil {
			n++
		}
	}
	v.conns = nil
	return n
}

func (v *veil) close() {
	v.mu.Lock()
	v.ended = true
	for _, c := range v.ends {
		c.Close()
	}
	v.mu.Unlock()
	v.running.Wait()
}
