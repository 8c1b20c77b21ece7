package e2e

import (
	"bytes"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"sbc/lab/ua"
	"sbc/lab/ua/live"
)

// Users, devices and bugs put addresses into fields that nobody knows. The
// audit takes them out, counts them, and the call is none the worse.
func TestPlantedLeaksAreTakenOut(t *testing.T) {
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			scrub := standard
			scrub.audit = "scrub"
			w := newWorldOf(t, scrub)
			w.border.leaks = true
			p := w.phones(way, nil)
			near, _ := w.ends(way)
			host := lanCanary.Host()
			if near == w.itsp {
				host = itspCanary.Host()
			}
			text := near.addr.String()
			p.talk(ua.Invite{Fields: []string{
				"X-Debug: seen at " + text,
				"X-Where: sip:" + text + ":5060",
				"X-Bracket: <sip:x@" + text + ">",
				"X-Dashed: ip-" + strings.ReplaceAll(text, ".", "-"),
				"X-Host: " + strings.ToUpper(host),
				"X-Border: " + near.border.String(),
				"Reason: SIP;cause=200;text=\"answered at " + text + "\"",
			}})
			p.caller.Hangup(1)
			p.over()
			p.clean(0)
			w.sealed()
			if s, err := w.border.status(); err != nil || s.Leaks < 7 {
				t.Errorf("%d leaks were counted of 7 that were planted, %v", s.Leaks, err)
			}
		})
	}
}

// Who is no peer gets silence: to SIP, to junk, and on the media ports of a
// call, which goes on as if nothing had happened.
func TestStrangersGetSilence(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	w := newWorld(t)
	stranger := netip.MustParseAddr("198.51.100.66")
	w.must(w.itsp.space.AddAddr("eth0", netip.PrefixFrom(stranger, 24)))
	conn, err := w.itsp.space.ListenUDP(netip.AddrPortFrom(stranger, sipPort))
	w.must(err)
	defer conn.Close()
	p := w.phones("out", nil)
	p.talk(ua.Invite{})
	media := w.mediaPorts(w.itsp)
	if len(media) == 0 {
		t.Fatal("no media port of the SBC was seen")
	}
	voice := ua.Sender{Voice: 99}
	for n := range uint32(20) {
		for _, to := range media {
			_, err := conn.WriteToUDPAddrPort(voice.Append(nil, ua.PCMA, n), to)
			w.must(err)
		}
	}
	for _, text := range []string{
		"OPTIONS sip:198.51.100.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.51.100.66;branch=z9hG4bKs;rport\r\n" +
			"Max-Forwards: 70\r\nFrom: <sip:s@x>;tag=1\r\nTo: <sip:s@x>\r\nCall-ID: s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		"junk", "\r\n\r\n", "INVITE sip:1@198.51.100.1 SIP/2.0\r\n\r\n",
	} {
		_, err := conn.WriteToUDPAddrPort([]byte(text), netip.AddrPortFrom(outsideAddr, sipPort))
		w.must(err)
	}
	// A request of the peer that comes after them is answered after them.
	p.far.Do(func(a *ua.Agent, now time.Duration, do []ua.Effect) []ua.Effect { return a.Options(now, 1, do) })
	p.until(p.far, 0, ua.Replied)
	_, heard := sentBy(p.caller, 1)
	w.await("more of the call", func() bool { _, n := sentBy(p.caller, 1); return n > heard })
	p.caller.Hangup(1)
	p.over()
	p.clean(0)
	w.sealed()
	for _, d := range w.itsp.seen.Datagrams() {
		if d.Src.Addr() == outsideAddr && d.Dst.Addr() == stranger {
			t.Errorf("the stranger was answered: %q", d.Payload)
		}
	}
}

// mediaPorts returns the addresses of the SBC from which a side has seen
// something that is not SIP.
func (w *world) mediaPorts(s *side) []netip.AddrPort {
	var ports []netip.AddrPort
	seen := map[netip.AddrPort]bool{}
	for _, d := range from(s.seen.Datagrams(), s.border) {
		if !isSIP(d.Payload) && !seen[d.Src] {
			seen[d.Src] = true
			ports = append(ports, d.Src)
		}
	}
	return ports
}

