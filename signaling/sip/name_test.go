package sip

import (
	"strings"
	"testing"
)

// TestFieldNames reads each known name long, compact and in any case, in the
// middle of a message and at its end, and with white space before the colon.
func TestFieldNames(t *testing.T) {
	for id := FieldUnknown + 1; id < fieldIDs; id++ {
		if id.String() == "" {
			t.Errorf("field %d has no name", id)
		}
		for _, name := range []string{fieldNames[id].long, fieldNames[id].compact} {
			if name == "" {
				continue
			}
			for _, spelt := range []string{name, strings.ToLower(name), strings.ToUpper(name)} {
				for _, tail := range []string{": x\r\n\r\n", ": x\r\n\r\n" + strings.Repeat("y", 64), " : x\r\n\r\n", "\t\r\n :x\r\n\r\n"} {
					var m Message
					if m.readFields([]byte(spelt+tail), 0) < 0 || len(m.fields) != 1 || m.fields[0].ID != id || string(m.fields[0].Name.Of([]byte(spelt))) != spelt {
						t.Errorf("%q is read as %+v", spelt+tail, m.fields)
					}
				}
				for _, other := range []string{spelt + "x", "x" + spelt, spelt[:len(spelt)-1] + "\x7f", strings.ReplaceAll(spelt, "-", "\r"), strings.ReplaceAll(spelt, "-", "_")} {
					if got := nameID([]byte(other)); other != spelt && got != FieldUnknown && !equalFold([]byte(other), fieldNames[got].long) && other != fieldNames[got].compact {
						t.Errorf("%q is read as %v", other, got)
					}
				}
			}
		}
	}
}

func TestFindName(t *testing.T) {
	raw := "INVITE sip:a SIP/2.0\r\nVia: SIP/2.0/UDP b\r\nTo: sip:a\r\nf: sip:b;tag=1\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nX-Odd: 1\r\nx-odd: 2\r\n\r\n"
	var m Message
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"from": "sip:b;tag=1", "F": "sip:b;tag=1", "x-ODD": "1", "t": "sip:a"} {
		if f, ok := m.FindName(name); !ok || string(m.Bytes(f.Value)) != want {
			t.Errorf("%s: got %q", name, m.Bytes(f.Value))
		}
	}
	for _, name := range []string{"Route", "X-Odd2", "", "Subject"} {
		if f, ok := m.FindName(name); ok {
			t.Errorf("%s: found %+v", name, f)
		}
	}
	if n := m.Count(FieldUnknown); n != 2 {
		t.Errorf("%d unknown fields, want 2", n)
	}
}
