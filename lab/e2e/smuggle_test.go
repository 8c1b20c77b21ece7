package e2e

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"

	"sbc/lab/netns"
	"sbc/signaling/sip"
)

// Ours: as many as a few seconds allow.
const smuggled = 900

// TestNextHopKamailio sends odd messages through the SBC to a Kamailio that
// says what it reads. It reads what the SBC has sent as we do, and the SBC
// sends what it has read: each message that came in is one there or none.
func TestNextHopKamailio(t *testing.T) {
	netns.Require(t, "root", "kamailio")
	throughSBC(t)
	for _, n := range []network{udp4, tcp4} {
		t.Run(n.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, over("in", n, n))
			h := w.reader(w.lan, n)
			odd := oddMessages(t, n)
			var came []*sip.Message
			if n.tcp {
				came = w.pour(odd)
			} else {
				came = w.throw(odd)
			}
			w.border.settle()
			h.compare(came)
		})
	}
}

// A nextHop is a Kamailio that writes down what it reads.
type nextHop struct {
	w   *world
	log string
}

// reader starts a Kamailio on a side that answers by itself, and says what it
// has read.
func (w *world) reader(s *side, n network) *nextHop {
	w.t.Helper()
	tmpl, err := template.ParseFiles(filepath.Join("testdata", "smuggle", "kamailio.cfg"))
	w.must(err)
	var b strings.Builder
	w.must(tmpl.Execute(&b, n.listen()+":"+s.at(sipPort).String()))
	dir := w.t.TempDir()
	h := &nextHop{w: w, log: filepath.Join(dir, "log")}
	file := filepath.Join(dir, "kamailio.cfg")
	w.must(os.WriteFile(file, []byte(b.String()), 0o600))
	run := fmt.Sprintf("exec kamailio -f %s -DD -E -m 32 -M 8 -Y %s -w %s 2>%s", file, dir, dir, h.log)
	p := w.start(s.space, netns.Command{Path: "sh", Dir: dir, Args: []string{"-c", run}})
	w.await("Kamailio to listen", func() bool {
		select {
		case <-p.Done():
			w.t.Fatal("Kamailio ended")
		default:
		}
		return s.space.Bound(s.at(sipPort)) || s.space.Listens(s.at(sipPort))
	})
	return h
}

// A kamailioReading is what Kamailio has read of one request: values by name.
type kamailioReading map[string]string

// readings returns what has been read so far, ACKs left out.
func (h *nextHop) readings() (list []kamailioReading) {
	text, err := os.ReadFile(h.log)
	h.w.must(err)
	for line := range strings.Lines(string(text)) {
		_, line, ok := strings.Cut(line, "READ ")
		if !ok || !strings.HasSuffix(line, " end\n") {
			continue
		}
		r := kamailioReading{}
		for _, word := range strings.Fields(line) {
			name, value, _ := strings.Cut(word, "=")
			if b, err := hex.DecodeString(value); err == nil && name != "n" {
				value = string(b)
			}
			r[name] = strings.TrimPrefix(value, "<null>")
		}
		if r["method"] != "ACK" {
			list = append(list, r)
		}
	}
	return list
}

// forwarded returns the requests that the SBC sent to the LAN, each once, ACKs
// left out.
func (w *world) forwarded() (list []*sip.Message) {
	seen := map[string]bool{}
	for _, d := range w.lan.messages() {
		if d.Dst.Addr() != lanAddr {
			continue
		}
		for b := d.Payload; len(b) > 0; {
			m := new(sip.Message)
			n, err := m.ParseStream(slices.Clone(b))
			if n == 0 && err == nil {
				break // the rest is under way
			}
			if err != nil {
				w.t.Fatalf("the SBC sent what does not parse: %v\n%q", err, b)
			}
			b = b[n:]
			if key := string(m.Bytes(m.Via().Branch)); m.IsRequest() && m.Method() != sip.ACK && !seen[key] {
				seen[key] = true
				list = append(list, m)
			}
		}
	}
	return list
}

