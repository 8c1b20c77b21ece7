package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/signaling"
)

func TestTraceUsage(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "sbc.sock")
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"--address", "sip.example"}, exitUsage, `"sip.example" is no address and no network`},
		{[]string{"--pcap", "-", "--json"}, exitUsage, "standard output"},
		{[]string{"--count", "-1"}, exitUsage, "--count"},
		{[]string{"k7f3qd"}, exitUsage, "see: sbc trace --help"},
		{nil, exitNotRunning, "not running"},
		{[]string{"--pcap", nowhere + ".pcap"}, exitNotRunning, "not running"},
	} {
		status, stdout, stderr := sbcOf(append([]string{"trace", "--socket", nowhere}, c.args...)...)
		if status != c.status || !strings.Contains(stderr, c.says) || stdout != "" || strings.Count(stderr, "\n") != 1 {
			t.Errorf("sbc trace %s: status %d, want %d: %s%s", strings.Join(c.args, " "), status, c.status, stdout, stderr)
		}
	}
	if _, err := os.Stat(nowhere + ".pcap"); err == nil {
		t.Error("a capture was begun of a border that does not run")
	}
}

// A tracing is one `sbc trace` that runs beside a test.
type tracing struct {
	status         int
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

// listening tells when the first line was written.
type listening struct {
	bytes.Buffer
	once chan struct{}
}

func (l *listening) Write(p []byte) (int, error) {
	if l.Len() == 0 {
		defer close(l.once)
	}
	return l.Buffer.Write(p)
}

// trace starts a trace and returns when it listens.
func trace(t *testing.T, p *program, args ...string) *tracing {
	t.Helper()
	tr, err := &tracing{ended: make(chan struct{})}, &listening{once: make(chan struct{})}
	go func() {
		defer close(tr.ended)
		tr.status = run(append([]string{"trace", "--socket", p.socket}, args...), &tr.stdout, err)
		tr.stderr = err.Buffer
	}()
	select {
	case <-err.once:
	case <-time.After(20 * time.Second):
		t.Fatalf("sbc trace %s does not listen", strings.Join(args, " "))
	}
	return tr
}

func (tr *tracing) wait(t *testing.T) {
	t.Helper()
	select {
	case <-tr.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the trace does not end")
	}
	if tr.status != exitDone {
		t.Errorf("status %d: %s", tr.status, tr.stderr.String())
	}
}

// endpoint opens the socket of a user agent.
func endpoint(t *testing.T, at string) *net.UDPConn {
	t.Helper()
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(at)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

const traceInvite = "INVITE sip:030123456@127.178.1.2 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 127.178.1.10:5060;branch=z9hG4bKtrace\r\nMax-Forwards: 70\r\n" +
	"From: <sip:100@127.178.1.2>;tag=1\r\nTo: <sip:030123456@127.178.1.2>\r\nCall-ID: trace\r\nCSeq: 1 INVITE\r\n" +
	"Contact: <sip:100@127.178.1.10>\r\nAuthorization: Digest response=\"secret\"\r\nContent-Length: 0\r\n\r\n"

// busy makes a call that the ITSP refuses.
func busy(t *testing.T, pbx, itsp *net.UDPConn) {
	t.Helper()
	to := netip.MustParseAddrPort("127.178.1.2:5060")
	if _, err := pbx.WriteToUDPAddrPort([]byte(traceInvite), to); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4096)
	n, from, err := itsp.ReadFromUDPAddrPort(b)
	if err != nil {
		t.Fatal(err)
	}
	answer := "SIP/2.0 486 Busy Here\r\n"
	for line := range strings.Lines(string(b[:n])) {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "to":
			answer += strings.TrimRight(line, "\r\n") + ";tag=2\r\n"
		case "via", "from", "call-id", "cseq":
			answer += line
		}
	}
	if _, err := itsp.WriteToUDPAddrPort([]byte(answer+"Content-Length: 0\r\n\r\n"), from); err != nil {
		t.Fatal(err)
	}
}

