package registrar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A player is a phone that keeps to RFC 3261: it registers again before the
// time that it was told is over, and believes what it is told.
type player struct {
	phone
	contact string
	flow    Flow
	until   time.Time // zero: it does not believe that it is registered
	serial  uint64
	busy    bool // waits for an answer
}

// A game is a Registrar between players, a stranger and a PBX.
type game struct {
	t         *rapid.T
	world     *world
	players   []*player
	waiting   []*sent
	confirmed map[uint64][]Flow // by serial, the flows that a 2xx confirmed
	port      uint16
}

// A sent is a REGISTER on its way to the PBX.
type sent struct {
	who     *player // nil: the stranger
	key     uint64
	aor     string
	flow    Flow
	fields  []byte
	removal bool
	star    bool
	at      time.Time
}

// RFC 3261 section 17.1.2.2, timer F: nobody answers a request that is older.
const tooOld = 32 * time.Second

// What a phone believes is so, no flow is used that the PBX has not confirmed,
// and the PBX hears of a phone before its own time is over.
func TestModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		g := newGame(t, rt)
		for range rapid.IntRange(5, 60).Draw(rt, "steps") {
			g.step()
			g.check()
		}
	})
}

func newGame(t *testing.T, rt *rapid.T) *game {
	g := &game{t: rt, world: newWorld(t), confirmed: map[uint64][]Flow{}, port: 2000}
	g.world.pbx.max = rapid.SampledFrom([]int{0, 90, 200, 600}).Draw(rt, "granted")
	o := g.world.r.opt
	o.Endpoints[0].AORRate, o.Endpoints[0].AORBurst = 1e6, 1e6
	g.world.r = New(o)
	for i := range 4 {
		p := &player{phone: phone{aor: fmt.Sprint(i/3, "@a"), callID: fmt.Sprint("c", i)}, contact: fmt.Sprintf("Contact: <sip:p%d@10.0.0.%d>", i, i)}
		if i%2 == 0 {
			p.contact += fmt.Sprintf(";+sip.instance=\"<urn:uuid:%d>\"", i)
		}
		g.connect(p)
		g.players = append(g.players, p)
	}
	return g
}

// connect gives p another flow.
func (g *game) connect(p *player) {
	g.port++
	kind := ""
	if strings.HasPrefix(p.callID, "c3") {
		kind = "tcp:"
	}
	text := fmt.Sprintf("%s198.51.100.7:%d", kind, g.port)
	if kind != "" {
		text += fmt.Sprint("/", g.port)
	}
	p.flow = flowOf(text)
}

func (g *game) step() {
	p := rapid.SampledFrom(g.players).Draw(g.t, "who")
	switch do := rapid.IntRange(0, 14).Draw(g.t, "do"); {
	case do <= 3:
		g.register(p, p.contact)
	case do == 4:
		g.register(p, p.contact+";expires=0")
	case do == 5:
		g.register(p, "Contact: *", "Expires: 0")
	case do == 6: // a new port, or connection
		if p.flow.Listener == tcp {
			g.world.effects(g.world.r.Broke(p.flow))
		}
		g.connect(p)
		p.until = time.Time{}
		g.register(p, p.contact)
	case do == 7: // a reboot
		p.callID += "x"
		p.cseq = 0
		p.until = time.Time{}
		g.register(p, p.contact)
	case do == 8:
		g.forge(p)
	case do == 9:
		g.restart()
	case do <= 12:
		g.answer()
	default:
		g.wait(time.Duration(rapid.IntRange(1, 200).Draw(g.t, "seconds")) * time.Second)
	}
}

