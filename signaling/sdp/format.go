package sdp

import (
	"bytes"
	"iter"

	"sbc/signaling/edit"
)

// A Format is one format of an m= line with its a=rtpmap and a=fmtp. For
// media other than RTP only Text is set.
type Format struct {
	Text       edit.Span // as it stands in m=: "8", "t38"
	Payload    int       // RTP payload type; -1: not RTP, or not one
	Encoding   edit.Span // name in a=rtpmap: "PCMA"; empty without rtpmap
	Rate       int       // clock rate in Hz; 0: not known
	Channels   int       // 1 if not given
	Parameters edit.Span // of a=fmtp
}

// staticPayload is an RTP payload type that needs no a=rtpmap: RFC 3551 table
// 4, what a telephone uses of it.
type staticPayload struct {
	name string
	rate int
}

var staticPayloads = [...]staticPayload{
	0: {"PCMU", 8000}, 3: {"GSM", 8000}, 4: {"G723", 8000}, 5: {"DVI4", 8000}, 6: {"DVI4", 16000},
	7: {"LPC", 8000}, 8: {"PCMA", 8000}, 9: {"G722", 8000}, 10: {"L16", 44100}, 11: {"L16", 44100},
	12: {"QCELP", 8000}, 13: {"CN", 8000}, 15: {"G728", 8000}, 16: {"DVI4", 11025}, 17: {"DVI4", 22050},
	18: {"G729", 8000}, 26: {"JPEG", 90000}, 31: {"H261", 90000}, 32: {"MPV", 90000}, 34: {"H263", 90000},
}

// FormatsOf returns the formats of m in their order: the most wanted first.
func (s *Session) FormatsOf(m *Media) iter.Seq[Format] {
	return func(yield func(Format) bool) {
		var described [128]description
		if m.IsRTP {
			s.describe(m, &described)
		}
		for rest := m.Formats; ; {
			f := Format{Payload: -1, Channels: 1}
			if f.Text, rest = word(s.Raw, rest); f.Text.Empty() {
				return
			}
			if n, ok := decimal(f.Text.Of(s.Raw), len(described)-1); m.IsRTP && ok {
				f.Payload = n
				s.complete(&f, &described[n])
			}
			if !yield(f) {
				return
			}
		}
	}
}

// A description is what the attributes say of a payload type: the rest of its
// first a=rtpmap and of its first a=fmtp.
type description struct{ rtpmap, fmtp edit.Span }

// describe goes through the attributes of m once, however many formats there
// are.
func (s *Session) describe(m *Media, described *[128]description) {
	for a := range s.Attributes(m) {
		name := string(a.Name.Of(s.Raw))
		if name != "rtpmap" && name != "fmtp" {
			continue
		}
		text, rest := word(s.Raw, a.Value)
		n, ok := decimal(text.Of(s.Raw), len(described)-1)
		if !ok {
			continue
		}
		for rest.Start < rest.End && s.Raw[rest.Start] == ' ' {
			rest.Start++
		}
		d := &described[n]
		if name == "rtpmap" && d.rtpmap == (edit.Span{}) {
			d.rtpmap = rest
		}
		if name == "fmtp" && d.fmtp == (edit.Span{}) {
			d.fmtp = rest
		}
	}
}

// complete puts into f what is known of its payload type.
func (s *Session) complete(f *Format, d *description) {
	f.Parameters = d.fmtp
	switch {
	case d.rtpmap != (edit.Span{}):
		s.rtpmap(d.rtpmap, f)
	case f.Payload < len(staticPayloads):
		f.Rate = staticPayloads[f.Payload].rate
		if f.Payload == 10 {
			f.Channels = 2
		}
	}
}

// rtpmap reads name/rate[/channels] (RFC 8866 section 6.6).
func (s *Session) rtpmap(at edit.Span, f *Format) {
	f.Encoding, _ = word(s.Raw, at)
	name, rest, _ := bytes.Cut(f.Encoding.Of(s.Raw), []byte("/"))
	rate, channels, _ := bytes.Cut(rest, []byte("/"))
	f.Encoding.End = f.Encoding.Start + len(name)
	f.Rate, _ = decimal(rate, 1<<30)
	if n, ok := decimal(channels, 255); ok && n > 0 {
		f.Channels = n
	}
}

// EncodingName returns the name of the format: of its a=rtpmap, else what its
// payload type stands for, else what stands in m=. It is text of the sender.
func (s *Session) EncodingName(f *Format) string {
	if !f.Encoding.Empty() {
		return string(f.Encoding.Of(s.Raw))
	}
	if 0 <= f.Payload && f.Payload < len(staticPayloads) && staticPayloads[f.Payload].name != "" {
		return staticPayloads[f.Payload].name
	}
	return string(f.Text.Of(s.Raw))
}
