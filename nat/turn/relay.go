package turn

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// A relaySocket is a relayed transport address: the socket towards the peers
// of one allocation. The library reads it, writes it and closes it when the
// allocation ends.
type relaySocket struct {
	conn *net.UDPConn
	at   net.Addr // as clients are told
	v6   bool

	once   sync.Once
	closed func()                               // gives back what the allocation had
	heard  func(netip.Addr) bool                // whether there is a permission
	shut   func(addr netip.Addr, p uint16) bool // whether nothing may go there
	counts *counters
}

// ReadFrom reads what the next peer with a permission sends.
func (r *relaySocket) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := r.conn.ReadFromUDPAddrPort(b)
		switch from := netip.AddrPortFrom(from.Addr().Unmap(), from.Port()); {
		case err != nil:
			return 0, nil, err
		case n > peerMax:
			r.counts.refuse(Oversize)
		case !r.heard(from.Addr()):
			r.counts.refuse(Stranger)
		default:
			r.counts.toClient.Add(uint64(n))
			return n, net.UDPAddrFromAddrPort(from), nil
		}
	}
}

// Ours: what still fits into a Data indication of one Ethernet frame, and is
// not cut by the buffer of the library.
const peerMax = 1500

// WriteTo sends to a peer. What may not go there, and what the network
// refuses, is lost like any datagram.
func (r *relaySocket) WriteTo(b []byte, to net.Addr) (int, error) {
	u, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, net.InvalidAddrError("not UDP")
	}
	peer := u.AddrPort()
	peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	if r.shut(peer.Addr(), peer.Port()) {
		r.counts.refuse(Denied)
		return len(b), nil
	}
	if _, err := r.conn.WriteToUDPAddrPort(b, peer); err == nil {
		r.counts.toPeers.Add(uint64(len(b)))
	}
	return len(b), nil
}

// Close closes the socket and gives its place back. It never fails: the
// library would leave other allocations open behind an error.
func (r *relaySocket) Close() error {
	r.once.Do(func() {
		r.conn.Close()
		r.closed()
	})
	return nil
}

// What the library does not use.
func (r *relaySocket) LocalAddr() net.Addr                { return r.conn.LocalAddr() }
func (r *relaySocket) SetDeadline(t time.Time) error      { return r.conn.SetDeadline(t) }
func (r *relaySocket) SetReadDeadline(t time.Time) error  { return r.conn.SetReadDeadline(t) }
func (r *relaySocket) SetWriteDeadline(t time.Time) error { return r.conn.SetWriteDeadline(t) }

// relays opens relay sockets.
type relays struct {
	of          [2]Relay // by family: IPv4, IPv6; Listen not valid: none
	first, last int
}

func newRelays(o Options) *relays {
	r := &relays{first: int(o.FirstPort), last: int(o.LastPort)}
	for _, one := range o.Relays {
		if !one.Advertise.IsValid() {
			one.Advertise = one.Listen
		}
		r.of[family(one.Listen.Is6())] = one
	}
	return r
}

func family(v6 bool) int {
	if v6 {
		return 1
	}
	return 0
}

// has reports whether a family is relayed to.
func (r *relays) has(v6 bool) bool { return r.of[family(v6)].Listen.IsValid() }

var errNoPort = errors.New("no relay port is free")

// open binds a port that nobody has, from a random one on: who sees one port
// should not know the next. even asks for an even number (RFC 8656 section
// 18.5).
func (r *relays) open(v6, even bool) (*net.UDPConn, net.Addr, error) {
	relay, network := r.of[family(v6)], [2]string{"udp4", "udp6"}[family(v6)]
	size := r.last - r.first + 1
	start := rand.IntN(size)
	for i := range size {
		port := r.first + (start+i)%size
		if even && port%2 != 0 {
			continue
		}
		at := netip.AddrPortFrom(relay.Listen, uint16(port))
		conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
		if err == nil {
			return conn, net.UDPAddrFromAddrPort(netip.AddrPortFrom(relay.Advertise, uint16(port))), nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, nil, err
		}
	}
	return nil, nil, errNoPort
}
