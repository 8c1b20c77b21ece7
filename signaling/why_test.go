package signaling

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"sbc/policy"
)

// explained is a refusal as a sentence.
func explained(r RefusalInfo) string {
	by := r.By
	if by == "" {
		by = "us, " + r.Cause
	}
	if r.Rule != "" {
		by += ", " + r.Rule
	}
	return fmt.Sprintf("%s from %q: %d by %s: %s. What helps: %s.", r.Method, r.Peer, r.Status, by, r.Why, r.Remedy)
}

// A whyRow is a refusal that is planted, and what is said of it.
type whyRow struct {
	name   string
	phones bool
	change func(*Options, *policy.Options)
	play   func(w *world)
	want   string
}

func one(from netip.AddrPort, message string) func(*world) {
	return func(w *world) { w.send(from, message) }
}

var ofNobody = strings.NewReplacer("sip:+4930123@192.168.1.1", "sip:i9ziiumtg8fzct6cjegn2@192.168.1.1")

var whyRows = []whyRow{
	{"no route begins at the peer", false, func(_ *Options, p *policy.Options) { p.Routes = p.Routes[1:] }, one(pbxAddr, invite),
		`INVITE from "pbx": 403 by us, not_allowed: no route begins at peer pbx. What helps: a route with from = [peer.pbx].`},
	{"no route fits", false, func(_ *Options, p *policy.Options) { p.Routes[0].Match.User = regexp.MustCompile("^0") }, one(pbxAddr, invite),
		`INVITE from "pbx": 404 by us, no_route, sbc.hcl:40: none of the 1 routes from peer pbx matches; the last is out. What helps: a route from pbx whose match fits +4930123.`},
	{"number too long", false, nil, one(pbxAddr, replaced("+4930123", "+"+strings.Repeat("4", 300))),
		`INVITE from "pbx": 414 by us, uri_too_long: user or host part is over 256 octets. What helps: a shorter number.`},
	{"stranger", false, nil, one(anotherAddr, invite),
		`INVITE from "": 0 by us, stranger: no peer of realm outside has the source address, and nobody has registered by it. What helps: sources of the peer that it is, if it is one.`},
	{"stranger with rubbish", false, nil, one(anotherAddr, "GET / HTTP/1.1\nHost: example\n\n"),
		` from "": 0 by us, not_sip: the message cannot be read: at octet 0 there should be SIP, not HTTP. What helps: another sender, or one that is repaired: tcpdump shows what it sends.`},
	{"unreadable", false, nil, one(pbxAddr, replaced("10 INVITE", "10 OPTIONS")),
		` from "pbx": 400 by us, cseq_method: the message cannot be read: at octet 242 there should be the method of the request. What helps: another sender, or one that is repaired: tcpdump shows what it sends.`},
	{"no hop left", false, nil, one(pbxAddr, replaced("Max-Forwards: 70", "Max-Forwards: 0")),
		`INVITE from "pbx": 483 by us, max_forwards: it has passed as many hops as it may. What helps: routes of the neighbours: they may form a ring.`},
	{"unknown extension", false, nil, one(pbxAddr, withField("Require: frob\n")),
		`INVITE from "pbx": 420 by us, extension: it requires an extension that the border does not carry. What helps: less in Require: Unsupported in the answer names it.`},
	{"unknown method", false, nil, one(pbxAddr, replaced("INVITE", "FROBNICATE")),
		`unknown from "pbx": 501 by us, method: the method is none that passes here. What helps: a method of those in Allow of the answer.`},
	{"another scheme", false, nil, one(pbxAddr, replaced("sip:+4930123@192.168.1.1 SIP", "mailto:x@y SIP")),
		` from "pbx": 416 by us, scheme: the message cannot be read: at octet 7 there should be sip, sips or tel. What helps: another sender, or one that is repaired: tcpdump shows what it sends.`},
	{"no Contact", false, nil, one(pbxAddr, replaced("Contact: <sip:100@192.168.1.10:5060>\n", "")),
		`INVITE from "pbx": 400 by us, contact: its Contact is missing, double, or leads nowhere. What helps: one Contact with a sip: URI.`},
	{"another body", false, nil, one(pbxAddr, replaced("application/sdp", "application/frob")),
		`INVITE from "pbx": 415 by us, content_type: its body has no type, or one that the border would have to read and cannot. What helps: application/sdp, not encoded.`},
	{"nothing that it accepts", false, nil, one(pbxAddr, withField("Accept: text/html\n")),
		`INVITE from "pbx": 406 by us, accept: it accepts no session descriptions. What helps: application/sdp in Accept.`},
	{"session description broken", false, nil, one(pbxAddr, withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 192.168.1")),
		`INVITE from "pbx": 400 by us, sdp_syntax, sbc.hcl:40: in the session description, at octet 478, there should be an address of the family that is named. What helps: a session description as RFC 4566 has it.`},
	{"media to loopback", false, nil, one(pbxAddr, withSDP("c=IN IP4 192.168.1.44", "c=IN IP4 127.0.0.1")),
		`INVITE from "pbx": 488 by us, sdp_address, sbc.hcl:40: its session description names an address where nobody may be. What helps: an address in c= at which pbx can be reached.`},
	{"a dialog of nobody", false, nil, one(pbxAddr, replaced("INVITE", "BYE")),
		`BYE from "pbx": 481 by us, no_dialog: it is within a call that is not there, or not any more. What helps: nothing, where the call has just ended.`},
	{"nothing to cancel", false, nil, one(pbxAddr, replaced("INVITE", "CANCEL")),
		`CANCEL from "pbx": 481 by us, cancel: there is no INVITE that it could cancel. What helps: nothing, where the call was answered meanwhile.`},
	{"twice by two ways", false, nil, func(w *world) {
		w.send(pbxAddr, invite)
		w.send(pbxAddr, replaced("z9hG4bKpbxone", "z9hG4bKother"))
	},
		`INVITE from "pbx": 482 by us, merged: it came here twice by different ways. What helps: one way from pbx to us.`},
	{"all calls of the peer", false, func(_ *Options, p *policy.Options) {
		p.Peers[0].Limits.Calls, p.Peers[0].Limits.Ref = 1, policy.Ref{File: "sbc.hcl", Line: 33}
	}, func(w *world) {
		w.send(pbxAddr, invite)
		w.send(pbxAddr, replaced("z9hG4bKpbxone", "z9hG4bKother", "secret-call", "another-call"))
	},
		`INVITE from "pbx": 503 by us, calls_limit, sbc.hcl:33: peer pbx has the 1 calls that it may have. What helps: a higher limits { calls } of the peer, or fewer calls.`},
	{"an identifier of the inside", false, nil, one(pbxAddr, withField("X-Device: at 192.168.1.44\n")),
		`INVITE from "pbx": 500 by us, leak, sbc.hcl:40: what would have gone out names something of the other side, and the realm has audit = "refuse". What helps: audit = "scrub", or a rule in topology that lets it pass: the log says which field.`},
	{"the ITSP does not know the number", false, nil, func(w *world) {
		inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
		w.send(itspAddr, respond(inv, 404, "", ""))
	},
		`INVITE from "pbx": 404 by itsp, sbc.hcl:40: it was sent there, and itsp answered so. What helps: itsp does not know +4930123 as it was sent: see the Request-URI in sbc call, and number { replace } of the route.`},
	{"the called is busy", false, nil, func(w *world) {
		inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
		w.send(itspAddr, respond(inv, 486, "", ""))
	},
		`INVITE from "pbx": 486 by itsp, sbc.hcl:40: it was sent there, and itsp answered so. What helps: nothing is wrong with the border: the called did not answer, or did not want to.`},
	{"nobody answers", false, nil, func(w *world) {
		inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
		w.send(itspAddr, respond(inv, 180, "", ""))
		w.wait(5 * time.Minute)
	},
		`INVITE from "pbx": 408 by us, no_answer, sbc.hcl:40: itsp has not answered in time, or could not be reached. What helps: itsp that answers: see its address in sbc status, and in sbc call what was sent.`},
	{"a peer that is dead", false, func(_ *Options, p *policy.Options) { p.Routes[0].To = []int{1} }, func(w *world) {
		w.send(pbxAddr, invite)
		w.wait(40 * time.Second)
	},
		`INVITE from "pbx": 408 by us, no_answer, sbc.hcl:40: itsp has not answered in time, or could not be reached. What helps: itsp that answers: see its address in sbc status, and in sbc call what was sent.`},
	{"a contact of nobody", true, nil, one(pbxAddr, ofNobody.Replace(invite)),
		`INVITE from "pbx": 404 by us, token: the Request-URI has the form of a contact of ours, and no binding has it. What helps: a registration: see sbc registrations.`},
	{"an old REGISTER", true, nil, func(w *world) {
		w.registered()
		w.send(phoneAddr, register("r0", "0", ""))
	},
		`REGISTER from "phones": 500 by us, register_order: its CSeq does not rise (RFC 3261 section 10.3). What helps: a phone that counts; or it is a copy of one that was here.`},
	{"an overdue phone", true, nil, func(w *world) {
		contact := w.registered()
		w.wait(3 * time.Minute)
		w.send(pbxAddr, strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact))
	},
		`INVITE from "pbx": 480 by us, unreachable: the registration is there, and the way to the phone is not: its connection broke, or it is overdue. What helps: the phone registers again by itself: see sbc registrations.`},
	{"a call from elsewhere", true, nil, func(w *world) {
		contact := w.registered()
		inv := w.want(w.send(pbxAddr, strings.ReplaceAll(invite, "sip:+4930123@192.168.1.1", contact)), "a 100, b INVITE")[1]
		w.send(phoneAddr, respond(inv, 200, "Contact: <sip:100@10.0.0.5:5060>\n", strings.Replace(answer, "198.51.100.77", "10.0.0.5", -1)))
		w.send(anotherAddr, fromFar(inv, "INFO", 5))
	},
		`INFO from "": 481 by us, dialog_source: it is within a call, and comes from an address that is none of the call's. What helps: sources of the peer that it is; a phone has to register from there first.`},
}

