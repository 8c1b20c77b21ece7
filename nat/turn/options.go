package turn

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"
)

// Options say what the service does and for whom. The zero value of a number
// or time is its default.
type Options struct {
	// UDP and TCP are the addresses that clients send to: STUN and TURN on
	// both. 0.0.0.0 and :: are refused, because an answer must come from the
	// address that was asked.
	UDP, TCP []netip.AddrPort

	Realm string // of the credentials, at most 64 octets (RFC 8489 section 14.9)
	// Users are the names and passwords that do not expire, as they are
	// compared: RFC 8265 is for who writes them down.
	Users map[string]string
	// Secrets are the keys of time-limited credentials: the user name is
	// "EXPIRY:NAME" with the expiry in seconds since 1970, and the password
	// base64(HMAC-SHA1(secret, user name)) (draft-uberti-behave-turn-rest-00).
	// Each is good, so that one can follow another.
	Secrets []string
	// Skew is how long a time-limited credential is taken beyond its expiry,
	// for clocks that differ; 0: 30 s.
	Skew time.Duration

	Relays []Relay // one for each family that is relayed to
	// FirstPort and LastPort bound the ports of relayed transport addresses,
	// both included.
	FirstPort, LastPort uint16

	// Own are addresses of ours where nothing may be sent but into Media and
	// to other relayed transport addresses. The addresses of the listeners,
	// the relays and this machine's interfaces need not be named.
	Own   []netip.Addr
	Media []Ports
	// Deny and Allow change which peers are refused: what is in Deny is,
	// then what is in Allow is not, then what nat.Refuse says is.
	Deny, Allow []netip.Prefix

	Quota Quota
	Rate  Rate

	// Program is the command line of the process that serves; empty: this
	// program and the word "turn".
	Program []string `json:"-"`
}

// String hides what is secret.
func (o Options) String() string {
	return fmt.Sprintf("turn: udp %v tcp %v realm %q, %d users, %d secrets", o.UDP, o.TCP, o.Realm, len(o.Users), len(o.Secrets))
}

// LogValue hides what is secret.
func (o Options) LogValue() slog.Value { return slog.StringValue(o.String()) }

// A Relay is an address that relayed transport addresses are at.
type Relay struct {
	Listen    netip.Addr // of an interface of ours
	Advertise netip.Addr // what clients are told; not valid: Listen
}

// Ports are a range of ports of one address, both ends included.
type Ports struct {
	Addr        netip.Addr
	First, Last uint16
}

// A Quota bounds what clients may have at the same time.
type Quota struct {
	Allocations int // in all; 0: 1000
	PerUser     int // allocations; 0: 10
	PerAddress  int // allocations of a client address, /64 of IPv6; 0: 20
	Permissions int // of an allocation; 0: 64
	Channels    int // of an allocation; 0: 64

	Connections           int // TCP, in all; 0: 1000
	ConnectionsPerAddress int // 0: 40
}

// A Rate bounds the requests a second that have no valid credentials: what is
// above has no answer.
type Rate struct {
	PerSource int // of a client address, /64 of IPv6, with a burst of two seconds; 0: 20
	All       int // 0: 1000
}

// Ours: enough for a telephone with some calls at once, and for an office of
// them behind one address; a second's burst of an office is not refused.
func (o Options) withDefaults() Options {
	o.Skew = cmp.Or(o.Skew, 30*time.Second)
	q := &o.Quota
	q.Allocations = cmp.Or(q.Allocations, 1000)
	q.PerUser = cmp.Or(q.PerUser, 10)
	q.PerAddress = cmp.Or(q.PerAddress, 20)
	q.Permissions = cmp.Or(q.Permissions, 64)
	q.Channels = cmp.Or(q.Channels, 64)
	q.Connections = cmp.Or(q.Connections, 1000)
	q.ConnectionsPerAddress = cmp.Or(q.ConnectionsPerAddress, 40)
	o.Rate.PerSource = cmp.Or(o.Rate.PerSource, 20)
	o.Rate.All = cmp.Or(o.Rate.All, 1000)
	return o
}

// Ours: 64 octets of realm keep a challenge below five times the smallest
// Allocate request.
const (
	realmMax      = 64
	unprivileged  = 1024 // the first port that needs no privilege
	skewMax       = time.Hour
	usernameMax   = 508 // RFC 8489 section 14.3: fewer than 509 octets
	quotaMax      = 1 << 20
	relaysMax     = 2 // one of a family
	listenersMax  = 64
	secretLeast   = 8 // octets: a shorter one is guessed from one credential
	secretsAtOnce = 8
)

