package e2e

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
)

// A restart lifts no ban, whatever ended the border: who was banned for what and
// until when stays, and so does the silence. When it is asked to end it leaves
// nothing in the kernel; when it is killed, no more than what its successor takes
// over.
func TestBansSurviveRestart(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, engine := range []string{"tcx", "nftables"} {
		for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
			t.Run(engine+" "+signal.String(), func(t *testing.T) {
				t.Parallel()
				n := newSiege(t, true, fmt.Sprintf("engine = %q\n  ban_score = 20", engine))
				s := n.stranger("scanner")
				n.banish(s)
				_, err := n.border.run("ban", "192.0.2.0/28", "--for", "24h", "--reason", "ticket 17")
				n.must(err)
				_, err = n.border.run("ban", "192.0.2.77")
				n.must(err)
				_, err = n.border.run("unban", "192.0.2.77")
				n.must(err)
				before := n.bans()
				n.stored()
				n.stop(signal)
				if left := n.left(); signal == syscall.SIGTERM && len(left) > 0 || engine == "tcx" && len(left) > 0 {
					t.Errorf("left in the kernel: %v", left)
				}
				n.border = n.startBorder(n.sbc)
				after := n.bans()
				if len(before) != 2 || len(after) != 2 {
					t.Fatalf("before: %+v, after: %+v", before, after)
				}
				for i, was := range before {
					is := after[i]
					if d := is.Until.Sub(was.Until).Abs(); d > 2*time.Second {
						t.Errorf("the ban of %s ends %v off", was.Prefix, d)
					}
					is.Since, is.Until, was.Since, was.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
					if is != was {
						t.Errorf("%+v was %+v", is, was)
					}
				}
				n.await("the kernel to be told", func() bool { return !n.gate().Behind })
				conn, err := s.connect()
				if err == nil {
					t.Errorf("who is banned can connect: %v", conn.RemoteAddr())
				}
				if g := n.gate(); g.Kernel["banned"] == 0 || !strings.HasPrefix(g.Engine, engine) {
					t.Errorf("the kernel counts %v by %s", g.Kernel, g.Engine)
				}
				if left := n.left(); len(left) == 0 || slices.ContainsFunc(left, func(s string) bool { return !strings.HasPrefix(s, engine) }) {
					t.Errorf("in the kernel: %v", left)
				}
				n.measured("after " + signal.String())
			})
		}
	}
}

// banish has a stranger do what it is banned for.
func (n *siege) banish(s *stranger) {
	n.t.Helper()
	for tries := range 20 {
		conn, err := s.connect()
		if err != nil {
			break
		}
		if _, err := io.WriteString(conn, s.hand(localOf(conn), "TCP", "INVITE", fmt.Sprint("u", tries), outsideAddr.String())); err != nil {
			break
		}
		if n.ban(s.addr).Prefix != "" {
			break
		}
	}
	n.await("the ban", func() bool { return n.ban(s.addr).Prefix != "" })
}

// stop ends the border by a signal, and waits until it is gone.
func (n *siege) stop(signal syscall.Signal) {
	n.t.Helper()
	n.border.ended = true
	n.border.process.Signal(signal)
	select {
	case <-n.border.process.Done():
	case <-n.ctx.Done():
		n.t.Fatal("the border does not end")
	}
}

// left returns what refuses packets in the border's namespace: programs by their
// interfaces, and tables.
func (n *siege) left() (found []string) {
	n.t.Helper()
	n.must(n.middle.Do(func() error {
		for _, name := range []string{"eth0", "eth1"} {
			l, err := netlink.LinkByName(name)
			if err != nil {
				return err
			}
			programs, err := link.QueryPrograms(link.QueryOptions{Target: l.Attrs().Index, Attach: ebpf.AttachTCXIngress})
			if err != nil {
				return err
			}
			for range programs.Programs {
				found = append(found, "tcx on "+name)
			}
			filters, err := netlink.FilterList(l, netlink.HANDLE_MIN_INGRESS)
			if err != nil {
				return err
			}
			for range filters {
				found = append(found, "clsact on "+name)
			}
		}
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		tables, err := conn.ListTables()
		for _, t := range tables {
			found = append(found, "nftables: "+t.Name)
		}
		return err
	}))
	return found
}
