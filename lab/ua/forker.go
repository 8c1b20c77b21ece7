package ua

import (
	"container/heap"
	"math/rand/v2"
	"net/netip"
	"time"

	"sbc/signaling/sip"
)

// ForkerOptions say what a forking proxy does.
type ForkerOptions struct {
	Addr        netip.AddrPort   // where it sends from and receives
	Branches    []netip.AddrPort // where a new INVITE or SUBSCRIBE goes, to all at once; 2 to 4. Others go to the first
	RecordRoute bool             // it stays in the dialogs
	TwoWinners  bool             // the others are not cancelled before the second 2xx
	Registrar   *Agent           // at the same Addr: it takes REGISTER, and new requests go where its users are registered; nil: to Branches
	Canary      Canary           // names its side in its Via and Record-Route
	Rand        *rand.Rand       // source of branches
}

// A Forker is a forking proxy, RFC 3261 section 16: a PBX that lets several
// phones ring. It keeps transactions for what it forks, and passes everything
// else on without state. Like an Agent it takes datagrams and time, and
// appends effects; it must be used by one goroutine at a time.
//
//	INVITE ──▶ waiting ──first 2xx──▶ won: the others get CANCEL ──┐
//	              │                                                ├──▶ gone
//	              └──all refused──▶ refused: the best goes back ───┘
type Forker struct {
	// Constant after NewForker.
	o ForkerOptions

	timers  forkerTimers
	seq     uint64
	servers map[string]*forking      // by branch, sent-by and method
	clients map[string]*forkerBranch // by our branch and method
}

// NewForker returns a proxy without transactions.
func NewForker(o ForkerOptions) *Forker {
	return &Forker{o: o, servers: map[string]*forking{}, clients: map[string]*forkerBranch{}}
}

// A forking is a server transaction with its branches.
type forking struct {
	key      string
	request  *sip.Message
	from     netip.AddrPort
	last     []byte // the last response that went back
	status   int
	branches []*forkerBranch
	winners  int
	acked    bool
	every    time.Duration
}

func (s *forking) invite() bool { return s.request.Method() == sip.INVITE }

// A forkerBranch is a client transaction: of a forking, or a CANCEL.
type forkerBranch struct {
	key      string
	of       *forking // nil: CANCEL
	to       netip.AddrPort
	bytes    []byte
	every    time.Duration
	rang     bool // a provisional response came
	status   int  // final; 0: none
	best     *sip.Message
	cancel   bool // is wanted
	canceled bool
	gone     bool
}

// A forkerTimer is a timer that was set: to send a request or a response
// again, to give up, or to forget.
type forkerTimer struct {
	at     time.Duration
	seq    uint64
	branch *forkerBranch
	server *forking
	end    bool
}

type forkerTimers []forkerTimer

func (h forkerTimers) Len() int      { return len(h) }
func (h forkerTimers) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *forkerTimers) Push(x any)   { *h = append(*h, x.(forkerTimer)) }
func (h forkerTimers) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].seq < h[j].seq
}

func (h *forkerTimers) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

func (f *Forker) set(t forkerTimer) {
	f.seq++
	t.seq = f.seq
	heap.Push(&f.timers, t)
}

// Next returns the time at which Tick has to be called, and false when
// nothing is waited for.
func (f *Forker) Next() (at time.Duration, ok bool) {
	if f.o.Registrar != nil {
		at, ok = f.o.Registrar.Next()
	}
	if len(f.timers) > 0 && (!ok || f.timers[0].at < at) {
		return f.timers[0].at, true
	}
	return at, ok
}

// Idle reports whether the proxy holds no transaction.
func (f *Forker) Idle() bool { return len(f.servers) == 0 && len(f.clients) == 0 }

