package ua

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"sbc/signaling/sip"
)

func (f *Forker) branch() string {
	const digits = "0123456789abcdef"
	b := []byte("z9hG4bKfork")
	for range 12 {
		b = append(b, digits[f.o.Rand.IntN(len(digits))])
	}
	return string(b)
}

// target is the Request-URI for a branch: the user that was called, at its
// address.
func (f *Forker) target(m *sip.Message, to netip.AddrPort) string {
	u := m.URI()
	if u.User.Empty() {
		return "sip:" + to.String()
	}
	return fmt.Sprintf("sip:%s@%s", m.Bytes(u.User), to)
}

// nextHop returns where the first route that is not ours leads, else the
// Request-URI.
func (f *Forker) nextHop(m *sip.Message) netip.AddrPort {
	for _, field := range m.Fields() {
		if field.ID != sip.FieldRoute {
			continue
		}
		for route, err := range m.NameAddrs(field) {
			if err != nil {
				break
			}
			if at := hop(m.Bytes(route.URI)); at != f.o.Addr {
				return at
			}
		}
	}
	return hop(m.Bytes(m.RequestURI()))
}

// requestOn writes a request as it goes on: with our Via and perhaps
// Record-Route and Route, one hop less, and without the Route that led here.
func (f *Forker) requestOn(m *sip.Message, from netip.AddrPort, uri, branch string, record bool, routes ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=%s\r\n", m.MethodName(), uri, f.o.Addr, branch)
	if record {
		fmt.Fprintf(&b, "Record-Route: <sip:%s;lr%s>\r\n", f.o.Addr, f.o.Canary.uriParam())
	}
	for _, route := range routes {
		fmt.Fprintf(&b, "Route: %s\r\n", route)
	}
	vias := 0
	for _, field := range m.Fields() {
		value := string(m.Bytes(field.Value))
		switch field.ID {
		case sip.FieldVia:
			if vias++; vias == 1 {
				value = received(value, from)
			}
		case sip.FieldMaxForwards:
			value = strconv.Itoa(m.MaxForwards() - 1)
		case sip.FieldRoute:
			if value = f.otherRoutes(m, field); value == "" {
				continue
			}
		}
		fmt.Fprintf(&b, "%s: %s\r\n", m.Bytes(field.Name), value)
	}
	b.WriteString(crlf)
	b.Write(m.Bytes(m.Body()))
	return []byte(b.String())
}

// otherRoutes returns the values of a Route field that are not ours.
func (f *Forker) otherRoutes(m *sip.Message, field sip.Field) string {
	var values []string
	for route, err := range m.NameAddrs(field) {
		if err == nil && hop(m.Bytes(route.URI)) != f.o.Addr {
			values = append(values, string(m.Bytes(route.Value)))
		}
	}
	return strings.Join(values, ", ")
}

// responseBack writes a response less our Via, and says where it goes: to the
// next one. RFC 3261 section 16.7, step 3.
func responseBack(m *sip.Message) (b []byte, to netip.AddrPort, ok bool) {
	vias, out := 0, append([]byte(nil), m.Bytes(m.StartLine())...)
	out = append(out, crlf...)
	for _, field := range m.Fields() {
		if field.ID == sip.FieldVia {
			vias++
			if vias == 1 {
				continue
			}
			if vias == 2 {
				to, ok = viaHop(m, field)
			}
		}
		out = append(out, m.Bytes(field.Line)...)
	}
	out = append(out, crlf...)
	return append(out, m.Bytes(m.Body())...), to, ok
}

// viaHop is where a response with that Via goes. RFC 3581 section 4.
func viaHop(m *sip.Message, field sip.Field) (to netip.AddrPort, ok bool) {
	v, _, err := sip.ParseVia(m.Raw, field.Value)
	if err != nil {
		return to, false
	}
	host, port := v.Host, v.Port
	if !v.Received.Empty() {
		host = v.Received
	}
	if n, err := strconv.Atoi(string(m.Bytes(v.Rport))); err == nil {
		port = n
	}
	if port == 0 {
		port = 5060
	}
	addr, err := netip.ParseAddr(strings.Trim(string(m.Bytes(host)), "[]"))
	return netip.AddrPortFrom(addr, uint16(port)), err == nil
}

// responseTo writes a response of the proxy's own.
func (f *Forker) responseTo(m *sip.Message, from netip.AddrPort, status int) []byte {
	a := Agent{o: Options{Addr: f.o.Addr}}
	tag := ""
	if status > 100 {
		tag = "forker" + strconv.Itoa(int(m.CSeq()))
	}
	return a.responseTo(&server{request: m, from: from}, status, tag, "", "")
}

func (f *Forker) reply(m *sip.Message, from netip.AddrPort, status int, do []Effect) []Effect {
	return f.send(from, f.responseTo(m, from, status), do)
}
