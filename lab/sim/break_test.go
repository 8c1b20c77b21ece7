package sim

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sbc/mediarelay"
	"sbc/signaling"
)

// Each checker finds the bug that is planted for it, and finds nothing in the
// same world without it.
func TestCheckersFind(t *testing.T) {
	calm := Options{Seed: 7, Calls: 12, Span: 20 * time.Second, Sparse: true, Delay: 10 * time.Millisecond}
	if r, err := Run(calm); err != nil || len(r.Problems) > 0 {
		t.Fatalf("the world without a bug: %v %v", r, err)
	}
	for _, bug := range []struct {
		name, invariant string
		breaks          breaks
	}{
		{"a second final answer", oneFinal, breaks{out: again("SIP/2.0 200", "CSeq: ", " BYE", change("SIP/2.0 200 OK", "SIP/2.0 500 No"))}},
		{"no final answer", oneFinal, breaks{out: without(" INVITE\r\n", "SIP/2.0 200")}},
		{"an answer with other octets", sameAnswer, breaks{out: again("SIP/2.0 200", "CSeq: ", " BYE", change("Content-Length: 0", "Content-Length:  0"))}},
		{"no answer to what comes again", sameAnswer, breaks{out: deaf()}},
		{"a leg that is not ended", legsEnd, breaks{out: without("BYE sip:")}},
		{"a port that is not given back", portsUsed, breaks{out: takePort()}},
		{"a call with media that is ending", portsUsed, breaks{inspect: func(_ *world, in *signaling.Inspection) {
			for i := range in.Calls {
				if in.Calls[i].State == "ending" {
					in.Calls[i].Open = 1
				}
			}
		}}},
		{"a canary word", noCanary, breaks{out: put("Subject: call from kiwilan\r\nX-Of: mangowan\r\n")}},
		{"an inner address, dashed", noCanary, breaks{out: put("X: ip-10-66-55-44\r\nY: ip-172-20-7-66\r\n")}},
		{"an inner address, hexadecimal", noCanary, breaks{out: put("X: 0a42372c\r\nY: ac140742\r\n")}},
		{"an address of the SBC", noCanary, breaks{out: put("X: 192.168.1.2 203.0.113.8\r\n")}},
		{"a Call-ID of the other leg", noCanary, breaks{out: putOther(func(l *leg) string { return l.callID })}},
		{"a tag of the other leg", noCanary, breaks{out: putOther(func(l *leg) string {
			for tag := range l.tags {
				return tag
			}
			return ""
		})}},
		{"a CSeq that stays", cseqRises, breaks{out: sameCSeq()}},
		{"a retransmission with other octets", cseqRises, breaks{out: again("BYE sip:", "", "", change("Max-Forwards: 69", "Max-Forwards: 68"))}},
		{"a timer of nobody", noDeadTimer, breaks{inspect: func(_ *world, in *signaling.Inspection) { in.StrayTimers = len(in.Calls) }}},
		{"a timer of a call that is ending", noDeadTimer, breaks{inspect: func(_ *world, in *signaling.Inspection) {
			for i := range in.Calls {
				if in.Calls[i].State == "ending" {
					in.Calls[i].Timers++
					in.CallTimers++
				}
			}
		}}},
		{"a packet from anybody", pinnedSource, breaks{relay: func(_ *world, r *relayed) { r.src = strangerRTP }}},
		{"a packet to anybody", pinnedSource, breaks{relay: func(_ *world, r *relayed) { r.sent.To = strangerRTP }}},
		{"a packet at a port of nobody", pinnedSource, breaks{relay: func(_ *world, r *relayed) { r.to = strangerRTP }}},
		{"a call that holds too much", callBound, breaks{inspect: func(_ *world, in *signaling.Inspection) {
			for i := range in.Calls {
				in.Calls[i].Transactions += clientsMax + 1
			}
		}}},
		{"timers without number", callBound, breaks{inspect: func(_ *world, in *signaling.Inspection) { in.Timers += 1000 }}},
		{"a record of no call", callBound, breaks{inspect: func(_ *world, in *signaling.Inspection) { in.Records++ }}},
		{"a REGISTER of no call", callBound, breaks{inspect: func(_ *world, in *signaling.Inspection) { in.StrayRegisters++ }}},
		{"transactions that stay", queueBound, breaks{inspect: func(w *world, in *signaling.Inspection) {
			in.Servers += int(w.now / time.Second)
		}}},
		{"a flood", queueBound, breaks{out: flood()}},
		{"a refusal that is not counted", oneCause, breaks{inspect: func(_ *world, in *signaling.Inspection) { clear(in.Rejects) }}},
		{"a refusal that is counted twice", oneCause, breaks{inspect: func(_ *world, in *signaling.Inspection) {
			for cause := range in.Rejects {
				in.Rejects[cause] *= 2
			}
		}}},
		{"an answer to a stranger", noAnswer, breaks{out: misled(strangers[outside], outside)}},
		{"a message through the wrong listener", noAnswer, breaks{out: misled(neighbours[0].addr, outside)}},
		{"a message that cannot be read", readable, breaks{out: again("SIP/2.0 180", "", "", change("CSeq: ", "CSeq: x"))}},
		{"a panic", noPanic, breaks{inspect: func(w *world, in *signaling.Inspection) { in.Panics = uint64(w.now / (10 * time.Second)) }}},
		{"a leak that the audit found", noLeak, breaks{inspect: func(w *world, in *signaling.Inspection) { in.Leaks = uint64(w.now / (10 * time.Second)) }}},
		{"a place that is not given back", nothingLeft, breaks{out: takePlace()}},
		{"an SBC that answers nobody", comesUp, breaks{out: without("SIP/2.0 200")}},
		{"a media description without a direction it may have", violation, breaks{out: instead("a=inactive", "a=sendrecv")}},
		{"audio one way", bothHear, breaks{ears: func(packets int) int { return 0 }}},
		{"audio for one who holds", bothHear, breaks{ears: func(packets int) int { return 50 }}},
	} {
		t.Run(bug.name, func(t *testing.T) {
			o := calm
			o.broken, o.Scans = bug.breaks, 60
			switch bug.invariant {
			case sameAnswer:
				o.Loss = 0.3 // or nothing comes again
			case bothHear:
				o.Sparse = false
			}
			r, err := Run(o)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(r.all, func(i string) bool { return i == bug.invariant }) {
				t.Errorf("%q is not among what was found: %v", bug.invariant, r)
			}
		})
	}
}

