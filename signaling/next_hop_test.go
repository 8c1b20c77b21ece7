package signaling

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	theirs "github.com/emiago/sipgo/sip"

	"sbc/signaling/sip"
)

// What we understood is what the next hop will understand, or it does not
// pass. The next hop is sipgo here: everything that the border lets through of
// odd messages is read by it too, and the readings are compared.

// A reading is what somebody reads in a message.
type reading struct {
	start            string // method and Request-URI, or status
	from, to         string // user, host, port, tag
	callID           string
	cseq             string
	via              string // branch, host, port
	contact          string
	length           int
	body             string
	names            string // which fields there are, and how often
	event, typ, more string
}

// counted are fields whose number is compared.
var counted = []string{
	"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "Event", "Expires", "Refer-To",
	"Referred-By", "Replaces", "Join", "RSeq", "RAck", "Session-Expires", "Subscription-State", "Supported", "Subject", "X-Odd", "Require",
}

func hostPort(host string, port int) string {
	return strings.Trim(strings.ToLower(host), "[]") + ":" + strconv.Itoa(port)
}

// oneSpace writes white space, folds included, as one space: they are
// equivalent (RFC 3261 section 7.3.1).
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

func tagged(uri, tag string) string { return uri + ";" + tag }

// ourReading reads with our own parser.
func ourReading(m *sip.Message) (r reading) {
	text := func(s sip.Span) string { return string(m.Bytes(s)) }
	uri := func(u sip.URI) string { return text(u.User) + "@" + hostPort(text(u.Host), u.Port) }
	r.start = fmt.Sprint(m.Status())
	if m.IsRequest() {
		r.start = string(m.MethodName()) + " " + uri(m.URI())
	}
	v := m.Via()
	r.from, r.to = tagged(uri(m.FromURI()), text(m.From().Tag)), tagged(uri(m.ToURI()), text(m.To().Tag))
	r.callID, r.cseq = text(m.CallID()), fmt.Sprint(m.CSeq(), " ", string(m.MethodName()))
	r.via = text(v.Branch) + " " + hostPort(text(v.Host), v.Port)
	if _, u, ok := m.Contact(); ok {
		r.contact = uri(u)
	}
	r.body, r.length = text(m.Body()), m.Body().Len()
	for _, name := range counted {
		n := 0
		for _, f := range m.Fields() {
			if first, ok := m.FindName(name); ok && (f.ID == first.ID && f.ID != 0 || f.ID == 0 && bytes.EqualFold(m.Bytes(f.Name), []byte(name))) {
				n++
			}
		}
		r.names += fmt.Sprintf("%s %d, ", name, n)
	}
	value := func(name string) string {
		f, _ := m.FindName(name)
		return oneSpace(string(m.Bytes(f.Value)))
	}
	r.event, r.typ, r.more = value("Event"), value("Content-Type"), value("X-Odd")
	return r
}

// theirReading reads with sipgo.
func theirReading(msg theirs.Message) (r reading) {
	uri := func(u theirs.Uri) string { return u.User + "@" + hostPort(u.Host, u.Port) }
	param := func(p theirs.HeaderParams, name string) string {
		v, _ := p.Get(name)
		return v
	}
	switch m := msg.(type) {
	case *theirs.Request:
		r.start = string(m.Method) + " " + uri(m.Recipient)
	case *theirs.Response:
		r.start = fmt.Sprint(m.StatusCode)
	}
	if f := msg.From(); f != nil {
		r.from = tagged(uri(f.Address), param(f.Params, "tag"))
	}
	if f := msg.To(); f != nil {
		r.to = tagged(uri(f.Address), param(f.Params, "tag"))
	}
	if id := msg.CallID(); id != nil {
		r.callID = id.Value()
	}
	if c := msg.CSeq(); c != nil {
		r.cseq = fmt.Sprint(c.SeqNo, " ", string(c.MethodName))
	}
	if v := msg.Via(); v != nil {
		r.via = param(v.Params, "branch") + " " + hostPort(v.Host, v.Port)
	}
	if m, ok := msg.(interface{ Contact() *theirs.ContactHeader }); ok && m.Contact() != nil {
		r.contact = uri(m.Contact().Address)
	}
	r.body, r.length = string(msg.Body()), len(msg.Body())
	get := func(name string) []theirs.Header {
		all := msg.GetHeaders(name)
		for long, short := range shortNames {
			if long == name {
				all = append(all, msg.GetHeaders(short)...)
			}
		}
		return all
	}
	for _, name := range counted {
		r.names += fmt.Sprintf("%s %d, ", name, len(get(name)))
	}
	value := func(name string) string {
		if all := get(name); len(all) > 0 {
			return oneSpace(all[0].Value())
		}
		return ""
	}
	r.event, r.typ, r.more = value("Event"), value("Content-Type"), value("X-Odd")
	return r
}

