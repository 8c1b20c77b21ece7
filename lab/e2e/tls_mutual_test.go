package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/lab/netns"
)

// A wanted certificate is one that a client shows to a border that wants one,
// and what becomes of it.
type wanted struct {
	name   string
	own    func(c *certificates) []tls.Certificate // that the client has
	usages string                                  // with which client_usage it is good; empty: with none
	logs   string                                  // otherwise
}

var wantedCertificates = []wanted{
	{"right", has(itspName), "client server", ""},
	{"without usages", has(itspName, goodFor()), "client server", ""},
	{"for servers", has(itspName, goodFor(x509.ExtKeyUsageServerAuth)), "server", `client usage \"server\" accepts those of servers`},
	{"missing", func(*certificates) []tls.Certificate { return nil }, "", "the far end has to show a certificate"},
	{"unknown authority", func(c *certificates) []tls.Certificate {
		return []tls.Certificate{newAuthority(c.ca.t, "of nobody").issue(itspName)}
	}, "", "add the authority that issued it"},
	{"expired", has(itspName, expired), "", "the peer has to renew it"},
}

func has(name string, shapes ...shape) func(*certificates) []tls.Certificate {
	return func(c *certificates) []tls.Certificate { return []tls.Certificate{c.ca.issue(name, shapes...)} }
}

// Where a certificate is required, nobody comes in without one that is good for
// clients, by TLS 1.2 and 1.3; the log says what is wrong with a peer's, and a
// metric counts. Whose is good, and is nobody's whom we know, hears nothing.
func TestTLSRequired(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	for _, usage := range []string{"client", "server"} {
		t.Run(usage, func(t *testing.T) {
			t.Parallel()
			c := newCertificates(t)
			w := newWorldOf(t, c.watched(known+"\nclient_usage = \""+usage+`"`, knownAccept))
			refused := 0
			for _, row := range wantedCertificates {
				for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
					good := strings.Contains(row.usages, usage)
					if !good {
						refused++
					}
					w.shown(c, &row, version, good, refused)
				}
			}
			w.nobody(c)
			w.openssl(c)
		})
	}
}

// shown shows a certificate, and fails the test unless it is taken or refused as
// it should be.
func (w *world) shown(c *certificates, row *wanted, version uint16, good bool, refused int) {
	w.t.Helper()
	name := row.name + " " + tls.VersionName(version)
	line, err := w.asks(&tls.Config{
		ServerName: edgeName, RootCAs: c.ca.pool(), Certificates: row.own(c), MinVersion: version, MaxVersion: version})
	if good != (err == nil && strings.HasPrefix(line, "SIP/2.0 200")) {
		w.t.Errorf("%s: answered by %q, %v", name, line, err)
	}
	if !good {
		if err == nil || !strings.Contains(err.Error(), "remote error: tls: ") {
			w.t.Errorf("%s: refused without an alert: %v", name, err)
		}
		w.await("the reason in the log: "+name, func() bool { return strings.Contains(w.border.process.Output(), row.logs) })
	}
	w.await(fmt.Sprintf("%s: %d connections to be counted as cut for their certificate", name, refused), func() bool {
		cut, _ := strconv.Atoi(w.metric(`sbc_connections_cut_total{cause="tls_certificate",realm="outside"}`))
		return cut == refused
	})
}

// nobody shows a certificate that is good, and of somebody whom nobody knows.
func (w *world) nobody(c *certificates) {
	w.t.Helper()
	conn, err := w.secure(&tls.Config{ServerName: edgeName, RootCAs: c.ca.pool(), Certificates: has("sip.other.example")(c)})
	w.must(err)
	defer conn.Close()
	_, err = io.WriteString(conn, w.pingTLS(1))
	w.must(err)
	// A request of the peer that comes after it is answered after it.
	if line, err := w.asks(&tls.Config{ServerName: edgeName, RootCAs: c.ca.pool(), Certificates: has(itspName)(c)}); err != nil {
		w.t.Errorf("answered by %q, %v", line, err)
	}
	w.must(conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)))
	if b, err := io.ReadAll(conn); len(b) > 0 || err != nil && !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, io.EOF) {
		w.t.Errorf("whom nobody knows is answered by %q, %v", b, err)
	}
}

// openssl is the same client as the right one, by a stack that is not ours.
func (w *world) openssl(c *certificates) {
	w.t.Helper()
	netns.Require(w.t, "openssl")
	dir := w.t.TempDir()
	keepOne(w.t, dir, "own", c.ca.issue(itspName))
	p := w.start(w.itsp.space, netns.Command{Path: "openssl", Dir: dir, Args: []string{
		"s_client", "-quiet", "-connect", w.itsp.target().String(), "-servername", edgeName, "-cert", "own.pem",
		"-CAfile", c.dir + "/ca.pem", "-verify_return_error", "-verify_hostname", edgeName}})
	w.must(p.Input(w.pingTLS(2)))
	w.await("openssl to be answered", func() bool {
		select {
		case <-p.Done():
			w.t.Fatal("openssl ended")
		default:
		}
		return strings.Contains(p.Output(), "SIP/2.0 200 OK\r\n")
	})
	p.Kill()
}

// watched is setup with metrics.
func (c *certificates) watched(listener, accept string) setup {
	s := c.setup(listener, accept)
	s.text = strings.Replace(s.text, "telemetry {", "telemetry {\n  listen = \""+metricsAt+`"`, 1)
	return s
}

const metricsAt = "127.0.0.1:9090" // in the border's namespace

// metric returns the value of a metric, "" while it has none.
func (w *world) metric(name string) string {
	w.t.Helper()
	conn, err := w.middle.Dial("tcp", metricsAt)
	w.must(err)
	defer conn.Close()
	w.must(conn.SetDeadline(time.Now().Add(testTime / 2)))
	_, err = io.WriteString(conn, "GET /metrics HTTP/1.0\r\n\r\n")
	w.must(err)
	text, err := io.ReadAll(conn)
	w.must(err)
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// secure opens a connection of TLS from the ITSP to the border.
func (w *world) secure(cfg *tls.Config) (*tls.Conn, error) { return w.secureFrom(w.itsp.addr, cfg) }

// secureFrom is secure from another address of the ITSP's side.
func (w *world) secureFrom(addr netip.Addr, cfg *tls.Config) (*tls.Conn, error) {
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, 0)), Timeout: testTime / 2}
	var conn net.Conn
	if err := w.itsp.space.Do(func() (err error) {
		conn, err = d.Dial("tcp", w.itsp.target().String())
		return err
	}); err != nil {
		return nil, err
	}
	c := tls.Client(conn, cfg)
	_ = c.SetDeadline(time.Now().Add(testTime / 2))
	if err := c.Handshake(); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// asks connects, sends an OPTIONS, and returns the first line of the answer.
func (w *world) asks(cfg *tls.Config) (string, error) {
	c, err := w.secure(cfg)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := io.WriteString(c, w.pingTLS(1)); err != nil {
		return "", err
	}
	return textproto.NewReader(bufio.NewReader(c)).ReadLine()
}

func (w *world) pingTLS(n int) string {
	return strings.Replace(w.ping(n), "SIP/2.0/TCP", "SIP/2.0/TLS", 1)
}
