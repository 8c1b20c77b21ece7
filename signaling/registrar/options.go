package registrar

import (
	"math/rand/v2"
	"net/netip"
	"time"
)

// A Flow is where a message came from or goes to: a listener of ours and the
// address at the other end, and on a stream the connection (RFC 5626). It is
// laid out as b2bua.Flow.
type Flow struct {
	Listener uint16
	Remote   netip.AddrPort
	Conn     uint64
}

// Options are what all bindings of a shard have in common. They do not change.
type Options struct {
	Rand      *rand.Rand
	Key       [16]byte // secret, and the same after a restart
	Listeners []Listener
	Endpoints []Endpoints

	// Token appends the user part of the Contact that the PBX gets to dst: an
	// opaque identifier that carries serial.
	Token func(dst []byte, serial uint64) []byte

	// Of is how many Registrars share the bounds below and those of Endpoints:
	// each keeps to its part of them. 0: 1.
	Of int

	Sources      int     // sources whose rate is remembered; 0: 4096
	SourceRate   float64 // REGISTERs per second from one source; 0: 50
	SourceBurst  int     // 0: 500
	UnderwayMax  int     // REGISTERs that wait for the PBX; 0: 4000
	Appointments int     // phones for which a place in the queue is kept; 0: twice the bindings
}

// A Listener is one of the SBC's, by Flow.Listener.
type Listener struct {
	Name   string // the same after a restart
	Stream bool
}

// Endpoints are a class of phones that register with one PBX.
type Endpoints struct {
	Name    string
	Domain  string // host of every address-of-record; "": any
	Contact string // what stands behind the token in the Contact for the PBX: host[:port][;parameters]

	Refresh    time.Duration // what phones are told, less a spread of up to 10 %; 0: 60 s
	Expires    time.Duration // what the PBX is asked for, unless a phone asks for more; 0: 30 min
	MinExpires time.Duration // the shortest that a phone may ask for, at most 1 h; 0: none
	Bindings   int           // addresses-of-record; 0: 100,000
	Contacts   int           // of one address-of-record; 0: 10
	Rate       float64       // REGISTERs per second towards the PBX; 0: 100
	Burst      int           // how many of them at once; 0: one second of Rate

	// Silent: no OPTIONS are sent to keep the NATs of phones open.
	Silent bool

	// AORRate and AORBurst bound the REGISTERs for one address-of-record: those
	// from each address that has a binding of it, and all others together.
	AORRate  float64 // per second; 0: 1
	AORBurst int     // 0: 20
}

// Ours: bounds on what one phone can make us keep.
const (
	aorBytesMax     = 256  // an E.164 number and a long domain, four times
	contactBytesMax = 512  // the URI in a Contact
	paramsBytesMax  = 512  // its parameters: an instance and feature tags
	pathBytesMax    = 512  // all Path fields together
	routeBytesMax   = 512  // all Service-Route fields together
	strangersMax    = 4    // REGISTERs under way for one AOR from addresses that have no binding of it
	expiresMax      = 1e7  // seconds, 115 days: what is longer is cut
	malformed       = 3600 // RFC 3261 section 20.10: an expiry that cannot be read
)

// RFC 3261 section 10.3 step 7: a registrar may refuse only what is shorter
// than an hour.
const refusable = 3600

// underwayFor is how long a REGISTER waits for Answered before it is forgotten:
// twice RFC 3261's timer F.
const underwayFor = 64 * time.Second

func (o *Options) defaults() {
	sum := 0
	for i := range o.Endpoints {
		e := o.Endpoints[i]
		e.defaults()
		sum += e.Bindings
	}
	o.Endpoints = o.endpoints(o.Endpoints)
	set(&o.Sources, 4096)
	set(&o.SourceRate, 50)
	set(&o.SourceBurst, 500)
	set(&o.UnderwayMax, 4000)
	set(&o.Appointments, 2*sum)
	if o.Of > 1 {
		o.share()
	}
}

// endpoints returns list with its defaults, and of what is bounded one part in
// Of. Addresses-of-record are spread by a hash, so one Registrar gets more than
// another: an eighth and 64 are added to that part.
func (o *Options) endpoints(list []Endpoints) []Endpoints {
	own := make([]Endpoints, len(list))
	for i, e := range list {
		e.defaults()
		if n := o.Of; n > 1 {
			e.Rate, e.Burst = e.Rate/float64(n), max(e.Burst/n, 1)
			e.Bindings = e.Bindings/n + e.Bindings/n/8 + 64
		}
		own[i] = e
	}
	return own
}

// share leaves of what all endpoints have together one part in Of.
func (o *Options) share() {
	n := o.Of
	o.SourceRate, o.SourceBurst = o.SourceRate/float64(n), max(o.SourceBurst/n, 1)
	o.UnderwayMax = max(o.UnderwayMax/n, 1)
	o.Appointments = max(2*o.Appointments/n, 1)
}

func (e *Endpoints) defaults() {
	set(&e.Refresh, 60*time.Second)
	set(&e.Expires, 30*time.Minute)
	e.Expires = max(e.Expires, e.Refresh)
	set(&e.Bindings, 100_000)
	set(&e.Contacts, 10)
	set(&e.Rate, 100)
	set(&e.Burst, int(max(e.Rate, 1)))
	set(&e.AORRate, 1)
	set(&e.AORBurst, 20)
	e.MinExpires = min(e.MinExpires, refusable*time.Second)
}

func set[T int | float64 | time.Duration](v *T, otherwise T) {
	if *v <= 0 {
		*v = otherwise
	}
}
