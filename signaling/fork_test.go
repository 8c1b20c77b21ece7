package signaling

import (
	"strings"
	"testing"
)

// ofFork is a response of the phone whose tag is given.
func ofFork(inv wire, tag string, status int, extra, sdp string) string {
	contact := "Contact: <sip:" + tag + "@198.51.100.77:5062>\n"
	return strings.Replace(respond(inv, status, contact+extra, sdp), "fartag99", tag, 1)
}

// A proxy behind us forks: each phone's early dialog is one of its own towards
// the caller, and the 2xx leaves only the winner (RFC 3261 section 13.2.2.4).
func TestForks(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	one := w.want(w.send(itspAddr, ofFork(inv, "phoneone", 180, "", "")), "a 180")[0]
	two := w.want(w.send(itspAddr, ofFork(inv, "phonetwo", 183, "Require: 100rel\nRSeq: 5\n", answer)), "a 183")[0]
	three := w.want(w.send(itspAddr, ofFork(inv, "phonethree", 180, "", "")), "a 180")[0]
	again := w.want(w.send(itspAddr, ofFork(inv, "phoneone", 180, "", "")), "a 180")[0]
	tags := map[string]bool{one.field("To"): true, two.field("To"): true, three.field("To"): true}
	if len(tags) != 3 || again.field("To") != one.field("To") {
		t.Fatalf("the dialogs are not told apart: %v, again %s", tags, again.field("To"))
	}
	// Each takes requests of its own, and the numbers of one are not those of
	// another.
	prack := w.want(w.send(pbxAddr, inDialog(two, "PRACK", 11, "RAck: 5 10 INVITE\nContent-Length: 0\n\n")), "b PRACK")[0]
	if !strings.HasPrefix(prack.bytes, "PRACK sip:phonetwo@198.51.100.77:5062 ") || !strings.HasSuffix(prack.field("To"), "tag=phonetwo") {
		t.Errorf("the PRACK goes astray:\n%s", prack.bytes)
	}
	w.want(w.send(itspAddr, respond(prack, 200, "", "")), "a 200")
	info := w.want(w.send(pbxAddr, strings.Replace(inDialog(three, "INFO", 11, ""), "INFO11", "INFOthree", 1)), "b INFO")[0]
	if !strings.HasSuffix(info.field("To"), "tag=phonethree") {
		t.Errorf("the INFO goes astray:\n%s", info.bytes)
	}
	w.want(w.send(itspAddr, respond(info, 200, "", "")), "a 200")

	ok := w.want(w.send(itspAddr, ofFork(inv, "phonetwo", 200, "", "")), "a 200")[0]
	if ok.field("To") != two.field("To") {
		t.Errorf("the 200 has To %s, its 183 had %s", ok.field("To"), two.field("To"))
	}
	ack := w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")[0]
	if !strings.HasSuffix(ack.field("To"), "tag=phonetwo") {
		t.Errorf("the ACK goes to\n%s", ack.bytes)
	}
	// The losers' dialogs are gone.
	w.want(w.send(pbxAddr, strings.Replace(inDialog(one, "INFO", 12, ""), "INFO12", "INFOone", 1)), "a 481")
	// One that picked up at the same moment is acknowledged and released.
	late := w.want(w.send(itspAddr, ofFork(inv, "phonethree", 200, "", answer)), "b ACK, b BYE")
	w.want(w.send(itspAddr, respond(late[1], 200, "", "")), "")
	w.bye(ok, 13)
}

// A dialog that the caller ends by BYE ends alone (RFC 3261 section 15).
func TestByeOfOneFork(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	one := w.want(w.send(itspAddr, ofFork(inv, "phoneone", 180, "", "")), "a 180")[0]
	w.want(w.send(itspAddr, ofFork(inv, "phonetwo", 180, "", "")), "a 180")
	bye := w.want(w.send(pbxAddr, inDialog(one, "BYE", 11, "")), "a 200, b BYE")[1]
	if !strings.HasSuffix(bye.field("To"), "tag=phoneone") {
		t.Errorf("the BYE goes to\n%s", bye.bytes)
	}
	w.want(w.send(itspAddr, respond(bye, 200, "", "")), "")
	ok := w.want(w.send(itspAddr, ofFork(inv, "phonetwo", 200, "", answer)), "a 200")[0]
	w.want(w.send(pbxAddr, ackFor(ok)), "b ACK")
	w.bye(ok, 13)
}

// All of them refuse: nothing of any is left.
func TestForksThatAllRefuse(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	for _, tag := range []string{"phoneone", "phonetwo", "phonethree"} {
		w.want(w.send(itspAddr, ofFork(inv, tag, 183, "", answer)), "a 183")
	}
	no := w.want(w.send(itspAddr, ofFork(inv, "proxytag", 486, "", "")), "b ACK, a 486")[1]
	w.want(w.send(pbxAddr, pbxAck(no)), "")
	w.nothingLeft()
}

// More early dialogs than anybody rings cost nothing.
func TestForksAreBounded(t *testing.T) {
	w := newWorld(t)
	inv := w.want(w.send(pbxAddr, invite), "a 100, b INVITE")[1]
	for i := range 30 {
		out := w.send(itspAddr, ofFork(inv, "phone"+itoa(uint32(i)), 180, "", ""))
		if want := i <= 8; (len(out) == 1) != want {
			t.Fatalf("dialog %d: the SBC sent %s", i, labels(out))
		}
	}
	out := w.want(w.send(pbxAddr, cancelOf(invite)), "a 200, a 487, b CANCEL")
	w.want(w.send(pbxAddr, pbxAck(out[1])), "")
	w.want(w.send(itspAddr, respond(out[2], 200, "", "")), "")
	w.want(w.send(itspAddr, ofFork(inv, "proxytag", 487, "", "")), "b ACK")
	w.nothingLeft()
}
