package topology

import (
	"bytes"
	"slices"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// maskURI hides where a URI points to and leaves whom it names: the user part
// stays, host and port become host, and so do contexts of numbers; parameters
// that belong to the host, or name a place, and such embedded header fields go.
func (h *hider) maskURI(at edit.Span, host []byte, why edit.Reason) {
	raw := h.raw
	scheme := bytes.IndexByte(at.Of(h.raw), ':')
	if scheme <= 0 || class[h.raw[at.Start]]&digit != 0 || h.raw[at.Start] == '[' {
		h.unreadable(at, host)
		return
	}
	name, rest := at.Of(raw)[:scheme], edit.Span{Start: at.Start + scheme + 1, End: at.End}
	switch {
	case equalFold(name, []byte("sip")), equalFold(name, []byte("sips")):
		h.maskSIP(at, host, why)
	case equalFold(name, []byte("tel")):
		h.params(rest, host)
	case equalFold(name, []byte("urn")), equalFold(name, []byte("cid")), equalFold(name, []byte("data")):
		// They name no host, or a part of this message.
	default:
		h.maskOther(rest, host, why)
	}
}

// maskSIP masks a sip or sips URI (RFC 3261 section 19.1.1).
func (h *hider) maskSIP(at edit.Span, host []byte, why edit.Reason) {
	u, err := sip.ParseURI(h.raw, at)
	if err != nil {
		h.unreadable(at, host)
		return
	}
	hostport := h.hostport(u.Host, at.End)
	if !u.User.Empty() {
		h.user(u, host)
	}
	if !invalid(u.Host.Of(h.raw)) {
		h.put(hostport, host, why)
	}
	if headers := bytes.IndexByte(h.raw[hostport.End:at.End], '?'); headers >= 0 {
		headers += hostport.End
		h.hostParams(edit.Span{Start: hostport.End, End: headers}, host)
		h.headers(edit.Span{Start: headers, End: at.End}, edit.Span{Start: at.Start, End: headers})
		return
	}
	h.hostParams(edit.Span{Start: hostport.End, End: at.End}, host)
}

// unreadable puts the bare host in the place of what is no URI.
func (h *hider) unreadable(at edit.Span, host []byte) {
	h.edits = h.scratch.text().str("sip:").put(host).replace(h.edits, at, whyUnreadable)
}

// hostport returns a host with its port.
func (h *hider) hostport(host edit.Span, end int) edit.Span {
	if host.End < end && h.raw[host.End] == ':' {
		for host.End++; host.End < end && class[h.raw[host.End]]&digit != 0; {
			host.End++
		}
	}
	return host
}

// invalid reports whether a host is one that names no place: the far side hid
// it itself (RFC 3323 section 4.1.1.3, RFC 2606).
func invalid(host []byte) bool {
	const suffix = ".invalid"
	n := len(host) - len(suffix)
	return n > 0 && equalFold(host[n:], []byte(suffix))
}

// user masks the parameters of a telephone number in the user part, and takes
// out a user that is an address itself.
func (h *hider) user(u sip.URI, host []byte) {
	user := u.User.Of(h.raw)
	base, _, _ := bytes.Cut(user, []byte(";"))
	if _, ok := parseAddr(bytes.Trim(base, "[]")); ok {
		h.edits = remove(h.edits, edit.Span{Start: u.User.Start, End: u.Host.Start}, "the user is an address")
		return
	}
	h.params(edit.Span{Start: u.User.Start + len(base), End: u.User.End}, host)
}

// What is done to a parameter of a URI. The zero treatment is that it passes.
type paramTreatment uint8

const (
	paramPasses paramTreatment = iota
	paramRemove
	paramContext // a domain, or the beginning of a number
)

type paramRow struct {
	name string
	do   paramTreatment
	why  edit.Reason
}

const (
	whyTrunk   edit.Reason = "trunk of the far side (RFC 4904)"
	whyGRUU    edit.Reason = "instance of the far side (RFC 5627)"
	whyReached edit.Reason = "how the far side is reached (RFC 3261 section 19.1.1)"
	whyFlow    edit.Reason = "flow of the far side (RFC 5626)"

	whyHostParam edit.Reason = "parameter of the host that is hidden (RFC 3261 section 19.1.1)"
)

var paramRows = []paramRow{
	{"phone-context", paramContext, "domain of the far side (RFC 3966 section 5.1.5)"},
	{"rn-context", paramContext, "domain of the far side (RFC 4694)"},
	{"cic-context", paramContext, "domain of the far side (RFC 4694)"},
	{"tgrp", paramRemove, whyTrunk},
	{"trunk-context", paramRemove, whyTrunk},
	{"otg", paramRemove, whyTrunk},
	{"dtg", paramRemove, whyTrunk},
	{"maddr", paramRemove, whyReached},
	{"received", paramRemove, whyReached},
	{"rport", paramRemove, whyReached},
	{"transport", paramRemove, whyReached},
	{"ttl", paramRemove, whyReached},
	{"comp", paramRemove, whyReached},
	{"sigcomp-id", paramRemove, whyReached},
	{"alias", paramRemove, "connection of the far side (RFC 5923)"},
	{"ob", paramRemove, whyFlow},
	{"gr", paramRemove, whyGRUU},
	{"grid", paramRemove, whyGRUU},
	{"opaque", paramRemove, whyGRUU},
}

// params does what paramRows says to the parameters in at, each of which
// begins with a semicolon.
func (h *hider) params(at edit.Span, host []byte) {
	raw := h.raw
	i := at.Start
	for i < at.End && raw[i] != ';' {
		i++ // the number of a tel URI
	}
	for i < at.End {
		end := i + 1
		for end < at.End && raw[end] != ';' {
			end++
		}
		h.param(edit.Span{Start: i, End: end}, host)
		i = end
	}
}

// numberParams are those behind the host of a SIP URI that speak of the user or
// the number; all others are between the host and itself.
var numberParams = []string{"user", "method", "isub", "ext", "postd", "rn", "npdi", "cic", "cpc", "oli", "isup-oli", "noa", "verstat", "cause"}

// hostParams does what has to be done to the parameters behind the host of a
// SIP URI: those of the hidden host mean nothing at the one that takes its
// place, and devices name themselves there.
func (h *hider) hostParams(at edit.Span, host []byte) {
	for i := at.Start; i < at.End; {
		end := min(i+1, at.End)
		for end < at.End && h.raw[end] != ';' {
			end++
		}
		name, _, _ := bytes.Cut(h.raw[min(i+1, end):end], []byte("="))
		name = bytes.TrimRight(name, " \t")
		if treatmentOf(name) != paramPasses || slices.ContainsFunc(numberParams, func(n string) bool { return equalFold(name, []byte(n)) }) {
			h.param(edit.Span{Start: i, End: end}, host)
		} else {
			h.edits = remove(h.edits, edit.Span{Start: i, End: end}, whyHostParam)
		}
		i = end
	}
}

func (h *hider) param(p edit.Span, host []byte) {
	name, value, _ := bytes.Cut(p.Of(h.raw)[1:], []byte("="))
	name = bytes.TrimRight(name, " \t")
	for i := range paramRows {
		row := &paramRows[i]
		if !equalFold(name, []byte(row.name)) {
			continue
		}
		if row.do == paramRemove {
			h.edits = remove(h.edits, p, row.why)
		} else if len(value) > 0 && value[0] != '+' {
			h.put(edit.Span{Start: p.End - len(value), End: p.End}, bareHost(host), row.why)
		}
		return
	}
}

// bareHost takes the port off.
func bareHost(host []byte) []byte {
	if i := bytes.LastIndexByte(host, ':'); i > bytes.LastIndexByte(host, ']') {
		return host[:i]
	}
	return host
}

// AppendUser appends a user part that goes to host: parameters of a number
// that name a place of the far side are treated as in a URI that Hide masks.
func AppendUser(dst, user, host []byte) []byte {
	base, params, _ := bytes.Cut(user, []byte(";"))
	dst = append(dst, base...)
	for len(params) > 0 {
		var p []byte
		p, params, _ = bytes.Cut(params, []byte(";"))
		name, value, _ := bytes.Cut(p, []byte("="))
		switch do := treatmentOf(name); {
		case do == paramRemove:
			continue
		case do == paramContext && len(value) > 0 && value[0] != '+':
			dst = append(append(append(dst, ';'), name...), '=')
			dst = append(dst, bareHost(host)...)
		default:
			dst = append(append(dst, ';'), p...)
		}
	}
	return dst
}

func treatmentOf(param []byte) paramTreatment {
	for i := range paramRows {
		if equalFold(param, []byte(paramRows[i].name)) {
			return paramRows[i].do
		}
	}
	return paramPasses
}

// headers takes embedded header fields out that would have been hidden as
// fields, a P-Asserted-Identity for instance; names of dialogs are translated. of
// is the URI that they are embedded in.
func (h *hider) headers(at, of edit.Span) {
	var list parts
	raw, before := h.raw, len(h.edits)
	for i := at.Start + 1; i <= at.End; {
		end := i
		for end < at.End && raw[end] != '&' {
			end++
		}
		name, _, _ := bytes.Cut(raw[i:end], []byte("="))
		value := edit.Span{Start: min(i+len(name)+1, end), End: end}
		list.add(edit.Span{Start: i, End: end}, !h.embedded(name, value, of.Of(raw)))
		i = end + 1
	}
	if list.all() {
		h.edits = remove(h.edits[:before], at, whyEmbedded)
		return
	}
	for i := range list.n {
		if s, ok := list.cut(i); ok {
			h.edits = remove(h.edits, s, whyEmbedded)
		}
	}
}

const whyEmbedded edit.Reason = "embedded field of the far side (RFC 3261 section 19.1.1)"

// maskOther masks the host of a URI of another scheme: behind "//" (http), or
// behind "@" (mailto, im, pres).
func (h *hider) maskOther(at edit.Span, host []byte, why edit.Reason) {
	b, from, stops := at.Of(h.raw), 0, "?#;"
	if bytes.HasPrefix(b, []byte("//")) {
		from, stops = 2, "/?#"
	} else if bytes.IndexByte(b, '@') < 0 {
		return
	}
	end := len(b)
	if i := bytes.IndexAny(b[from:], stops); i >= 0 {
		end = from + i
	}
	from += bytes.LastIndexByte(b[from:end], '@') + 1
	h.put(edit.Span{Start: at.Start + from, End: at.Start + end}, host, why)
}
