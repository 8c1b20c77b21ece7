package ua

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

func TestCallWithAudioBothWays(t *testing.T) {
	w := newWorld(t)
	w.invite(Invite{})
	w.run(10 * time.Second)
	w.hangup(0)
	w.done()
	w.want("ringing 180, answered 200, heard, ended (we hung up)", "incoming, answered 200, heard, ended (far end hung up)")
	for i := range w.events {
		e := w.events[i][len(w.events[i])-1]
		if e.Audio.Packets < 490 || e.Audio.Right != e.Audio.Packets || e.Audio.Lost != 0 || e.Audio.Gap > 21*time.Millisecond ||
			e.Sent < 490 || e.Audio.Reports < 8 || e.Audio.BadRTCP != 0 || e.Audio.CNAME == "" {
			t.Errorf("agent %c: sent %d, %+v", 'a'+i, e.Sent, e.Audio)
		}
	}
	if got := strings.Join(w.wire, ", "); got !=
		"a→ INVITE, b→ 180 INVITE, b→ 200 INVITE, a→ ACK, a→ BYE, b→ 200 BYE" {
		t.Errorf("wire: %s", got)
	}
}

func TestCalls(t *testing.T) {
	reject := func(status int) func(*Agent, Event, []Effect) []Effect {
		return func(a *Agent, e Event, do []Effect) []Effect {
			if e.Is == Incoming {
				do = a.Reject(e.At, e.Call, status, do)
			}
			return do
		}
	}
	ring := func(a *Agent, e Event, do []Effect) []Effect {
		if e.Is == Incoming {
			do = a.Ring(e.At, e.Call, 180, do)
		}
		return do
	}
	for _, c := range []struct {
		name  string
		react func(*Agent, Event, []Effect) []Effect
		play  func(w *world)
		a, b  string
	}{
		{"callee hangs up", answer, func(w *world) { w.invite(Invite{}); w.run(time.Second / 2); w.hangup(1) },
			"ringing 180, answered 200, ended (far end hung up)", "incoming, answered 200, ended (we hung up)"},
		{"late offer", answer, func(w *world) { w.invite(Invite{Late: true}); w.run(2 * time.Second); w.hangup(0) },
			"ringing 180, answered 200, heard, ended (we hung up)",
			"incoming, answered 200, heard, ended (far end hung up)"},
		{"early media", func(a *Agent, e Event, do []Effect) []Effect {
			if e.Is == Incoming {
				do = a.Progress(e.At, e.Call, do)
			}
			return do
		}, func(w *world) {
			w.invite(Invite{})
			w.run(2 * time.Second)
			w.do(1, w.agents[1].Answer(w.now, 1, nil))
			w.run(time.Second / 2)
			w.hangup(0)
		}, "ringing 183, heard, answered 200, ended (we hung up)", "incoming, heard, answered 200, ended (far end hung up)"},
		{"busy", reject(486), func(w *world) { w.invite(Invite{}) },
			"ended 486 (rejected)", "incoming, ended 486 (rejected)"},
		{"cancelled while it rings", ring, func(w *world) { w.invite(Invite{}); w.run(time.Second); w.hangup(0) },
			"ringing 180, ended 487 (cancelled)", "incoming, ended 487 (cancelled)"},
		{"cancelled before anything came", nil, func(w *world) { w.invite(Invite{}); w.hangup(0) },
			"ended 487 (cancelled)", "incoming, ended 487 (cancelled)"},
		{"answered and cancelled at once", ring, func(w *world) {
			w.invite(Invite{})
			w.run(time.Second)
			w.do(1, w.agents[1].Answer(w.now, 1, nil))
			w.hangup(0)
		}, "ringing 180, ended (we hung up)", "incoming, answered 200, ended (far end hung up)"},
		{"both hang up", answer, func(w *world) {
			w.invite(Invite{})
			w.run(time.Second / 2)
			w.hangup(0)
			w.hangup(1)
		}, "ringing 180, answered 200, ended (we hung up)", "incoming, answered 200, ended (we hung up)"},
		{"callee hangs up before the ACK", answer, func(w *world) {
			w.invite(Invite{})
			w.run(15 * time.Millisecond)
			w.hangup(1)
		}, "ringing 180, answered 200, ended (far end hung up)", "incoming, answered 200, ended (we hung up)"},
		{"hung up while it rings", ring, func(w *world) { w.invite(Invite{}); w.run(time.Second); w.hangup(1) },
			"ringing 180, ended 603 (rejected)", "incoming, ended 603 (rejected)"},
		{"INFO and OPTIONS", answer, func(w *world) {
			w.invite(Invite{})
			w.run(time.Second / 2)
			w.do(0, w.agents[0].Info(w.now, 1, "application/dtmf-relay", "Signal=5", nil))
			w.run(time.Second / 10)
			w.do(1, w.agents[1].Options(w.now, 1, nil))
			w.run(time.Second / 10)
			w.do(0, w.agents[0].Options(w.now, 0, nil))
			w.run(time.Second / 10)
			w.hangup(0)
		}, "ringing 180, answered 200, replied 200, replied 200, ended (we hung up)",
			"incoming, answered 200, info, replied 200, ended (far end hung up)"},
		{"commands at the wrong time", nil, func(w *world) {
			w.do(0, w.agents[0].Answer(w.now, 7, nil))
			w.do(0, w.agents[0].Hold(w.now, 7, SendOnly, nil))
			w.do(0, w.agents[0].Info(w.now, 7, "", "", nil))
			w.do(0, w.agents[0].Hangup(w.now, 7, nil))
		}, "ignored answer: no call waits, ignored re-INVITE: not now, ignored INFO: the call is not up, " +
			"ignored hang up: no such call", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.react[1] = c.react
			c.play(w)
			w.done()
			w.want(c.a, c.b)
		})
	}
}