// Check returns everything that is wrong with o, joined, or nil.
func (o Options) Check() error {
	return errors.Join(o.checkListeners(), o.checkCredentials(), o.checkRelays(), o.checkNumbers())
}

func (o Options) checkListeners() error {
	var errs []error
	if n := len(o.UDP) + len(o.TCP); n == 0 || n > listenersMax {
		errs = append(errs, fmt.Errorf("%d addresses to listen at: want 1 to %d", n, listenersMax))
	}
	for _, list := range [][]netip.AddrPort{o.UDP, o.TCP} {
		for _, a := range list {
			if !a.IsValid() || a.Addr().IsUnspecified() || a.Addr().IsMulticast() || a.Addr().Is4In6() {
				errs = append(errs, fmt.Errorf("listen at %v: want an address of an interface", a))
			}
		}
	}
	return errors.Join(errs...)
}

func (o Options) checkCredentials() error {
	var errs []error
	if o.Realm == "" || len(o.Realm) > realmMax {
		errs = append(errs, fmt.Errorf("realm of %d octets: want 1 to %d", len(o.Realm), realmMax))
	}
	if len(o.Users) == 0 && len(o.Secrets) == 0 {
		errs = append(errs, errors.New("no users and no secret: nobody could use the service"))
	}
	for name, password := range o.Users {
		if name == "" || len(name) > usernameMax || password == "" {
			errs = append(errs, fmt.Errorf("user %q: want a name of 1 to %d octets and a password", name, usernameMax))
		}
	}
	for _, s := range o.Secrets {
		if len(s) < secretLeast {
			errs = append(errs, fmt.Errorf("a secret of %d octets: want at least %d", len(s), secretLeast))
		}
	}
	if len(o.Secrets) > secretsAtOnce {
		errs = append(errs, fmt.Errorf("%d secrets: want at most %d", len(o.Secrets), secretsAtOnce))
	}
	if o.Skew < 0 || o.Skew > skewMax {
		errs = append(errs, fmt.Errorf("skew of %v: want 0 to %v", o.Skew, skewMax))
	}
	return errors.Join(errs...)
}

func (o Options) checkRelays() error {
	var errs []error
	if n := len(o.Relays); n == 0 || n > relaysMax {
		errs = append(errs, fmt.Errorf("%d relay addresses: want one of a family", n))
	}
	var v4, v6 int
	for _, r := range o.Relays {
		if !r.Listen.IsValid() || r.Listen.IsUnspecified() || r.Listen.Is4In6() {
			errs = append(errs, fmt.Errorf("relay at %v: want an address of an interface", r.Listen))
		}
		if r.Advertise.IsValid() && (r.Advertise.Is4() != r.Listen.Is4() || r.Advertise.IsUnspecified()) {
			errs = append(errs, fmt.Errorf("relay at %v cannot be advertised as %v", r.Listen, r.Advertise))
		}
		if r.Listen.Is4() {
			v4++
		} else {
			v6++
		}
	}
	if v4 > 1 || v6 > 1 {
		errs = append(errs, errors.New("more than one relay address of a family"))
	}
	if o.FirstPort < unprivileged || o.LastPort < o.FirstPort {
		errs = append(errs, fmt.Errorf("relay ports %d-%d: want a range from %d up", o.FirstPort, o.LastPort, unprivileged))
	}
	for _, m := range o.Media {
		if !m.Addr.IsValid() || m.Last < m.First {
			errs = append(errs, fmt.Errorf("media ports %v %d-%d: want an address and a range", m.Addr, m.First, m.Last))
		}
	}
	return errors.Join(errs...)
}

func (o Options) checkNumbers() error {
	var errs []error
	q := o.Quota
	for _, n := range []int{
		q.Allocations, q.PerUser, q.PerAddress, q.Permissions, q.Channels, q.Connections, q.ConnectionsPerAddress,
		o.Rate.PerSource, o.Rate.All,
	} {
		if n < 0 || n > quotaMax {
			errs = append(errs, fmt.Errorf("quota or rate of %d: want 1 to %d", n, quotaMax))
		}
	}
	for _, list := range [][]netip.Prefix{o.Deny, o.Allow} {
		for _, p := range list {
			if !p.IsValid() || p.Addr().Is4In6() {
				errs = append(errs, fmt.Errorf("%v is not a prefix of IPv4 or IPv6", p))
			}
		}
	}
	return errors.Join(errs...)
}
