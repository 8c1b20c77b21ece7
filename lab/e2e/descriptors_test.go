package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/textproto"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// crowdedConfig has listeners of UDP, for calls, and of TCP and TLS, for whoever
// comes.
func crowdedConfig(c *certificates) setup {
	s := standard
	s.text = strings.Replace(sbcConfig, `listen "{listenout}" {}`, strings.ReplaceAll(`listen "udp" {}
  listen "tcp" {}
  listen "tls" {
    certificate = "{dir}/edge.pem"
    key         = "{dir}/edge.key"
  }`, "{dir}", c.dir), 1)
	return s
}

// Promise R13: strangers who connect and say nothing take no more than their
// share of the descriptors; calls begin and are heard as ever.
func TestDescriptorsShared(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	netns.Require(t, "prlimit")
	sbc := crowdedConfig(newCertificates(t))
	const files = 256
	sbc.wrap = []string{"prlimit", fmt.Sprintf("--nofile=%d:%[1]d", files)}
	w := newWorldOf(t, sbc)
	before := w.openFiles()
	p := w.phones("out", nil)
	p.talk(ua.Invite{})
	crowd := w.idle(files + 50)
	w.await("the border to have its share", func() bool { return w.connections() >= files/4-2*idlersLess })
	if n := w.openFiles(); n > before+files/4+20 {
		t.Errorf("%d descriptors are open, %d were before", n, before)
	}
	for range 3 { // calls begin all the same
		id := p.caller.Invite(ua.Invite{To: "4930123"})
		p.call(p.caller, id, ua.Heard)
		p.caller.Hangup(id)
		p.call(p.caller, id, ua.Ended)
	}
	p.caller.Hangup(1)
	p.over()
	p.clean(0)
	w.leave(crowd)
	w.sealed()
}

// Promise R13: the kernel gives no descriptor any more, since strangers have all of
// them: a call that is up goes on and can be ended, the border waits instead of
// asking again and again, and takes connections when there is room.
func TestDescriptorsExhausted(t *testing.T) {
	t.Parallel()
	throughSBC(t)
	netns.Require(t, "prlimit")
	w := newWorldOf(t, crowdedConfig(newCertificates(t)))
	p := w.phones("in", nil)
	p.talk(ua.Invite{})
	const room = 40
	files := w.openFiles() + room
	out, err := exec.Command("prlimit", "--pid", strconv.Itoa(w.border.process.PID()), fmt.Sprintf("--nofile=%d:%[1]d", files)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	crowd := w.idle(4 * room)
	w.await("all descriptors to be taken", func() bool { return w.openFiles() >= files })
	ticks, began := w.ticks(), time.Now()
	for range 4 { // of half a second each
		p.heardMore(p.caller)
		p.heardMore(p.far)
	}
	if busy, of := time.Duration(w.ticks()-ticks)*tick, time.Since(began); busy > of/4 {
		t.Errorf("without descriptors the border computed for %v of %v", busy, of)
	} else {
		t.Logf("without descriptors the border computed for %v of %v", busy, of)
	}
	if n := w.openFiles(); n < files-idlersLess {
		t.Errorf("%d descriptors are open, not %d: that was no test", n, files)
	}
	p.caller.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Refresh(now, 1, false, do) })
	p.until(p.caller, 0, ua.Reinvited)
	p.caller.Hangup(1)
	p.over()
	p.clean(0)
	w.leave(crowd)
	w.await("a connection to be served", w.served)
	w.sealed()
}

// idlersLess is how many fewer there may be at a moment: some are ended, and others
// have not come yet.
const idlersLess = 16

// tick is the kernel's unit of a process's time, USER_HZ of proc(5).
const tick = 10 * time.Millisecond

// idlerAddr is where the idlers come from.
var idlerAddr = netip.MustParseAddr("198.51.100.66")

// idle opens connections of strangers who say nothing, one in four of them to the
// listener of TLS. Those that the border ends at once count too.
func (w *world) idle(n int) (crowd []net.Conn) {
	w.t.Helper()
	w.must(w.itsp.space.AddAddr("eth0", netip.PrefixFrom(idlerAddr, 24)))
	d := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(idlerAddr, 0)), Timeout: time.Second}
	for i := range n {
		port := uint16(sipPort)
		if i%4 == 3 {
			port = tlsPort
		}
		var c net.Conn
		err := w.itsp.space.Do(func() (err error) {
			c, err = d.Dial("tcp", netip.AddrPortFrom(outsideAddr, port).String())
			return err
		})
		if errors.Is(err, syscall.ECONNRESET) {
			continue
		}
		w.must(err)
		w.t.Cleanup(func() { c.Close() })
		crowd = append(crowd, c)
	}
	return crowd
}

// leave ends connections, and waits until the border has forgotten them.
func (w *world) leave(crowd []net.Conn) {
	w.t.Helper()
	for _, c := range crowd {
		c.Close()
	}
	w.await("the connections to be gone", func() bool { return w.connections() == 0 })
}

// served reports whether the ITSP gets an answer over a new connection of TCP.
func (w *world) served() bool {
	conn, err := w.itsp.space.Dial("tcp", netip.AddrPortFrom(outsideAddr, sipPort).String())
	if err != nil {
		return false
	}
	defer conn.Close()
	if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	if _, err := io.WriteString(conn, w.ping(1)); err != nil {
		return false
	}
	line, err := textproto.NewReader(bufio.NewReader(conn)).ReadLine()
	return err == nil && strings.HasPrefix(line, "SIP/2.0 200")
}

// openFiles counts the border's descriptors.
func (w *world) openFiles() int {
	w.t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.border.process.PID()))
	w.must(err)
	return len(list)
}

// ticks is for how long the border has computed: utime and stime of proc(5).
func (w *world) ticks() int {
	w.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.border.process.PID()))
	w.must(err)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	user, err := strconv.Atoi(fields[11])
	w.must(err)
	system, err := strconv.Atoi(fields[12])
	w.must(err)
	return user + system
}
