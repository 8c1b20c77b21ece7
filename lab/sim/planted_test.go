package sim

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sbc/signaling"
)

// seedsMax is in how many worlds drawn at random a planted bug has to be found.
const seedsMax = 500

// Each of these bugs, planted into what the SBC does for transfers, events,
// reliable responses and the rest, is found in worlds that nobody made for it.
func TestPlantedBugs(t *testing.T) {
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			t.Parallel()
			for i := range uint64(seedsMax) {
				o := Random(*first+i, callsAWorld)
				o.broken = breaks{out: bug.out(), inspect: bug.inspect}
				r, err := Run(o)
				if err != nil {
					t.Fatal(err)
				}
				if slices.Contains(r.all, bug.finds) {
					t.Logf("seed %#x, the %dth: %v", r.Seed, i+1, r.Problems[0])
					return
				}
			}
			t.Errorf("%q was not found in %d worlds", bug.finds, seedsMax)
		})
	}
}

type planted struct {
	name, finds string
	out         func() breaker
	inspect     func(w *world, in *signaling.Inspection)
}

// edits changes the first match of a pattern in what has all parts.
func edits(pattern, to string, parts ...string) func() breaker {
	re := regexp.MustCompile(pattern)
	return func() breaker {
		return rewrite(func(_ *world, o signaling.Outbound) outs {
			if !has(o, parts...) {
				return outs{o}
			}
			done := false
			o.Bytes = re.ReplaceAllFunc(bytes.Clone(o.Bytes), func(b []byte) []byte {
				if done {
					return b
				}
				done = true
				return re.ReplaceAll(b, []byte(to))
			})
			return outs{o}
		})
	}
}

// drops leaves out what has all parts.
func drops(parts ...string) func() breaker { return func() breaker { return without(parts...) } }

// noBody takes the body out of what has all parts.
func noBody(parts ...string) func() breaker {
	return func() breaker {
		return rewrite(func(_ *world, o signaling.Outbound) outs {
			head, _, _ := bytes.Cut(o.Bytes, []byte("\r\n\r\n"))
			if !has(o, parts...) {
				return outs{o}
			}
			text := regexp.MustCompile(`Content-Type: .*\r\n`).ReplaceAllString(string(head)+"\r\n\r\n", "")
			o.Bytes = []byte(regexp.MustCompile(`Content-Length: \d+`).ReplaceAllString(text, "Content-Length: 0"))
			return outs{o}
		})
	}
}

func none() breaker { return func(_ *world, list outs) outs { return list } }

