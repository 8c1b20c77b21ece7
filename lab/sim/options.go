package sim

import (
	"math/rand/v2"
	"time"

	"sbc/lab/nat"
	"sbc/lab/ua"
	"sbc/signaling"
)

// Options say what happens in a world. What is left to chance follows from
// Seed.
type Options struct {
	Seed   uint64
	Calls  int           // calls that are tried
	Span   time.Duration // in which they begin
	Shards int           // of the SBC; 0: 1

	// Shares from 0 to 1 of the datagrams on each link.
	Loss, Duplicate, Reorder float64
	Delay, Jitter            time.Duration // of one way, at least and on top

	Crashes    int  // user agents that vanish and come back without memory
	Cuts       int  // user agents that cannot be reached for a while
	Scans      int  // messages of strangers
	Mutants    int  // messages of user agents with something wrong: they may do harm, but none to the SBC
	Ends       int  // times that the operator ends all calls of a shard
	Sparse     bool // RTP every second from the simulation instead of audio every 20 ms
	Scarce     bool // few ports and few places at peers
	Plain      bool // calls do nothing but begin and end
	Fork       bool // behind one neighbour several phones ring
	Breaks     int  // times that the connections of a user agent break
	IP6        set  // neighbours that speak IPv6
	TCP        set  // neighbours that speak TCP
	Phones     int  // user agents outside that register with the PBX through the SBC, most of them behind NATs
	PhonesTCP  bool // some of them speak TCP
	PhoneCalls int  // calls of phones and to them that are tried
	Moves      int  // times that a NAT of a phone changes, or the phone roams or reboots
	Outages    int  // times that the PBX's registrar fails for a while
	Restarts   int  // of the SBC
	Reloads    int  // of its configuration

	Mix bool // everybody does all that user agents can: transfers, events, reliable responses, fax …

	Trace func(line string) // called for everything that happens; nil: nobody

	leftOut map[int]bool             // what does not happen of all that is planned, by its number
	agents  func(*ua.Options)        // what tests want of all agents; nil: nothing
	nat     *nat.Kind                // before each phone; nil: any
	sbc     func(*signaling.Options) // what tests want of the SBC
	habits  func(*phone)             // what tests want of all phones; nil: nothing
	broken  breaks
}

// breaks are bugs that tests plant between the SBC and the checkers.
type breaks struct {
	out     func(w *world, out []signaling.Outbound) []signaling.Outbound
	inspect func(w *world, in *signaling.Inspection)
	relay   func(w *world, r *relayed)
	ears    func(packets int) int
}

// Random returns a world to try: everything in it follows from seed.
func Random(seed uint64, calls int) Options {
	r := rand.New(rand.NewPCG(seed, 0x5eed))
	o := Options{
		Seed: seed, Calls: calls, Span: time.Duration(5+r.IntN(90)) * time.Second, Shards: 1 + r.IntN(3),
		Delay: time.Duration(r.IntN(60)) * time.Millisecond, Jitter: time.Duration(r.IntN(40)) * time.Millisecond,
		Sparse: r.IntN(15) > 0,
	}
	// A third of the worlds has a perfect network.
	switch r.IntN(6) {
	case 0, 1:
	case 2:
		o.Loss = 0.3
	default:
		o.Loss = 0.3 * r.Float64()
	}
	if r.IntN(2) == 0 {
		o.Duplicate, o.Reorder = 0.1*r.Float64(), 0.2*r.Float64()
	}
	if r.IntN(3) == 0 {
		o.Crashes = 1 + r.IntN(3)
	}
	if r.IntN(2) == 0 {
		o.Scans = 5 + r.IntN(40)
	}
	o.Scarce = r.IntN(5) == 0
	o.Plain = r.IntN(8) == 0
	switch r.IntN(12) {
	case 0:
		o.Mutants = 10 + r.IntN(200)
	case 1:
		o.Ends = 1 + r.IntN(3)
	case 2, 3:
		o.Cuts = 1 + r.IntN(4)
	}
	o.Mix = o.Sparse && !o.Plain && r.IntN(3) > 0
	o.Fork = o.Mix && r.IntN(3) == 0
	if !o.Sparse && r.IntN(4) > 0 { // mostly undisturbed, so that what is heard can be judged
		o.Loss, o.Crashes, o.Mutants, o.Ends, o.Cuts, o.Scarce = 0, 0, 0, 0, 0, false
	}
	o.site(rand.New(rand.NewPCG(seed, 0x517e)))
	o.register(rand.New(rand.NewPCG(seed, 0x9e6157e4)))
	if r := rand.New(rand.NewPCG(seed, 0x4e10ad)); r.IntN(4) == 0 {
		o.Reloads = 1 + r.IntN(6)
	}
	return o
}

// site chooses who speaks what; in many worlds all speak UDP and IPv4.
func (o *Options) site(r *rand.Rand) {
	all := set(1<<len(neighbours) - 1)
	if o.Fork { // the proxy and its phones do not
		all &^= 1 << forkAt
	}
	if r.IntN(5) < 2 {
		o.IP6 = set(r.Uint32()) & all
	}
	if r.IntN(5) < 2 {
		o.TCP = set(r.Uint32()) & all
	}
	if o.TCP != 0 && !o.calm() && r.IntN(2) == 0 {
		o.Breaks = 1 + r.IntN(6)
	}
}

// register chooses whether there are phones that register; in most worlds there
// are none.
func (o *Options) register(r *rand.Rand) {
	if r.IntN(10) > 0 || o.Mutants > 0 {
		return
	}
	o.Phones, o.PhonesTCP = 1+r.IntN(5), r.IntN(2) == 0
	o.PhoneCalls = 3 * o.Phones
	o.Calls = min(o.Calls, 4)
	o.Mix, o.Fork = false, false
	o.IP6 &^= 1 << registrarAt
	o.Span = time.Duration(60+r.IntN(180)) * time.Second
	if r.IntN(2) == 0 {
		o.Moves = 1 + r.IntN(4)
	}
	switch r.IntN(4) {
	case 0:
		o.Outages = 1 + r.IntN(2)
	case 1:
		o.Restarts = 1 + r.IntN(2)
	}
}

// calm reports whether nothing stands against what people mean to do.
func (o *Options) calm() bool {
	return !o.Mix && o.Loss == 0 && o.Crashes+o.Cuts+o.Mutants+o.Ends+o.Breaks+o.Moves+o.Outages+o.Restarts == 0 && !o.Scarce
}
