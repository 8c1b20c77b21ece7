package topology

import (
	"net/netip"
	"strings"
	"testing"
)

// message is what the audit of these tests reads: X stands where the text of
// a case goes.
const message = "INVITE sip:+4930123@203.0.113.7 SIP/2.0\r\n" +
	"Via: SIP/2.0/UDP 203.0.113.1:5060;branch=z9hG4bKours;rport\r\n" +
	"From: <sip:+4930999@203.0.113.1>;tag=ourtag00\r\n" +
	"To: <sip:+4930123@203.0.113.7>\r\n" +
	"Call-ID: ourcallid00\r\n" +
	"CSeq: 1 INVITE\r\n" +
	"Subject: X\r\n" +
	"Content-Length: 0\r\n" +
	"\r\n"

// known is what belongs to the other side in these tests.
func known() *Known {
	k := &Known{}
	k.AddHost([]byte("10.0.0.5"), "PBX")
	k.AddHost([]byte("192.168.1.10"), "phone")
	k.AddHost([]byte("[2001:db8::5]"), "PBX")
	k.AddHost([]byte("16.0.0.5"), "gateway")
	k.AddHost([]byte("pbx.lan.example"), "PBX")
	k.AddHost([]byte("itsp.example"), "ITSP")
	k.AddHost([]byte("pbx"), "PBX")
	k.AddToken([]byte("a84b4c76e66710@pc33.atlanta.example"), "Call-ID of the LAN")
	k.AddToken([]byte("1928301774"), "tag of the LAN")
	k.AddToken([]byte("z9hG4bK-524287-1---ef7a"), "branch of the LAN")
	k.AddToken([]byte("as(7)~x!51c0ffee"), "tag of the PBX")
	k.AddToken([]byte("odd%41-call%2fid-77"), "Call-ID of the gateway")
	k.AddToken([]byte("12345"), "too short")
	k.AddToken([]byte("BRANCH"), "a word of SIP")
	k.AddToken([]byte("Invite"), "a word of SIP")
	return k
}

func TestAuditFinds(t *testing.T) {
	for _, c := range []struct{ text, want, what string }{
		{"10.0.0.5", "10.0.0.5", "PBX"},
		{"at 10.0.0.5.", "10.0.0.5", "PBX"},
		{"10.0.0.5:5080", "10.0.0.5", "PBX"},
		{"(10.0.0.5)", "10.0.0.5", "PBX"},
		{"010.000.000.005", "010.000.000.005", "PBX"},
		{"call-10.0.0.5-77", "10.0.0.5", "PBX"},
		{"10.0.0.5.nip.example", "10.0.0.5", "PBX"},
		{"ip-10-0-0-5.ec2.example", "10-0-0-5", "PBX"},
		{"gw_10_0_0_5", "10_0_0_5", "PBX"},
		{"5.0.0.10.in-addr.arpa", "5.0.0.10", "PBX"},
		{"0a000005", "0a000005", "PBX"},
		{"0x0A000005", "0x0A000005", "PBX"},
		{"8a3f2b00-0A000005-1", "0A000005", "PBX"},
		{"10000005", "10000005", "gateway"},
		{"2001:db8::5", "2001:db8::5", "PBX"},
		{"[2001:0DB8:0:0:0:0:0:5]:5060", "2001:0DB8:0:0:0:0:0:5", "PBX"},
		{"sip:2001:db8:0::5", "2001:db8:0::5", "PBX"},
		{"at 2001-db8--5", "2001-db8--5", "PBX"},
		{"2001-db8--5.ipv6-literal.example", "2001-db8--5", "PBX"},
		{"20010db8000000000000000000000005", "20010db8000000000000000000000005", "PBX"},
		{"::ffff:10.0.0.5", "::ffff:10.0.0.5", "PBX"},
		{"::ffff:a00:5", "::ffff:a00:5", "PBX"},
		{"64:ff9b::10.0.0.5", "10.0.0.5", "PBX"},
		{"pbx.lan.example", "pbx.lan.example", "PBX"},
		{"PBX.Lan.Example", "PBX.Lan.Example", "PBX"},
		{"pbx.lan.example.", "pbx.lan.example", "PBX"},
		{"http://sip7.itsp.example:80/x", "sip7.itsp.example", "ITSP"},
		{"<sip:bob@pbx;lr>", "pbx", "PBX"},
		{"<sip:pbx>", "pbx", "PBX"},
		{"a84b4c76e66710@pc33.atlanta.example", "a84b4c76e66710@pc33.atlanta.example", "Call-ID of the LAN"},
		{"A84B4C76E66710@PC33.atlanta.example", "A84B4C76E66710@PC33.atlanta.example", "Call-ID of the LAN"},
		{"a84b4c76e66710", "a84b4c76e66710", "Call-ID of the LAN"},
		{"to-tag=1928301774;", "1928301774", "tag of the LAN"},
		{"z9hG4bK-524287-1---ef7a", "z9hG4bK-524287-1---ef7a", "branch of the LAN"},
		{"524287-1---ef7a", "524287-1---ef7a", "branch of the LAN"},
		{"x=as(7)~x!51c0ffee,", "as(7)~x!51c0ffee", "tag of the PBX"},
		{"odd%41-call%2fid-77", "odd%41-call%2fid-77", "Call-ID of the gateway"},
		{"%31%30.0.0.5", "%31%30.0.0.5", "PBX"},
		{"sip:bob%4010.0.0.5", "10.0.0.5", "PBX"},
		{"?Replaces=a84b4c76e66710%40pc33.atlanta.example%3Bto-tag%3Dx", "a84b4c76e66710%40pc33.atlanta.example", "Call-ID of the LAN"},
		{"?x=y%3Bfrom-tag%3D1928301774", "1928301774", "tag of the LAN"},
		{"[2001%3Adb8%3A%3A5]", "2001%3Adb8%3A%3A5", "PBX"},
	} {
		t.Run(c.text, func(t *testing.T) {
			out := []byte(strings.Replace(message, "X", c.text, 1))
			got := Audit(out, nil, known())
			if len(got) != 1 {
				t.Fatalf("found %+v, want one leak", got)
			}
			if got[0].Text != c.want || got[0].What != c.what || got[0].Field != "Subject" {
				t.Errorf("found %+v, want %q of the %s", got[0], c.want, c.what)
			}
		})
	}
}

