package ua

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// packages are the event packages of an agent that is told of none.
var packages = []string{"dialog", "message-summary", "presence", "reg", "conference"}

// mediaTypeOf is the type of the bodies of a package: RFC 4235, RFC 3842, RFC
// 3863, RFC 3680, RFC 4575.
func mediaTypeOf(event string) string {
	switch event {
	case "dialog":
		return "application/dialog-info+xml"
	case "message-summary":
		return "application/simple-message-summary"
	case "presence":
		return "application/pidf+xml"
	case "reg":
		return "application/reginfo+xml"
	case "conference":
		return "application/conference-info+xml"
	}
	return ""
}

const xmlHead = "<?xml version=\"1.0\"?>\r\n"

// state writes the body of a NOTIFY: what the agent knows of itself, with the
// names of its side.
func (a *Agent) state(s *subscription) string {
	version := s.version
	s.version++
	host := a.namedHost()
	aor := "sip:" + s.expect + "@" + host
	contact := a.contactURI()
	switch s.event {
	case "dialog":
		return xmlHead + fmt.Sprintf("<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"%d\" state=\"full\" entity=\"%s\">\r\n%s</dialog-info>\r\n",
			version, aor, a.dialogInfo())
	case "message-summary":
		return fmt.Sprintf("Messages-Waiting: yes\r\nMessage-Account: %s\r\nVoice-Message: %d/8 (0/2)\r\n", aor, version)
	case "presence":
		return xmlHead + fmt.Sprintf("<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"%s\">\r\n<tuple id=\"t%d\"><status><basic>open</basic></status>"+
			"<contact priority=\"0.8\">%s</contact></tuple>\r\n</presence>\r\n", aor, version, contact)
	case "reg":
		return xmlHead + fmt.Sprintf("<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"%d\" state=\"full\">\r\n"+
			"<registration aor=\"%s\" id=\"r1\" state=\"active\"><contact id=\"c1\" state=\"active\" event=\"registered\"><uri>%s</uri></contact></registration>\r\n"+
			"</reginfo>\r\n", version, aor, contact)
	case "conference":
		return xmlHead + fmt.Sprintf("<conference-info xmlns=\"urn:ietf:params:xml:ns:conference-info\" entity=\"%s\" state=\"full\" version=\"%d\">\r\n"+
			"<users><user entity=\"sip:%s@%s\"><endpoint entity=\"%s\"/></user></users>\r\n</conference-info>\r\n", aor, version, a.o.User, host, contact)
	}
	return ""
}

// dialogInfo writes the agent's calls as RFC 4235 section 4.1 does.
func (a *Agent) dialogInfo() string {
	var b strings.Builder
	for _, c := range a.calls {
		if !canBeNamed(c) {
			continue
		}
		state, direction := "early", "recipient"
		if c.up {
			state = "confirmed"
		}
		if c.out {
			direction = "initiator"
		}
		remote := strings.Trim(c.remote, "<>")
		if _, uri, ok := strings.Cut(remote, "<"); ok {
			remote = uri
		}
		fmt.Fprintf(&b, "<dialog id=\"d%d\" call-id=\"%s\" local-tag=\"%s\" remote-tag=\"%s\" direction=\"%s\"><state>%s</state>",
			c.id, c.callID, c.localTag, c.remoteTag, direction, state)
		fmt.Fprintf(&b, "<local><identity>sip:%s@%s</identity><target uri=\"%s\"/></local>",
			a.o.User, a.namedHost(), a.contactURI())
		fmt.Fprintf(&b, "<remote><identity>%s</identity><target uri=\"%s\"/></remote></dialog>\r\n", escapeXML(remote), escapeXML(c.target))
	}
	return b.String()
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\"", "&quot;").Replace(s)
}

// A told is what a body says.
type told struct {
	user    string   // of whom it speaks
	version string   // empty: it has none
	dialogs []dialog // that it names, as their owner's far end knows them
}

// readState reads a body, and fails where it is not well-formed.
func readState(event, body string) (t told, err error) {
	if event == "message-summary" {
		return readSummary(body)
	}
	d := xml.NewDecoder(strings.NewReader(body))
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return t, err
		}
		if e, ok := token.(xml.StartElement); ok {
			t.element(e)
		}
	}
	if t.user == "" {
		return t, errors.New("no entity")
	}
	return t, nil
}

func (t *told) element(e xml.StartElement) {
	at := func(name string) string {
		for _, a := range e.Attr {
			if a.Name.Local == name {
				return a.Value
			}
		}
		return ""
	}
	switch e.Name.Local {
	case "dialog-info", "presence", "conference-info":
		t.user, t.version = userOf(at("entity")), at("version")
	case "reginfo":
		t.version = at("version")
	case "registration":
		t.user = userOf(at("aor"))
	case "dialog":
		if at("remote-tag") != "" {
			t.dialogs = append(t.dialogs, dialog{callID: at("call-id"), remoteTag: at("local-tag"), localTag: at("remote-tag")})
		}
	}
}

func readSummary(body string) (t told, err error) {
	for line := range strings.SplitSeq(strings.TrimSuffix(body, crlf), crlf) {
		name, value, ok := strings.Cut(line, ": ")
		if !ok {
			return t, fmt.Errorf("line %q", line)
		}
		if name == "Message-Account" {
			t.user = userOf(value)
		}
	}
	return t, nil
}

// userOf returns the user part of a URI.
func userOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	user, _, _ := strings.Cut(rest, "@")
	return user
}
