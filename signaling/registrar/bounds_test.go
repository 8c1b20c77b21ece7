package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// What cannot be is refused, each with its answer and cause.
func TestRefused(t *testing.T) {
	o := options()
	o.Endpoints[0].MinExpires = time.Minute
	o.Endpoints[0].Contacts = 2
	long := strings.Repeat("x", 600)
	for _, c := range []struct {
		name, aor string
		lines     []string
		status    int
		cause     string
	}{
		{"* without Expires", "1@a", []string{"Contact: *"}, 400, "contact"},
		{"* with Expires", "1@a", []string{"Contact: *", "Expires: 1"}, 400, "contact"},
		{"* with another", "1@a", []string{"Contact: *", "Contact: <sip:a@b>", "Expires: 0"}, 400, "contact"},
		{"* twice", "1@a", []string{"Contact: *", "Contact: *", "Expires: 0"}, 400, "contact"},
		{"three contacts", "1@a", []string{"Contact: <sip:a@b>, <sip:c@b>, <sip:d@b>"}, 403, "binding_limit"},
		{"one contact twice", "1@a", []string{"Contact: <sip:a@b>, <sip:a@b>"}, 400, "contact"},
		{"two expiries", "1@a", []string{"Contact: <sip:a@b>;expires=60;expires=0"}, 400, "contact"},
		{"tel contact", "1@a", []string{"Contact: <tel:+49301>"}, 400, "contact"},
		{"short", "1@a", []string{"Contact: <sip:a@b>;expires=59"}, 423, "interval"},
		{"short by Expires", "1@a", []string{"Contact: <sip:a@b>", "Expires: 1"}, 423, "interval"},
		{"long contact", "1@a", []string{"Contact: <sip:" + long + "@b>"}, 403, "binding_limit"},
		{"long parameters", "1@a", []string{"Contact: <sip:a@b>;x=" + long}, 403, "binding_limit"},
		{"long name", long + "@a", []string{"Contact: <sip:a@b>"}, 403, "binding_limit"},
		{"long Path", "1@a", []string{"Contact: <sip:a@b>", "Path: <sip:" + long + ";lr>"}, 403, "binding_limit"},
		{"two reg-ids", "1@a", []string{"Contact: <sip:a@b>;+sip.instance=\"1\";reg-id=1, <sip:a@b>;+sip.instance=\"1\";reg-id=2"}, 400, "contact"},
		{"an hour", "1@a", []string{"Contact: <sip:a@b>;expires=3600"}, 0, ""},
		{"a removal", "1@a", []string{"Contact: <sip:a@b>;expires=0"}, 0, ""},
		{"a query", "1@a", nil, 0, ""},
		{"forever", "1@a", []string{"Contact: <sip:a@b>;expires=4294967295"}, 0, ""},
		{"no user", "a", []string{"Contact: <sip:a@b>"}, 0, ""},
	} {
		p := phone{aor: c.aor, callID: "c"}
		v := New(o).Register(start, 0, flowOf("203.0.113.1:5060"), parse(t, p.register(c.lines...)))
		if v.Status != c.status || v.Cause != c.cause || (v.Key != 0) != (c.status == 0) || len(v.Effects) > 0 {
			t.Errorf("%s: %d %q %q", c.name, v.Status, v.Cause, v.Fields)
		}
		if c.status == 423 && string(v.Fields) != "Min-Expires: 60\r\n" {
			t.Errorf("%s: %q", c.name, v.Fields)
		}
	}
}

// One source, or one address-of-record, gets no more than its share, and what a
// stranger does costs nothing of the phone's.
func TestFlood(t *testing.T) {
	o := options()
	o.Endpoints[0].Rate = 1e6
	o.SourceRate, o.SourceBurst = 10, 20
	relayed := func(r *Registrar, n int, next func(i int) (aor, from string)) (count int) {
		for i := range n {
			aor, from := next(i)
			p := phone{aor: aor, callID: fmt.Sprint("c", i)}
			v := r.Register(start.Add(time.Duration(i)*time.Millisecond), 0, flowOf(from), parse(t, p.register("Contact: <sip:x@10.0.0.1>")))
			switch {
			case v.Status == 0:
				count++
				r.Answered(start.Add(time.Duration(i)*time.Millisecond), v.Key, response(t, 403))
			case v.Status != 503 || v.Cause != "register_rate" || !strings.HasPrefix(string(v.Fields), "Retry-After: "):
				t.Fatalf("%d %q %q", v.Status, v.Cause, v.Fields)
			}
		}
		return count
	}
	if n := relayed(New(o), 1000, func(i int) (string, string) { return fmt.Sprint(i, "@a"), "203.0.113.1:" + fmt.Sprint(1024+i) }); n < 25 || n > 31 {
		t.Errorf("one source: %d of 1000 in a second", n)
	}
	r := New(o)
	ann := phone{aor: "1@a", callID: "ann"}
	here := flowOf("198.51.100.1:5060")
	v := r.Register(start, 0, here, parse(t, ann.register("Contact: <sip:ann@10.0.0.1>")))
	r.Answered(start, v.Key, response(t, 200))
	if n := relayed(r, 1000, func(i int) (string, string) { return "1@a", fmt.Sprintf("203.0.%d.%d:5060", i/250, 1+i%250) }); n > 22 {
		t.Errorf("one address-of-record: %d of 1000 in a second", n)
	}
	if v := r.Register(start.Add(time.Second), 0, here, parse(t, ann.register("Contact: <sip:new@10.0.0.1>"))); v.Status != 0 {
		t.Errorf("the phone itself is locked out: %d %q", v.Status, v.Cause)
	}
}

