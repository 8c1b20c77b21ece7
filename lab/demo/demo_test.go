package demo

import (
	"bytes"
	"context"
	"reflect"
	"strings"
	"testing"

	"sbc"
	"sbc/config"
	"sbc/lab/ua"
	"sbc/signaling"
)

func message(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n")) }

func TestHiddenRows(t *testing.T) {
	near := message("INVITE sip:1@192.0.2.1 SIP/2.0", "v: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa", "Via: SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb",
		"Max-Forwards: 70", "From: <sip:2@a.example>;tag=1", "To: <sip:1@192.0.2.1>", "Call-ID: x", "CSeq: 1 INVITE", "Contact: <sip:2@10.0.0.1>", "X-Same: yes", "X-Near: only",
		"Content-Type: application/sdp", "", "v=0", "o=- 1 1 IN IP4 10.0.0.1", "s=-", "t=0 0", "a=candidate:1 x", "a=sendrecv", "")
	far := message("INVITE sip:1@b.example SIP/2.0", "Via: SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKc",
		"Max-Forwards: 70", "From: <sip:2@198.51.100.2>;tag=2", "To: <sip:1@b.example>", "Call-ID: y", "CSeq: 1 INVITE", "Contact: <sip:198.51.100.2>", "X-Same: yes", "X-Far: new",
		"Content-Type: application/sdp", "", "v=0", "o=- 1 1 IN IP4 198.51.100.2", "s=-", "t=0 0", "a=recvonly", "")
	want := []row{
		{"Request-URI", "sip:1@192.0.2.1", "sip:1@b.example"},
		{"Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.2;branch=z9hG4bKb", "SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKc"},
		{"From", "<sip:2@a.example>;tag=1", "<sip:2@198.51.100.2>;tag=2"},
		{"To", "<sip:1@192.0.2.1>", "<sip:1@b.example>"},
		{"Call-ID", "x", "y"},
		{"Contact", "<sip:2@10.0.0.1>", "<sip:198.51.100.2>"},
		{"X-Near", "only", ""},
		{"SDP o", "- 1 1 IN IP4 10.0.0.1", "- 1 1 IN IP4 198.51.100.2"},
		{"SDP a=candidate", "1 x", ""},
		{"SDP a=sendrecv", "(set)", ""},
		{"X-Far", "", "new"},
		{"SDP a=recvonly", "", "(set)"},
	}
	if got := hiddenRows(near, far); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if got := hiddenRows(near, near); got != nil {
		t.Errorf("a message differs from itself: %q", got)
	}
}

func TestCell(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "-    "}, {"abc", "abc  "}, {"abcde", "abcde"}, {"abcdef", "abcd…"}, {"a\r\nb", `a\r\…`}, {"äöü", "äöü  "},
	} {
		if got := cell(c.in, 5); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

// Without root the example must still be one configuration, wholly on loopback.
func TestToLoopback(t *testing.T) {
	cfg, err := config.Parse("sbc.hcl.example", []byte(toLoopback(string(sbc.Example))))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range cfg.Realms {
		if !r.Address.IsLoopback() || !r.Media.Addr.IsLoopback() {
			t.Errorf("realm %s is at %v, its media at %v", r.Name, r.Address, r.Media.Addr)
		}
	}
	for _, p := range cfg.Policy.Peers {
		if !p.Target.Addr.IsLoopback() {
			t.Errorf("peer %s is at %v", p.Name, p.Target.Addr)
		}
	}
}

// The demo must say so when something is wrong: it is a check, too.
func TestVerdict(t *testing.T) {
	pbx := &side{name: "PBX", canary: ua.Canary{Word: "officelan"}}
	itsp := &side{name: "ITSP", canary: ua.Canary{Word: "carriercore"}}
	good := signaling.Status{Attempts: 1, Answered: 1}
	for name, c := range map[string]struct {
		change func(*story, *signaling.Status)
		says   string
	}{
		"all is well": {func(*story, *signaling.Status) {}, ""},
		"a name of the far side": {func(s *story, _ *signaling.Status) { s.seen[1] = [][]byte{[]byte("a\r\nX: officelan\r\n")} },
			"WRONG: the ITSP could see officelan (word) of the PBX: X: officelan"},
		"a leak":           {func(_ *story, st *signaling.Status) { st.Leaks = 1 }, "WRONG: the audit found 1 leaks"},
		"a port kept":      {func(_ *story, st *signaling.Status) { st.Ledger.Ports = 2 }, "WRONG: the ledger is not at zero"},
		"a call not taken": {func(_ *story, st *signaling.Status) { st.Answered = 0 }, "WRONG: 1 calls attempted, 0 answered"},
		"nothing heard":    {func(s *story, _ *signaling.Status) { s.heard[0] = false }, "NO"},
		"wrong audio":      {func(s *story, _ *signaling.Status) { s.ended[1].Audio.Wrong = 1 }, "NO"},
	} {
		s, st := &story{from: pbx, to: itsp, heard: [2]bool{true, true}}, good
		c.change(s, &st)
		var out bytes.Buffer
		tell := &teller{w: &out}
		tell.media(s)
		tell.verdict(&world{pbx: pbx, itsp: itsp}, st, s)
		if tell.failed != (c.says != "") || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: failed is %v, says\n%s", name, tell.failed, out.String())
		}
	}
}

// A border that does not start is told of with what it said.
func TestBorderDoesNotStart(t *testing.T) {
	var out bytes.Buffer
	err := Run(context.Background(), Options{Program: "/bin/false", Example: sbc.Example, Out: &out, Once: true, Local: true})
	if err == nil || !strings.Contains(err.Error(), "the border ended at once") {
		t.Errorf("%v", err)
	}
}
