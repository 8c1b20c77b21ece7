package policy

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sbc/policy/limit"
	"sbc/signaling/sip"
)

// Each route says what of the request does not fit, and with what it was compared.
func TestExplain(t *testing.T) {
	r := compiled(t, border())
	for _, c := range []struct {
		name   string
		from   int
		user   string
		host   string
		method sip.Method
		fields []string
		want   string
	}{
		{"all of it fits", itsp, "4711", "a", sip.INVITE, nil, "in fits"},
		{"a number", pbx, "112", "a", sip.INVITE, nil, "emergency fits; gold not_tried; national not_tried; short not_tried"},
		{"an escaped number", pbx2, "%31%312", "a", sip.INVITE, nil, "emergency fits; national not_tried"},
		{"no field", pbx, "5", "a", sip.BYE, nil,
			`emergency user "5" ^11[02]$; gold field X-Account absent "" ^gold$; national method "BYE" INVITE; short user "5" ^9`},
		{"another value", pbx, "95", "a", sip.INVITE, []string{"X-Account: silver", "x-account: bronze"},
			`emergency user "95" ^11[02]$; gold field X-Account "silver, bronze" ^gold$; national user "95" ^0([1-9][0-9]*)$; short fits`},
		{"the second field", pbx, "5", "a", sip.INVITE, []string{"X-Account: gold", "s: help"},
			`emergency user "5" ^11[02]$; gold field Subject "help" call; national user "5" ^0([1-9][0-9]*)$; short user "5" ^9`},
		{"a host", pbx2, "030", "192.0.2.1", sip.INVITE, nil, `emergency user "030" ^11[02]$; national host "192.0.2.1" ^10\.`},
		{"no route", mute, "1", "a", sip.INVITE, nil, ""},
		{"nobody", 99, "1", "a", sip.INVITE, nil, ""},
		{"too long", pbx, strings.Repeat("1", partMax+1), "a", sip.INVITE, nil, ""},
	} {
		q := Query{From: c.from, Msg: invite(t, c.fields...), User: []byte(c.user), Host: []byte(c.host), Method: c.method}
		var got []string
		for _, a := range r.Explain(q) {
			s := a.Route.Name + " " + a.Missed.String()
			if a.Missed == PartField {
				s += " " + a.Field
			}
			if a.Absent {
				s += " absent"
			}
			if a.Want != "" {
				s += fmt.Sprintf(" %q %s", a.Have, a.Want)
			}
			got = append(got, s)
		}
		if s := strings.Join(got, "; "); s != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, s, c.want)
		}
	}
}

