package turn

import (
	"io"
	"net"
	"time"

	"github.com/pion/logging"
	pion "github.com/pion/turn/v3"

	"sbc/nat"
)

// A source is what a TURN library serves, and all that it may know of the
// world: the messages of one socket or connection, and the relay sockets for
// those that ask for one. All of it is called from one goroutine, but for
// send, permit and close.
type source interface {
	next(p []byte) (message, error)
	take() (net.PacketConn, net.Addr, error)
	send(p []byte, to net.Addr) error
	permit(peer net.IP) bool
	realm() string
	close() error
}

// serve puts the library behind a source, until the source ends or is closed.
// Closing what it returns closes the source; its allocations end a moment
// later.
func serve(s source) (io.Closer, error) {
	c := &pionConn{s: s}
	return pion.NewServer(pion.ServerConfig{
		PacketConnConfigs: []pion.PacketConnConfig{{
			PacketConn:            c,
			RelayAddressGenerator: (*pionRelay)(c),
			PermissionHandler:     func(_ net.Addr, peer net.IP) bool { return s.permit(peer) },
		}},
		Realm:              s.realm(),
		AuthHandler:        c.key,
		ChannelBindTimeout: channelLife,
		InboundMTU:         pionBuffer,
		LoggerFactory:      silence{},
	})
}

// Ours: room for a request of 1500 octets with a longer nonce.
const pionBuffer = 2048

// A pionConn is the socket that the library believes to have. What comes out
// of it has been judged. The library insists on credentials and on nonces of
// its own, so requests get both here: the signer is known, and the nonce comes
// from asking the library like a stranger, each time that the last one is old.
type pionConn struct {
	s source

	// Owned by the goroutine of the library that reads.
	signer *identity // of the request that it carries out
	tuple  net.Addr  // of the allocation that the message is about
	held   message   // waits for a nonce
	nonce  []byte
	got    time.Time // when nonce was
}

// The library takes a nonce for an hour.
const pionNonceLife = 50 * time.Minute

// stranger is who asks for the nonce. No client has port 0.
var stranger = &net.UDPAddr{IP: net.IPv4zero}

// ask is an Allocate request without credentials.
var ask = [headerLen]byte{1: 3, 4: 0x21, 5: 0x12, 6: 0xA4, 7: 0x42}

// ReadFrom gives the library its next message.
func (c *pionConn) ReadFrom(p []byte) (int, net.Addr, error) {
	m := c.held
	c.held = message{}
	if m.octets == nil {
		var err error
		if m, err = c.s.next(p); err != nil {
			return 0, nil, err
		}
	}
	c.tuple = m.tuple
	if c.signer = m.signer; c.signer == nil {
		return len(m.octets), m.from, nil
	}
	if now := time.Now(); c.nonce == nil || now.Sub(c.got) > pionNonceLife {
		c.held, c.got, c.nonce = m, now, []byte{}
		return copy(p, ask[:]), stranger, nil
	}
	return copy(p, c.seal(m)), m.from, nil
}

// seal appends the credentials of the signer.
func (c *pionConn) seal(m message) []byte {
	b := appendAttr(m.octets, nat.AttrUsername, []byte(m.signer.user))
	b = appendAttr(b, nat.AttrRealm, []byte(c.s.realm()))
	b = appendAttr(b, nat.AttrNonce, c.nonce)
	return sign(b, m.signer.key)
}

// WriteTo sends what the library has for a client, and keeps the nonce that it
// has for the stranger.
func (c *pionConn) WriteTo(p []byte, to net.Addr) (int, error) {
	if to == net.Addr(stranger) {
		if v, ok := nat.STUN(p).Find(nat.AttrNonce); ok {
			c.nonce = append(c.nonce, v...)
		}
		return len(p), nil
	}
	if m := nat.STUN(p); nat.IsSTUN(p) && m.Class() == nat.ClassError {
		// To a request, so this is the goroutine that reads. A clock that was
		// put forward makes the nonce old before its time.
		if code, _, _ := m.ErrorCode(); code == int(staleNonce) {
			c.nonce = nil
		}
	}
	return len(p), c.s.send(p, to)
}

// key answers the library that wants to know who signed: who it was, the judge
// has found out.
func (c *pionConn) key(string, string, net.Addr) ([]byte, bool) {
	if c.signer == nil {
		return nil, false
	}
	return c.signer.key, true
}

// LocalAddr is the other end of the 5-tuple by which the library finds the
// allocation of a message. It ends allocations by that too, some of them late:
// when the client has a new one of the same 5-tuple already, that would be
// ended. So each allocation has an end of its own.
func (c *pionConn) LocalAddr() net.Addr { return c.tuple }

func (c *pionConn) Close() error { return c.s.close() }

// The library sets no deadline.
func (c *pionConn) SetDeadline(time.Time) error      { return nil }
func (c *pionConn) SetReadDeadline(time.Time) error  { return nil }
func (c *pionConn) SetWriteDeadline(time.Time) error { return nil }

// A pionRelay gives the library relay sockets.
type pionRelay pionConn

func (*pionRelay) Validate() error { return nil }

func (r *pionRelay) AllocatePacketConn(string, int) (net.PacketConn, net.Addr, error) {
	return r.s.take()
}

func (*pionRelay) AllocateConn(string, int) (net.Conn, net.Addr, error) {
	return nil, nil, errNotAsked // RFC 6062 is not served
}

// silence is the library's logger: what strangers send is counted, not logged.
type silence struct{}

func (silence) NewLogger(string) logging.LeveledLogger { return silence{} }

func (silence) Trace(string)          {}
func (silence) Tracef(string, ...any) {}
func (silence) Debug(string)          {}
func (silence) Debugf(string, ...any) {}
func (silence) Info(string)           {}
func (silence) Infof(string, ...any)  {}
func (silence) Warn(string)           {}
func (silence) Warnf(string, ...any)  {}
func (silence) Error(string)          {}
func (silence) Errorf(string, ...any) {}