func TestReinvites(t *testing.T) {
	const up, ended = "ringing 180, answered 200", "ended (we hung up)"
	for _, c := range []struct {
		name string
		play func(w *world)
		a, b string
	}{
		{"hold and resume, sendonly", holdAndResume(SendOnly),
			"reinvited 200, reinvited 200, heard", "reoffered 200, heard, reoffered 200, heard"},
		{"hold and resume, inactive", holdAndResume(Inactive),
			"reinvited 200, reinvited 200, heard", "reoffered 200, reoffered 200, heard"},
		{"hold and resume, c=0.0.0.0", holdAndResume(ConnZero),
			"reinvited 200, reinvited 200, heard", "reoffered 200, reoffered 200, heard"},
		{"codec change", func(w *world) {
			w.do(0, w.agents[0].Recodec(w.now, 1, []Codec{PCMU}, nil))
			w.run(2 * time.Second)
		}, "reinvited 200, heard", "reoffered 200, heard"},
		{"without offer", func(w *world) {
			w.do(0, w.agents[0].Refresh(w.now, 1, true, nil))
			w.run(2 * time.Second)
		}, "reinvited 200, heard", "reoffered 200, heard"},
		{"refused", func(w *world) {
			w.agents[1].RefuseNext(1, 488)
			w.do(0, w.agents[0].Hold(w.now, 1, Inactive, nil))
			w.run(2 * time.Second)
			w.do(0, w.agents[0].Refresh(w.now, 1, false, nil))
			w.run(2 * time.Second)
		}, "reinvited 488, heard, reinvited 200, heard", "reoffered 488, heard, reoffered 200, heard"},
		{"both at once", func(w *world) {
			w.do(0, w.agents[0].Refresh(w.now, 1, false, nil))
			w.do(1, w.agents[1].Refresh(w.now, 1, false, nil))
			w.run(10 * time.Second)
		}, "glare 491, heard, reoffered 200, heard, reinvited 200, heard",
			"glare 491, heard, reinvited 200, heard, reoffered 200, heard"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.invite(Invite{})
			w.run(500 * time.Millisecond)
			c.play(w)
			w.hangup(0)
			w.done()
			w.want(up+", "+c.a+", "+ended, "incoming, answered 200, "+c.b+", ended (far end hung up)")
		})
	}
}

func holdAndResume(h Hold) func(w *world) {
	return func(w *world) {
		w.do(0, w.agents[0].Hold(w.now, 1, h, nil))
		w.run(3 * time.Second)
		// The held far end is silent, and we are unless there is music.
		for i, quiet := range []bool{h != SendOnly, true} {
			before, _ := w.agents[i].Media(1)
			w.run(time.Second)
			if after, _ := w.agents[i].Media(1); (after == before) != quiet {
				w.t.Errorf("agent %c sent %d packets while held", 'a'+i, after-before)
			}
		}
		w.do(0, w.agents[0].Hold(w.now, 1, NotHeld, nil))
		w.run(3 * time.Second)
	}
}

func TestLossIsRepaired(t *testing.T) {
	for _, lost := range []string{"INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"} {
		t.Run(lost, func(t *testing.T) {
			w := newWorld(t, func(_ int, o *Options) { o.Quiet = true })
			n := 0
			w.lose = func(p packet) bool {
				if title(t, p.bytes) != lost {
					return false
				}
				n++
				return n <= 2
			}
			w.invite(Invite{})
			w.run(20 * time.Second)
			w.hangup(0)
			w.done()
			if lost == "180 INVITE" {
				w.want("answered 200, ended (we hung up)", "incoming, answered 200, ended (far end hung up)")
				return
			}
			w.want("ringing 180, answered 200, ended (we hung up)", "incoming, answered 200, ended (far end hung up)")
		})
	}
}

