package turn

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A wire is a UDP socket of ours, or the connection of one client.
type wire interface {
	// read returns the next datagram or frame: that many octets of p. Any
	// error is the end.
	read(p []byte) (n int, from netip.AddrPort, err error)
	write(p []byte, to netip.AddrPort) error
	address(netip.AddrPort) net.Addr // a client, in the type of the transport
	close() error
}

// A front is what stands between a wire and the library: its source.
type front struct {
	*service
	wire  wire
	ended func(error) // called once, when nothing more will be read
	once  sync.Once

	// Owned by who calls next.
	waiting *relaySocket // for the Allocate request that is being carried out

	mu    sync.RWMutex
	table map[netip.AddrPort]*allocation // guarded by mu
}

// A service is what all fronts share. It is safe for use by several of them.
type service struct {
	o       Options
	users   *credentials
	nonces  *nonces
	peers   *peers
	relays  *relays
	ledger  *ledger
	limiter *limiter
	counts  counters
	serial  atomic.Uint64 // of allocations
}

func newService(o Options) *service {
	o = o.withDefaults()
	return &service{
		o:     o,
		users: newCredentials(o), nonces: newNonces(), peers: newPeers(o), relays: newRelays(o),
		ledger: newLedger(o.Quota), limiter: newLimiter(o.Rate),
	}
}

func newFront(s *service, w wire) *front {
	f := &front{service: s, wire: w, table: map[netip.AddrPort]*allocation{}, ended: func(error) {}}
	if stream, ok := w.(*streamWire); ok {
		stream.busy = func() bool { return f.find(stream.client) != nil }
	}
	return f
}

// A message is what may be carried out.
type message struct {
	// octets are a view into what was read, or, where there is a signer, a
	// request without credentials, written anew.
	octets []byte
	from   net.Addr
	tuple  net.Addr // of the allocation: no two have the same
	signer *identity
}

// next waits for the next message that may be carried out; all others are
// answered or dropped on the way. p holds what is read.
func (f *front) next(p []byte) (message, error) {
	f.abandon()
	for {
		n, from, err := f.wire.read(p)
		if err != nil {
			f.end(err)
			return message{}, err
		}
		v := f.judge(time.Now(), p[:n], from)
		if v.refused {
			f.counts.refuse(v.cause)
		}
		if v.answer != nil {
			f.wire.write(v.answer, from) // lost like any datagram
		}
		if v.pass.octets != nil {
			return v.pass, nil
		}
	}
}

// end closes the wire and says so.
func (f *front) end(err error) {
	f.once.Do(func() {
		f.wire.close()
		f.ended(err)
	})
}

// Close closes the wire, which ends what reads it.
func (f *front) Close() error { return f.wire.close() }

func (f *front) close() error  { return f.wire.close() }
func (f *front) realm() string { return f.o.Realm }

// abandon closes the relay socket that the library did not want.
func (f *front) abandon() {
	if f.waiting != nil {
		f.waiting.Close()
		f.waiting = nil
	}
}

// send writes what the library has for a client.
func (f *front) send(p []byte, to net.Addr) error {
	switch a := to.(type) {
	case *net.UDPAddr:
		return f.wire.write(p, a.AddrPort())
	case *net.TCPAddr:
		return f.wire.write(p, a.AddrPort())
	}
	return net.InvalidAddrError("neither UDP nor TCP")
}

var errNotAsked = errors.New("no Allocate request is being carried out")

// take returns the relay socket for the request that next gave last, and the
// address that the client is told.
func (f *front) take() (net.PacketConn, net.Addr, error) {
	r := f.waiting
	if r == nil {
		return nil, nil, errNotAsked
	}
	f.waiting = nil
	return r, r.at, nil
}

// permit reports whether a permission may be given. The judge has asked the
// same before.
func (f *front) permit(peer net.IP) bool {
	addr, ok := netip.AddrFromSlice(peer)
	return ok && !f.peers.refused(addr.Unmap(), 0)
}

// open begins an allocation: the relay socket waits to be taken.
func (f *front) open(from netip.AddrPort, q *request, v6, even bool) (status, bool) {
	if s, ok := f.ledger.allocate(q.who.name, from.Addr()); !ok {
		return s, false
	}
	conn, at, err := f.relays.open(v6, even)
	if err != nil {
		f.ledger.release(q.who.name, from.Addr())
		return insufficient, false
	}
	a := &allocation{
		client: from, addr: f.wire.address(from), tuple: tuple(f.serial.Add(1)), who: q.who, transaction: q.m.Transaction(),
		permissions: map[netip.Addr]time.Time{}, channels: map[uint16]channel{},
	}
	a.socket = &relaySocket{conn: conn, at: at, v6: v6, counts: &f.counts, shut: f.peers.shut,
		heard:  func(peer netip.Addr) bool { return f.heard(a, peer) },
		closed: func() { f.forget(a) },
	}
	f.mu.Lock()
	f.table[from] = a
	f.mu.Unlock()
	f.waiting = a.socket
	f.counts.allocations.Add(1)
	f.counts.allocated.Add(1)
	return 0, true
}

// tuple is an address that stands for an allocation.
func tuple(serial uint64) net.Addr {
	ip := make(net.IP, net.IPv6len)
	binary.BigEndian.PutUint64(ip, serial)
	return &net.UDPAddr{IP: ip}
}

// heard reports whether a peer may send to an allocation.
func (f *front) heard(a *allocation, peer netip.Addr) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return a.mayReach(time.Now(), peer)
}

// forget ends an allocation.
func (f *front) forget(a *allocation) {
	f.mu.Lock()
	if f.table[a.client] == a {
		delete(f.table, a.client)
	}
	f.mu.Unlock()
	f.ledger.release(a.who.name, a.client.Addr())
	f.counts.allocations.Add(-1)
}

// find returns the allocation of a client, nil without one.
func (f *front) find(client netip.AddrPort) *allocation {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.table[client]
}
