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
		rtp := bytes.Contains(m.Proto.Of(s.Raw), []byte("RTP/"))
		for rest := m.Formats; ; {
			f := Format{Payload: -1, Channels: 1}
			if f.Text, rest = word(s.Raw, rest); f.Text.Empty() {
				return
			}
			if n, ok := decimal(f.Text.Of(s.Raw), 127); rtp && ok {
				f.Payload = n
				s.describe(m, &f)
			}
			if !yield(f) {
				return
			}
		}
	}
}

// describe looks up a=rtpmap and a=fmtp of f.
func (s *Session) describe(m *Media, f *Format) {
	mapped := false
	for a := range s.Attributes(m) {
		text, rest := word(s.Raw, a.Value)
		if !bytes.Equal(text.Of(s.Raw), f.Text.Of(s.Raw)) {
			continue
		}
		switch string(a.Name.Of(s.Raw)) {
		case "rtpmap":
			if !mapped {
				mapped = true
				s.rtpmap(rest, f)
			}
		case "fmtp":
			if f.Parameters.Empty() {
				for rest.Start < rest.End && s.Raw[rest.Start] == ' ' {
					rest.Start++
				}
				f.Parameters = rest
			}
		}
	}
	if !mapped && f.Payload < len(staticPayloads) {
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