// shortNames are compact forms that sipgo keeps under the name they came by.
var shortNames = map[string]string{
	"Event": "o", "Refer-To": "r", "Referred-By": "b", "Session-Expires": "x", "Supported": "k", "Subject": "s",
}

// A quirk is where sipgo reads a message in another way than we do, and the
// RFC is on our side.
type quirk struct {
	why  string // with the section that says so
	met  int
	same func(m *sip.Message, ours, theirs *reading) bool // makes them equal where it applies
}

var quirks = []*quirk{
	{why: "names of parameters have any case: RFC 3261 section 7.3.1", same: func(m *sip.Message, ours, theirs *reading) bool {
		odd := func(params, tag string) bool {
			return !strings.Contains(params, tag) && strings.Contains(strings.ToLower(params), strings.ToLower(tag))
		}
		a := oddTag(m, m.From(), odd, &ours.from, &theirs.from)
		return oddTag(m, m.To(), odd, &ours.to, &theirs.to) || a
	}},
	{why: "white space may stand around the ; and = of parameters: RFC 3261 section 25.1", same: func(m *sip.Message, ours, theirs *reading) bool {
		odd := func(params, tag string) bool { return !strings.Contains(strings.ToLower(params), strings.ToLower(tag)) }
		a := oddTag(m, m.From(), odd, &ours.from, &theirs.from)
		return oddTag(m, m.To(), odd, &ours.to, &theirs.to) || a
	}},
	{why: "white space in CSeq may be more than one space: RFC 3261 section 25.1, LWS", same: func(_ *sip.Message, ours, theirs *reading) bool {
		same := ours.cseq != theirs.cseq && ours.cseq == oneSpace(theirs.cseq)
		if same {
			theirs.cseq = ours.cseq
		}
		return same
	}},
	{why: "From and To may hold any URI: RFC 3261 section 25.1, absoluteURI", same: func(m *sip.Message, ours, theirs *reading) bool {
		a := foreign(m.FromURI(), &ours.from, &theirs.from)
		return foreign(m.ToURI(), &ours.to, &theirs.to) || a
	}},
}

// oddTag makes the readings of From or To equal where the tag is written in an
// odd way.
func oddTag(m *sip.Message, na sip.NameAddr, odd func(params, tag string) bool, ours, theirs *string) bool {
	uri, tag, _ := strings.Cut(*ours, ";")
	if *ours == *theirs || tag == "" || !strings.HasPrefix(*theirs, uri+";") || !odd(string(m.Bytes(na.Params)), ";tag="+tag) {
		return false
	}
	*theirs = *ours
	return true
}

func foreign(u sip.URI, ours, theirs *string) bool {
	if u.Routable() || *ours == *theirs {
		return false
	}
	*theirs = *ours
	return true
}

// A comparison collects what became of odd messages.
type comparison struct {
	t           *testing.T
	all, passed int
	unread      map[string]int // why sipgo does not read what we let pass
}

// sent compares the readings of what was sent.
func (c *comparison) sent(name string, x wire) {
	c.passed++
	msg, err := theirs.ParseMessage([]byte(x.bytes))
	if err != nil {
		c.unread[err.Error()]++ // it reads nothing rather than something else
		return
	}
	mine, other := ourReading(x.msg), theirReading(msg)
	for _, q := range quirks {
		if mine != other && q.same(x.msg, &mine, &other) {
			q.met++
		}
	}
	if mine != other {
		c.t.Errorf("%s:\n  sbc reads   %+v\n  sipgo reads %+v\n%s", name, mine, other, x.bytes)
	}
	c.onStream(name, x)
}

