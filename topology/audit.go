package topology

import (
	"bytes"
	"strings"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// A Leak is an identifier that must not be in a message but is.
type Leak struct {
	Field  string    // where: the field's name in full if we know it, else "other"; "start line", "SDP a=", "body"
	Name   string    // the field's name as it stands; "" outside of fields
	At     edit.Span // the identifier in the message
	Type   string    // media type of the body, or the part of one, that it stands in, in lower case; "" elsewhere
	Text   string    // the identifier as it stands; escape it before you show it
	What   string    // whose it is, as the Known says
	Host   bool      // an address or host name; else a Call-ID, tag or branch
	Shared bool      // it stands in what users write to each other (RFC 3428): counted, never taken out
}

// Audit appends to leaks what out, a message about to be sent, holds of the
// identifiers in known. It reads every octet, those of the body too, as they
// are and with percent escapes and references of XML
// undone, and compares whole identifiers: an
// address in any spelling as an address, a domain name without regard to case
// and with all names below it, a Call-ID, tag or branch as a whole token.
//
// A nil Known is an empty one. It keeps nothing and allocates only when it
// finds something. It reports 64 leaks at most, the order of which says
// nothing.
func Audit(out []byte, leaks []Leak, known ...*Known) []Leak {
	s := scanner{text: out, known: known, least: len("00000000")}
	some := false
	for _, k := range known {
		if k == nil {
			continue
		}
		some = some || len(k.entries) > 0
		for i, bits := range k.filter {
			s.filter[i] |= bits
		}
		if k.shortest > 0 {
			s.least = min(s.least, k.shortest)
		}
	}
	if !some {
		return leaks
	}
	s.scan()
	if s.escaped {
		s.unescape()
	}
	if s.n == 0 {
		return leaks
	}
	found := len(leaks)
	for _, h := range s.hits[:s.n] {
		e := &known[h.of.set].entries[h.of.entry]
		leaks = append(leaks, Leak{At: edit.Span{Start: h.start, End: h.end}, What: e.what, Host: e.kind != kindToken})
	}
	locate(out, leaks[found:])
	return leaks
}

// locate fills in where the leaks are.
func locate(out []byte, leaks []Leak) {
	message := bytes.HasPrefix(out, []byte("MESSAGE "))
	body := bytes.Index(out, []byte("\r\n\r\n"))
	if body < 0 {
		body = len(out)
	}
	for i := range leaks {
		l := &leaks[i]
		l.Text = string(l.At.Of(out))
		if l.At.Start > body {
			l.Field = bodyField(out[body:], l.At.Start-body)
			continue
		}
		line := fieldStart(out, l.At.Start)
		if line == 0 {
			l.Field = "start line"
			continue
		}
		name, _, _ := bytes.Cut(out[line:], []byte(":"))
		name = bytes.TrimRight(name, " \t")
		l.Name, l.Field = string(name), fieldName(name)
	}
	locateTypes(out, leaks, body, message)
}

// locateTypes fills in of which type the bodies are that leaks stand in, and
// whether users wrote them to each other.
func locateTypes(out []byte, leaks []Leak, body int, message bool) {
	some := false
	for i := range leaks {
		some = some || leaks[i].At.Start > body
	}
	var m sip.Message
	if !some || m.Parse(out) != nil {
		return
	}
	parts, err := m.AppendParts(nil)
	if err != nil {
		return
	}
	for i := range leaks {
		l := &leaks[i]
		for _, p := range parts {
			if p.Inside == 0 && p.Content.Start <= l.At.Start && l.At.End <= p.Content.End {
				l.Type = strings.ToLower(string(sip.MediaType(out, p.Type)))
				l.Shared = message && written(l.Type)
				if l.Type != "" && l.Type != string(sdpType) {
					l.Field = "body"
				}
			}
		}
	}
}

// written reports whether users write to each other in bodies of that type
// (RFC 3428, RFC 3862, RFC 3994). One without a type is text.
func written(mediaType string) bool {
	switch mediaType {
	case "", "message/cpim", "application/im-iscomposing+xml":
		return true
	}
	return strings.HasPrefix(mediaType, "text/")
}

// fieldStart returns the offset of the field, or start line, that at lies in.
// A line that begins with white space goes on with the one before it.
func fieldStart(out []byte, at int) int {
	for {
		line := bytes.LastIndexByte(out[:at], '\n') + 1
		if line == 0 || out[line] != ' ' && out[line] != '\t' {
			return line
		}
		at = line - 1
	}
}

// bodyField names the SDP line at an offset of the body: "SDP a=".
func bodyField(body []byte, at int) string {
	line := body[bytes.LastIndexByte(body[:at], '\n')+1:]
	if len(line) > 2 && line[1] == '=' && 'a' <= line[0] && line[0] <= 'z' && bytes.Contains(body, []byte("\nv=0")) {
		return "SDP " + string(line[:2])
	}
	return "body"
}
