package config

import (
	"net"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

// A Learn says how a public address of ours is found out. The zero Learn: it is
// not, and what is advertised stands in the file.
type Learn struct {
	Method string // "auto", "stun", "upnp", "pcp" or "natpmp"; "": not at all
	Server string // of STUN: host:port
}

// Learns reports whether an address of the realm is found out.
func (e *Realm) Learns() bool { return e.Learn.Signaling.Method != "" || e.Learn.Media.Method != "" }

// ways are the methods that ask a router.
var ways = []string{"auto", "upnp", "pcp", "natpmp"}

const (
	stunScheme = "stun:"
	stunPort   = 3478 // RFC 8489 section 18.6
)

// advertise puts what the realm is told in the place of our own addresses, by
// family, or says how it is learned.
func (r *reader) advertise(b *advertiseBlock, e *Realm) {
	e.Media.Advertise = e.Media.Addr
	if b == nil {
		return
	}
	var signaling, media, listeners Addrs
	for _, l := range e.Listen {
		*listeners.slot(l.Addr.Addr()) = l.Addr.Addr()
	}
	if !r.learn(b.Signaling, &e.Learn.Signaling) && r.addresses(b.Signaling, &signaling) && r.has(b.Signaling, signaling, listeners, "listener") {
		for i := range e.Listen {
			l := &e.Listen[i]
			if a := signaling.Of(l.Addr.Addr()); a.IsValid() {
				l.Host = HostPort(a, int(l.Addr.Port()))
			}
		}
	}
	if !r.learn(b.Media, &e.Learn.Media) && r.addresses(b.Media, &media) && r.has(b.Media, media, e.Media.Addr, "media address") {
		e.Media.Advertise = media.or(e.Media.Addr)
	}
	if b.Media == nil {
		e.Learn.Media = e.Learn.Signaling
	}
}

// learn reads how an address is learned; false: it is written.
func (r *reader) learn(a *hcl.Attribute, to *Learn) bool {
	if a == nil {
		return false
	}
	v, diags := a.Expr.Value(nil)
	if diags.HasErrors() || !v.IsKnown() || v.IsNull() || v.Type().FriendlyName() != "string" {
		return false
	}
	word := v.AsString()
	for _, way := range ways {
		if word == way {
			to.Method = way
			return true
		}
	}
	server, ok := strings.CutPrefix(word, stunScheme)
	if ok {
		r.stunServer(server, a.Expr.Range(), to)
	}
	return ok
}

// stunServer reads host[:port].
func (r *reader) stunServer(s string, at hcl.Range, to *Learn) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), strconv.Itoa(stunPort)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || !goodHost(host) {
		r.fail(at, "Not a STUN server", "%q is none. Write \"stun:stun.example.com\" or \"stun:192.0.2.1:3478\".", stunScheme+s)
		return
	}
	to.Method, to.Server = "stun", net.JoinHostPort(host, port)
}
