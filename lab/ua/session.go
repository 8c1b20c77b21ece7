package ua

import (
	"net/netip"
	"strconv"
)

// A wish is what we want of a session.
type wish struct {
	hold   Hold
	codecs []Codec
	video  bool // a video line beside the audio
	fax    bool // T.38 in the place of the audio

	videoHold Hold // of the video line alone; ConnZero is as Inactive
}

// directions returns whether we want to send and to hear.
func (w wish) directions() (sends, hears bool) {
	return w.hold == NotHeld || w.hold == SendOnly, w.hold == NotHeld
}

// videoDirections returns the same of the video.
func (w wish) videoDirections() (sends, hears bool) {
	sends, hears = w.directions()
	return sends && (w.videoHold == NotHeld || w.videoHold == SendOnly), hears && w.videoHold == NotHeld
}

// A session is the state of offer and answer, RFC 3264, of one dialog.
type session struct {
	wish
	before  wish // the one to go back to when an offer is refused
	sessID  uint64
	version uint64
	sent    string // our last SDP, less its version
	roles   []role // of the m= lines, in their order
	settled int    // how many of them there were before our last offer
	far     far
	codec   Codec // that we send

	// Constant after the call began: what we would take.
	takes struct{ video, fax, mux bool }
}

// A role is what an m= line is to us. Its place is kept for good.
type role struct {
	is      roleKind
	refused string // the whole line as we refuse it
}

type roleKind uint8

const (
	isMain  roleKind = iota // the audio, or T.38 in its place
	isVideo                 // the video
	isOther                 // one that we refuse
)

func (s *session) has(k roleKind) bool {
	for _, r := range s.roles {
		if r.is == k {
			return true
		}
	}
	return false
}

// far is what the far end's last SDP says.
type far struct {
	farLine         // the audio, or T.38
	video   farLine // off: no port
	fax     bool
	text    string // the SDP less its version
	version uint64
	top     uint64 // the highest version of an offer that we refused
}

// farLine is what it says of one line.
type farLine struct {
	rtp, rtcp    netip.AddrPort
	sends, hears bool
	mux          bool // RTCP comes and goes with RTP: both sides want it
	formats      []farFormat
	payload      byte // payload type that we send
}

// on reports whether there is anywhere to send to.
func (l *farLine) on() bool {
	return l.rtp.IsValid() && l.rtp.Port() != 0 && !l.rtp.Addr().IsUnspecified()
}

// A farFormat is a payload type with what it stands for.
type farFormat struct {
	number int
	name   string
}

// The encoding names that we know.
const (
	nameDTMF  = "telephone-event"
	nameVideo = "H264"
)

func (l *farLine) number(name string) (int, bool) {
	for _, f := range l.formats {
		if f.name == name {
			return f.number, true
		}
	}
	return 0, false
}

// sends reports whether RTP of the main line may be sent now.
func (s *session) sends() bool {
	want, _ := s.directions()
	return want && s.far.hears && s.far.on() && !s.wish.fax && !s.far.fax
}

// sendsVideo reports whether video may be sent now.
func (s *session) sendsVideo() bool {
	want, _ := s.videoDirections()
	return want && s.video && s.far.video.hears && s.far.video.on()
}

// sendsFax reports whether T.38 may be sent now.
func (s *session) sendsFax() bool { return s.wish.fax && s.far.fax && s.far.on() }

// number is the payload type by which we offer a format: that of RFC 3551, or
// one of our own where the agent numbers everything itself.
func (o *Options) number(name string) int {
	if o.Dynamic == 0 {
		return map[string]int{"PCMU": 0, "PCMA": 8, nameVideo: 99, nameDTMF: 101}[name]
	}
	return int(o.Dynamic) + map[string]int{"PCMU": 0, "PCMA": 1, nameVideo: 2, nameDTMF: 3}[name]
}

// rtpmap is what an a=rtpmap says of a format.
func rtpmap(number int, name string) string {
	n := strconv.Itoa(number)
	switch name {
	case nameVideo:
		return "a=rtpmap:" + n + " H264/90000\r\na=fmtp:" + n + " profile-level-id=42e01f\r\n"
	case nameDTMF:
		return "a=rtpmap:" + n + " telephone-event/8000\r\na=fmtp:" + n + " 0-15\r\n"
	}
	return "a=rtpmap:" + n + " " + name + "/8000\r\n"
}
