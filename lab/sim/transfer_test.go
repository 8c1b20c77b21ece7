package sim

import (
	"errors"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"sbc/lab/ua"
)

// impossible says why a cell cannot be; empty: it can.
func (x transfer) impossible() string {
	switch o := x.outcome; {
	case x.past() && !x.consults():
		return "there is no consultation"
	case x.picked() && x.leave != ua.LeaveNever:
		return "the transferor does nothing"
	case x.picked() && o == refused:
		return "there is no REFER"
	case x.kind == unheard && x.leave == ua.LeaveDone:
		return "no NOTIFY comes"
	case o == refused && (x.leave == ua.LeaveAccepted || x.leave == ua.LeaveDone):
		return "the REFER is not accepted"
	case o == unreachable && x.onePeer():
		return "the peer that is silent has to take part"
	case o == gone && !x.consults() && !x.picked():
		return "no call is named"
	case o == busy && x.kind == ringing:
		return "who rings is not busy"
	case o == tooLate && x.kind != ringing && x.kind != pickRing:
		return "only a call that rings can be answered meanwhile"
	case o == strict && x.kind != ringing && x.kind != pickRing:
		return "nothing rings"
	case o == strict && x.kind == pickRing && x.called:
		return "who is told to replace is the caller"
	}
	return ""
}

// leaves are the columns.
var leaves = []ua.Leave{ua.LeaveAtOnce, ua.LeaveAccepted, ua.LeaveDone, ua.LeaveNever}

// variants are the cells of a kind, a leave and an outcome.
func (x transfer) variants() (all []transfer) {
	for p := range places {
		for _, x.inward = range []bool{false, true} {
			for _, x.called = range []bool{false, true} {
				x.place = p
				all = append(all, x)
			}
		}
	}
	return all
}

// Each kind of transfer, by whom and to where ever, whenever the transferor
// hangs up and whatever comes of it, through the real core over a network that
// delays only. docs/transfers.md says what happened.
func TestTransferMatrix(t *testing.T) {
	m := matrix{}
	for k := range kinds {
		for o := range outcomes {
			for _, l := range leaves {
				for _, x := range (transfer{kind: k, outcome: o, leave: l}).variants() {
					m.enter(t, x)
				}
			}
		}
	}
	t.Logf("%d cells", m.played)
	if !t.Failed() {
		m.publish(t)
	}
}

// play plays a cell over a perfect network, each over another carrier.
func (x transfer) play() (s *scene, result string, err error) {
	by := carriers[crc32.ChecksumIEEE([]byte(x.String()))%uint32(len(carriers))]
	if x.outcome == unreachable { // of a connection that cannot be opened one hears at once
		by.tcp = 0
	}
	s, err = x.scene(Options{Seed: 5, Shards: 3, Delay: 10 * time.Millisecond, Sparse: true, IP6: by.ip6, TCP: by.tcp})
	if err != nil {
		return nil, "", err
	}
	s.w.perfect = true
	return s.act()
}

// act plays a scene over a perfect network. The result is who is connected
// with whom, before they hang up.
func (s *scene) act() (_ *scene, result string, err error) {
	if !s.prepare(3 * time.Second) {
		return s, "", errors.New("the calls did not come up")
	}
	if s.x.outcome == unreachable {
		s.begin(time.Minute)
		s.w.run(s.w.now + 35*time.Second)
		s.who().away = false
	} else {
		s.begin(2 * time.Second)
		s.w.run(s.w.now + 4*time.Second)
	}
	result = s.result()
	return s, result, errors.Join(s.judge(), s.judgeUse(), s.over())
}

func (x transfer) String() string {
	side := []string{"LAN", "ITSP"}
	from := 0
	if x.inward {
		from = 1
	}
	role := "caller"
	if x.called {
		role = "called"
	}
	return fmt.Sprintf("%s, %s, transferor at the %s (%s), target %s, leaves %v",
		kindNames[x.kind], outcomeNames[x.outcome], side[from], role, placeNames[x.place], x.leave)
}

var kindNames = [kinds]string{"blind", "blind without news", "attended", "early attended", "pick-up", "pick-up of a call that rings"}

var placeNames = [places + 1]string{"on the transferor's side", "on the transferee's side", "behind the transferor's peer", "behind the transferee's peer",
	"behind the transferor's peer, consulted without the border", "on the transferor's side, consulted without the border"}

var outcomeNames = [outcomes]string{
	"answers", "is busy (486)", "rejects (603)", "does not answer, the transferee gives up (487)", "cannot be reached (408)",
	"the REFER is refused (403)", "the named call has ended (603 or 481)", "the named call is answered meanwhile, Replaces is early-only (486)",
	"keeps to RFC 3891 section 3 and lets nobody replace what rings at it (481)",
}
