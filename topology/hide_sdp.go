package topology

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
)

// What is done to a line of a session description. The zero treatment is that
// it passes.
type lineTreatment uint8

const (
	linePass lineTreatment = iota
	lineRemove
	lineOrigin
	lineName
	lineConn
	lineMedia
	lineRTCP
	lineMux
	lineDirection
	lineSSRC
	lineGroup
	lineBundleOnly
	linePayload
)

type lineRow struct {
	do  lineTreatment
	why edit.Reason
}

// lineRows says what is done to a line by its type (RFC 8866 section 5).
var lineRows = [256]lineRow{
	'o': {lineOrigin, "origin: ours (RFC 8866 section 5.2)"},
	's': {lineName, "session name of the far side"},
	'i': {lineRemove, "text about the far side (RFC 8866 section 5.4)"},
	'u': {lineRemove, "URI of the far side (RFC 8866 section 5.5)"},
	'e': {lineRemove, "mail address of the far side (RFC 8866 section 5.6)"},
	'p': {lineRemove, "phone number of the far side (RFC 8866 section 5.6)"},
	'c': {lineConn, "media goes to us (RFC 8866 section 5.7)"},
	'm': {lineMedia, "our port"},
}

const (
	whyICE    edit.Reason = "ICE ends here: it names addresses of the far side (RFC 8839)"
	whyBundle edit.Reason = "each stream has a port of its own here (RFC 9143)"
	whyRTCP   edit.Reason = "our RTCP port (RFC 3605)"
	whyMux    edit.Reason = "RTCP multiplexing ends here (RFC 5761)"
	whyFormat edit.Reason = "payload type of this side (RFC 3264 section 5.1)"
)

// attributeRows says what is done to an attribute by its name. What is not
// here passes: codecs, crypto, fingerprint, setup, rtcp-fb, extmap, msid and
// what we do not know.
var attributeRows = map[string]lineRow{
	"candidate":         {lineRemove, whyICE},
	"remote-candidates": {lineRemove, whyICE},
	"end-of-candidates": {lineRemove, whyICE},
	"ice-ufrag":         {lineRemove, whyICE},
	"ice-pwd":           {lineRemove, whyICE},
	"ice-options":       {lineRemove, whyICE},
	"ice-lite":          {lineRemove, whyICE},
	"ice-mismatch":      {lineRemove, whyICE},
	"ice-pacing":        {lineRemove, whyICE},
	"alt":               {lineRemove, "alternative address of the far side"},
	"altc":              {lineRemove, "alternative address of the far side (RFC 6947)"},
	"source-filter":     {lineRemove, "address of the far side (RFC 4570)"},
	"path":              {lineRemove, "address of the far side (RFC 4975)"},
	"tool":              {lineRemove, "software of the far side (RFC 8866 section 6.4)"},
	"rtcp":              {lineRTCP, whyRTCP},
	"rtcp-mux":          {lineMux, whyMux},
	"rtcp-mux-only":     {lineMux, whyMux},
	"sendrecv":          {do: lineDirection},
	"sendonly":          {do: lineDirection},
	"recvonly":          {do: lineDirection},
	"inactive":          {do: lineDirection},
	"ssrc":              {lineSSRC, "CNAME of the far side (RFC 5576 section 6.1)"},
	"group":             {lineGroup, whyBundle},
	"bundle-only":       {lineBundleOnly, whyBundle},
	"rtpmap":            {linePayload, whyFormat},
	"fmtp":              {linePayload, whyFormat},
	"rtcp-fb":           {linePayload, whyFormat},
}

// HideSDP appends to edits what must change in a session description. The
// edits are of the message that to.Session was parsed from; the length of the
// body is for the caller to correct (sip.Message.FixLength). It reads to and
// keeps nothing of it.
func HideSDP(to *SDP, edits []edit.Edit, scratch *Scratch) []edit.Edit {
	h := sdpHider{to: to, raw: to.Session.Raw, edits: edits, scratch: scratch, media: -1}
	h.plan()
	for i := range to.Session.Lines {
		if n := h.media + 1; n < len(to.Session.Media) && to.Session.Media[n].Lines[0] == i {
			h.endSection()
			h.media, h.seen = n, seen{}
		}
		h.line(i)
	}
	h.endSection()
	return h.edits
}

// An sdpHider goes through the lines of one description.
type sdpHider struct {
	to      *SDP
	raw     []byte
	edits   []edit.Edit
	scratch *Scratch

	eol       string // line end of the description
	level     bool   // the direction at session level is right for all lines and stays
	bundle    bool   // the lines may stay one bundle
	streamed  uint64 // bit i: media line i has no datagrams that we could relay
	hasOrigin bool
	media     int // index of the media line; -1: session level
	seen      seen
}

// seen is what a media section had so far.
type seen struct{ rtcp, mux, direction bool }

