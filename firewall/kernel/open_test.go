package kernel

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/google/nftables"

	"sbc/lab/netns"
)

func TestOpen(t *testing.T) {
	for _, c := range []struct {
		want       string
		interfaces []string
		got        string // the line, or the error
		engine     string // "": none
	}{
		{"none", nil, "none", ""},
		{"auto", []string{"eth0"}, "tcx on eth0", "tcx"},
		{"", []string{"lo", "eth0"}, "tcx on lo, eth0", "tcx"},
		{"auto", nil, "nftables: tcx: no interface to attach to", "nftables"},
		{"auto", []string{"eth7"}, "nftables: tcx: eth7: Link not found", "nftables"},
		{"nftables", nil, "nftables", "nftables"},
		{"clsact", []string{"eth0"}, "clsact on eth0", "clsact"},
		{"xdp", []string{"eth0"}, "xdp on eth0", "xdp"},
		{"xdp", []string{"lo"}, "error: kernel engine xdp: xdp: lo: its driver has no XDP: operation not supported: choose tcx", ""},
		{"tcx", []string{"eth7"}, "error: kernel engine tcx: tcx: eth7: Link not found", ""},
		{"iptables", nil, `error: kernel engine "iptables": there are auto, xdp, tcx, clsact, nftables and none`, ""},
	} {
		t.Run(c.want+" on "+strings.Join(c.interfaces, ","), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			must(t, w.ours.Do(func() error {
				k, got, err := Open(Options{Want: c.want, Interfaces: c.interfaces})
				if err != nil {
					got = "error: " + err.Error()
				}
				if got != c.got {
					t.Errorf("got %q, want %q", got, c.got)
				}
				if k == nil {
					if c.engine != "" {
						t.Errorf("no engine, want %s", c.engine)
					}
					return nil
				}
				if k.Name() != c.engine {
					t.Errorf("got %s, want %q", k.Name(), c.engine)
				}
				return k.Close()
			}))
			if got := w.left(); len(got) != 0 {
				t.Errorf("in the kernel: %v", got)
			}
		})
	}
}

// helperWant in the environment makes this program one that opens an engine,
// with the rights that it was given, and says what it got.
const helperWant = "KERNEL_TEST_WANT"

func TestHelperWithRights(t *testing.T) {
	want := os.Getenv(helperWant)
	if want == "" {
		return
	}
	k, got, err := Open(Options{Want: want, Interfaces: []string{"eth0"}})
	fmt.Printf("helper: %s, %v\n", got, err)
	if k != nil {
		must(t, k.Close())
	}
}

func TestRights(t *testing.T) {
	const admin, bpf = 12, 39
	const fix = ": give them to the process (AmbientCapabilities= of its unit), or run it as root"
	for _, c := range []struct {
		want string
		caps []uintptr
		got  string
	}{
		{"auto", []uintptr{admin, bpf}, "tcx on eth0, <nil>"},
		{"xdp", []uintptr{admin, bpf}, "xdp on eth0, <nil>"},
		{"clsact", []uintptr{admin, bpf}, "clsact on eth0, <nil>"},
		{"auto", []uintptr{admin}, "nftables: tcx needs CAP_BPF and CAP_NET_ADMIN" + fix + ", <nil>"},
		{"auto", nil, "none: tcx needs CAP_BPF and CAP_NET_ADMIN" + fix + "; nftables needs CAP_NET_ADMIN" + fix + ", <nil>"},
		{"tcx", nil, ", kernel engine tcx: tcx needs CAP_BPF and CAP_NET_ADMIN" + fix},
		{"nftables", nil, ", kernel engine nftables: nftables needs CAP_NET_ADMIN" + fix},
	} {
		t.Run(fmt.Sprintf("%s with %v", c.want, c.caps), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			cmd := exec.Command("/proc/self/exe", "-test.run", "^TestHelperWithRights$")
			cmd.Env = append(os.Environ(), helperWant+"="+c.want)
			cmd.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: c.caps, Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &out
			must(t, w.ours.Do(cmd.Start))
			must(t, cmd.Wait())
			if !strings.Contains(out.String(), "helper: "+c.got+"\n") {
				t.Errorf("%s\nwant helper: %s", out.String(), c.got)
			}
			if got := w.left(); len(got) != 0 {
				t.Errorf("in the kernel: %v", got)
			}
		})
	}
}

// A table of that name which is not ours is left alone.
func TestTableOfAnother(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root")
	w := newWorld(t)
	must(t, w.ours.Do(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		table := conn.AddTable(&nftables.Table{Name: tableName, Family: nftables.TableFamilyINet})
		conn.AddChain(&nftables.Chain{Name: "theirs", Table: table})
		if err := conn.Flush(); err != nil {
			return err
		}
		_, got, err := Open(Options{Want: "nftables"})
		if err == nil || !strings.Contains(err.Error(), "there is a table inet sbc that is not ours: nft delete table inet sbc") {
			t.Errorf("got %s, %v", got, err)
		}
		chains, err := conn.ListChains()
		if err == nil && (len(chains) != 1 || chains[0].Name != "theirs") {
			t.Errorf("chains: %v", chains)
		}
		return err
	}))
}