// Tick does what is due by now.
func (f *Forker) Tick(now time.Duration, do []Effect) []Effect {
	for len(f.timers) > 0 && f.timers[0].at <= now {
		t := heap.Pop(&f.timers).(forkerTimer)
		if t.branch != nil {
			do = f.branchTimer(now, t, do)
		} else {
			do = f.serverTimer(now, t, do)
		}
	}
	if f.o.Registrar != nil {
		return f.o.Registrar.Tick(now, do)
	}
	return do
}

func (f *Forker) send(to netip.AddrPort, b []byte, do []Effect) []Effect {
	return append(do, Effect{Do: Send, From: f.o.Addr, To: to, Bytes: b})
}

// Receive takes a datagram that came to the proxy. It keeps a copy.
func (f *Forker) Receive(now time.Duration, local, from netip.AddrPort, datagram []byte, do []Effect) []Effect {
	if local != f.o.Addr {
		return do
	}
	m := new(sip.Message)
	if err := m.Parse(append([]byte(nil), datagram...)); err != nil {
		if e, ok := err.(*sip.Error); ok && e.Cause == "keepalive" {
			return do
		}
		if f.o.Registrar != nil && isSTUN(datagram) {
			return f.o.Registrar.Receive(now, local, from, datagram, do)
		}
		return tell(Event{Is: Violation, At: now, Text: "unreadable message: " + err.Error()}, do)
	}
	if f.forRegistrar(m) {
		return f.o.Registrar.Receive(now, local, from, datagram, do)
	}
	if !m.IsRequest() {
		return f.response(now, m, do)
	}
	if m.MaxForwards() == 0 {
		return f.reply(m, from, 483, do)
	}
	key := serverKey(m, string(m.MethodName()))
	switch {
	case m.Method() == sip.ACK:
		if s := f.servers[serverKey(m, "INVITE")]; s != nil && s.status >= 300 {
			s.acked = true
			return do
		}
	case f.servers[key] != nil:
		if s := f.servers[key]; s.last != nil && s.winners == 0 {
			do = f.send(s.from, s.last, do)
		}
		return do
	case m.Method() == sip.CANCEL:
		return f.cancelled(now, m, from, do)
	case f.mine(m):
		return f.bound(now, key, m, from, do)
	case f.o.Registrar == nil && m.To().Tag.Empty() && (m.Method() == sip.INVITE || m.Method() == sip.SUBSCRIBE):
		return f.fork(now, key, m, from, do)
	}
	return f.relay(m, from, do)
}

// relay passes a request on without state: by its Route, else by its
// Request-URI. RFC 3261 sections 16.6 and 16.11.
func (f *Forker) relay(m *sip.Message, from netip.AddrPort, do []Effect) []Effect {
	uri := string(m.Bytes(m.RequestURI()))
	to := f.nextHop(m)
	if (to == f.o.Addr || !to.IsValid()) && f.o.Registrar != nil {
		if m.Method() == sip.ACK {
			return do
		}
		return f.reply(m, from, 481, do)
	}
	if to == f.o.Addr || !to.IsValid() {
		to = f.o.Branches[0]
		if m.To().Tag.Empty() {
			uri = f.target(m, to)
		}
	}
	// The same request has to get the same branch again, and its ACK another.
	branch := "z9hG4bKrelay" + string(m.MethodName()) + string(m.Bytes(m.Via().Branch))
	return f.send(to, f.requestOn(m, from, uri, branch, f.o.RecordRoute && m.To().Tag.Empty()), do)
}

// response takes a response: of a branch, or to what was relayed.
func (f *Forker) response(now time.Duration, m *sip.Message, do []Effect) []Effect {
	if b := f.clients[string(m.Bytes(m.Via().Branch))+" "+string(m.MethodName())]; b != nil {
		return f.answered(now, b, m, do)
	}
	back, to, ok := responseBack(m)
	if !ok {
		return tell(Event{Is: Violation, At: now, Text: "response without another Via: " + summary(m)}, do)
	}
	return f.send(to, back, do)
}