// plan looks at what concerns all lines at once.
func (h *sdpHider) plan() {
	s := h.to.Session
	h.eol = "\r\n"
	if len(s.Lines) > 0 {
		if first := s.Lines[0].Line.Of(h.raw); !bytes.HasSuffix(first, []byte("\r\n")) && bytes.HasSuffix(first, []byte("\n")) {
			h.eol = "\n"
		}
	}
	h.level, h.bundle = true, true
	for i := range s.Media {
		if Streamed(s, i) {
			h.streamed |= 1 << i
		}
	}
	for i := range s.Media {
		ours, port := h.at(i), h.at(0).Port
		if ours.Port != 0 && ours.Direction != 0 && s.Direction != ours.Direction {
			h.level = false
		}
		if len(s.Media) > 1 && (ours.Port == 0 || ours.Port != port) {
			h.bundle = false
		}
	}
}

// at returns what media line i says of our end: off where nobody said, and
// where there is nothing to relay.
func (h *sdpHider) at(i int) Line {
	if i < len(h.to.Lines) && h.streamed>>i&1 == 0 {
		return h.to.Lines[i]
	}
	return Line{}
}

// line does what the tables say to line i.
func (h *sdpHider) line(i int) {
	l := h.to.Session.Lines[i]
	row := lineRows[l.Type]
	if l.Type == 'a' {
		name, _, _ := bytes.Cut(l.Value.Of(h.raw), []byte(":"))
		row = attributeRows[string(bytes.TrimRight(name, " \t"))]
	}
	switch row.do {
	case linePass:
	case lineRemove:
		h.remove(l, row.why)
	case lineOrigin:
		h.origin(l, row.why)
	case lineName:
		h.value(l, h.scratch.text().byte('-'), row.why)
	case lineConn:
		h.value(l, h.scratch.text().conn(h.to.Addr), row.why)
	case lineMedia:
		h.port(i, row.why)
		h.formats(i)
	case linePayload:
		h.payload(l, row.why)
	case lineSSRC:
		h.ssrc(l, row.why)
	case lineGroup, lineBundleOnly:
		h.group(l, row)
	case lineDirection:
		h.direction(l)
	case lineRTCP, lineMux:
		h.rtcp(l, row)
	}
}

// origin writes our o= line; a second one goes.
func (h *sdpHider) origin(l sdp.Line, why edit.Reason) {
	if h.hasOrigin {
		h.remove(l, why)
		return
	}
	h.hasOrigin = true
	h.value(l, h.origins(h.scratch.text()), why)
}

func (h *sdpHider) origins(t text) text {
	o := h.to.Origin
	return t.str("- ").uint(o.ID).byte(' ').uint(o.Version).byte(' ').conn(h.to.Addr)
}

// port writes our port into m= line i.
func (h *sdpHider) port(i int, why edit.Reason) {
	if h.media < 0 || h.to.Session.Media[h.media].Lines[0] != i {
		return
	}
	at := h.to.Session.Media[h.media].Port
	for end := h.to.Session.Lines[i].Value.End; at.End < end && h.raw[at.End] != ' ' && h.raw[at.End] != '\t'; {
		at.End++ // the number of ports, "/2"
	}
	port := h.at(h.media).Port
	if port == 0 {
		why = "the stream is off (RFC 3264 section 6)"
	}
	h.put(at, h.scratch.text().uint(uint64(port)), why)
}

// ssrc puts an opaque in the place of a CNAME, which is often user@host.
func (h *sdpHider) ssrc(l sdp.Line, why edit.Reason) {
	v := l.Value.Of(h.raw)
	i := bytes.Index(v, []byte(" cname:"))
	if i < 0 {
		return
	}
	at := edit.Span{Start: l.Value.Start + i + len(" cname:"), End: l.Value.End}
	t := h.scratch.text()
	if h.to.CNAME != nil {
		t = t.put(h.to.CNAME)
	} else {
		t = t.uint(h.to.Origin.ID)
	}
	h.put(at, t, why)
}

// group ends a bundle: with a port for each stream, the far end must not send
// all of them to one (RFC 9143 section 7.3).
func (h *sdpHider) group(l sdp.Line, row lineRow) {
	v := l.Value.Of(h.raw)
	if h.bundle || row.do == lineGroup && !bytes.HasPrefix(v, []byte("group:BUNDLE")) {
		return
	}
	h.remove(l, row.why)
}

// value replaces the value of a line.
func (h *sdpHider) value(l sdp.Line, t text, why edit.Reason) { h.put(l.Value, t, why) }

// put replaces at by t unless it stands there already.
func (h *sdpHider) put(at edit.Span, t text, why edit.Reason) {
	if !bytes.Equal(at.Of(h.raw), t.bytes()) {
		h.edits = t.replace(h.edits, at, why)
	}
}

func (h *sdpHider) remove(l sdp.Line, why edit.Reason) { h.edits = remove(h.edits, l.Line, why) }