// compare holds what Kamailio read against what was sent, and that against
// what came in.
func (h *nextHop) compare(came []*sip.Message) {
	t := h.w.t
	sent := h.w.forwarded()
	t.Logf("%d messages came in, %d went on", len(came), len(sent))
	if len(sent) < smuggled/8 {
		t.Errorf("the test says nothing: only %d messages went on", len(sent))
	}
	read := map[string]kamailioReading{}
	for _, r := range h.readings() {
		if old, ok := read[r["branch"]]; ok && fmt.Sprint(old) != fmt.Sprint(r) {
			t.Errorf("one branch, two requests:\n%v\n%v", old, r)
		}
		read[r["branch"]] = r
	}
	if len(read) > len(sent) {
		t.Errorf("%d requests were sent and %d read", len(sent), len(read))
	}
	waiting := map[string]int{}
	for _, m := range came {
		waiting[crossing(m)]++
	}
	for _, m := range sent {
		if waiting[crossing(m)]--; waiting[crossing(m)] < 0 {
			t.Errorf("nothing that came in is this: %s\n%s", crossing(m), m.Raw)
		}
		r, ok := read[string(m.Bytes(m.Via().Branch))]
		if !ok {
			t.Errorf("not read:\n%s", m.Raw)
		} else if mine, other := ourReading(m), theirReading(r); mine != other {
			t.Errorf("sbc reads      %s\nKamailio reads %s\n%s", mine, other, m.Raw)
		}
	}
}

// excused says why Kamailio reads no more of m from some field on, "" if it
// should read all. It reads less then than we do, not something else, and over
// a stream it closes the connection, with what is under way: such messages are
// left out.
func excused(m *sip.Message) string {
	for _, f := range m.Fields() {
		for _, c := range m.Bytes(f.Name) {
			if letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'; !letter && c != '-' {
				return "the name of a field is any token (RFC 3261 section 25.1, header-name)"
			}
		}
		if colon := bytes.IndexByte(m.Raw[f.Name.End:], ':'); bytes.IndexByte(m.Raw[f.Name.End:f.Name.End+colon], '\r') >= 0 {
			return "a fold before the colon is one field to us; RFC 3261 section 25.1, HCOLON, has spaces only"
		}
	}
	return ""
}

// oneSpace writes white space, folds included, as one space: they are
// equivalent, and none belongs to the end of a value (RFC 3261 section 7.3.1).
func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// crossing is what of a request is the same on both sides.
func crossing(m *sip.Message) string {
	text := func(s sip.Span) string { return string(m.Bytes(s)) }
	body := text(m.Body())
	if _, typed := m.First(sip.FieldContentType); !typed {
		body = "" // taken for a session description, which crosses in INVITE only
	} else if strings.HasPrefix(body, "v=0") {
		body = "a session description"
	}
	u := m.URI()
	return fmt.Sprintf("%s %q, from %q %q to %q, CSeq %s, body %q", m.MethodName(), text(u.User), oneSpace(text(m.From().Display)), text(m.FromURI().User),
		text(m.ToURI().User), m.Method(), body)
}

// counted are the fields that Kamailio counts, in its order.
var counted = []string{"Via", "From", "To", "Call-ID", "CSeq", "Contact", "Content-Type", "Content-Length", "Event", "Expires", "X-Odd"}

// ourReading writes what we read in a request, theirReading what Kamailio does.
func ourReading(m *sip.Message) string {
	text := func(s sip.Span) string { return string(m.Bytes(s)) }
	var n []string
	for _, name := range counted {
		count := 0
		for _, f := range m.Fields() {
			if first, ok := m.FindName(name); ok && f.ID == first.ID && (f.ID != 0 || bytes.EqualFold(m.Bytes(f.Name), []byte(name))) {
				count++
			}
		}
		n = append(n, strconv.Itoa(count))
	}
	contact := ""
	if na, _, ok := m.Contact(); ok {
		contact = text(na.URI)
	}
	contentType, _ := m.First(sip.FieldContentType)
	u := m.URI()
	return fmt.Sprintf("%s %q from %q %q %q to %q %q call %q cseq %d %q type %q length %d body %q via %q contact %q fields %s", m.MethodName(), text(u.User),
		text(m.From().Display), text(m.FromURI().User), text(m.From().Tag), text(m.ToURI().User), text(m.To().Tag), text(m.CallID()), m.CSeq(), m.MethodName(),
		oneSpace(text(contentType.Value)), m.Body().Len(), text(m.Body()), text(m.Via().Host), contact, strings.Join(n, "."))
}

