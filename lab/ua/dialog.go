package ua

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"sbc/signaling/sip"
)

// A dialog is what RFC 3261 section 12 says that a user agent keeps of one.
type dialog struct {
	callID              string
	local, remote       string // values of From and To as we send them, without tags
	localTag, remoteTag string
	localSeq, remoteSeq uint32
	target              string // the far end's Contact: Request-URI within the dialog
	routes              []string
	direct              bool // its first request goes by routes and target instead of to the peer
}

// dialogKey is the dialog that a request within one names.
func dialogKey(m *sip.Message) string {
	return string(m.Bytes(m.CallID())) + " " + string(m.Bytes(m.To().Tag))
}

func (d *dialog) key() string { return d.callID + " " + d.localTag }

// learn takes the far end's target and, where set is true, the route set out
// of a message that makes or refreshes the dialog. RFC 3261 section 12.1.
// Routes that lead back to us are left out: a Canary plays a proxy that lives
// at our own address.
func (d *dialog) learn(m *sip.Message, set bool, self netip.AddrPort) error {
	f, ok := m.First(sip.FieldContact)
	if !ok {
		return fmt.Errorf("no Contact in %s", summary(m))
	}
	for contact, err := range m.NameAddrs(f) {
		if err != nil {
			return fmt.Errorf("unreadable Contact in %s: %w", summary(m), err)
		}
		d.target = string(m.Bytes(contact.URI))
		break
	}
	if !set {
		return nil
	}
	d.routes = nil
	for _, f := range m.Fields() {
		if f.ID != sip.FieldRecordRoute {
			continue
		}
		for route, err := range m.NameAddrs(f) {
			if err != nil {
				return fmt.Errorf("unreadable Record-Route in %s: %w", summary(m), err)
			}
			if hop(m.Bytes(route.URI)) != self {
				d.routes = append(d.routes, string(m.Bytes(route.Value)))
			}
		}
	}
	if !m.IsRequest() {
		slices.Reverse(d.routes)
	}
	return nil
}

// next returns the address to which requests within the dialog go: the first
// route, else the target. Names are not looked up: they go to the peer.
func (d *dialog) next(peer netip.AddrPort) netip.AddrPort {
	uri := []byte(d.target)
	if len(d.routes) > 0 {
		raw := []byte(d.routes[0])
		route, err := sip.ParseNameAddr(raw, sip.Span{End: len(raw)})
		if err != nil {
			return peer
		}
		uri = route.URI.Of(raw)
	}
	if at := hop(uri); at.IsValid() {
		return at
	}
	return peer
}

// hop returns the address that a URI names, the zero AddrPort where it names
// none.
func hop(uri []byte) netip.AddrPort {
	u, err := sip.ParseURI(uri, sip.Span{End: len(uri)})
	if err != nil {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(strings.Trim(string(u.Host.Of(uri)), "[]"))
	if err != nil {
		return netip.AddrPort{}
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(addr, uint16(port))
}

// request begins a request within the dialog: the caller adds fields and body.
func (d *dialog) request(method, branch string, seq uint32) request {
	r := request{
		method: method, uri: d.target, branch: branch, callID: d.callID, seq: seq, routes: d.routes,
		from: d.local + ";tag=" + d.localTag, to: d.remote,
	}
	if d.remoteTag != "" {
		r.to += ";tag=" + d.remoteTag
	}
	return r
}
