package public

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

var outside = netip.MustParseAddr("203.0.113.7")

// A pcpServer is a PCP server (RFC 6887) with one client.
type pcpServer struct {
	mu       sync.Mutex
	addr     netip.Addr
	epoch    uint32
	result   result
	seconds  uint32                // lifetime of what it gives, and of errors
	taken    map[uint16]bool       // external ports that others have
	mappings map[Port]uint16       // what it has
	nonces   map[Port][]byte       // whose it is
	spoil    func([]byte) [][]byte // what is done to a response
	plain    bool                  // it does not know PREFER_FAILURE
}

func newPCPServer() *pcpServer {
	return &pcpServer{addr: outside, epoch: 1000, seconds: 3600,
		taken: map[uint16]bool{}, mappings: map[Port]uint16{}, nonces: map[Port][]byte{}}
}

func (s *pcpServer) answer(b []byte) [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(b) < pcpHeader || b[0] != 2 || b[1]&0x80 != 0 {
		return nil
	}
	r := []byte{2, b[1] | 0x80, 0, byte(s.result)}
	r = binary.BigEndian.AppendUint32(r, s.seconds)
	r = binary.BigEndian.AppendUint32(r, s.epoch)
	r = append(r, make([]byte, 12)...)
	if b[1] == opMap && len(b) >= pcpHeader+pcpMap {
		r = append(r, b[pcpHeader:pcpHeader+pcpMap]...)
		if s.plain && len(b) > pcpHeader+pcpMap {
			r[3] = byte(resultOption)
		} else if s.result == resultSuccess {
			s.mapping(b, r)
		}
	}
	if s.spoil != nil {
		return s.spoil(r)
	}
	return [][]byte{r}
}

// mapping carries out a MAP and writes the response.
func (s *pcpServer) mapping(b, r []byte) {
	p := Port{UDP, binary.BigEndian.Uint16(b[40:])}
	if b[36] == 6 {
		p.Transport = TCP
	}
	external := binary.BigEndian.Uint16(b[42:])
	nonce := string(b[24:36])
	switch have, ok := s.mappings[p]; {
	case ok && nonce != string(s.nonces[p]):
		r[3] = byte(resultNotAuthorized)
		return
	case binary.BigEndian.Uint32(b[4:]) == 0:
		delete(s.mappings, p)
		return
	case ok:
		external = have
	case s.taken[external] && len(b) > pcpHeader+pcpMap: // PREFER_FAILURE
		r[3] = 11
		return
	case s.taken[external]:
		external += 1000
	}
	s.mappings[p], s.nonces[p] = external, []byte(nonce)
	binary.BigEndian.PutUint16(r[42:], external)
	a := s.addr.As16()
	copy(r[44:], a[:])
}

func (s *pcpServer) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (s *pcpServer) count() (n int) {
	s.do(func() { n = len(s.mappings) })
	return n
}

// asksPCP starts a server and a Watch that asks it.
func asksPCP(t *testing.T, s *pcpServer, o Options) *Watch {
	t.Helper()
	o.Gateway = serveFake(t, pcpPort, s.answer).at
	o.Signaling.Method = PCP
	if o.Ports == nil {
		o.Ports = []Port{sip5060, {TCP, 5061}}
	}
	return watching(t, o)
}

func allMapped(s *State) bool { return mapped(*s) }

func TestPCPMapsRenewsAndGivesBack(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 20003}})
	s := state(t, w, "all mapped", allMapped)
	if s.Signaling.Addr != outside || s.Media.Addr != outside || s.Signaling.Method != PCP {
		t.Errorf("state: %+v", s)
	}
	k := s.Signaling.Mappings[0]
	if left := time.Until(k.Renew); left < 29*time.Minute || left > 38*time.Minute {
		t.Errorf("of an hour, renewed in %v", left)
	}
	if srv.count() != 6 {
		t.Errorf("the server has %d mappings", srv.count())
	}
	w.Close()
	if srv.count() != 0 {
		t.Errorf("after Close the server has %d mappings", srv.count())
	}
}

func TestPCPRequestsAreOfTheirFormat(t *testing.T) {
	got := (&mapRequest{client: netip.MustParseAddr("192.0.2.1"), lifetime: time.Hour, nonce: nonce{1, 2}, port: port{Port{TCP, 5061}, true},
		external: netip.AddrPortFrom(outside, 5061)}).append(nil)
	want := "\x02\x01\x00\x00\x00\x00\x0e\x10" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01" +
		"\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "\x06\x00\x00\x00" + "\x13\xc5\x13\xc5" +
		"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xcb\x00\x71\x07" + "\x02\x00\x00\x00"
	if string(got) != want {
		t.Errorf("request\n%x, want\n%x", got, want)
	}
	if len(got) > pcpMax || len(got)%4 != 0 {
		t.Error("length")
	}
}

