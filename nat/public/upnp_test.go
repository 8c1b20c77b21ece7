package public

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// An igd is a UPnP gateway (WANIPConnection 1 and 2, WANPPPConnection 1) at
// an address of its own.
type igd struct {
	at  netip.Addr
	url string // where it describes itself

	mu       sync.Mutex
	service  string // the URN of its one service
	control  string // the service's control URL
	base     string // URLBase
	location string // what it answers to a search; empty: url
	external string // the address that it says
	taken    map[string]bool
	leases   bool              // it knows leases; else permanent mappings only
	mappings map[string]string // "UDP 5060" -> client:port
	redirect string            // its description is elsewhere
	fill     int               // octets of nonsense in the description
	searches int
}

const urn = "urn:schemas-upnp-org:service:"

func newIGD(t *testing.T) *igd {
	t.Helper()
	g := &igd{service: urn + "WANIPConnection:1", control: "/ctl", external: outside.String(), taken: map[string]bool{}, leases: true, mappings: map[string]string{}}
	g.at = serveFake(t, ssdpPort, g.found).at
	l, err := net.Listen("tcp", netip.AddrPortFrom(g.at, 0).String())
	must(t, err)
	g.do(func() { g.url = "http://" + l.Addr().String() + "/desc.xml" })
	s := &http.Server{Handler: g}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	return g
}

func (g *igd) do(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f()
}

// found answers a search.
func (g *igd) found(b []byte) [][]byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.searches++
	if !strings.HasPrefix(string(b), "M-SEARCH * HTTP/1.1\r\n") || !strings.Contains(string(b), "MAN: \"ssdp:discover\"\r\n") {
		return nil
	}
	at := g.location
	if at == "" {
		at = g.url
	}
	return [][]byte{fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1\r\nLOCATION: %s\r\n\r\n", at)}
}

func (g *igd) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case r.Method == "GET" && g.redirect != "":
		http.Redirect(w, r, g.redirect, http.StatusFound)
	case r.Method == "GET":
		fmt.Fprintf(w, `<?xml version="1.0"?><root xmlns="urn:schemas-upnp-org:device-1-0"><!--%s--><URLBase>%s</URLBase><device><friendlyName>igd</friendlyName>`+
			`<serviceList><service><serviceType>%s</serviceType><controlURL>%s</controlURL></service></serviceList></device></root>`,
			strings.Repeat("x", g.fill), g.base, g.service, g.control)
	default:
		g.soap(w, r)
	}
}

var argument = regexp.MustCompile(`<(New\w+)>([^<]*)</`)

