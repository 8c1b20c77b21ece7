package e2e

import (
	"strconv"
	"testing"

	"sbc/lab/netns"
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
	{name: "PRACK and UPDATE", file: "prack"},
	{name: "offer in 183", file: "prack_offer"},
	{name: "busy lamp", file: "subscribe", data: busy, sbc: true},
	{name: "busy lamp, NOTIFY first", file: "subscribe", data: busy.early(), sbc: true},
	{name: "MESSAGE", file: "message", data: text, sbc: true},
	{name: "MESSAGE refused", file: "message", data: unread, sbc: true},
	{name: "PUBLISH", file: "message", data: presence, sbc: true},
	{name: "PUBLISH refused", file: "message", data: refreshed, sbc: true},
	{name: "NOTIFY unsolicited", file: "message", data: unsolicited, sbc: true},
	{name: "OPTIONS relayed", file: "message", data: asked, sbc: true},
	{name: "redirected", file: "redirected", sbc: true},
	{name: "forwarded", file: "forwarded", sbc: true},
	{name: "mailbox", file: "subscribe", data: mail, sbc: true},
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
	w.play(file, caller, data,
		part{role: "uas", side: callee, port: sipPort},
		part{role: "uac", side: caller, port: sipPort + 1, calls: true})
}
