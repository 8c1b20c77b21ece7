package e2e

import (
	"fmt"
	"strconv"
	"testing"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// sippScenarios are the files of testdata/sipp, with what varies in them.
var sippScenarios = []struct {
	name string // of the subtest
	file string
	data any
	sbc  bool // only with the SBC between the ends
}{
	{name: "basic", file: "basic"},
	{name: "callee hangs up", file: "callee_bye"},
	{name: "early media", file: "early_media"},
	{name: "late offer", file: "late_offer"},
	{name: "hold sendonly", file: "hold", data: hold{"sendonly", "a=sendonly", "recvonly", "a=recvonly"}},
	{name: "hold inactive", file: "hold", data: hold{"inactive", "a=inactive", "inactive", "a=inactive"}},
	{name: "hold c=0.0.0.0", file: "hold", data: hold{"zero", "a=(sendonly|inactive)|c=IN IP4 0", "inactive", "a=inactive"}},
	{name: "callee holds", file: "callee_hold"},
	{name: "cancel before 180", file: "cancel", data: ring{false}},
	{name: "cancel after 180", file: "cancel", data: ring{true}},
	{name: "cancel before anything", file: "cancel_silent", sbc: true},
	{name: "cancel meets 200", file: "cancel_race"},
	{name: "busy", file: "refused", data: refusal{486, "Busy Here"}},
	{name: "not found", file: "refused", data: refusal{404, "Not Found"}},
	{name: "declined", file: "refused", data: refusal{603, "Decline"}},
	{name: "codec change", file: "codec_change"},
	{name: "re-INVITE refused", file: "reinvite_refused", data: refusal{488, "Not Acceptable Here"}},
	{name: "re-INVITE glares", file: "reinvite_refused", data: refusal{491, "Request Pending"}},
	{name: "INFO and OPTIONS", file: "info"},
	{name: "session timer", file: "session_timer"},
}

// hold is what testdata/sipp/hold.xml wants to know.
type hold struct{ Offer, Seen, Answer, Heard string }

type ring struct{ Ring bool }

type refusal struct {
	Status int
	reason string
}

// Line is what follows SIP/2.0.
func (r refusal) Line() string { return strconv.Itoa(r.Status) + " " + r.reason }

// Each scenario is run in both directions: out is a call from the LAN to the
// ITSP, in the other way.
func TestSipp(t *testing.T) {
	netns.Require(t, "root", "sipp")
	for _, s := range sippScenarios {
		for _, way := range []string{"out", "in"} {
			t.Run(s.name+" "+way, func(t *testing.T) {
				t.Parallel()
				if direct && s.sbc {
					t.Skip("only with the SBC between the ends")
				}
				w := newWorld(t)
				w.sipp(way, s.file, s.data)
			})
		}
	}
}

// ends returns the side of the caller and of the callee.
func (w *world) ends(way string) (caller, callee *side) {
	if way == "in" {
		return w.itsp, w.lan
	}
	return w.lan, w.itsp
}

// sipp runs both sides of a scenario and fails the test unless both are
// content.
func (w *world) sipp(way, file string, data any) {
	w.t.Helper()
	caller, callee := w.ends(way)
	dir := w.t.TempDir()
	uac, uas := scenario(w.t, dir, file, data)
	answering := w.start(callee.space, sippCommand(dir, uas, callee, sipPort))
	w.await("sipp to listen", func() bool { return callee.space.Bound(callee.at(sipPort)) })
	calling := sippCommand(dir, uac, caller, sipPort+1)
	calling.Args = append(calling.Args, "-s", "4930123", caller.target().String())
	p := w.start(caller.space, calling)
	if err := p.Wait(w.ctx); err != nil {
		w.t.Errorf("caller: %v", err)
		answering.Kill()
	}
	if err := answering.Wait(w.ctx); err != nil {
		w.t.Errorf("callee: %v", err)
	}
	w.sealedFrom(ua.Canary{Own: lanCanary.Own}, ua.Canary{Own: itspCanary.Own})
}

func sippCommand(dir, file string, s *side, port int) netns.Command {
	return netns.Command{Path: "sipp", Dir: dir, Args: []string{
		"-sf", file, "-m", "1", "-i", s.addr.String(), "-p", strconv.Itoa(port), "-nostdin", "-nd",
		"-timeout", "30s", "-timeout_error", "-recv_timeout", "10000", "-deadcall_wait", "0",
		"-trace_err", "-error_file", fmt.Sprintf("%s/%s.errors", dir, s.name),
	}}
}
