package ua

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// errUnwanted is an offer that is right, but not what we can do.
var errUnwanted = errors.New("offer of what we do not take")

var errNoAudio = errors.New("SDP without an audio line that is on")

// blame tells of an offer that we refuse, unless it is right.
func (a *Agent) blame(now time.Duration, id Call, err error, do []Effect) []Effect {
	if errors.Is(err, errUnwanted) {
		return do
	}
	return a.violation(now, id, err.Error(), do)
}

// takeOffer takes the far end's offer. One that is refused leaves everything
// as it was.
func (c *call) takeOffer(m *sip.Message) error {
	before := c.session
	before.roles = slices.Clone(before.roles)
	err := c.takeLines(m)
	if err != nil {
		c.session = before
		c.refused(m)
	}
	c.refuseLine = false
	return err
}

func (c *call) takeLines(m *sip.Message) error {
	s, err := c.read(m)
	if err != nil {
		return err
	}
	if len(s.Media) < len(c.roles) {
		return fmt.Errorf("offer with %d m= lines after %d", len(s.Media), len(c.roles))
	}
	c.video = false
	c.far.video = farLine{}
	on := false
	for i := range s.Media {
		l := &s.Media[i]
		kind := string(l.Type.Of(s.Raw))
		if i == len(c.roles) {
			c.roles = append(c.roles, c.newRole(kind, l))
		}
		switch c.roles[i].is {
		case isMain:
			if on, err = c.takeMain(s, l); err != nil {
				return err
			}
		case isVideo:
			if c.video = !l.Off() && kind == "video" && !c.refuseLine; c.video {
				c.far.video.take(s, l, c.takes.mux)
				n, ok := c.far.video.number(nameVideo)
				c.far.video.payload, c.video = byte(n), ok
			}
		case isOther:
			first, _, _ := strings.Cut(string(l.Formats.Of(s.Raw)), " ")
			c.roles[i].refused = fmt.Sprintf("m=%s 0 %s %s\r\n", kind, l.Proto.Of(s.Raw), first)
		}
	}
	if !on {
		return errNoAudio
	}
	return nil
}

// newRole says what a line is to us that was not there before.
func (c *call) newRole(kind string, l *sdp.Media) role {
	switch {
	case (kind == "audio" || kind == "image") && !c.session.has(isMain) && !l.Off():
		return role{is: isMain}
	case kind == "video" && !c.session.has(isVideo) && c.takes.video:
		return role{is: isVideo}
	}
	return role{is: isOther}
}

// takeMain takes the line of the audio, or of T.38 in its place.
func (c *call) takeMain(s *sdp.Session, l *sdp.Media) (on bool, err error) {
	if l.Off() {
		return false, nil
	}
	c.far.take(s, l, c.takes.mux)
	switch kind := string(l.Type.Of(s.Raw)); {
	case kind == "image" && isFax(s, l) && c.takes.fax:
		c.wish.fax, c.far.fax = true, true
		return true, nil
	case kind == "image":
		return false, errUnwanted
	case kind != "audio":
		return false, fmt.Errorf("m=%s in the place of the audio", kind)
	}
	c.wish.fax, c.far.fax = false, false
	return true, c.choose(c.codecs)
}

func isFax(s *sdp.Session, l *sdp.Media) bool {
	return strings.EqualFold(string(l.Proto.Of(s.Raw)), "udptl") && string(l.Formats.Of(s.Raw)) == "t38"
}

// choose takes the first codec of the far end that is one of ours.
func (c *call) choose(ours []Codec) error {
	for _, f := range c.far.formats {
		for _, codec := range ours {
			if f.name == codec.String() {
				c.codec, c.far.payload = codec, byte(f.number)
				return nil
			}
		}
	}
	return fmt.Errorf("no codec of ours in %v", c.far.formats)
}

