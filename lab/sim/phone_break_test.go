package sim

import (
	"bytes"
	"regexp"
	"slices"
	"testing"
	"time"

	"sbc/signaling"
	"sbc/signaling/b2bua"
)

// calmPhones is a world with phones in which nothing goes wrong.
var calmPhones = Options{Seed: 5, Phones: 4, PhonesTCP: true, PhoneCalls: 14, Span: 4 * time.Minute, Sparse: true, Delay: 10 * time.Millisecond, Scans: 40}

// Each checker of registrations finds the bug that is planted for it.
func TestPhoneCheckersFind(t *testing.T) {
	if r, err := Run(calmPhones); err != nil || len(r.Problems) > 0 {
		t.Fatalf("the world without a bug: %v %v", r, err)
	}
	for _, bug := range []struct {
		name, invariant string
		breaks          breaks
	}{
		{"a REGISTER that nobody sent", noneMade, breaks{out: belated()}},
		{"a REGISTER twice", noneMade, breaks{out: again("REGISTER sip:", "", "", change("branch=z9hG4bK", "branch=z9hG4bKx"))}},
		{"credentials of nobody", noneMade, breaks{out: edits(`response="[0-9a-f]{4}`, `response="0000`, "REGISTER sip:")()}},
		{"too many REGISTERs", seldomAsked, breaks{out: manifold()}},
		{"a request by another flow", itsFlow, breaks{out: astray()}},
		{"a phone that is not called", isCalled, breaks{out: without("INVITE sip:phone")}},
		{"a stranger that is registered", nothingChanges, breaks{out: edits(`SIP/2.0 401 Unauthorized`, "SIP/2.0 200 OK", "tag=thief")()}},
		{"a stranger that reaches a phone", nothingChanges, breaks{out: passed()}},
		{"a record that stays", noneLeft, breaks{out: func(w *world, list outs) outs {
			w.kept[1] = []byte{1}
			return list
		}}},
		{"a PBX that hears no refresh", staysBound, breaks{out: silenced(20 * time.Second)}},
		{"a phone's name at the PBX, and at others", noCanary, breaks{out: put("X: nutmeg1home nutmeg2home\r\n")}},
		{"a phone's address at the PBX", noCanary, breaks{out: func(w *world, list outs) outs {
			return put("X: "+w.phones[0].at.addr.Addr().String()+"\r\n")(w, list)
		}}},
		{"the address of a phone's NAT at the PBX", noCanary, breaks{out: put("X: 198.51.100.20 198.51.100.21\r\n")}},
		{"a packet to where a phone is not", pinnedSource, breaks{relay: func(w *world, r *relayed) {
			if publicNet.Contains(r.sent.To.Addr()) {
				r.sent.To = strangerRTP
			}
		}}},
		{"a packet of a neighbour of a phone", pinnedSource, breaks{relay: func(w *world, r *relayed) {
			if publicNet.Contains(r.src.Addr()) {
				r.src = w.phones[0].at.addr
			}
		}}},
	} {
		t.Run(bug.name, func(t *testing.T) {
			o := calmPhones
			o.broken = bug.breaks
			r, err := Run(o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(r.all, bug.invariant) {
				t.Errorf("%q is not among what was found: %v", bug.invariant, r)
			}
		})
	}
}

// belated sends a REGISTER once more, as another one, when a timer is due.
func belated() breaker {
	var last *signaling.Outbound
	return func(w *world, list outs) outs {
		for _, o := range list {
			if has(o, "REGISTER sip:") {
				last = &signaling.Outbound{Flow: o.Flow, Bytes: bytes.Replace(o.Bytes, []byte("branch=z9hG4bK"), []byte("branch=z9hG4bKz"), 1)}
			}
			if has(o, "OPTIONS sip:phone") && last != nil {
				list, last = append(list, *last), nil
			}
		}
		return list
	}
}

// manifold sends each REGISTER with credentials several times.
func manifold() breaker {
	return func(w *world, list outs) outs {
		for _, o := range slices.Clone(list) {
			for i := range 8 {
				if has(o, "REGISTER sip:", "Authorization: ") {
					b := bytes.Replace(o.Bytes, []byte("branch=z9hG4bK"), []byte("branch=z9hG4bK"+string(rune('a'+i))), 1)
					list = append(list, signaling.Outbound{Flow: o.Flow, Bytes: b})
				}
			}
		}
		return list
	}
}

// astray sends calls for a phone to another one.
func astray() breaker {
	return rewrite(func(w *world, o signaling.Outbound) outs {
		if has(o, "INVITE sip:phone") {
			for _, b := range w.bindings.byUser {
				if b.flow != o.Flow && b.flow.Remote.IsValid() {
					o.Flow = b.flow
				}
			}
		}
		return outs{o}
	})
}

// passed lets what a stranger asks of the PBX go to a phone as well.
func passed() breaker {
	call := regexp.MustCompile(`REGISTER`)
	return func(w *world, list outs) outs {
		for _, o := range slices.Clone(list) {
			if b := w.bindings.of("phone1"); has(o, "REGISTER sip:") && b != nil {
				to := b2bua.Flow{Listener: b.flow.Listener, Remote: b.flow.Remote, Conn: b.flow.Conn}
				list = append(list, signaling.Outbound{Flow: to, Bytes: call.ReplaceAll(o.Bytes, []byte("MESSAGE"))})
			}
		}
		return list
	}
}

// silenced lets no REGISTER out after a time.
func silenced(after time.Duration) breaker {
	return rewrite(func(w *world, o signaling.Outbound) outs {
		if w.now > after && has(o, "REGISTER sip:") {
			return nil
		}
		return outs{o}
	})
}