func TestAuditPasses(t *testing.T) {
	for _, text := range []string{
		"10.0.0.55", "110.0.0.5", "10.0.0.5.7", "1.10.0.0.5", "10.0.0", "10.0.0.256", "10.0.0.5x",
		"10-0-0-5-7", "10-0.0-5", "10.0.0-5", "5.0.0.10", "0a0000055", "f0a000005", "0a00-0005", "a000005",
		"2001:db8::55", "2001:db8::5:0", "12001:db8::5", "::5", "12:34:56", "10:0:0:5",
		"AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01",
		"mypbx.lan.example", "my-pbx.lan.example", "pbx.lan.example.org", "lan.example", "example", "itsp-example",
		"the pbx rang", "pbx-7", "sip:pbx7", "user@pbx.example",
		"a84b4c76e66710x", "xa84b4c76e66710", "a84b4c76e66710_b2b-1", "a84b4c76e66710+1",
		"19283017745", "01928301774", "+1928301774", "1928301774.5", "12345",
		"z9hG4bK-524287-1---ef7", "as(7)~x!51c0ffee7", "51c0ffee", "as(7)~y!51c0ffee",
		"branch", "INVITE", "-invite-",
		"%3110.0.0.5", "10.0.0.5%35", "sip:bob%4010.0.0.55", "%", "%1", "%zz", "1928301774%35",
		"", "...", "-", "::", ":::::", "1:::5",
	} {
		t.Run(text, func(t *testing.T) {
			out := []byte(strings.Replace(message, "X", text, 1))
			if got := Audit(out, nil, known()); len(got) != 0 {
				t.Errorf("found %+v, want nothing", got)
			}
		})
	}
}

func TestAllow(t *testing.T) {
	for _, c := range []struct{ said, text string }{
		{"10.0.0.5", "10.0.0.5 and 0a000005 and ip-10-0-0-5"},
		{"[2001:DB8:0::5]", "2001:db8::5"},
		{"sip7.itsp.example", "sip7.itsp.example"},
		{"ITSP.example", "sip7.itsp.example"},
		{"1928301774", "1928301774"},
		{"a84b4c76e66710@pc33.atlanta.example", "a84b4c76e66710@pc33.atlanta.example"},
		{"as(7)~x!51c0ffee", "as(7)~x!51c0ffee"},
		{"pbx", "sip:pbx"},
	} {
		out := []byte(strings.Replace(message, "X", c.text, 1))
		if got := Audit(out, nil, known()); len(got) == 0 {
			t.Errorf("%s: nothing found before it was allowed", c.text)
		}
		after := known()
		after.Allow([]byte(c.said))
		var before, other Known
		before.Allow([]byte(c.said))
		before.AddHost([]byte(c.said), "")
		before.AddToken([]byte(c.said), "")
		other.Allow([]byte(c.said))
		for name, set := range map[string][]*Known{
			"the same set": {after}, "another set": {&other, known()}, "a set behind": {known(), &other}, "allowed first": {&before},
		} {
			if got := Audit(out, nil, set...); len(got) != 0 {
				t.Errorf("%s allowed in %s: found %+v", c.said, name, got)
			}
		}
	}
}

