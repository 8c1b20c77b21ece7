package e2e

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"testing"
	"time"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// Ports of the media of sipp's scenarios: the callee's are so much higher.
const (
	audioPort, secondPort = 16000, 16010
	calleePorts           = 1000
)

// A session is what both ends have agreed on, and what passes then.
type session struct {
	says  func(port int) string // the description; port is added to all of its ports
	sees  string                // what the other end sees of it
	lines []int                 // ports of the lines that are in use
}

// change is what testdata/sipp/switched.xml wants to know.
type change struct {
	By, Role string
	sessions [3]session
}

// As is the change from the view of a role.
func (c change) As(role string) change { c.Role = role; return c }

// Says is the session description of a role.
func (c change) Says(role string, stage int) string {
	if role == "uas" {
		return c.sessions[stage].says(calleePorts)
	}
	return c.sessions[stage].says(0)
}

// Sees is what the other end sees of it.
func (c change) Sees(stage int) string { return c.sessions[stage].sees }

var (
	talks = session{
		says: func(port int) string { return audio(audioPort + port) },
		sees: "m=audio [1-9][0-9]* RTP/AVP 0 8", lines: []int{audioPort},
	}
	faxes = session{
		says: func(port int) string { return fax(secondPort + port) },
		sees: "m=image [1-9][0-9]* udptl t38.*T38FaxVersion:0.*T38FaxUdpEC:t38UDPRedundancy", lines: []int{secondPort},
	}
	shows = session{
		says: func(port int) string { return video(audioPort+port, secondPort+port) },
		sees: "m=audio [1-9].*m=video [1-9][0-9]* RTP/AVP 96.*rtpmap:96 H264", lines: []int{audioPort, secondPort},
	}
	hides = session{
		says: func(port int) string { return video(audioPort+port, 0) },
		sees: "m=audio [1-9].*m=video 0 RTP/AVP", lines: []int{audioPort},
	}
)

// Sessions change in a call, and what belongs to each passes: audio to fax and
// back, video that comes and goes.
func TestMediaChange(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, c := range []struct {
		name string
		change
	}{
		{"fax by the caller", change{By: "uac", sessions: [3]session{talks, faxes, talks}}},
		{"fax by the callee", change{By: "uas", sessions: [3]session{talks, faxes, talks}}},
		{"video by the caller", change{By: "uac", sessions: [3]session{talks, shows, hides}}},
		{"video by the callee", change{By: "uas", sessions: [3]session{talks, shows, hides}}},
	} {
		for _, way := range []string{"out", "in"} {
			t.Run(c.name+" "+way, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				caller, callee := w.ends(way)
				wait := w.begin("switched", caller, c.change,
					part{role: "uas", side: callee, port: sipPort},
					part{role: "uac", side: caller, port: sipPort + 1, calls: true})
				near, far := w.sockets(caller, 0), w.sockets(callee, calleePorts)
				for stage, s := range c.sessions {
					w.exchange(near, far, s, stage+1)
					// Media may be faster than the ACK, before which nobody heeds a cue.
					w.await("the first ACK", func() bool { return requests(callee.seen.Datagrams(), "ACK", callee.addr) > 0 })
					if c.By == "uac" {
						w.cue(caller, sipPort+1)
					} else {
						w.cue(callee, sipPort)
					}
				}
				wait()
				w.sealed()
			})
		}
	}
}

// A switch to fax that the other end refuses: they talk on.
func TestFaxRefused(t *testing.T) {
	bothWays(t, func(t *testing.T, w *world, caller, callee *side) {
		wait := w.begin("switch_refused", caller, nil,
			part{role: "uas", side: callee, port: sipPort},
			part{role: "uac", side: caller, port: sipPort + 1, calls: true})
		near, far := w.sockets(caller, 0), w.sockets(callee, calleePorts)
		told := func() int { return len(w.described(caller, caller.addr)) }
		w.await("the offer of the fax", func() bool { return told() == 2 })
		w.exchange(near, far, talks, 1)
		w.await("the ACK of its refusal", func() bool { return requests(caller.seen.Datagrams(), "ACK", caller.addr) > 0 })
		w.cue(caller, sipPort+1)
		wait()
		w.sealed()
	})
}

// media is what an end of a call has for its media.
type media struct {
	side *side
	at   map[int]*net.UDPConn // by the caller's port
}

