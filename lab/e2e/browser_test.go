package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// browserConfig is a border where browsers of one page register, and call a PBX.
const browserConfig = `
realm "outside" {
  address = "{toitsp}"
  listen "ws" {
    origins = ["https://phone.example"]
  }
  listen "wss" {
    certificate = "{dir}/edge.pem"
    key         = "{dir}/edge.key"
    origins     = ["https://phone.example"]
  }
  media {
    ports = "20000-20999"
  }
  topology {
    audit = "refuse"
  }
}

realm "inside" {
  address = "{topbx}"
  listen "udp" {}
  media {
    ports = "30000-30999"
  }
  topology {
    audit = "refuse"
  }
}

peer "pbx" {
  realm  = realm.inside
  target = "sip:{pbx}"
}

endpoints "browsers" {
  realm       = realm.outside
  domain      = "voice.example"
  nat_refresh = "15s"
  user "alice" {
    password = file("{dir}/alice")
  }
}

route "to_browsers" {
  from = [peer.pbx]
  to   = [endpoints.browsers]
}

route "to_pbx" {
  from = [endpoints.browsers]
  to   = [peer.pbx]
}

telemetry {
  listen     = "127.0.0.1:9090"
  log_format = "text"
  log_level  = "debug"
}

console {
  socket = "{socket}"
}

store {
  path = "{socket}.db"
}
`

// A browserWorld is a world with browsers outside and a phone as the PBX.
type browserWorld struct {
	*world
	c   *certificates
	pbx *live.Phone
}

func newBrowserWorld(t *testing.T) *browserWorld {
	t.Helper()
	throughSBC(t)
	c := newCertificates(t)
	keep(t, c.dir, "edge", c.ca.issue(edgeName, at(outsideAddr)))
	if err := os.WriteFile(filepath.Join(c.dir, "alice"), []byte("pw-alice\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWorldOf(t, setup{text: strings.ReplaceAll(browserConfig, "{dir}", c.dir)})
	needsBrowser(w)
	o := w.phoneOptions(w.lan)
	o.React, o.Agent.Hear = answer, o.Agent.Voice // a browser sends back what it hears
	pbx, err := live.Start(o)
	w.must(err)
	t.Cleanup(func() {
		pbx.Close()
		if t.Failed() {
			t.Logf("the PBX: %s", words(pbx.Events()))
		}
	})
	t.Cleanup(w.border.settle)
	return &browserWorld{world: w, c: c, pbx: pbx}
}

// page is the one page whose browsers may connect.
const page = "https://phone.example"

// alice is a browser that connects by ws or wss from a page.
func (w *browserWorld) alice(scheme, origin, password string) *browser {
	w.t.Helper()
	return w.browser(browserOptions{
		URL: scheme + "://" + outsideAddr.String(), User: "alice", Domain: domain, Password: password, Origin: origin,
		CA: w.c.dir + "/ca.pem", Address: itspAddr.String()})
}

// A browser registers and stays registered, calls the PBX and is called by it,
// is busy once, and unregisters. What names it stays outside.
func TestBrowser(t *testing.T) {
	t.Parallel()
	for _, scheme := range []string{"ws", "wss"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			w := newBrowserWorld(t)
			b := w.alice(scheme, page, "pw-alice")
			b.await("connected")
			b.do("register", nil)
			names := b.await("registered").Names
			w.callsBrowser(b)
			w.browserCalls(b)
			w.refreshed(b)
			b.do("unregister", nil)
			b.await("unregistered")
			if id := w.pbx.Invite(ua.Invite{To: "alice"}); w.status(id) != 480 {
				t.Errorf("a call to a browser that has left ends with %d", w.status(id))
			}
			w.hiddenNames(b, names)
			w.saysWS(b, scheme)
		})
	}
}

// callsBrowser calls the browser, which answers, hangs up, and then is busy.
func (w *browserWorld) callsBrowser(b *browser) {
	w.t.Helper()
	id := w.pbx.Invite(ua.Invite{To: "alice"})
	b.await("incoming")
	b.await("confirmed")
	b.await("heard")
	w.happens(id, ua.Heard)
	b.do("hangup", nil)
	b.await("ended")
	w.over(id, ua.ByFar)
	b.do("react", map[string]string{"how": "busy"})
	b.await("reacts")
	if id := w.pbx.Invite(ua.Invite{To: "alice"}); w.status(id) != 486 {
		w.t.Errorf("a browser that is busy: %d", w.status(id))
	}
	b.await("ended")
}

// browserCalls lets the browser call the PBX, which hangs up.
func (w *browserWorld) browserCalls(b *browser) {
	w.t.Helper()
	seen := len(w.pbx.Events())
	b.do("call", map[string]string{"to": "4930123"})
	b.await("accepted")
	e, _, err := w.pbx.Await(w.ctx, seen, func(e ua.Event) bool { return e.Is == ua.Heard })
	w.must(err)
	b.await("heard")
	w.pbx.Hangup(e.Call)
	w.over(e.Call, ua.ByUs)
	if end := b.await("ended"); end.Originator != "remote" {
		w.t.Errorf("the browser's call ended: %+v", end)
	}
}

// happens waits for an event of a call of the PBX.
func (w *browserWorld) happens(id ua.Call, kind ua.Kind) ua.Event {
	w.t.Helper()
	e, _, err := w.pbx.Await(w.ctx, 0, func(e ua.Event) bool { return e.Call == id && e.Is == kind })
	if err != nil {
		w.t.Fatalf("waiting for %q of call %d of the PBX: %v", kind, id, err)
	}
	return e
}

// status is how a call of the PBX ended.
func (w *browserWorld) status(id ua.Call) int {
	w.t.Helper()
	return w.happens(id, ua.Ended).Status
}