// Strangers that hang in the PBX do not keep out the phone.
func TestStrangersUnderway(t *testing.T) {
	r := New(options())
	ann := phone{aor: "1@a", callID: "ann"}
	here := flowOf("198.51.100.1:5060")
	v := r.Register(start, 0, here, parse(t, ann.register("Contact: <sip:ann@10.0.0.1>")))
	r.Answered(start, v.Key, response(t, 200))
	for i := range 10 {
		eve := phone{aor: "1@a", callID: fmt.Sprint("eve", i)}
		line := []string{"Contact: *", "Expires: 0"}
		if i > 0 {
			line = []string{"Contact: <sip:eve@10.0.0.1>"}
		}
		r.Register(start, 0, flowOf(fmt.Sprintf("203.0.113.%d:5060", i+1)), parse(t, eve.register(line...)))
	}
	if n := r.Underway(); n > strangersMax {
		t.Errorf("%d under way", n)
	}
	if v := r.Register(start, 0, here, parse(t, ann.register("Contact: <sip:other@10.0.0.1>"))); v.Status != 0 {
		t.Errorf("%d %q", v.Status, v.Cause)
	}
	// What nobody answers is forgotten.
	for r.Underway() > 0 {
		at, ok := r.Next()
		if !ok || at.After(start.Add(2*time.Minute)) {
			t.Fatal("never")
		}
		r.Advance(at)
	}
	if len(r.waiting) != 0 || r.oldest != nil || r.newest != nil {
		t.Error("something is left")
	}
}

// The table of sources has a bound and forgets who was quiet longest.
func TestTable(t *testing.T) {
	g := newGate(64, 1, 2)
	busy := uint64(0x123456789)
	for i := range 100_000 {
		g.pass(uint64(i)*0x9e3779b97f4a7c15, time.Duration(i)*time.Microsecond)
		g.pass(busy, time.Duration(i)*time.Microsecond)
	}
	if len(g.slots) != 64 {
		t.Errorf("%d slots", len(g.slots))
	}
	if ok, wait := g.pass(busy, 100*time.Millisecond); ok || wait <= 0 {
		t.Error("who is busy was forgotten")
	}
}

// A removal by URI finds the binding that was made with an instance.
func TestRemovalWithoutInstance(t *testing.T) {
	w := newWorld(t)
	w.phones["ann"] = &phone{aor: "1@a", callID: "c"}
	w.do("ann", strings.Fields(`198.51.100.7:31022 Contact: <sip:ann@10.0.0.5>;+sip.instance="<urn:uuid:1>"`))
	w.do("grant", nil)
	w.do("ann", strings.Fields(`198.51.100.7:31022 Contact: <sip:ann@10.0.0.5>;expires=0`))
	w.do("grant", nil)
	if w.r.Len() != 0 {
		t.Errorf("%d bindings are left", w.r.Len())
	}
}

// With one contact allowed, a new one takes the place of one that is gone.
func TestEvicted(t *testing.T) {
	w := newWorld(t)
	w.do("config", []string{"contacts=1"})
	for i := range 4 {
		name := fmt.Sprint("p", i)
		w.phones[name] = &phone{aor: "1@a", callID: name}
		w.do(name, strings.Fields(fmt.Sprintf("198.51.100.7:%d Contact: <sip:a%d@10.0.0.5>", 1000+i, i)))
		w.do("grant", nil)
		if w.r.Len() != 1 || len(w.r.aors) != 1 || w.r.count[0] != 1 || w.r.due.Len() != 1 || len(w.r.flows) != 1 {
			t.Fatalf("%d bindings, %d addresses, count %d, %d in the heap, %d flows", w.r.Len(), len(w.r.aors), w.r.count[0], w.r.due.Len(), len(w.r.flows))
		}
		w.do("wait", []string{"2m"})
	}
}

func TestSources(t *testing.T) {
	r := New(options())
	of := func(a string) uint64 { return r.source(Flow{Remote: netip.MustParseAddrPort(a)}) }
	if of("[2001:db8::1]:1") != of("[2001:db8::ffff]:2") || of("[2001:db8::1]:1") == of("[2001:db8:0:1::1]:1") {
		t.Error("of IPv6 the network counts")
	}
	if of("1.2.3.4:1") != of("[::ffff:1.2.3.4]:9") || of("1.2.3.4:1") == of("1.2.3.5:1") {
		t.Error("of IPv4 the address counts")
	}
}

// Registrars that share bounds keep to them together.
func TestShare(t *testing.T) {
	o := options()
	o.Of = 4
	o.Endpoints[0].Rate, o.Endpoints[0].Bindings = 100, 20_000
	r := New(o)
	if r.rates[0].perSecond != 25 || r.rates[0].burst != 25 || r.opt.Endpoints[0].Bindings != 5689 || r.opt.SourceBurst != 125 {
		t.Errorf("%+v, %+v", r.rates[0], r.opt)
	}
}

// A phone that folds its Contact is understood, and nothing is folded on.
func TestFolded(t *testing.T) {
	w := newWorld(t)
	p := &phone{aor: "1@a", callID: "c"}
	v := w.r.Register(w.now, 0, flowOf("198.51.100.7:1"), parse(t, p.register("Contact: <sip:a@b>;q=1;\r\n expires=70\r\n ;x=y")))
	if got := string(v.Fields); !strings.Contains(got, ">;q=1 ;x=y;expires=1800\r\n") || strings.Contains(got, "\r\n ") {
		t.Errorf("%q", got)
	}
}
