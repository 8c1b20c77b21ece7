package signaling

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sbc/policy"
)

// second is another call of the PBX, up.
func (w *world) second(number string) (inv, ok wire) {
	w.t.Helper()
	text := strings.NewReplacer("pbxone", "pbx"+number, "secret-call", "secret-"+number, ";tag=pbxtag", ";tag=pbxtag"+number, "+4930123", number).Replace(invite)
	inv = w.want(w.send(pbxAddr, text), "a 100, b INVITE")[1]
	ok = w.want(w.send(itspAddr, strings.Replace(respond(inv, 200, "Contact: <sip:"+number+"@198.51.100.88:5070>\n", answer), "fartag99", "far"+number, 1)), "a 200")[0]
	ack := "ACK sip:192.168.1.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKack" + number + "\nMax-Forwards: 70\nFrom: " + ok.field("From") +
		"\nTo: " + ok.field("To") + "\nCall-ID: " + ok.field("Call-ID") + "\nCSeq: 10 ACK\nContent-Length: 0\n\n"
	w.want(w.send(pbxAddr, ack), "b ACK")
	return inv, ok
}

func tagOf(value string) string {
	_, tag, _ := strings.Cut(value, ";tag=")
	return tag
}

// replaces names a dialog as its end that has resp names it.
func replaces(callID, to, from string) string {
	return callID + ";to-tag=" + tagOf(to) + ";from-tag=" + tagOf(from)
}

var referTo = regexp.MustCompile(`<sip:([^@>]+)@([^;?>]+)[^?>]*(?:\?Replaces=([^&>]+))?[^>]*>`)

// An attended transfer by the PBX: both calls go to the ITSP. What the phone
// there is told to replace leads back to us, and from us to the phone that the
// PBX consulted.
func TestAttendedTransferByThePBX(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	inv2, ok2 := w.second("4711")

	name := replaces("secret-4711@192.168.1.10", ok2.field("To"), ok2.field("From"))
	refer := w.want(w.send(pbxAddr, inDialog(ok, "REFER", 11, pbxContact+"Refer-To: <sip:4711@192.168.1.1?Replaces="+url.QueryEscape(name)+">\nReferred-By: <sip:100@pbx.lan>\nContent-Length: 0\n\n")), "b REFER")[0]
	m := referTo.FindStringSubmatch(refer.field("Refer-To"))
	if m == nil || m[1] != "4711" || strings.Contains(refer.bytes, "pbx.lan") || strings.Contains(refer.bytes, "secret") || strings.Contains(refer.bytes, "192.168.") {
		t.Fatalf("the REFER is\n%s", refer.bytes)
	}
	w.want(w.send(itspAddr, respond(refer, 202, gateway, "")), "a 202")

	// The phone does as it is told.
	alias, _ := url.QueryUnescape(m[3])
	text := "INVITE sip:4711@" + m[2] + " SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.77:5062;branch=z9hG4bKtransfer\nMax-Forwards: 70\nFrom: <sip:gw@itsp.example>;tag=transfertag\nTo: <sip:4711@" + m[2] +
		">\nCall-ID: transfer@198.51.100.77\nCSeq: 1 INVITE\n" + gateway + "Replaces: " + alias + "\nRequire: replaces\n" + sdpBody + answer
	out := w.want(w.send(itspAddr, text), "b 100, b INVITE")[1]
	want := replaces(inv2.field("Call-ID"), ";tag=far4711", inv2.field("From"))
	if out.field("Replaces") != want || !strings.HasPrefix(out.bytes, "INVITE sip:4711@198.51.100.88:5070 SIP/2.0\r\n") || out.field("Require") != "replaces" {
		t.Errorf("want Replaces: %s, got\n%s", want, out.bytes)
	}
	w.want(w.send(itspAddr, strings.Replace(respond(out, 200, "Contact: <sip:4711@198.51.100.88:5070>\n", answer), "fartag99", "newtag", 1)), "b 200")
	_ = inv
}

// An INVITE that wants to replace what we know nothing of.
func TestReplacesOfNothing(t *testing.T) {
	w := newWorld(t)
	_, ok := w.setUp()
	for i, c := range []struct{ name, want string }{
		{"nobody@knows;to-tag=aaaaaaaaaa;from-tag=bbbbbbbbbb", "a 100, a 481"},
		{"nobody@knows;to-tag=" + tagOf(ok.field("To")) + ";from-tag=pbxtag", "a 100, a 481"},
		{"secret-call@192.168.1.10;to-tag=" + tagOf(ok.field("To")) + ";from-tag=another", "a 100, a 481"},
		{"nobody@knows;to-tag=a", "a 100, a 400"},
	} {
		text := strings.NewReplacer("pbxone", fmt.Sprint("rep", i), "secret-call", fmt.Sprint("other", i), ";tag=pbxtag", fmt.Sprint(";tag=pbxtag", i)).Replace(invite)
		w.want(w.send(pbxAddr, strings.Replace(text, "Contact:", "Replaces: "+c.name+"\nContact:", 1)), c.want)
	}
}

