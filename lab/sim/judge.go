package sim

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"sbc/lab/ua"
	"sbc/signaling/sip"
)

const violation = "no violation"

// A judge decides which violations that user agents see are the SBC's fault.
// Some are the network's or the user agent's own: an answer that comes to
// somebody who has given up or forgotten, and answers to forgeries.
type judge struct {
	asked   map[string]time.Duration // when a request was sent first, by user agent, branch and method
	refused map[string]int           // session descriptions that a user agent refused or never got, by its name and Call-ID
	branch  map[string]bool          // of the messages that had them
}

// sent notes what a user agent asks for and refuses.
func (j *judge) sent(a *actor, b []byte) {
	var m sip.Message
	if m.Parse(b) != nil {
		return
	}
	key := j.key(a, &m)
	if !m.IsRequest() {
		if m.Method() == sip.INVITE && m.Status() >= 300 && !j.branch[key] {
			j.branch[key] = true
			j.refused[a.at.name+string(m.Bytes(m.CallID()))]++
		}
		return
	}
	if _, ok := j.asked[key]; !ok {
		j.asked[key] = a.w.now
	}
}

// lost notes that a message of the SBC did not come to a user agent. What it
// says of a session has a version of its own all the same.
func (j *judge) lost(a *actor, m *message) {
	if m.err != nil || m.sip.Body().Empty() {
		return
	}
	if key := j.key(a, &m.sip); !j.branch[key] {
		j.branch[key] = true
		j.refused[a.at.name+m.callID()]++
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
	if e.Text == "SDP without an audio line that is on" && (bytes.HasPrefix(a.input, []byte("ACK ")) || bytes.Contains(a.input, []byte(" PRACK\r\n")) || bytes.Contains(a.input, []byte(" UPDATE\r\n"))) {
		return // the far end is gone: RFC 3264 section 6 lets an answer switch off all lines
	}
	if a.phone != nil && strings.HasPrefix(e.Text, "request to no Contact of ours") && (a.crashed >= 0 || a.w.lan.swapped(a)) {
		return // by a binding of its last life, or one of another phone whose port a NAT gave it
	}
	if strings.Contains(e.Text, " in REGISTER ") && a.w.o.Scans > 0 {
		return // a stranger sent what it heard
	}
	if j.counted(a, e.Text) {
		return
	}
	if strings.HasPrefix(e.Text, "credentials for nonce") && (a.crashed >= 0 || a.hunted()) {
		return // that it has forgotten to have given, or that the peer gave that was tried first
	}
	if strings.HasPrefix(e.Text, "credentials for uri") && !a.hashable() {
		return
	}
	if strings.HasPrefix(e.Text, "media from") && (a.crashed >= 0 || strings.HasPrefix(a.numbers[e.Call], hunt)) {
		// Of a call that it has forgotten, to a port that it uses again; or of the
		// next early dialog, sooner than the response that names it.
		return
	}
	a.w.fail(violation, "%s (call %s): %s\n%s", a.at.name, a.numbers[e.Call], e.Text, a.input)
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
	if a.crashed >= first || a.phone != nil && a.w.o.Scans > 0 && m.Method() == sip.REGISTER {
		return true // a copy of its REGISTER was answered once more
	}
	return a.w.now >= first+64*t1
}

// counted excuses a version of SDP that rose by more than one, where offers in
// between were refused: each of them had a version of its own, which RFC 3264
// section 8 forbids to use again for something else.
func (j *judge) counted(a *actor, text string) bool {
	var now, before int
	at := strings.Index(text, "o= version")
	if at < 0 || !strings.HasSuffix(text, "and the SDP changed") {
		return false
	}
	if n, err := fmt.Sscanf(text[at:], "o= version %d after %d", &now, &before); n != 2 || err != nil {
		return false
	}
	var m sip.Message
	if m.Parse(a.input) != nil {
		return false
	}
	if !m.IsRequest() && m.Method() != sip.INVITE && now < before {
		return true // an answer that was lost and is sent again, when the session has gone on
	}
	return now > before && now-before-1 <= j.refused[a.at.name+string(m.Bytes(m.CallID()))]
}

// hunted reports whether what is being received is for a number that is tried at
// several peers.
func (a *actor) hunted() bool {
	_, uri, _ := bytes.Cut(a.input, []byte(" sip:"))
	return bytes.HasPrefix(uri, []byte(hunt))
}

// hashable tells whether the Request-URI of what is being received could be the
// one that the client hashed: where a dialog is meant it is that dialog's, whose
// ends know each other by different URIs.
func (a *actor) hashable() bool {
	var m sip.Message
	if m.Parse(a.input) != nil {
		return true
	}
	_, replaces := m.First(sip.FieldReplaces)
	return !replaces && m.To().Tag.Empty()
}