func (w *world) sockets(s *side, add int) media {
	w.t.Helper()
	m := media{s, map[int]*net.UDPConn{}}
	for _, port := range []int{audioPort, secondPort} {
		conn, err := s.space.ListenUDP(s.at(port + add))
		w.must(err)
		w.t.Cleanup(func() { conn.Close() })
		m.at[port] = conn
	}
	return m
}

// exchange waits until both ends have got their nth description, and until
// datagrams of each line that is in use pass in both directions.
func (w *world) exchange(near, far media, s session, n int) {
	w.t.Helper()
	var there [2][]int
	for i, m := range []media{near, far} {
		w.await(fmt.Sprintf("description %d on %s", n, m.side.name), func() bool {
			all := w.described(m.side, m.side.addr)
			if len(all) < n {
				return false
			}
			there[i] = all[n-1]
			return true
		})
		if len(there[i]) != len(s.lines) {
			w.t.Fatalf("%s was told of ports %v, not of %d", m.side.name, there[i], len(s.lines))
		}
	}
	for i, port := range s.lines {
		datagram := []byte{0, byte(n), 3, 0xc0, 1, 0x80, 0, 0, 0xff} // UDPTL (T.38 section 9.1)
		if !bytes.Contains([]byte(s.says(0)), []byte("udptl")) {
			datagram = (&ua.Sender{Voice: uint64(n)}).Append(nil, ua.PCMU, uint32(i))
		}
		w.passes(near, there[0][i], far, port, datagram)
		w.passes(far, there[1][i], near, port, datagram)
	}
}

// passes waits until a datagram that one end sends to a port of the SBC
// reaches the other end as it was.
func (w *world) passes(from media, port int, to media, line int, datagram []byte) {
	w.t.Helper()
	got := make([]byte, 2048)
	w.await(fmt.Sprintf("a datagram from %s to port %d", from.side.name, port), func() bool {
		_, err := from.at[line].WriteToUDPAddrPort(datagram, netip.AddrPortFrom(from.side.border, uint16(port)))
		w.must(err)
		w.must(to.at[line].SetReadDeadline(time.Now().Add(20 * time.Millisecond)))
		n, _, err := to.at[line].ReadFromUDPAddrPort(got)
		return err == nil && bytes.Equal(got[:n], datagram)
	})
}

var mediaLine = regexp.MustCompile(`(?m)^m=\w+ ([1-9]\d*) `)

// described returns the ports of the session descriptions that an address of a
// side has got from the SBC, each once.
func (w *world) described(s *side, addr netip.Addr) [][]int {
	var all [][]int
	seen := map[string]bool{}
	for _, d := range from(s.seen.Datagrams(), s.border) {
		_, body, _ := bytes.Cut(d.Payload, []byte("\r\n\r\n"))
		if d.Dst.Addr() != addr || !isSIP(d.Payload) || !bytes.HasPrefix(body, []byte("v=0")) || seen[string(body)] {
			continue
		}
		seen[string(body)] = true
		var ports []int
		for _, m := range mediaLine.FindAllSubmatch(body, -1) {
			port, _ := strconv.Atoi(string(m[1]))
			ports = append(ports, port)
		}
		all = append(all, ports)
	}
	return all
}

var callID = regexp.MustCompile(`\r\nCall-ID: *(\S+)\r\n`)

// cue lets a sipp of a side go on that waits for it. It is a request that
// nobody has heard of, and it does not cross the cable.
func (w *world) cue(s *side, port int) {
	w.t.Helper()
	var id []byte
	for _, d := range s.seen.Datagrams() {
		if m := callID.FindSubmatch(d.Payload); m != nil {
			id = m[1]
		}
	}
	conn, err := s.space.ListenUDP(s.at(0))
	w.must(err)
	defer conn.Close()
	text := "CUE sip:sipp SIP/2.0\r\nVia: SIP/2.0/UDP cue;branch=z9hG4bKcue" + strconv.Itoa(len(s.seen.Datagrams())) +
		"\r\nFrom: <sip:cue>;tag=1\r\nTo: <sip:sipp>\r\nCall-ID: " + string(id) + "\r\nCSeq: 1 CUE\r\nContent-Length: 0\r\n\r\n"
	_, err = conn.WriteToUDPAddrPort([]byte(text), s.at(port))
	w.must(err)
}
