package ua

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// Agents with canaries can call each other, and each sees the other's canary
// in every place where one was put: nobody hides them here. So a search that
// finds nothing behind a border means something.
func TestCanariesAreEverywhere(t *testing.T) {
	w := newWorld(t, func(i int, o *Options) { o.Canary = canaries[i] })
	fields := map[string]bool{}
	var rtcp int
	w.lose = func(p packet) bool {
		c := canaries[p.by]
		if p.from.Port() == 20001 {
			rtcp += len(c.Find(p.bytes))
		}
		if p.from != addrs[p.by] {
			return false
		}
		m := new(sip.Message)
		if err := m.Parse(p.bytes); err != nil {
			t.Fatalf("%v\n%s", err, p.bytes)
		}
		for _, f := range m.Fields() {
			if len(c.Find(m.Bytes(f.Line))) > 0 {
				fields[f.ID.String()] = true
			}
		}
		for line := range strings.Lines(string(m.Bytes(m.Body()))) {
			if len(c.Find([]byte(line))) > 0 {
				name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
				if !strings.HasPrefix(name, "a=") {
					name = line[:2]
				}
				fields[name] = true
			}
		}
		return false
	}
	w.invite(Invite{})
	w.run(3 * time.Second)
	w.do(0, w.agents[0].Hold(w.now, 1, SendOnly, nil))
	w.run(time.Second)
	w.hangup(0)
	w.done()
	w.want("ringing 180, answered 200, heard, reinvited 200, ended (we hung up)",
		"incoming, answered 200, heard, reoffered 200, heard, ended (far end hung up)")
	for _, f := range []string{
		"Via", "Record-Route", "From", "Contact", "Call-ID", "User-Agent", "Server", "Organization", "Warning",
		"Call-Info", "Alert-Info", "P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion",
		"History-Info", "Reply-To", "Referred-By", "In-Reply-To", "Geolocation", "P-Charging-Vector",
		"P-Visited-Network-ID", "P-Access-Network-Info", "P-Called-Party-ID", "P-Associated-URI",
		"o=", "s=", "i=", "u=", "e=", "c=", "a=tool", "a=rtcp", "a=ssrc", "a=candidate", "a=remote-candidates", "a=ice-ufrag",
	} {
		if !fields[f] {
			t.Errorf("no canary was found in %s", f)
		}
	}
	if rtcp == 0 {
		t.Error("no canary was found in RTCP")
	}
}

// Thirty leaks, each in the form that a device or a bug of ours could give it.
func TestFindSeesEveryLeak(t *testing.T) {
	c := Canary{Word: "kiwi7lan", Inner: netip.MustParseAddr("10.66.55.44"),
		Own: []netip.Addr{netip.MustParseAddr("192.168.1.23"), netip.MustParseAddr("172.16.9.1")}}
	leaks := []struct{ text, form string }{
		{"Via: SIP/2.0/UDP 192.168.1.23:5060;branch=z9hG4bK1", "dotted"},
		{"Via: SIP/2.0/UDP 198.51.100.1;received=10.66.55.44", "dotted"},
		{"Record-Route: <sip:172.16.9.1;lr>", "dotted"},
		{"Route: <sip:proxy.kiwi7lan.example;lr>", "word"},
		{"Contact: <sip:100@192.168.1.23>", "dotted"},
		{"Contact: <sip:100@198.51.100.1;x=KIWI7LAN>", "word"},
		{"Call-ID: 837465@192.168.1.23", "dotted"},
		{"Call-ID: c0a80117-0001", "hexadecimal"},
		{"Call-ID: C0A80117-0001", "hexadecimal"},
		{"From: <sip:100@ip-192-168-1-23.isp.example>;tag=1", "dashed"},
		{"To: <sip:200@pbx.Kiwi7Lan.example>", "word"},
		{"P-Asserted-Identity: <sip:100@192.168.1.23>", "dotted"},
		{"Diversion: <sip:100@10.66.55.44>;reason=unconditional", "dotted"},
		{"History-Info: <sip:100@192.168.1.23>;index=1", "dotted"},
		{"User-Agent: kiwi7lan-box/1.0", "word"},
		{"Server: box at 10-66-55-44", "dashed"},
		{"Warning: 399 192.168.1.23 \"busy\"", "dotted"},
		{"Call-Info: <http://192.168.1.23/a.jpg>", "dotted"},
		{"Reason: SIP;cause=480;text=\"no answer from 192.168.1.23\"", "dotted"},
		{"P-Charging-Vector: icid-value=0a42372c", "hexadecimal"},
		{"Retry-After: 5 (host kiwi7lan)", "word"},
		{"o=- 1 1 IN IP4 192.168.1.23", "dotted"},
		{"s=kiwi7lan", "word"},
		{"c=IN IP4 192.168.1.23", "dotted"},
		{"a=rtcp:4001 IN IP4 192.168.1.23", "dotted"},
		{"a=candidate:1 1 UDP 1 192.168.1.23 4000 typ host", "dotted"},
		{"a=candidate:1 1 UDP 1 198.51.100.1 4000 typ srflx raddr 10.66.55.44 rport 9", "dotted"},
		{"a=ssrc:1 cname:u@172.16.9.1", "dotted"},
		{"\x81\xca\x00\x06\x00\x00\x00\x01\x01\x10sip:100@kiwi7lan\x00\x00", "word"},
		{"\x81\xcc\x00\x03\x00\x00\x00\x01APPL\xc0\xa8\x01\x17", "binary"},
		{"\x80\xc8\x00\x06\x0a\x42\x37\x2c", "binary"},
		{"\x01\x01\x00\x08\x21\x12\xa4\x42\xac\x10\x09\x01", "binary"},
	}
	if len(leaks) < 30 {
		t.Fatalf("only %d leaks", len(leaks))
	}
	for _, l := range leaks {
		hits := c.Find([]byte(l.text))
		if len(hits) != 1 || hits[0].Form != l.form {
			t.Errorf("%q: %+v, want %s", l.text, hits, l.form)
		}
	}
	for _, clean := range []string{
		"", "c=IN IP4 192.168.1.231", "c=IN IP4 1192.168.1.23", "Call-ID: 1192-168-1-23", "Via: 198.51.100.1",
	} {
		if hits := c.Find([]byte(clean)); len(hits) != 0 {
			t.Errorf("%q: %+v", clean, hits)
		}
	}
}

