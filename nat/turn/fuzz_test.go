package turn

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v2"

	"sbc/nat"
)

// A memory is a wire whose datagrams are made by a test.
type memory struct {
	in   chan datagram
	out  chan []byte // nil where nobody listens
	gone chan struct{}
	once sync.Once
}

type datagram struct {
	octets []byte
	from   netip.AddrPort
}

func newMemory() *memory {
	return &memory{in: make(chan datagram), out: make(chan []byte, 64), gone: make(chan struct{})}
}

func (m *memory) read(p []byte) (int, netip.AddrPort, error) {
	select {
	case d := <-m.in:
		return copy(p, d.octets), d.from, nil
	case <-m.gone:
		return 0, netip.AddrPort{}, net.ErrClosed
	}
}

func (m *memory) write(p []byte, _ netip.AddrPort) error {
	select {
	case m.out <- bytes.Clone(p):
	default:
	}
	return nil
}

func (*memory) address(a netip.AddrPort) net.Addr { return net.UDPAddrFromAddrPort(a) }

func (m *memory) close() error {
	m.once.Do(func() { close(m.gone) })
	return nil
}

// feed gives the service a datagram and returns when it has been carried out.
func (m *memory) feed(b []byte, from netip.AddrPort) {
	m.in <- datagram{b, from}
	m.in <- datagram{nil, from} // taken when all before has been
}

// A fuzzed is a service with the library behind it, and a client with an
// allocation, a permission and a channel.
type fuzzed struct {
	*memory
	f     *front
	known netip.AddrPort
	key   []byte
	nonce []byte
}

func newFuzzed(t testing.TB) *fuzzed {
	o := options(42000)
	o.Rate = Rate{PerSource: quotaMax, All: quotaMax}
	z := &fuzzed{memory: newMemory(), known: netip.MustParseAddrPort("192.0.2.1:1000")}
	z.f = newFront(newService(o), z.memory)
	if _, err := serve(z.f); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		z.close()
		eventually(t, "all allocations are gone", func() bool { return z.f.counts.allocations.Load() == 0 })
	})
	z.key = longTermKey("alice", o.Realm, "password")
	z.prepare(t)
	return z
}

// prepare makes the allocation of the known client.
func (z *fuzzed) prepare(t testing.TB) {
	z.nonce = z.f.nonces.append(nil, time.Now(), z.known)
	for _, m := range []*stun.Message{
		build(t, requestType(stun.MethodAllocate), overUDP),
		build(t, requestType(stun.MethodCreatePermission), at("127.0.0.9:9")),
		build(t, requestType(stun.MethodChannelBind), number(0x4001), at("127.0.0.9:9")),
	} {
		z.feed(z.sign(m.Raw), z.known)
	}
	if a := z.f.find(z.known); a == nil || len(a.channels) != 1 {
		t.Fatal("the known client has no allocation with a channel")
	}
}

// sign puts the credentials of the known client behind the attributes of b, as
// far as it can be a message.
func (z *fuzzed) sign(b []byte) []byte {
	if len(b) < headerLen {
		return b
	}
	m := append([]byte(nil), b...)
	m = appendAttr(m, nat.AttrUsername, []byte("alice"))
	m = appendAttr(m, nat.AttrRealm, []byte(z.f.o.Realm))
	m = appendAttr(m, nat.AttrNonce, z.nonce)
	return sign(m, z.key)
}

// Whatever comes, with credentials and without, from a client with an
// allocation and from strangers, as a datagram and on a stream: the library
// behind the guard stands, and what it gets is what another reader of STUN
// takes.
func FuzzGuard(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	z := newFuzzed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > streamBuffer {
			return
		}
		z.try(t, b)
	})
}

