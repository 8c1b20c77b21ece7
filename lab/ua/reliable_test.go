package ua

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

func reliably(_ int, o *Options) { o.Reliable = RelSupported }

// ringOnly leaves a call to ring, with SDP where it had an offer.
func ringOnly(a *Agent, e Event, do []Effect) []Effect {
	if e.Is == Incoming {
		do = a.Ring(e.At, e.Call, 180, do)
	}
	return do
}

func TestReliable(t *testing.T) {
	for _, c := range []struct {
		name   string
		invite Invite
		play   func(w *world)
		prack  bool // with offer
		a, b   string
	}{
		{"ringing", Invite{}, func(w *world) {}, false,
			"ringing 180, answered 200, heard", "incoming, acknowledged 200, answered 200, heard"},
		{"answer in 183", Invite{}, func(w *world) { w.do(1, w.agents[1].Progress(w.now, 1, nil)); w.run(2 * time.Second) }, false,
			"ringing 180, ringing 183, heard, answered 200, heard", "incoming, acknowledged 200, acknowledged 200, heard, answered 200"},
		{"required", Invite{Reliable: RelRequired}, func(w *world) {}, false,
			"ringing 180, answered 200, heard", "incoming, acknowledged 200, answered 200, heard"},
		{"offer in 180, answer in PRACK", Invite{Late: true}, func(w *world) { w.run(2 * time.Second) }, false,
			"ringing 180, heard, answered 200, heard", "incoming, acknowledged 200, heard, answered 200"},
		{"another offer in PRACK", Invite{}, func(w *world) { w.do(1, w.agents[1].Progress(w.now, 1, nil)); w.run(2 * time.Second) }, true,
			"ringing 180, ringing 183, heard, answered 200, heard", "incoming, acknowledged 200, acknowledged 200, heard, answered 200"},
		{"answered before the PRACK", Invite{}, func(w *world) {
			w.do(1, w.agents[1].Progress(w.now, 1, nil))
			w.do(1, w.agents[1].Answer(w.now, 1, nil))
			w.run(50 * time.Millisecond)
		}, false, "ringing 180, ringing 183, answered 200, heard", "incoming, acknowledged 200, acknowledged 200, answered 200, ignored answer: no call waits, heard"},
		{"early UPDATEs", Invite{}, func(w *world) {
			w.do(1, w.agents[1].Progress(w.now, 1, nil))
			w.run(100 * time.Millisecond)
			w.do(0, w.agents[0].Update(w.now, 1, Inactive, nil))
			w.run(500 * time.Millisecond)
			w.do(1, w.agents[1].UpdateTarget(w.now, 1, nil))
			w.run(500 * time.Millisecond)
			w.do(0, w.agents[0].Update(w.now, 1, NotHeld, nil))
			w.run(500 * time.Millisecond)
			w.do(1, w.agents[1].Update(w.now, 1, NotHeld, nil))
			w.run(2 * time.Second)
		}, false, "ringing 180, ringing 183, reinvited 200, reoffered 200, reinvited 200, reoffered 200, heard, answered 200, heard",
			"incoming, acknowledged 200, acknowledged 200, reoffered 200, reinvited 200, reoffered 200, reinvited 200, heard, answered 200"},
		{"early UPDATEs that meet", Invite{}, func(w *world) {
			w.do(1, w.agents[1].Progress(w.now, 1, nil))
			w.run(100 * time.Millisecond)
			w.do(0, w.agents[0].Update(w.now, 1, SendOnly, nil))
			w.do(1, w.agents[1].Update(w.now, 1, NotHeld, nil))
			w.run(10 * time.Second)
		}, false, "ringing 180, ringing 183, reoffered 491, glare 491, reoffered 200, reinvited 200, answered 200",
			"incoming, acknowledged 200, acknowledged 200, reoffered 491, glare 491, reinvited 200, heard, reoffered 200, heard, answered 200"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, reliably, func(i int, o *Options) { o.OfferInPrack = c.prack })
			w.react[1] = ringOnly
			id := w.invite(c.invite)
			w.run(time.Second / 10)
			c.play(w)
			w.do(1, w.agents[1].Answer(w.now, id, nil))
			w.run(2 * time.Second)
			w.hangup(0)
			w.done()
			w.want(c.a+", ended (we hung up)", c.b+", ended (far end hung up)")
		})
	}
}

func TestUpdatesInACall(t *testing.T) {
	w := newWorld(t, reliably)
	w.invite(Invite{})
	w.run(time.Second / 2)
	w.do(0, w.agents[0].Update(w.now, 1, Inactive, nil))
	w.do(1, w.agents[1].Refresh(w.now, 1, false, nil)) // UPDATE meets re-INVITE
	w.run(10 * time.Second)
	w.do(0, w.agents[0].Update(w.now, 1, NotHeld, nil))
	w.run(2 * time.Second)
	w.agents[0].RefuseNext(1, 488)
	w.do(1, w.agents[1].Update(w.now, 1, SendOnly, nil))
	w.run(2 * time.Second)
	w.hangup(1)
	w.done()
	w.clean()
	for i, wants := range []string{"glare 491", "glare 491"} {
		if !strings.Contains(w.kinds(i), wants) {
			t.Errorf("%c: %s", 'a'+i, w.kinds(i))
		}
	}
	if !w.has(0, Reinvited, 200) || !w.has(1, Reinvited, 200) || !w.has(1, Reinvited, 488) {
		t.Errorf("a: %s\nb: %s", w.kinds(0), w.kinds(1))
	}
}

