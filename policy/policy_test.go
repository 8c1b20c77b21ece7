package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"sbc/signaling/sip"
)

// invite is a message to match fields of.
func invite(t testing.TB, fields ...string) *sip.Message {
	t.Helper()
	raw := "INVITE sip:1@192.0.2.1 SIP/2.0\r\n" +
		"Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx\r\n" +
		"Max-Forwards: 70\r\n" +
		"From: <sip:2@192.0.2.2>;tag=a\r\n" +
		"To: <sip:1@192.0.2.1>\r\n" +
		"Call-ID: c1@192.0.2.2\r\n" +
		"CSeq: 1 INVITE\r\n" +
		"Contact: <sip:2@192.0.2.2>\r\n"
	for _, f := range fields {
		raw += f + "\r\n"
	}
	raw += "Content-Length: 0\r\n\r\n"
	m := new(sip.Message)
	if err := m.Parse([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	return m
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func target(s string) Target {
	ap, err := netip.ParseAddrPort(s)
	if err != nil {
		host, _, _ := strings.Cut(s, ":")
		return Target{Host: host, Port: 5060, Transport: "udp"}
	}
	return Target{Host: ap.Addr().String(), Addr: ap.Addr(), Port: ap.Port(), Transport: "udp"}
}

func ref(line int) Ref { return Ref{"sbc.hcl", line} }

// border has an ITSP with a prefix, one with a name, two PBXes on one
// address, and a peer from which no route begins.
const (
	itsp = iota
	named
	pbx
	pbx2
	mute
)

func border() Options {
	return Options{
		Realms: []Realm{{Name: "outside", Ref: ref(1)}, {Name: "inside", Trust: true, Ref: ref(9)}},
		Peers: []Peer{
			itsp:  {Name: "itsp", Realm: 0, Target: target("198.51.100.10:5060"), Sources: prefixes("198.51.100.0/24", "203.0.113.0/28"), Domain: "itsp.example", Limits: Limits{Calls: 2, Ref: ref(22)}, Ref: ref(20)},
			named: {Name: "named", Realm: 0, Target: target("sip.named.example"), Ref: ref(30)},
			pbx:   {Name: "pbx", Realm: 1, Target: target("192.168.1.10:5060"), Ref: ref(40), Limits: Limits{Calls: 1}},
			pbx2:  {Name: "pbx2", Realm: 1, Target: target("192.168.1.10:5070"), Ref: ref(50)},
			mute:  {Name: "mute", Realm: 0, Target: target("198.51.100.99:5060"), Ref: ref(60)},
		},
		Routes: []Route{
			{Name: "in", From: []int{itsp, named}, To: []int{pbx, pbx2}, Ref: ref(70)},
			{Name: "emergency", From: []int{pbx, pbx2}, Match: Match{User: regexp.MustCompile(`^11[02]$`)}, To: []int{named, itsp}, Ref: ref(80)},
			{Name: "gold", From: []int{pbx}, Match: Match{Fields: []FieldMatch{{"X-Account", regexp.MustCompile(`^gold$`)}, {"Subject", regexp.MustCompile("call")}}}, To: []int{named}, Ref: ref(90)},
			{Name: "national", From: []int{pbx, pbx2}, Match: Match{User: regexp.MustCompile(`^0([1-9][0-9]*)$`), Host: regexp.MustCompile(`^10\.`), Methods: []sip.Method{sip.INVITE}},
				To: []int{itsp}, Rewrite: &Rewrite{Replace: "+49$1"}, Ref: ref(100)},
			{Name: "short", From: []int{pbx}, Match: Match{User: regexp.MustCompile(`^9`)}, To: []int{itsp}, Rewrite: &Rewrite{Strip: 2, Prefix: "+1#"}, Ref: ref(110)},
		},
		Calls: 3,
	}
}

func compiled(t testing.TB, o Options) *Rules {
	t.Helper()
	r, err := Compile(o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPeer(t *testing.T) {
	r := compiled(t, border())
	r.SetResolved(named, []netip.Addr{netip.MustParseAddr("198.51.100.77"), netip.MustParseAddr("2001:db8::7")})
	tests := []struct {
		realm int
		src   string
		want  int // -1: stranger
	}{
		{0, "198.51.100.10:5060", itsp},
		{0, "198.51.100.1:999", itsp},
		{0, "203.0.113.15:5060", itsp},
		{0, "203.0.113.16:5060", -1},
		{0, "198.51.100.77:5060", named}, // The longest prefix wins.
		{0, "[2001:db8::7]:5060", named},
		{0, "[::ffff:198.51.100.77]:5060", named},
		{0, "[::ffff:198.51.100.78]:5060", itsp},
		{0, "198.51.100.99:5060", mute}, // So does that of a target.
		{0, "192.168.1.10:5060", -1},    // In another realm it is a stranger.
		{1, "198.51.100.10:5060", -1},
		{1, "192.168.1.10:5060", pbx},
		{1, "192.168.1.10:5070", pbx2},
		{1, "192.168.1.10:31000", pbx}, // No port tells: the first of the file.
		{1, "[fe80::1%eth0]:5060", -1},
		{2, "192.168.1.10:5060", -1},
		{-1, "192.168.1.10:5060", -1},
	}
	for _, test := range tests {
		got, ok := r.Peer(test.realm, netip.MustParseAddrPort(test.src))
		if !ok {
			got = -1
		}
		if got != test.want {
			t.Errorf("realm %d source %s: peer %d, want %d", test.realm, test.src, got, test.want)
		}
	}
	if _, ok := r.Peer(0, netip.AddrPort{}); ok {
		t.Error("a source without an address is a peer")
	}
}

// IPv6 prefixes are prefixes like any other, beside those of IPv4 and apart
// from them.
func TestPeerIPv6(t *testing.T) {
	o := Options{
		Realms: []Realm{{Name: "both"}, {Name: "other"}},
		Peers: []Peer{
			0: {Name: "carrier", Target: target("[2001:db8:1::10]:5060"), Sources: prefixes("2001:db8:1::/48", "198.51.100.0/24")},
			1: {Name: "gateway", Target: target("[2001:db8:1::77]:5060")},
			2: {Name: "a", Target: target("[2001:db8:2::1]:5060")},
			3: {Name: "b", Target: target("[2001:db8:2::1]:5070")},
			4: {Name: "wide", Target: target("192.0.2.1:5060"), Sources: prefixes("2000::/3")},
			5: {Name: "elsewhere", Realm: 1, Target: target("[2001:db8:1::77]:5060")},
		},
	}
	r := compiled(t, o)
	for _, test := range []struct {
		realm int
		src   string
		want  int // -1: stranger
	}{
		{0, "[2001:db8:1::10]:5060", 0},
		{0, "[2001:db8:1:ffff::1]:9", 0},
		{0, "[2001:db8:1::77]:40000", 1},
		{0, "[2001:db8:2::1]:5070", 3},
		{0, "[2001:db8:2::1]:5060", 2},
		{0, "[2001:db8:2::1]:40000", 2}, // A connection comes from any port.
		{0, "[2001:db8:3::1]:5060", 4},
		{0, "[3fff::1%eth0]:5060", 4},
		{0, "[fd00::1]:5060", -1},
		{0, "198.51.100.9:5060", 0},
		{0, "[::ffff:198.51.100.9]:5060", 0}, // As a socket for both families has it.
		{0, "192.0.2.1:5060", -1},
		{0, "32.1.13.184:5060", -1}, // The first octets of 2001:db8::.
		{1, "[2001:db8:1::77]:5060", 5},
		{1, "[2001:db8:1::10]:5060", -1},
	} {
		got, ok := r.Peer(test.realm, netip.MustParseAddrPort(test.src))
		if !ok {
			got = -1
		}
		if got != test.want {
			t.Errorf("realm %d, %s: peer %d, want %d", test.realm, test.src, got, test.want)
		}
	}
}

func TestTransportOfTarget(t *testing.T) {
	for given, want := range map[string]string{"": UDP, UDP: UDP, TCP: TCP} {
		if got := (&Target{Transport: given}).First(); got != want {
			t.Errorf("%q: %q, want %q", given, got, want)
		}
	}
}

func TestRedirect(t *testing.T) {
	for _, want := range []Redirect{RedirectPass, RedirectFollow} {
		if got, ok := ParseRedirect(want.String()); !ok || got != want {
			t.Errorf("%s: %s %t", want, got, ok)
		}
	}
	if _, ok := ParseRedirect("unknown"); ok || (RedirectFollow+1).String() != "unknown" {
		t.Error("what is no redirect is one")
	}
}

func TestResolved(t *testing.T) {
	r := compiled(t, border())
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	if got := r.Resolved(named); len(got) != 0 {
		t.Errorf("resolved before it was: %v", got)
	}
	r.SetResolved(named, []netip.Addr{a, b, a, {}})
	if got := fmt.Sprint(r.Resolved(named)); got != "[192.0.2.1 192.0.2.2]" {
		t.Errorf("resolved: %s", got)
	}
	r.SetResolved(named, []netip.Addr{b})
	if _, ok := r.Peer(0, netip.AddrPortFrom(a, 5060)); ok {
		t.Error("an address that the name no longer has is still the peer's")
	}
	if got, _ := r.Peer(0, netip.AddrPortFrom(b, 5060)); got != named {
		t.Errorf("peer %d", got)
	}
	// A literal target stays, and with sources given only they count.
	r.SetResolved(itsp, []netip.Addr{a})
	if got := fmt.Sprint(r.Resolved(itsp)); got != "[198.51.100.10]" {
		t.Errorf("resolved: %s", got)
	}
	if _, ok := r.Peer(0, netip.AddrPortFrom(a, 5060)); ok {
		t.Error("a peer with sources is known by another address")
	}
}

// Two names that lead to one address: the first of the file has it, and
// nothing is lost when it goes elsewhere.
func TestResolvedShared(t *testing.T) {
	o := border()
	o.Peers = append(o.Peers, Peer{Name: "twin", Realm: 0, Target: target("sip.twin.example"), Ref: ref(65)})
	r := compiled(t, o)
	twin, a := len(o.Peers)-1, netip.MustParseAddr("192.0.2.1")
	r.SetResolved(twin, []netip.Addr{a})
	r.SetResolved(named, []netip.Addr{a})
	if got, _ := r.Peer(0, netip.AddrPortFrom(a, 5060)); got != named {
		t.Errorf("peer %d, want the first of the file", got)
	}
	r.SetResolved(named, nil)
	if got, _ := r.Peer(0, netip.AddrPortFrom(a, 5060)); got != twin {
		t.Errorf("peer %d, want the one that is left", got)
	}
}

func TestStranger(t *testing.T) {
	r := compiled(t, border())
	if no := r.Stranger(0); no.Status != 0 || no.Cause != CauseStranger || no.Rule != ref(1) {
		t.Errorf("untrusted: %+v", *no)
	}
	if no := r.Stranger(1); no.Status != 403 || no.Cause != CauseStranger || no.Rule != ref(9) {
		t.Errorf("trusted: %+v", *no)
	}
}

func TestRoute(t *testing.T) {
	r := compiled(t, border())
	plain := invite(t)
	tests := []struct {
		from  int
		user  string
		host  string
		m     *sip.Message
		want  string // route, or status and cause
		peers string
		to    string
	}{
		{from: itsp, user: "100", want: "in", peers: "[2 3]", to: "100"},
		{from: named, user: "", want: "in", peers: "[2 3]", to: ""},
		{from: pbx, user: "112", want: "emergency", peers: "[1 0]", to: "112"},
		{from: pbx, user: "%31%31%32", want: "emergency", peers: "[1 0]", to: "%31%31%32"},
		{from: pbx, user: "1123", want: "404 no_route sbc.hcl:110"},
		{from: pbx2, user: "1123", want: "404 no_route sbc.hcl:100"},
		{from: pbx, user: "030123", host: "10.0.0.1", want: "national", peers: "[0]", to: "+4930123"},
		{from: pbx, user: "030123", host: "110.0.0.1", want: "404 no_route sbc.hcl:110"},
		{from: pbx, user: "9", want: "404 rewrite sbc.hcl:110"},
		{from: pbx, user: "91", want: "404 rewrite sbc.hcl:110"},
		{from: pbx, user: "912", want: "short", peers: "[0]", to: "+1%232"},
		{from: pbx, user: "%39\u00e42 x", want: "short", peers: "[0]", to: "+1%232%20x"},
		{from: mute, user: "1", want: "403 not_allowed sbc.hcl:60"},
		{from: -1, user: "1", want: "403 stranger "},
		{from: 99, user: "1", want: "403 stranger "},
		{from: itsp, user: strings.Repeat("1", 256), want: "in", peers: "[2 3]", to: strings.Repeat("1", 256)},
		{from: itsp, user: strings.Repeat("1", 257), want: "414 uri_too_long sbc.hcl:20"},
		{from: itsp, host: strings.Repeat("a", 257), want: "414 uri_too_long sbc.hcl:20"},
		{from: pbx, user: "0" + strings.Repeat("1", 255), host: "10.", want: "404 rewrite sbc.hcl:100"},
		{from: pbx, user: "1", m: invite(t, "X-Account: gold", "Subject: a call"), want: "gold", peers: "[1]", to: "1"},
		{from: pbx, user: "1", m: invite(t, "x-account: silver", "X-ACCOUNT: gold", "s: a call"), want: "gold", peers: "[1]", to: "1"},
		{from: pbx, user: "1", m: invite(t, "X-Account:\r\n gold", "Subject: a\r\n call"), want: "gold", peers: "[1]", to: "1"},
		{from: pbx, user: "1", m: invite(t, "X-Account: golden", "Subject: a call"), want: "404 no_route sbc.hcl:110"},
		{from: pbx, user: "1", m: invite(t, "X-Account: gold"), want: "404 no_route sbc.hcl:110"},
		{from: pbx, user: "1", m: invite(t, "X-Account: gold", "Subject: call "+strings.Repeat("x", valueMax)), want: "404 no_route sbc.hcl:110"},
	}
	for _, test := range tests {
		m := test.m
		if m == nil {
			m = plain
		}
		d, no := r.Route(Query{From: test.from, Msg: m, User: []byte(test.user), Host: []byte(test.host), Method: sip.INVITE})
		got := ""
		if no != nil {
			got = fmt.Sprintf("%d %s %s", no.Status, no.Cause, no.Rule)
			if d.Route != nil || d.Peers != nil || d.User != nil || no.Why == "" || no.Reason == "" {
				t.Errorf("%d %q: decision %+v beside refusal %+v", test.from, test.user, d, no)
			}
		} else {
			got = d.Route.Name
		}
		if got != test.want {
			t.Errorf("from %d user %q: %s, want %s", test.from, test.user, got, test.want)
			continue
		}
		if no == nil && (fmt.Sprint(d.Peers) != test.peers || string(d.User) != test.to) {
			t.Errorf("from %d user %q: to %v %q, want %s %q", test.from, test.user, d.Peers, d.User, test.peers, test.to)
		}
	}
}

// A route for some methods is no route for the others.
func TestRouteMethod(t *testing.T) {
	r := compiled(t, border())
	q := Query{From: pbx2, Msg: invite(t), User: []byte("030"), Host: []byte("10.1.1.1"), Method: sip.OPTIONS}
	if _, no := r.Route(q); no == nil || no.Cause != CauseNoRoute {
		t.Errorf("OPTIONS: %+v", no)
	}
	q.Method = sip.INVITE
	if d, no := r.Route(q); no != nil || string(d.User) != "+4930" {
		t.Errorf("INVITE: %+v %+v", d, no)
	}
	// A route without methods is for all of them.
	for _, m := range []sip.Method{sip.MESSAGE, sip.SUBSCRIBE, sip.PUBLISH, sip.NOTIFY, sip.OPTIONS, sip.REFER} {
		if d, no := r.Route(Query{From: itsp, Msg: invite(t), User: []byte("1"), Method: m}); no != nil || d.Route.Name != "in" {
			t.Errorf("%s: %+v %+v", m, d, no)
		}
	}
	// Where a field counts, no message matches none.
	q.Msg, q.From, q.User = nil, pbx, []byte("1")
	if _, no := r.Route(q); no == nil {
		t.Error("a field of no message matched")
	}
}

func TestCompileRefuses(t *testing.T) {
	user := regexp.MustCompile("(a)")
	tests := []struct {
		name string
		edit func(o *Options)
	}{
		{"realm of a peer", func(o *Options) { o.Peers[0].Realm = 2 }},
		{"unknown transport", func(o *Options) { o.Peers[0].Target.Transport = "sctp" }},
		{"unknown redirect", func(o *Options) { o.Peers[0].Redirect = RedirectFollow + 1 }},
		{"two peers with one IPv6 source", func(o *Options) {
			o.Peers[0].Sources, o.Peers[1].Sources = prefixes("2001:db8::/32"), prefixes("2001:db8:1::/32")
		}},
		{"no target", func(o *Options) { o.Peers[0].Target = Target{} }},
		{"negative limit", func(o *Options) { o.Peers[0].Limits.Calls = -1 }},
		{"negative limit of all", func(o *Options) { o.Calls = -1 }},
		{"invalid source", func(o *Options) { o.Peers[0].Sources = []netip.Prefix{{}} }},
		{"two peers with one source", func(o *Options) { o.Peers[1].Sources = prefixes("198.51.100.9/24") }},
		{"route from nobody", func(o *Options) { o.Routes[0].From = nil }},
		{"route to nobody", func(o *Options) { o.Routes[0].To = nil }},
		{"route from no peer", func(o *Options) { o.Routes[0].From = []int{-1} }},
		{"route to no peer", func(o *Options) { o.Routes[0].To = []int{9} }},
		{"field without name", func(o *Options) { o.Routes[0].Match.Fields = []FieldMatch{{"", user}} }},
		{"field without pattern", func(o *Options) { o.Routes[0].Match.Fields = []FieldMatch{{"X", nil}} }},
		{"negative strip", func(o *Options) { o.Routes[0].Rewrite = &Rewrite{Strip: -1} }},
		{"replace without match", func(o *Options) { o.Routes[0].Rewrite = &Rewrite{Replace: "1"} }},
		{"replace and prefix", func(o *Options) { o.Routes[3].Rewrite = &Rewrite{Replace: "1", Prefix: "2"} }},
		{"group that is not there", func(o *Options) { o.Routes[3].Rewrite = &Rewrite{Replace: "$2"} }},
		{"dollar alone", func(o *Options) { o.Routes[3].Rewrite = &Rewrite{Replace: "a$"} }},
		{"named group", func(o *Options) { o.Routes[3].Rewrite = &Rewrite{Replace: "${1}"} }},
	}
	for _, test := range tests {
		o := border()
		test.edit(&o)
		if r, err := Compile(o); err == nil || r != nil {
			t.Errorf("%s: compiled", test.name)
		}
	}
}

// All problems come at once, each with its line.
func TestCompileJoins(t *testing.T) {
	o := border()
	o.Peers[itsp].Limits.Calls = -1
	o.Routes[0].To = nil
	o.Routes[3].Rewrite = &Rewrite{Replace: "$9"}
	_, err := Compile(o)
	for _, want := range []string{"sbc.hcl:20", "sbc.hcl:70", "sbc.hcl:100"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s is missing in: %v", want, err)
		}
	}
}

func TestReplace(t *testing.T) {
	tests := []struct{ pattern, replace, user, want string }{
		{`^0([1-9][0-9]*)$`, "+49$1", "030", "+4930"},
		{`^(.)(.*)$`, "$2$1$0", "abc", "bcaabc"},
		{`^(.)`, "$10", "7x", "70"}, // One digit is the group, the next is text.
		{`^(a)?b`, "x$1", "b", "x"}, // A group that took no part is empty.
		{`a`, "$$1", "a", "$1"},     // A dollar is said twice.
		{`(.+)`, "$1", "a b%", "a%20b%25"},
		{`(.+)`, "%$1", "a", "%25a"}, // What the rule says is text, not an escape.
	}
	for _, test := range tests {
		o := border()
		o.Routes[0].Match.User = regexp.MustCompile(test.pattern)
		o.Routes[0].Rewrite = &Rewrite{Replace: test.replace}
		d, no := compiled(t, o).Route(Query{From: itsp, User: []byte(test.user), Method: sip.INVITE})
		if no != nil || string(d.User) != test.want {
			t.Errorf("%s -> %s of %q: %q %+v, want %q", test.pattern, test.replace, test.user, d.User, no, test.want)
		}
	}
}

func TestRefString(t *testing.T) {
	for want, r := range map[string]Ref{"sbc.hcl:14": {"sbc.hcl", 14}, "sbc.hcl": {"sbc.hcl", 0}, "": {}} {
		if r.String() != want {
			t.Errorf("%+v: %q, want %q", r, r, want)
		}
	}
}

func TestPeerHost(t *testing.T) {
	o := border()
	if got := o.Peers[itsp].Host(); got != "itsp.example" {
		t.Error(got)
	}
	if got := o.Peers[pbx].Host(); got != "192.168.1.10" {
		t.Error(got)
	}
}