// takeAnswer takes the far end's answer to our last offer, and checks it
// against RFC 3264 section 6.
func (c *call) takeAnswer(m *sip.Message) error {
	s, err := c.read(m)
	if err != nil {
		return err
	}
	if len(s.Media) != len(c.roles) {
		return fmt.Errorf("answer with %d m= lines to an offer with %d", len(s.Media), len(c.roles))
	}
	c.far.video = farLine{}
	for i := range s.Media {
		l := &s.Media[i]
		switch c.roles[i].is {
		case isMain:
			err = c.takeMainAnswer(s, l)
		case isVideo:
			err = c.takeVideoAnswer(s, l)
		case isOther:
			if !l.Off() {
				err = errors.New("answer switches a line on that the offer had switched off")
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) takeMainAnswer(s *sdp.Session, l *sdp.Media) error {
	kind := string(l.Type.Of(s.Raw))
	switch {
	case l.Off():
		return errNoAudio
	case c.wish.fax && (kind != "image" || !isFax(s, l)):
		return fmt.Errorf("answer m=%s %s to an offer of T.38", kind, l.Proto.Of(s.Raw))
	case !c.wish.fax && kind != "audio":
		return errNoAudio
	}
	c.far.take(s, l, c.takes.mux)
	if c.far.fax = c.wish.fax; c.far.fax {
		return nil
	}
	for _, f := range c.far.formats {
		if !slices.Contains([]string{"PCMU", "PCMA", nameDTMF}, f.name) {
			return fmt.Errorf("answer with format %q, which was not offered", f.name)
		}
	}
	sends, hears := c.directions()
	if err := c.direction(l, sends, hears); err != nil {
		return err
	}
	return c.choose(c.codecs)
}

// direction checks the direction of an answer, and its rtcp-mux.
func (c *call) direction(l *sdp.Media, sends, hears bool) error {
	if c.hold != ConnZero && (l.Direction.Receives() && !sends || l.Direction.Sends() && !hears) {
		return fmt.Errorf("answer %s to an offer %s", l.Direction, sdp.Dir(sends, hears))
	}
	if l.Mux && !c.takes.mux {
		return errors.New("answer with a=rtcp-mux, which was not offered")
	}
	return nil
}

func (c *call) takeVideoAnswer(s *sdp.Session, l *sdp.Media) error {
	switch {
	case l.Off():
		c.video = false // refused
		return nil
	case !c.video:
		return errors.New("answer switches a line on that the offer had switched off")
	case string(l.Type.Of(s.Raw)) != "video":
		return fmt.Errorf("answer m=%s to an offer of video", l.Type.Of(s.Raw))
	}
	c.far.video.take(s, l, c.takes.mux)
	n, ok := c.far.video.number(nameVideo)
	if !ok || len(c.far.video.formats) != 1 {
		return fmt.Errorf("answer with %v to an offer of %s", c.far.video.formats, nameVideo)
	}
	c.far.video.payload = byte(n)
	sends, hears := c.videoDirections()
	return c.direction(l, sends, hears)
}

// take reads a line.
func (f *farLine) take(s *sdp.Session, l *sdp.Media, mux bool) {
	f.mux = l.Mux && mux
	f.rtp = l.RTP()
	bare := *l
	bare.Mux = f.mux
	f.rtcp = bare.RTCP()
	f.sends = l.Direction.Sends()
	f.hears = l.Direction.Receives() && !f.rtp.Addr().IsUnspecified()
	f.formats = nil
	for format := range s.FormatsOf(l) {
		f.formats = append(f.formats, farFormat{format.Payload, s.EncodingName(&format)})
	}
}

// read reads an SDP of the far end, and checks its version.
func (c *call) read(m *sip.Message) (*sdp.Session, error) {
	if m.Body().Empty() {
		return nil, fmt.Errorf("no SDP in %s", summary(m))
	}
	s := new(sdp.Session)
	if err := s.Parse(m.Raw, m.Body()); err != nil {
		return nil, fmt.Errorf("SDP in %s: %w", summary(m), err)
	}
	if !slices.ContainsFunc(s.Media, func(l sdp.Media) bool { return !l.Off() }) {
		return nil, errNoAudio
	}
	if err := c.far.follow(s); err != nil {
		return nil, fmt.Errorf("SDP in %s: %w", summary(m), err)
	}
	return s, nil
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
	f.text, f.version = text, version
	switch {
	case last.text == "" || version >= last.version && version <= last.top+1 && last.top > last.version:
	case text == last.text && version != last.version:
		return fmt.Errorf("o= version %d after %d, and nothing else changed", version, last.version)
	case text != last.text && version != last.version+1:
		return fmt.Errorf("o= version %d after %d, and the SDP changed", version, last.version)
	}
	return nil
}

// refused notes the version of an offer that was not accepted: the far end
// counts on from it, or goes back to what held before.
func (c *call) refused(m *sip.Message) {
	var s sdp.Session
	if m.Body().Empty() || s.Parse(m.Raw, m.Body()) != nil {
		return
	}
	if version, err := strconv.ParseUint(string(s.Origin.Version.Of(s.Raw)), 10, 64); err == nil {
		c.far.top = max(c.far.top, version)
	}
}