func theirReading(r kamailioReading) string {
	return fmt.Sprintf("%s %q from %q %q %q to %q %q call %q cseq %s %q type %q length %s body %q via %q contact %q fields %s", r["method"], r["user"],
		r["display"], r["fromuser"], r["fromtag"], r["touser"], r["totag"], oneSpace(r["callid"]), r["cseq"], r["cseqmethod"],
		oneSpace(r["type"]), r["length"], r["body"], r["via"], r["contact"], r["n"])
}

// oddMessages makes odd messages of right ones, the same each time.
func oddMessages(t *testing.T, n network) (list []string) {
	text, err := os.ReadFile(filepath.Join("..", "..", "signaling", "sip", "testdata", "odd.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var odd []string
	for line := range strings.Lines(string(text)) {
		s, err := strconv.Unquote(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		odd = append(odd, s)
	}
	draw := rand.New(rand.NewPCG(20, 7))
	for i := range smuggled {
		raw := rightMessage(i, n)
		head := strings.Index(raw, "\r\n\r\n")
		at := draw.IntN(head)
		end := min(at+draw.IntN(4), head)
		switch o := odd[i%len(odd)]; draw.IntN(4) {
		case 0: // at the end of a line
			at = min(at+max(0, strings.Index(raw[at:], "\r\n")), head)
			raw = raw[:at] + o + raw[at:]
		case 1: // at the beginning of a value
			at += max(0, strings.Index(raw[at:head], ": "))
			raw = raw[:at+1] + o + raw[at+1:]
		case 2:
			raw = raw[:at] + strings.ToUpper(raw[at:end]) + raw[end:]
		default:
			raw = raw[:at] + o + raw[end:]
		}
		why := ""
		if came, _ := acceptable(raw, n.tcp); len(came) > 0 {
			why = excused(came[0])
		}
		if why == "" {
			list = append(list, raw)
		} else {
			t.Logf("left out, %s: %q", why, raw)
		}
	}
	return list
}

// rightMessage returns request i, from the ITSP.
func rightMessage(i int, n network) string {
	fields, body := "Content-Type: text/plain\r\n", "a text\r\n"
	method := [...]string{"MESSAGE", "INVITE", "NOTIFY", "MESSAGE"}[i%4]
	switch method {
	case "INVITE":
		fields = "Contact: <sip:gw@198.51.100.10>\r\nContent-Type: application/sdp\r\n"
		body = "v=0\r\no=- 1 1 IN IP4 198.51.100.10\r\ns=-\r\nc=IN IP4 198.51.100.10\r\nt=0 0\r\nm=audio 6000 RTP/AVP 8\r\n"
	case "NOTIFY":
		fields = "Contact: <sip:gw@198.51.100.10>\r\nEvent: message-summary\r\nSubscription-State: active\r\nContent-Type: text/plain\r\n"
	}
	return fmt.Sprintf("%s sip:49%d@198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/%s 198.51.100.10;branch=z9hG4bKodd%d;rport\r\nMax-Forwards: 70\r\n"+
		"From: \"A %d\" <sip:77%d@198.51.100.10>;tag=odd%d\r\nTo: <sip:49%d@198.51.100.1>\r\nCall-ID: odd-%d\r\nCSeq: 7 %s\r\n%sX-Odd: a b\r\nContent-Length: %d\r\n\r\n%s",
		method, i, map[bool]string{false: "UDP", true: "TCP"}[n.tcp], i, i, i, i, i, i, method, fields, len(body), body)
}
