package public

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A pmpServer spoils what a NAT-PMP router answers.
type pmpServer struct {
	epoch atomic.Uint32
	maps  atomic.Int32
	spoil func(r []byte) // may be nil
}

func asksNATPMP(t *testing.T, s *pmpServer, addr netip.Addr, o Options) *Watch {
	t.Helper()
	o.Gateway = serveFake(t, pcpPort, func(b []byte) [][]byte {
		r := natpmpAnswer(b, addr)[0]
		binary.BigEndian.PutUint32(r[4:], s.epoch.Load())
		if b[1] != 0 {
			s.maps.Add(1)
		}
		if s.spoil != nil {
			s.spoil(r)
		}
		return [][]byte{r}
	}).at
	o.Signaling.Method = NATPMP
	o.Ports = []Port{sip5060, {TCP, 5060}}
	return watching(t, o)
}

func TestNATPMPMaps(t *testing.T) {
	t.Parallel()
	srv := &pmpServer{}
	srv.epoch.Store(100)
	w := asksNATPMP(t, srv, outside, Options{MediaPorts: Range{20000, 20001}})
	s := state(t, w, "all mapped", allMapped)
	if s.Signaling.Addr != outside || s.Signaling.Method != NATPMP || s.Media.Mappings[1].External != 20001 {
		t.Errorf("state: %+v", s)
	}
	if left := time.Until(s.Signaling.Mappings[1].Renew); left < 14*time.Minute || left > 19*time.Minute {
		t.Errorf("of half an hour, renewed in %v", left)
	}
}

func TestNATPMPRouterThatStartedAgain(t *testing.T) {
	t.Parallel()
	srv := &pmpServer{}
	srv.epoch.Store(100)
	w := asksNATPMP(t, srv, outside, Options{Every: 50 * time.Millisecond})
	before := state(t, w, "all mapped", allMapped)
	srv.epoch.Store(0)
	state(t, w, "all mapped anew", func(s *State) bool {
		for i, m := range s.Signaling.Mappings {
			if !m.Until.After(before.Signaling.Mappings[i].Until) {
				return false
			}
		}
		return true
	})
}

func TestNATPMPBadAnswers(t *testing.T) {
	t.Parallel()
	onMap := func(f func(r []byte)) func(r []byte) {
		return func(r []byte) {
			if r[1] != 0x80 {
				f(r)
			}
		}
	}
	for want, spoil := range map[string]func(r []byte){
		"not allowed":              onMap(func(r []byte) { r[3] = 2 }),
		"no room left":             onMap(func(r []byte) { r[3] = 4 }),
		"about port 5061":          onMap(func(r []byte) { r[9]++ }),
		"maps nothing":             onMap(func(r []byte) { clear(r[10:12]) }),
		"says yes and maps":        onMap(func(r []byte) { clear(r[12:16]) }),
		"no connection":            func(r []byte) { r[3] = 3 },
		"does not speak this":      func(r []byte) { r[3] = 1 },
		"does not know the operat": func(r []byte) { r[3] = 5 },
		"Non-zero result code 300": func(r []byte) { r[2], r[3] = 1, 44 },
		"opcode":                   func(r []byte) { r[1] = 0x85 },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			w := asksNATPMP(t, &pmpServer{spoil: spoil}, outside, Options{})
			said := func(k *Known) bool {
				all := k.Err
				for _, m := range k.Mappings {
					all += m.Err
				}
				return strings.Contains(all, want)
			}
			s := state(t, w, want, func(s *State) bool { return said(&s.Signaling) })
			if s.Signaling.Mappings[0].External != 0 {
				t.Errorf("mapped: %+v", s.Signaling)
			}
		})
	}
}

func TestNATPMPLyingRouterIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range liesV4 {
		addr := netip.MustParseAddr(text)
		if addr.Is6() {
			continue // it has no way to say that
		}
		w := asksNATPMP(t, &pmpServer{}, addr, Options{})
		s := state(t, w, "an error", func(s *State) bool { return s.Signaling.Err != "" })
		if s.Signaling.Addr.IsValid() || !strings.Contains(s.Signaling.Err, "refused") {
			t.Errorf("%s: %+v", addr, s.Signaling)
		}
		w.Close()
	}
}

// Media need the port that they asked for; signaling takes any.
func TestNATPMPOtherPort(t *testing.T) {
	t.Parallel()
	w := asksNATPMP(t, &pmpServer{spoil: func(r []byte) {
		if r[1] != 0x80 && binary.BigEndian.Uint32(r[12:]) != 0 {
			r[10] = 0x90 // the external port
		}
	}}, outside, Options{MediaPorts: Range{20000, 20000}})
	s := state(t, w, "an answer for each", func(s *State) bool {
		return len(s.Media.Mappings) == 1 && s.Media.Mappings[0].Err != "" && s.Signaling.Mappings[1].External != 0
	})
	if s.Signaling.Port(sip5060) == 5060 || s.Media.Mappings[0].External != 0 || !strings.Contains(s.Media.Mappings[0].Err, "media cannot use") {
		t.Errorf("state: %+v", s)
	}
}
