package ua

import (
	"net/netip"
	"time"
)

// Ours.
const (
	packetTime  = 20 * time.Millisecond
	reportEvery = time.Second // RFC 3550 says 5 s; a test does not want to wait so long
	heardAfter  = 50          // right packets: one second
)

// A stream is the audio of one call.
type stream struct {
	port     uint16 // ours, of RTP; 0: none taken yet
	sender   Sender
	receiver Receiver
	running  *alarm
	reports  *alarm
	tick     uint32 // of 20 ms since the audio began
	fresh    int    // right packets since the last offer/answer
	stranger bool   // a packet from elsewhere was told
}

// openMedia takes a pair of ports.
func (a *Agent) openMedia(c *call, do []Effect) []Effect {
	for k := range a.o.MediaPairs {
		port := a.o.MediaPort + 2*uint16((int(c.id)-1+k)%a.o.MediaPairs)
		if a.byPort(port) == nil {
			c.port = port
			break
		}
	}
	c.sender.Voice, c.receiver.Voice = a.o.Voice, a.o.Hear
	if a.o.Quiet {
		return do
	}
	rtp, rtcp := a.mediaAddrs(c)
	return append(do, Effect{Do: Open, From: rtp}, Effect{Do: Open, From: rtcp})
}

func (a *Agent) mediaAddrs(c *call) (rtp, rtcp netip.AddrPort) {
	host := a.o.Addr.Addr()
	return netip.AddrPortFrom(host, c.port), netip.AddrPortFrom(host, c.port+1)
}

func (a *Agent) byPort(port uint16) *call {
	for _, c := range a.calls {
		if c.port == port {
			return c
		}
	}
	return nil
}

// startMedia makes the audio follow the last offer/answer.
func (a *Agent) startMedia(now time.Duration, c *call, do []Effect) []Effect {
	c.fresh = 0
	c.receiver.Rest()
	if a.o.Quiet || c.running != nil {
		return do
	}
	c.running = a.set(now, alarm{is: sendAudio, call: c})
	c.reports = a.set(now+reportEvery, alarm{is: sendReport, call: c})
	return do
}

func (a *Agent) closeMedia(c *call, do []Effect) []Effect {
	stop(c.running)
	stop(c.reports)
	if a.o.Quiet {
		return do
	}
	rtp, rtcp := a.mediaAddrs(c)
	return append(do, Effect{Do: Close, From: rtp}, Effect{Do: Close, From: rtcp})
}

// audio sends the next packet, unless the session says that we do not send.
func (a *Agent) audio(now time.Duration, c *call, do []Effect) []Effect {
	c.running = a.set(now+packetTime, alarm{is: sendAudio, call: c})
	c.tick++
	if !c.sends() {
		return do
	}
	rtp, _ := a.mediaAddrs(c)
	return append(do, Effect{Do: Send, From: rtp, To: c.far.rtp, Bytes: c.sender.Append(nil, c.codec, c.tick)})
}

// report sends RTCP, which goes on while a call is held.
func (a *Agent) report(now time.Duration, c *call, do []Effect) []Effect {
	c.reports = a.set(now+reportEvery, alarm{is: sendReport, call: c})
	if !c.far.rtcp.IsValid() || c.far.rtcp.Addr().IsUnspecified() {
		return do
	}
	_, rtcp := a.mediaAddrs(c)
	items := a.o.Canary.items(a.o.User, a.o.Addr)
	return append(do, Effect{Do: Send, From: rtcp, To: c.far.rtcp, Bytes: c.sender.AppendReport(nil, now, items)})
}

// receiveMedia takes a datagram that came to a media port.
func (a *Agent) receiveMedia(now time.Duration, local, from netip.AddrPort, b []byte, do []Effect) []Effect {
	c := a.byPort(local.Port() &^ 1)
	if c == nil {
		return do
	}
	rtcp := local.Port()&1 == 1
	want := c.far.rtp
	if rtcp {
		want = c.far.rtcp
	}
	if want.IsValid() && !want.Addr().IsUnspecified() && from != want && !c.stranger {
		c.stranger = true
		do = a.violation(now, c.id, "media from "+from.String()+" instead of "+want.String(), do)
	}
	if rtcp {
		c.receiver.TakeReport(b)
		return do
	}
	if !c.receiver.Take(now, b) {
		return do
	}
	if c.fresh++; c.fresh == heardAfter {
		do = tell(Event{Is: Heard, At: now, Call: c.id}, do)
	}
	return do
}

// Media returns what was sent and received in a call that is not over: the
// number of RTP packets sent, and what came in.
func (a *Agent) Media(id Call) (sent int, got Audio) {
	if c := a.byID(id); c != nil {
		return int(c.sender.sent), c.receiver.Audio
	}
	return 0, Audio{}
}
