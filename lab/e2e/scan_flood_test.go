package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/lab/ua"
)

// floods are what a host sends by UDP, as fast as floodRate.
var floods = []struct {
	name string
	text func(i int) string
}{
	{"INVITE", func(i int) string { return forged("INVITE", fmt.Sprint("00", i), i) }},
	{"REGISTER", func(i int) string { return forged("REGISTER", fmt.Sprint("u", i), i) }},
	{"REGISTER for us", func(i int) string {
		return strings.ReplaceAll(forged("REGISTER", fmt.Sprint("u", i), i), outsideAddr.String(), domain)
	}},
	{"OPTIONS", func(i int) string { return forged("OPTIONS", "ping", i) }},
	{"ACK", func(i int) string { return forged("ACK", "100", i) }},
	{"responses", func(i int) string {
		return fmt.Sprintf("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKnone%d\r\nFrom: <sip:a@198.51.100.1>;tag=a%[1]d\r\nTo: <sip:b@198.51.100.1>;tag=b\r\nCall-ID: r%[1]d\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n", i)
	}},
	{"nonsense", func(i int) string { return fmt.Sprintf("\x16\x03\x01 %d %s\r\n", i, strings.Repeat("\x80x", 200)) }},
}

// What floods are like here.
const (
	floodRate    = 10000 // packets a second
	floodSeconds = 3
	floodSources = 10000
	floodCalls   = 50   // a second, that go on
	floodShare   = 2000 // unknown_rate
	// Tables of the guard are there from the start; what is left are batches,
	// packets that wait and the garbage between two collections.
	floodMemory = 64 << 20
)

// flooding has room for as many floods as may be under way: each takes a good part of a core,
// and the calls beside them have little time.
var flooding = make(chan struct{}, 2)

// mayFlood waits until there is room for a flood.
func mayFlood(t *testing.T) {
	flooding <- struct{}{}
	t.Cleanup(func() { <-flooding })
}

// Floods by UDP, from one host and from ten thousand that nobody can tell from
// true ones, cost no call of those who are known, and no memory.
func TestFloodsByUDP(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, c := range []struct {
		name   string
		engine string
		source func(s *stranger, i int) netip.AddrPort
		cause  string // for which the kernel drops what is too much
	}{
		{"one host, tcx", "tcx", oneSource, "source"},
		{"one host, nftables", "nftables", oneSource, "source"},
		{"many hosts, tcx", "tcx", manySources, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mayFlood(t)
			n := newSiege(t, true, fmt.Sprintf("engine = %q", c.engine))
			n.must(n.middle.Route(netip.MustParsePrefix("0.0.0.0/0"), itspAddr)) // so that any source is a likely one
			s := n.stranger("flooder")
			f := s.forger()
			goesOn := n.load(floodCalls, floodSeconds*len(floods)+2)
			n.await("calls", func() bool { st, err := n.border.status(); return err == nil && st.Answered > floodCalls })
			memory := n.memory()
			for _, flood := range floods {
				before, began := n.gate(), time.Now()
				f.flood(floodRate*floodSeconds, func(i int) { f.udp(c.source(s, i), []byte(flood.text(i))) })
				after := n.gate()
				t.Logf("%d of %s: in the kernel %v, in the border %v", floodRate*floodSeconds, flood.name, more(before.Kernel, after.Kernel), more(before.Dropped, after.Dropped))
				// A machine that is busy floods at a lower rate than strangers may have.
				share := floodShare * (2 + int(time.Since(began)/time.Second))
				if refused := sum(more(before.Kernel, after.Kernel)) + sum(more(before.Dropped, after.Dropped)); refused == 0 && share < floodRate*floodSeconds {
					t.Errorf("of %s: nothing was refused unread", flood.name)
				}
			}
			f.udp(netip.AddrPortFrom(s.addr, 7), []byte(floods[0].text(0)))
			n.await("an echo to be refused", func() bool { return n.gate().Dropped["source"] > 0 })
			goesOn()
			if g := n.gate(); c.cause != "" && g.Kernel[c.cause] == 0 || g.Bans != 0 || !strings.HasPrefix(g.Engine, c.engine) {
				t.Errorf("%+v", g)
			}
			n.lean(memory)
			n.measured("floods")
		})
	}
}

