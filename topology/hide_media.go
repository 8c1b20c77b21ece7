package topology

import (
	"sbc/signaling/edit"
	"sbc/signaling/sdp"
)

// rtcp does what our end of a media line asks for to its a=rtcp and a=rtcp-mux.
func (h *sdpHider) rtcp(l sdp.Line, row lineRow) {
	if h.media < 0 {
		h.remove(l, row.why)
		return
	}
	ours := h.at(h.media)
	if row.do == lineMux {
		if !ours.Mux || ours.Port == 0 {
			h.remove(l, row.why)
			return
		}
		h.seen.mux = true
		return
	}
	if !ours.saysRTCP() || h.seen.rtcp {
		h.remove(l, row.why)
		return
	}
	h.seen.rtcp = true
	h.value(l, h.scratch.text().str("rtcp:").uint(uint64(ours.RTCPPort)), row.why)
}

// saysRTCP reports whether the RTCP port is one that the far end cannot know
// without being told (RFC 3605 section 2.1).
func (l Line) saysRTCP() bool {
	return l.Port != 0 && !l.Mux && l.RTCPPort != 0 && l.RTCPPort != l.Port+1
}

// direction makes a direction attribute say what we want. At session level it
// stays only where all lines want it; else each line says its own.
func (h *sdpHider) direction(l sdp.Line) {
	if h.media < 0 {
		if !h.level {
			h.remove(l, "the directions of the streams differ (RFC 8866 section 6.7)")
		}
		return
	}
	want := h.at(h.media).Direction
	if want == 0 {
		h.seen.direction = true
		return
	}
	if h.seen.direction {
		h.remove(l, "one direction a stream (RFC 8866 section 6.7)")
		return
	}
	h.seen.direction = true
	h.value(l, h.scratch.text().str(want.String()), whyDirection)
}

const whyDirection edit.Reason = "what both sides agreed to (RFC 3264 section 6.1)"

// endSection adds what the media section, or the session level, still lacks.
func (h *sdpHider) endSection() {
	if h.media < 0 {
		if !h.hasOrigin && len(h.to.Session.Lines) > 0 {
			h.add(0, h.origins(h.begin(0).str("o=")), lineRows['o'].why)
		}
		return
	}
	ours, theirs := h.at(h.media), &h.to.Session.Media[h.media]
	if ours.Port == 0 {
		return
	}
	last := h.lastBeforeAttributes(theirs)
	if ours.saysRTCP() && !h.seen.rtcp {
		h.add(last, h.begin(last).str("a=rtcp:").uint(uint64(ours.RTCPPort)), whyRTCP)
	}
	if ours.Mux && !h.seen.mux {
		h.add(last, h.begin(last).str("a=rtcp-mux"), "RTCP comes to the RTP port (RFC 5761)")
	}
	want := ours.Direction
	if want == 0 {
		want = theirs.Direction
	}
	if !h.level && !h.seen.direction && want != sdp.SendRecv && want != 0 {
		h.add(last, h.begin(last).str("a=").str(want.String()), whyDirection)
	}
}

// lastBeforeAttributes returns the last line of a media section that stands
// before its attributes and stays: RFC 8866 section 9 has a fixed order.
func (h *sdpHider) lastBeforeAttributes(m *sdp.Media) int {
	last := m.Lines[0]
	for i := last + 1; i < m.Lines[1]; i++ {
		if t := h.to.Session.Lines[i].Type; t != 'a' && lineRows[t].do != lineRemove {
			last = i
		}
	}
	return last
}

// begin begins a new line behind line i, add ends it: the last line of a
// description may have no line end.
func (h *sdpHider) begin(i int) text {
	t := h.scratch.text()
	if !h.ends(i) {
		t = t.str(h.eol)
	}
	return t
}

func (h *sdpHider) add(i int, t text, why edit.Reason) {
	if h.ends(i) {
		t = t.str(h.eol)
	}
	end := h.to.Session.Lines[i].Line.End
	h.edits = t.replace(h.edits, edit.Span{Start: end, End: end}, why)
}

func (h *sdpHider) ends(i int) bool {
	l := h.to.Session.Lines[i].Line
	return l.End > l.Start && h.raw[l.End-1] == '\n'
}
