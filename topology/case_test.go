package topology

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sbc/lab/ladder"
	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

var update = flag.Bool("update", false, "write the results into the .case files")

// A hideCase is one file of testdata: a message and a leg, what becomes of it
// and why.
type hideCase struct {
	file *ladder.Case
	in   string // LF, as in the file

	leg  Leg
	sdp  *SDP
	hide Known

	dialogs [][]string // Call-ID, to-tag, from-tag there, and here
}

// dialog knows a dialog by all three parts of its name; "-" stands for none.
func (c *hideCase) dialog(d DialogName) (DialogName, bool) {
	for _, words := range c.dialogs {
		there, here := named3(words[:3]), named3(words[3:])
		if bytes.Equal(there.CallID, d.CallID) && bytes.Equal(there.ToTag, d.ToTag) && bytes.Equal(there.FromTag, d.FromTag) {
			return here, true
		}
	}
	return DialogName{}, false
}

func (c *hideCase) callID(id []byte) ([]byte, bool) {
	for _, words := range c.dialogs {
		if words[0] == string(id) {
			return []byte(words[3]), true
		}
	}
	return nil, false
}

func named3(words []string) (d DialogName) {
	for i, to := range []*[]byte{&d.CallID, &d.ToTag, &d.FromTag} {
		if words[i] != "-" {
			*to = []byte(words[i])
		}
	}
	return d
}

func uint32Of(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// readCase reads a .case file: comment, "-- leg --", "-- in --", "-- out --",
// "-- changes --".
func readCase(t testing.TB, path string) *hideCase {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := ladder.ReadCase(b)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	c := hideCase{file: file}
	legText, _ := file.Text("leg")
	c.in, _ = file.Text("in")
	c.leg.MaxForwards = -1
	c.leg.Realm = &Realm{}
	for line := range strings.Lines(legText) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if err := c.set(key, value); err != nil {
			t.Fatalf("%s: %s: %v", path, key, err)
		}
	}
	if err := c.leg.Realm.Compile(); err != nil {
		t.Fatal(err)
	}
	return &c
}

// set reads one line of the leg section.
func (c *hideCase) set(key, value string) (err error) {
	l, r := &c.leg, c.leg.Realm
	first, rest, _ := strings.Cut(value, " ")
	switch key {
	case "realm":
		r.Name = value
	case "mask":
		r.Mask, r.MaskRule = []byte(first), edit.Reason(rest)
	case "agent":
		r.UserAgent, r.AgentRule = first, edit.Reason(rest)
	case "pass":
		r.Pass = append(r.Pass, FieldRule{first, edit.Reason(rest)})
	case "remove":
		r.Remove = append(r.Remove, FieldRule{first, edit.Reason(rest)})
	case "add":
		v, rule, _ := strings.Cut(rest, " ")
		r.Add = append(r.Add, AddRule{first, v, edit.Reason(rule)})
	case "request-uri":
		l.RequestURI = []byte(value)
	case "via":
		l.Vias = fmt.Appendf(l.Vias, "Via: %s\r\n", value)
	case "route":
		l.Routes = fmt.Appendf(l.Routes, "%s\r\n", value)
	case "call-id":
		l.CallID = []byte(value)
	case "cseq":
		var n int
		n, err = strconv.Atoi(value)
		l.CSeq = uint32(n)
	case "from":
		l.From = []byte(value)
	case "to":
		l.To = []byte(value)
	case "from-tag":
		l.FromTag = []byte(value)
	case "to-tag":
		l.ToTag = []byte(value)
	case "contact":
		l.Contact = []byte(value)
	case "max-forwards":
		l.MaxForwards, err = strconv.Atoi(value)
	case "host":
		l.Host = []byte(value)
	case "peer-host":
		l.PeerHost = []byte(value)
	case "dialog":
		c.dialogs = append(c.dialogs, strings.Fields(value))
		l.Dialog, l.CallIDs = c.dialog, c.callID
	case "rack":
		l.RAck = uint32Of(first)
	case "referred":
		l.Referred = uint32Of(first)
	case "redirects":
		l.Redirects = true
	case "body":
		name, rule, _ := strings.Cut(rest, " ")
		r.Bodies = append(r.Bodies, BodyRule{name, first == "remove", edit.Reason(rule)})
	case "hide":
		c.hide.AddHost([]byte(value), "the other side")
		c.hide.AddToken([]byte(value), "the other side")
	case "sdp":
		c.sdp = &SDP{}
		var addr string
		_, err = fmt.Sscan(value, &c.sdp.Origin.ID, &c.sdp.Origin.Version, &addr)
		c.sdp.Addr = netip.MustParseAddr(addr)
	case "line":
		var line Line
		line, err = readLine(value)
		c.sdp.Lines = append(c.sdp.Lines, line)
	default:
		err = fmt.Errorf("no such key")
	}
	return err
}