// Each result code is said in words, and refused mappings are no mappings.
func TestPCPResultCodes(t *testing.T) {
	t.Parallel()
	for code := range result(16) {
		if code == resultSuccess || code == resultVersion {
			continue
		}
		srv := newPCPServer()
		srv.result, srv.seconds = code, 5
		w := asksPCP(t, srv, Options{})
		s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
		if s.Signaling.Addr.IsValid() || !strings.Contains(s.Signaling.Err, code.Error()) {
			t.Errorf("%d: %+v", code, s.Signaling)
		}
		w.Close()
	}
}

func TestPCPOtherVersionFallsBackToNATPMP(t *testing.T) {
	t.Parallel()
	for name, version := range map[string][]byte{
		"a server of NAT-PMP": {0, 0x81, 0, 1, 0, 0, 0, 5},
		"a server of PCP 1":   append([]byte{1, 0x81, 0, 1}, make([]byte, 20)...),
		"UNSUPP_VERSION":      append([]byte{2, 0x81, 0, 1}, make([]byte, 20)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serveFake(t, pcpPort, func(b []byte) [][]byte {
				if b[0] != 0 {
					return [][]byte{version}
				}
				return natpmpAnswer(b, outside)
			})
			w := watching(t, Options{Gateway: f.at, Signaling: Source{Method: PCP}, Ports: []Port{sip5060}})
			s := state(t, w, "all mapped", allMapped)
			if s.Signaling.Method != NATPMP || len(s.Signaling.Tried) != 1 {
				t.Errorf("known: %+v", s.Signaling)
			}
		})
	}
}

// natpmpAnswer answers a request of NAT-PMP (RFC 6886 sections 3.2 and 3.3).
func natpmpAnswer(b []byte, addr netip.Addr) [][]byte {
	r := []byte{0, b[1] | 0x80, 0, 0, 0, 0, 0, 9}
	if b[1] == 0 {
		a := addr.As4()
		return [][]byte{append(r, a[:]...)}
	}
	r = append(r, b[4:8]...)
	return [][]byte{append(r, b[8:12]...)}
}

func TestPCPServerThatLostItsStateIsAskedAnew(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 20005}})
	state(t, w, "all mapped", allMapped)
	srv.do(func() { srv.epoch = 0; clear(srv.mappings); clear(srv.nonces) })
	eventually(t, "all are mapped again", func() bool { return srv.count() == 8 })
}

func TestPCPServerThatChangesItsAddress(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	changes := make(chan State, 100)
	w := asksPCP(t, srv, Options{Changed: func(s State) { changes <- s }})
	state(t, w, "all mapped", allMapped)
	other := netip.MustParseAddr("203.0.113.99")
	srv.do(func() { srv.addr, srv.epoch = other, 0; clear(srv.mappings) })
	s := state(t, w, "the new address", func(s *State) bool { return s.Signaling.Addr == other })
	if s.Signaling.Since.IsZero() || s.Media.Addr != other {
		t.Errorf("state: %+v", s)
	}
	w.Close()
	close(changes)
	var seen []netip.Addr
	for c := range changes {
		if n := len(seen); n == 0 || seen[n-1] != c.Signaling.Addr {
			seen = append(seen, c.Signaling.Addr)
		}
	}
	if len(seen) != 2 || seen[0] != outside || seen[1] != other {
		t.Errorf("Changed told %v", seen)
	}
}

func TestPCPExternalPortThatOthersHave(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	srv.taken[5060], srv.taken[20001] = true, true
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 20001}})
	s := state(t, w, "the rest mapped", func(s *State) bool {
		return len(s.Media.Mappings) == 2 && s.Media.Mappings[0].External != 0 && s.Media.Mappings[1].Err != "" && s.Signaling.Mappings[0].External != 0
	})
	if s.Signaling.Port(sip5060) != 6060 {
		t.Errorf("signaling: %v", s.Signaling.Mappings)
	}
	if m := s.Media.Mappings[1]; m.External != 0 || !strings.Contains(m.Err, "CANNOT_PROVIDE_EXTERNAL") {
		t.Errorf("media: %v", s.Media.Mappings)
	}
}

