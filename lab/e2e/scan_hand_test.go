package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"regexp"
	"strings"
	"time"
)

// hand writes a request as a scanner of one's own would, whose tool says nothing of
// itself. user is who asks, and in a REGISTER who registers.
func (s *stranger) hand(local netip.AddrPort, transport, method, user, host string, fields ...string) string {
	s.n.pbx.calls++
	uri := "sip:" + user + "@" + host
	if method == "REGISTER" {
		uri = "sip:" + host
	}
	head := []string{
		method + " " + uri + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/%s %s;rport;branch=z9hG4bKhand%d", transport, local, s.n.pbx.calls),
		"Max-Forwards: 70",
		fmt.Sprintf("From: <sip:%s@%s>;tag=hand%d", user, host, s.n.pbx.calls),
		fmt.Sprintf("To: <sip:%s@%s>", user, host),
		fmt.Sprintf("Call-ID: hand%d", s.n.pbx.calls),
		fmt.Sprintf("CSeq: %d %s", s.n.pbx.calls, method),
		fmt.Sprintf("Contact: <sip:%s@%s>", user, local),
	}
	return strings.Join(append(append(head, fields...), "Content-Length: 0", "", ""), "\r\n")
}

// udp opens a socket of the stranger.
func (s *stranger) udp() *net.UDPConn {
	s.n.t.Helper()
	conn, err := s.space.ListenUDP(netip.AddrPortFrom(s.addr, 0))
	s.n.must(err)
	s.n.t.Cleanup(func() { conn.Close() })
	return conn
}

// ask sends a request by UDP until it is answered, and returns the answer; "" if
// there is none in time.
func (s *stranger) ask(conn *net.UDPConn, text string, times int) string {
	s.n.t.Helper()
	got := make([]byte, 4096)
	id := callID.FindStringSubmatch(text)[1]
	for range times {
		_, err := conn.WriteToUDPAddrPort([]byte(text), sbcAt)
		s.n.must(err)
		s.n.must(conn.SetReadDeadline(time.Now().Add(200 * time.Millisecond)))
		for {
			size, _, err := conn.ReadFromUDPAddrPort(got)
			if err != nil {
				break
			}
			if m := callID.FindSubmatch(got[:size]); m != nil && string(m[1]) == id {
				return string(got[:size])
			}
		}
	}
	return ""
}

var nonceOf = regexp.MustCompile(`nonce="([^"]+)"`)

// guess returns credentials for the challenge in an answer, that are wrong.
func guess(answer, user, uri string, n int) string {
	name := "Authorization"
	if strings.HasPrefix(answer, "SIP/2.0 407") {
		name = "Proxy-Authorization"
	}
	return fmt.Sprintf("%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%032x\", algorithm=MD5, cnonce=\"c\", nc=%08x, qop=auth",
		name, user, domain, nonceOf.FindStringSubmatch(answer)[1], uri, n, 1)
}

// connect opens a connection to the border. Who is banned hears nothing.
func (s *stranger) connect() (*net.TCPConn, error) {
	s.n.t.Helper()
	var conn net.Conn
	err := s.space.Do(func() (err error) {
		d := net.Dialer{Timeout: 500 * time.Millisecond, LocalAddr: &net.TCPAddr{IP: s.addr.AsSlice()}}
		conn, err = d.Dial("tcp", sbcAt.String())
		return err
	})
	if err != nil {
		return nil, err
	}
	s.n.t.Cleanup(func() { conn.Close() })
	return conn.(*net.TCPConn), nil
}

// heard returns what comes by a connection until it ends, or for a moment.
func heard(conn *net.TCPConn, moment time.Duration) (text string, ended bool) {
	_ = conn.SetReadDeadline(time.Now().Add(moment))
	got, err := io.ReadAll(conn)
	ne, ok := err.(net.Error)
	return string(got), !ok || !ne.Timeout()
}

// alike is an answer without what has to differ between two askers.
func alike(answer, user string) string {
	for _, e := range []string{`nonce="[^"]+"`, `tag=[^;\r\n]+`, `branch=[^;\r\n]+`, `rport=\d+`, `Via: [^\r\n]+`, `Call-ID: \S+`, `CSeq: \d+`} {
		answer = regexp.MustCompile(e).ReplaceAllString(answer, "")
	}
	return strings.ReplaceAll(answer, user, "USER")
}

// statuses counts the responses among datagrams from the border.
func statuses(payloads [][]byte) map[string]int {
	all := map[string]int{}
	for _, b := range payloads {
		if bytes.HasPrefix(b, []byte("SIP/2.0 ")) && len(b) > 11 {
			all[string(b[8:11])]++
		}
	}
	return all
}
