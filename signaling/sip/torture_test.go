package sip_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// A verdict on one message of RFC 4475 or RFC 5118. An empty cause accepts.
type verdict struct {
	cause  string
	status int // 0: dropped without an answer
}

// The messages are those of the archive in RFC 4475 appendix A, octet by
// octet, but for the empty line that the archive's baddn lacks and the text
// has.
var rfc4475 = map[string]verdict{
	// Section 3.1.1: valid.
	"wsinv": {}, "intmeth": {}, "esc01": {}, "escnull": {}, "esc02": {}, "lwsdisp": {}, "longreq": {},
	"dblreq": {}, "semiuri": {}, "transports": {}, "mpart01": {}, "unreason": {}, "noreason": {},

	// Section 3.1.2: invalid.
	"badinv01": {"syntax", 400},
	"clerr":    {"content_length", 400},
	"ncl":      {"content_length", 400},
	"scalar02": {"cseq", 400},
	"scalarlg": {"cseq", 0}, // a response gets no answer
	"quotbal":  {"quoting", 400},
	// The RFC lets an element infer what was meant in the next seven. Two
	// elements that infer differently see two messages, so none passes.
	"ltgtruri": {"start_line", 400},
	"lwsruri":  {"start_line", 400},
	"lwsstart": {"start_line", 400},
	"trws":     {"start_line", 400},
	"escruri":  {"uri_headers", 400},
	"regbadct": {"syntax", 400},
	"badaspec": {"syntax", 400},
	"baddn":    {"syntax", 400},
	// The Date is nothing that a border reads: it passes as it came.
	"baddate":    {},
	"badvers":    {"version", 505},
	"mismatch01": {"cseq_method", 400},
	"mismatch02": {"cseq_method", 400}, // 501 is allowed too: 400 says what is wrong
	"bigcode":    {"status", 0},

	// Sections 3.2 to 3.4: what is wrong is not the message's form, or it is
	// for who reads that field.
	"badbranch": {},
	"insuf":     {"missing_field", 400},
	"unkscm":    {"scheme", 416},
	"novelsc":   {"scheme", 416},
	"unksm2":    {},
	"bext01":    {},
	"invut":     {},
	"regaut01":  {},
	"multi01":   {"duplicate_field", 400},
	"mcl01":     {"content_length", 400},
	"bcast":     {},
	"zeromf":    {},
	"cparam01":  {}, "cparam02": {},
	"regescrt": {},
	"sdp01":    {},
	// RFC 2543 knew an INVITE without Contact. It parses; Contacts tells.
	"inv2543": {},

	// In the archive, not in the text: a start line without a version.
	"test": {"not_sip", 0},
}

// Content-Length of the three with a body counts their line ends as two
// octets. The RFC prints other lengths, which fit no line end.
var rfc5118 = map[string]verdict{
	"ipv6-good":                     {},
	"ipv6-bad":                      {"start_line", 400},
	"port-ambiguous":                {},
	"port-unambiguous":              {},
	"via-received-param-with-delim": {},
	"via-received-param-no-delim":   {},
	"ipv6-in-sdp":                   {},
	"mult-ip-in-header":             {},
	"mult-ip-in-sdp":                {},
	"ipv4-mapped-ipv6":              {},
	"ipv6-bug-abnf-3-colons":        {}, // section 4.10: "must tolerate"
	"ipv6-correct-abnf-2-colons":    {},
}

func TestRFC4475(t *testing.T) { torture(t, "testdata/rfc4475", rfc4475) }
func TestRFC5118(t *testing.T) { torture(t, "testdata/rfc5118", rfc5118) }

func torture(t *testing.T, dir string, verdicts map[string]verdict) {
	files, err := filepath.Glob(filepath.Join(dir, "*.dat"))
	if err != nil || len(files) != len(verdicts) {
		t.Errorf("%d messages, %d verdicts (%v)", len(files), len(verdicts), err)
	}
	for name, want := range verdicts {
		t.Run(name, func(t *testing.T) {
			raw := read(t, filepath.Join(dir, name+".dat"))
			var m sip.Message
			err := m.Parse(raw)
			if want.cause != "" {
				refused(t, &m, err, want)
				return
			}
			if err != nil {
				t.Fatalf("%v, want it accepted", err)
			}
			out, err := m.AppendTo(nil, nil)
			if err != nil || !bytes.Equal(out, raw[:len(raw)-m.Trailing()]) {
				t.Errorf("written again as %q (%v)", out, err)
			}
			again(t, &m)
		})
	}
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// refused holds err against the verdict, and the answer that m allows against
// RFC 3261 section 8.2.6.
func refused(t *testing.T, m *sip.Message, err error, want verdict) {
	t.Helper()
	e, ok := err.(*sip.Error)
	if !ok {
		t.Fatalf("got %v, want cause %s", err, want.cause)
	}
	if e.Cause != want.cause || e.Status != want.status {
		t.Errorf("got %s, %d (%v); want %s, %d", e.Cause, e.Status, e, want.cause, want.status)
	}
	if e.Want == "" || e.At < 0 || e.At > len(m.Raw) {
		t.Errorf("error says %q at %d of %d octets", e.Want, e.At, len(m.Raw))
	}
	if e.Status != 0 {
		answered(t, m, e.Status)
	}
}

// answered checks the answer to a refused request: one start line, Via as
// often as in the request, nothing that was not asked for.
func answered(t *testing.T, m *sip.Message, status int) {
	t.Helper()
	out := sip.AppendResponse(nil, m, &sip.Response{Status: status, ToTag: []byte("ours")})
	head, body, ok := bytes.Cut(out, []byte("\r\n\r\n"))
	if !ok || len(body) != 0 || !bytes.HasPrefix(out, []byte("SIP/2.0 ")) {
		t.Fatalf("answer %q", out)
	}
	vias := 0
	for i, line := range bytes.Split(head, []byte("\r\n")) {
		name, _, colon := strings.Cut(string(line), ": ")
		switch {
		case name == "Via":
			vias++
		case i > 0 && (!colon || !strings.Contains(" From To Call-ID CSeq Content-Length ", " "+name+" ")):
			t.Errorf("answer has the line %q", line)
		}
		if bytes.ContainsAny(line, "\r\n\x00") {
			t.Errorf("answer has the line %q", line)
		}
	}
	if vias == 0 || vias != m.Count(sip.FieldVia) {
		t.Errorf("%d Via in the answer, %d in the request", vias, m.Count(sip.FieldVia))
	}
}

// again parses what m was written as, and compares.
func again(t *testing.T, m *sip.Message) {
	t.Helper()
	var n sip.Message
	if err := n.Parse(m.Raw); err != nil {
		t.Fatalf("written and parsed again: %v", err)
	}
	if a, b := describe(m), describe(&n); a != b {
		t.Errorf("written and parsed again:\n%s\nwas\n%s", b, a)
	}
}