// A server that does not know PREFER_FAILURE is asked without, and what it
// gives instead is given back.
func TestPCPServerWithoutPreferFailure(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	srv.plain, srv.taken[20001] = true, true
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 20001}})
	s := state(t, w, "an answer for each", func(s *State) bool {
		return len(s.Media.Mappings) == 2 && s.Media.Mappings[0].External != 0 && s.Media.Mappings[1].Err != ""
	})
	if m := s.Media.Mappings[1]; m.External != 0 || !strings.Contains(m.Err, "media cannot use") {
		t.Errorf("media: %v", s.Media.Mappings)
	}
	eventually(t, "given back", func() bool { return srv.count() == 3 })
}

// After a loss of state the port that the world knows is asked for again.
func TestPCPExternalPortIsAskedForAgain(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	srv.taken[5060] = true
	w := asksPCP(t, srv, Options{})
	state(t, w, "all mapped", allMapped)
	srv.do(func() { srv.epoch, srv.taken[5060] = 0, false; clear(srv.mappings) })
	eventually(t, "mapped again", func() bool { return srv.count() == 2 })
	if s := w.State(); s.Signaling.Port(sip5060) != 6060 {
		t.Errorf("signaling: %v", s.Signaling.Mappings)
	}
}

func TestPCPOverIPv6(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	srv.addr = netip.MustParseAddr("2001:db8::7")
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback, Port: pcpPort})
	if err != nil {
		t.Skip("no IPv6 here: ", err)
	}
	f := &fake{at: netip.IPv6Loopback(), conn: conn, answer: srv.answer}
	done := make(chan struct{})
	go func() { defer close(done); f.serve() }()
	t.Cleanup(func() { conn.Close(); <-done })
	w := watching(t, Options{Local: netip.IPv6Loopback(), Gateway: f.at, Signaling: Source{Method: PCP}, Ports: []Port{sip5060}})
	s := state(t, w, "all mapped", allMapped)
	if s.Signaling.Addr != srv.addr {
		t.Errorf("known: %+v", s.Signaling)
	}
	srv.do(func() { srv.addr = outside }) // another family
	s = state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
	if s.Signaling.Addr == outside || !strings.Contains(s.Signaling.Err, "another family") {
		t.Errorf("known: %+v", s.Signaling)
	}
}

// A router that takes its time for each mapping gets all of them back.
func TestCloseWithASlowRouter(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 20039}})
	state(t, w, "all mapped", allMapped)
	srv.do(func() {
		srv.spoil = func(r []byte) [][]byte { time.Sleep(100 * time.Millisecond); return [][]byte{r} }
	})
	w.Close()
	if n := srv.count(); n != 0 {
		t.Errorf("after Close the server has %d mappings", n)
	}
}

// Close is bounded, whatever the router does.
func TestCloseWithASilentRouter(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 20030}})
	state(t, w, "all mapped", allMapped)
	srv.do(func() { srv.spoil = func([]byte) [][]byte { return nil } })
	begin := time.Now()
	w.Close()
	if d := time.Since(begin); d > 3*giveBackFor {
		t.Errorf("Close took %v", d)
	}
}

// What is no answer to the very question is not heard, however it comes.
func TestPCPHostileResponses(t *testing.T) {
	t.Parallel()
	lie := func(r []byte, change func([]byte)) []byte {
		l := append([]byte(nil), r...)
		if len(l) >= 60 {
			liar := netip.MustParseAddr("203.0.113.66").As16()
			copy(l[44:], liar[:])
		}
		change(l)
		return l
	}
	srv := newPCPServer()
	srv.spoil = func(r []byte) [][]byte {
		if len(r) < 60 {
			return [][]byte{r}
		}
		return [][]byte{
			{}, {2}, r[:3], r[:20], r[:24], r[:58], r[:56],
			lie(r, func(l []byte) { l[30]++ }),  // the nonce
			lie(r, func(l []byte) { l[36]++ }),  // the protocol
			lie(r, func(l []byte) { l[41]++ }),  // the internal port
			lie(r, func(l []byte) { l[1] = 1 }), // a request
			lie(r, func(l []byte) { l[1] = 0x80 | 2 }),
			append(lie(r, func([]byte) {}), 0), // not a multiple of 4
			append(lie(r, func([]byte) {}), make([]byte, 1100)...),
			r,
		}
	}
	w := asksPCP(t, srv, Options{})
	s := state(t, w, "all mapped", allMapped)
	if s.Signaling.Addr != outside {
		t.Errorf("believed %s", s.Signaling.Addr)
	}
}

// A lying router: an address that cannot be ours is refused and said.
func TestPCPLyingRouterIsRefused(t *testing.T) {
	t.Parallel()
	for _, addr := range liesV4 {
		srv := newPCPServer()
		srv.addr = netip.MustParseAddr(addr)
		w := asksPCP(t, srv, Options{})
		s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
		if s.Signaling.Addr.IsValid() || !strings.Contains(s.Signaling.Err, "refused") {
			t.Errorf("%s: %+v", addr, s.Signaling)
		}
		w.Close()
	}
}

