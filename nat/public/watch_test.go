package public

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestFixedAndOwnAddressesAreKnownAtOnce(t *testing.T) {
	t.Parallel()
	local := netip.MustParseAddr("203.0.113.20")
	for _, c := range []struct {
		name             string
		o                Options
		signaling, media string
	}{
		{"fixed", Options{Local: here, Signaling: Source{Method: Fixed, Addr: outside}, MediaPorts: Range{20000, 29999}},
			"203.0.113.7 (configuration)", "203.0.113.7 (configuration)"},
		{"two of them", Options{Local: here, Signaling: Source{Method: Fixed, Addr: outside}, Media: Source{Method: Fixed, Addr: local}},
			"203.0.113.7 (configuration)", "203.0.113.20 (configuration)"},
		{"public already", Options{Local: local, Signaling: Source{Method: Auto}, Ports: []Port{sip5060}},
			"203.0.113.20 (the interface's own address, which is public)", "203.0.113.20 (the interface's own address, which is public)"},
	} {
		c.o.Changed = func(State) { t.Errorf("%s: Changed is called", c.name) }
		w := watching(t, c.o)
		s := w.State()
		if s.Signaling.String() != c.signaling || s.Media.String() != c.media {
			t.Errorf("%s: %s, media %s", c.name, s.Signaling.String(), s.Media.String())
		}
		if len(s.Signaling.Mappings)+len(s.Signaling.Advice)+len(s.Media.Advice) != 0 || !s.Signaling.Next.IsZero() {
			t.Errorf("%s: %+v", c.name, s)
		}
		w.Close()
		w.Close() // again
	}
}

func TestMediaRangeThatIsTooLarge(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	w := asksPCP(t, srv, Options{MediaPorts: Range{20000, 29999}})
	s := state(t, w, "all mapped", allMapped)
	want := "forward UDP 20000-29999 to 127.0.0.1 in the router yourself: 10000 ports are more than a router is asked for (64)"
	if words(s.Media.Advice) != want || s.Media.Addr != outside || len(s.Media.Mappings) != 0 || srv.count() != 2 {
		t.Errorf("media: %+v", s.Media)
	}
}

func TestSignalingAndMediaInTwoWays(t *testing.T) {
	t.Parallel()
	srv := newPCPServer()
	other := netip.MustParseAddr("203.0.113.99")
	w := asksPCP(t, srv, Options{Media: Source{Method: Fixed, Addr: other}, MediaPorts: Range{20000, 20010}})
	s := state(t, w, "all mapped", allMapped)
	if s.Signaling.Addr != outside || s.Media.Addr != other || srv.count() != 2 {
		t.Errorf("state: %+v", s)
	}
	if got := s.String(); got != "203.0.113.7 (PCP router "+w.o.Gateway.String()+"); media 203.0.113.99 (configuration)" {
		t.Error(got)
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]Options{
		"no local address": {Signaling: Source{Method: Auto}},
		"to ask from":      {Local: netip.IPv4Unspecified(), Signaling: Source{Method: Auto}},
		`method "dhcp"`:    {Local: here, Signaling: Source{Method: "dhcp"}},
		`method ""`:        {Local: here},
		`method "own"`:     {Local: here, Signaling: Source{Method: Own}},
		"needs a server":   {Local: here, Signaling: Source{Method: STUN}},
		"::1 cannot be":    {Local: here, Signaling: Source{Method: Fixed, Addr: netip.IPv6Loopback()}},
		"invalid IP":       {Local: here, Signaling: Source{Method: Auto}, Media: Source{Method: Fixed}},
	} {
		o.Realm = "outside"
		if w, err := New(o); err == nil {
			w.Close()
			t.Errorf("%s: taken", want)
		} else if !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), `"outside"`) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestLines(t *testing.T) {
	now := time.Now()
	in := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	k := Known{Addr: outside, Method: PCP, By: "PCP router 192.168.1.1", Since: in(-7200), Asked: in(-12), Next: in(18),
		Mappings: []Mapping{
			{Local: sip5060, External: 5060, Until: in(1800), Renew: in(900)},
			{Local: Port{TCP, 5060}, External: 6060, Renew: in(30), Err: "no answer"},
			{Local: Port{UDP, 20000}, Err: "another host has it"},
			{Local: Port{UDP, 20001}},
		},
		Err: "no answer", Tried: []string{"pcp: no answer"}, Advice: []string{"forward UDP 1-2 to 192.168.1.2 in the router yourself"}}
	want := `203.0.113.7 (PCP router 192.168.1.1), for 2h0m0s, confirmed 12s ago, asked again in 18s
udp 5060 as 5060, renewed in 15m0s
tcp 5060 as 6060 (not renewed: no answer), renewed in 30s
udp 20000 not mapped: another host has it
udp 20001 not mapped yet
last error: no answer
tried pcp: no answer
forward UDP 1-2 to 192.168.1.2 in the router yourself`
	if got := strings.Join(k.Lines(now), "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for i := range 60 {
		k.Mappings = append(k.Mappings, Mapping{Local: Port{UDP, uint16(20002 + i)}, External: uint16(20002 + i)})
	}
	if list := k.Lines(now); list[9] != "and 56 more ports, of which 56 are mapped" {
		t.Errorf("lines: %q", list)
	}
	if got := (&Known{}).Lines(now); len(got) != 1 || got[0] != "public address not known" {
		t.Errorf("nothing known: %q", got)
	}
}
