package signaling

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"sbc/mediarelay"
	"sbc/signaling/sip"
)

// A caller and a callee that allocate nothing: what a benchmark counts is the
// SBC's own.
type benchCall struct {
	w      *world
	msg    sip.Message
	buf    []byte // the message to be sent
	invite []byte // template, with the number of the call to be put in
	b      []byte // the INVITE that the callee got
	ok     []byte // the 2xx that the caller got
}

const numbers = "00000000"

func newBenchCall(t testing.TB) *benchCall {
	w := newWorld(t)
	m, err := mediarelay.NewModel(mediarelay.Options{Realms: []mediarelay.RealmPool{
		{Name: "inside", Addr: w.s.opt.Realms[0].Media.IP4, First: 10000, Last: 59999},
		{Name: "outside", Addr: w.s.opt.Realms[1].Media.IP4, First: 10000, Last: 59999},
	}}, rand.New(rand.NewPCG(1, 2)))
	if err != nil {
		t.Fatal(err)
	}
	o := *w.s.opt
	o.Media = m
	w.media, w.s = m, NewShard(&o, 0, 1, [16]byte{7}, [32]byte{9})
	text := bytes.ReplaceAll([]byte(crlf(invite)), []byte("pbxone"), []byte(numbers))
	return &benchCall{w: w, invite: bytes.ReplaceAll(text, []byte("secret-call"), []byte("secret-"+numbers))}
}

func (c *benchCall) send(t testing.TB, from netip.AddrPort, want int) []Outbound {
	listener := uint16(listenerOutside)
	if from == pbxAddr {
		listener = listenerInside
	}
	c.w.s.Datagram(c.w.now, listener, from, c.buf)
	out := c.w.s.Out()
	if len(out) != want {
		t.Fatalf("%d messages for\n%s", len(out), c.buf)
	}
	return out
}

// line appends a field of c.msg.
func (c *benchCall) line(id sip.FieldID) {
	f, _ := c.msg.First(id)
	c.buf = append(c.buf, c.msg.Bytes(f.Line)...)
}

// respond writes the callee's response to the request in msg.
func (c *benchCall) respond(status string, contact bool, body string) {
	c.buf = append(append(append(c.buf[:0], "SIP/2.0 "...), status...), "\r\n"...)
	for _, id := range []sip.FieldID{sip.FieldVia, sip.FieldFrom, sip.FieldCallID, sip.FieldCSeq} {
		c.line(id)
	}
	f, _ := c.msg.First(sip.FieldTo)
	c.buf = append(append(c.buf, "To: "...), c.msg.Bytes(f.Value)...)
	if c.msg.To().Tag.Empty() {
		c.buf = append(c.buf, ";tag=fartag99"...)
	}
	c.buf = append(c.buf, "\r\n"...)
	if contact {
		c.buf = append(c.buf, "Contact: <sip:gw@198.51.100.77:5062>\r\nAllow: INVITE, ACK, BYE, CANCEL, UPDATE\r\nServer: Gateway/1.0\r\n"...)
	}
	if body != "" {
		c.buf = append(c.buf, "Content-Type: application/sdp\r\n"...)
	}
	c.buf = strconv.AppendInt(append(c.buf, "Content-Length: "...), int64(len(body)), 10)
	c.buf = append(append(c.buf, "\r\n\r\n"...), body...)
}

// inDialog writes a request of the caller in the dialog of the 2xx in msg.
func (c *benchCall) inDialog(method string, seq, n int) {
	f, _ := c.msg.First(sip.FieldContact)
	uri := bytes.Trim(c.msg.Bytes(f.Value), "<>")
	c.buf = append(append(append(c.buf[:0], method...), ' '), uri...)
	c.buf = append(append(c.buf, " SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.10:5060;rport;branch=z9hG4bK"...), method...)
	c.buf = append(strconv.AppendInt(c.buf, int64(n), 10), "\r\nMax-Forwards: 70\r\n"...)
	for _, id := range []sip.FieldID{sip.FieldFrom, sip.FieldTo, sip.FieldCallID} {
		c.line(id)
	}
	c.buf = strconv.AppendInt(append(c.buf, "CSeq: "...), int64(seq), 10)
	c.buf = append(append(append(c.buf, ' '), method...), "\r\nContent-Length: 0\r\n\r\n"...)
}

func (c *benchCall) parse(t testing.TB, keep *[]byte, b []byte) {
	*keep = append((*keep)[:0], b...)
	if err := c.msg.Parse(*keep); err != nil {
		t.Fatal(err)
	}
}

var benchAnswer = crlf("x\n\n" + answer)[len("x\r\n\r\n"):]

// run takes call n from INVITE to the end of its BYE.
func (c *benchCall) run(t testing.TB, n int) {
	c.buf = append(c.buf[:0], c.invite...)
	var digits [len(numbers)]byte
	for i, k := len(digits)-1, n; i >= 0; i, k = i-1, k/10 {
		digits[i] = byte('0' + k%10)
	}
	for i := bytes.Index(c.buf, []byte(numbers)); i >= 0; i = bytes.Index(c.buf, []byte(numbers)) {
		copy(c.buf[i:], digits[:])
	}
	c.parse(t, &c.b, c.send(t, pbxAddr, 2)[1].Bytes)
	c.respond("180 Ringing", true, "")
	c.send(t, itspAddr, 1)
	c.respond("200 OK", true, benchAnswer)
	c.parse(t, &c.ok, c.send(t, itspAddr, 1)[0].Bytes)
	c.inDialog("ACK", 10, n)
	c.send(t, pbxAddr, 1)
	c.inDialog("BYE", 11, n)
	c.parse(t, &c.b, c.send(t, pbxAddr, 2)[1].Bytes)
	c.respond("200 OK", false, "")
	c.send(t, itspAddr, 0)
}

// BenchmarkCall is a basic call: INVITE with SDP, 180, 200, ACK, BYE, 200,
// with the transactions of 10 s in the tables, as at 100 calls a second.
func BenchmarkCall(b *testing.B) {
	c := newBenchCall(b)
	n := 1
	step := func() {
		c.run(b, n)
		n++
		c.w.now += 10 * time.Millisecond
		c.w.media.SetNow(c.w.now)
		c.w.s.Advance(c.w.now)
		c.w.s.Out()
	}
	for range 4000 {
		step()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		step()
	}
}
