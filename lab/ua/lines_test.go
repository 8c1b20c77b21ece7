package ua

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestVideo(t *testing.T) {
	both := func(_ int, o *Options) { o.Video = true }
	for _, c := range []struct {
		name   string
		change func(int, *Options)
		invite Invite
		play   func(w *world)
		video  bool // at the end
	}{
		{"from the start", both, Invite{Video: true}, func(w *world) {}, true},
		{"in a call without offer", both, Invite{Video: true, Late: true}, func(w *world) {}, true},
		{"added", both, Invite{}, func(w *world) { w.do(0, w.agents[0].SetVideo(w.now, 1, true, nil)) }, true},
		{"added by the called", both, Invite{}, func(w *world) { w.do(1, w.agents[1].SetVideo(w.now, 1, true, nil)) }, true},
		{"not known", func(i int, o *Options) { o.Video = i == 0 }, Invite{Video: true}, func(w *world) {}, false},
		{"added and refused", both, Invite{}, func(w *world) {
			w.agents[1].RefuseLine(1)
			w.do(0, w.agents[0].SetVideo(w.now, 1, true, nil))
		}, false},
		{"removed", both, Invite{Video: true}, func(w *world) { w.do(1, w.agents[1].SetVideo(w.now, 1, false, nil)) }, false},
		{"removed and added again", both, Invite{Video: true}, func(w *world) {
			w.do(1, w.agents[1].SetVideo(w.now, 1, false, nil))
			w.run(time.Second)
			w.do(0, w.agents[0].SetVideo(w.now, 1, true, nil))
		}, true},
		{"inactive", both, Invite{Video: true}, func(w *world) { w.do(1, w.agents[1].HoldVideo(w.now, 1, Inactive, nil)) }, false},
		{"inactive and back", both, Invite{Video: true}, func(w *world) {
			w.do(1, w.agents[1].HoldVideo(w.now, 1, Inactive, nil))
			w.run(time.Second)
			w.do(1, w.agents[1].HoldVideo(w.now, 1, NotHeld, nil))
		}, true},
		{"refused, held and resumed", func(i int, o *Options) { o.Video = i == 0 }, Invite{Video: true}, func(w *world) {
			w.do(1, w.agents[1].Hold(w.now, 1, Inactive, nil))
			w.run(time.Second)
			w.do(0, w.agents[0].Refresh(w.now, 1, false, nil))
			w.run(time.Second)
			w.do(1, w.agents[1].Hold(w.now, 1, NotHeld, nil))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, c.change)
			if c.invite.Late {
				w.react[1] = func(a *Agent, e Event, do []Effect) []Effect {
					if e.Is == Incoming {
						a.byID(e.Call).video = true // a video phone that is called without offer
					}
					return answer(a, e, do)
				}
			}
			w.invite(c.invite)
			w.run(time.Second)
			c.play(w)
			w.run(time.Second)
			for i, a := range w.agents {
				sent, got := a.Video(1)
				_, audio := a.Media(1)
				if audio.Wrong > 0 || audio.Right < 60 || got.Wrong > 0 {
					t.Errorf("%c: audio %+v, video %+v", 'a'+i, audio, got)
				}
				w.run(time.Second)
				later, more := a.Video(1)
				if (later > sent) != c.video || (more.Right > got.Right) != c.video {
					t.Errorf("%c: %d video packets sent, %d heard, at last", 'a'+i, later-sent, more.Right-got.Right)
				}
			}
			w.hangup(0)
			w.done()
			w.clean()
		})
	}
}

func TestFax(t *testing.T) {
	for _, by := range []int{0, 1} {
		w := newWorld(t, func(_ int, o *Options) { o.Fax = true })
		w.invite(Invite{})
		w.run(time.Second)
		w.do(by, w.agents[by].SetFax(w.now, 1, true, nil))
		w.run(3 * time.Second)
		w.do(1, w.agents[1].Refresh(w.now, 1, true, nil))
		w.run(time.Second)
		w.do(0, w.agents[0].SetFax(w.now, 1, false, nil))
		w.run(2 * time.Second)
		for i, a := range w.agents {
			if _, got := a.Media(1); got.Fax < 30 || got.BadFax > 0 || got.Wrong > 0 || got.Right < 120 || got.Right > 200 {
				t.Errorf("%c: %+v", 'a'+i, got)
			}
		}
		w.hangup(0)
		w.done()
		w.clean()
	}
	w := newWorld(t, func(i int, o *Options) { o.Fax = i == 0 })
	w.invite(Invite{})
	w.run(time.Second)
	w.do(0, w.agents[0].SetFax(w.now, 1, true, nil))
	w.run(2 * time.Second)
	w.hangup(0)
	w.done()
	w.clean()
	w.want("ringing 180, answered 200, heard, reinvited 488, heard, ended (we hung up)")
}

