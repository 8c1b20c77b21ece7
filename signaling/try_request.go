package signaling

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sbc/policy"
	"sbc/signaling/sip"
)

// Ours: bounds of what is asked, far above what anybody writes by hand.
const (
	tryTextMax   = 256  // octets of a name, number or URI
	tryFieldMax  = 1024 // octets of a field
	tryFieldsMax = 32
)

// tryMethods are the methods that begin something and may be tried. A REGISTER
// would change who is where.
var tryMethods = []string{"INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "NOTIFY", "PUBLISH", "REFER"}

var tryTransports = []string{policy.UDP, policy.TCP, policy.TLS, policy.WS, policy.WSS}

// tryOwn are the fields that a Try writes itself, those that name a call, which
// would have to exist, and credentials: they are good for one request, and this
// is none.
var tryOwn = []sip.FieldID{
	sip.FieldVia, sip.FieldFrom, sip.FieldTo, sip.FieldCallID, sip.FieldCSeq, sip.FieldContentLength, sip.FieldContentType,
	sip.FieldReplaces, sip.FieldJoin, sip.FieldAuthorization, sip.FieldProxyAuthorization,
}

// check reports what is wrong with t, and fills in what it leaves out.
func (t *Try) check() error {
	wrong := func(format string, args ...any) error { return &TryError{fmt.Sprintf(format, args...)} }
	for _, s := range []struct{ name, text string }{
		{"realm", t.Realm}, {"from", t.From}, {"to", t.To}, {"user agent", t.UserAgent}, {"user", t.Proven}, {"method", t.Method}, {"name", t.Name}, {"transport", t.Transport},
	} {
		if len(s.text) > tryTextMax || !printable(s.text) {
			return wrong("%s is longer than %d octets, or has control characters in it", s.name, tryTextMax)
		}
	}
	if t.Method == "" {
		t.Method = "INVITE"
	}
	if t.Transport = strings.ToLower(t.Transport); t.Transport == "" {
		t.Transport = policy.UDP
	}
	switch {
	case !slices.Contains(tryTransports, t.Transport):
		return wrong("%q is no transport; there are %s", t.Transport, strings.Join(tryTransports, ", "))
	case !t.Source.Addr().IsValid() || t.Source.Addr().IsUnspecified() || t.Source.Addr().Zone() != "":
		return wrong("no source address")
	case t.From == "" || t.To == "":
		return wrong("a request needs somebody whom it is from, and somebody whom it is to")
	case !slices.Contains(tryMethods, t.Method):
		return wrong("method %q cannot be tried; those that can are %s", t.Method, strings.Join(tryMethods, ", "))
	case len(t.Fields) > tryFieldsMax:
		return wrong("more than %d fields", tryFieldsMax)
	}
	for _, f := range t.Fields {
		if name, _, ok := strings.Cut(f, ":"); !ok || strings.TrimSpace(name) == "" || len(f) > tryFieldMax || !printable(f) {
			return wrong("%q is no field of at most %d octets, like X-Account: gold", f[:min(len(f), 64)], tryFieldMax)
		}
	}
	for _, id := range t.fields() {
		if slices.Contains(tryOwn, id) {
			return wrong("%s cannot be given: a try writes it, or has no call or challenge that it could be of", id)
		}
	}
	t.Source = netip.AddrPortFrom(t.Source.Addr().Unmap(), orDefault(t.Source.Port()))
	return nil
}

// printable reports whether s can stand in a line.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// fields returns which fields t gives.
func (t *Try) fields() (list []sip.FieldID) {
	var m sip.Message
	_ = m.Parse([]byte("INVITE sip:x SIP/2.0\r\n" + strings.Join(t.Fields, "\r\n") + "\r\n\r\n")) // it is no whole message, and need not be
	for _, f := range m.Fields() {
		list = append(list, f.ID)
	}
	return list
}

// tryURI writes what a Try names as a URI; host is that of who names none.
func tryURI(name, host string) string {
	for _, scheme := range []string{"sip:", "sips:", "tel:", "urn:"} {
		if len(name) >= len(scheme) && strings.EqualFold(name[:len(scheme)], scheme) {
			return name
		}
	}
	if strings.Contains(name, "@") {
		return "sip:" + name
	}
	return "sip:" + name + "@" + host
}

// hostText writes an address as the host of a URI.
func hostText(a netip.Addr) string {
	if a.Is6() {
		return "[" + a.String() + "]"
	}
	return a.String()
}

// request writes the request: to uri, from a URI, with media at a port of its
// source.
func (t *Try) request(uri, from string, mediaPort uint16) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	given, source := t.fields(), t.Source.String()
	line("%s %s SIP/2.0", t.Method, uri)
	line("Via: SIP/2.0/%s %s;branch=z9hG4bK-sbc-try;rport", strings.ToUpper(t.Transport), source)
	own := func(id sip.FieldID, value string) {
		if !slices.Contains(given, id) {
			line("%s: %s", id, value)
		}
	}
	own(sip.FieldMaxForwards, "70")
	line("From: <%s>;tag=sbc-try", from)
	line("To: <%s>", uri)
	line("Call-ID: sbc-try@%s", hostText(t.Source.Addr()))
	line("CSeq: 1 %s", t.Method)
	if t.Method != "MESSAGE" && t.Method != "PUBLISH" {
		own(sip.FieldContact, "<sip:"+source+">")
	}
	if t.UserAgent != "" {
		own(sip.FieldUserAgent, t.UserAgent)
	}
	if t.Method == "SUBSCRIBE" || t.Method == "PUBLISH" {
		own(sip.FieldEvent, "presence")
		own(sip.FieldExpires, "3600")
	}
	for _, f := range t.Fields {
		line("%s", f)
	}
	kind, body := t.body(mediaPort)
	if body != "" {
		line("Content-Type: %s", kind)
	}
	line("Content-Length: %s", strconv.Itoa(len(body)))
	return b.String() + "\r\n" + body
}

// body returns a body that the method usually has: an INVITE offers audio.
func (t *Try) body(mediaPort uint16) (kind, body string) {
	switch t.Method {
	case "INVITE":
		family := "IP4"
		if t.Source.Addr().Is6() {
			family = "IP6"
		}
		return "application/sdp", fmt.Sprintf("v=0\r\no=- 1 1 IN %[1]s %[2]s\r\ns=-\r\nc=IN %[1]s %[2]s\r\nt=0 0\r\nm=audio %[3]d RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n",
			family, t.Source.Addr(), mediaPort)
	case "MESSAGE":
		return "text/plain", "sbc try"
	}
	return "", ""
}
