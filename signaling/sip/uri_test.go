package sip_test

import (
	"fmt"
	"testing"

	"sbc/signaling/sip"
)

func TestParseURI(t *testing.T) {
	for _, c := range []struct{ uri, scheme, user, password, host, port, params, headers string }{
		{"sip:alice@example.com", "sip", "alice", "", "example.com", "0", "", ""},
		{"sip:example.com", "sip", "", "", "example.com", "0", "", ""},
		{"SIP:a@b:5061;transport=tcp;lr", "SIP", "a", "", "b", "5061", ";transport=tcp;lr", ""},
		{"sips:a:secret@b?subject=x&y=z", "sips", "a", "secret", "b", "0", "", "subject=x&y=z"},
		{"sip:a:@b", "sip", "a", "", "b", "0", "", ""},
		{"sip:user;par=u%40example.net@example.com", "sip", "user;par=u%40example.net", "", "example.com", "0", "", ""},
		{"sip:a?b/c@d;e=f@g", "sip", "a?b/c", "", "d", "0", ";e=f@g", ""},
		{"sip:+1,2@h", "sip", "+1,2", "", "h", "0", "", ""},
		{"sip:[2001:db8::1]", "sip", "", "", "[2001:db8::1]", "0", "", ""},
		{"sip:a@[2001:db8::10]:5070;x", "sip", "a", "", "[2001:db8::10]", "5070", ";x", ""},
		{"sip:[2001:db8::10:5070]", "sip", "", "", "[2001:db8::10:5070]", "0", "", ""},
		{"sip:a@[2001:db8:::192.0.2.1]", "sip", "a", "", "[2001:db8:::192.0.2.1]", "0", "", ""},
		{"sip:a@[fe80::1%eth0]", "sip", "a", "", "[fe80::1%eth0]", "0", "", ""},
		{"sip:my_host:5060", "sip", "", "", "my_host", "5060", "", ""},
		{"tel:+49-30-1;phone-context=+49?x", "tel", "", "", "+49-30-1", "0", ";phone-context=+49?x", ""},
		{"urn:service:sos", "urn", "", "", "service:sos", "0", "", ""},
		{"soap.beep://192.0.2.103:3002", "soap.beep", "", "", "//192.0.2.103:3002", "0", "", ""},
	} {
		raw := []byte("<" + c.uri + ">")
		u, err := sip.ParseURI(raw, sip.Span{Start: 1, End: len(raw) - 1})
		text := func(s sip.Span) string { return string(s.Of(raw)) }
		got := fmt.Sprint([]string{text(u.Scheme), text(u.User), text(u.Password), text(u.Host), fmt.Sprint(u.Port), text(u.Params), text(u.Headers)})
		want := fmt.Sprint([]string{c.scheme, c.user, c.password, c.host, c.port, c.params, c.headers})
		if err != nil || got != want || text(u.All) != c.uri {
			t.Errorf("%s: got %s, %v", c.uri, got, err)
		}
	}
}

func TestParseURIRefuses(t *testing.T) {
	for _, s := range []string{
		"", "sip", "sip:", ":a", "1a:b", "si p:a", "sip:a b", "sip:<a>", "sip:@a", "sip:a@", "sip:a@b:", "sip:a@b:x", "sip:a@b:65536",
		"sip:[::1", "sip:[]", "sip:[g]", "sip:[%a]", "sip:[::1]x", "sip:a@b\"", "tel:", "sip:;lr", "sip:a@b/c", "sip:a@b:5060x",
	} {
		if u, err := sip.ParseURI([]byte(s), sip.Span{End: len(s)}); err == nil {
			t.Errorf("%q: got %+v", s, u)
		} else if e := err.(*sip.Error); e.Cause != "syntax" || e.At > len(s) {
			t.Errorf("%q: got %+v", s, e)
		}
	}
}

func TestSchemes(t *testing.T) {
	for s, want := range map[string][2]bool{"sip:a": {true, false}, "SIPS:a": {true, true}, "Tel:1": {true, false}, "sipx:a": {}, "http:a": {}} {
		u, err := sip.ParseURI([]byte(s), sip.Span{End: len(s)})
		if got := [2]bool{u.Routable(), u.Secure()}; err != nil || got != want {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
}
