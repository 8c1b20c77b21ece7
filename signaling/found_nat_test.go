package signaling

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sbc/policy"
	"sbc/signaling/sip"
)

// pings answers the OPTIONS that keep the way to the phone open, or not, for a
// time.
func (w *world) pings(of time.Duration, answer bool) {
	for end := w.now + of; w.now < end; {
		for _, out := range w.wait(500 * time.Millisecond) {
			if answer && out.msg.IsRequest() && out.msg.Method() == sip.OPTIONS {
				w.send(phoneAddr, respond(out, 200, "", ""))
			}
		}
	}
}

// A 2xx that comes when its INVITE was given up is acknowledged and ended where
// the phone is, not where its Contact says that it is.
func TestLate2xxOfAPhone(t *testing.T) {
	w := newPhones(t)
	contact := w.registered()
	inv := w.want(w.send(pbxAddr, strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact)), "a 100, b INVITE")[1]
	w.wait(40 * time.Second)
	w.send(phoneAddr, register("again", "2", "Expires: 600\n"))
	outs := w.send(phoneAddr, respond(inv, 200, "Contact: <sip:100@10.0.0.5:5060>\n", answer))
	for _, out := range w.want(outs, "b ACK, b BYE") {
		if out.to != phoneAddr {
			t.Errorf("%s goes to %v", labels([]wire{out}), out.to)
		}
	}
}

// A phone in a call whose network was gone for some seconds, so that OPTIONS
// went unanswered, can hang up: it is where it was.
func TestHangUpAfterSilence(t *testing.T) {
	w := newPhones(t)
	contact := w.registered()
	inv := w.want(w.send(pbxAddr, strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact)), "a 100, b INVITE")[1]
	ok := w.want(w.send(phoneAddr, respond(inv, 200, "Contact: <sip:100@10.0.0.5:5060>\n", answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.pings(18*time.Second, true)
	w.pings(25*time.Second, false)
	w.want(w.send(phoneAddr, fromFar(inv, "BYE", 5)), "b 200, a BYE")
}

// A phone that answered no OPTIONS for some seconds may call all the same: it is
// registered.
func TestCallAfterSilence(t *testing.T) {
	w := newPhones(t)
	w.registered()
	w.pings(18*time.Second, true)
	w.pings(25*time.Second, false)
	out := strings.NewReplacer("192.168.1.10", "10.0.0.5", "192.168.1.1", "voice.example", "pbx.lan", "voice.example", "secret-call", "phone-call", "pbxone", "phone1").Replace(invite)
	w.want(w.send(phoneAddr, out), "b 100, a INVITE")
}

// A phone with an instance that learned another address registers that and
// takes the old one back, in one REGISTER.
func TestNewAddressForOld(t *testing.T) {
	w := newPhones(t)
	device := ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000a95a0e128>\""
	first := strings.Replace(register("r1", "1", "Expires: 600\n"), "10.0.0.5:5060>\nExpires", "10.0.0.5:5060>"+device+"\nExpires", 1)
	reg := w.want(w.send(phoneAddr, first), "a REGISTER")[0]
	w.want(w.send(pbxAddr, granted(reg)), "b 200")
	next := strings.Replace(register("r2", "2", "Expires: 600\n"), "Contact: <sip:100@10.0.0.5:5060>",
		"Contact: <sip:100@198.18.7.9:31022>"+device+"\nContact: <sip:100@10.0.0.5:5060>;expires=0", 1)
	reg = w.want(w.send(phoneAddr, next), "a REGISTER")[0]
	if n := strings.Count(reg.bytes, "Contact: "); n != 1 {
		t.Errorf("the PBX gets %d contacts:\n%s", n, reg.bytes)
	}
	ok := w.want(w.send(pbxAddr, granted(reg)), "b 200")[0]
	if !strings.HasPrefix(ok.field("Contact"), "<sip:100@198.18.7.9:31022>") {
		t.Errorf("the phone gets\n%s", ok.bytes)
	}
}

// What comes from a phone counts while an OPTIONS waits, however soon it comes
// after the last that counted.
func TestHeardWhileAsked(t *testing.T) {
	b := behind{heard: new(atomic.Int64)}
	told := []bool{b.hear(10 * time.Second), b.hear(12 * time.Second)}
	b.expect(12 * time.Second)
	if told = append(told, b.hear(12100*time.Millisecond), b.hear(13*time.Second)); !slices.Equal(told, []bool{true, false, true, false}) {
		t.Errorf("told: %v", told)
	}
}

// A phone that was lost is asked now and then, and is reached when it answers.
func TestLostPhoneIsAsked(t *testing.T) {
	w := newPhones(t, func(o *Options, _ *policy.Options) { o.Endpoints[0].Refresh = 10 * time.Minute })
	w.registered()
	w.pings(18*time.Second, true)
	w.pings(25*time.Second, false)
	n := 0
	for _, out := range w.wait(2 * time.Minute) {
		if out.msg.IsRequest() && out.msg.Method() == sip.OPTIONS {
			n++
		}
	}
	if n == 0 {
		t.Error("it was not asked any more")
	}
}