// soap carries out an action.
func (g *igd) soap(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	arg := map[string]string{}
	for _, m := range argument.FindAllStringSubmatch(string(body), -1) {
		arg[m[1]] = m[2]
	}
	_, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPACTION"), `"`), "#")
	key := arg["NewProtocol"] + " " + arg["NewExternalPort"]
	answer, fault := "", 0
	switch action {
	case "GetExternalIPAddress":
		answer = "<NewExternalIPAddress>" + g.external + "</NewExternalIPAddress>"
	case "AddPortMapping":
		switch {
		case g.taken[key]:
			fault = faultConflict
		case !g.leases && arg["NewLeaseDuration"] != "0":
			fault = faultPermanent
		default:
			g.mappings[key] = arg["NewInternalClient"] + ":" + arg["NewInternalPort"]
		}
	case "DeletePortMapping":
		delete(g.mappings, key)
	case "GetSpecificPortMappingEntry":
		client, port, ok := strings.Cut(g.mappings[key], ":")
		if fault = faultNoEntry; ok {
			fault = 0
			answer = fmt.Sprintf("<NewInternalPort>%s</NewInternalPort><NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>x</NewPortMappingDescription><NewLeaseDuration>60</NewLeaseDuration>", port, client)
		}
	}
	answer = fmt.Sprintf("<u:%sResponse xmlns:u=%q>%s</u:%sResponse>", action, g.service, answer, action)
	if fault != 0 {
		w.WriteHeader(http.StatusInternalServerError)
		answer = fmt.Sprintf("<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError><errorCode>%d</errorCode><errorDescription>hostile text</errorDescription></UPnPError></detail></s:Fault>", fault)
	}
	fmt.Fprintf(w, `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>%s</s:Body></s:Envelope>`, answer)
}

func (g *igd) has(key string) (to string) {
	g.do(func() { to = g.mappings[key] })
	return to
}

func (g *igd) count() (n int) {
	g.do(func() { n = len(g.mappings) })
	return n
}

func asksUPnP(t *testing.T, g *igd) *Watch {
	t.Helper()
	return watching(t, Options{Gateway: g.at, Signaling: Source{Method: UPnP}, Ports: []Port{sip5060}, MediaPorts: Range{20000, 20001}})
}

func TestUPnPServicesOfGateways(t *testing.T) {
	t.Parallel()
	for _, service := range []string{"WANIPConnection:1", "WANIPConnection:2", "WANPPPConnection:1"} {
		for _, leases := range []bool{true, false} {
			g := newIGD(t)
			g.do(func() { g.service, g.leases = urn+service, leases })
			w := asksUPnP(t, g)
			s := state(t, w, "all mapped", allMapped)
			if s.Signaling.Addr != outside || s.Signaling.Method != UPnP || s.Signaling.Mappings[0].Until.IsZero() == leases {
				t.Errorf("%s: %+v", service, s.Signaling)
			}
			if to := g.has("UDP 5060"); to != "127.0.0.1:5060" {
				t.Errorf("%s: mapped to %q", service, to)
			}
			w.Close()
			if n := g.count(); n != 0 {
				t.Errorf("%s: after Close %d mappings", service, n)
			}
		}
	}
}

func TestUPnPGatewayThatForgetsIsAskedAnew(t *testing.T) {
	t.Parallel()
	g := newIGD(t)
	w := asksUPnP(t, g)
	state(t, w, "all mapped", allMapped)
	g.do(func() { delete(g.mappings, "UDP 20001") })
	eventually(t, "mapped again", func() bool { return g.has("UDP 20001") != "" })
	g.do(func() { g.mappings["UDP 5060"] = "127.0.0.9:5060" }) // somebody else took it
	eventually(t, "mapped again", func() bool { return g.has("UDP 5060") == "127.0.0.1:5060" })
}

func TestUPnPPortThatOthersHave(t *testing.T) {
	t.Parallel()
	g := newIGD(t)
	g.do(func() { g.taken["UDP 5060"], g.taken["UDP 20001"] = true, true })
	w := asksUPnP(t, g)
	s := state(t, w, "what can be mapped", func(s *State) bool {
		return s.Signaling.Mappings[0].External != 0 && len(s.Media.Mappings) == 2 && s.Media.Mappings[0].External != 0 && s.Media.Mappings[1].Err != ""
	})
	if e := s.Signaling.Port(sip5060); e == 5060 || g.has(fmt.Sprintf("UDP %d", e)) != "127.0.0.1:5060" {
		t.Errorf("signaling: %v", s.Signaling.Mappings)
	}
	if m := s.Media.Mappings[1]; m.External != 0 || m.Err != "UPnP error 718: another host has this external port" {
		t.Errorf("media: %v", m)
	}
}

// A router must not lead us elsewhere, nor may anybody who answers a search.
func TestUPnPIsTheRoutersOwn(t *testing.T) {
	t.Parallel()
	reached := make(chan string, 10)
	l, err := net.Listen("tcp", netip.AddrPortFrom(freshAddr(), 0).String())
	must(t, err)
	elsewhere := "http://" + l.Addr().String() + "/admin"
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case reached <- r.URL.Path:
		default:
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); s.Serve(l) }()
	t.Cleanup(func() { s.Close(); <-done })
	for name, lead := range map[string]func(*igd){
		"location":      func(g *igd) { g.location = elsewhere },
		"location name": func(g *igd) { g.location = "http://localhost/admin" },
		"file":          func(g *igd) { g.location = "file:///etc/passwd" },
		"URLBase":       func(g *igd) { g.base = elsewhere },
		"control URL":   func(g *igd) { g.control = elsewhere },
		"redirect":      func(g *igd) { g.redirect = elsewhere },
		"too large":     func(g *igd) { g.fill = largestXML },
		"no service":    func(g *igd) { g.service = "urn:schemas-upnp-org:service:RenderingControl:1" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newIGD(t)
			g.do(func() { lead(g) })
			w := asksUPnP(t, g)
			s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
			if s.Signaling.Addr.IsValid() {
				t.Errorf("known: %+v", s.Signaling)
			}
			if strings.HasPrefix(name, "location") != strings.Contains(s.Signaling.Err, "refused") && name != "file" {
				t.Error(s.Signaling.Err)
			}
			w.Close()
			select {
			case path := <-reached:
				t.Errorf("we were led to %s", path)
			default:
			}
		})
	}
}

// The answer of another host of the network is not the router's.
func TestUPnPAnswersOfOthersAreNotHeard(t *testing.T) {
	t.Parallel()
	g := newIGD(t)
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: here.AsSlice()})
	must(t, err)
	defer conn.Close()
	other := newIGD(t)
	c, err := net.DialUDP("udp4", &net.UDPAddr{IP: other.at.AsSlice()}, conn.LocalAddr().(*net.UDPAddr))
	must(t, err)
	defer c.Close()
	for _, b := range append(other.found([]byte("M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\n")), []byte("nonsense")) {
		_, err = c.Write(b)
		must(t, err)
	}
	must(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	if err := collect(t.Context(), conn, g.at, nil); err != errNoUPnP {
		t.Error(err)
	}
}

func TestUPnPLyingGatewayIsRefused(t *testing.T) {
	t.Parallel()
	for _, addr := range append(liesV4, "", "router", "0x7f.1", "127.1") {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			g := newIGD(t)
			g.do(func() { g.external = addr })
			w := asksUPnP(t, g)
			s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
			if s.Signaling.Addr.IsValid() || g.count() != 0 {
				t.Errorf("%+v", s.Signaling)
			}
		})
	}
}

func TestUPnPWordsOfTheRouterAreQuoted(t *testing.T) {
	t.Parallel()
	g := newIGD(t)
	w := asksUPnP(t, g)
	state(t, w, "all mapped", allMapped)
	g.do(func() { g.external = "evil\nline" })
	s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
	if s.Signaling.Addr != outside || strings.Contains(s.Signaling.Err, "\n") {
		t.Errorf("known: %+v", s.Signaling)
	}
}

func FuzzLocation(f *testing.F) {
	router := netip.MustParseAddr("192.168.1.1")
	for _, at := range []string{"http://192.168.1.1:5000/d.xml", "http://[::ffff:192.168.1.1]/d", "http://192.168.1.1@evil/", "http://evil#192.168.1.1", "/d.xml", "http://3232235777/"} {
		f.Add([]byte("HTTP/1.1 200 OK\r\nLOCATION: " + at + "\r\n\r\n"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		at, err := location(b, router)
		if err != nil || at == nil {
			return
		}
		if host, bad := netip.ParseAddr(at.Hostname()); bad != nil || host.Unmap() != router || at.Scheme != "http" {
			t.Fatalf("leads to %s", at)
		}
	})
}
