package ua

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"sbc/signaling/sdp"
)

// refusal is the answer of one who wants no media at all.
const refusal = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\n"

// A sketch is one m= line that is to be written.
type sketch struct {
	media     string // audio, video
	line      *line
	formats   []farFormat
	direction sdp.Direction
	mux       bool
}

// offer writes our offer.
func (a *Agent) offer(c *call) string {
	if !c.session.has(isMain) {
		c.roles = append(c.roles, role{is: isMain})
	}
	if c.video && !c.session.has(isVideo) {
		c.roles = append(c.roles, role{is: isVideo})
	}
	var formats []farFormat
	for _, codec := range c.codecs {
		formats = append(formats, farFormat{a.o.number(codec.String()), codec.String()})
	}
	formats = append(formats, farFormat{a.o.number(nameDTMF), nameDTMF})
	direction, videoDirection, zero := sdp.Dir(c.directions()), sdp.Dir(c.videoDirections()), c.hold == ConnZero
	if zero {
		direction, videoDirection = sdp.SendRecv, sdp.SendRecv // RFC 2543 section B.5
	}
	return a.describe(c, zero, func(k roleKind) sketch {
		if k == isVideo {
			return sketch{"video", &c.videoLine, []farFormat{{a.o.number(nameVideo), nameVideo}}, videoDirection, a.o.Mux}
		}
		return sketch{"audio", &c.line, formats, direction, a.o.Mux}
	})
}

// answer writes our answer to the far end's last offer. A format keeps the
// number that the offer gave it, unless the agent numbers itself.
func (a *Agent) answer(c *call) string {
	sends, hears := c.directions()
	number := func(l *farLine, name string) farFormat {
		n, _ := l.number(name)
		if a.o.OwnNumbers {
			n = a.o.number(name)
		}
		return farFormat{n, name}
	}
	return a.describe(c, false, func(k roleKind) sketch {
		if k == isVideo {
			l := &c.far.video
			sends, hears := c.videoDirections()
			return sketch{"video", &c.videoLine, []farFormat{number(l, nameVideo)}, sdp.Dir(sends && l.hears, hears && l.sends), l.mux}
		}
		l := &c.far.farLine
		formats := []farFormat{number(l, c.codec.String())}
		if _, ok := l.number(nameDTMF); ok {
			formats = append(formats, number(l, nameDTMF))
		}
		return sketch{"audio", &c.line, formats, sdp.Dir(sends && l.hears, hears && l.sends), l.mux}
	})
}

// describe writes an SDP. The version rises by one when anything else in it
// has changed. RFC 3264 section 8.
func (a *Agent) describe(c *call, zero bool, of func(roleKind) sketch) string {
	addr := a.o.Addr.Addr()
	at := family(addr)
	if zero {
		at = map[bool]string{true: "IP4 0.0.0.0", false: "IP6 ::"}[addr.Is4()]
	}
	canary := a.o.Canary.description(c.line.rtp, c.line.rtcp, !zero)
	var b strings.Builder
	fmt.Fprintf(&b, "s=%s\r\n%sc=IN %s\r\nt=0 0\r\n%s", canary.name, canary.info, at, canary.session)
	for _, r := range c.roles {
		switch {
		case r.is == isOther:
			b.WriteString(r.refused)
		case r.is == isVideo && !c.video:
			fmt.Fprintf(&b, "m=video 0 RTP/AVP %d\r\n", a.o.number(nameVideo))
		case r.is == isMain && c.wish.fax:
			fmt.Fprintf(&b, "m=image %d udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"+
				"a=T38FaxUdpEC:t38UDPRedundancy\r\n", c.line.rtp.Port())
		default:
			media := canary.media
			if r.is != isMain {
				media = ""
			}
			writeLine(&b, of(r.is), media)
		}
	}
	if b.String() != c.sent {
		c.sent = b.String()
		c.version++
	}
	return fmt.Sprintf("v=0\r\no=%s %d %d IN %s\r\n%s", canary.user, c.sessID, c.version, family(addr), c.sent)
}

// writeLine writes an m= line of RTP, and notes by which numbers the far end
// may send.
func writeLine(b *strings.Builder, k sketch, canary string) {
	fmt.Fprintf(b, "m=%s %d RTP/AVP", k.media, k.line.rtp.Port())
	for _, f := range k.formats {
		b.WriteString(" " + strconv.Itoa(f.number))
	}
	b.WriteString(crlf)
	for _, f := range k.formats {
		b.WriteString(rtpmap(f.number, f.name))
		k.line.receiver.expect(f)
	}
	if k.media == "audio" {
		b.WriteString("a=ptime:20\r\n")
	}
	if k.mux {
		b.WriteString("a=rtcp-mux\r\n")
		k.line.mux = true
	}
	if apart := k.line.rtcp; canary == "" && (apart.Port() != k.line.rtp.Port()+1 || apart.Addr() != k.line.rtp.Addr()) {
		fmt.Fprintf(b, "a=rtcp:%d IN %s\r\n", apart.Port(), family(apart.Addr()))
	}
	fmt.Fprintf(b, "%sa=%s\r\n", canary, k.direction)
}

// family is an address as SDP writes it.
func family(addr netip.Addr) string {
	if addr.Is4() {
		return "IP4 " + addr.String()
	}
	return "IP6 " + addr.String()
}