// Promise R14: a pool of 10 pairs on the tighter side carries 10 calls; the
// others get 503 with Retry-After at once, and what was taken comes back.
func TestPoolRunsDry(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	const pairs, offered = 10, 40
	tight := standard
	tight.outside = "20000-20019"
	w := newWorldOf(t, tight)
	p := w.phones("out", func(i int, o *live.Options) { o.Agent.Quiet = true })
	var up []ua.Call
	refused, late := 0, 0
	for range offered {
		id := p.caller.Invite(ua.Invite{To: "4930123"})
		began := time.Now()
		e, _, err := p.caller.Await(w.ctx, 0, func(e ua.Event) bool {
			return e.Call == id && (e.Is == ua.Answered || e.Is == ua.Ended)
		})
		w.must(err)
		if e.Is == ua.Answered {
			up = append(up, id)
			continue
		}
		refused++
		if e.Status != 503 || !bytes.Contains(e.Message.Raw, []byte("Retry-After:")) {
			t.Errorf("refused with %d:\n%s", e.Status, e.Message.Raw)
		}
		if took := time.Since(began); took > 500*time.Millisecond {
			t.Logf("refused after %v", took)
			late++
		}
	}
	if late > offered/10 { // the machine may sleep
		t.Errorf("%d calls waited for being refused", late)
	}
	if len(up) != pairs || refused != offered-pairs {
		t.Errorf("%d calls of %d are up, %d were refused", len(up), offered, refused)
	}
	s, err := w.border.status()
	if w.must(err); s.Calls != pairs || s.Rejects["ports"] != refused {
		t.Errorf("status: %d calls, refused for %v", s.Calls, s.Rejects)
	}
	for _, id := range up {
		p.caller.Hangup(id)
		p.call(p.caller, id, ua.Ended)
	}
}

// SIGTERM ends calls on both sides, and then the process.
func TestTermEndsCalls(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	w := newWorld(t)
	p := w.phones("in", nil)
	p.talk(ua.Invite{})
	w.border.ended = true
	if err := w.end(w.border.process); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	near, far := p.over()
	if near.Cause != ua.ByFar || far.Cause != ua.ByFar {
		t.Errorf("the calls ended: %s, %s", near.Cause, far.Cause)
	}
	w.sealed()
}

// A SIGKILL leaves nothing that hinders the next start.
func TestStartAfterKill(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	w := newWorld(t)
	w.border.process.Signal(syscall.SIGKILL)
	<-w.border.process.Done()
	w.border.ended = true
	w.border = w.startBorder(standard)
	w.sipp("out", "basic", nil)
}

// A call in which nobody says anything ends on both legs.
func TestSilentCallEnds(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	quick := standard
	quick.limits = `media_timeout = "5s"`
	w := newWorldOf(t, quick)
	p := w.phones("out", func(_ int, o *live.Options) { o.Agent.Quiet = true })
	p.caller.Invite(ua.Invite{To: "4930123"})
	near, far := p.over()
	if near.Cause != ua.ByFar || far.Cause != ua.ByFar || near.At > 12*time.Second {
		t.Errorf("the calls ended: %s after %v, %s", near.Cause, near.At, far.Cause)
	}
}

// The operator sees the call from both sides, and can end it.
func TestOperatorExplainsAndHangsUp(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	w := newWorld(t)
	p := w.phones("out", nil)
	p.talk(ua.Invite{})
	var calls []struct {
		ID    string `json:"id"`
		State string `json:"state"`
		Route string `json:"route"`
	}
	w.told(&calls, "calls")
	if len(calls) != 1 || !strings.Contains(calls[0].Route, "sbc.hcl:") {
		t.Fatalf("calls: %+v", calls)
	}
	report, err := w.border.run("call", calls[0].ID)
	w.must(err)
	for _, want := range []string{"INVITE", "180 Ringing", "200 OK", "ACK", "sbc.hcl:", "Contact", "Call-ID"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("sbc call does not show %q:\n%s", want, report)
		}
	}
	_, err = w.border.run("hangup", calls[0].ID)
	w.must(err)
	near, far := p.over()
	if near.Cause != ua.ByFar || far.Cause != ua.ByFar {
		t.Errorf("the calls ended: %s, %s", near.Cause, far.Cause)
	}
	p.clean(0)
	if _, err := w.border.run("hangup", calls[0].ID); err == nil {
		t.Error("a call that is over was hung up")
	}
}

// Nothing but the ports that a call uses is open, and only while it does.
func TestNothingIsForwardedAroundTheSBC(t *testing.T) {
	throughSBC(t)
	t.Parallel()
	w := newWorld(t)
	w.must(w.itsp.space.Route(netip.MustParsePrefix("10.0.0.0/8"), outsideAddr))
	from, err := w.itsp.space.ListenUDP(w.itsp.at(4000))
	w.must(err)
	defer from.Close()
	_, err = from.WriteToUDPAddrPort([]byte("past the border"), w.lan.at(sipPort))
	w.must(err)
	p := w.phones("in", nil) // whose INVITE comes after it
	p.talk(ua.Invite{})
	p.caller.Hangup(1)
	p.over()
	w.drain(w.lan)
	for _, d := range w.lan.seen.Datagrams() {
		if d.Src.Addr() == itspAddr {
			t.Errorf("%s → %s: %q crossed without the SBC", d.Src, d.Dst, d.Payload)
		}
	}
}
