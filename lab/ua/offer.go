package ua

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// dtmf is the payload type that we offer for telephone-event, RFC 4733.
const dtmf = 101

// refusal is the answer of one who wants no media at all.
const refusal = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 8\r\n"

// A wish is what we want of a session.
type wish struct {
	hold   Hold
	codecs []Codec
}

// directions returns whether we want to send and to hear.
func (w wish) directions() (sends, hears bool) {
	return w.hold == NotHeld || w.hold == SendOnly, w.hold == NotHeld
}

// A session is the state of offer and answer, RFC 3264, of one call.
type session struct {
	wish
	before  wish // the one to go back to when a re-INVITE is refused
	sessID  uint64
	version uint64
	sent    string   // our last SDP, less its version
	other   []string // m= lines of the far end that we refuse
	far     far
	codec   Codec // that we send
}

// far is what the far end's last SDP says.
type far struct {
	rtp, rtcp    netip.AddrPort
	sends, hears bool
	formats      []string
	text         string // the SDP less its version
	version      uint64
	loose        bool // we refused an offer: the next version is not known
}

// sends reports whether RTP may be sent now.
func (s *session) sends() bool {
	want, _ := s.directions()
	return want && s.far.hears && s.far.rtp.IsValid() && s.far.rtp.Port() != 0
}

// forget drops what another dialog's far end said.
func (s *session) forget() { s.far = far{} }

// offer writes our offer.
func (a *Agent) offer(c *call) string {
	var formats []string
	for _, codec := range c.codecs {
		formats = append(formats, strconv.Itoa(int(codec)))
	}
	formats = append(formats, strconv.Itoa(dtmf))
	direction := sdp.Dir(c.directions())
	addr := a.o.Addr.Addr().String()
	if c.hold == ConnZero {
		direction, addr = sdp.SendRecv, "0.0.0.0" // RFC 2543 section B.5
	}
	return a.describe(c, addr, formats, direction)
}

// answer writes our answer to the far end's last offer.
func (a *Agent) answer(c *call) string {
	sends, hears := c.directions()
	formats := []string{strconv.Itoa(int(c.codec))}
	if slices.Contains(c.far.formats, strconv.Itoa(dtmf)) {
		formats = append(formats, strconv.Itoa(dtmf))
	}
	direction := sdp.Dir(sends && c.far.hears, hears && c.far.sends)
	return a.describe(c, a.o.Addr.Addr().String(), formats, direction)
}

// describe writes an SDP. The version rises by one when anything else in it
// has changed. RFC 3264 section 8.
func (a *Agent) describe(c *call, addr string, formats []string, direction sdp.Direction) string {
	canary := a.o.Canary.description(a.o.Addr, c.port, addr != "0.0.0.0")
	var b strings.Builder
	fmt.Fprintf(&b, "s=%s\r\n%sc=IN IP4 %s\r\nt=0 0\r\n%s", canary.name, canary.info, addr, canary.session)
	fmt.Fprintf(&b, "m=audio %d RTP/AVP %s\r\n", c.port, strings.Join(formats, " "))
	for _, f := range formats {
		switch f {
		case "0":
			b.WriteString("a=rtpmap:0 PCMU/8000\r\n")
		case "8":
			b.WriteString("a=rtpmap:8 PCMA/8000\r\n")
		default:
			b.WriteString("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n")
		}
	}
	fmt.Fprintf(&b, "a=ptime:20\r\n%sa=%s\r\n", canary.media, direction)
	for _, m := range c.other {
		b.WriteString(m)
	}
	if b.String() != c.sent {
		c.sent = b.String()
		c.version++
	}
	return fmt.Sprintf("v=0\r\no=%s %d %d IN IP4 %s\r\n%s", canary.user, c.sessID, c.version, a.o.Addr.Addr(), c.sent)
}

// takeOffer takes the far end's offer. One that is refused leaves everything
// as it was.
func (c *call) takeOffer(m *sip.Message) error {
	before, codec := c.far, c.codec
	err := c.offered(m)
	if err != nil {
		c.far, c.codec = before, codec
		c.refused()
	}
	return err
}

