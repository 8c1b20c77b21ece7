package public

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/nat"
)

// stunAnswer answers a Binding request with an address.
func stunAnswer(b []byte, mapped netip.Addr) [][]byte {
	return [][]byte{nat.AppendBindingResponse(nil, b, netip.AddrPortFrom(mapped, 40000))}
}

func serverAt(f *fake) string { return netip.AddrPortFrom(f.at, stunPort).String() }

func TestSTUNSaysTheAddressAndItsChanges(t *testing.T) {
	t.Parallel()
	var addr atomic.Pointer[netip.Addr]
	addr.Store(&outside)
	f := serveFake(t, stunPort, func(b []byte) [][]byte { return stunAnswer(b, *addr.Load()) })
	w := watching(t, Options{Signaling: Source{Method: STUN, Server: serverAt(f)}, Ports: []Port{sip5060}, MediaPorts: Range{20000, 29999}})
	s := state(t, w, "an address", func(s *State) bool { return s.Signaling.Addr.IsValid() })
	if s.Signaling.Addr != outside || s.Media.Addr != outside || s.Signaling.Method != STUN || len(s.Signaling.Mappings) != 0 {
		t.Errorf("state: %+v", s)
	}
	if s.Signaling.Port(sip5060) != 5060 {
		t.Error("the port is not the one that the operator forwards")
	}
	advice := words(append(s.Signaling.Advice, s.Media.Advice...))
	if advice != "forward UDP 5060 to 127.0.0.1 in the router yourself; forward UDP 20000-29999 to 127.0.0.1 in the router yourself" {
		t.Errorf("advice: %s", advice)
	}
	other := netip.MustParseAddr("203.0.113.99")
	addr.Store(&other)
	state(t, w, "the new address", func(s *State) bool { return s.Signaling.Addr == other && s.Media.Addr == other })
}

