package fastpath

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"

	"sbc/lab/netns"
)

// xdpMTU is what fits a page with XDP in front of it.
const xdpMTU = 1500

// cable makes two namespaces with a cable between them: ours, and a far one.
func cable(t *testing.T) (ours, far *netns.Space) {
	t.Helper()
	netns.Require(t, "root")
	ours, far = space(t, "ours"), space(t, "far")
	must(t, netns.Join(
		netns.End{Space: ours, Interface: "eth0", Addr: netip.MustParsePrefix("192.0.2.1/24")},
		netns.End{Space: far, Interface: "eth0", Addr: netip.MustParsePrefix("192.0.2.2/24")}))
	for _, s := range []*netns.Space{ours, far} {
		must(t, s.Do(func() error {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			return netlink.LinkSetMTU(l, xdpMTU)
		}))
	}
	return ours, far
}

func space(t *testing.T, name string) *netns.Space {
	t.Helper()
	s, err := netns.New(name)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

func attach(p *Program, s *netns.Space, hook Hook, interfaces ...string) error {
	return s.Do(func() error { return p.Attach(hook, interfaces) })
}

// left counts programs and disciplines of a namespace's interface.
func left(t *testing.T, s *netns.Space, name string) (programs int) {
	t.Helper()
	must(t, s.Do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		if l.Attrs().Xdp != nil && l.Attrs().Xdp.Attached {
			programs++
		}
		tcx, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			return err
		}
		disciplines, err := netlink.QdiscList(l)
		if err != nil {
			return err
		}
		for _, d := range disciplines {
			if d.Type() == "clsact" {
				programs++
			}
		}
		programs += len(tcx.Programs)
		return nil
	}))
	return programs
}

// A datagram arrives, or is dropped and counted, at every hook.
func TestHooksOnACable(t *testing.T) {
	for _, hook := range []Hook{TCX, Clsact, XDP} {
		t.Run(string(hook), func(t *testing.T) {
			t.Parallel()
			ours, far := cable(t)
			in, err := ours.ListenUDP(netip.MustParseAddrPort("192.0.2.1:5060"))
			must(t, err)
			defer in.Close()
			out, err := far.Dial("udp", "192.0.2.1:5060")
			must(t, err)
			defer out.Close()

			p, err := Load()
			must(t, err)
			must(t, attach(p, ours, hook, "eth0"))
			runtime.GC() // what nobody holds is detached
			send(t, out, in)
			must(t, p.Ban(netip.MustParsePrefix("192.0.2.2/32"), time.Hour))
			await(t, "a drop", func() bool {
				_, err := out.Write([]byte("dropped"))
				must(t, err)
				return counted(t, p).Banned > 0
			})
			must(t, p.Unban(netip.MustParsePrefix("192.0.2.2/32")))
			send(t, out, in)
			if n := left(t, ours, "eth0"); n != 1 {
				t.Errorf("%d programs are attached, want 1", n)
			}
			must(t, p.Close())
			if n := left(t, ours, "eth0"); n != 0 {
				t.Errorf("%d programs are attached after Close", n)
			}
			send(t, out, in)
		})
	}
}

// send sends until something arrives.
func send(t *testing.T, out net.Conn, in *net.UDPConn) {
	t.Helper()
	buf := make([]byte, 100)
	await(t, "a datagram", func() bool {
		_, err := out.Write([]byte("passes"))
		must(t, err)
		must(t, in.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
		n, err := in.Read(buf)
		return err == nil && string(buf[:n]) == "passes"
	})
}

func TestLoopback(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root")
	s := space(t, "alone")
	in, err := s.ListenUDP(netip.MustParseAddrPort("127.0.0.1:5060"))
	must(t, err)
	defer in.Close()
	out, err := s.Dial("udp", "127.0.0.1:5060")
	must(t, err)
	defer out.Close()
	p := load(t)
	must(t, attach(p, s, TCX, "lo"))
	send(t, out, in)
	must(t, p.Ban(netip.MustParsePrefix("127.0.0.1/32"), time.Hour))
	_, err = out.Write([]byte("dropped"))
	must(t, err)
	await(t, "the drop", func() bool { return counted(t, p).Banned == 1 })
}

// The program is attached to all interfaces or to none, and errors say to whom
// it happened and why.
func TestAttachFails(t *testing.T) {
	t.Parallel()
	ours, _ := cable(t)
	must(t, ours.Do(func() error {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = "tun0"
		return netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TUN})
	}))
	for _, c := range []struct {
		hook       Hook
		interfaces []string
		want       string
	}{
		{TCX, nil, "no interface"},
		{TCX, []string{"eth0", "eth7"}, "eth7: Link not found"},
		{TCX, []string{"eth0", "tun0"}, "tun0: its packets are no Ethernet frames"},
		{XDP, []string{"eth0", "lo"}, "lo: its driver has no XDP"},
	} {
		p := load(t)
		if err := attach(p, ours, c.hook, c.interfaces...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on %v: %v, want %q", c.hook, c.interfaces, err, c.want)
		}
		if n := left(t, ours, "eth0"); n != 0 {
			t.Errorf("%s on %v: %d programs are left on eth0", c.hook, c.interfaces, n)
		}
	}
	one, two := load(t), load(t)
	must(t, attach(one, ours, XDP, "eth0"))
	if err := attach(two, ours, XDP, "eth0"); err == nil || !strings.Contains(err.Error(), "another XDP program") {
		t.Errorf("a second XDP program: %v", err)
	}
}

