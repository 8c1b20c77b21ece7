package demo

import (
	"slices"
	"strings"

	"sbc/signaling"
	"sbc/signaling/sip"
)

// A row is one line of the table of what was hidden.
type row struct{ field, near, far string }

// hiddenRows compares the INVITE that came to the border with the one that
// left it: every field, or line of the session description, that the two
// sides saw differently.
func hiddenRows(near, far []byte) []row {
	left, right := parts(near), parts(far)
	var rows []row
	for _, p := range left {
		other := find(right, p.field)
		if other != p.near {
			rows = append(rows, row{p.field, p.near, other})
		}
	}
	for _, p := range right {
		if !slices.ContainsFunc(left, func(r row) bool { return r.field == p.field }) {
			rows = append(rows, row{p.field, "", p.near})
		}
	}
	return rows
}

func find(list []row, field string) string {
	for _, p := range list {
		if p.field == field {
			return p.near
		}
	}
	return ""
}

// parts returns the parts of a message by name, in their order; repeated ones
// are joined.
func parts(raw []byte) []row {
	var m sip.Message
	if err := m.Parse(raw); err != nil {
		return nil
	}
	list := []row{{field: "Request-URI", near: string(m.Bytes(m.RequestURI()))}}
	add := func(field, value string) {
		if i := slices.IndexFunc(list, func(r row) bool { return r.field == field }); i >= 0 {
			list[i].near += ", " + value
			return
		}
		list = append(list, row{field: field, near: value})
	}
	for _, f := range m.Fields() {
		if f.ID == sip.FieldContentLength {
			continue
		}
		name := string(m.Bytes(f.Name))
		if f.ID != sip.FieldUnknown {
			name = f.ID.String()
		}
		add(name, string(m.Unfold(nil, f.Value)))
	}
	for line := range strings.Lines(string(m.Bytes(m.Body()))) {
		line = strings.TrimRight(line, "\r\n")
		name, value, _ := strings.Cut(line, "=")
		if name == "a" {
			attribute, rest, valued := strings.Cut(value, ":")
			name, value = "a="+attribute, rest
			if !valued {
				value = "(set)"
			}
		}
		add("SDP "+name, value)
	}
	return list
}

// came returns the message that opened the call, as it came in.
func came(r *signaling.CallReport) []byte {
	for _, e := range r.Ladder {
		if e.Kind == "in" && strings.HasPrefix(e.Message, "INVITE ") {
			return []byte(e.Message)
		}
	}
	return nil
}