// A call is shown as text, as JSON and as a capture, each until it has as many
// messages as were asked for; the end of the border ends what goes on.
func TestTraceShowsACall(t *testing.T) {
	p := start(t, onLoopback(t, "19093"))
	p.serves(t)
	pbx, itsp := endpoint(t, "127.178.1.10:5060"), endpoint(t, "127.61.100.10:5060")
	file := filepath.Join(t.TempDir(), "calls.pcapng")
	text := trace(t, p, "--number", "0301*", "--peer", "itsp", "--count", "4", "--changes")
	objects := trace(t, p, "--address", "127.61.100.10", "--json", "--count", "4")
	both := trace(t, p, "--pcap", file)
	busy(t, pbx, itsp)
	text.wait(t)
	objects.wait(t)
	for _, want := range []string{"pbx (100) calls itsp (030123456)", "─ INVITE ─", "─ 486 Busy Here ─", "to peer itsp by route", "Contact: "} {
		if !strings.Contains(text.stdout.String(), want) {
			t.Errorf("the text does not say %q:\n%s", want, text.stdout.String())
		}
	}
	checkObjects(t, objects.stdout.String())
	// What it wrote is there while it runs.
	checkCapture(t, file, 4)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	both.wait(t)
	if got := both.stderr.String(); got != "listening; ctrl-C ends it\nthe border has ended\n4 messages, 0 steps lost\n" {
		t.Errorf("at the end: %q", got)
	}
	if st, err := os.Stat(file); err != nil || st.Mode().Perm() != pcapMode {
		t.Errorf("the capture is for everybody: %v %v", st.Mode(), err)
	}
	p.wait(t)
}

func checkObjects(t *testing.T, text string) {
	t.Helper()
	var labels []string
	for line := range strings.Lines(text) {
		var ev signaling.TraceEvent
		if err := json.Unmarshal([]byte(line), &ev); err != nil {
			t.Errorf("%v in %q", err, line)
		}
		if strings.Contains(line, "secret") {
			t.Errorf("a secret: %q", line)
		}
		if isMessage(&ev) {
			labels = append(labels, ev.Kind+" "+ev.Label+" "+ev.Remote.String())
		}
	}
	const want = "in INVITE 127.178.1.10:5060, out INVITE 127.61.100.10:5060, in 486 Busy Here 127.61.100.10:5060, out 486 Busy Here 127.178.1.10:5060"
	if got := strings.Join(labels, ", "); got != want {
		t.Errorf("messages %s\nwant %s", got, want)
	}
}

func checkCapture(t *testing.T, file string, packets int) {
	t.Helper()
	n, deadline := 0, time.After(20*time.Second)
	for {
		if n = packetsOf(t, file); n >= packets {
			break
		}
		select {
		case <-deadline:
			t.Fatalf("%d packets, want %d", n, packets)
		case <-time.After(5 * time.Millisecond):
		}
	}
	b, err := os.ReadFile(file)
	if err != nil || bytes.Contains(b, []byte("secret\"")) || !bytes.Contains(b, []byte("Authorization: Digest***")) {
		t.Errorf("the secret is not masked, or the field is not there: %v", err)
	}
	if n != packets {
		t.Errorf("%d packets, want %d", n, packets)
	}
}

func packetsOf(t *testing.T, file string) (n int) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(blocks(b), "packet")
}

// blocks names the blocks of a pcapng file that are whole.
func blocks(b []byte) (names string) {
	for len(b) >= 12 {
		n := binary.LittleEndian.Uint32(b[4:])
		if n < 12 || int(n) > len(b) {
			break
		}
		switch binary.LittleEndian.Uint32(b) {
		case 0x0a0d0d0a:
			names += "section "
		case 1:
			names += "interface "
		case 6:
			names += "packet "
		default:
			names += "unknown "
		}
		b = b[n:]
	}
	return names + strings.Repeat("cut", min(len(b), 1))
}

// A capture to standard output has nothing else in it.
func TestTracePcapToStdout(t *testing.T) {
	p := start(t, onLoopback(t, "19094"))
	p.serves(t)
	pbx, itsp := endpoint(t, "127.178.1.10:5060"), endpoint(t, "127.61.100.10:5060")
	tr := trace(t, p, "--pcap", "-", "--method", "invite", "--count", "2")
	busy(t, pbx, itsp)
	tr.wait(t)
	if got := blocks(tr.stdout.Bytes()); got != "section interface interface packet packet " {
		t.Errorf("the capture is %s", got)
	}
	for _, want := range []string{"realm outside", "realm inside", "INVITE from peer pbx", "INVITE to peer itsp"} {
		if !strings.Contains(tr.stdout.String(), want) {
			t.Errorf("the capture does not say %q", want)
		}
	}
	status, _, stderr := sbcOf("trace", "--socket", p.socket, "--peer", "nobody")
	if status != exitFailed || !strings.Contains(stderr, `no peer "nobody"`) {
		t.Errorf("status %d: %s", status, stderr)
	}
}
