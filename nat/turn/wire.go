package turn

import (
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"sbc/nat"
)

// A udpWire is a UDP socket.
type udpWire struct{ conn *net.UDPConn }

func (w udpWire) read(p []byte) (int, netip.AddrPort, error) {
	n, from, err := w.conn.ReadFromUDPAddrPort(p)
	return n, netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), err
}

func (w udpWire) write(p []byte, to netip.AddrPort) error {
	_, err := w.conn.WriteToUDPAddrPort(p, netip.AddrPortFrom(to.Addr().Unmap(), to.Port()))
	return err
}

func (udpWire) address(a netip.AddrPort) net.Addr { return net.UDPAddrFromAddrPort(a) }
func (w udpWire) close() error                    { return w.conn.Close() }

// A streamWire is the connection of one client. It frames what comes (RFC 8656
// section 3.1 and 12.5); where that fails it ends, because nothing that follows
// can be trusted.
type streamWire struct {
	conn   net.Conn
	client netip.AddrPort
	busy   func() bool // whether the client has an allocation
	counts *counters

	// Owned by who reads.
	buf        [streamBuffer]byte
	start, end int       // of what has not been given yet
	idle       time.Time // since when the client has no allocation

	closed atomic.Bool
}

// Ours: two frames of the greatest length. Who has no allocation after 30 s has
// no reason to be connected, and who does not take an answer within 5 s is
// gone.
const (
	streamBuffer = 4096
	streamIdle   = 30 * time.Second
	streamWrite  = 5 * time.Second
)

func (w *streamWire) read(p []byte) (int, netip.AddrPort, error) {
	rules := nat.TURNServer
	for {
		n, why := rules.Frame(w.buf[w.start:w.end])
		if why != nat.STUNFine {
			w.counts.refuse(Malformed)
			return 0, w.client, net.ErrClosed
		}
		if n > 0 {
			n = copy(p, w.buf[w.start:w.start+n])
			w.start += n
			return n, w.client, nil
		}
		if err := w.fill(); err != nil {
			return 0, w.client, err
		}
	}
}

// fill reads more of the stream.
func (w *streamWire) fill() error {
	w.end = copy(w.buf[:], w.buf[w.start:w.end])
	w.start = 0
	now := time.Now()
	until := now.Add(maxLifetime + streamIdle)
	switch busy := w.busy(); {
	case busy:
		w.idle = time.Time{}
	case w.idle.IsZero():
		w.idle = now
		fallthrough
	default:
		until = w.idle.Add(streamIdle)
	}
	w.conn.SetReadDeadline(until)
	n, err := w.conn.Read(w.buf[w.end:])
	w.end += n
	if n > 0 {
		return nil
	}
	return err
}

func (w *streamWire) write(p []byte, _ netip.AddrPort) error {
	w.conn.SetWriteDeadline(time.Now().Add(streamWrite))
	_, err := w.conn.Write(p)
	if err != nil {
		w.close() // half a frame may be out
	}
	return err
}

func (*streamWire) address(a netip.AddrPort) net.Addr { return net.TCPAddrFromAddrPort(a) }

func (w *streamWire) close() error {
	if w.closed.Swap(true) {
		return nil
	}
	return w.conn.Close()
}
