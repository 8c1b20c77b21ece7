package ladder

import (
	"bytes"
	"fmt"
	"strings"
)

// A Case is a .case file: a comment and named texts. Lines end with LF in the
// file; CRLF makes of a text what goes on the wire.
//
//	# The host in Contact is ours.
//	-- in --
//	INVITE sip:bob@192.168.1.1 SIP/2.0
//	-- out --
//	INVITE sip:bob@sip.itsp.example SIP/2.0
type Case struct {
	Comment  string // what stands above the first section
	Sections []Section
}

// A Section is a text of a Case. It is empty or ends with LF.
type Section struct{ Name, Text string }

// ReadCase reads a .case file. The errors tell what would make it read
// otherwise than it looks: a CR, a name that comes twice.
func ReadCase(data []byte) (*Case, error) {
	if i := bytes.IndexByte(data, '\r'); i >= 0 {
		return nil, fmt.Errorf("line %d: a CR: lines end with LF in the file", 1+bytes.Count(data[:i], []byte("\n")))
	}
	c, n := &Case{}, 0
	text := &c.Comment
	for line := range strings.Lines(string(data)) {
		n++
		name, ok := marker(strings.TrimSuffix(line, "\n"))
		if !ok {
			*text += line
			continue
		}
		if _, twice := c.Text(name); twice {
			return nil, fmt.Errorf("line %d: a second section %q", n, name)
		}
		c.Sections = append(c.Sections, Section{Name: name})
		text = &c.Sections[len(c.Sections)-1].Text
	}
	if len(c.Sections) == 0 {
		return nil, fmt.Errorf("no section: want a line like %q", "-- in --")
	}
	*text = ended(*text)
	return c, nil
}

// marker returns the name in a line "-- name --".
func marker(line string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(line, "-- ")
	if !ok {
		return "", false
	}
	name, ok = strings.CutSuffix(rest, " --")
	name = strings.TrimSpace(name)
	return name, ok && name != ""
}

// Text returns the text of the section of that name.
func (c *Case) Text(name string) (text string, ok bool) {
	for i := range c.Sections {
		if c.Sections[i].Name == name {
			return c.Sections[i].Text, true
		}
	}
	return "", false
}

// Set makes text the text of the section of that name, which comes last where
// it is new. A last line without line end gets one, CRs go.
func (c *Case) Set(name, text string) {
	text = ended(strings.ReplaceAll(text, "\r", ""))
	for i := range c.Sections {
		if c.Sections[i].Name == name {
			c.Sections[i].Text = text
			return
		}
	}
	c.Sections = append(c.Sections, Section{name, text})
}

// Bytes returns the file: what ReadCase read, and Set changed.
func (c *Case) Bytes() []byte {
	b := []byte(ended(c.Comment))
	for _, s := range c.Sections {
		b = fmt.Appendf(b, "-- %s --\n%s", s.Name, ended(s.Text))
	}
	return b
}

func ended(text string) string {
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

// CRLF returns text with each LF as CRLF: as it goes on the wire. A CR that
// stands before a LF already stays one.
func CRLF(text string) []byte {
	b := make([]byte, 0, len(text)+strings.Count(text, "\n"))
	for i := range len(text) {
		if text[i] == '\n' && (i == 0 || text[i-1] != '\r') {
			b = append(b, '\r')
		}
		b = append(b, text[i])
	}
	return b
}

// LF returns data with each CRLF as LF: as it stands in a file. Other CRs
// stay, as \r, so that they are seen.
func LF(data []byte) string {
	return strings.ReplaceAll(strings.ReplaceAll(string(data), "\r\n", "\n"), "\r", `\r`)
}