// over waits for the end of a call of the PBX, in which everything was heard.
func (w *browserWorld) over(id ua.Call, by ua.Cause) {
	w.t.Helper()
	if e := w.happens(id, ua.Ended); e.Cause != by || e.Audio.Wrong != 0 || e.Audio.Lost != 0 || e.Audio.Right < 50 {
		w.t.Errorf("call %d of the PBX ended: %s, audio %+v", id, e.Cause, e.Audio)
	}
}

// refreshed waits until the browser has registered again by itself, as it was
// told to: within 15 s.
func (w *browserWorld) refreshed(b *browser) {
	w.t.Helper()
	registered := func() (n int) {
		for _, d := range b.messages() {
			if text := string(d.Payload); strings.HasPrefix(text, "SIP/2.0 200 ") && strings.Contains(text, " REGISTER\r\n") {
				n++
			}
		}
		return n
	}
	w.await("the browser to register again", func() bool { return registered() >= 2 })
}

// saysWS fails the test unless the border's own Via and Contact are those of RFC
// 7118: the URI has one word for WebSockets with TLS and without.
func (w *browserWorld) saysWS(b *browser, scheme string) {
	w.t.Helper()
	via, contacts := " SIP/2.0/"+strings.ToUpper(scheme)+" ", 0
	for _, d := range b.messages() {
		for line := range strings.SplitSeq(string(d.Payload), "\r\n") {
			name, value, _ := strings.Cut(line, ":")
			switch {
			case name == "Via" && !strings.HasPrefix(value, via), name == "Contact" && !strings.Contains(value, ";transport=ws>"):
				w.t.Errorf("over %s the border says %q", scheme, line)
			case name == "Contact":
				contacts++
			}
		}
	}
	if contacts == 0 {
		w.t.Error("the border has no Contact")
	}
}

// hiddenNames fails the test when the PBX's side saw who the browser is beyond
// its user, or the browser what is behind the border.
func (w *browserWorld) hiddenNames(b *browser, names []string) {
	w.t.Helper()
	w.drain(w.lan)
	seen := from(w.lan.messages(), insideAddr)
	canaries := []ua.Canary{{Own: itspCanary.Own}}
	for _, word := range append(names, ".invalid", "jssip", "websocket", "urn:uuid", "/ws", "transport=ws") {
		canaries = append(canaries, ua.Canary{Word: strings.ToLower(word)})
	}
	for _, c := range canaries {
		if leaks := leaksIn(seen, c); len(leaks) > 0 || len(seen) == 0 {
			w.t.Errorf("of %d datagrams the PBX can see of the browser:\n%s", len(seen), strings.Join(leaks, "\n"))
		}
	}
	said := b.messages()
	if leaks := leaksIn(said, lanCanary); len(leaks) > 0 || len(said) == 0 {
		w.t.Errorf("of %d messages the browser can see of the PBX:\n%s", len(said), strings.Join(leaks, "\n"))
	}
}

// A browser of another page is refused with 403, whether it says so by ws or by
// wss, and one of the page that does not know the password is nobody. What has no
// origin is no browser.
func TestBrowserOfAnotherPage(t *testing.T) {
	t.Parallel()
	w := newBrowserWorld(t)
	for _, scheme := range []string{"ws", "wss"} {
		for origin, want := range map[string]int{
			page: http.StatusSwitchingProtocols, "": http.StatusSwitchingProtocols, "https://PHONE.example": http.StatusSwitchingProtocols,
			"https://evil.example": http.StatusForbidden, "http://phone.example": http.StatusForbidden,
			"https://phone.example.evil.example": http.StatusForbidden, "https://sub.phone.example": http.StatusForbidden, "null": http.StatusForbidden,
		} {
			if got := w.upgrade(scheme, origin); got != want {
				t.Errorf("%s with origin %q: %d instead of %d", scheme, origin, got, want)
			}
		}
		b := w.alice(scheme, "https://evil.example", "pw-alice")
		if e := b.await("refused"); e.Status != http.StatusForbidden {
			t.Errorf("a browser of another page by %s: %+v", scheme, e)
		}
		b.process.Kill()
	}
	const others = 2 * (5 + 1)
	if n, err := strconv.Atoi(w.metric(`sbc_connections_cut_total{cause="ws_origin",realm="outside"}`)); err != nil || n < others {
		t.Errorf("%d connections were counted as cut for their origin, %v", n, err)
	}
	b := w.alice("wss", page, "guess")
	b.await("connected")
	b.do("register", nil)
	if e := b.await("failed"); e.Status != http.StatusUnauthorized {
		t.Errorf("a browser with a wrong password: %+v", e)
	}
	if n := len(w.lan.seen.Datagrams()); n != 0 {
		t.Errorf("%d datagrams went to the LAN, which has nothing to do with it", n)
	}
}

// upgrade asks for a WebSocket, and returns the status of the answer.
func (w *browserWorld) upgrade(scheme, origin string) int {
	w.t.Helper()
	var conn net.Conn
	var err error
	port := map[string]uint16{"ws": 80, "wss": 443}[scheme]
	conn, err = w.itsp.space.Dial("tcp", netip.AddrPortFrom(outsideAddr, port).String())
	w.must(err)
	defer conn.Close()
	w.must(conn.SetDeadline(time.Now().Add(testTime / 2)))
	if scheme == "wss" {
		conn = tls.Client(conn, &tls.Config{ServerName: edgeName, RootCAs: w.c.ca.pool()})
	}
	if origin != "" {
		origin = "Origin: " + origin + "\r\n"
	}
	_, err = io.WriteString(conn, fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: sip\r\n%s\r\n", outsideAddr, origin))
	w.must(err)
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	w.must(err)
	r.Body.Close()
	return r.StatusCode
}
