package sip_test

import (
	"net/netip"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

var source = netip.MustParseAddrPort("192.0.2.1:5060")

func TestAppendResponse(t *testing.T) {
	request := with(t, with(t, invite, "Max-Forwards: 70\r\n", "Max-Forwards: 70\r\nRecord-Route: <sip:p2;lr>,\r\n\t<sip:p1;lr>\r\nt2: x\r\nTimestamp: 54\r\n"), "From:", "f  :")
	const copied = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds\r\n"
	const rest = "From: Alice <sip:alice@example.org>;tag=1928301774\r\nCall-ID: a84b4c76e66710@192.0.2.1\r\nCSeq: 314159 INVITE\r\n"
	const routes = "Record-Route: <sip:p2;lr>, <sip:p1;lr>\r\n"
	for _, c := range []struct {
		name string
		r    sip.Response
		want string
	}{
		{"100", sip.Response{Status: 100, ToTag: []byte("ours"), Src: source},
			"SIP/2.0 100 Trying\r\n" + copied + "Timestamp: 54\r\nTo: Bob <sip:bob@example.com>\r\n" + rest + "Content-Length: 0\r\n\r\n"},
		{"180", sip.Response{Status: 180, ToTag: []byte("ours"), Fields: []byte("Contact: <sip:us>\r\n")},
			"SIP/2.0 180 Ringing\r\n" + copied + routes + "To: Bob <sip:bob@example.com>;tag=ours\r\n" + rest + "Contact: <sip:us>\r\nContent-Length: 0\r\n\r\n"},
		{"200", sip.Response{Status: 200, Reason: "Yes", ToTag: []byte("ours"), ContentType: "application/sdp", Body: []byte("v=0\r\n")},
			"SIP/2.0 200 Yes\r\n" + copied + routes + "To: Bob <sip:bob@example.com>;tag=ours\r\n" + rest + "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"},
		{"486", sip.Response{Status: 486, ToTag: []byte("ours")},
			"SIP/2.0 486 Busy Here\r\n" + copied + "To: Bob <sip:bob@example.com>;tag=ours\r\n" + rest + "Content-Length: 0\r\n\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, request)
			got := string(sip.AppendResponse([]byte(">"), m, &c.r))
			if got != ">"+c.want {
				t.Errorf("got\n%s\nwant\n%s", got[1:], c.want)
			}
			parse(t, c.want)
		})
	}
}

func TestResponseKeepsToTag(t *testing.T) {
	m := parse(t, with(t, invite, "To: Bob <sip:bob@example.com>", "To: <sip:bob@example.com>;x=1;TAG=theirs"))
	got := string(sip.AppendResponse(nil, m, &sip.Response{Status: 200, ToTag: []byte("ours")}))
	if !strings.Contains(got, "To: <sip:bob@example.com>;x=1;TAG=theirs\r\n") {
		t.Errorf("got %s", got)
	}
}

// TestAppendVias has the cases of RFC 3261 section 18.2.1 and RFC 3581
// section 4.
func TestAppendVias(t *testing.T) {
	const via = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds"
	for _, c := range []struct{ name, via, src, want string }{
		{"from where it says", "Via: " + via, "192.0.2.1:5060", "Via: " + via},
		{"another port without rport", "Via: " + via, "192.0.2.1:31000", "Via: " + via},
		{"another address", "Via: " + via, "198.51.100.9:5060", "Via: " + via + ";received=198.51.100.9"},
		{"a mapped address", "Via: " + via, "[::ffff:192.0.2.1]:5060", "Via: " + via},
		{"rport", "Via: " + via + ";rport", "192.0.2.1:31000", "Via: " + via + ";received=192.0.2.1;rport=31000"},
		{"rport in the middle", "Via: SIP/2.0/UDP pbx ; RPORT ;branch=x ;y=\"a;rport\"", "192.0.2.1:31000",
			"Via: SIP/2.0/UDP pbx ;branch=x ;y=\"a;rport\";received=192.0.2.1;rport=31000"},
		{"rport and received of somebody's making", "Via: " + via + ";rport=1;received=10.0.0.1", "192.0.2.1:31000",
			"Via: " + via + ";received=192.0.2.1;rport=31000"},
		{"a name", "Via: SIP/2.0/UDP pbx.example;branch=x", "192.0.2.1:5060", "Via: SIP/2.0/UDP pbx.example;branch=x;received=192.0.2.1"},
		{"IPv6", "Via: SIP/2.0/UDP [2001:db8::1];branch=x", "[2001:db8::1]:5060", "Via: SIP/2.0/UDP [2001:db8::1];branch=x"},
		{"IPv6 elsewhere", "Via: SIP/2.0/UDP [2001:db8::1];branch=x", "[fe80::2%eth0]:5060", "Via: SIP/2.0/UDP [2001:db8::1];branch=x;received=fe80::2"},
		{"only the topmost", "v: " + via + " ,\r\n SIP/2.0/TCP a\r\nVIA: SIP/2.0/UDP b;rport", "198.51.100.9:5060",
			"Via: " + via + ";received=198.51.100.9 , SIP/2.0/TCP a\r\nVia: SIP/2.0/UDP b;rport"},
		{"source not known", "Via: " + via + ";rport", "", "Via: " + via + ";rport"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := parse(t, with(t, invite, "Via: "+via, c.via))
			src, _ := netip.ParseAddrPort(c.src)
			if got := string(sip.AppendVias(nil, m, src)); got != c.want+"\r\n" {
				t.Errorf("got  %q\nwant %q", got, c.want+"\r\n")
			}
		})
	}
}

func TestStatusText(t *testing.T) {
	for status, want := range map[int]string{100: "Trying", 481: "Call/Transaction Does Not Exist", 299: "Unknown"} {
		if got := sip.StatusText(status); got != want {
			t.Errorf("%d: got %q, want %q", status, got, want)
		}
	}
}
