package registrar

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// filled returns a Registrar with n phones, each with an instance and
// credentials as phones have them, and a REGISTER of each that is its next.
func filled(t testing.TB, o Options, n int) (*Registrar, []phone) {
	r := New(o)
	m := new(sip.Message)
	phones := make([]phone, n)
	ok := response(t, 200, "Expires: 1800", "Service-Route: <sip:192.168.1.10;lr>")
	for i := range phones {
		phones[i] = phone{aor: fmt.Sprintf("%d@pbx.example", 10000+i), callID: fmt.Sprintf("%032x", i), user: fmt.Sprint(10000 + i)}
		if err := m.Parse(phones[i].register(contactOf(i))); err != nil {
			t.Fatal(err)
		}
		v := r.Register(start, 0, flowOfPhone(i), m)
		if v.Status != 0 {
			t.Fatalf("%d %q", v.Status, v.Cause)
		}
		if reply := r.Answered(start, v.Key, ok); reply.Status != 200 || len(reply.Effects) < 2 {
			t.Fatalf("%+v", reply)
		}
	}
	return r, phones
}

func contactOf(i int) string {
	return fmt.Sprintf("Contact: <sip:%d@192.168.178.%d:5060;transport=udp;line=%x>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-%012x>\"", 10000+i, i%250, i, i)
}

func flowOfPhone(i int) Flow {
	return Flow{Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, byte(i >> 16), byte(i >> 8), byte(i)}), uint16(5060+i%1000))}
}

func unlimited() Options {
	o := options()
	o.Endpoints[0].Rate, o.Endpoints[0].Burst = 1e9, 1e9
	o.Endpoints[0].Bindings = 20_000
	o.Sources, o.Appointments, o.UnderwayMax = 0, 0, 0
	return o
}

// A binding takes at most 2 KB, with its part of all tables.
func TestMemory(t *testing.T) {
	const n = 20_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, phones := filled(t, unlimited(), n)
	clear(phones)
	phones = nil
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&after)
	each := float64(after.HeapAlloc-before.HeapAlloc) / n
	t.Logf("%.0f octets a binding", each)
	if each > 2048 || r.Len() != n {
		t.Errorf("%.0f octets for each of %d bindings", each, r.Len())
	}
	runtime.KeepAlive(phones)
	runtime.KeepAlive(r)
}

// refreshes is a Registrar of n phones, with the parsed refreshes of some.
func refreshes(t testing.TB, n, some int) (*Registrar, []*sip.Message) {
	o := unlimited()
	o.SourceRate, o.SourceBurst = 1e9, 1e9
	o.Endpoints[0].AORRate, o.Endpoints[0].AORBurst = 1e9, 1e9
	r, phones := filled(t, o, n)
	list := make([]*sip.Message, some)
	for i := range list {
		phones[i].cseq = 1 << 20
		list[i] = parse(t, phones[i].register(contactOf(i)))
	}
	return r, list
}

// again lets the same REGISTER be newer than what was answered.
func again(r *Registrar) {
	for _, b := range r.bindings {
		b.cseq = 0
	}
}

func TestRefreshAllocates(t *testing.T) {
	r, list := refreshes(t, 10, 1)
	now := start.Add(time.Second)
	n := testing.AllocsPerRun(1000, func() {
		again(r)
		if v := r.Register(now, 0, flowOfPhone(0), list[0]); v.Status != 200 {
			t.Fatal(v.Status, v.Cause)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRefresh(b *testing.B) {
	r, list := refreshes(b, 20_000, 1000)
	now := start.Add(time.Second)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r.bindings[r.serialOf(i%1000)].cseq = 0
		if v := r.Register(now, 0, flowOfPhone(i%1000), list[i%1000]); v.Status != 200 {
			b.Fatal(v.Status, v.Cause)
		}
	}
}

// serialOf returns the serial of the i-th phone.
func (r *Registrar) serialOf(i int) uint64 { return r.flows[flowOfPhone(i)].serial }

// BenchmarkMinute is what a minute of 20,000 phones that refresh costs besides
// Register: all that is due, keep-alives included.
func BenchmarkMinute(b *testing.B) {
	r, list := refreshes(b, 20_000, 20_000)
	now := start
	do := 0
	for b.Loop() {
		for i := range list {
			now = now.Add(time.Minute / 20_000)
			do += len(r.Advance(now))
			r.bindings[r.serialOf(i)].cseq = 0
			v := r.Register(now, 0, flowOfPhone(i), list[i])
			if v.Status == 0 {
				r.Answered(now, v.Key, response(b, 200, "Expires: 1800"))
			}
		}
	}
	b.ReportMetric(float64(do)/float64(b.N), "effects")
}

func BenchmarkRelay(b *testing.B) {
	r, list := refreshes(b, 20_000, 1000)
	ok := response(b, 200, "Expires: 1800")
	now := start.Add(time.Second)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x := r.bindings[r.serialOf(i%1000)]
		x.cseq, x.stale = 0, true
		v := r.Register(now, 0, flowOfPhone(i%1000), list[i%1000])
		if v.Status != 0 {
			b.Fatal(v.Status, v.Cause)
		}
		r.Answered(now, v.Key, ok)
	}
}

func BenchmarkLookup(b *testing.B) {
	r, _ := refreshes(b, 20_000, 1)
	serial := r.serialOf(77)
	b.ReportAllocs()
	for b.Loop() {
		if _, s := r.Lookup(start, serial); s != Reachable {
			b.Fatal(s)
		}
	}
}
