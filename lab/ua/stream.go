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
	videoTicks  = 2           // packets of audio to one of video
	faxTicks    = 5           // and to one of T.38
)

// videoVoice is added to the seed of a voice to make that of the video.
const videoVoice = 1000

// A line is our end of an m= line.
type line struct {
	rtp, rtcp netip.AddrPort
	mux       bool // we offered or answered RTCP beside RTP
	sender    Sender
	receiver  Receiver
	stranger  bool // a packet from elsewhere was told
}

// A stream is the media of one call.
type stream struct {
	line               // the audio, or T.38
	videoLine line     // without ports where the agent has no video
	fax       faxModem // on the ports of the audio
	running   *alarm
	reports   *alarm
	tick      uint32 // of 20 ms since the media began
	fresh     int    // right packets of audio since the last offer/answer
}

// A socket is what a media port belongs to.
type socket struct {
	call *call
	line *line
	rtcp bool
}

// openMedia takes the ports of a call.
func (a *Agent) openMedia(c *call, do []Effect) []Effect {
	c.fax.voice, c.fax.hear = a.o.Voice, a.o.Hear
	do = a.openLine(c, &c.line, 0, do)
	if a.o.Video {
		do = a.openLine(c, &c.videoLine, videoVoice, do)
	}
	return do
}

// openLine takes a pair of ports.
func (a *Agent) openLine(c *call, l *line, voice uint64, do []Effect) []Effect {
	host := a.o.Addr.Addr()
	first := int(c.id) - 1
	if a.o.Video {
		if first *= 2; l == &c.videoLine {
			first++
		}
	}
	for k := range a.o.MediaPairs {
		port := a.o.MediaPort + 2*uint16((first+k)%a.o.MediaPairs)
		if at := netip.AddrPortFrom(host, port); a.sockets[at].call == nil {
			l.rtp, l.rtcp = at, netip.AddrPortFrom(host, port+1)
			break
		}
	}
	if a.o.RTCPApart {
		l.rtcp = netip.AddrPortFrom(host, l.rtp.Port()+1+4*uint16(a.o.MediaPairs))
	}
	if a.o.RTCPAddr.IsValid() {
		l.rtcp = netip.AddrPortFrom(a.o.RTCPAddr, l.rtcp.Port())
	}
	a.sockets[l.rtp], a.sockets[l.rtcp] = socket{c, l, false}, socket{c, l, true}
	l.sender.Voice, l.receiver.Voice = a.o.Voice+voice, a.o.Hear
	if a.o.Hear != 0 {
		l.receiver.Voice += voice
	}
	if a.o.Quiet {
		return do
	}
	return append(do, Effect{Do: Open, From: l.rtp}, Effect{Do: Open, From: l.rtcp})
}

// startMedia makes the media follow the last offer/answer.
func (a *Agent) startMedia(now time.Duration, c *call, do []Effect) []Effect {
	c.fresh = 0
	c.line.receiver.Rest()
	c.videoLine.receiver.Rest()
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
	for _, l := range []*line{&c.line, &c.videoLine} {
		if !l.rtp.IsValid() {
			continue
		}
		delete(a.sockets, l.rtp)
		delete(a.sockets, l.rtcp)
		if !a.o.Quiet {
			do = append(do, Effect{Do: Close, From: l.rtp}, Effect{Do: Close, From: l.rtcp})
		}
	}
	return do
}

// audio sends the next packets of what the session says that we send.
func (a *Agent) audio(now time.Duration, c *call, do []Effect) []Effect {
	c.running = a.set(now+packetTime, alarm{is: sendAudio, call: c})
	c.tick++
	if c.sends() {
		do = sendMedia(c.line.rtp, c.far.rtp, c.line.sender.append(nil, c.far.payload, c.codec, c.tick), do)
	}
	if c.sendsVideo() && c.tick%videoTicks == 0 {
		b := c.videoLine.sender.append(nil, c.far.video.payload, PCMA, c.tick)
		do = sendMedia(c.videoLine.rtp, c.far.video.rtp, b, do)
	}
	if c.sendsFax() && c.tick%faxTicks == 0 {
		do = sendMedia(c.line.rtp, c.far.rtp, c.stream.fax.next(nil), do)
	}
	return do
}

func sendMedia(from, to netip.AddrPort, b []byte, do []Effect) []Effect {
	return append(do, Effect{Do: Send, From: from, To: to, Bytes: b})
}

// report sends RTCP, which goes on while a call is held.
func (a *Agent) report(now time.Duration, c *call, do []Effect) []Effect {
	c.reports = a.set(now+reportEvery, alarm{is: sendReport, call: c})
	do = a.reportLine(now, &c.line, &c.far.farLine, do)
	if c.video {
		do = a.reportLine(now, &c.videoLine, &c.far.video, do)
	}
	return do
}

func (a *Agent) reportLine(now time.Duration, l *line, far *farLine, do []Effect) []Effect {
	if !far.rtcp.IsValid() || far.rtcp.Addr().IsUnspecified() || far.rtcp.Port() == 0 {
		return do
	}
	from := l.rtcp
	if far.mux {
		from = l.rtp
	}
	items := a.o.Canary.items(a.o.User, a.o.Addr)
	return append(do, Effect{Do: Send, From: from, To: far.rtcp, Bytes: l.sender.AppendReport(nil, now, items)})
}

// receiveMedia takes a datagram that came to a media port.
func (a *Agent) receiveMedia(now time.Duration, local, from netip.AddrPort, b []byte, do []Effect) []Effect {
	s := a.sockets[local]
	if s.call == nil {
		return do
	}
	c, l, far := s.call, s.line, &s.call.far.farLine
	if l == &c.videoLine {
		far = &c.far.video
	}
	// RFC 5761 section 4: payload types 64 to 95 are RTCP.
	rtcp := s.rtcp || l.mux && len(b) > 1 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223
	want := far.rtp
	if rtcp {
		want = far.rtcp
	}
	if want.IsValid() && !want.Addr().IsUnspecified() && want.Port() != 0 && from != want && !l.stranger && !c.heardFork(from) {
		l.stranger = true
		do = a.violation(now, c.id, "media from "+from.String()+" instead of "+want.String(), do)
	}
	switch {
	case rtcp:
		l.receiver.TakeReport(b)
		return do
	case l == &c.line && isUDPTL(b):
		c.stream.fax.take(b)
		return do
	case !l.receiver.Take(now, b) || l != &c.line:
		return do
	}
	if c.fresh++; c.fresh == heardAfter {
		do = tell(Event{Is: Heard, At: now, Call: c.id}, do)
	}
	return do
}

// Media returns what was sent and received in a call that is not over: the
// number of RTP packets of audio sent, and what came in.
func (a *Agent) Media(id Call) (sent int, got Audio) {
	if c := a.byID(id); c != nil {
		return int(c.line.sender.sent), c.heard()
	}
	return 0, Audio{}
}

// heard is what came in on the line of the audio.
func (c *call) heard() Audio {
	got := c.line.receiver.Audio
	got.Fax, got.BadFax = c.stream.fax.right, c.stream.fax.wrong
	return got
}

// Video returns the same of the video line.
func (a *Agent) Video(id Call) (sent int, got Audio) {
	if c := a.byID(id); c != nil {
		return int(c.videoLine.sender.sent), c.videoLine.receiver.Audio
	}
	return 0, Audio{}
}
