package registrar

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// start is when tests begin.
var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	udp = 0
	tcp = 1
)

func options() Options {
	return Options{
		// Small tables are made in no time.
		Sources: 256, Appointments: 256, UnderwayMax: 256,

		Rand:      rand.New(rand.NewPCG(1, 2)),
		Key:       [16]byte{1, 2, 3},
		Listeners: []Listener{{Name: "internet udp"}, {Name: "internet tcp", Stream: true}},
		Endpoints: []Endpoints{{Name: "phones", Contact: "192.168.1.1:5060"}},
		Token:     func(dst []byte, serial uint64) []byte { return fmt.Appendf(dst, "t%016x", serial) },
	}
}

// flowOf reads "203.0.113.9:5060" or "tcp:203.0.113.9:5060/3".
func flowOf(text string) Flow {
	f := Flow{}
	rest, stream := strings.CutPrefix(text, "tcp:")
	if stream {
		f.Listener = tcp
		var conn string
		rest, conn, _ = strings.Cut(rest, "/")
		f.Conn, _ = strconv.ParseUint(conn, 10, 64)
	}
	f.Remote = netip.MustParseAddrPort(rest)
	return f
}

func showFlow(f Flow) string {
	if f.Listener == tcp {
		return fmt.Sprintf("tcp:%s/%d", f.Remote, f.Conn)
	}
	return f.Remote.String()
}

// A phone writes REGISTERs.
type phone struct {
	aor    string // user@host
	callID string
	cseq   int
	user   string // of the credentials; "": none
	nonce  string // "": another one each time
	count  int
}

// register writes the next REGISTER of p with these lines besides.
func (p *phone) register(lines ...string) []byte {
	p.cseq++
	var b strings.Builder
	fmt.Fprintf(&b, "REGISTER sip:pbx.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bK%d;rport\r\nMax-Forwards: 70\r\n", p.cseq)
	fmt.Fprintf(&b, "From: <sip:%s>;tag=f\r\nTo: <sip:%s>\r\nCall-ID: %s\r\nCSeq: %d REGISTER\r\n", p.aor, p.aor, p.callID, p.cseq)
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	if p.user != "" {
		p.count++
		nonce := p.nonce
		if nonce == "" {
			nonce = fmt.Sprint("n", p.count)
		}
		fmt.Fprintf(&b, "Authorization: Digest username=%q, realm=\"pbx\", nonce=%q, uri=\"sip:pbx.example\", response=\"%032x\", nc=%08x\r\n", p.user, nonce, p.count*7, p.count)
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return []byte(b.String())
}

func parse(t testing.TB, b []byte) *sip.Message {
	t.Helper()
	m := new(sip.Message)
	if err := m.Parse(b); err != nil {
		t.Fatalf("%v in:\n%s", err, b)
	}
	return m
}

// response writes a response of the PBX with these lines.
func response(t testing.TB, status int, lines ...string) *sip.Message {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d X\r\nVia: SIP/2.0/UDP 192.168.1.1;branch=z9hG4bKours\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:a@b>;tag=p\r\nCall-ID: ours\r\nCSeq: 1 REGISTER\r\n", status)
	for _, line := range lines {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("Content-Length: 0\r\n\r\n")
	return parse(t, []byte(b.String()))
}

// A pbx is a registrar (RFC 3261 section 10.3) that knows bindings by the user
// part of their Contact.
type pbx struct {
	max   int // seconds that it grants at most; 0: what is asked
	bound map[string]map[string]*held
}

type held struct {
	contact string
	until   time.Time
}

// answer takes the lines of a Relay for an address-of-record and returns the
// Contact lines of its 2xx.
func (p *pbx) answer(t testing.TB, now time.Time, aor string, fields []byte) []string {
	t.Helper()
	if p.bound == nil {
		p.bound = map[string]map[string]*held{}
	}
	all := p.bound[aor]
	if all == nil {
		all = map[string]*held{}
		p.bound[aor] = all
	}
	if strings.Contains(string(fields), "Contact: *\r\n") {
		clear(all)
	}
	for line := range strings.SplitSeq(string(fields), "\r\n") {
		value, ok := strings.CutPrefix(line, "Contact: <")
		if !ok {
			continue
		}
		user, _, _ := strings.Cut(strings.TrimPrefix(value, "sip:"), "@")
		contact, expires, ok := strings.Cut(value, ";expires=")
		n, err := strconv.Atoi(expires)
		if !ok || err != nil {
			t.Fatalf("the PBX got %q", line)
		}
		if p.max > 0 {
			n = min(n, p.max)
		}
		if n == 0 {
			delete(all, user)
			continue
		}
		all[user] = &held{"<" + contact, now.Add(time.Duration(n) * time.Second)}
	}
	return p.list(now, aor)
}

// list returns what it holds now as Contact lines.
func (p *pbx) list(now time.Time, aor string) []string {
	var users, lines []string
	for user, h := range p.bound[aor] {
		if !h.until.After(now) {
			delete(p.bound[aor], user)
			continue
		}
		users = append(users, user)
	}
	for _, user := range sorted(users) {
		h := p.bound[aor][user]
		lines = append(lines, fmt.Sprintf("Contact: %s;expires=%d", h.contact, int(h.until.Sub(now).Seconds())))
	}
	return lines
}