func (g *game) register(p *player, lines ...string) {
	if p.busy {
		return
	}
	w := g.world
	v := w.r.Register(w.now, 0, p.flow, parse(w.t, p.phone.register(lines...)))
	w.effects(v.Effects)
	s := &sent{who: p, key: v.Key, aor: p.aor, flow: p.flow, fields: slices.Clone(v.Fields), at: w.now}
	s.star, s.removal = lines[0] == "Contact: *", strings.HasSuffix(lines[0], "expires=0") || lines[0] == "Contact: *"
	switch {
	case v.Status == 0:
		p.busy = true
		g.waiting = append(g.waiting, s)
	case v.Status == 200 && s.removal:
		g.t.Fatalf("a removal is answered here")
	case v.Status == 200:
		g.told(p, v.Fields)
	case v.Status != 500 && v.Status != 403 && v.Status != 503:
		g.t.Fatalf("%d %q", v.Status, v.Cause)
	}
}

// told lets p believe what a 2xx says of its contact; of others it must say
// nothing.
func (g *game) told(p *player, fields []byte) {
	uri := p.contact[strings.Index(p.contact, "<") : strings.Index(p.contact, ">")+1]
	p.until = time.Time{}
	for line := range strings.SplitSeq(string(fields), "\r\n") {
		if value, ok := strings.CutPrefix(line, "Contact: "); ok {
			if !strings.HasPrefix(value, uri) {
				g.t.Fatalf("%s is told of %s", uri, value)
			}
			_, expires, _ := strings.Cut(value, ";expires=")
			var n int
			fmt.Sscan(expires, &n)
			p.until = g.world.now.Add(time.Duration(n) * time.Second)
		}
	}
}

func (g *game) forge(victim *player) {
	w := g.world
	eve := phone{aor: victim.aor, callID: victim.callID, cseq: victim.cseq + 1000}
	line := rapid.SampledFrom([]string{victim.contact, victim.contact + ";expires=0", "Contact: *|Expires: 0", "Contact: <sip:eve@203.0.113.66>"}).Draw(g.t, "forged")
	flow := flowOf("203.0.113.66:5060")
	v := w.r.Register(w.now, 0, flow, parse(w.t, eve.register(split(line)...)))
	w.effects(v.Effects)
	if v.Status == 200 {
		g.t.Fatalf("a forged REGISTER is answered here")
	}
	if v.Status == 0 {
		g.waiting = append(g.waiting, &sent{key: v.Key, flow: flow, at: w.now})
	}
}

// answer lets the PBX answer the oldest REGISTER, or not.
func (g *game) answer() {
	if len(g.waiting) == 0 {
		return
	}
	s, w := g.waiting[0], g.world
	g.waiting = g.waiting[1:]
	if s.who == nil {
		w.effects(w.r.Answered(w.now, s.key, response(w.t, rapid.SampledFrom([]int{401, 403}).Draw(g.t, "status"))).Effects)
		return
	}
	s.who.busy = false
	switch rapid.IntRange(0, 5).Draw(g.t, "answer") {
	case 0:
		w.effects(w.r.Answered(w.now, s.key, response(w.t, 401)).Effects)
	case 1:
		w.effects(w.r.Answered(w.now, s.key, nil).Effects)
	default:
		g.accept(s)
	}
}

func (g *game) accept(s *sent) {
	w := g.world
	lines := w.pbx.answer(w.t, w.now, s.aor, s.fields)
	if s.star {
		for _, p := range g.players {
			if p.aor == s.aor {
				p.until = time.Time{}
			}
		}
	}
	reply := w.r.Answered(w.now, s.key, response(w.t, 200, lines...))
	fields := slices.Clone(reply.Fields)
	if reply.Status == 0 {
		s.who.until = time.Time{} // it had waited for too long
		return
	}
	for _, e := range reply.Effects {
		if e.Do == Save {
			g.confirmed[e.Serial] = append(g.confirmed[e.Serial], s.flow)
			s.who.serial = e.Serial
		}
	}
	w.effects(reply.Effects)
	if s.flow == s.who.flow {
		g.told(s.who, fields)
	}
	if s.removal {
		s.who.until = time.Time{}
	}
}

