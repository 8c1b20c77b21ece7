package topology

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// FuzzHide: whatever comes in, the edits do not overlap, the result is a
// message, and nothing of the other side's path and dialog is in it.
func FuzzHide(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.case")
	for _, path := range files {
		f.Add(wire(readCase(f, path).in), "10.0.0.5", true)
	}
	f.Add(plant(invite, map[string]string{"FIELD": "Record-Route: <sip:10.0.0.5>\r\nRoute: <sip:10.0.0.5>\r\n"}), "anonymous", false)
	f.Fuzz(holds)
}

// holds checks what holds for every message.
func holds(t *testing.T, raw []byte, host string, rules bool) {
	var m sip.Message
	if m.Parse(raw) != nil {
		return
	}
	leg := outsideLeg()
	if rules {
		leg.Realm = &Realm{
			UserAgent: "x", Pass: []FieldRule{{"From", "a"}, {"Diversion", "b"}}, Remove: []FieldRule{{"Allow", "c"}, {"x-a", "d"}},
			Add: []AddRule{{"X-B", "1", "e"}},
		}
		if err := leg.Realm.Compile(); err != nil {
			t.Fatal(err)
		}
	}
	var session sdp.Session
	if part, ok, err := m.BodyPart("application/sdp"); err == nil && ok && session.Parse(m.Raw, part) == nil {
		leg.SDP = &SDP{Session: &session, Body: part, Addr: addr4(203, 0, 113, 7), Lines: []Line{{Port: 20000, Direction: sdp.SendOnly}, {Port: 20010, RTCPPort: 20020}, {Port: 20030, Mux: true}}}
	}
	var s Scratch
	out, err := m.AppendTo(nil, Hide(&m, leg, nil, &s))
	if err != nil {
		t.Fatalf("%v\n%q", err, raw)
	}
	var again sip.Message
	if err := again.Parse(out); err != nil {
		t.Fatalf("%v\n%q\nbecame\n%q", err, raw, out)
	}
	if len(again.Raw) != len(out) {
		t.Fatalf("%d octets behind the body: %q", len(out)-len(again.Raw), out)
	}
	checkDialog(t, &again, leg)
	if leg.SDP != nil {
		checkSDP(t, &again, &session)
	}
	checkNamed(t, &m, out)
	checkScrub(t, &again, out, host)
}

// checkNamed tells whether the path and the dialog of in are in out, where
// Hide alone answers for it.
func checkNamed(t *testing.T, in *sip.Message, out []byte) {
	t.Helper()
	var k Known
	for _, ours := range []string{"203.0.113.7", "sip.itsp.example", "our-call-id", "our-tag", "z9hG4bKours"} {
		k.Allow([]byte(ours))
	}
	k.AddHost(in.Bytes(in.Via().Host), "Via")
	k.AddToken(in.Bytes(in.Via().Branch), "branch")
	k.AddToken(in.Bytes(in.CallID()), "Call-ID")
	for _, l := range Audit(out, nil, &k) {
		switch l.Field {
		case "Via", "Call-ID", "Contact", "CSeq", "Route", "Record-Route":
			t.Fatalf("%+v\n%q\nbecame\n%q", l, in.Raw, out)
		}
	}
}

// checkScrub: scrubbed or not, it stays a message.
func checkScrub(t *testing.T, m *sip.Message, out []byte, host string) {
	t.Helper()
	var k Known
	k.AddHost([]byte(host), "fuzzed")
	edits, ok := Scrub(out, Audit(out, nil, &k))
	if !ok {
		return
	}
	clean, err := m.AppendTo(nil, m.FixLength(edits))
	if err != nil {
		t.Fatalf("%v\n%q", err, out)
	}
	if err := m.Parse(clean); err != nil {
		t.Fatalf("%v\n%q\nscrubbed\n%q", err, out, clean)
	}
}