// Every message and body in which a device names its side has its canary.
func TestCanariesOfTransfersAndEvents(t *testing.T) {
	w := newWorldOf(t, 3, func(i int, o *Options) {
		o.Quiet, o.Reliable = true, RelSupported
		o.Canary = Canary{Word: "word" + string(rune('a'+i)), Inner: addrs[i].Addr()}
	})
	route(w)
	fields := map[string]int{} // method and field, or the type of the body
	w.lose = func(p packet) bool {
		m := new(sip.Message)
		if err := m.Parse(p.bytes); err != nil {
			t.Fatal(err)
		}
		c := Canary{Word: "word" + string(rune('a'+p.by))}
		for _, f := range m.Fields() {
			if len(c.Find(m.Bytes(f.Line))) > 0 {
				fields[title(t, p.bytes)+" "+f.ID.String()]++
			}
		}
		if f, ok := m.First(sip.FieldContentType); ok {
			fields[string(sip.MediaType(m.Raw, f.Value))] += len(c.Find(m.Bytes(m.Body())))
		}
		if n := m.Count(sip.FieldReferredBy); n > 1 {
			t.Errorf("%d Referred-By", n)
		}
		return false
	}
	w.react[1] = ringOnly
	id, _ := w.dial(0, 1)
	w.do(1, w.agents[1].Progress(w.now, 1, nil))
	w.run(time.Second)
	w.do(0, w.agents[0].Update(w.now, id, Inactive, nil))
	w.run(time.Second)
	w.do(1, w.agents[1].Answer(w.now, 1, nil))
	w.run(time.Second)
	for _, event := range packages {
		w.subscribe(Subscribe{Event: event})
	}
	_, do := w.agents[0].Publish(w.now, "b", nil)
	w.do(0, do)
	_, do = w.agents[0].NotifyUnasked(w.now, "b", nil)
	w.do(0, do)
	_, do = w.agents[0].Message(w.now, "b", "hello", nil)
	w.do(0, do)
	to, _ := w.dial(0, 2)
	w.do(0, w.agents[0].Transfer(w.now, id, to, nil))
	w.run(5 * time.Second)
	if !w.has(0, Transferred, 200) {
		t.Errorf("a: %s", w.kinds(0))
	}
	w.hangup(1)
	w.done()
	w.clean()
	for _, f := range []string{
		"REFER Refer-To", "REFER Referred-By", "REFER Contact", "REFER Call-ID", "PRACK Via", "PRACK Call-ID", "UPDATE Contact", "UPDATE User-Agent",
		"SUBSCRIBE Contact", "SUBSCRIBE From", "SUBSCRIBE Call-ID", "NOTIFY Contact", "NOTIFY User-Agent", "MESSAGE From", "PUBLISH Via",
		"message/sipfrag", "application/dialog-info+xml", "application/simple-message-summary", "application/pidf+xml", "application/reginfo+xml",
		"application/conference-info+xml", "application/sdp",
	} {
		if fields[f] == 0 {
			t.Errorf("no canary was found in %s", f)
		}
	}
}