// RFC 3311 section 5.3: after 500 with Retry-After the offer comes again.
func TestUpdateIsRetriedLater(t *testing.T) {
	for _, wait := range []string{"2", "99"} {
		w := newWorld(t, quietly)
		w.route = func(b []byte, p *packet) {
			if title(t, b) == "200 UPDATE" && !w.has(0, Glare, 500) {
				text := "SIP/2.0 500 Later\r\nRetry-After: " + wait + "\r\n"
				p.bytes = append([]byte(text), bytes.TrimPrefix(b, []byte("SIP/2.0 200 OK\r\n"))...)
			}
		}
		w.invite(Invite{})
		w.run(time.Second)
		w.do(0, w.agents[0].Update(w.now, 1, NotHeld, nil))
		w.run(5 * time.Second)
		if got := w.kinds(0); wait == "2" && !strings.HasSuffix(got, "glare 500, reinvited 200") || wait == "99" && !strings.Contains(got, "Retry-After 99") {
			t.Error(got)
		}
	}
}

func TestNoPrackComes(t *testing.T) {
	w := newWorld(t, reliably, func(_ int, o *Options) { o.Quiet = true })
	w.react[1] = ringOnly
	w.lose = func(p packet) bool { return title(t, p.bytes) == "PRACK" }
	w.invite(Invite{})
	w.run(50 * time.Second)
	w.done()
	w.want("ringing 180, ended 504 (rejected)", "incoming, ended 504 (no ACK)")
}

func TestRelNotSupported(t *testing.T) {
	w := newWorld(t)
	w.invite(Invite{Reliable: RelRequired})
	w.done()
	w.want("ended 420 (rejected)", "")
}

// What a far end does wrong with RSeq, RAck and answers is told.
func TestReliableViolations(t *testing.T) {
	for _, c := range []struct{ name, message, old, new, want string }{
		{"nothing", "183 INVITE", "RSeq", "RSeq", ""},
		{"a gap in RSeq", "183 INVITE", "RSeq: ", "RSeq: 1", "RSeq"},
		{"no RSeq", "180 INVITE", "RSeq", "X-RSeq", "no readable RSeq"},
		{"another RAck", "PRACK", "RAck: ", "RAck: 1", "which does not wait"},
		{"RAck of another method", "PRACK", "INVITE\r\n", "UPDATE\r\n", "which does not wait"},
		{"another answer in the 2xx", "200 INVITE", "Content-Length: 0\r\n\r\n", "Content-Type: application/sdp\r\n\r\nv=0\r\no=- 1 9 IN IP4 192.0.2.2\r\ns=-\r\n" +
			"c=IN IP4 192.0.2.2\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n", "another SDP"},
		{"no answer to an UPDATE", "200 UPDATE", "m=audio", "m=video", "audio"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, reliably, func(_ int, o *Options) { o.Quiet = true })
			w.react[1] = ringOnly
			w.route = func(b []byte, p *packet) {
				if title(t, b) == c.message {
					p.bytes = bytes.Replace(b, []byte(c.old), []byte(c.new), 1)
				}
			}
			w.invite(Invite{})
			w.run(100 * time.Millisecond)
			w.do(1, w.agents[1].Progress(w.now, 1, nil))
			w.run(100 * time.Millisecond)
			w.do(0, w.agents[0].Update(w.now, 1, SendOnly, nil))
			w.run(100 * time.Millisecond)
			w.do(1, w.agents[1].Answer(w.now, 1, nil))
			w.run(time.Second)
			got := strings.Join(w.violations(), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

func TestReliableInBadWeather(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 5))
			change := []func(int, *Options){reliably, func(_ int, o *Options) { o.Quiet, o.OfferInPrack = true, seed%3 == 0 }}
			var w *world
			callees := 1
			if seed%2 == 0 {
				w = newWorld(t, change...)
			} else {
				w, callees = forked(t, ForkerOptions{RecordRoute: seed%4 == 1, TwoWinners: seed%5 == 0}, change...), 3
			}
			w.chaos = r
			for i := 1; i <= callees; i++ {
				w.react[i] = ringOnly
				a := w.agents[i]
				for k := range 4 {
					w.at(time.Duration(k)*1500*time.Millisecond+time.Duration(r.IntN(500))*time.Millisecond, func() {
						id := Call(1)
						if c := a.byID(id); c == nil {
							return
						} else if a.waiting(id) != nil && c.wait == nil && !c.agreed && c.server.offered && !c.answering {
							w.do(i, a.Progress(w.now, id, nil))
						} else if c.mayUpdate() {
							w.do(i, a.Update(w.now, id, Hold(r.IntN(4)), nil))
						}
						if c := w.agents[0].byID(1); c != nil && c.mayUpdate() {
							w.do(0, w.agents[0].Update(w.now, 1, Hold(r.IntN(4)), nil))
						}
					})
				}
				w.at(time.Duration(4000+r.IntN(6000))*time.Millisecond, func() {
					if a.waiting(1) != nil {
						w.do(i, a.Answer(w.now, 1, nil))
					}
				})
			}
			w.invite(Invite{Late: seed%7 == 0})
			w.run(40 * time.Second)
			w.hangup(0)
			w.run(10 * time.Second)
			for i := range w.agents {
				w.hangup(i)
			}
			w.done()
			w.clean()
			if t.Failed() {
				for i := range w.agents {
					t.Logf("%c: %s", 'a'+i, w.kinds(i))
				}
			}
		})
	}
}