func oneSource(s *stranger, i int) netip.AddrPort {
	return netip.AddrPortFrom(s.addr, uint16(10000+i%50000))
}

func manySources(_ *stranger, i int) netip.AddrPort {
	n := i % floodSources
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, 100, byte(n >> 8), byte(n)}), uint16(10000+i%50000))
}

// rotating is a host that takes another /64 of IPv6 for each packet.
func rotating(_ *stranger, i int) netip.AddrPort {
	n := i % floodSources
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0x80, 0, byte(n >> 8), byte(n), 15: 1}), uint16(10000+i%50000))
}

// A flood of all kinds at once is not heard: of a call that is up no packet of media
// is late or lost, and it ends as it should.
func TestFloodIsNotHeard(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, c := range []struct {
		name, engine string
		source       func(s *stranger, i int) netip.AddrPort
		change       []func(*siege)
	}{
		{"none", "none", manySources, nil},
		{"tcx", "tcx", manySources, nil},
		{"tcx, IPv6", "tcx", rotating, []func(*siege){(*siege).byIP6}},
		{"nftables, IPv6", "nftables", rotating, []func(*siege){(*siege).byIP6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mayFlood(t)
			n := newSiege(t, true, fmt.Sprintf("engine = %q", c.engine), c.change...)
			n.must(n.middle.Route(netip.MustParsePrefix("0.0.0.0/0"), itspAddr))
			s := n.stranger("flooder")
			f := s.forger()
			p := n.phones("in", nil)
			p.talk(ua.Invite{})
			f.flood(floodRate*floodSeconds, func(i int) { f.udp(c.source(s, i), []byte(floods[i%len(floods)].text(i))) })
			p.caller.Hangup(1)
			p.over()
			p.clean(0)
			g := n.gate()
			if refused := sum(g.Kernel) + sum(g.Dropped); refused == 0 || g.Bans != 0 || !strings.HasPrefix(g.Engine, c.engine) {
				t.Errorf("%+v", g)
			}
			n.measured("beside a call")
		})
	}
}

// flood sends so many packets, at floodRate.
func (f *forger) flood(packets int, send func(i int)) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range packets {
		if i%(floodRate/1000) == 0 {
			<-tick.C
		}
		send(i)
	}
}

// more is what was counted between two times.
func more(before, after map[string]uint64) map[string]uint64 {
	all := map[string]uint64{}
	for cause, n := range after {
		if n > before[cause] {
			all[cause] = n - before[cause]
		}
	}
	return all
}

func sum(counts map[string]uint64) (all uint64) {
	for _, n := range counts {
		all += n
	}
	return all
}

var residentOf = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// memory is what the border has in memory, in octets.
func (n *siege) memory() (octets int) {
	n.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", n.border.process.PID()))
	n.must(err)
	if _, err := fmt.Sscan(string(residentOf.FindSubmatch(text)[1]), &octets); err != nil {
		n.t.Fatal(err)
	}
	return octets << 10
}

// lean fails the test if the border has taken much more memory than it had.
func (n *siege) lean(before int) {
	n.t.Helper()
	after := n.memory()
	n.t.Logf("memory: %d MiB before, %d MiB after", before>>20, after>>20)
	if after-before > floodMemory && !raceEnabled {
		n.t.Errorf("the border has taken %d MiB more", (after-before)>>20)
	}
}

// descriptors counts the border's files and sockets.
func (n *siege) descriptors() int {
	n.t.Helper()
	list, err := os.ReadDir(filepath.Join("/proc", fmt.Sprint(n.border.process.PID()), "fd"))
	n.must(err)
	return len(list)
}

