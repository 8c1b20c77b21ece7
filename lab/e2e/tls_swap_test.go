package e2e

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/netip"
	"net/textproto"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sbc/lab/ua/live"
)

// otherName is the second name of a border with two certificates.
const otherName = "other.border.example"

// Both certificates of a border are replaced twenty times under twenty calls a
// second, each over a new connection that asks for one of the two names: no call
// fails, and the last ones are shown, and their ends told. Then one is broken:
// what was there stays there, and the log says so.
func TestTLSCertificatesReplaced(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	const swaps = 20
	c := newCertificates(t)
	keep(t, c.dir, "other", c.ca.issue(otherName))
	w := newWorldOf(t, c.watched(known+strings.ReplaceAll(`
    also {
      certificate = "{dir}/other.pem"
      key         = "{dir}/other.key"
    }`, "{dir}", c.dir), knownAccept))
	w.quietPBX()
	own := c.ca.issue(itspName)
	load := w.newLoad(c, own)
	var last map[string]tls.Certificate
	swap := time.NewTicker(250 * time.Millisecond)
	defer swap.Stop()
	for i := range swaps {
		<-swap.C
		last = map[string]tls.Certificate{"edge": c.ca.issue(edgeName, lives(40+i)), "other": c.ca.issue(otherName, lives(80+i))}
		for file, cert := range last {
			keep(t, c.dir, file, cert)
		}
	}
	w.await("the last certificates to be shown", func() bool { return w.shows(c, own, last) == "" })
	at := load.begun.Load()
	swapIn(t, c.dir, "edge.pem", "-----BEGIN CERTIFICATE-----\nbroken\n")
	w.await("the broken file in the log", func() bool {
		return strings.Contains(w.border.process.Output(), "the certificate that was in use stays in use")
	})
	w.await("more calls after that", func() bool { return load.begun.Load() > at+20 })
	if why := w.shows(c, own, last); why != "" {
		t.Errorf("with a broken file: %s", why)
	}
	load.end()
	s, err := w.border.status()
	w.must(err)
	if n := load.begun.Load(); s.Attempts != n || s.Answered != n || len(s.Rejects) != 0 || n < 20*swaps/4 {
		t.Errorf("%d calls were begun: %d attempts, %d answered, refused: %v", n, s.Attempts, s.Answered, s.Rejects)
	}
	t.Logf("%d calls", load.begun.Load())
}

func swapIn(t testing.TB, dir, file, text string) {
	t.Helper()
	swap(t, filepath.Join(dir, file), []byte(text))
}

// quietPBX answers all calls, and says nothing.
func (w *world) quietPBX() {
	w.t.Helper()
	o := w.phoneOptions(w.lan)
	o.React, o.Agent.Quiet = answer, true
	phone, err := live.Start(o)
	w.must(err)
	w.t.Cleanup(phone.Close)
	w.t.Cleanup(w.border.settle)
}

// shows says which certificate is not shown, or not told of, as it should be.
func (w *world) shows(c *certificates, own tls.Certificate, want map[string]tls.Certificate) string {
	for _, at := range []struct{ file, ask, shown string }{
		{"edge", edgeName, "edge"}, {"other", otherName, "other"},
		{"edge", "unknown.example", "edge"}, {"edge", "", "edge"}, // who asks for none gets the first
	} {
		conn, err := w.secure(&tls.Config{ServerName: at.ask, InsecureSkipVerify: true, Certificates: []tls.Certificate{own}})
		if err != nil {
			return err.Error()
		}
		leaf := conn.ConnectionState().PeerCertificates[0]
		conn.Close()
		if !leaf.Equal(want[at.shown].Leaf) {
			return fmt.Sprintf("who asks for %q gets the certificate that ends at %v instead of %v", at.ask, leaf.NotAfter, want[at.shown].Leaf.NotAfter)
		}
		ends := w.metric(fmt.Sprintf("sbc_certificate_expires_timestamp_seconds{file=%q}", c.dir+"/"+at.file+".pem"))
		var seconds float64
		if _, err := fmt.Sscan(ends, &seconds); err != nil || int64(seconds) != want[at.shown].Leaf.NotAfter.Unix() {
			return fmt.Sprintf("the metric says that %s ends at %q instead of %d", at.file, ends, want[at.shown].Leaf.NotAfter.Unix())
		}
	}
	return ""
}