func TestSilenceEndsEverything(t *testing.T) {
	for _, c := range []struct{ name, lost, a, b string }{
		{"nobody answers", "a→ INVITE", "ended 408 (no answer to a request)", ""},
		{"no ACK comes", "a→ ACK", "ringing 180, answered 200, ended (far end hung up)",
			"incoming, unacked 200, ended (no ACK)"},
		{"BYE is not answered", "a→ BYE", "ringing 180, answered 200, ended (we hung up)", "incoming, answered 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(_ int, o *Options) { o.Quiet = true })
			w.lose = func(p packet) bool { return string(rune('a'+p.by))+"→ "+title(t, p.bytes) == c.lost }
			w.invite(Invite{})
			w.run(40 * time.Second)
			if c.name == "BYE is not answered" {
				w.hangup(0)
				w.run(40 * time.Second)
				w.want(c.a, c.b)
				w.lose = nil
				w.hangup(1)
				w.run(70 * time.Second)
				return
			}
			w.done()
			w.want(c.a, c.b)
		})
	}
}

// The same seeds give the same octets.
func TestSameInputsSameOctets(t *testing.T) {
	play := func() []byte {
		var all []byte
		w := newWorld(t)
		w.lose = func(p packet) bool { all = append(all, p.bytes...); return false }
		w.invite(Invite{})
		w.run(3 * time.Second)
		w.hangup(1)
		w.done()
		return all
	}
	if a, b := play(), play(); len(a) == 0 || !bytes.Equal(a, b) {
		t.Errorf("%d and %d octets that differ", len(a), len(b))
	}
}

// What a far end does wrong is told.
func TestViolations(t *testing.T) {
	spoil := func(method, old, new string) func(w *world) {
		return func(w *world) {
			w.lose = func(p packet) bool {
				if title(w.t, p.bytes) == method {
					b := bytes.ReplaceAll(p.bytes, []byte(old), []byte(new))
					p.bytes = b
					w.flight = append(w.flight, p)
					return true
				}
				return false
			}
		}
	}
	for _, c := range []struct {
		name  string
		spoil func(w *world)
		agent int
		want  string
	}{
		{"nothing", spoil("180 INVITE", "INVITE\r\n", "INVITE\r\nX-Same: yes\r\n"), 0, ""},
		{"no Contact in a 2xx", spoil("200 INVITE", "Contact:", "X-Contact:"), 0, "no Contact"},
		{"no SDP in a 2xx", spoil("200 INVITE", "m=audio", "m=video"), 0, "audio line"},
		{"a direction that answers sendrecv", spoil("200 INVITE", "a=sendrecv", "a=sendonly"), 0, ""},
		{"a direction that was not offered", spoil("200 INVITE", "a=recvonly", "a=sendonly"), 0, "answer sendonly to an offer sendonly"},
		{"a codec that was not offered", spoil("200 INVITE", "RTP/AVP 8", "RTP/AVP 9"), 0, "was not offered"},
		{"no To tag", spoil("180 INVITE", "tag=", "gat="), 0, "no To tag"},
		{"another branch", spoil("180 INVITE", "z9hG4bK", "z9hG4bKx"), 0, "no transaction"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, func(_ int, o *Options) { o.Quiet = true })
			c.spoil(w)
			w.invite(Invite{})
			w.run(5 * time.Second)
			w.do(0, w.agents[0].Hold(w.now, 1, SendOnly, nil))
			w.run(5 * time.Second)
			w.hangup(0)
			w.run(70 * time.Second)
			got := ""
			for _, e := range w.events[c.agent] {
				if e.Is == Violation {
					got += e.Text
				}
			}
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

// RFC 3264 section 8: the version rises by one exactly when the SDP changes.
func TestVersionOfOrigin(t *testing.T) {
	sdp := func(version, rest string) *sip.Message {
		body := "v=0\r\no=- 7 " + version + " IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n" + rest
		text := "INVITE sip:b@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n" +
			"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.0.0.9>\r\n" +
			"Content-Type: application/sdp\r\n\r\n" + body
		m := new(sip.Message)
		if err := m.Parse([]byte(text)); err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, c := range []struct {
		version, rest string
		ok            bool
	}{{"1", "", true}, {"2", "", false}, {"1", "a=sendonly\r\n", false}, {"2", "a=sendonly\r\n", true}, {"3", "a=sendonly\r\n", false}} {
		call := &call{}
		call.codecs = []Codec{PCMA}
		if err := call.takeOffer(sdp("1", "")); err != nil {
			t.Fatal(err)
		}
		if err := call.takeOffer(sdp(c.version, c.rest)); (err == nil) != c.ok {
			t.Errorf("version %s with %q: %v", c.version, c.rest, err)
		}
	}
}
