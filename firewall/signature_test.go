package firewall

import (
	"bytes"
	"strings"
	"testing"
)

func TestSignatures(t *testing.T) {
	s, err := compile(append(DefaultSignatures(), Signature{"z9hG4bK-evil", InVia, Scanner}))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text string
		want       Offences
		agent      string
	}{
		{"a phone", string(register), 0, "Z 5.6.4 v2.10.20.4"},
		{"svmap", string(svmap), Scanner, "friendly-scanner"},
		{"nothing", "", 0, ""},
		{"one line", "OPTIONS sip:a SIP/2.0", 0, ""},
		{"ends within a name", "X\r\nUser-Ag", 0, ""},
		{"ends behind the name", "X\r\nUser-Agent", 0, ""},
		{"ends behind the colon", "X\r\nUser-Agent:", 0, ""},
		{"any case", "X\nUSER-AGENT:FRIENDLY-SCANNER", Scanner, "FRIENDLY-SCANNER"},
		{"spaces before the colon", "X\r\nuser-agent \t : sipcli/v1.8\r\n", Scanner, "sipcli/v1.8"},
		{"within", "X\r\nUser-Agent: my VaxSIPUserAgent/3.1\r\n", Scanner, "my VaxSIPUserAgent/3.1"},
		{"another field of that beginning", "X\r\nUser-Agents: sipcli\r\n", 0, ""},
		{"an honest tool", "X\r\nUser-Agent: sipsak 0.9.7\r\n", Tool, "sipsak 0.9.7"},
		{"a server of that name", "X\r\nServer: friendly-scanner\r\n", 0, ""},
		{"in the name of From", "X\r\nFrom: \"SipVicious\"<sip:1@a>\r\n", Scanner, ""},
		{"in short", "X\r\nf: <sip:nm@nm>;tag=root\r\n", Scanner, ""},
		{"To", "X\r\nt:\"sipvicious\"<sip:100@1.1.1.1>\r\n", Scanner, ""},
		{"Via", "X\r\nv: SIP/2.0/UDP a;branch=z9hG4bK-EVIL1\r\n", Scanner, ""},
		{"one that is only looked for elsewhere", "X\r\nFrom: <sip:sipcli@a>\r\n", 0, ""},
		{"in the body", "X\r\nCSeq: 1 A\r\n\r\nUser-Agent: sipcli\r\n", 0, ""},
		{"in a body of lines without CR", "X\nCSeq: 1 A\n\nUser-Agent: sipcli\n", 0, ""},
		{"in the first line", "User-Agent: sipcli\r\nX: 1\r\n", 0, ""},
		{"the second of two", "X\r\nUser-Agent: a\r\nUser-Agent: sipcli\r\n", Scanner, "a"},
		{"too far behind", "X\r\nA: " + strings.Repeat("a", headMax) + "\r\nUser-Agent: sipcli\r\n", 0, ""},
	} {
		o, agent := s.find([]byte(c.text))
		if o != c.want || string(agent) != c.agent {
			t.Errorf("%s: %v, agent %q", c.name, o, agent)
		}
	}
}

// What is found is what a slow search of each line finds.
func FuzzSignatures(f *testing.F) {
	s, err := compile(append(DefaultSignatures(), Signature{"via", InVia | InTo, Tool}))
	if err != nil {
		f.Fatal(err)
	}
	g := newGuard(f, nil)
	f.Add(register)
	f.Add(svmap)
	f.Add([]byte("\nuser-agent:\n\rf: SIPSAK\n\n"))
	f.Add([]byte("\nv:via\nt \t:Via"))
	f.Fuzz(func(t *testing.T, b []byte) {
		before := bytes.Clone(b)
		got, agent := s.find(b)
		if want := slowFind(b); got != want {
			t.Errorf("%v, want %v", got, want)
		}
		g.Verdict(0, 0, 0, scanner, b)
		structure(b)
		if !bytes.Equal(b, before) || len(agent) > headMax {
			t.Error("it was changed")
		}
	})
}

func slowFind(b []byte) (o Offences) {
	text := strings.ToLower(ascii(b[:min(len(b), headMax)]))
	for i, line := range strings.Split(text, "\n") {
		if i == 0 {
			continue
		}
		if line == "" || line[0] == '\r' {
			break
		}
		name, value, ok := strings.Cut(line, ":")
		in, known := map[string]Field{"user-agent": InUserAgent, "from": InFrom, "f": InFrom, "to": InTo, "t": InTo, "via": InVia, "v": InVia}[strings.TrimRight(name, " \t")]
		if !ok || !known {
			continue
		}
		for _, g := range append(DefaultSignatures(), Signature{"via", InVia | InTo, Tool}) {
			if g.In&in != 0 && strings.Contains(value, strings.ToLower(g.Text)) {
				o |= g.Is
			}
		}
	}
	return o
}

// ascii keeps strings.ToLower from making anything of other octets.
func ascii(b []byte) string {
	c := bytes.Clone(b)
	for i := range c {
		if c[i] >= 0x80 {
			c[i] = 1
		}
	}
	return string(c)
}