func TestKnownIgnores(t *testing.T) {
	var k Known
	k.AddHost([]byte("0.0.0.0"), "nobody")
	k.AddHost([]byte("::"), "nobody")
	k.AddHost(nil, "nobody")
	k.AddHost([]byte("not a host"), "nobody")
	k.AddHost([]byte(strings.Repeat("a.", 200)), "too long")
	k.AddAddr(netip.Addr{}, "nobody")
	k.AddToken([]byte("~~~~~~~~"), "nothing to look up")
	k.Allow(nil)
	if k.Len() != 0 {
		t.Errorf("%d identifiers, want none", k.Len())
	}
}

// A set that is reset and filled again must not remember, and must not allocate.
func TestKnownReset(t *testing.T) {
	k := known()
	out := []byte(strings.Replace(message, "X", "10.0.0.5 1928301774", 1))
	fill := func() {
		k.Reset()
		for _, name := range []string{"phone.lan.example", "172.16.0.9"} {
			k.AddHost([]byte(name), "phone")
		}
		k.AddToken([]byte("fresh-token-1"), "tag")
	}
	fill()
	if got := Audit(out, nil, k); len(got) != 0 {
		t.Errorf("found %+v after the reset", got)
	}
	if got := Audit([]byte("x fresh-token-1 172.16.0.9 phone.lan.example"), nil, k); len(got) != 3 {
		t.Errorf("found %+v, want three", got)
	}
	if n := testing.AllocsPerRun(100, fill); n > 0 {
		t.Errorf("%v allocations to fill a set again", n)
	}
}

func TestKnownMany(t *testing.T) {
	var k Known
	for i := range 3000 {
		k.AddAddr(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), "one of many")
		k.AddToken([]byte("token-"+strings.Repeat("x", i%50)+string(rune('a'+i%26))), "a token")
	}
	if got := Audit([]byte("10.1.11.183 10.1.11.184 10.1.0.0"), nil, &k); len(got) != 2 {
		t.Errorf("found %+v, want two", got)
	}
}

func TestAuditKeepsEarlierLeaks(t *testing.T) {
	out := []byte("x 10.0.0.5 y")
	leaks := make([]Leak, 0, 8)
	leaks = Audit(out, leaks, known())
	leaks = Audit(out, leaks, nil, known(), nil)
	if len(leaks) != 2 || leaks[0] != leaks[1] {
		t.Errorf("got %+v, want the same leak twice", leaks)
	}
}

func TestAuditAllocatesNothing(t *testing.T) {
	out := []byte(strings.Replace(message, "X", "sip:bob%40example.org 192.0.2.1 2001:db8::7", 1))
	call, realm := known(), known()
	leaks := make([]Leak, 0, 4)
	if n := testing.AllocsPerRun(200, func() { leaks = Audit(out, leaks[:0], call, realm) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func FuzzAudit(f *testing.F) {
	f.Add([]byte(message), "10.0.0.5", "1928301774")
	f.Add([]byte("%31%30.0.0.5 a84b4c76e66710%40pc33"), "pbx.lan.example", "a@b")
	f.Add([]byte("::1.2.3.4::-1-2-3-4"), "::1", "as(7)~x!")
	f.Fuzz(func(t *testing.T, text []byte, host, token string) {
		k := known()
		k.AddHost([]byte(host), "fuzzed host")
		k.AddToken([]byte(token), "fuzzed token")
		for _, l := range Audit(text, nil, k) {
			if l.At.Start < 0 || l.At.End > len(text) || l.At.Empty() || l.Field == "" || l.What == "" {
				t.Fatalf("leak %+v in %q", l, text)
			}
		}
		// What is planted between spaces is found, whatever stands around it.
		planted := append(append([]byte{}, text...), " 10.0.0.5 1928301774 pbx.lan.example "...)
		if got := Audit(planted, nil, known()); len(got) < 3 {
			t.Fatalf("found %+v in %q", got, planted)
		}
	})
}
