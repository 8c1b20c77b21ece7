package kernel

import (
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"

	"sbc/fastpath"
	"sbc/firewall"
	"sbc/lab/netns"
)

// left says what of ours is in the kernel of a namespace.
func (w *world) left() (found []string) {
	w.t.Helper()
	must(w.t, w.ours.Do(func() error {
		l, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		if l.Attrs().Xdp != nil && l.Attrs().Xdp.Attached {
			found = append(found, "xdp")
		}
		tcx, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: ebpf.AttachTCXIngress})
		if err != nil {
			return err
		}
		for range tcx.Programs {
			found = append(found, "tcx")
		}
		filters, err := netlink.FilterList(l, netlink.HANDLE_MIN_INGRESS)
		if err != nil {
			return err
		}
		for range filters {
			found = append(found, "clsact")
		}
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := conn.ListTables()
		for _, t := range tables {
			found = append(found, "nftables")
			if t.Name != tableName {
				w.t.Errorf("a table %s", t.Name)
			}
		}
		return err
	}))
	return found
}

func TestCloseLeavesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.listen(us4 + ":5060")
		c := w.dial("192.0.2.3", us4+":5060")
		must(t, w.k.Police(tight()))
		must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
		w.dropped(c, b, "banned", 3)
		if got := w.left(); !slices.Equal(got, []string{w.k.Name()}) {
			t.Errorf("in the kernel: %v", got)
		}
		must(t, w.k.Close())
		if got := w.left(); len(got) != 0 {
			t.Errorf("after Close: %v", got)
		}
		w.until("closed", 100, func() int { return b.count("closed") }, c)
		must(t, w.k.Close())
		_, err := w.k.Counters()
		for what, err := range map[string]error{
			"Counters": err, "Ban": w.k.Ban(prefix("192.0.2.3/32"), time.Hour), "Trust": w.k.Trust(nil), "Police": w.k.Police(tight()),
		} {
			if err == nil {
				t.Errorf("%s after Close succeeded", what)
			}
		}
	})
}

// helperEngine in the environment makes this program one that opens an engine,
// bans, and waits to be killed.
const helperEngine = "KERNEL_TEST_ENGINE"

func TestHelperThatIsKilled(t *testing.T) {
	name := os.Getenv(helperEngine)
	if name == "" {
		return
	}
	k, err := openNamed(name, time.Second)
	if err == nil {
		err = k.Trust([]netip.Prefix{prefix("192.0.2.4/32")})
	}
	for _, p := range []netip.Prefix{prefix("192.0.2.3/32"), prefix("192.0.2.4/32"), prefix("2001:db8:66:5500::/56")} {
		if err == nil {
			err = k.Ban(p, time.Hour)
		}
	}
	if err == nil {
		err = k.Police(tight())
	}
	fmt.Println("helper:", err)
	if err == nil {
		select {}
	}
}

// openNamed opens an engine whose lease, if it has one, is short.
func openNamed(name string, lease time.Duration) (firewall.Kernel, error) {
	if name == "nftables" {
		return openNFT()
	}
	return openBPF([]string{"eth0"}, lease, fastpath.Hook(name))
}

func (w *world) helper(name string) *netns.Process {
	w.t.Helper()
	p, err := w.ours.Start(netns.Command{Path: "/proc/self/exe", Args: []string{"-test.run", "^TestHelperThatIsKilled$"}, Env: []string{helperEngine + "=" + name}})
	must(w.t, err)
	await(w.t, "the helper", func() bool { return strings.Contains(p.Output(), "helper:") })
	if !strings.Contains(p.Output(), "helper: <nil>") {
		w.t.Fatal(p.Output())
	}
	return p
}

// What a process that is killed leaves: nothing, or what its successor takes
// over, or what ends by itself.
func TestKilled(t *testing.T) {
	for _, name := range named {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			b := w.listen(us4 + ":5060")
			bad := w.dial("192.0.2.3", us4+":5060")
			p := w.helper(name)
			if got := w.left(); !slices.Equal(got, []string{name}) {
				t.Fatalf("in the kernel: %v", got)
			}
			w.write(bad, "banned", 10)
			p.Kill()
			if name == "nftables" || name == "clsact" {
				if got := w.left(); !slices.Equal(got, []string{name}) {
					t.Fatalf("after the end: %v", got)
				}
			} else {
				await(t, "an end without rest", func() bool { return len(w.left()) == 0 })
			}
			if name == "nftables" {
				w.adopt(b)
				return
			}
			await(t, "packets to pass again", func() bool { w.write(bad, "after", 1); return b.count("after") > 0 })
			if n := b.count("banned"); n != 0 {
				t.Errorf("%d datagrams of a banned source have arrived", n)
			}
			w.k = w.open(name)
			if got := w.banned(); len(got) != 0 {
				t.Errorf("banned: %v", got)
			}
			if got := w.left(); !slices.Equal(got, []string{name}) {
				t.Errorf("the next process has %v in the kernel", got)
			}
		})
	}
}

// adopt opens the engine beside a table that a killed process left: the bans
// hold all the time, everything else is the new process's.
func (w *world) adopt(b *inbox) {
	t := w.t
	bad, once := w.dial("192.0.2.3", us4+":5060"), w.dial("192.0.2.4", us4+":5060")
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			_, _ = bad.Write([]byte("banned"))
			time.Sleep(100 * time.Microsecond) // leaves the machine to others
		}
	}()
	for range 20 {
		w.k = nil
		next, err := w.adoptNext()
		must(t, err)
		w.k = next
		if n := w.counters().Banned; n == 0 {
			await(t, "drops to be counted", func() bool { return w.counters().Banned > 0 })
		}
	}
	stop.Store(true)
	<-done
	if n := b.count("banned"); n != 0 {
		t.Errorf("%d datagrams of a banned source have arrived while the table was adopted", n)
	}
	list, err := w.k.Banned()
	must(t, err)
	for _, ban := range list {
		if ban.Left > time.Hour || ban.Left < 30*time.Minute {
			t.Errorf("%v has %v left of an hour", ban.Prefix, ban.Left)
		}
	}
	want := []netip.Prefix{prefix("192.0.2.3/32"), prefix("192.0.2.4/32"), prefix("2001:db8:66:5500::/56")}
	if got := w.banned(); !slices.Equal(got, want) {
		t.Errorf("banned: %v, want %v", got, want)
	}
	// It was trusted by the one that was killed.
	w.dropped(once, b, "not trusted", 3)
	w.arrive(w.dial("192.0.2.2", us4+":5060"), b, "not policed", 100)
	must(t, w.k.Unban(prefix("192.0.2.3/32")))
	w.arrive(bad, b, "unbanned", 3)
	must(t, w.k.Ban(prefix("192.0.2.3/32"), time.Hour))
	w.dropped(bad, b, "banned anew", 3)
	must(t, w.k.Close())
	if got := w.left(); len(got) != 0 {
		t.Errorf("after Close: %v", got)
	}
}

// adoptNext opens the engine as the successor of whoever has the table.
func (w *world) adoptNext() (k firewall.Kernel, err error) {
	err = w.ours.Do(func() (err error) {
		k, err = openNFT()
		return err
	})
	if err == nil {
		w.t.Cleanup(func() { n := k.(*nft); _ = n.socket.close(); _ = n.reader.close() })
	}
	return k, err
}
