package sip_test

import (
	"fmt"
	"testing"

	"sbc/signaling/sip"
)

// decoded runs a decoder over values: want has what it gives, "!" and a cause
// for an error.
func decoded[T any](t *testing.T, parse func([]byte, sip.Span) (T, error), show func(raw []byte, v T) string, want map[string]string) {
	t.Helper()
	for value, want := range want {
		raw := []byte("x" + value + "y")
		v, err := parse(raw, sip.Span{Start: 1, End: len(raw) - 1})
		got := ""
		if e, ok := err.(*sip.Error); ok {
			got = "!" + e.Cause
		} else if err == nil {
			got = show(raw, v)
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
	}
}

func TestRAck(t *testing.T) {
	decoded(t, sip.ParseRAck, func(raw []byte, r sip.RAck) string { return fmt.Sprint(r.RSeq, r.CSeq, " ", string(r.Method.Of(raw))) }, map[string]string{
		"776656 1 INVITE":          "776656 1 INVITE",
		" 1\r\n 2\tINVITE ":        "1 2 INVITE",
		"4294967295 0 X":           "4294967295 0 X",
		"4294967296 1 INVITE":      "!syntax",
		"1 INVITE":                 "!syntax",
		"1 2":                      "!syntax",
		"1 2INVITE":                "!syntax",
		"1 2 INVITE x":             "!syntax",
		"":                         "!syntax",
		"1 18446744073709551616 X": "!syntax",
	})
}

func TestNumber(t *testing.T) {
	decoded(t, sip.ParseNumber, func(_ []byte, n uint32) string { return fmt.Sprint(n) }, map[string]string{
		"0": "0", " 3600 ": "3600", "4294967295": "4294967295", "4294967296": "!syntax", "-1": "!syntax", "1x": "!syntax", "": "!syntax",
	})
}

func TestSessionExpires(t *testing.T) {
	decoded(t, sip.ParseSessionExpires, func(raw []byte, s sip.SessionExpires) string {
		return fmt.Sprint(s.Seconds, s.Refresher, string(s.Params.Of(raw)))
	}, map[string]string{
		"1800":                      "1800 0",
		"90 ; Refresher=UAC":        "90 1; Refresher=UAC",
		"1800;refresher=uas;x=y":    "1800 2;refresher=uas;x=y",
		"1800;refresher=me":         "!syntax",
		"1800;":                     "!syntax",
		"1800 x":                    "!syntax",
		"x":                         "!syntax",
		"99999999999;refresher=uac": "!syntax",
		"1800, 90":                  "!syntax",
	})
}

func TestDialogID(t *testing.T) {
	decoded(t, sip.ParseDialogID, func(raw []byte, d sip.DialogID) string {
		return fmt.Sprintf("%s %s %s %v", d.CallID.Of(raw), d.ToTag.Of(raw), d.FromTag.Of(raw), d.EarlyOnly)
	}, map[string]string{
		"12345@192.0.2.1;to-tag=a;from-tag=b":       "12345@192.0.2.1 a b false",
		"x;FROM-TAG=b;early-only ; to-tag=a;y=z":    "x a b true",
		"x ; local-tag=a;remote-tag=b":              "x a b false",
		"x;to-tag=a":                                "!syntax",
		"x;to-tag=a;from-tag=b;to-tag=c":            "!syntax",
		"x;to-tag=a;from-tag=":                      "!syntax",
		"x y;to-tag=a;from-tag=b":                   "!syntax",
		";to-tag=a;from-tag=b":                      "!syntax",
		"x;to-tag=a;from-tag=b,y;to-tag=a;from-tag": "!syntax",
		"x;;": "!syntax",
		"":    "!syntax",
	})
}

func TestAuth(t *testing.T) {
	show := func(raw []byte, a sip.Auth) string {
		out := string(a.Scheme.Of(raw))
		for _, name := range []string{"Realm", "nonce", "qop", "none"} {
			if v, ok := a.Param(raw, name); ok {
				out += " " + name + "=" + string(sip.AppendUnquoted(nil, v.Of(raw)))
			}
		}
		return out
	}
	decoded(t, sip.ParseAuth, show, map[string]string{
		"Digest realm=\"a, \\\"b\\\"\" ,\r\n nonce=\"x==\",qop=auth,nc=00000001": "Digest Realm=a, \"b\" nonce=x== qop=auth",
		"digest  nonce = x":                        "digest nonce=x",
		"NoOneKnowsThisScheme opaque-data=here":    "NoOneKnowsThisScheme",
		"Bearer abc.def==,,\"":                     "Bearer",
		"Digest":                                   "!auth_syntax",
		"Digest realm":                             "!auth_syntax",
		"Digest realm=":                            "!auth_syntax",
		"Digest realm=\"a":                         "!auth_syntax",
		"Digest realm=\"a\" nonce=b":               "!auth_syntax",
		"Digest realm=\"a\",":                      "!auth_syntax",
		"Digest =a":                                "!auth_syntax",
		"Digest realm=\"a\", nonce=b, REALM=\"c\"": "!auth_syntax",
		"":                       "!auth_syntax",
		"\"Digest\" realm=\"a\"": "!auth_syntax",
		"Digest realm=\"a\",nonce=\"b\",Digest realm=\"c\"": "!auth_syntax",
	})
}

func TestToken(t *testing.T) {
	type value struct{ token, params sip.Span }
	parse := func(raw []byte, s sip.Span) (v value, err error) {
		v.token, v.params, err = sip.ParseToken(raw, s)
		return v, err
	}
	decoded(t, parse, func(raw []byte, v value) string { return string(v.token.Of(raw)) + "|" + string(v.params.Of(raw)) }, map[string]string{
		"refer":                            "refer|",
		"active ; expires=60":              "active|; expires=60",
		"Q.850;cause=16;text=\"Bye, bye\"": "Q.850|;cause=16;text=\"Bye, bye\"",
		"a b":                              "!syntax",
		"a;":                               "!syntax",
		"a,b":                              "!syntax",
		"\"a\"":                            "!syntax",
		"":                                 "!syntax",
	})
}

func TestAppendUnquoted(t *testing.T) {
	for in, want := range map[string]string{
		"a": "a", "\"a\"": "a", "\"\"": "", "\"": "\"", "\"a\\\"b\\\\\"": "a\"b\\", "\"a\r\n \tb\"": "a b", "a\"b\"": "a\"b\"", "": "",
	} {
		if got := string(sip.AppendUnquoted([]byte(">"), []byte(in))); got != ">"+want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestUnfold(t *testing.T) {
	m := parse(t, with(t, invite, "Max-Forwards: 70", "Max-Forwards: 70\r\nSubject:\r\n  a \r\n\t b\r\n  \r\n c \" \\\x01 \"  "))
	f, _ := m.First(sip.FieldSubject)
	if got := string(m.Unfold([]byte(" >"), f.Value)); got != " >a b c \" \\\x01 \"" {
		t.Errorf("got %q", got)
	}
	if got := string(m.Bytes(f.Value)); got != "a \r\n\t b\r\n  \r\n c \" \\\x01 \"" {
		t.Errorf("value is %q", got)
	}
}

func TestFixLength(t *testing.T) {
	m := parse(t, invite)
	body := m.Body()
	grow := sip.Edit{Start: body.Start, End: body.Start + 1, New: []byte("vvv")}
	noField := parse(t, with(t, invite, "Content-Length: 5\r\n", ""))
	bare := noField.Body()
	for _, c := range []struct {
		name  string
		m     *sip.Message
		edits []sip.Edit
		want  string
	}{
		{"nothing to do", m, nil, invite},
		{"longer body", m, []sip.Edit{grow}, with(t, with(t, invite, "v=0", "vvv=0"), "Length: 5", "Length: 7")},
		{"no field", noField, []sip.Edit{{Start: bare.End, End: bare.End, New: []byte("x")}}, with(t, invite, "Length: 5", "Length: 6") + "x"},
		{"only fields change", m, []sip.Edit{{Start: 7, End: 10, New: []byte("sips")}}, with(t, invite, "sip:", "sips:")},
	} {
		out, err := c.m.AppendTo(nil, c.m.FixLength(c.edits))
		if err != nil || string(out) != c.want {
			t.Errorf("%s: got %q, %v", c.name, out, err)
		}
		parse(t, string(out))
	}
}