// Messages made of lines that real ones have, in any order and number.
func TestRandomMessages(t *testing.T) {
	var fields, lines []string
	files, _ := filepath.Glob("testdata/*.case")
	for _, path := range files {
		head, body, _ := strings.Cut(readCase(t, path).in, "\n\n")
		head = strings.NewReplacer("\n ", "\r\n ", "\n\t", "\r\n\t").Replace(head)
		for _, line := range strings.Split(head, "\n")[1:] {
			line = strings.TrimSuffix(line, "\r")
			if !strings.HasPrefix(line, "l: ") && !strings.HasPrefix(line, "Content-") && !strings.HasPrefix(line, "c: ") {
				fields = append(fields, line+"\r\n")
			}
		}
		for line := range strings.Lines(body) {
			if strings.HasPrefix(line, "v=") || len(line) < 3 || line[1] != '=' {
				continue
			}
			lines = append(lines, strings.TrimSuffix(line, "\n")+"\r\n")
		}
	}
	for seed := range uint64(4000) {
		r := rand.New(rand.NewPCG(seed, 7))
		planted := map[string]string{}
		for range r.IntN(16) {
			planted["FIELD"] += fields[r.IntN(len(fields))]
			planted["ATTRIBUTE"] += lines[r.IntN(len(lines))]
		}
		host := []string{"10.0.0.5", "192.168.1.10", "sip.itsp.example", "198.51.100.20"}[r.IntN(4)]
		raw := plant(invite, planted)
		if r.IntN(4) == 0 {
			raw = bytes.Replace(raw, []byte("INVITE sip:+4930123456@192.168.1.1 SIP/2.0"), []byte("SIP/2.0 183 On 10.0.0.5"), 1)
		}
		holds(t, raw, host, r.IntN(2) == 0)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// checkDialog tells whether path and dialog are those of the leg.
func checkDialog(t *testing.T, m *sip.Message, leg *Leg) {
	t.Helper()
	if m.Count(sip.FieldVia) != 1 || string(m.Bytes(m.Via().Host)) != "203.0.113.7" {
		t.Fatalf("Via: %q", m.Raw)
	}
	if string(m.Bytes(m.CallID())) != string(leg.CallID) || string(m.Bytes(m.From().Tag)) != string(leg.FromTag) || !m.To().Tag.Empty() || m.CSeq() != leg.CSeq {
		t.Fatalf("dialog: %q", m.Raw)
	}
	if m.Count(sip.FieldRoute)+m.Count(sip.FieldRecordRoute) != 0 || m.Count(sip.FieldContact) != 1 {
		t.Fatalf("routes or Contact: %q", m.Raw)
	}
	if f, _ := m.First(sip.FieldContact); string(m.Bytes(f.Value)) != string(leg.Contact) {
		t.Fatalf("Contact: %q", m.Raw)
	}
}

// checkSDP tells whether all addresses and ports are ours.
func checkSDP(t *testing.T, m *sip.Message, in *sdp.Session) {
	t.Helper()
	part, err := descriptionIn(m)
	if err != nil {
		t.Fatalf("%v: %q", err, m.Raw)
	}
	var s sdp.Session
	if err := s.Parse(m.Raw, part); err != nil {
		t.Fatalf("%v: %q", err, m.Raw)
	}
	if len(s.Media) != len(in.Media) {
		t.Fatalf("%d media lines became %d: %q", len(in.Media), len(s.Media), m.Raw)
	}
	want := []uint16{20000, 20010, 20030}
	for i, line := range s.Media {
		port := uint16(0)
		if i < len(want) && !Streamed(in, i) {
			port = want[i]
		}
		if line.PortNum != port || line.HasICE || line.Addr.IsValid() && line.Addr != addr4(203, 0, 113, 7) {
			t.Fatalf("media line %d: %q", i, m.Raw)
		}
		if i == 0 && port != 0 && line.Direction != sdp.SendOnly {
			t.Fatalf("direction: %q", m.Raw)
		}
	}
}
