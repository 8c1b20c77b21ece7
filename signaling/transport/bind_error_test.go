package transport_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"sbc/lab/netns"
	"sbc/signaling/transport"
)

// Bad input: a port in use, an address that is not ours.
func TestBindErrorsSayWhatToDo(t *testing.T) {
	taken := listen(t, transport.Options{}).Local()
	for _, c := range []struct {
		name string
		addr netip.AddrPort
		err  error
		want string
	}{
		{"port in use", taken, syscall.EADDRINUSE,
			fmt.Sprintf(`realm "outside": cannot listen on udp %v: address already in use: find who has the port with: ss -ulpn 'sport = :%d'`, taken, taken.Port())},
		{"not of this machine", netip.MustParseAddrPort("192.0.2.77:5060"), syscall.EADDRNOTAVAIL,
			`realm "outside": cannot listen on udp 192.0.2.77:5060: cannot assign requested address: 192.0.2.77 is no address of this machine (ip -br address shows them); if it comes and goes, as with VRRP, set sysctl net.ipv4.ip_nonlocal_bind=1`},
		{"not of this machine, IPv6", netip.MustParseAddrPort("[2001:db8::77]:5060"), syscall.EADDRNOTAVAIL,
			`realm "outside": cannot listen on udp [2001:db8::77]:5060: cannot assign requested address: 2001:db8::77 is no address of this machine (ip -br address shows them); if it comes and goes, as with VRRP, set sysctl net.ipv6.ip_nonlocal_bind=1`},
		{"wildcard", netip.MustParseAddrPort("0.0.0.0:5060"), nil,
			`realm "outside": cannot listen on udp 0.0.0.0:5060: a realm has an address of its own: name one, not the unspecified address`},
		{"no address", netip.AddrPort{}, nil,
			`realm "outside": cannot listen on udp invalid AddrPort: a realm has an address of its own: name one, not the unspecified address`},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, err := transport.ListenUDP(transport.Options{Realm: "outside", Addr: c.addr})
			if err == nil {
				u.Close()
				t.Fatal("opened")
			}
			be := (*transport.BindError)(nil)
			if !errors.As(err, &be) || c.err != nil && !errors.Is(err, c.err) {
				t.Errorf("got %#v, want a BindError of %v", err, c.err)
			}
			if err.Error() != c.want {
				t.Errorf("got\n%s\nwant\n%s", err, c.want)
			}
		})
	}
}

func TestBindErrorRemedies(t *testing.T) {
	addr := netip.MustParseAddrPort("198.51.100.1:5060")
	for err, want := range map[error]string{
		syscall.EACCES:       "CAP_NET_BIND_SERVICE",
		syscall.EPERM:        "CAP_NET_BIND_SERVICE",
		syscall.EAFNOSUPPORT: "no IPv6",
		syscall.EMFILE:       "LimitNOFILE",
		syscall.EINVAL:       "invalid argument",
	} {
		got := (&transport.BindError{Realm: "r", Network: "udp", Addr: addr, Err: os.NewSyscallError("bind", err)}).Error()
		if !strings.Contains(got, want) || strings.ContainsAny(got, "\n") {
			t.Errorf("%v: got %q, want %q in one line", err, got, want)
		}
	}
}

// Bad input: a missing privilege. The test runs itself again as nobody.
func TestPrivilegedPortWithoutPrivilege(t *testing.T) {
	const again = "SBC_TEST_BIND_AS_NOBODY"
	if os.Getenv(again) != "" {
		_, err := transport.ListenUDP(transport.Options{Realm: "outside", Addr: netip.MustParseAddrPort("127.0.0.1:99")})
		fmt.Println(err)
		return
	}
	netns.Require(t, "root")
	space, err := netns.New("bind")
	if err != nil {
		t.Fatal(err)
	}
	defer space.Close()
	if err := space.Sysctl("net/ipv4/ip_unprivileged_port_start", "1024"); err != nil {
		t.Fatal(err)
	}
	binary, err := os.Open("/proc/self/exe") // nobody may not read the build's folder
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	cmd := exec.Command("/proc/self/fd/3", "-test.run=^TestPrivilegedPortWithoutPrivilege$")
	cmd.Env = append(os.Environ(), again+"=1", "HOME=/")
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{binary}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	var out []byte
	if err := space.Do(func() (err error) { out, err = cmd.CombinedOutput(); return err }); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := `realm "outside": cannot listen on udp 127.0.0.1:99: permission denied: port 99 needs root, CAP_NET_BIND_SERVICE, or a lower sysctl net.ipv4.ip_unprivileged_port_start`
	if !strings.Contains(string(out), want) {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}
