package kernel

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"

	"sbc/firewall"
	"sbc/lab/netns"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// named are the engines that every test of what they do runs.
var named = []string{"nftables", "tcx", "clsact", "xdp"}

// Addresses: ours, and those of the far side, which may be anybody.
const (
	us4, us6 = "192.0.2.1", "2001:db8::1"
)

var farAddrs = []string{
	"192.0.2.2/24", "192.0.2.3/24", "192.0.2.4/24", "192.0.2.5/24", "192.0.2.6/24",
	"2001:db8::2/64", "2001:db8::3/64", "2001:db8:66:5501::1/64", "2001:db8:66:5502::1/64", "2001:db8:66:5602::1/64",
}

// cableMTU is that of Ethernet: three thousand octets are fragments, and XDP
// finds room.
const cableMTU = 1500

// A world is us and the far side, with a cable between them.
type world struct {
	t         testing.TB
	ours, far *netns.Space
	k         firewall.Kernel
}

func newWorld(t testing.TB) *world {
	t.Helper()
	netns.Require(t, "root")
	w := &world{t: t}
	for name, s := range map[string]**netns.Space{"ours": &w.ours, "far": &w.far} {
		var err error
		*s, err = netns.New(name)
		must(t, err)
		t.Cleanup((*s).Close)
	}
	must(t, netns.Join(netns.End{Space: w.ours, Interface: "eth0"}, netns.End{Space: w.far, Interface: "eth0"}))
	for _, a := range []string{us4 + "/24", us6 + "/64"} {
		must(t, w.ours.AddAddr("eth0", netip.MustParsePrefix(a)))
	}
	for _, a := range farAddrs {
		must(t, w.far.AddAddr("eth0", netip.MustParsePrefix(a)))
	}
	must(t, w.ours.Route(netip.MustParsePrefix("2001:db8:66::/48"), netip.MustParseAddr("2001:db8::2")))
	w.neighbours()
	return w
}

// neighbours tells the two of each other: who is banned is not answered when it
// asks for us by IPv6.
func (w *world) neighbours() {
	macs := map[*netns.Space]net.HardwareAddr{}
	for _, s := range []*netns.Space{w.ours, w.far} {
		must(w.t, s.Do(func() error {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			macs[s] = l.Attrs().HardwareAddr
			return netlink.LinkSetMTU(l, cableMTU)
		}))
	}
	know := func(s *netns.Space, mac net.HardwareAddr, addrs ...string) {
		must(w.t, s.Do(func() error {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			for _, a := range addrs {
				n := &netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP(a), HardwareAddr: mac}
				if err := netlink.NeighSet(n); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	know(w.far, macs[w.ours], us4, us6)
	for _, a := range farAddrs {
		know(w.ours, macs[w.far], netip.MustParsePrefix(a).Addr().String())
	}
}

// open opens an engine on our side.
func (w *world) open(want string) (k firewall.Kernel) {
	w.t.Helper()
	var got string
	must(w.t, w.ours.Do(func() (err error) {
		k, got, err = Open(Options{Want: want, Interfaces: []string{"eth0"}})
		return err
	}))
	if k.Name() != want {
		w.t.Fatalf("got %s (%s), want %s", k.Name(), got, want)
	}
	w.t.Cleanup(func() { must(w.t, k.Close()) })
	return k
}

// each runs a test with each engine.
func each(t *testing.T, test func(*testing.T, *world)) {
	for _, name := range named {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.k = w.open(name)
			test(t, w)
		})
	}
}

func (w *world) counters() firewall.Counters {
	w.t.Helper()
	c, err := w.k.Counters()
	must(w.t, err)
	return c
}

func (w *world) banned() []netip.Prefix {
	w.t.Helper()
	list, err := w.k.Banned()
	must(w.t, err)
	var all []netip.Prefix
	for _, b := range list {
		if b.Left <= 0 || b.Left > time.Hour {
			w.t.Errorf("%v has %v left", b.Prefix, b.Left)
		}
		all = append(all, b.Prefix)
	}
	slices.SortFunc(all, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return all
}

// keyOctets of a datagram tell it from others.
const keyOctets = 40

// An inbox keeps what comes to a port of ours, by its text.
type inbox struct {
	conn *net.UDPConn
	done chan struct{}

	mu  sync.Mutex
	got map[string]int // Guarded by mu.
}

func (w *world) listen(at string) *inbox {
	w.t.Helper()
	conn, err := w.ours.ListenUDP(netip.MustParseAddrPort(at))
	must(w.t, err)
	must(w.t, conn.SetReadBuffer(4<<20))
	b := &inbox{conn: conn, done: make(chan struct{}), got: map[string]int{}}
	go func() {
		defer close(b.done)
		buf := make([]byte, 1<<16)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				return
			}
			b.mu.Lock()
			b.got[string(buf[:min(n, keyOctets)])]++
			b.mu.Unlock()
		}
	}()
	w.t.Cleanup(func() {
		_ = conn.Close()
		<-b.done
	})
	return b
}

func (b *inbox) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.got[text[:min(len(text), keyOctets)]]
}

