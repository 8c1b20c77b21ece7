package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"sbc/lab/netns"
)

// controlPort is where a baresip of a town takes commands.
const controlPort = 4444

// A homePhone is a baresip that is told what to do, and tells what happens.
type homePhone struct {
	*baresip
	n       *town
	user    string
	addr    netip.Addr
	space   *netns.Space
	control net.Conn

	mu     sync.Mutex
	events []phoneEvent // Guarded by mu.
}

// phoneEvent is what a baresip tells.
type phoneEvent struct {
	Type  string `json:"type"`
	Param string `json:"param"`
}

// phone starts a baresip at home that registers through the SBC, with a voice of
// its own, and waits until it is registered. transport is "udp" or "tcp".
func (h *home) phone(user string, seed uint64, transport string) *homePhone {
	h.n.t.Helper()
	space, addr := h.host(user)
	account := fmt.Sprintf("<sip:%s@%s>;auth_user=%[1]s;auth_pass=pw-%[1]s;outbound=\"sip:%[3]s;transport=%[4]s\";regint=600;answermode=auto;audio_codecs=PCMA/8000/1\n",
		user, domain, outsideAddr, transport)
	p := h.n.controlled(space, user, netip.AddrPortFrom(addr, sipPort), seed, account)
	h.n.await(user+" to be registered", func() bool { return h.n.binding(user).State == "reachable" })
	return p
}

// controlled starts a baresip with an account, and takes its controls.
func (n *town) controlled(space *netns.Space, user string, at netip.AddrPort, seed uint64, account string) *homePhone {
	n.t.Helper()
	dir := n.t.TempDir()
	p := &homePhone{n: n, user: user, addr: at.Addr(), space: space, baresip: &baresip{dir: dir, played: speech(n.voices, seed)}}
	file := filepath.Join(dir, "voice.wav")
	n.must(os.WriteFile(file, wav(p.played), 0o644))
	config := fmt.Sprintf(baresipConfig, at, file, dir) +
		fmt.Sprintf("ctrl_tcp_listen 0.0.0.0:%d\nmodule_app ctrl_tcp.so\n", controlPort)
	n.must(os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o644))
	n.must(os.WriteFile(filepath.Join(dir, "accounts"), []byte(account), 0o644))
	p.process = n.start(space, netns.Command{Path: "baresip", Args: []string{"-4", "-f", dir}, Dir: dir})
	control := netip.AddrPortFrom(netip.IPv4Unspecified(), controlPort)
	n.await("baresip to listen", func() bool { return space.Bound(at) && space.Listens(control) })
	var err error
	p.control, err = space.Dial("tcp", netip.AddrPortFrom(at.Addr(), controlPort).String())
	n.must(err)
	n.t.Cleanup(func() { p.control.Close() })
	go p.listen(bufio.NewReader(p.control))
	return p
}

// listen keeps what baresip tells, in netstrings, until the connection ends.
func (p *homePhone) listen(r *bufio.Reader) {
	for {
		size, err := r.ReadString(':')
		if err != nil {
			return
		}
		n, err := strconv.Atoi(strings.TrimSuffix(size, ":"))
		if err != nil {
			return
		}
		text := make([]byte, n+1) // and a comma
		if _, err := io.ReadFull(r, text); err != nil {
			return
		}
		var e phoneEvent
		if json.Unmarshal(text[:n], &e) == nil && e.Type != "" {
			p.mu.Lock()
			p.events = append(p.events, e)
			p.mu.Unlock()
		}
	}
}

// told counts the events of a type, and returns what the last of them said.
func (p *homePhone) told(kind string) (times int, param string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range p.events {
		if e.Type == kind {
			times++
			param = e.Param
		}
	}
	return times, param
}

// await waits for one more event of a type than was told before.
func (p *homePhone) await(kind string) string {
	p.n.t.Helper()
	p.n.await(p.user+" to tell "+kind, func() bool { n, _ := p.told(kind); return n > 0 })
	_, param := p.told(kind)
	return param
}

// forget forgets the events and recordings so far.
func (p *homePhone) forget() {
	p.mu.Lock()
	p.events = nil
	p.mu.Unlock()
	files, _ := filepath.Glob(filepath.Join(p.dir, "dump-*.wav"))
	for _, f := range files {
		_ = os.Remove(f)
	}
}

// do gives a command.
func (p *homePhone) do(command, params string) {
	p.n.t.Helper()
	text, err := json.Marshal(map[string]string{"command": command, "params": params})
	p.n.must(err)
	_, err = fmt.Fprintf(p.control, "%d:%s,", len(text), text)
	p.n.must(err)
}

// dial calls a user of the PBX.
func (p *homePhone) dial(user string) {
	p.n.t.Helper()
	p.do("dial", "sip:"+user+"@"+domain)
}

// leave ends the phone, which unregisters then.
func (p *homePhone) leave() {
	p.n.t.Helper()
	if err := p.n.end(p.process); err != nil {
		p.n.t.Error(err)
	}
}

// call lets one phone call another, compares what was said with what was heard,
// and hangs up.
func (n *town) call(caller, callee *homePhone) {
	n.t.Helper()
	n.begins(caller, callee)
	n.talks(caller, callee)
}

// talks compares what was said in a call with what was heard, and hangs up.
func (n *town) talks(caller, callee *homePhone) {
	n.t.Helper()
	n.await("eight seconds of sound between "+caller.user+" and "+callee.user, func() bool {
		if _, why := caller.told("CALL_CLOSED"); why != "" {
			n.t.Fatalf("the call from %s to %s ended: %s", caller.user, callee.user, why)
		}
		return 2*len(caller.recorded()) > recordedOctets && 2*len(callee.recorded()) > recordedOctets
	})
	n.hangs(caller, callee)
	n.heard(caller.user+" of "+callee.user, callee.played, caller.recorded())
	n.heard(callee.user+" of "+caller.user, caller.played, callee.recorded())
}

// begins calls, and waits until both sides have the call.
func (n *town) begins(caller, callee *homePhone) {
	n.t.Helper()
	for _, p := range []*homePhone{caller, callee} {
		p.forget()
	}
	caller.dial(callee.user)
	caller.await("CALL_ESTABLISHED")
	callee.await("CALL_ESTABLISHED")
}

// hangs hangs up, and waits until the other side knows.
func (n *town) hangs(caller, callee *homePhone) {
	n.t.Helper()
	caller.do("hangup", "")
	callee.await("CALL_CLOSED")
}
