package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sbc/policy"
	"sbc/signaling/transport"
	"sbc/topology"
)

// A Config is a file that was read without a problem.
type Config struct {
	File      string // as it was named
	Realms    []Realm
	Policy    policy.Options // its Realms and the Realms above have the same order
	Endpoints []Endpoints    // and peers that register
	Domains   []Domain
	Clients   []Client
	Turn      *Turn // nil: none
	Firewall  Firewall
	Store     string // path of what outlives the process
	Limits    Limits
	Telemetry Telemetry
	Control   string    // path of the Unix socket of the console
	Warnings  *Problems // what is probably not meant; nil: nothing

	src []byte
}

// A Realm is a network that the SBC faces.
type Realm struct {
	Name    string
	Trust   bool     // strangers are answered; else they get silence
	Address Addrs    // of ours; where listeners and media are unless they say otherwise
	Listen  []Listen // at least one; those of a block that has both families follow each other, IPv4 first
	Media   Media
	Learn   struct{ Signaling, Media Learn } // instead of what is advertised
	NAT     bool                             // far ends may be behind one
	Routed  []netip.Prefix                   // private addresses that are reached in it all the same
	natSet  bool                             // the file says so

	Emergency []string // numbers whose calls are refused last
	Limits    policy.Limits

	Topology *topology.Realm // compiled
	Ref      policy.Ref
}

// A Listen is an address on which a realm's messages arrive.
type Listen struct {
	Transport string     // "udp", "tcp", "tls", "ws", "wss"
	TLS       *ListenTLS // of "tls" and "wss"
	Origins   []string   // of "ws" and "wss": pages that may connect
	PerSource int        // connections of one source; 0: as package transport has it
	Most      int        // connections in all; 0: likewise
	Addr      netip.AddrPort
	Host      string // as it stands in Via and Contact: host[:port], IPv6 in brackets
	Ref       policy.Ref
}

// A ListenTLS is what a listener of TLS shows and asks for.
type ListenTLS struct {
	Files       []transport.CertificateFile // the first is for who asks for no name
	Ask         transport.ClientAsk
	ClientUsage transport.ClientUsage
	CA          string // file of the authorities of clients; "": the system's
}

// A Client is how connections of TLS are opened to a peer.
type Client struct {
	Peer        int                       // which of Policy.Peers
	Name        string                    // that it has to prove
	CA          string                    // file; "": the system's authorities
	Certificate transport.CertificateFile // to show; zero: none
	Wildcard    bool
}

// Has reports whether the realm has a listener of a transport with the family
// of addr.
func (e *Realm) Has(transport string, addr netip.Addr) bool {
	return slices.ContainsFunc(e.Listen, func(l Listen) bool {
		return l.Transport == transport && l.Addr.Addr().Is4() == addr.Is4()
	})
}

// Network returns the families in which the realm has listeners of a
// transport, as package resolve takes them: "ip4", "ip6", "ip" for both, ""
// for none.
func (e *Realm) Network(transport string) string {
	ip4, ip6 := e.Has(transport, netip.IPv4Unspecified()), e.Has(transport, netip.IPv6Unspecified())
	switch {
	case ip4 && ip6:
		return "ip"
	case ip4:
		return "ip4"
	case ip6:
		return "ip6"
	}
	return ""
}

// Media says where a realm's media sockets are.
type Media struct {
	Addr      Addrs     // that they are bound to
	Advertise Addrs     // that session descriptions name; of the families of Addr, and the same unless it differs
	Ports     [2]uint16 // first (even) and last, both included, of each address
	Ref       policy.Ref
}

// Limits end what goes on for too long.
type Limits struct {
	Calls int           // at once, in all; 0: no limit
	Ring  time.Duration // from an INVITE to its final response
	Media time.Duration // silence of all media that ends a call; 0: never
	Held  time.Duration // the same while a call is held; 0: never
	Call  time.Duration // the longest call; 0: no bound
}

// Telemetry says where the SBC tells of itself.
type Telemetry struct {
	Listen     netip.AddrPort // metrics, /livez, /readyz; zero: nowhere
	LogLevel   slog.Level
	LogFormat  string // "auto" (text on a terminal, else json), "text", "json"
	TraceBytes int    // memory for the traces of all calls
}

// Ours: a file of a thousand routes has 200 KiB.
const fileMax = 1 << 20

// Load reads and checks a file. Where the file can be read but is wrong, the
// error is a *Problems with everything that is.
func Load(path string) (*Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	r := newReader(SystemInterfaces, path, src)
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o007 != 0 {
		r.open = st.Mode().Perm()
	}
	return r.parse()
}

// Parse reads and checks the contents of a file. Names of interfaces are
// looked up on this machine. filename is shown in problems, its last element
// in the places of rules.
func Parse(filename string, src []byte) (*Config, error) {
	return ParseOn(SystemInterfaces, filename, src)
}

// ParseOn is Parse for a machine with other interfaces.
func ParseOn(machine Interfaces, filename string, src []byte) (*Config, error) {
	return newReader(machine, filename, src).parse()
}

func newReader(machine Interfaces, filename string, src []byte) *reader {
	return &reader{machine: machine, file: filename, base: filepath.Base(filename), src: src, patterns: newPatterns()}
}

func (r *reader) parse() (*Config, error) {
	file := r.blocks()
	if file == nil {
		return nil, r.problems()
	}
	c := r.config(file)
	if p := r.problems(); p != nil {
		return nil, p
	}
	c.Warnings = r.warnings()
	return c, nil
}

// config reads the blocks in the order in which they refer to each other.
func (r *reader) config(file *fileBlock) *Config {
	c := &Config{File: r.file, src: r.src}
	r.realms(file, c)
	r.peers(file, c)
	r.endpoints(file, c)
	r.domains(file, c)
	r.routes(file, c)
	r.limits(only(r, "limits", file.Limits), c)
	r.telemetry(only(r, "telemetry", file.Telemetry), c)
	r.turn(only(r, "turn", file.Turn), c)
	r.firewall(only(r, "firewall", file.Firewall), c)
	r.store(only(r, "store", file.Store), c)
	r.console(only(r, "console", file.Console), c)
	r.check(file, c)
	return c
}
