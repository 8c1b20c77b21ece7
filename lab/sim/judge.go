package sim

import (
	"bytes"
	"strings"
	"time"

	"sbc/lab/ua"
	"sbc/signaling/sip"
)

// A judge decides which violations that user agents see are the SBC's fault.
// Some are the network's or the user agent's own: an answer that comes to
// somebody who has given up or forgotten, and answers to forgeries.
type judge struct {
	asked map[string]time.Duration // when a request was sent first, by user agent, branch and method
}

// sent notes a request of a user agent.
func (j *judge) sent(a *actor, b []byte) {
	var m sip.Message
	if m.Parse(b) != nil || !m.IsRequest() {
		return
	}
	if j.asked == nil {
		j.asked = map[string]time.Duration{}
	}
	key := j.key(a, &m)
	if _, ok := j.asked[key]; !ok {
		j.asked[key] = a.w.now
	}
}

func (j *judge) key(a *actor, m *sip.Message) string {
	return a.at.name + " " + string(m.Bytes(m.Via().Branch)) + " " + string(m.MethodName())
}

// violation judges what a user agent says.
func (j *judge) violation(a *actor, e ua.Event) {
	if strings.HasPrefix(e.Text, "response to no transaction") && j.excused(a) {
		return
	}
	if e.Text == "SDP without an audio line that is on" && bytes.HasPrefix(a.input, []byte("ACK ")) {
		return // the far end is gone: RFC 3264 section 6 lets an answer switch off all lines
	}
	if strings.HasPrefix(e.Text, "media from") && a.crashed >= 0 {
		return // of a call that it has forgotten, to a port that it uses again
	}
	a.w.fail("violation", "%s (call %s): %s\n%s", a.at.name, a.numbers[e.Call], e.Text, a.input)
}

// excused tells whether a response that the user agent does not know may come
// all the same.
func (j *judge) excused(a *actor) bool {
	var m sip.Message
	if m.Parse(a.input) != nil {
		return false
	}
	if strings.Contains(string(m.Bytes(m.Via().Branch)), "scan") {
		return true
	}
	first, ok := j.asked[j.key(a, &m)]
	if !ok {
		return false // it never asked
	}
	if a.crashed >= first {
		return true
	}
	return a.w.now >= first+64*t1
}