func (z *fuzzed) try(t testing.TB, b []byte) {
	stranger := netip.MustParseAddrPort("198.51.100.1:2000")
	z.feed(b, stranger)
	z.feed(b, z.known)
	signed := z.sign(b)
	z.feed(signed, stranger)
	z.feed(signed, z.known)
	z.frames(b)
	if v := z.f.judge(time.Now(), b, z.known); v.pass.octets != nil && nat.IsSTUN(v.pass.octets) {
		m := &stun.Message{Raw: bytes.Clone(v.pass.octets)}
		if err := m.Decode(); err != nil {
			t.Errorf("%x was passed, and is not STUN: %v", b, err)
		}
	}
	z.f.mu.RLock()
	a := z.f.table[z.known]
	z.f.mu.RUnlock()
	if a == nil { // a Refresh with credentials has ended it
		z.prepare(t)
	}
}

// A text is a connection that brings what is in it.
type text struct {
	net.Conn
	*bytes.Reader
}

func (t text) Read(b []byte) (int, error)    { return t.Reader.Read(b[:min(len(b), 700)]) }
func (text) SetReadDeadline(time.Time) error { return nil }
func (text) Close() error                    { return nil }

// frames gives a stream of b to the framing, and what comes of that on.
func (z *fuzzed) frames(b []byte) {
	w := &streamWire{conn: text{Reader: bytes.NewReader(b)}, busy: func() bool { return false }, counts: &z.f.counts}
	var p [pionBuffer]byte
	for {
		n, _, err := w.read(p[:])
		if err != nil {
			return
		}
		z.feed(p[:n], z.known)
	}
}

// seeds are messages of every kind, and those that have ended other servers.
func seeds(t testing.TB) (list [][]byte) {
	send := stun.NewType(stun.MethodSend, stun.ClassIndication)
	for _, m := range []*stun.Message{
		build(t, stun.BindingRequest, stun.Fingerprint),
		build(t, requestType(stun.MethodAllocate), overUDP, seconds(600)),
		build(t, requestType(stun.MethodAllocate), overUDP, raw(stun.AttrEvenPort, 0x80)),
		build(t, requestType(stun.MethodAllocate), overUDP, raw(stun.AttrReservationToken, make([]byte, 8)...)),
		build(t, requestType(stun.MethodRefresh), seconds(0)),
		build(t, requestType(stun.MethodCreatePermission), at("127.0.0.9:9"), at("[2001:db8::1]:9")),
		build(t, requestType(stun.MethodChannelBind), number(0x4002), at("127.0.0.10:9")),
		build(t, send, at("127.0.0.9:9"), raw(stun.AttrData, []byte("data")...)),
		build(t, send, raw(stun.AttrData, []byte("data")...), at("127.0.0.9:9"), raw(stun.AttrDontFragment)),
	} {
		list = append(list, m.Raw)
	}
	return append(list, emptyPeer(), channelData(0x4001, "data"), channelData(0x4001, ""), []byte{0x40, 1, 0xFF, 0xFF})
}

// For as long as SBC_FUZZ_TURN says, datagrams that are nearly right: the
// whole service, in the order in which they come.
func TestGuardStands(t *testing.T) {
	long := 300 * time.Millisecond
	if s := os.Getenv("SBC_FUZZ_TURN"); s != "" {
		var err error
		if long, err = time.ParseDuration(s); err != nil {
			t.Fatal(err)
		}
	}
	z := newFuzzed(t)
	r := newMutator(seeds(t))
	n := 0
	for end := time.Now().Add(long); time.Now().Before(end); n++ {
		z.try(t, r.next())
	}
	c := z.f.counts.counts()
	t.Logf("%d datagrams, each four times and as a stream: %+v", n, c)
	if c.Refused[Malformed.String()] == 0 || c.Refused[Stranger.String()] == 0 || c.OctetsToPeers == 0 {
		t.Errorf("counted %+v: want some malformed, some of strangers, some passed", c)
	}
	// It still serves.
	for len(z.out) > 0 {
		<-z.out
	}
	m := build(t, stun.BindingRequest)
	z.feed(m.Raw, z.known)
	if b := <-z.out; binary.BigEndian.Uint16(b) != 0x0101 {
		t.Errorf("a Binding request was answered %x", b)
	}
}