// dial opens a socket of the far side, from an address or an address and port.
func (w *world) dial(from, to string) net.Conn {
	w.t.Helper()
	local, err := netip.ParseAddrPort(from)
	if err != nil {
		local = netip.AddrPortFrom(netip.MustParseAddr(from), 0)
	}
	var conn net.Conn
	must(w.t, w.far.Do(func() (err error) {
		conn, err = net.DialUDP("udp", net.UDPAddrFromAddrPort(local), net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
		return err
	}))
	w.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// write sends a text some times.
func (w *world) write(c net.Conn, text string, times int) {
	w.t.Helper()
	for range times {
		_, err := c.Write([]byte(text))
		must(w.t, err)
	}
}

// batch is how many datagrams are sent before anybody looks what became of
// them: they fit a socket's buffer.
const batch = 25

// until sends until so many datagrams more are counted. What the machine itself
// loses when it is very busy is sent again. What was only late is waited for,
// so that whoever comes next does not count it.
func (w *world) until(what string, times int, counted func() int, from ...net.Conn) {
	w.t.Helper()
	before, next := counted(), 0
	settle := func(goal int) {
		patience := time.Now().Add(2 * time.Second)
		for counted()-before < goal && time.Now().Before(patience) {
			time.Sleep(time.Millisecond)
		}
	}
	deadline := time.Now().Add(30 * time.Second)
	for missing := times; missing > 0; missing = times - (counted() - before) {
		n := min(missing, batch)
		for range n {
			w.write(from[next%len(from)], what, 1)
			next++
		}
		settle(times - missing + n)
		if time.Now().After(deadline) {
			w.t.Fatalf("%.20q: %d of %d datagrams are accounted for", what, counted()-before, times)
		}
	}
	settle(next)
}

// arrive sends datagrams of which each has to arrive.
func (w *world) arrive(c net.Conn, b *inbox, text string, times int) {
	w.t.Helper()
	before := w.counters()
	w.until(text, times, func() int { return b.count(text) }, c)
	if after := w.counters(); after != before {
		w.t.Errorf("%.20q: drops were %+v and are %+v", text, before, after)
	}
}

// dropped sends datagrams of which each has to be dropped for a ban.
func (w *world) dropped(c net.Conn, b *inbox, text string, times int) {
	w.t.Helper()
	had := b.count(text)
	w.until(text, times, func() int { return int(w.counters().Banned) }, c)
	if n := b.count(text); n != had {
		w.t.Errorf("%.20q: %d of %d datagrams have arrived", text, n-had, times)
	}
}

func prefix(p string) netip.Prefix { return netip.MustParsePrefix(p) }

func place(a string) netip.AddrPort { return netip.MustParseAddrPort(a) }