// Payload types, rtcp-mux and RTCP ports of all kinds meet each other.
func TestNumbersAndRTCP(t *testing.T) {
	for n := range 64 {
		t.Run(fmt.Sprintf("%06b", n), func(t *testing.T) {
			bit := func(k int) bool { return n>>k&1 == 1 }
			w := newWorld(t, func(i int, o *Options) {
				o.Video = true
				o.Mux = bit(i)
				o.RTCPApart = bit(2 + i)
				if bit(4) {
					o.Dynamic = uint8(96 + 10*i)
				}
				o.OwnNumbers = bit(5)
				if bit(3 - i) {
					o.RTCPAddr = netip.MustParseAddr([]string{"10.9.9.9", "192.0.2.99"}[i])
				}
				if bit(5) {
					o.Canary = canaries[i]
				}
			})
			w.invite(Invite{Video: true})
			w.run(2 * time.Second)
			w.do(1, w.agents[1].Recodec(w.now, 1, []Codec{PCMU}, nil))
			w.run(2 * time.Second)
			for i, a := range w.agents {
				_, video := a.Video(1)
				if _, got := a.Media(1); got.Wrong > 0 || got.Right < 190 || got.Reports < 3 || got.BadRTCP > 0 || video.Right < 90 || video.Wrong > 0 || video.Reports < 3 {
					t.Errorf("%c: %+v, video %+v", 'a'+i, got, video)
				}
			}
			w.hangup(0)
			w.done()
			w.clean()
		})
	}
}

func TestLineViolations(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", "m=video", "m=video", ""},
		{"a line less", "m=video", "a=video", "1 m= lines to an offer with 2"},
		{"lines swapped", "m=audio", "m=video", "audio line"},
		{"another format", "H264", "H261", "to an offer of H264"},
		{"mux that was not offered", "a=ptime:20", "a=rtcp-mux", "rtcp-mux"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, quietly, func(_ int, o *Options) { o.Video = true })
			w.route = func(b []byte, p *packet) {
				if title(t, b) == "200 INVITE" {
					p.bytes = bytes.Replace(b, []byte(c.old), []byte(c.new), 1)
				}
			}
			w.invite(Invite{Video: true})
			w.run(time.Second)
			got := strings.Join(w.violations(), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("violations %q, want %q", got, c.want)
			}
		})
	}
}

// Media and re-INVITEs in any weather: what is heard is always right.
func TestLinesInBadWeather(t *testing.T) {
	names := []string{"add video", "remove video", "fax", "voice", "refuse the next line", "hold inactive", "resume", "refresh", "late refresh", "codec", "video inactive", "video both ways", "video sendonly"}
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 11))
			w := newWorld(t, func(i int, o *Options) {
				o.Video, o.Fax, o.Mux, o.Dynamic = true, true, r.IntN(2) == 0, uint8(r.IntN(2)*(96+4*i))
			})
			w.chaos = r
			w.invite(Invite{Video: r.IntN(2) == 0})
			w.run(8 * time.Second)
			for range 20 {
				i := r.IntN(2)
				for _, m := range w.agents[i].Moves(1) {
					if m.Name == names[r.IntN(len(names))] {
						_, do := w.agents[i].Make(w.now, m, nil)
						w.do(i, do)
						break
					}
				}
				w.run(time.Duration(r.IntN(2000)) * time.Millisecond)
			}
			w.run(10 * time.Second)
			for i, a := range w.agents {
				_, video := a.Video(1)
				if _, got := a.Media(1); got.Wrong > 0 || got.BadFax > 0 || video.Wrong > 0 || got.BadRTCP > 0 {
					t.Errorf("%c: %+v, video %+v", 'a'+i, got, video)
				}
			}
			w.hangup(0)
			w.run(40 * time.Second)
			w.done()
			w.clean()
		})
	}
}
