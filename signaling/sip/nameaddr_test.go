package sip_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

func TestParseNameAddr(t *testing.T) {
	for _, c := range []struct{ value, display, uri, params, tag string }{
		{"sip:a@b", "", "sip:a@b", "", ""},
		{"sip:a@b;tag=x", "", "sip:a@b", ";tag=x", "x"},
		{"sip:a@b ;\r\n tag = x", "", "sip:a@b", ";\r\n tag = x", "x"},
		{"<sip:a@b;tag=uri>", "", "sip:a@b;tag=uri", "", ""},
		{"<sip:a@b;lr?x=y>;TAG=1;x=2", "", "sip:a@b;lr?x=y", ";TAG=1;x=2", "1"},
		{"caller<sip:a>;tag=323", "caller", "sip:a", ";tag=323", "323"},
		{"J. Doe (mobile) @ home <sip:a>", "J. Doe (mobile) @ home", "sip:a", "", ""},
		{"\"Bell, \\\"A\\\" <x>\" <sip:a,b@c>;q=\"a;b,c\" ;tag=t", "\"Bell, \\\"A\\\" <x>\"", "sip:a,b@c", ";q=\"a;b,c\" ;tag=t", "t"},
		{"\"\"<sip:a>", "\"\"", "sip:a", "", ""},
		{" \t<tel:+1> ", "", "tel:+1", "", ""},
		{"<sip:a>;flag;tag=a=b", "", "sip:a", ";flag;tag=a=b", "a=b"},
	} {
		raw := []byte("x" + c.value + "y")
		na, err := sip.ParseNameAddr(raw, sip.Span{Start: 1, End: len(raw) - 1})
		text := func(s sip.Span) string { return string(s.Of(raw)) }
		got := fmt.Sprintf("%q", []string{text(na.Display), text(na.URI), text(na.Params), text(na.Tag), text(na.Value)})
		want := fmt.Sprintf("%q", []string{c.display, c.uri, c.params, c.tag, strings.Trim(c.value, " \t")})
		if err != nil || got != want || na.Bracketed != strings.Contains(c.value, "<sip") && na.Bracketed != strings.Contains(c.value, "<tel") {
			t.Errorf("%q: got %s, %v", c.value, got, err)
		}
	}
}

func TestParseNameAddrRefuses(t *testing.T) {
	for value, cause := range map[string]string{
		"": "syntax", "bob": "syntax", "<sip:a>,<sip:b>": "syntax", "<sip:a>,": "syntax", "<>": "syntax", "\"a\"": "quoting", "\"a\" sip:a": "quoting",
		"<sip:a": "quoting", "\"a <sip:a>": "quoting", "a\"b <sip:a>": "quoting", "<sip:a>;": "syntax", "<sip:a>;;": "syntax", "<sip:a>;=x": "syntax",
		"<sip:a>;x=\"": "quoting", "<sip:a> x": "syntax", "sip:a b": "syntax", "sip:a?b": "syntax", "sip:a,b@c": "syntax", "<sip:a>;x=<b>": "syntax",
		"sip:a;x=<sip:b>": "syntax", "<sip:a\" >": "syntax", "< sip:a>": "syntax",
		"<sip:a>;tag=1;tag=1": "syntax", "<sip:a>;TAG=1;x;tag=2": "syntax", "<sip:a>;tag": "syntax", "<sip:a>;tag=;tag=1": "syntax", "<sip:[a@b>": "syntax", "<sip:[::1]@b>": "syntax",
	} {
		na, err := sip.ParseNameAddr([]byte(value), sip.Span{End: len(value)})
		if e, ok := err.(*sip.Error); !ok || e.Cause != cause || e.Status != 400 {
			t.Errorf("%q: got %+v, %v; want %s", value, na, err, cause)
		}
	}
}

