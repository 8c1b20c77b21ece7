package netns

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	addrA = netip.MustParsePrefix("192.0.2.1/24")
	addrB = netip.MustParsePrefix("192.0.2.2/24")
)

// pair makes two namespaces with a cable between them.
func pair(t *testing.T) (a, b *Space) {
	t.Helper()
	Require(t, "root")
	a, b = space(t, "a"), space(t, "b")
	err := Join(End{Space: a, Interface: "eth0", Addr: addrA}, End{Space: b, Interface: "eth0", Addr: addrB})
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

func space(t *testing.T, name string) *Space {
	t.Helper()
	s, err := New(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func listen(t *testing.T, s *Space, at string) *net.UDPConn {
	t.Helper()
	c, err := s.ListenUDP(netip.MustParseAddrPort(at))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func receive(t *testing.T, c *net.UDPConn) string {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 1500)
	n, err := c.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	return string(buf[:n])
}

func TestCableCarriesDatagramsAndCaptureSeesThem(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	capture, err := b.Capture("eth0")
	if err != nil {
		t.Fatal(err)
	}
	defer capture.Close()
	from, to := listen(t, a, "192.0.2.1:4000"), listen(t, b, "192.0.2.2:5060")
	if _, err := from.WriteTo([]byte("hello"), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if got := receive(t, to); got != "hello" {
		t.Fatalf("received %q", got)
	}
	var ds []Datagram
	await(t, "the datagram in the capture", func() bool { ds = capture.Datagrams(); return len(ds) > 0 })
	d := ds[0]
	if d.Src.String() != "192.0.2.1:4000" || d.Dst.String() != "192.0.2.2:5060" || string(d.Payload) != "hello" ||
		d.TTL != 64 || !d.DF || d.Fragment {
		t.Errorf("captured %+v", d)
	}
	if lost, err := capture.Lost(); lost != 0 || err != nil {
		t.Errorf("Lost() = %d, %v", lost, err)
	}
	var file bytes.Buffer
	if err := capture.WritePcap(&file); err != nil || !bytes.Contains(file.Bytes(), []byte("hello")) {
		t.Errorf("WritePcap: %d octets, %v", file.Len(), err)
	}
}

// Both families, and the octets of a connection in their order.
func TestCableCarriesStreamsOverIPv6(t *testing.T) {
	t.Parallel()
	a, b := pair(t)
	for i, s := range []*Space{a, b} {
		if err := s.AddAddr("eth0", netip.MustParsePrefix([]string{"2001:db8::1/64", "2001:db8::2/64"}[i])); err != nil {
			t.Fatal(err)
		}
	}
	capture, err := b.Capture("eth0")
	if err != nil {
		t.Fatal(err)
	}
	defer capture.Close()
	at := netip.MustParseAddrPort("[2001:db8::2]:5060")
	var ln net.Listener
	var c net.Conn
	if err := b.Do(func() (err error) { ln, err = net.Listen("tcp", at.String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if !b.Listens(at) || b.Bound(at) {
		t.Errorf("Listens %v, Bound %v", b.Listens(at), b.Bound(at))
	}
	if err := a.Do(func() (err error) { c, err = net.Dial("tcp", at.String()); return err }); err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	long := strings.Repeat("0123456789", 3000)
	if _, err := io.WriteString(c, long); err != nil {
		t.Fatal(err)
	}
	var got []Stream
	await(t, "the octets in the capture", func() bool {
		got = capture.Streams()
		return len(got) == 2 && len(got[0].Bytes) == len(long)
	})
	if got[0].Dst != at || string(got[0].Bytes) != long || got[1].Src != at || len(got[1].Bytes) > 0 {
		t.Errorf("%v > %v: %d octets; %v > %v: %d octets", got[0].Src, got[0].Dst, len(got[0].Bytes), got[1].Src, got[1].Dst, len(got[1].Bytes))
	}

	u, err := a.ListenUDP(netip.MustParseAddrPort("[2001:db8::1]:4000"))
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, err := u.WriteTo([]byte("hello"), net.UDPAddrFromAddrPort(at)); err != nil {
		t.Fatal(err)
	}
	await(t, "the datagram in the capture", func() bool { return len(capture.Datagrams()) > 0 })
	if d := capture.Datagrams()[0]; d.Src.String() != "[2001:db8::1]:4000" || d.Dst != at || string(d.Payload) != "hello" || d.TTL != 64 {
		t.Errorf("captured %+v", d)
	}
}

// The octets of a stream, from segments that came twice, late or overlapping.
func TestJoinedSegments(t *testing.T) {
	seg := func(seq uint32, text string) Segment { return Segment{Seq: seq, Payload: []byte(text)} }
	const first = 0xfffffffe // numbers begin anew
	got := joined(first, []Segment{seg(first, "ab"), seg(2, "ef"), seg(0, "cd"), seg(first, "ab"), seg(1, "def"), seg(9, "gap")})
	if string(got) != "abcdef" {
		t.Errorf("got %q", got)
	}
}

// The same addresses in many worlds at once: nothing is shared.
func TestSpacesAreIndependent(t *testing.T) {
	Require(t, "root")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			s, err := New("one of many")
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			c, err := s.ListenUDP(netip.MustParseAddrPort("127.0.0.1:5060"))
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if !s.Bound(netip.MustParseAddrPort("127.0.0.1:5060")) {
				t.Error("Bound does not see the socket")
			}
			if s.Bound(netip.MustParseAddrPort("127.0.0.1:5061")) {
				t.Error("Bound sees a socket that is not there")
			}
		})
	}
	wg.Wait()
}

func TestProcessRunsInTheSpace(t *testing.T) {
	t.Parallel()
	Require(t, "root", "ip")
	a, _ := pair(t)
	p, err := a.Start(Command{Path: "ip", Args: []string{"-o", "-4", "address"}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := p.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Output(), addrA.String()) {
		t.Errorf("output:\n%s", p.Output())
	}
}

func TestProcessThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	Require(t, "root", "cat")
	s := space(t, "hang")
	p, err := s.Start(Command{Path: "cat"})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Input("echo\n"); err != nil {
		t.Fatal(err)
	}
	await(t, "the echo", func() bool { return p.Output() == "echo\n" })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v", err)
	}
	if _, err := os.Stat(filepath.Join("/proc", strconv.Itoa(p.PID()))); err == nil {
		t.Error("the process is still there")
	}
}

// What a program starts and leaves, as daemons do with their workers, ends
// with it.
func TestWhatAProcessStartedEndsWithIt(t *testing.T) {
	t.Parallel()
	Require(t, "root", "sh", "sleep")
	s := space(t, "orphan")
	p, err := s.Start(Command{Path: "sh", Args: []string{"-c", "sleep 1000 >/dev/null 2>&1 & echo $!"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	orphan := filepath.Join("/proc", strings.TrimSpace(p.Output()), "stat")
	await(t, "the end of the orphan", func() bool {
		b, err := os.ReadFile(orphan)
		return err != nil || strings.Contains(string(b), ") Z ")
	})
}

func TestCloseEndsProcesses(t *testing.T) {
	t.Parallel()
	Require(t, "root", "cat")
	s := space(t, "closing")
	p, err := s.Start(Command{Path: "cat"})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	select {
	case <-p.Done():
	default:
		t.Error("a process outlived its namespace")
	}
	if err := s.Do(func() error { return nil }); err == nil {
		t.Error("Do after Close succeeded")
	}
	s.Close()
}

func TestErrorsNameTheirPlace(t *testing.T) {
	t.Parallel()
	Require(t, "root")
	s := space(t, "lonely")
	checks := map[string]error{
		"lonely/eth7": s.AddAddr("eth7", addrA),
		"default route": s.Route(netip.MustParsePrefix("0.0.0.0/0"),
			netip.MustParseAddr("192.0.2.9")),
	}
	_, checks["capture on lonely/eth8"] = s.Capture("eth8")
	_, checks[`start nonesuch in "lonely"`] = s.Start(Command{Path: "nonesuch"})
	for want, err := range checks {
		if want == "default route" {
			want = "route 0.0.0.0/0 via 192.0.2.9"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q in it", err, want)
		}
	}
}

func TestFrameThatIsNoUDP(t *testing.T) {
	good := []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00" +
		"\x45\x00\x00\x20\x12\x34\x00\x00\x39\x11\x00\x00\xc0\x00\x02\x01\xc0\x00\x02\x02" +
		"\x13\xc4\x13\xc5\x00\x0c\x00\x00ping")
	d, ok := Frame{Bytes: good}.UDP()
	if !ok || string(d.Payload) != "ping" || d.TTL != 0x39 || d.ID != 0x1234 || d.DF || d.Src.Port() != 5060 {
		t.Fatalf("UDP() = %+v, %v", d, ok)
	}
	for n := range good {
		if _, ok := (Frame{Bytes: good[:n]}).UDP(); ok {
			t.Errorf("a frame cut to %d octets was decoded", n)
		}
	}
	fragment := append([]byte(nil), good...)
	fragment[20] = 0x20
	if d, ok := (Frame{Bytes: fragment}).UDP(); !ok || !d.Fragment || len(d.Payload) != 12 {
		t.Errorf("fragment: %+v, %v", d, ok)
	}
	for name, at := range map[string]int{"ethertype": 12, "IP version": 14, "protocol": 23, "UDP length": 38} {
		bad := append([]byte(nil), good...)
		bad[at] = 0x99
		if _, ok := (Frame{Bytes: bad}).UDP(); ok {
			t.Errorf("a frame with a wrong %s was decoded", name)
		}
	}
}

// recorder is a TB that remembers what was asked of it.
type recorder struct{ skipped, failed string }

func (r *recorder) Helper()                           {}
func (r *recorder) Skipf(format string, args ...any)  { r.skipped = format }
func (r *recorder) Fatalf(format string, args ...any) { r.failed = format }

func TestRequire(t *testing.T) {
	for _, c := range []struct {
		all, need     string
		skips, failed bool
	}{
		{"", "nonesuch", true, false},
		{"all", "nonesuch", false, true},
		{"", "cat", false, false},
		{"all", "cat", false, false},
	} {
		t.Setenv("SBC_REQUIRE", c.all)
		r := &recorder{}
		if Require(r, c.need); (r.skipped != "") != c.skips || (r.failed != "") != c.failed {
			t.Errorf("SBC_REQUIRE=%q Require(%q): skipped %v, failed %v", c.all, c.need, r.skipped != "", r.failed != "")
		}
	}
}

func await(t *testing.T, what string, cond func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := Await(ctx, cond); err != nil {
		t.Fatalf("waiting for %s: %v", what, err)
	}
}
