package registrar

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// A rush is many phones that come back at once, and a PBX that bears so many
// REGISTERs per second.
type rush struct {
	t        *testing.T
	r        *Registrar
	rng      *rand.Rand
	obey     bool
	events   visits
	arrivals map[int64]int // REGISTERs at the PBX, by second
	done     int

	challenge, ok *sip.Message
	last          time.Duration // when the last phone was registered
}

type visit struct {
	at   time.Duration
	n    int
	auth bool
}

type visits []visit

func (v visits) Len() int           { return len(v) }
func (v visits) Less(i, j int) bool { return v[i].at < v[j].at }
func (v visits) Swap(i, j int)      { v[i], v[j] = v[j], v[i] }
func (v *visits) Push(x any)        { *v = append(*v, x.(visit)) }
func (v *visits) Pop() any          { x := (*v)[len(*v)-1]; *v = (*v)[:len(*v)-1]; return x }

// visit plays one REGISTER of phone n.
func (w *rush) visit(v visit, phones []phone, m *sip.Message) {
	now := start.Add(v.at)
	w.r.Advance(now)
	p := &phones[v.n]
	p.user = map[bool]string{true: "u"}[v.auth]
	if err := m.Parse(p.register("Contact: <sip:p@10.0.0.5>")); err != nil {
		w.t.Fatal(err)
	}
	flow := Flow{Remote: netip.AddrPortFrom(netip.AddrFrom4([4]byte{100, byte(v.n >> 16), byte(v.n >> 8), byte(v.n)}), 5060)}
	verdict := w.r.Register(now, 0, flow, m)
	switch {
	case verdict.Status == 503:
		_, after, _ := strings.Cut(string(verdict.Fields), "Retry-After: ")
		seconds, err := strconv.Atoi(strings.TrimSpace(after))
		if err != nil {
			w.t.Fatalf("%q", verdict.Fields)
		}
		wait := time.Duration(seconds)*time.Second + time.Duration(w.rng.Int64N(int64(time.Second)))
		if !w.obey {
			wait = time.Minute
		}
		heap.Push(&w.events, visit{v.at + wait, v.n, false})
	case verdict.Status != 0:
		w.t.Fatalf("%d %q", verdict.Status, verdict.Cause)
	case !v.auth:
		w.arrivals[int64(v.at/time.Second)]++
		w.r.Answered(now, verdict.Key, w.challenge)
		heap.Push(&w.events, visit{v.at + 50*time.Millisecond, v.n, true})
	default:
		w.arrivals[int64(v.at/time.Second)]++
		w.r.Answered(now, verdict.Key, w.ok)
		w.done, w.last = w.done+1, v.at
	}
}

// 20,000 phones come back within some seconds, as after the loss of all state.
// Each is challenged, so 40,000 REGISTERs have to reach a PBX that bears 100 per
// second: 400 s is the least.
func TestRush(t *testing.T) {
	const phones, rate = 20_000, 100
	for _, c := range []struct {
		name string
		obey bool
		most time.Duration
	}{
		{"phones that obey Retry-After", true, 440 * time.Second},
		{"phones that come every 60 s", false, 600 * time.Second},
	} {
		o := options()
		o.Endpoints[0].Rate, o.Endpoints[0].Silent = rate, true
		o.Endpoints[0].Bindings = phones
		o.Sources, o.Appointments, o.UnderwayMax = 0, 0, 0
		w := &rush{t: t, r: New(o), rng: rand.New(rand.NewPCG(3, 4)), obey: c.obey, arrivals: map[int64]int{}, challenge: response(t, 401), ok: response(t, 200, "Expires: 1800")}
		list := make([]phone, phones)
		for i := range list {
			list[i] = phone{aor: fmt.Sprint(i, "@pbx.example"), callID: fmt.Sprint("c", i)}
			within := 5 * time.Second
			if !c.obey {
				within = time.Minute
			}
			heap.Push(&w.events, visit{time.Duration(w.rng.Int64N(int64(within))), i, false})
		}
		m := new(sip.Message)
		for w.events.Len() > 0 && w.done < phones {
			v := heap.Pop(&w.events).(visit)
			if v.at > time.Hour {
				break
			}
			w.visit(v, list, m)
		}
		peak, sum := 0, 0
		for second, n := range w.arrivals {
			sum += n
			if second > 0 { // the burst is spent in the first
				peak = max(peak, n)
			}
		}
		t.Logf("%s: %d registered after %v; at the PBX %d REGISTERs in the first second, then at most %d, %d in all",
			c.name, w.done, w.last.Round(time.Second), w.arrivals[0], peak, sum)
		if w.done != phones || w.last > c.most || peak > 2*rate || w.arrivals[0] > 3*rate {
			t.Errorf("%s: %d registered after %v, %d/s and then %d/s at the PBX", c.name, w.done, w.last, w.arrivals[0], peak)
		}
	}
}