func TestNameAddrs(t *testing.T) {
	for value, want := range map[string]string{
		"<sip:a>":                                "sip:a",
		"<sip:a,b@c;x> , \"d,\" <sip:d>;e=\",\"": "sip:a,b@c;x|sip:d",
		"sip:a,sip:b;x\r\n ,\r\n <sip:c>":        "sip:a|sip:b|sip:c",
		"*":                                      "*",
		"<sip:a>, * ,<sip:b>":                    "sip:a|*",
		"<sip:a>,,<sip:b>":                       "sip:a|!",
		"<sip:a>,":                               "!",
		"<sip:a>, <sip:b":                        "sip:a|!",
	} {
		// In History-Info nothing of this is judged by Parse.
		m := parse(t, with(t, invite, "Max-Forwards: 70", "Max-Forwards: 70\r\nHistory-Info: "+value))
		f, ok := m.First(sip.FieldHistoryInfo)
		var got []string
		for na, err := range m.NameAddrs(f) {
			switch {
			case errors.Is(err, sip.ErrStar):
				got = append(got, "*")
			case err != nil:
				got = append(got, "!")
			default:
				got = append(got, string(m.Bytes(na.URI)))
			}
		}
		if !ok || strings.Join(got, "|") != want {
			t.Errorf("%q: got %q, want %q", value, got, want)
		}
		for range m.NameAddrs(f) {
			break
		}
	}
}

func TestParam(t *testing.T) {
	const params = " ; Branch = z9 ;rport;x=\"a;y=1\";y=2;z=;y=3"
	for name, want := range map[string]string{"branch": "z9", "RPORT": "", "x": "\"a;y=1\"", "y": "2", "z": ""} {
		if v, ok := sip.Param([]byte(params), sip.Span{End: len(params)}, name); !ok || string(v.Of([]byte(params))) != want {
			t.Errorf("%s: got %v %v", name, v, ok)
		}
	}
	for _, name := range []string{"", "a", "bran", "branchx"} {
		if v, ok := sip.Param([]byte(params), sip.Span{End: len(params)}, name); ok {
			t.Errorf("%q: got %v", name, v)
		}
	}
}

func TestTokens(t *testing.T) {
	const value = "100rel, TIMER ,\r\n replaces,,\"a,b\" "
	var got []string
	for s := range sip.Tokens([]byte(value), sip.Span{End: len(value)}) {
		got = append(got, string(s.Of([]byte(value))))
	}
	if strings.Join(got, "|") != "100rel|TIMER|replaces|\"a,b\"" {
		t.Errorf("got %q", got)
	}
	for token, want := range map[string]bool{"timer": true, "100REL": true, "100": false, "replaces,": false} {
		if sip.HasToken([]byte(value), sip.Span{End: len(value)}, token) != want {
			t.Errorf("%s: want %v", token, want)
		}
	}
}

func TestParseVia(t *testing.T) {
	const value = "SIP / 2.0 /\r\n UDP a.example : 5061 ; Branch=x;RPORT=7;maddr=224.2.0.1;received=[::1];x , SIP/2.0/TLS [2001:db8::1] ;rport ,sip/2.0/ws b"
	raw, rest := []byte(value), sip.Span{End: len(value)}
	var got []string
	for !rest.Empty() {
		v, next, err := sip.ParseVia(raw, rest)
		if err != nil {
			t.Fatal(err)
		}
		text := func(s sip.Span) string { return string(s.Of(raw)) }
		got = append(got, fmt.Sprint(text(v.Transport), " ", text(v.Host), " ", v.Port, " ", text(v.Branch), " ", text(v.Maddr), " ", text(v.Received), " ", v.HasRport, text(v.Rport), " ", text(v.Params)))
		rest = next
	}
	want := "UDP a.example 5061 x 224.2.0.1 [::1] true7 ; Branch=x;RPORT=7;maddr=224.2.0.1;received=[::1];x|TLS [2001:db8::1] 0    true ;rport|ws b 0    false "
	if strings.Join(got, "|") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, "|"), want)
	}
}

// TestBranchOfOldDevices: without the cookie, or with nothing behind it, a
// branch is matched by the rules of RFC 2543 (RFC 3261 section 17.2.3), so it
// must come out as it is.
func TestBranchOfOldDevices(t *testing.T) {
	for params, want := range map[string]string{"": "", ";branch=z9hG4bK": "z9hG4bK", ";branch=1": "1", ";branch": "", ";branch=": ""} {
		m := parse(t, with(t, invite, ";branch=z9hG4bK776asdhds", params))
		if got := string(m.Bytes(m.Via().Branch)); got != want {
			t.Errorf("%q: got %q", params, got)
		}
	}
}