// What stands on an interface of the list is not counted twice.
func TestStackedInterfaces(t *testing.T) {
	t.Parallel()
	ours, _ := cable(t)
	must(t, ours.Do(func() error {
		parent, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.ParentIndex = "on0", parent.Attrs().Index
		return netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE})
	}))
	for _, c := range []struct {
		interfaces []string
		eth0, on0  int
	}{
		{[]string{"on0", "eth0", "eth0"}, 1, 0},
		{[]string{"on0"}, 0, 1},
	} {
		p, err := Load()
		must(t, err)
		must(t, attach(p, ours, TCX, c.interfaces...))
		if eth0, on0 := left(t, ours, "eth0"), left(t, ours, "on0"); eth0 != c.eth0 || on0 != c.on0 {
			t.Errorf("%v: %d programs on eth0, %d on on0", c.interfaces, eth0, on0)
		}
		must(t, p.Close())
	}
}

// A filter that a killed process left is replaced, and one of somebody else's
// stays, with its discipline.
func TestClsactOfOthers(t *testing.T) {
	t.Parallel()
	ours, _ := cable(t)
	killed, next := load(t), load(t)
	must(t, attach(killed, ours, Clsact, "eth0"))
	killed.attached = nil // nobody detaches it
	must(t, attach(next, ours, Clsact, "eth0"))
	filters := func() (names []string) {
		must(t, ours.Do(func() error {
			l, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			list, err := netlink.FilterList(l, netlink.HANDLE_MIN_INGRESS)
			for _, f := range list {
				names = append(names, f.(*netlink.BpfFilter).Name)
			}
			return err
		}))
		return names
	}
	if got := filters(); len(got) != 1 {
		t.Errorf("filters %v, want one", got)
	}
	must(t, next.detach())
	if got := filters(); len(got) != 0 {
		t.Errorf("filters %v after the end", got)
	}
	must(t, ours.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.FilterAdd(&netlink.BpfFilter{FilterAttrs: netlink.FilterAttrs{
			LinkIndex: l.Attrs().Index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1, Protocol: 3, Priority: filterPriority,
		}, Fd: next.objects.FastpathTc.FD(), Name: "another", DirectAction: true})
	}))
	if err := attach(next, ours, Clsact, "eth0"); err == nil || !strings.Contains(err.Error(), "another's filter") {
		t.Errorf("beside another's filter: %v", err)
	}
	if got := filters(); len(got) != 1 || got[0] != "another" {
		t.Errorf("filters %v, want another's", got)
	}
}

// It needs two capabilities, and no others.
func TestCapabilities(t *testing.T) {
	netns.Require(t, "root")
	const capNetAdmin, capBPF = 12, 39
	for _, c := range []struct {
		caps []uintptr
		want string
	}{
		{[]uintptr{capNetAdmin, capBPF}, "loaded"},
		{[]uintptr{capNetAdmin}, "not permitted"},
		{nil, "not permitted"},
	} {
		cmd := exec.Command("/proc/self/exe", "-test.run", "^TestLoadAsAnother$", "-test.v")
		cmd.Env = append(os.Environ(), "FASTPATH_TEST_LOAD=1")
		cmd.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: c.caps, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "result: "+c.want) {
			t.Errorf("capabilities %v: %v, want %q\n%s", c.caps, err, c.want, out)
		}
	}
}

// TestLoadAsAnother is what TestCapabilities runs with other rights.
func TestLoadAsAnother(t *testing.T) {
	if os.Getenv("FASTPATH_TEST_LOAD") == "" {
		return
	}
	p, err := Load()
	switch {
	case err == nil:
		t.Log("result: loaded")
		must(t, p.Close())
	case errors.Is(err, os.ErrPermission):
		t.Logf("result: not permitted: %v", err)
	default:
		t.Logf("result: %v", err)
	}
}
