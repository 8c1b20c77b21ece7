package policy

import (
	"net/netip"
	"regexp"
	"strconv"

	"sbc/policy/digest"
	"sbc/signaling/sip"
)

// A Ref is the place of a rule in the configuration.
type Ref struct {
	File string // as the operator named it
	Line int    // from 1; 0: no place
}

// String returns "sbc.hcl:14", or "" for the zero Ref.
func (r Ref) String() string {
	if r.Line == 0 {
		return r.File
	}
	return r.File + ":" + strconv.Itoa(r.Line)
}

// Options are the rules in plain Go. Indices name realms by their place in
// Realms and peers by their place in Peers. Compile keeps the slices: they
// must not change afterwards.
type Options struct {
	Realms  []Realm
	Peers   []Peer
	Domains []Domain
	Routes  []Route // in the order in which they are tried
	Calls   int     // calls at once, of all peers together; 0: no limit
}

// A Realm is a network that the SBC faces.
type Realm struct {
	Name  string
	Trust bool // strangers get an answer instead of silence

	// Emergency are numbers, as they stand in the Request-URI, whose calls are
	// refused last: no limit holds for them. urn:service:sos is one always.
	Emergency []string

	Limits Limits // of all its peers together
	Ref    Ref
}

// A Peer is a configured neighbour: an ITSP trunk, a PBX; or a class of user
// agents that register.
type Peer struct {
	Name   string
	Realm  int
	Target Target

	// Registers: it is where it registers from as User of Domain, not at a Target.
	Registers bool
	User      string

	// Endpoints: it is many user agents, which are where they registered from.
	// nil: it is one neighbour at Target.
	Endpoints *Endpoints

	// Sources are where its messages come from. Empty: from what Target
	// resolves to.
	Sources []netip.Prefix

	// Names are SIP domains (RFC 5922): who proves one of them by the certificate of
	// a connection is the peer, wherever it comes from. A peer with Names and
	// without Sources is known by nothing else.
	Names []string

	// Domain is the host that it wants to see in Request-URI, From and To.
	// Empty: the host of Target. Endpoints register for it and must have one.
	Domain string

	// Asymmetric: it sends from another port than the one it listens on, and
	// wants answers at the port in its Via (RFC 3261 section 18.2.2).
	Asymmetric bool

	Redirect Redirect // what is done with its 3xx

	// Gone: the configuration no longer names it. It keeps its place, so that
	// the calls that it still has end well, and begins nothing.
	Gone bool

	Limits Limits
	Tolls  Tolls
	Ref    Ref
}

// Endpoints are user agents that register through us.
type Endpoints struct {
	// To is the peer that they register with. Their requests go there unless a
	// route says otherwise. Below 0: they register here, and are in a Domain.
	To int
}

// Here reports whether p is bound to where it is by our own registrar: a peer
// that registers, or endpoints that register here.
func (p *Peer) Here() bool { return p.Registers || p.Endpoints != nil && p.Endpoints.To < 0 }

// A Domain is a host in whose name we ask those who say that they are of it to
// prove it, in one realm.
type Domain struct {
	Realm int
	Host  string // in lower case; also the name of Auth
	Auth  *digest.Realm
	Who   map[string]int // the peer that a user of Auth is, or the endpoints that it belongs to
	Ref   Ref
}

// Host returns the host that the peer wants to see: Domain, else the host of
// the target.
func (p *Peer) Host() string {
	if p.Domain != "" {
		return p.Domain
	}
	return p.Target.Host
}

// A Target is where requests for a peer are sent.
type Target struct {
	Host      string     // as written; IPv6 without brackets
	Addr      netip.Addr // valid when Host is an address
	Port      uint16
	Transport string // "udp", "tcp", "tls"; "": open, UDP unless a request is too large for it (RFC 3261 section 18.1.1)
}

// First returns the transport that requests leave by unless their size says
// otherwise: where none is named that is UDP (RFC 3263 section 4.1).
func (t *Target) First() string {
	if t.Transport == "" {
		return UDP
	}
	return t.Transport
}

// Transports of targets and listeners.
const (
	UDP = "udp"
	TCP = "tcp"
	TLS = "tls"
	WS  = "ws"  // of listeners alone: a browser cannot be called but by its own connection
	WSS = "wss" // likewise
)

// A Redirect is what is done with the 3xx responses of a peer.
type Redirect uint8

// What is done with a 3xx.
const (
	RedirectPass   Redirect = iota // it goes to the caller, without the contacts' hosts
	RedirectFollow                 // its contacts are tried in the place of the peer (RFC 3261 section 8.1.3.4)
)

func (r Redirect) String() string {
	if int(r) < len(redirects) {
		return redirects[r]
	}
	return "unknown"
}

var redirects = [...]string{"pass", "follow"}

// ParseRedirect reads the name of a Redirect.
func ParseRedirect(name string) (Redirect, bool) {
	for i, n := range redirects {
		if n == name {
			return Redirect(i), true
		}
	}
	return 0, false
}

// A Route sends requests of some peers to others.
type Route struct {
	Name    string
	From    []int // peers; at least one
	Match   Match
	To      []int    // peers, in the order in which they are tried; at least one
	Rewrite *Rewrite // nil: the user part stays as it is
	Ref     Ref
}

// A Match narrows a route. Everything that it names must hold; the zero
// Match holds for every request.
type Match struct {
	User    *regexp.Regexp // of the Request-URI, escapes resolved; nil: any
	Host    *regexp.Regexp // of the Request-URI; nil: any
	Methods []sip.Method   // one of them; empty: any
	Fields  []FieldMatch   // all of them
}

// A FieldMatch holds when the message has a field of that name with a value
// that Value matches. Of a repeated field one line is enough.
type FieldMatch struct {
	Name  string // long or compact form, case does not matter
	Value *regexp.Regexp
}

// A Rewrite changes the user part of the Request-URI. Either Replace is set,
// or Strip and Prefix are.
type Rewrite struct {
	Strip  int    // characters taken off the front
	Prefix string // put in front, after Strip

	// Replace is the new user part; $1 to $9 stand for the groups of the
	// route's Match.User, $0 for what it matched, $$ for a dollar.
	Replace string
}