// onStream holds that what was sent is one message on a stream too.
func (c *comparison) onStream(name string, x wire) {
	const next = "OPTIONS sip:next@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKn\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n" +
		"Call-ID: n\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
	var got []string
	p := theirs.NewParser().NewSIPStream()
	defer p.Close()
	err := p.ParseSIPStream([]byte(x.bytes+next), func(m theirs.Message) {
		r := theirReading(m)
		got = append(got, fmt.Sprintf("%s %q", r.start, r.body))
	})
	mine := ourReading(x.msg)
	want := fmt.Sprintf("%s %q, OPTIONS next@example.com:0 \"\"", mine.start, mine.body)
	if s := strings.Join(got, ", "); s != want || err != nil {
		c.t.Errorf("%s: on a stream sipgo reads %s, %v; want %s\n%s", name, s, err, want, x.bytes)
	}
}

// TestNextHop sends odd messages through the border.
func TestNextHop(t *testing.T) {
	odd := oddTexts(t)
	c := comparison{t: t, unread: map[string]int{}}
	check := func(name, raw string) {
		c.all++
		on := newWorld(t).raw(pbxAddr, raw, itspAddr)
		for _, x := range on {
			c.sent(name, x)
		}
		if len(on) > 1 {
			t.Errorf("%s: one message became %d", name, len(on))
		}
	}
	for name, raw := range torture(t) {
		check(name, raw)
	}
	for _, base := range bases {
		for _, o := range []string{"\nFrom: \"Alice\" <sip:100@pbx.lan>;TAG=pbxtag", "\nFrom: \"Alice\" <sip:100@pbx.lan> ; tag = pbxtag", "\nTo: <urn:service:sos>", "\nCSeq: 10  "} {
			name, _, _ := strings.Cut(o, ":")
			line := base[strings.Index(base, name+":"):]
			if line = line[:1+strings.IndexByte(line[1:], '\n')]; name == "\nCSeq" {
				line = "\nCSeq: 10 "
			}
			check("quirk "+o, crlf(strings.Replace(base, line, o, 1)))
		}
		for i, raw := range changed(base, odd) {
			check(fmt.Sprintf("change %d of %.20q", i, base), raw)
		}
		for seed := range uint64(mutants) {
			check(fmt.Sprintf("mutant %d of %.20q", seed, base), mutant(crlf(base), odd, seed))
		}
	}
	for seed := range uint64(mutants) {
		c.all++
		for _, x := range newWorld(t).responded(odd, seed) {
			c.sent(fmt.Sprintf("mutant %d of a response", seed), x)
		}
	}
	t.Logf("%d of %d messages went on; what sipgo does not read of them: %v", c.passed, c.all, c.unread)
	if c.passed < c.all/10 {
		t.Errorf("only %d of %d messages went on: the test says nothing", c.passed, c.all)
	}
	for _, q := range quirks {
		if q.met == 0 {
			t.Errorf("not met any more: %s", q.why)
		}
	}
}

const mutants = 400

// responded sends an odd response to an INVITE, and returns what becomes of it.
func (w *world) responded(odd []string, seed uint64) []wire {
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	status := [...]int{200, 183, 486, 180}[seed%4]
	body := [...]string{answer, answer, "", ""}[seed%4]
	text := respond(inv, status, gateway+"X-Odd: a\nSupported: timer\nSubject: x\n", body)
	return w.raw(itspAddr, mutant(crlf(text), odd, seed), pbxAddr)
}

// raw sends octets from one side, and returns what goes to the other.
func (w *world) raw(from netip.AddrPort, raw string, to netip.AddrPort) (on []wire) {
	w.t.Helper()
	listener := uint16(listenerOutside)
	if from == pbxAddr {
		listener = listenerInside
	}
	w.s.Datagram(w.now, listener, from, []byte(raw))
	for _, o := range w.s.Out() {
		x := wire{to: o.Flow.Remote, bytes: string(o.Bytes), msg: &sip.Message{}}
		if x.to != to { // what is refused is answered with what it was
			continue
		}
		if err := x.msg.Parse([]byte(x.bytes)); err != nil {
			w.t.Fatalf("the SBC sent what does not parse: %v\n%s\nof\n%q", err, x.bytes, raw)
		}
		if x.msg.Method() != sip.ACK {
			on = append(on, x)
		}
	}
	return on
}