// connections are what `sbc status --json` says of those of the outside.
type connections struct {
	Open    int               `json:"open"`
	Refused uint64            `json:"refused"`
	Cut     map[string]uint64 `json:"cut"`
}

func (n *siege) connections() connections {
	n.t.Helper()
	var s struct {
		Realms []struct {
			Connections connections `json:"connections"`
		} `json:"realms"`
	}
	n.told(&s, "status")
	return s.Realms[0].Connections
}

// Floods by TCP: connections that come and go, headers that do not end, more
// connections than one host may have, handshakes that are never ended, and
// messages without end. No call suffers, and when it is over nothing is left: no
// socket, no goroutine.
func TestFloodsByTCP(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	mayFlood(t)
	n := newSiege(t, true, "")
	n.must(n.middle.Route(netip.MustParsePrefix("0.0.0.0/0"), itspAddr))
	goesOn := n.load(floodCalls, 4*floodSeconds)
	n.await("calls", func() bool { st, err := n.border.status(); return err == nil && st.Answered > floodCalls })
	memory, descriptors := n.memory(), n.descriptors()
	slow := n.stranger("slowloris").crowd(300, "INVITE sip:100@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/TCP 198.51.100.9")
	if c := n.connections(); c.Refused < 300-256 || c.Open > 256 {
		t.Errorf("300 connections of one host: %+v", c)
	}
	n.churn(n.stranger("churn"))
	f := n.stranger("half-open").forger()
	f.flood(floodRate*floodSeconds, func(i int) { f.syn(manySources(nil, i), uint32(i)) })
	talker := n.stranger("talker")
	n.talk(talker)
	if b := n.ban(talker.addr); !strings.Contains(b.Offences, "stranger INVITE") {
		t.Errorf("who talks without end: %+v", b)
	}
	goesOn()
	n.await("slow headers to be cut", func() bool { c := n.connections(); return c.Cut["slow"] >= 256 && c.Open == 0 })
	for _, c := range slow {
		c.Close()
	}
	n.await("its descriptors to be back", func() bool { return n.descriptors() <= descriptors })
	n.lean(memory)
	n.measured(fmt.Sprintf("connections: %+v", n.connections()))
	n.goroutines()
}

// crowd opens connections, of which each sends a text and nothing more.
func (s *stranger) crowd(size int, text string) (list []net.Conn) {
	s.n.t.Helper()
	for range size {
		conn, err := s.connect()
		if err != nil {
			continue // one too many
		}
		_, _ = conn.Write([]byte(text))
		list = append(list, conn)
	}
	return list
}

// churn opens connections and ends them at once, by turns politely and not.
func (n *siege) churn(s *stranger) {
	n.t.Helper()
	made := 0
	for end := time.Now().Add(floodSeconds * time.Second); time.Now().Before(end); made++ {
		conn, err := s.connect()
		if err != nil {
			continue
		}
		_ = conn.SetLinger(made % 2)
		conn.Close()
	}
	n.t.Logf("%d connections came and went", made)
}

// talk sends INVITEs by connections, as many as each takes, until it is banned.
func (n *siege) talk(s *stranger) {
	n.t.Helper()
	for n.ban(s.addr).Prefix == "" && n.ctx.Err() == nil {
		conn, err := s.connect()
		if err != nil {
			continue
		}
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second))
		for {
			if _, err := conn.Write([]byte(s.hand(localOf(conn), "TCP", "INVITE", "100", outsideAddr.String()))); err != nil {
				break
			}
		}
	}
}

// Ours: what a border has that carries nothing, and then some.
const goroutinesMax = 60

// goroutines ends the border so that it lists its goroutines, and fails the test if
// there are more than belong to it.
func (n *siege) goroutines() {
	n.t.Helper()
	n.border.settle()
	n.stop(syscall.SIGQUIT)
	if many := strings.Count(n.border.process.Output(), "\ngoroutine "); many == 0 || many > goroutinesMax {
		n.t.Errorf("%d goroutines", many)
	} else {
		n.t.Logf("%d goroutines", many)
	}
}
