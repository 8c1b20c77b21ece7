package turn

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pion/stun/v2"
)

// A client is a TURN client for tests, upon somebody else's STUN messages.
type client struct {
	t              testing.TB
	conn           net.Conn
	user, password string
	realm          string
	nonce          string
}

func dial(t testing.TB, network string, to netip.AddrPort, user, password string) *client {
	t.Helper()
	conn, err := net.Dial(network, to.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &client{t: t, conn: conn, user: user, password: password}
}

const soon = 20 * time.Second

// read returns the next datagram or frame, nil if none comes within d.
func (c *client) read(d time.Duration) []byte {
	c.t.Helper()
	c.conn.SetReadDeadline(time.Now().Add(d))
	b := make([]byte, 2048)
	if _, ok := c.conn.(*net.UDPConn); ok {
		n, err := c.conn.Read(b)
		return c.got(b[:n], err)
	}
	if _, err := io.ReadFull(c.conn, b[:4]); err != nil {
		return c.got(nil, err)
	}
	n := int(binary.BigEndian.Uint16(b[2:])) + 4
	if b[0] < 0x40 {
		n += 16
	}
	n = (n + 3) &^ 3
	_, err := io.ReadFull(c.conn, b[4:n])
	return c.got(b[:n], err)
}

func (c *client) got(b []byte, err error) []byte {
	c.t.Helper()
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

func (c *client) write(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// ask sends m and returns what answers it.
func (c *client) ask(m *stun.Message) *stun.Message {
	c.t.Helper()
	c.write(m.Raw)
	return c.answer(m.TransactionID)
}

func (c *client) answer(id [12]byte) *stun.Message {
	c.t.Helper()
	for {
		b := c.read(soon)
		if b == nil {
			c.t.Fatal("no answer")
		}
		if !stun.IsMessage(b) {
			continue
		}
		m := &stun.Message{Raw: b}
		if err := m.Decode(); err != nil {
			c.t.Fatalf("answer %x: %v", b, err)
		}
		if m.TransactionID == id {
			return m
		}
	}
}

func build(t testing.TB, set ...stun.Setter) *stun.Message {
	t.Helper()
	m, err := stun.Build(append([]stun.Setter{stun.TransactionID}, set...)...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func requestType(method stun.Method) stun.MessageType { return stun.NewType(method, stun.ClassRequest) }

// signed builds a request with the credentials of the client.
func (c *client) signed(method stun.Method, set ...stun.Setter) *stun.Message {
	c.t.Helper()
	all := append([]stun.Setter{requestType(method)}, set...)
	all = append(all, stun.NewUsername(c.user), stun.NewRealm(c.realm), stun.NewNonce(c.nonce),
		stun.NewLongTermIntegrity(c.user, c.realm, c.password))
	return build(c.t, all...)
}

// learn takes realm and nonce from a challenge.
func (c *client) learn(m *stun.Message) {
	c.t.Helper()
	var realm stun.Realm
	var nonce stun.Nonce
	if realm.GetFrom(m) != nil || nonce.GetFrom(m) != nil {
		c.t.Fatalf("no challenge: %v", m)
	}
	c.realm, c.nonce = realm.String(), nonce.String()
}

// do makes a request with credentials and returns the answer, whose integrity
// it checks if it has to have one.
func (c *client) do(method stun.Method, set ...stun.Setter) *stun.Message {
	c.t.Helper()
	if c.nonce == "" {
		c.learn(c.ask(build(c.t, append([]stun.Setter{requestType(method)}, set...)...)))
	}
	m := c.ask(c.signed(method, set...))
	if n := code(m); n != 400 && n != 401 && n != 438 {
		if err := stun.NewLongTermIntegrity(c.user, c.realm, c.password).Check(m); err != nil {
			c.t.Fatalf("integrity of the answer %v: %v", m, err)
		}
	}
	return m
}

// code is the status of an answer; 200: success.
func code(m *stun.Message) int {
	if m.Type.Class == stun.ClassSuccessResponse {
		return 200
	}
	var e stun.ErrorCodeAttribute
	if e.GetFrom(m) != nil {
		return 0
	}
	return int(e.Code)
}

func (c *client) want(status int, m *stun.Message) *stun.Message {
	c.t.Helper()
	if got := code(m); got != status {
		c.t.Fatalf("answered %d, want %d: %v", got, status, m)
	}
	return m
}

// Attributes of TURN, octet by octet.

func raw(a stun.AttrType, v ...byte) stun.Setter { return stun.RawAttribute{Type: a, Value: v} }

var overUDP = raw(stun.AttrRequestedTransport, 17, 0, 0, 0)

func seconds(n uint32) stun.Setter {
	return raw(stun.AttrLifetime, binary.BigEndian.AppendUint32(nil, n)...)
}

func number(n uint16) stun.Setter { return raw(stun.AttrChannelNumber, byte(n>>8), byte(n), 0, 0) }

// peer is an XOR-PEER-ADDRESS; it comes before the setters that sign.
type peer netip.AddrPort

func (p peer) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	v := []byte{0, 1, byte(a.Port() >> 8), byte(a.Port())}
	if a.Addr().Is6() {
		v[1] = 2
	}
	v = append(v, a.Addr().AsSlice()...)
	v[2] ^= m.Raw[4]
	v[3] ^= m.Raw[5]
	for i := 4; i < len(v); i++ {
		v[i] ^= append([]byte{0x21, 0x12, 0xA4, 0x42}, m.TransactionID[:]...)[i-4]
	}
	m.Add(stun.AttrXORPeerAddress, v)
	return nil
}

func at(s string) peer { return peer(netip.MustParseAddrPort(s)) }

// allocate gets an allocation and returns its relayed transport address.
func (c *client) allocate(set ...stun.Setter) netip.AddrPort {
	c.t.Helper()
	m := c.want(200, c.do(stun.MethodAllocate, append([]stun.Setter{overUDP}, set...)...))
	return relayed(c.t, m)
}

func relayed(t testing.TB, m *stun.Message) netip.AddrPort {
	t.Helper()
	var a stun.XORMappedAddress
	if err := a.GetFromAs(m, stun.AttrXORRelayedAddress); err != nil {
		t.Fatal(err)
	}
	addr, _ := netip.AddrFromSlice(a.IP)
	return netip.AddrPortFrom(addr.Unmap(), uint16(a.Port))
}

func channelData(n uint16, text string) []byte {
	b := binary.BigEndian.AppendUint16(nil, n)
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	b = append(b, text...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// A friend is a peer that answers what it gets, with a word before it.
type friend struct{ *net.UDPConn }

func newFriend(t testing.TB, addr string) friend {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(addr)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return friend{conn}
}

func (f friend) at() netip.AddrPort { return f.LocalAddr().(*net.UDPAddr).AddrPort() }

func (f friend) hears(t testing.TB, want string) netip.AddrPort {
	t.Helper()
	f.SetReadDeadline(time.Now().Add(soon))
	b := make([]byte, 2048)
	n, from, err := f.ReadFromUDPAddrPort(b)
	if err != nil || string(b[:n]) != want {
		t.Fatalf("the peer got %q, %v, want %q", b[:n], err, want)
	}
	return from
}

// eventually waits until what is true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(soon); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", soon, what)
		}
	}
}

// timed returns a time-limited user name and its password.
func timed(secret, name string, until time.Time) (user, password string) {
	user = strconv.FormatInt(until.Unix(), 10) + ":" + name
	return user, timedPassword([]byte(secret), user)
}

func octets(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func itoa(port uint16) string { return strconv.Itoa(int(port)) }