func (g *game) restart() {
	g.world.restart()
	for _, s := range g.waiting {
		if s.who != nil {
			s.who.busy = false
		}
	}
	g.waiting = nil
	for _, p := range g.players {
		if p.flow.Listener == tcp {
			g.connect(p)
			p.until = time.Time{}
		}
	}
}

// wait lets time pass, in which the phones refresh when they must.
func (g *game) wait(d time.Duration) {
	w := g.world
	for end := w.now.Add(d); w.now.Before(end); {
		w.wait("1s")
		for len(g.waiting) > 0 && w.now.Sub(g.waiting[0].at) >= tooOld {
			s := g.waiting[0]
			g.waiting = g.waiting[1:]
			if s.who != nil {
				s.who.busy = false
			}
			w.effects(w.r.Answered(w.now, s.key, nil).Effects)
		}
		for _, p := range g.players {
			if !p.until.IsZero() && p.until.Sub(w.now) <= 3*time.Second {
				if p.busy {
					for len(g.waiting) > 0 && p.busy {
						s := g.waiting[0]
						g.waiting = g.waiting[1:]
						if s.who != nil {
							s.who.busy = false
							g.accept(s)
						} else {
							w.effects(w.r.Answered(w.now, s.key, response(w.t, 401)).Effects)
						}
					}
				}
				if p.until.IsZero() || p.until.Sub(w.now) > 3*time.Second {
					continue
				}
				g.register(p, p.contact)
				if p.busy {
					s := g.waiting[len(g.waiting)-1]
					g.waiting = g.waiting[:len(g.waiting)-1]
					p.busy = false
					g.accept(s)
				}
			}
		}
	}
}

func (g *game) check() {
	w := g.world
	g.t.Helper()
	for _, p := range g.players {
		if p.until.IsZero() || !p.until.After(w.now) {
			continue
		}
		b, s := w.r.Lookup(w.now, p.serial)
		if s != Reachable || b.Flow != p.flow || !strings.Contains(p.contact, "<"+b.Contact+">") {
			g.t.Fatalf("%s believes until %v that it is reached by %v: %v by %v", p.contact, p.until.Sub(start), p.flow, s, b.Flow)
		}
		h := w.pbx.bound[p.aor][fmt.Sprintf("t%016x", p.serial)]
		if h == nil || !h.until.After(w.now) {
			g.t.Fatalf("%s believes until %v, and the PBX does not have it", p.contact, p.until.Sub(start))
		}
	}
	for serial, b := range w.r.bindings {
		if !slices.Contains(g.confirmed[serial], b.flow) && !b.down {
			g.t.Fatalf("%v was confirmed by nobody", b.flow)
		}
	}
	if err := w.r.consistent(); err != nil {
		g.t.Fatal(err)
	}
}

// consistent says what does not fit.
func (r *Registrar) consistent() error {
	n := 0
	for flow, b := range r.flows {
		for prev := (*binding)(nil); b != nil; prev, b = b, b.next {
			if n++; b.flow != flow || b.prev != prev || r.bindings[b.serial] != b {
				return fmt.Errorf("the list of flow %v is wrong", flow)
			}
		}
	}
	in := 0
	for key, a := range r.aors {
		in += len(a.list)
		if a.key != key || len(a.list) == 0 {
			return fmt.Errorf("address-of-record %q is wrong", key)
		}
	}
	if n != len(r.bindings) || in != n || r.due.Len() != n || r.count[0] != len(r.aors) {
		return fmt.Errorf("%d bindings, %d by flows, %d by addresses, %d in the heap", len(r.bindings), n, in, r.due.Len())
	}
	for t := range r.due.All() {
		if r.bindings[t.Of.serial] != t.Of {
			return fmt.Errorf("a timer is set for the binding %d that was", t.Of.serial)
		}
	}
	waiting := 0
	for _, p := range r.waiting {
		for ; p != nil; p = p.next {
			waiting++
		}
	}
	if waiting != len(r.underway) {
		return fmt.Errorf("%d under way, %d by address", len(r.underway), waiting)
	}
	return nil
}