var strangerRTP = netip.MustParseAddrPort("198.18.0.1:4444")

type outs = []signaling.Outbound
type breaker = func(*world, outs) outs

// rewrite makes a breaker of a function that returns what becomes of each
// datagram.
func rewrite(f func(w *world, o signaling.Outbound) outs) breaker {
	return func(w *world, list outs) (broken outs) {
		for _, o := range list {
			broken = append(broken, f(w, o)...)
		}
		return broken
	}
}

func has(o signaling.Outbound, parts ...string) bool {
	for _, p := range parts {
		if !bytes.Contains(o.Bytes, []byte(p)) {
			return false
		}
	}
	return true
}

func change(from, to string) func([]byte) []byte {
	return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
}

// again sends what has all parts a second time, changed.
func again(a, b, c string, f func([]byte) []byte) breaker {
	return rewrite(func(_ *world, o signaling.Outbound) outs {
		if !has(o, a, b, c) {
			return outs{o}
		}
		return outs{o, {Flow: o.Flow, Bytes: f(bytes.Clone(o.Bytes))}}
	})
}

func instead(from, to string) breaker {
	return rewrite(func(_ *world, o signaling.Outbound) outs {
		return outs{{Flow: o.Flow, Bytes: bytes.Replace(bytes.Clone(o.Bytes), []byte(from), []byte(to), 1)}}
	})
}

func without(parts ...string) breaker {
	return rewrite(func(_ *world, o signaling.Outbound) outs {
		if has(o, parts...) {
			return nil
		}
		return outs{o}
	})
}

// deaf answers every BYE once only.
func deaf() breaker {
	sent := map[string]bool{}
	return rewrite(func(_ *world, o signaling.Outbound) outs {
		if has(o, "SIP/2.0 200", " BYE\r\n") {
			if sent[string(o.Bytes)] {
				return nil
			}
			sent[string(o.Bytes)] = true
		}
		return outs{o}
	})
}

// put adds field lines to every message.
func put(lines string) breaker { return instead("Call-ID: ", lines+"Call-ID: ") }

// putOther adds something of the other leg to the requests of a leg.
func putOther(what func(*leg) string) breaker {
	return rewrite(func(w *world, o signaling.Outbound) outs {
		m := newMessage(w, false, o.Flow, bytes.Clone(o.Bytes))
		if m.err != nil {
			return outs{o}
		}
		if l := w.book.legs[legKey{m.listener, m.callID()}]; l != nil && l.talk.b == l {
			b := strings.Replace(string(m.raw), "Call-ID: ", "X-Other: "+what(l.talk.a)+"\r\nCall-ID: ", 1)
			o.Bytes = []byte(b)
		}
		return outs{o}
	})
}

// sameCSeq gives every BYE of the SBC the CSeq 1.
func sameCSeq() breaker {
	return rewrite(func(w *world, o signaling.Outbound) outs {
		if m := newMessage(w, false, o.Flow, bytes.Clone(o.Bytes)); m.err == nil && m.sip.IsRequest() && has(o, " BYE\r\n") {
			f := strings.Split(string(m.raw), "CSeq: ")
			_, rest, _ := strings.Cut(f[1], " ")
			o.Bytes = []byte(f[0] + "CSeq: 1 " + rest)
		}
		return outs{o}
	})
}

func takePort() breaker {
	taken := false
	return func(w *world, list outs) outs {
		if !taken && w.now > 10*time.Second {
			taken = true
			if _, err := w.relay.Open(mediarelay.Open{Realm: [2]int{0, 1}}); err != nil {
				panic(err)
			}
		}
		return list
	}
}

func takePlace() breaker {
	taken := false
	return func(w *world, list outs) outs {
		if !taken {
			taken = true
			w.sbc.Calls.Take(w.now, 1, false)
		}
		return list
	}
}

func flood() breaker {
	return func(w *world, list outs) outs {
		if len(list) > 0 && w.now > 10*time.Second {
			for range outMax {
				list = append(list, list[0])
			}
		}
		return list
	}
}

func misled(to netip.AddrPort, listener uint16) breaker {
	return rewrite(func(w *world, o signaling.Outbound) outs {
		if has(o, "SIP/2.0 180") {
			o.Flow.Remote, o.Flow.Listener = to, listener
		}
		return outs{o}
	})
}