var plantedBugs = []planted{
	{name: "Replaces names the dialog as the other side does", finds: knownName, out: edits(`Replaces: [^;]*;`, "Replaces: some.other@call;", "INVITE sip:")},
	{name: "the tags of Replaces are swapped", finds: knownName, out: edits(`to-tag=([^;\r]*);from-tag=([^;\r]*)`, "to-tag=$2;from-tag=$1", "INVITE sip:", "\r\nReplaces: ")},
	{name: "RAck has the number of the other leg", finds: violation, out: edits(`RAck: (\d+) (\d+) `, "RAck: $1 1$2 ", "PRACK sip:")},
	{name: "RSeq is lost", finds: violation, out: edits(`RSeq: \d+\r\n`, "", "Require: 100rel")},
	{name: "a PRACK is not relayed", finds: goesOn, out: drops("PRACK sip:")},
	{name: "the answer in a reliable response is lost", finds: violation, out: noBody("RSeq: ", "application/sdp")},
	{name: "the answer to an UPDATE is lost", finds: violation, out: noBody("SIP/2.0 200", " UPDATE\r\n", "application/sdp")},
	{name: "a 200 to UPDATE is not relayed", finds: goesOn, out: drops("SIP/2.0 200", " UPDATE\r\n")},
	{name: "the o= version stays when the session changes", finds: violation, out: edits(`(o=- \d+) \d+ `, "$1 1 ", "application/sdp")},
	{name: "a fax is told to be audio", finds: violation, out: edits(`m=image (\d+) udptl t38`, "m=audio $1 RTP/AVP 8", "m=image")},
	{name: "a line that was refused is on", finds: violation, out: edits(`m=video 0 `, "m=video 20998 ", "SIP/2.0 200", "m=video 0 ")},
	{name: "the event of a NOTIFY is another", finds: violation, out: edits(`Event: [a-z-]+`, "Event: conference", "NOTIFY sip:", "Event: presence")},
	{name: "a NOTIFY says nothing of its subscription", finds: violation, out: edits(`Subscription-State: [^\r]*\r\n`, "", "NOTIFY sip:")},
	{name: "a NOTIFY is not relayed", finds: goesOn, out: drops("NOTIFY sip:")},
	{name: "a 2xx to SUBSCRIBE has no Expires", finds: violation, out: edits(`Expires: \d+\r\n`, "", "SIP/2.0 200", " SUBSCRIBE\r\n")},
	{name: "a sipfrag names the far side", finds: noCanary, out: edits(`(\r\n\r\nSIP/2.0 \d+ )[^\r]*`, "${1}of kiwilan, plumlan, mangowan, figwan", "message/sipfrag")},
	{name: "Refer-To leads past the SBC", finds: noCanary, out: edits(`(Refer-To: <sip:[^@]*)@[^?>]*`, "$1@pbx.kiwilan.example;was=mangowan", "REFER sip:")},
	{name: "a dialog-info names the far side", finds: noCanary, out: edits(`entity="[^"]*"`, `entity="sip:a@pbx.kiwilan.mangowan"`, "dialog-info")},
	{name: "contacts of a 3xx pass", finds: noCanary, out: edits(`Contact: <sip:([^@]*)@[^>]*`, "Contact: <sip:$1@phone.kiwilan.mangowan", "SIP/2.0 302")},
	{name: "auth-int is offered", finds: noAuthInt, out: edits(`qop="?auth"?`, `qop="auth,auth-int"`, "-Authenticate: ")},
	{name: "the nonce of a challenge is another", finds: violation, out: edits(`nonce="`, `nonce="x`, "-Authenticate: ")},
	{name: "PRACK counts beside the other requests", finds: cseqRises, out: edits(`CSeq: \d+ PRACK`, "CSeq: 1 PRACK", "PRACK sip:")},
	{name: "the ports of a line that was taken out stay", finds: portsUsed, out: none, inspect: func(_ *world, in *signaling.Inspection) {
		for i := range in.Calls {
			if in.Calls[i].Streams == 2 {
				in.Streams++
			}
		}
	}},
}

// A world that fails shrinks to a ladder that a person can read.
func TestShrink(t *testing.T) {
	for _, name := range []string{"a PRACK is not relayed", "the tags of Replaces are swapped", "a NOTIFY says nothing of its subscription"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bug := plantedBugs[slices.IndexFunc(plantedBugs, func(b planted) bool { return b.name == name })]
			o := Random(*first, callsAWorld)
			for ; ; o = Random(o.Seed+1, callsAWorld) {
				o.broken.out = bug.out()
				if r, err := Run(o); err != nil || slices.Contains(r.all, bug.finds) {
					break
				}
			}
			messages := func(text string) int { return strings.Count(text, "──▶") + strings.Count(text, "◀──") }
			before := messages(Ladder(o))
			o, r := Shrink(o, bug.finds)
			text := Ladder(o)
			if !slices.Contains(r.all, bug.finds) || !strings.Contains(text, bug.finds) {
				t.Errorf("the bug is not in it:\n%s", text)
			}
			if n := messages(text); n > 50 || n > before {
				t.Errorf("%d messages, before %d:\n%s", n, before, text)
			}
			t.Logf("%d messages of %d:\n%s", messages(text), before, text)
		})
	}
}