// Each refusal can be explained: what was looked at, by which rule, and what
// would have let it through.
func TestWhy(t *testing.T) {
	for _, c := range whyRows {
		t.Run(c.name, func(t *testing.T) {
			build := newWorld
			if c.phones {
				build = func(t testing.TB, _ ...func(*Options, *policy.Options)) *world { return newPhones(t.(*testing.T)) }
			}
			var w *world
			if c.change != nil {
				w = build(t, c.change)
			} else {
				w = build(t)
			}
			c.play(w)
			list := w.s.refusals("")
			if len(list) != 1 {
				t.Fatalf("%d refusals: %+v", len(list), list)
			}
			if got := explained(list[0]); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// Strangers push out strangers only, and what is alike in a row is one.
func TestWhyIsBounded(t *testing.T) {
	w := newWorld(t)
	w.s.denials.most, w.s.strangers.most = 3, 4
	w.send(pbxAddr, replaced("INVITE", "BYE"))
	for i := range 100 {
		w.now += time.Second
		w.send(netip.AddrPortFrom(anotherAddr.Addr(), uint16(1024+i/2)), invite)
	}
	var got []string
	for _, r := range w.s.refusals("") {
		got = append(got, fmt.Sprintf("%s %s %d", r.Source, r.Cause, r.Times))
	}
	want := "192.168.1.10:5060 no_dialog 1, 198.18.99.1:1070 stranger 2, 198.18.99.1:1071 stranger 2, 198.18.99.1:1072 stranger 2, 198.18.99.1:1073 stranger 2"
	if s := strings.Join(got, ", "); s != want {
		t.Errorf("kept: %s\nwant: %s", s, want)
	}
}

// What keeps a NAT open is no message, and nobody is refused.
func TestKeepAliveIsNoRefusal(t *testing.T) {
	w := newPhones(t)
	w.registered()
	w.send(phoneAddr, "\n\n")
	w.send(pbxAddr, "\n\n")
	if list := w.s.refusals(""); len(list) > 0 {
		t.Errorf("refused: %+v", list)
	}
}

// One asks for a number or part of one, a source address or network, or the id
// of a call.
func TestWhyOf(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	w.send(itspAddr, respond(inv, 404, "", ""))
	w.send(anotherAddr, replaced("+4930123", "900441234"))
	all := w.s.refusals("")
	if len(all) != 2 || all[0].Call == "" {
		t.Fatalf("%+v", all)
	}
	for of, want := range map[string]string{
		all[0].Call: "answer", "4930": "answer", "100": "answer stranger", "900441234": "stranger", "4711": "",
		"198.18.99.1": "stranger", "198.18.0.0/16": "stranger", "192.168.1.10": "answer", "::ffff:192.168.1.10": "answer", "0.0.0.0/0": "answer stranger", "192.168.1": "",
	} {
		var got []string
		for _, r := range w.s.refusals(of) {
			got = append(got, r.Cause)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("of %q: %q, want %q", of, s, want)
		}
	}
}
