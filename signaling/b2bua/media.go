package b2bua

import (
	"net/netip"
	"slices"

	"sbc/signaling/sdp"
	"sbc/topology"
)

// A line is what a far end said of one media line.
type line struct {
	rtp, rtcp netip.AddrPort
	dir       sdp.Direction // as the far end sees it; c=0.0.0.0 counts as "does not receive"
	mux, off  bool
	opaque    bool // not RTP: T.38 for instance; relayed unread
	kind      kind
}

// line reads one media line and refuses addresses to which media must not go.
func (c *Calls) line(realm int, m *sdp.Media, kind kind) (line, *Refusal) {
	if m.Off() {
		return line{off: true, dir: sdp.Inactive, opaque: !m.IsRTP, kind: kind}, nil
	}
	apart := *m // RTCP where it goes when the other side does not multiplex
	apart.Mux = false
	ln := line{rtp: m.RTP(), rtcp: apart.RTCP(), dir: m.Direction, mux: m.Mux, opaque: !m.IsRTP, kind: kind}
	addr, r := ln.rtp.Addr(), &c.opt.Realms[realm]
	usable := func(a netip.Addr) bool { return sdp.Usable(a, r.Loopback) && !a.Is4In6() }
	switch {
	case !addr.IsValid() || !r.Media.Of(addr.Is6()).IsValid():
		return ln, &Refusal{Status: 488, Cause: "sdp_address"}
	case addr.IsUnspecified():
		// RFC 3264 section 8.4: hold as RFC 2543 did it. The far end takes
		// nothing; what it sends comes from where it came from before. With
		// ICE the address only waits for a candidate (RFC 8839 section 4.2.1.3).
		if !m.HasICE {
			ln.dir = sdp.Dir(ln.dir.Sends(), false)
		}
		return ln, nil
	case !usable(addr):
		return ln, &Refusal{Status: 488, Cause: "sdp_address"}
	}
	if rtcp := ln.rtcp.Addr(); rtcp != addr && (rtcp.Is6() != addr.Is6() || !usable(rtcp)) {
		// A report is not worth a refusal: it goes where the media goes.
		ln.rtcp = netip.AddrPortFrom(addr, ln.rtcp.Port())
	}
	if c.opt.OwnPort != nil {
		if own, live := c.opt.OwnPort(realm, ln.rtp); own && !live {
			return ln, &Refusal{Status: 488, Cause: "sdp_address"}
		}
	}
	return ln, nil
}

// A kind is the media type of a line.
type kind uint8

// kinds are the types that have a name here (RFC 8866 section 5.14).
var kinds = [...]string{"other", "audio", "video", "image", "text", "application", "message"}

const video kind = 2 // the place in kinds

func (k kind) String() string { return kinds[k] }

func kindOf(b []byte) kind {
	for i, name := range kinds {
		if string(b) == name {
			return kind(i)
		}
	}
	return 0
}

// family finds out which addresses a description names. All lines of a side
// are of one family, since we are at one address there; and one that has ports
// of ours stays in it.
func (d *description) family(call *Call, from Side) *Refusal {
	known := slices.ContainsFunc(call.streams, func(s Stream) bool { return s.open() })
	if known {
		d.ip6 = call.ip6[from]
	}
	for i := range d.lines {
		if d.lines[i].off || known && d.lines[i].rtp.Addr().IsUnspecified() {
			continue
		}
		ip6 := d.lines[i].rtp.Addr().Is6()
		if known && ip6 != d.ip6 {
			return &Refusal{Status: 488, Cause: "sdp_family"}
		}
		d.ip6, known = ip6, true
	}
	d.known = known
	return nil
}

// lacks tells whether an offer needs ports that the call has not.
func (call *Call) lacks(d *description) bool {
	for i := range d.lines {
		if !d.lines[i].off && !call.has(i) {
			return true
		}
	}
	return false
}

// has tells whether media line i has ports of ours.
func (call *Call) has(i int) bool { return i < len(call.streams) && call.streams[i].open() }

// local returns our end of media line i: ports 0 where it has none.
func (call *Call) local(i int, s Side) Local {
	if i < len(call.streams) {
		return call.streams[i].Local[s]
	}
	return Local{}
}

// openFor asks for the ports that an offer of side from needs.
func (c *Calls) openFor(call *Call, from Side, d *description) Effect {
	to := from.other()
	if !slices.ContainsFunc(call.streams, func(s Stream) bool { return s.open() }) {
		call.ip6[from], call.ip6[to] = d.ip6, c.reach(&call.legs[to])
		if !d.known {
			call.ip6[from] = c.reach(&call.legs[from])
		}
		call.mediaB = call.legs[B].realm
	}
	needs := make([]Need, len(d.lines))
	for i := range d.lines {
		switch {
		case d.lines[i].off:
		case d.lines[i].opaque:
			needs[i] = ForOther
		case d.lines[i].kind == video:
			needs[i] = ForVideo
		default:
			needs[i] = ForRTP
		}
	}
	return Effect{Do: Open, Call: call, Needs: needs, IP6: call.ip6}
}

