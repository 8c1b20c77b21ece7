package resolve

import (
	"context"
	"net"
	"sync"
)

// A dialer makes the connections of one look-up after the other, and closes
// what a look-up leaves behind: package net goes on with questions that
// nobody waits for any more, each in a goroutine, until the name servers'
// own time is over.
type dialer struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu    sync.Mutex
	live  bool       // Guarded by mu. A look-up is under way.
	conns []net.Conn // Guarded by mu. Its connections.
}

// resolver returns a net.Resolver that dials by d. A name server that fails is
// not taken for one that knows of no such name (StrictErrors).
func (d *dialer) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, StrictErrors: true, Dial: d.open}
}

func (d *dialer) open(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.live {
		conn.Close()
		return nil, context.Canceled
	}
	d.conns = append(d.conns, conn)
	return conn, nil
}

// begin is called before each look-up.
func (d *dialer) begin() {
	d.mu.Lock()
	d.live = true
	d.mu.Unlock()
}

// hangUp closes the connections of the look-up that has just ended.
func (d *dialer) hangUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		c.Close() // net has closed those that it was done with
	}
	clear(d.conns)
	d.live = false
	d.conns = d.conns[:0]
}