// Pick-up: another phone of the PBX takes the call over. The far end is told
// in its own identifiers.
func TestReplacesByTheSameSide(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	name := replaces("secret-call@192.168.1.10", ok.field("To"), ok.field("From"))
	text := strings.NewReplacer("pbxone", "pickup", "secret-call", "pick", ";tag=pbxtag", ";tag=pbxpick").Replace(invite)
	out := w.want(w.send(pbxAddr, strings.Replace(text, "Contact:", "Replaces: "+name+"\nContact:", 1)), "a 100, b INVITE")[1]
	if want := replaces(inv.field("Call-ID"), ";tag=fartag99", inv.field("From")); out.field("Replaces") != want {
		t.Errorf("want Replaces: %s, got\n%s", want, out.bytes)
	}
	if !strings.HasPrefix(out.bytes, "INVITE sip:gw@198.51.100.77:5062 ") {
		t.Errorf("it does not go to the far end of the call:\n%s", out.bytes)
	}
}

// A dialog within the PBX: its name goes out as an alias, and comes back as
// itself to the PBX only.
func TestForeignDialog(t *testing.T) {
	other := netip.MustParseAddrPort("198.51.100.6:5060")
	w := newWorld(t, func(_ *Options, p *policy.Options) { p.Routes[1].To = []int{0} })
	_, ok := w.setUp()
	name := "inner@192.168.1.10;to-tag=innerone;from-tag=innertwo"
	refer := w.want(w.send(pbxAddr, inDialog(ok, "REFER", 11, pbxContact+"Refer-To: <sip:200@pbx.lan?Replaces="+url.QueryEscape(name)+">\nContent-Length: 0\n\n")), "b REFER")[0]
	m := referTo.FindStringSubmatch(refer.field("Refer-To"))
	if m == nil || m[3] == "" || strings.Contains(refer.bytes, "inner") {
		t.Fatalf("the REFER is\n%s", refer.bytes)
	}
	alias, _ := url.QueryUnescape(m[3])
	text := "INVITE sip:200@203.0.113.7 SIP/2.0\nVia: SIP/2.0/UDP 198.51.100.77:5062;branch=z9hG4bKtransfer\nMax-Forwards: 70\nFrom: <sip:gw@itsp.example>;tag=transfertag\nTo: <sip:200@203.0.113.7" +
		">\nCall-ID: transfer@198.51.100.77\nCSeq: 1 INVITE\n" + gateway + "Replaces: " + alias + "\n" + sdpBody + answer
	out := w.want(w.send(itspAddr, text), "b 100, a INVITE")[1]
	if out.field("Replaces") != name {
		t.Errorf("the PBX reads Replaces: %s", out.field("Replaces"))
	}
	_ = other
}

// RFC 4538: Target-Dialog shows its reader that the sender knows a dialog of
// theirs. It names the one that the reader has, and goes where the reader has
// none.
func TestTargetDialog(t *testing.T) {
	w := newWorld(t)
	inv, ok := w.setUp()
	for i, c := range []struct{ name, want string }{
		{"secret-call@192.168.1.10;local-tag=pbxtag;remote-tag=" + tagOf(ok.field("To")),
			inv.field("Call-ID") + ";local-tag=" + tagOf(inv.field("From")) + ";remote-tag=fartag99"},
		{"secret-call@192.168.1.10;local-tag=" + tagOf(ok.field("To")) + ";remote-tag=pbxtag",
			inv.field("Call-ID") + ";local-tag=fartag99;remote-tag=" + tagOf(inv.field("From"))},
		{"inner@192.168.1.10;local-tag=a;remote-tag=b", ""},
	} {
		text := fmt.Sprintf("REFER sip:+4930123@192.168.1.1 SIP/2.0\nVia: SIP/2.0/UDP 192.168.1.10:5060;branch=z9hG4bKtd%d\nMax-Forwards: 70\nFrom: <sip:100@pbx.lan>;tag=td%d\nTo: <sip:+4930123@192.168.1.1>\nCall-ID: td%d@192.168.1.10\nCSeq: 1 REFER\n%sRefer-To: <sip:300@192.168.1.1>\nTarget-Dialog: %s\nContent-Length: 0\n\n",
			i, i, i, pbxContact, c.name)
		out := w.want(w.send(pbxAddr, text), "b REFER")[0]
		if got := out.field("Target-Dialog"); got != c.want {
			t.Errorf("of %s the ITSP reads %q, want %q", c.name, got, c.want)
		}
	}
}