// The host is looked up, and only addresses of our family are asked.
func TestSTUNServerByName(t *testing.T) {
	t.Parallel()
	s := &stun{local: here, server: "localhost:3479"}
	list, err := s.resolve(t.Context())
	if err != nil || len(list) == 0 || list[0] != netip.MustParseAddrPort("127.0.0.1:3479") {
		t.Errorf("%v, %v", list, err)
	}
	s = &stun{local: here, server: "localhost"}
	if list, err = s.resolve(t.Context()); err != nil || list[0].Port() != stunPort {
		t.Errorf("without a port: %v, %v", list, err)
	}
	for _, bad := range []string{"localhost:sip", "localhost:99999", "no-such-host.invalid:3478"} {
		if _, err = (&stun{local: here, server: bad}).resolve(t.Context()); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestSTUNLyingServerIsRefused(t *testing.T) {
	t.Parallel()
	for _, addr := range liesV4 {
		f := serveFake(t, stunPort, func(b []byte) [][]byte { return stunAnswer(b, netip.MustParseAddr(addr)) })
		w := watching(t, Options{Signaling: Source{Method: STUN, Server: serverAt(f)}})
		s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
		if s.Signaling.Addr.IsValid() || !strings.Contains(s.Signaling.Err, "refused") || !strings.Contains(s.Signaling.Err, serverAt(f)) {
			t.Errorf("%s: %+v", addr, s.Signaling)
		}
		w.Close()
	}
}

// What does not answer the very request, or not in STUN's format, is dropped.
func TestSTUNHostileResponses(t *testing.T) {
	t.Parallel()
	liar := netip.MustParseAddr("203.0.113.66")
	var asked atomic.Int32
	f := serveFake(t, stunPort, func(b []byte) [][]byte {
		if asked.Add(1) == 1 {
			return nil // the first is lost: it is asked again
		}
		lie := func(change func([]byte)) []byte {
			r := stunAnswer(b, liar)[0]
			change(r)
			return r
		}
		return append([][]byte{
			{}, b, []byte("hello"), lie(func([]byte) {})[:25],
			lie(func(r []byte) { r[19]++ }), // the transaction ID
			lie(func(r []byte) { r[4]++ }),  // the cookie
			lie(func(r []byte) { r[3]++ }),  // the length
			lie(func(r []byte) { r[1] = 2 }),
			lie(func(r []byte) { r[23] = 4 }), // the attribute's length
		}, stunAnswer(b, outside)...)
	})
	w := watching(t, Options{Signaling: Source{Method: STUN, Server: serverAt(f)}})
	s := state(t, w, "an address", func(s *State) bool { return s.Signaling.Addr.IsValid() })
	if s.Signaling.Addr != outside {
		t.Errorf("believed %s", s.Signaling.Addr)
	}
}

// Another host that answers, with the right transaction ID, is not heard.
func TestSTUNAnswerOfAnotherHostIsNotHeard(t *testing.T) {
	t.Parallel()
	var victim atomic.Pointer[netip.AddrPort]
	other := serveFake(t, stunPort, func([]byte) [][]byte { return nil })
	conn := other.conn
	f := &fake{at: freshAddr()}
	server := serveFakeFrom(t, f, func(b []byte, from netip.AddrPort) {
		victim.Store(&from)
		conn.WriteToUDPAddrPort(stunAnswer(b, netip.MustParseAddr("203.0.113.66"))[0], from)
	})
	s := &stun{local: here, server: server.String(), pace: pace{first: 20 * time.Millisecond, count: 2, last: 20 * time.Millisecond}}
	addr, err := s.ask(t.Context(), server)
	if !errors.Is(err, errSilent) || victim.Load() == nil {
		t.Errorf("%v, %v", addr, err)
	}
}

func TestSTUNErrorsAreSaid(t *testing.T) {
	t.Parallel()
	id := func(b []byte) nat.Transaction { return nat.STUN(b).Transaction() }
	head := func(typ byte, length byte, b []byte) []byte {
		r := append([]byte{0x01, typ, 0, length, 0x21, 0x12, 0xa4, 0x42}, make([]byte, 12)...)
		tx := id(b)
		copy(r[8:], tx[:])
		return r
	}
	for want, answer := range map[string]func([]byte) []byte{
		"error 300":            func(b []byte) []byte { return append(head(0x11, 8, b), 0, 9, 0, 4, 0, 0, 3, 0) },
		"names no address":     func(b []byte) []byte { return head(0x01, 0, b) },
		"nobody listens there": nil,
	} {
		server := netip.AddrPortFrom(freshAddr(), stunPort)
		if answer != nil {
			server = netip.AddrPortFrom(serveFake(t, stunPort, func(b []byte) [][]byte { return [][]byte{answer(b)} }).at, stunPort)
		}
		s := &stun{local: here, server: server.String(), pace: stunPace}
		_, _, err := s.look(t.Context(), port{}, Mapping{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}

// RFC 8489 section 6.2.1: with RTO 500 ms the requests are at 0, 500, 1500,
// 3500, 7500, 15500 and 31500 ms, and the end at 39500 ms.
func TestSTUNPace(t *testing.T) {
	var at []time.Duration
	now := time.Duration(0)
	for n := 0; ; n++ {
		at = append(at, now)
		wait, last := stunPace.interval(n)
		now += wait
		if last {
			break
		}
	}
	ms := time.Millisecond
	want := []time.Duration{0, 500 * ms, 1500 * ms, 3500 * ms, 7500 * ms, 15500 * ms, 31500 * ms}
	if fmt.Sprint(at) != fmt.Sprint(want) || now != 39500*ms {
		t.Errorf("at %v, the end at %v", at, now)
	}
}

// Requests of one transaction are alike, and each transaction has an ID of
// its own.
func TestSTUNRetransmissions(t *testing.T) {
	t.Parallel()
	seen := make(chan nat.Transaction, 10)
	f := serveFake(t, stunPort, func(b []byte) [][]byte { seen <- nat.STUN(b).Transaction(); return nil })
	s := &stun{local: here, server: serverAt(f), pace: pace{first: 10 * time.Millisecond, count: 3, last: 200 * time.Millisecond}}
	for range 2 {
		if _, err := s.ask(t.Context(), netip.AddrPortFrom(f.at, stunPort)); !errors.Is(err, errSilent) {
			t.Fatal(err)
		}
	}
	var ids []nat.Transaction
	for range 6 {
		ids = append(ids, <-seen)
	}
	if ids[0] != ids[1] || ids[1] != ids[2] || ids[3] != ids[5] || ids[2] == ids[3] {
		t.Errorf("IDs %x", ids)
	}
}

// Close does not wait for a server that is silent.
func TestSTUNCloseIsFast(t *testing.T) {
	t.Parallel()
	f := serveFake(t, stunPort, func([]byte) [][]byte { return nil })
	quickest := time.Hour
	for range 5 { // the machine may sleep
		asked := f.asked.Load()
		w := watching(t, Options{Signaling: Source{Method: STUN, Server: serverAt(f)}})
		eventually(t, "asked", func() bool { return f.asked.Load() > asked })
		begin := time.Now()
		w.Close()
		quickest = min(quickest, time.Since(begin))
	}
	if quickest > time.Second {
		t.Errorf("Close took %v", quickest)
	}
}

func TestSTUNOfCoturnThroughARouter(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "turnserver", "miniupnpd")
	h := newHome(t, public1)
	at := netip.AddrPortFrom(stranger, stunPort)
	dir := t.TempDir()
	path, err := exec.LookPath("turnserver")
	must(t, err)
	p, err := h.outside.Start(netns.Command{Path: path, Dir: dir, Args: []string{"-n", "-S", "--listening-ip=" + stranger.String(), "--no-tls", "--no-dtls", "--no-cli",
		"--log-file=stdout", "--simple-log", "--pidfile=" + filepath.Join(dir, "pid"), "--userdb=" + filepath.Join(dir, "db")}})
	must(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(p.Output())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, netns.Await(ctx, func() bool { return h.outside.Bound(at) }))
	w := watchIn(t, h.host, script{Local: atHome, Signaling: Source{Method: STUN, Server: at.String()}, Media: Source{Method: Auto},
		Ports: []Port{sip5060}, MediaPorts: Range{30000, 30001}})
	s := w.await(true, "both addresses", mapped)
	if s.Signaling.Addr != public1 || s.Media.Addr != public1 || s.Media.Method != PCP {
		t.Errorf("state: %+v", s)
	}
	must(t, h.router.SetPublic(public2))
	w.await(true, "the new address", func(s State) bool { return s.Signaling.Addr == public2 && s.Media.Addr == public2 })
	w.close()
}
