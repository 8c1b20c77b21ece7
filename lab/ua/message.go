package ua

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"sbc/signaling/sip"
)

const (
	crlf  = "\r\n"
	allow = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, PRACK, UPDATE, REFER, SUBSCRIBE, NOTIFY, MESSAGE, PUBLISH"
)

// request is what a request says, less what the agent adds to each.
type request struct {
	method, uri  string
	branch       string
	from, to     string // with tags
	callID       string
	seq          uint32
	routes       []string
	fields       string // complete lines
	contentType  string // empty: application/sdp
	body         string
	withIdentity bool // with the fields that name the caller and its way
}

// text writes a request.
func (a *Agent) text(r request) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\n", r.method, r.uri)
	fmt.Fprintf(&b, "Via: SIP/2.0/%s %s;branch=%s;rport\r\n", a.o.transport(), a.o.Addr, r.branch)
	b.WriteString(a.o.Canary.via(r.branch))
	b.WriteString("Max-Forwards: 70\r\n")
	for _, route := range r.routes {
		fmt.Fprintf(&b, "Route: %s\r\n", route)
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n", r.from, r.to, r.callID, r.seq, r.method)
	b.WriteString(r.fields)
	if r.withIdentity {
		b.WriteString(a.identity(r.fields))
	}
	b.WriteString(a.o.Canary.agent("User-Agent"))
	writeBody(&b, r.contentType, r.body)
	return []byte(b.String())
}

// identity is what a request says of its sender, less what its fields say: a
// transferee names the transferor, and there is one Referred-By.
func (a *Agent) identity(fields string) string {
	var b strings.Builder
	for line := range strings.Lines(a.o.Canary.identity(a.o.User, a.o.Addr)) {
		if !strings.HasPrefix(line, "Referred-By:") || !strings.Contains(fields, "Referred-By:") {
			b.WriteString(line)
		}
	}
	return b.String()
}

func writeBody(b *strings.Builder, contentType, body string) {
	if body != "" {
		if contentType == "" {
			contentType = "application/sdp"
		}
		fmt.Fprintf(b, "Content-Type: %s\r\n", contentType)
	}
	fmt.Fprintf(b, "Content-Length: %d\r\n\r\n%s", len(body), body)
}

// contact returns the agent's Contact field.
func (a *Agent) contact() string {
	return fmt.Sprintf("Contact: <%s>\r\n", a.contactURI())
}

func (a *Agent) contactURI() string {
	transport := ""
	if a.o.Stream {
		transport = ";transport=tcp"
	}
	return fmt.Sprintf("sip:%s@%s%s%s", a.o.User, a.here(), transport, a.o.Canary.uriParam())
}

// here is the address that the agent's Contact says.
func (a *Agent) here() netip.AddrPort {
	if a.public.IsValid() {
		return a.public
	}
	return a.o.Addr
}

// selfURI is the value of our From: the address-of-record of who registers.
func (a *Agent) selfURI() string {
	if a.reg != nil {
		return a.reg.own.local
	}
	return a.o.Canary.identityURI(a.o.User, a.o.Addr)
}

func (o *Options) transport() string {
	if o.Stream {
		return "TCP"
	}
	return "UDP"
}

// responseTo writes a response. RFC 3261 section 8.2.6.
func (a *Agent) responseTo(s *server, status int, tag, fields, body string) []byte {
	m := s.request
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %d %s\r\n", status, sip.StatusText(status))
	first := true
	for _, f := range m.Fields() {
		if f.ID != sip.FieldVia {
			continue
		}
		value := string(m.Bytes(f.Value))
		if first {
			value = received(value, s.from)
			first = false
		}
		fmt.Fprintf(&b, "Via: %s\r\n", value)
	}
	to := string(m.Bytes(m.To().Value))
	if m.To().Tag.Empty() && tag != "" {
		to += ";tag=" + tag
	}
	fmt.Fprintf(&b, "From: %s\r\nTo: %s\r\n", m.Bytes(m.From().Value), to)
	fmt.Fprintf(&b, "Call-ID: %s\r\nCSeq: %d %s\r\n", m.Bytes(m.CallID()), m.CSeq(), m.MethodName())
	if s.invite() && status > 100 && status < 300 {
		for _, f := range m.Fields() {
			if f.ID == sip.FieldRecordRoute {
				fmt.Fprintf(&b, "Record-Route: %s\r\n", m.Bytes(f.Value))
			}
		}
	}
	b.WriteString(fields)
	if status > 100 {
		b.WriteString(a.o.Canary.agent("Server"))
		b.WriteString(a.o.Canary.answer(status, a.o.User, a.o.Addr))
	}
	writeBody(&b, "", body)
	return []byte(b.String())
}

// received fills in the source of a request in its top Via. RFC 3581 section 4.
func received(via string, from netip.AddrPort) string {
	top, rest, more := strings.Cut(via, ",")
	head, params, _ := strings.Cut(top, ";")
	var b strings.Builder
	b.WriteString(head)
	for p := range strings.SplitSeq(params, ";") {
		if strings.EqualFold(strings.TrimSpace(p), "rport") {
			p = "rport=" + strconv.Itoa(int(from.Port())) + ";received=" + from.Addr().String()
		}
		if p != "" {
			b.WriteString(";" + p)
		}
	}
	if more {
		b.WriteString("," + rest)
	}
	return b.String()
}

// ackOf writes the ACK for a final response of 300 and over: of the request
// the top Via, the Route, From, Call-ID and Request-URI, of the response To.
// RFC 3261 section 17.1.1.3.
func ackOf(invite []byte, m *sip.Message) []byte {
	return derived(invite, "ACK", string(m.Bytes(m.To().Value)))
}

// cancelOf writes the CANCEL of an INVITE. RFC 3261 section 9.1.
func cancelOf(invite []byte) []byte { return derived(invite, "CANCEL", "") }

// derived writes a request that shares the transaction of an INVITE of ours.
func derived(invite []byte, method, to string) []byte {
	head, _, _ := strings.Cut(string(invite), crlf+crlf)
	lines := strings.Split(head, crlf)
	var b strings.Builder
	b.WriteString(method + strings.TrimPrefix(lines[0], "INVITE") + crlf)
	vias := 0
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		switch name {
		case "Via":
			if vias++; vias > 1 {
				continue
			}
		case "To":
			if to != "" {
				line = "To: " + to
			}
		case "CSeq":
			number, _, _ := strings.Cut(value, " ")
			line = "CSeq: " + number + " " + method
		case "Max-Forwards", "Route", "From", "Call-ID":
		default:
			continue
		}
		b.WriteString(line + crlf)
	}
	b.WriteString("Content-Length: 0" + crlf + crlf)
	return []byte(b.String())
}

// summary names a message in an event.
func summary(m *sip.Message) string {
	return fmt.Sprintf("%s (Call-ID %s, CSeq %d %s)", m.Bytes(m.StartLine()), m.Bytes(m.CallID()), m.CSeq(), m.MethodName())
}