// A load makes twenty calls a second over connections of their own, from eight
// gateways in turn: of one address the border has so many handshakes at once, and
// on a machine that is busy those of seconds would be more.
type load struct {
	w     *world
	gates []netip.Addr
	begun atomic.Uint64
	stop  chan struct{}
	calls sync.WaitGroup
}

func (w *world) newLoad(c *certificates, own tls.Certificate) *load {
	l := &load{w: w, stop: make(chan struct{})}
	for gate := itspSecond.Next(); len(l.gates) < 8; gate = gate.Next() {
		w.must(w.itsp.space.AddAddr("eth0", netip.PrefixFrom(gate, 24)))
		l.gates = append(l.gates, gate)
	}
	l.calls.Go(func() {
		next := time.NewTicker(time.Second / 20)
		defer next.Stop()
		for {
			select {
			case <-l.stop:
				return
			case <-next.C:
			}
			n := l.begun.Add(1)
			name := []string{edgeName, otherName}[n%2]
			l.calls.Go(func() {
				if err := l.call(&tls.Config{ServerName: name, RootCAs: c.ca.pool(), Certificates: []tls.Certificate{own}}, n); err != nil {
					w.t.Errorf("call %d to %s: %v", n, name, err)
				}
			})
		}
	})
	w.t.Cleanup(l.end)
	return l
}

// end waits for the last call.
func (l *load) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.calls.Wait()
}

// call makes call n over a connection of its own, and hangs up.
func (l *load) call(cfg *tls.Config, n uint64) error {
	w := l.w
	c, err := w.secureFrom(l.gates[n%uint64(len(l.gates))], cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	in := textproto.NewReader(bufio.NewReader(c))
	sdp := fmt.Sprintf("v=0\r\no=- %d 1 IN IP4 %[2]s\r\ns=-\r\nc=IN IP4 %[2]s\r\nt=0 0\r\nm=audio 42000 RTP/AVP 8\r\n", n, w.itsp.addr)
	uri, to := "sip:4930123@"+w.itsp.target().String(), ""
	for _, step := range []struct{ method, body string }{{"INVITE", sdp}, {"ACK", ""}, {"BYE", ""}} {
		seq := map[string]int{"INVITE": 1, "ACK": 1, "BYE": 2}[step.method]
		kind := ""
		if step.body != "" {
			kind = "Content-Type: application/sdp\r\n"
		}
		if _, err := fmt.Fprintf(c, "%s %s SIP/2.0\r\nVia: SIP/2.0/TLS %s:5061;branch=z9hG4bK%d%s;rport\r\nMax-Forwards: 70\r\n"+
			"From: <sip:load@%[3]s>;tag=load%[4]d\r\nTo: <sip:4930123@%[6]s>%[7]s\r\nCall-ID: load%[4]d\r\nCSeq: %[8]d %[1]s\r\n"+
			"Contact: <sip:load@%[3]s:5061;transport=tls>\r\n%[9]sContent-Length: %[10]d\r\n\r\n%[11]s",
			step.method, uri, w.itsp.addr, n, step.method, w.itsp.border, to, seq, kind, len(step.body), step.body); err != nil {
			return err
		}
		if step.method == "ACK" {
			continue
		}
		head, err := final(in)
		if err != nil {
			return fmt.Errorf("%s: %w", step.method, err)
		}
		if step.method == "INVITE" {
			_, to, _ = strings.Cut(head.Get("To"), ">")
			_, uri, _ = strings.Cut(strings.TrimSuffix(head.Get("Contact"), ">"), "<")
		}
	}
	return nil
}

// final reads answers up to one of 200.
func final(in *textproto.Reader) (textproto.MIMEHeader, error) {
	for {
		line, err := in.ReadLine()
		if err != nil {
			return nil, err
		}
		head, err := in.ReadMIMEHeader()
		if err != nil {
			return nil, err
		}
		length := 0
		fmt.Sscan(head.Get("Content-Length"), &length)
		if _, err := io.CopyN(io.Discard, in.R, int64(length)); err != nil {
			return nil, err
		}
		switch {
		case strings.HasPrefix(line, "SIP/2.0 1"):
		case strings.HasPrefix(line, "SIP/2.0 200"):
			return head, nil
		default:
			return nil, fmt.Errorf("answered by %q", line)
		}
	}
}