func readLine(value string) (l Line, err error) {
	words := strings.Fields(value)
	for i := 0; i < len(words); i++ {
		w := words[i]
		for _, d := range []sdp.Direction{sdp.SendRecv, sdp.SendOnly, sdp.RecvOnly, sdp.Inactive} {
			if d.String() == w {
				l.Direction = d
			}
		}
		switch {
		case l.Direction != 0 && w == l.Direction.String():
		case w == "mux":
			l.Mux = true
		case w == "rtcp":
			var n int
			i++
			n, err = strconv.Atoi(words[i])
			l.RTCPPort = uint16(n)
		default:
			var n int
			n, err = strconv.Atoi(w)
			l.Port = uint16(n)
		}
	}
	return l, err
}

// wire makes the octets of a message of a case: CRLF, and the length of the
// body where the file has "Content-Length: *".
func wire(text string) []byte {
	b := string(ladder.CRLF(text))
	_, body, _ := strings.Cut(b, "\r\n\r\n")
	length := strconv.Itoa(len(body))
	return []byte(strings.NewReplacer("\nContent-Length: *", "\nContent-Length: "+length, "\nl: *", "\nl: "+length).Replace(b))
}

// descriptionIn finds the session description in a message.
func descriptionIn(m *sip.Message) (edit.Span, error) {
	part, ok, err := m.BodyPart("application/sdp")
	if err == nil && !ok {
		err = errors.New("no session description")
	}
	return part, err
}

// hideIn runs Hide on a message and returns what goes out.
func (c *hideCase) hideIn(m *sip.Message, given []edit.Edit, s *Scratch) ([]edit.Edit, error) {
	leg := c.leg
	if c.sdp != nil {
		part, err := descriptionIn(m)
		if err != nil {
			return nil, err
		}
		var session sdp.Session
		if err := session.Parse(m.Raw, part); err != nil {
			return nil, err
		}
		d := *c.sdp
		d.Session, d.Body = &session, part
		leg.SDP = &d
	}
	return Hide(m, &leg, given, s), nil
}

func TestHideCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.case")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d cases, %v", len(files), err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".case"), func(t *testing.T) {
			c := readCase(t, path)
			var m sip.Message
			if err := m.Parse(wire(c.in)); err != nil {
				t.Fatal(err)
			}
			var s Scratch
			edits, err := c.hideIn(&m, nil, &s)
			if err != nil {
				t.Fatal(err)
			}
			out, err := m.AppendTo(nil, edits)
			if err != nil {
				t.Fatal(err)
			}
			c.check(t, out)
			c.compare(t, path, ladder.LF(out), account(m.Raw, edits))
		})
	}
}

// check holds for every case: the result is a message, and says nothing of
// the other side.
func (c *hideCase) check(t *testing.T, out []byte) {
	t.Helper()
	var m sip.Message
	if err := m.Parse(out); err != nil {
		t.Errorf("the result cannot be parsed: %v\n%s", err, out)
	}
	if len(m.Raw) != len(out) {
		t.Errorf("%d octets behind the body", len(out)-len(m.Raw))
	}
	for _, l := range Audit(out, nil, &c.hide) {
		t.Errorf("leak: %+v", l)
	}
}

func (c *hideCase) compare(t *testing.T, path, out, changes string) {
	t.Helper()
	before := string(c.file.Bytes())
	c.file.Set("out", out)
	c.file.Set("changes", changes)
	after := c.file.Bytes()
	if *update {
		if err := os.WriteFile(path, after, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if diff := ladder.Diff(before, string(after)); diff != "" {
		t.Error(diff)
	}
}

// account writes the edits as the trace shows them.
func account(raw []byte, edits []edit.Edit) string {
	var b strings.Builder
	for _, e := range edits {
		fmt.Fprintf(&b, "%s\n", e.Why)
		if e.End > e.Start {
			fmt.Fprintf(&b, "    - %s\n", escaped(raw[e.Start:e.End]))
		}
		if len(e.New) > 0 {
			fmt.Fprintf(&b, "    + %s\n", escaped(e.New))
		}
	}
	return b.String()
}

func escaped(b []byte) string { return ladder.Escape(string(b)) }

func addr4(a, b, c, d byte) netip.Addr { return netip.AddrFrom4([4]byte{a, b, c, d}) }