func (c *call) offered(m *sip.Message) error {
	audio, s, err := c.take(m)
	if err != nil {
		return err
	}
	c.other = nil
	for i := range s.Media {
		if l := &s.Media[i]; l != audio {
			first, _, _ := strings.Cut(string(l.Formats.Of(s.Raw)), " ")
			c.other = append(c.other, fmt.Sprintf("m=%s 0 %s %s\r\n", l.Type.Of(s.Raw), l.Proto.Of(s.Raw), first))
		}
	}
	return c.choose()
}

// choose takes the first codec of the far end that we have.
func (c *call) choose() error {
	for _, f := range c.far.formats {
		for _, codec := range c.codecs {
			if f == strconv.Itoa(int(codec)) {
				c.codec = codec
				return nil
			}
		}
	}
	return fmt.Errorf("no codec of ours in %q", c.far.formats)
}

// takeAnswer takes the far end's answer to our last offer, and checks it
// against RFC 3264 section 6.
func (c *call) takeAnswer(m *sip.Message) error {
	_, s, err := c.take(m)
	if err != nil {
		return err
	}
	if len(s.Media) != 1+len(c.other) {
		return fmt.Errorf("answer with %d m= lines to an offer with %d", len(s.Media), 1+len(c.other))
	}
	for _, f := range c.far.formats {
		if !slices.Contains([]string{"0", "8", strconv.Itoa(dtmf)}, f) {
			return fmt.Errorf("answer with format %q, which was not offered", f)
		}
	}
	sends, hears := c.directions()
	if c.hold != ConnZero && (c.far.hears && !sends || c.far.sends && !hears) {
		return fmt.Errorf("answer %s to an offer %s", s.Media[0].Direction, sdp.Dir(sends, hears))
	}
	return c.choose()
}

var errNoAudio = errors.New("SDP without an audio line that is on")

// take reads an SDP of the far end. The line that it returns belongs to the
// session that it returns.
func (c *call) take(m *sip.Message) (*sdp.Media, *sdp.Session, error) {
	if m.Body().Empty() {
		return nil, nil, fmt.Errorf("no SDP in %s", summary(m))
	}
	s := new(sdp.Session)
	if err := s.Parse(m.Raw, m.Body()); err != nil {
		return nil, nil, fmt.Errorf("SDP in %s: %w", summary(m), err)
	}
	var audio *sdp.Media
	for i := range s.Media {
		if l := &s.Media[i]; string(l.Type.Of(s.Raw)) == "audio" && !l.Off() {
			audio = l
			break
		}
	}
	if audio == nil {
		return nil, nil, errNoAudio
	}
	if err := c.far.follow(s); err != nil {
		return nil, nil, fmt.Errorf("SDP in %s: %w", summary(m), err)
	}
	c.far.rtp, c.far.rtcp = audio.RTP(), audio.RTCP()
	c.far.sends = audio.Direction.Sends()
	c.far.hears = audio.Direction.Receives() && !c.far.rtp.Addr().IsUnspecified()
	c.far.formats = strings.Fields(string(audio.Formats.Of(s.Raw)))
	return audio, s, nil
}

// follow checks the version in o=: it rises by one exactly when anything else
// of the SDP has changed. RFC 3264 section 8.
func (f *far) follow(s *sdp.Session) error {
	v := s.Origin.Version
	version, err := strconv.ParseUint(string(v.Of(s.Raw)), 10, 64)
	if err != nil {
		return fmt.Errorf("o= version: %w", err)
	}
	text := string(s.Raw[s.At.Start:v.Start]) + "*" + string(s.Raw[v.End:s.At.End])
	last := *f
	f.text, f.version, f.loose = text, version, false
	switch {
	case last.text == "" || last.loose && version >= last.version:
	case text == last.text && version != last.version:
		return fmt.Errorf("o= version %d after %d, and nothing else changed", version, last.version)
	case text != last.text && version != last.version+1:
		return fmt.Errorf("o= version %d after %d, and the SDP changed", version, last.version)
	}
	return nil
}

// refused notes that an offer was not accepted: the far end counts on from
// it, or goes back to what held before.
func (c *call) refused() { c.far.loose = true }
