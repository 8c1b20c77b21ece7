package e2e

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"sbc/lab/netns"
)

// A pbx is a Kamailio that is a registrar, and who sits at its desk.
type pbx struct {
	n       *town
	process *netns.Process
	control string
	desk    netip.Addr
	calls   int // of ask
}

// startPBX starts the registrar at the LAN's address.
func (n *town) startPBX() *pbx {
	n.t.Helper()
	dir, err := os.MkdirTemp("", "pbx-") // a Unix socket's path is short
	n.must(err)
	n.t.Cleanup(func() { os.RemoveAll(dir) })
	p := &pbx{n: n, control: filepath.Join(dir, "ctl"), desk: lanSecond}
	tmpl, err := template.ParseFiles(filepath.Join("testdata", "registrar.cfg"))
	n.must(err)
	var b strings.Builder
	n.must(tmpl.Execute(&b, struct{ Listen, Control, Border, Desk string }{
		"udp:" + n.lan.at(sipPort).String(), p.control, insideAddr.String(), netip.AddrPortFrom(p.desk, sipPort).String()}))
	file := filepath.Join(dir, "kamailio.cfg")
	n.must(os.WriteFile(file, []byte(b.String()), 0o600))
	p.process = n.start(n.lan.space, netns.Command{Path: "kamailio", Dir: dir, Args: []string{
		"-f", file, "-DD", "-E", "-m", "64", "-M", "8", "-Y", dir, "-w", dir,
	}})
	n.await("Kamailio to listen", func() bool {
		select {
		case <-p.process.Done():
			n.t.Fatal("Kamailio ended")
		default:
		}
		_, err := p.locations()
		return n.lan.space.Bound(n.lan.at(sipPort)) && err == nil
	})
	return p
}

// atDesk starts the phone on the PBX's own LAN.
func (n *town) atDesk(seed uint64) *homePhone {
	n.t.Helper()
	space := n.host(n.inside, "desk", n.pbx.desk)
	account := fmt.Sprintf("<sip:desk@%s>;outbound=\"sip:%s\";regint=0;answermode=auto;audio_codecs=PCMA/8000/1\n", domain, lanAddr)
	return n.controlled(space, "desk", netip.AddrPortFrom(n.pbx.desk, sipPort), seed, account)
}

var contactOf = regexp.MustCompile(`Address: (\S+)`)

// locations returns the contacts that the PBX has stored.
func (p *pbx) locations() ([]string, error) {
	out, err := exec.Command("kamcmd", "-s", "unix:"+p.control, "ul.dump").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("ul.dump: %w: %s", err, out)
	}
	var all []string
	for _, m := range contactOf.FindAllSubmatch(out, -1) {
		all = append(all, string(m[1]))
	}
	return all, nil
}

// knows waits until the PBX has stored so many contacts, and returns them.
func (p *pbx) knows(n int) (all []string) {
	p.n.t.Helper()
	p.n.await(fmt.Sprintf("%d contacts at the PBX", n), func() bool {
		var err error
		all, err = p.locations()
		return err == nil && len(all) == n
	})
	return all
}

// counts waits until the PBX has stored so many contacts, which may be too many
// to list.
func (p *pbx) counts(n int) {
	p.n.t.Helper()
	want := fmt.Sprintf("usrloc:location_contacts = %d\n", n)
	var out []byte
	p.n.t.Cleanup(func() {
		if p.n.t.Failed() {
			p.n.t.Logf("contacts at the PBX: %s", out)
		}
	})
	p.n.await(fmt.Sprintf("%d contacts at the PBX", n), func() bool {
		out, _ = exec.Command("kamcmd", "-s", "unix:"+p.control, "stats.get_statistics", "location_contacts").CombinedOutput()
		return string(out) == want
	})
}

// requests counts the requests of a method in datagrams to an address, each
// transaction once.
func requests(ds []netns.Datagram, method string, to netip.Addr) int {
	seen := map[string]bool{}
	for _, d := range ds {
		if d.Dst.Addr() == to && bytes.HasPrefix(d.Payload, []byte(method+" ")) {
			seen[string(branch.Find(d.Payload))] = true
		}
	}
	return len(seen)
}

var branch = regexp.MustCompile(`branch=[^;\r\n]+`)

// ask sends a request out of a dialog to an address, from a socket of its own,
// and returns the status of the final answer; 0 if there is none in time.
func (n *town) ask(from *netns.Space, local netip.Addr, to netip.AddrPort, method, uri string, fields ...string) int {
	n.t.Helper()
	conn, err := from.ListenUDP(netip.AddrPortFrom(local, 0))
	n.must(err)
	defer conn.Close()
	n.pbx.calls++
	text := n.text(conn.LocalAddr().String(), method, uri, fields...)
	got := make([]byte, 4096)
	for range 5 {
		_, err := conn.WriteToUDPAddrPort([]byte(text), to)
		n.must(err)
		for {
			n.must(conn.SetReadDeadline(time.Now().Add(400 * time.Millisecond)))
			size, _, err := conn.ReadFromUDPAddrPort(got)
			if err != nil {
				break
			}
			if status := statusOf(got[:size]); status >= 200 {
				return status
			}
		}
	}
	return 0
}

// text writes a request out of a dialog.
func (n *town) text(local, method, uri string, fields ...string) string {
	head := []string{
		method + " " + uri + " SIP/2.0",
		fmt.Sprintf("Via: SIP/2.0/UDP %s;rport;branch=z9hG4bKask%d", local, n.pbx.calls),
		"Max-Forwards: 70",
		fmt.Sprintf("From: <sip:asks@%s>;tag=ask%d", domain, n.pbx.calls),
		"To: <" + uri + ">",
		fmt.Sprintf("Call-ID: ask%d", n.pbx.calls),
		"CSeq: 1 " + method,
		"Contact: <sip:asks@" + local + ">",
	}
	for _, f := range fields { // in the place of those above
		name, _, _ := strings.Cut(f, ":")
		for i, h := range head {
			if strings.HasPrefix(h, name+":") {
				head[i], f = f, ""
			}
		}
		if f != "" {
			head = append(head, f)
		}
	}
	return strings.Join(append(head, "Content-Length: 0", "", ""), "\r\n")
}

// statusOf is that of a response, 0 of anything else.
func statusOf(b []byte) int {
	if !bytes.HasPrefix(b, []byte("SIP/2.0 ")) || len(b) < 12 {
		return 0
	}
	status, _ := strconv.Atoi(string(b[8:11]))
	return status
}

// asksPBX asks the PBX for one of its users, as somebody on the LAN.
func (n *town) asksPBX(method, user string) int {
	n.t.Helper()
	return n.ask(n.lan.space, lanAddr, n.lan.at(sipPort), method, "sip:"+user+"@"+domain)
}
