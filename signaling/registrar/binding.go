package registrar

import (
	"time"

	"sbc/nat"
	"sbc/signaling/schedule"
)

// An aor is one address-of-record with its bindings, in the order in which
// they came.
type aor struct {
	ep   uint16
	key  string // two octets of the endpoints, then the name
	list []*binding
}

func (a *aor) name() string { return a.key[2:] }

// A binding binds an address-of-record to a contact (RFC 3261 section 10).
//
// All times are durations since the Registrar began.
type binding struct {
	aor    *aor
	serial uint64
	flow   Flow
	prev   *binding // by the same flow
	next   *binding

	text     string // the Contact as the phone gets it, without its expiry: <uri>;parameters
	path     string // the Path fields of its REGISTER, complete lines
	route    string // the Service-Route fields of the PBX's 2xx, complete lines
	uriBytes uint16 // of the URI in text
	kind     nat.Kind
	down     bool // its connection is gone
	up       bool // Reach was said, and no Unreach after it
	stale    bool // the next refresh goes to the PBX whatever is left
	outbound bool // the PBX said Require: outbound
	ours     bool // the REGISTER with cseq was answered here

	print  uint64 // of all in the REGISTER that the PBX must hear of when it changes
	creds  uint64 // the same of its credentials; 0: it had none
	callID uint64
	cseq   uint32

	made    time.Duration
	refresh time.Duration // what the phone was told when it last came
	here    time.Duration // when the time of the phone is over
	there   time.Duration // when the time of the PBX is over
	granted time.Duration // how long that was
	came    time.Duration // when the phone last registered
	habit   time.Duration // how long after that it is expected again
	probe   time.Duration // when the plan wants to be asked
	calls   uint16        // that are up by the flow
	keep    nat.Keepalive
	due     schedule.Timer[*binding] // no later than the next thing to do
}

func (b *binding) uri() string { return b.text[1 : 1+b.uriBytes] }

// A State says whether the phone of a binding can be called.
type State uint8

// The states, with what a request for the binding gets.
const (
	Unknown     State = iota // no such binding: 404
	Unreachable              // the PBX holds it, the phone is gone: 480
	Reachable                // it goes by the binding's flow
)

var stateNames = [...]string{"unknown", "unreachable", "reachable"}

// String returns the state in lower case.
func (s State) String() string { return stateNames[s] }

func (b *binding) state(now time.Duration) State {
	switch {
	case now >= b.there:
		return Unknown
	case b.down || now >= b.here || b.keep.Lost():
		return Unreachable
	}
	return Reachable
}

// A Binding is what a request for a token needs: where the phone is, and how
// it wants to be called.
type Binding struct {
	Serial       uint64
	Endpoints    int
	AOR          string // "sip:user@host"
	Contact      string // the URI as the phone wrote it: the Request-URI of what goes to it
	Flow         Flow
	Path         string // complete lines of Path (RFC 3327); "": none
	ServiceRoute string // complete lines of Service-Route (RFC 3608), kept from the phone; "": none
	Kind         nat.Kind
	Age          time.Duration
	Here, There  time.Duration // what is left of both expiries; below 0: over
	Interval     time.Duration // of keep-alives, as learned; 0: nothing is
}

func (r *Registrar) export(now time.Duration, b *binding) Binding {
	return Binding{
		Serial: b.serial, Endpoints: int(b.aor.ep), AOR: b.aor.name(), Contact: b.uri(), Flow: b.flow,
		Path: b.path, ServiceRoute: b.route, Kind: b.kind,
		Age: now - b.made, Here: b.here - now, There: b.there - now, Interval: r.interval(now, b),
	}
}