// What fits is what Route decides for, for any rules and requests.
func TestExplainProperty(t *testing.T) {
	patterns := []*regexp.Regexp{nil, regexp.MustCompile("^0"), regexp.MustCompile("1"), regexp.MustCompile("^[0-9]+$"), regexp.MustCompile("^$")}
	methods := [][]sip.Method{nil, {sip.INVITE}, {sip.MESSAGE, sip.OPTIONS}}
	fields := [][]FieldMatch{nil, {{"X-A", regexp.MustCompile("1")}}, {{"x-a", regexp.MustCompile("")}, {"X-B", regexp.MustCompile("^0")}}}
	rewrites := []*Rewrite{nil, {Strip: 1}, {Strip: 3}, {Prefix: "9"}}
	rapid.Check(t, func(t *rapid.T) {
		o := Options{Realms: make([]Realm, 2), Peers: drawPeers(t)}
		peer := rapid.IntRange(0, len(o.Peers)-1)
		for range rapid.IntRange(0, 6).Draw(t, "routes") {
			o.Routes = append(o.Routes, Route{
				From: rapid.SliceOfNDistinct(peer, 1, len(o.Peers), rapid.ID).Draw(t, "from"),
				To:   []int{peer.Draw(t, "to")},
				Match: Match{User: rapid.SampledFrom(patterns).Draw(t, "user"), Host: rapid.SampledFrom(patterns).Draw(t, "host"),
					Methods: rapid.SampledFrom(methods).Draw(t, "methods"), Fields: rapid.SampledFrom(fields).Draw(t, "fields")},
				Rewrite: rapid.SampledFrom(rewrites).Draw(t, "rewrite"),
			})
		}
		r, err := Compile(o)
		if err != nil {
			t.Fatal(err)
		}
		var m sip.Message
		raw := "INVITE sip:1@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: <sip:2@a>;tag=a\r\nTo: <sip:1@a>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
		for _, name := range []string{"X-A", "X-B"} {
			for _, value := range rapid.SliceOfN(rapid.StringMatching("[01a]{1,3}"), 0, 2).Draw(t, name) {
				raw += name + ": " + value + "\r\n"
			}
		}
		if err := m.Parse([]byte(raw + "Content-Length: 0\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		q := Query{From: peer.Draw(t, "asks"), Msg: &m, User: []byte(rapid.StringMatching("[01a]{0,3}|%3[01]").Draw(t, "u")),
			Host: []byte(rapid.StringMatching("[01a]{0,3}").Draw(t, "h")), Method: rapid.SampledFrom([]sip.Method{sip.INVITE, sip.MESSAGE, sip.BYE}).Draw(t, "method")}
		list := r.Explain(q)
		fits := slices.IndexFunc(list, func(a Attempt) bool { return a.Missed == Fits })
		d, no := r.Route(q)
		switch {
		case no == nil && (fits < 0 || list[fits].Route != d.Route),
			no != nil && no.Cause == CauseRewrite && (fits < 0 || list[fits].Route.Ref != no.Rule),
			no != nil && no.Cause != CauseRewrite && fits >= 0:
			t.Fatalf("Route %+v %+v, Explain %+v", d.Route, no, list)
		}
		for i, a := range list {
			if (a.Missed == NotTried) != (fits >= 0 && i > fits) || !slices.Contains(a.Route.From, q.From) {
				t.Fatalf("attempt %d of %+v", i, list)
			}
		}
	})
}

// Where a peer is known by a prefix, the longest is named.
func TestSource(t *testing.T) {
	r := compiled(t, border())
	for src, want := range map[string]string{"198.51.100.10:5060": "198.51.100.0/24", "203.0.113.3:1": "203.0.113.0/28", "198.51.100.99:5060": "198.51.100.99/32", "9.9.9.9:5060": "invalid Prefix"} {
		at := netip.MustParseAddrPort(src)
		by, ok := r.Source(0, at)
		if _, known := r.Peer(0, at); by.String() != want || ok != known {
			t.Errorf("%s: %v, %v", src, by, ok)
		}
	}
	if _, ok := r.Source(7, netip.MustParseAddrPort("198.51.100.10:5060")); ok {
		t.Error("a realm that is not there")
	}
}

// What is taken from a copy is taken from nobody, and a copy refuses what the
// original would.
func TestCallsCopy(t *testing.T) {
	o := border()
	o.Peers[itsp].Limits = Limits{Calls: 2, Lines: 3, Kbits: 250, Rate: limit.Rate{Per: time.Minute, Burst: 2}, Ref: ref(22)}
	r := compiled(t, o)
	c := NewCalls(r)
	if no := c.Admit(false); no != nil {
		t.Fatal(no)
	}
	at, _ := c.Take(time.Second, itsp, false)
	if no := c.Load(at, 1, 100, false); no != nil {
		t.Fatal(no)
	}
	before, realm := c.Uses(2*time.Second, itsp)
	if want := (Use{Limits: &r.Options().Peers[itsp].Limits, Ref: ref(22), Calls: 1, Lines: 1, Kbits: 100}); before != want || realm.Calls != 1 || realm.Ref != ref(1) {
		t.Errorf("%+v, realm %+v", before, realm)
	}
	n := c.Copy()
	if no := n.Admit(false); no != nil || n.Total() != 2 {
		t.Errorf("in all: %v, %d", no, n.Total())
	}
	two, no := n.Take(2*time.Second, itsp, false)
	if no != nil {
		t.Fatal(no)
	}
	if no := n.Load(two, 1, 200, false); no == nil || no.Cause != CauseBandwidth {
		t.Errorf("over the bandwidth: %+v", no)
	}
	if _, no := n.Take(3*time.Second, itsp, false); no == nil || no.Cause != CauseCallsRate {
		t.Errorf("over the rate: %+v", no)
	}
	if u, _ := n.Uses(3*time.Second, itsp); u.Wait <= 0 || u.Wait > time.Minute || u.Calls != 2 {
		t.Errorf("after two: %+v", u)
	}
	if after, _ := c.Uses(2*time.Second, itsp); after != before || c.Total() != 1 {
		t.Errorf("the original has %+v, had %+v", after, before)
	}
}