// A router that begins to lie does not take away what was known.
func TestPCPRouterThatBeginsToLie(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	w := asksPCP(t, srv, Options{})
	state(t, w, "all mapped", allMapped)
	srv.do(func() { srv.addr = netip.MustParseAddr("127.0.0.1") })
	s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
	if s.Signaling.Addr != outside {
		t.Errorf("known: %+v", s.Signaling)
	}
}

var liesV4 = []string{"10.0.0.1", "192.168.1.1", "100.64.0.1", "127.0.0.1", "169.254.1.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "240.0.0.1", "2001:db8::1", "::1"}

// A process that crashed takes over what it left with the same key, and has
// to wait with another.
func TestPCPKeyTakesOver(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	for _, key := range []string{"old", "old", "other"} {
		w := asksPCP(t, srv, Options{Key: []byte(key)})
		if key == "other" {
			s := state(t, w, "a refusal", func(s *State) bool { return s.Signaling.Err != "" })
			if !strings.Contains(s.Signaling.Err, "NOT_AUTHORIZED") {
				t.Error(s.Signaling.Err)
			}
			return
		}
		state(t, w, "all mapped", allMapped)
		srv.do(func() { srv.result = 2 }) // what is given back now is not taken
		w.Close()
		srv.do(func() { srv.result = 0 })
	}
}

func TestEpoch(t *testing.T) {
	begin := time.Now()
	for _, c := range []struct {
		name          string
		first, second uint32
		after         time.Duration
		lost          bool
	}{
		{"both go on", 100, 130, 30 * time.Second, false},
		{"back by a second", 100, 99, 0, false},
		{"back by two", 100, 98, 0, true},
		{"begins again", 1000, 3, 30 * time.Second, true},
		{"slow by 1/16 and 2 s", 0, 92, 100 * time.Second, false},
		{"slower than that", 0, 91, 100 * time.Second, true},
		{"fast by 1/16 and 2 s", 0, 108, 100 * time.Second, false},
		{"faster than that", 0, 110, 100 * time.Second, true},
		{"the largest", 0, 1<<32 - 1, time.Second, true},
	} {
		var e epoch
		if e.lost(c.first, begin) {
			t.Errorf("%s: lost at first", c.name)
		}
		if got := e.lost(c.second, begin.Add(c.after)); got != c.lost {
			t.Errorf("%s: lost %v", c.name, got)
		}
	}
}

func FuzzParsePCP(f *testing.F) {
	srv := newPCPServer()
	req := (&mapRequest{client: here, lifetime: time.Hour, port: port{Port: sip5060}}).append(nil)
	f.Add(srv.answer(req)[0])
	f.Add(srv.answer(appendPCP(nil, opAnnounce, 0, here))[0])
	f.Add([]byte{0, 0x81, 0, 1, 0, 0, 0, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := parsePCP(b)
		if err != nil {
			return
		}
		if len(b) < pcpHeader || len(b) > pcpMax || len(b)%4 != 0 || b[0] != 2 || b[1] < 0x80 {
			t.Fatalf("taken: %x", b)
		}
		if r.hasMap != (r.op == opMap && len(b) >= 60) {
			t.Fatalf("MAP or not: %x", b)
		}
		if r.hasMap {
			again := mapRequest{port: port{Port: Port{UDP, r.internal}}, nonce: r.nonce}
			if again.answers(&r) != (r.protocol == 17) {
				t.Fatalf("answers: %x", b)
			}
			if why := judge(r.external.Addr(), here, "it"); why == nil && r.external.Addr().Is6() {
				t.Fatalf("another family is believed: %x", b)
			}
		}
	})
}

// Each answer says the epoch, and what an add hears of it the next look tells.
func TestPCPEpochOfEachAnswer(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	o := Options{Local: here}
	o.defaults()
	ports := []port{{Port: sip5060}}
	w, err := newPCP(t.Context(), &o, serveFake(t, pcpPort, srv.answer).at, ports)
	must(t, err)
	look := func() bool {
		_, lost, err := w.look(t.Context(), port{}, Mapping{})
		must(t, err)
		return lost
	}
	for range 2 {
		if look() {
			t.Error("lost without a cause")
		}
	}
	srv.do(func() { srv.epoch = 3 })
	if _, err := w.add(t.Context(), ports[0], Mapping{}); err != nil {
		t.Error(err)
	}
	if !look() || look() {
		t.Error("the loss is told once")
	}
}