// reach tells whether media of a leg goes over IPv6, as long as its far end
// has not said what it wants: the way that its messages go, if there are ports
// of ours in that family.
func (c *Calls) reach(l *leg) bool {
	ip6 := l.flow.Remote.Addr().Is6()
	if !c.opt.Realms[l.realm].Media.Of(ip6).IsValid() {
		return !ip6
	}
	return ip6
}

// misplaced tells whether the call has ports of ours that leg B has no use
// for: they are in the realm, or of the family, of a target that failed.
func (c *Calls) misplaced(call *Call) bool {
	b := &call.legs[B]
	return len(call.streams) > 0 && (call.mediaB != b.realm || call.ip6[B] != c.reach(b))
}

// against returns what a description towards side to is held against: what
// that side's far end said of the same lines.
func (p *pair) against(to Side, d *description) []line {
	if d.role == aRepeat {
		return p.legs[to].said
	}
	return p.legs[to].offered
}

// tooMany tells whether an answer has lines that nobody offered: RFC 3264
// section 6 wants as many as the offer has.
func (p *pair) tooMany(from Side, d *description) bool {
	switch d.role {
	case anAnswer, aPreview, aRepeat:
		return len(d.lines) > len(p.against(from.other(), d))
	}
	return false
}

// wants computes the media lines that side to shall read: our ports, and a
// direction that follows from what both far ends said. other is what to's far
// end said itself, where d answers it.
func (c *Calls) wants(p *pair, to Side, d *description, other []line) []topology.Line {
	begin := len(c.work.want)
	for i, ln := range d.lines {
		local := p.call.local(i, to)
		w := topology.Line{Port: local.Port, RTCPPort: local.RTCPPort, Mux: ln.mux, Direction: ln.dir, Payloads: c.renumbered(p, to.other(), i)}
		if i < len(other) {
			o := &other[i]
			w.Direction = sdp.Dir(ln.dir.Sends() && o.dir.Receives(), ln.dir.Receives() && o.dir.Sends())
			w.Mux = ln.mux && o.mux
			ln.off = ln.off || o.off
		}
		if ln.off {
			w = topology.Line{Direction: sdp.Inactive}
		}
		c.work.want = append(c.work.want, w)
	}
	return c.work.want[begin:len(c.work.want):len(c.work.want)]
}

// pin tells the relay what the far ends of side are. While a fork rings, those
// of each early dialog are allowed beside the others.
func (c *Calls) pin(p *pair, side Side, lines []line, do []Effect) []Effect {
	call := p.call
	also := side == B && len(call.forks) > 0
	for i, ln := range lines {
		if !call.has(i) {
			continue
		}
		r := Remote{}
		if !ln.off {
			r = Remote{RTP: ln.rtp, RTCP: ln.rtcp, Signaling: p.legs[side].flow.Remote.Addr(), Mux: ln.mux, Opaque: ln.opaque, Sends: ln.dir.Sends(), Receives: ln.dir.Receives()}
			r.Payloads = c.renumbered(p, side, i)
			if ln.mux {
				r.RTCP = ln.rtp
			}
			if ln.rtp.Addr().IsUnspecified() {
				r.RTP, r.RTCP = netip.AddrPort{}, netip.AddrPort{}
			}
		}
		do = append(do, Effect{Do: Pin, Call: call, Side: side, Index: i, Remote: r, Also: also})
	}
	return do
}

// shut gives back the ports of lines that both sides have agreed to leave off.
func (p *pair) shut(do []Effect) []Effect {
	call := p.call
	if call.state != talking || p.open {
		return do
	}
	for i := range call.streams {
		if off := i >= len(p.legs[A].said) || p.legs[A].said[i].off; off && call.has(i) {
			call.streams[i] = Stream{}
			do = append(do, Effect{Do: Shut, Call: call, Index: i})
		}
	}
	return do
}

// Held reports whether no media line may flow both ways.
func (call *Call) Held() bool {
	a, b := call.legs[A].said, call.legs[B].said
	for i := range min(len(a), len(b)) {
		if !a[i].off && a[i].dir.Sends() && b[i].dir.Receives() && b[i].dir.Sends() && a[i].dir.Receives() {
			return false
		}
	}
	return len(a) > 0
}

// A MediaLine is what is agreed about a media line on one side, for reports.
type MediaLine struct {
	Kind      string         // audio, video …; "" where nothing is agreed
	Remote    netip.AddrPort // its far end
	Direction sdp.Direction  // as the far end sees it
	Off       bool
}

// Line returns what is agreed about media line i on side s.
func (call *Call) Line(s Side, i int) MediaLine {
	if i >= len(call.legs[s].said) {
		return MediaLine{Direction: sdp.Inactive, Off: true}
	}
	ln := &call.legs[s].said[i]
	return MediaLine{Kind: ln.kind.String(), Remote: ln.rtp, Direction: ln.dir, Off: ln.off}
}
