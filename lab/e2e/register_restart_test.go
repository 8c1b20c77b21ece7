package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sbc/lab/nat"
	"sbc/lab/netns"
)

// A restart costs nobody who is registered: who came by UDP is called without
// having registered again, and who had a connection is known to be away until it
// connects.
func TestRestartUnderRegistrations(t *testing.T) {
	t.Parallel()
	needsTown(t)
	netns.Require(t, "sipp")
	const addresses, each = 20, 50
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			sbc := townSetup(t, "nat_refresh = \"15m\"\nrate = \"5000/s\"")
			n := newTownOf(t, sbc)
			crowd := n.crowd(addresses, each)
			alice := n.home(nat.Masquerade).phone("alice", 1, "tcp")
			n.pbx.counts(addresses*each + 1)
			n.stored()
			n.restart(sbc, signal)
			n.away("INVITE")
			registers := requests(n.itsp.seen.Datagrams(), "REGISTER", outsideAddr)
			n.allAnswer(crowd)
			n.someAreCalled(crowd, each)
			if now := requests(n.itsp.seen.Datagrams(), "REGISTER", outsideAddr); now != registers {
				t.Errorf("%d REGISTERs came after the restart", now-registers)
			}
			n.pbx.counts(addresses*each + 1)
			alice.leave() // it connects for that
			n.pbx.counts(addresses * each)
			n.hidden()
		})
	}
}

// A crowd are phones that sipp plays: users u0, u1 and so on, so many at each of
// its addresses.
type crowd struct {
	space *netns.Space
	addrs []netip.Addr
	users []string
	dir   string
}

// crowd registers a crowd on the internet.
func (n *town) crowd(addresses, each int) *crowd {
	n.t.Helper()
	first := netip.MustParseAddr("198.51.100.200")
	c := &crowd{space: n.host(n.internet, "crowd", first), dir: n.t.TempDir()}
	lines := "SEQUENTIAL\n"
	for i := range addresses {
		a := first.As4()
		a[3] += byte(i)
		addr := netip.AddrFrom4(a)
		if i > 0 {
			n.must(c.space.AddAddr("eth0", netip.PrefixFrom(addr, 24)))
		}
		n.private = append(n.private, addr)
		c.addrs = append(c.addrs, addr)
		for range each {
			user := "u" + strconv.Itoa(len(c.users))
			lines += fmt.Sprintf("%s;[authentication username=%[1]s password=pw-%[1]s];%s\n", user, addr)
			c.users = append(c.users, user)
		}
	}
	file := filepath.Join(c.dir, "users.csv")
	n.must(os.WriteFile(file, []byte(lines), 0o644))
	path := scenario(n.t, c.dir, "registered", n.itsp, nil, "register")[0]
	p := n.start(c.space, netns.Command{Path: "sipp", Dir: c.dir, Args: []string{
		"-sf", path, "-m", strconv.Itoa(len(c.users)), "-r", "400", "-l", "200", "-t", "ui", "-max_socket", "1000", "-inf", file, "-ip_field", "2",
		"-i", first.String(), "-p", strconv.Itoa(sipPort), "-nostdin", "-nd", "-recv_timeout", "10000", "-timeout", "30s", "-timeout_error",
		outsideAddr.String() + ":" + strconv.Itoa(sipPort)}})
	if err := p.Wait(n.ctx); err != nil {
		n.t.Fatal(err)
	}
	return c
}

// stored waits until the disk has all that a restart shall find.
func (n *town) stored() {
	n.t.Helper()
	n.await("the disk", func() bool {
		var s struct {
			Store struct {
				Waiting *int `json:"waiting"`
			} `json:"store"`
		}
		n.told(&s, "status")
		return s.Store.Waiting != nil && *s.Store.Waiting == 0
	})
}

// restart ends the SBC by a signal and starts it anew with the same state.
func (n *town) restart(sbc setup, signal syscall.Signal) {
	n.t.Helper()
	n.border.ended = true
	n.border.process.Signal(signal)
	select {
	case <-n.border.process.Done():
	case <-n.ctx.Done():
		n.t.Fatal("the SBC does not end")
	}
	n.border = n.startBorder(sbc)
}

// allAnswer asks the PBX for each of a crowd, and fails the test unless each is
// said to be there.
func (n *town) allAnswer(c *crowd) {
	n.t.Helper()
	conn, err := n.lan.space.ListenUDP(netip.AddrPortFrom(lanAddr, 0))
	n.must(err)
	defer conn.Close()
	there := map[string]bool{}
	var mu sync.Mutex
	go func() {
		got := make([]byte, 4096)
		for {
			size, _, err := conn.ReadFromUDPAddrPort(got)
			if err != nil {
				return
			}
			if statusOf(got[:size]) == 200 {
				mu.Lock()
				there[string(callID.FindSubmatch(got[:size])[1])] = true
				mu.Unlock()
			}
		}
	}()
	local := conn.LocalAddr().String()
	for i, user := range c.users {
		n.pbx.calls++
		text := n.text(local, "OPTIONS", "sip:"+user+"@"+domain, "Call-ID: "+user)
		_, err := conn.WriteToUDPAddrPort([]byte(text), n.lan.at(sipPort))
		n.must(err)
		if i%50 == 49 { // a socket's buffer is not endless
			n.await("answers", func() bool { mu.Lock(); defer mu.Unlock(); return len(there) >= i-50 })
		}
	}
	n.await("all to be there", func() bool { mu.Lock(); defer mu.Unlock(); return len(there) == len(c.users) })
}

// someAreCalled calls so many of a crowd at once: those at its first address.
func (n *town) someAreCalled(c *crowd, each int) {
	n.t.Helper()
	paths := scenario(n.t, c.dir, "registered", n.lan, nil, "uas", "uac")
	text, err := os.ReadFile(paths[1])
	n.must(err)
	n.must(os.WriteFile(paths[1], []byte(strings.ReplaceAll(string(text), "[service]", "[field0]")), 0o644))
	file := filepath.Join(c.dir, "users.csv")
	all := []string{"-m", strconv.Itoa(each), "-r", "100", "-inf", file}
	// It has no end of its own: what keeps its NAT open counts as a call to it.
	n.start(c.space, crowdCommand(c.dir, paths[0], "uas", c.addrs[0]))
	n.await("sipp to listen", func() bool { return c.space.Bound(netip.AddrPortFrom(c.addrs[0], sipPort)) })
	desk := n.host(n.inside, "caller", lanSecond)
	uac := n.start(desk, crowdCommand(c.dir, paths[1], "uac", lanSecond, append(all, n.lan.at(sipPort).String())...))
	n.content([]*netns.Process{uac})
}

func crowdCommand(dir, file, role string, addr netip.Addr, args ...string) netns.Command {
	return netns.Command{Path: "sipp", Dir: dir, Args: append([]string{
		"-sf", file, "-t", "u1", "-i", addr.String(), "-p", strconv.Itoa(sipPort), "-nostdin", "-nd",
		"-timeout", "30s", "-timeout_error", "-recv_timeout", "10000", "-deadcall_wait", lateMillis,
		"-trace_err", "-error_file", filepath.Join(dir, role+".errors"),
	}, args...)}
}