// torture are the messages of RFC 4475 and RFC 5118.
func torture(t *testing.T) map[string]string {
	list := map[string]string{}
	for _, dir := range []string{"rfc4475", "rfc5118"} {
		files, err := filepath.Glob("sip/testdata/" + dir + "/*.dat")
		if err != nil || len(files) < 10 {
			t.Fatal(files, err)
		}
		for _, file := range files {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			list[file] = string(raw)
		}
	}
	return list
}

// bases are right messages from which odd ones are made.
var bases = []string{
	strings.Replace(invite, "Supported: timer, 100rel\n", "Supported: timer, 100rel\nSubject: hello\nX-Odd: a b\n", 1),
	oddRequest("MESSAGE", "Content-Type: text/plain\nX-Odd: a b\n", "hello\n"),
	oddRequest("SUBSCRIBE", "Event: presence\nExpires: 600\nContact: <sip:100@192.168.1.10>\nX-Odd: a b\nSupported: timer\n", ""),
	oddRequest("NOTIFY", "Event: message-summary\nSubscription-State: active\nContact: <sip:100@192.168.1.10>\nContent-Type: application/simple-message-summary\nX-Odd: a b\n", "Messages-Waiting: yes\n"),
}

func oddRequest(method, fields, body string) string {
	return method + " sip:+4930123@192.168.1.1 SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKpbxone;rport\nMax-Forwards: 70\n" +
		"From: \"Alice\" <sip:100@pbx.lan>;tag=pbxtag\nTo: <sip:+4930123@192.168.1.1>\nCall-ID: secret-call@192.168.1.10\nCSeq: 10 " + method + "\n" +
		fields + "Content-Length: LENGTH\n\n" + body
}

// oddTexts are texts that one reader takes for something else than another.
func oddTexts(t *testing.T) (odd []string) {
	file, err := os.ReadFile("sip/testdata/odd.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(file)) {
		text, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		odd = append(odd, text)
	}
	return odd
}

// changed puts each odd text at places of a right message where it may matter.
func changed(base string, odd []string) (list []string) {
	raw := crlf(base)
	head, _, _ := strings.Cut(raw, "\r\n\r\n")
	var places []int
	for i := range head {
		if i > 0 && !letter(head[i]) && (letter(head[i-1]) || letter(head[i+1])) && head[i] != '\n' {
			places = append(places, i, i+1)
		}
	}
	for i, at := range places {
		list = append(list, raw[:at]+odd[i%len(odd)]+raw[at:], raw[:at]+odd[(i*7+3)%len(odd)]+raw[at:])
	}
	lines := strings.SplitAfter(head+"\r\n", "\r\n")
	for _, line := range lines[1:] { // each field twice, in three spellings
		name, value, ok := strings.Cut(line, ":")
		for _, again := range []string{line, strings.ToUpper(name) + " :" + value, name + "\t:\r\n" + value} {
			if ok {
				list = append(list, strings.Replace(raw, "\r\n\r\n", "\r\n"+again+"\r\n", 1))
			}
		}
	}
	return list
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

// mutant makes something odd of a right message, the same for the same seed.
func mutant(raw string, odd []string, seed uint64) string {
	draw := rand.New(rand.NewPCG(seed, 4711))
	for range 1 + draw.IntN(3) {
		head := max(1, strings.Index(raw, "\r\n\r\n"))
		at := draw.IntN(head)
		end := min(at+1+draw.IntN(4), head)
		text := odd[draw.IntN(len(odd))]
		switch draw.IntN(7) {
		case 0:
			raw = raw[:at] + raw[end:]
		case 1:
			raw = raw[:at] + text + raw[end:]
		case 2: // at the end of a line
			if i := strings.Index(raw[at:], "\r\n"); i >= 0 {
				raw = raw[:at+i] + text + raw[at+i:]
			}
		case 3: // at the beginning of a value
			if i := strings.Index(raw[at:], ": "); i >= 0 {
				raw = raw[:at+i+1] + text + raw[at+i+1:]
			}
		case 4: // another case
			raw = raw[:at] + strings.ToUpper(raw[at:end]) + raw[end:]
		default:
			raw = raw[:at] + text + raw[at:]
		}
	}
	return raw
}
