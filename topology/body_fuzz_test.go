package topology

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// notify is a message with a body, which planted identifiers go into.
func notify(method, fields, body string) []byte {
	return fmt.Appendf(nil, "%s sip:b@192.168.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.5;branch=z9hG4bK-lan-branch-1\r\n"+
		"Max-Forwards: 70\r\nFrom: <sip:a@10.0.0.5>;tag=lan-tag-4711\r\nTo: <sip:b@192.168.1.1>;tag=x\r\n"+
		"Call-ID: lan-callid-0815@pbx.lan.example\r\nCSeq: 1 %s\r\nContact: <sip:10.0.0.5>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, method, fields, len(body), body)
}

// bodyTypes are all types that are read, and some that are not.
func bodyTypes() []string {
	types := []string{"text/plain", "application/isup", "application/octet-stream", ""}
	for name := range bodyRows {
		types = append(types, name)
	}
	slices.Sort(types)
	return types
}

// bodyLeg knows every dialog by the same name.
func bodyLeg(t testing.TB, names bool) *Leg {
	leg := outsideLeg()
	leg.Realm = &Realm{Bodies: []BodyRule{{"application/isup", true, "sbc.hcl:1"}, {"application/watcherinfo+xml", false, "sbc.hcl:2"}}}
	if err := leg.Realm.Compile(); err != nil {
		t.Fatal(err)
	}
	if names {
		leg.Dialog = func(DialogName) (DialogName, bool) {
			return DialogName{CallID: []byte("OUR'<\"CALL"), ToTag: []byte("our'to"), FromTag: []byte("our'from")}, true
		}
		leg.CallIDs = func([]byte) ([]byte, bool) { return []byte("OUR'<\"CALL"), true }
	}
	return leg
}

// FuzzBodies: whatever a body says, the edits do not overlap, the result is a
// message, and to hide it once more changes nothing.
func FuzzBodies(f *testing.F) {
	types := bodyTypes()
	files, _ := filepath.Glob("testdata/*.case")
	for _, path := range files {
		if _, body, ok := strings.Cut(readCase(f, path).in, "\n\n"); ok && body != "" {
			for i := range types {
				f.Add(uint8(i), body, true, false)
			}
		}
	}
	f.Fuzz(func(t *testing.T, i uint8, body string, names, inside bool) {
		bodyHolds(t, types[int(i)%len(types)], body, names, inside)
	})
}

// bodyHolds checks what holds for every body.
func bodyHolds(t *testing.T, mediaType, body string, names, inside bool) {
	field := "Content-Type: " + mediaType + "\r\n"
	switch {
	case inside:
		body = "--b\r\n" + field + "\r\n" + body + "\r\n--b\r\nContent-Type: application/rlmi+xml\r\n\r\n<list cid=\"a@b\"/>\r\n--b--\r\n"
		field = "Content-Type: multipart/mixed;boundary=b\r\n"
	case strings.HasPrefix(body, "--b\n"):
		field = "Content-Type: multipart/mixed;boundary=b\r\n"
	case mediaType == "":
		field = ""
	}
	var m sip.Message
	if m.Parse(notify("NOTIFY", field, body)) != nil {
		return
	}
	leg := bodyLeg(t, names)
	once := hidden(t, &m, leg)
	var again sip.Message
	if err := again.Parse(once); err != nil {
		t.Fatalf("%v\n%q\nbecame\n%q", err, m.Raw, once)
	}
	// Where an element was taken out, two texts have become one.
	cut := bytes.Count(once, []byte("<")) != bytes.Count(m.Raw, []byte("<"))
	if twice := hidden(t, &again, leg); !cut && !bytes.Equal(once, twice) {
		t.Fatalf("hidden once\n%q\nand once more\n%q", once, twice)
	}
	checkScrub(t, &again, once, "10.0.0.5")
}

func hidden(t *testing.T, m *sip.Message, leg *Leg) []byte {
	t.Helper()
	var s Scratch
	edits := Hide(m, leg, nil, &s)
	out, err := m.AppendTo(nil, edits)
	if err != nil {
		t.Fatalf("%v\n%q\n%s", err, m.Raw, account(m.Raw, edits))
	}
	return out
}

// Bodies made of pieces that real ones have.
func TestRandomBodies(t *testing.T) {
	var pieces []string
	files, _ := filepath.Glob("testdata/*.case")
	for _, path := range files {
		_, body, _ := strings.Cut(readCase(t, path).in, "\n\n")
		pieces = append(pieces, strings.SplitAfter(body, ">")...)
		pieces = append(pieces, strings.SplitAfter(body, "\n")...)
		pieces = append(pieces, strings.SplitAfter(body, "\"")...)
	}
	types := bodyTypes()
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 11))
		body := ""
		for range r.IntN(12) {
			body += pieces[r.IntN(len(pieces))]
		}
		bodyHolds(t, types[r.IntN(len(types))], body, r.IntN(2) == 0, r.IntN(2) == 0)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// A body that the caller edits is the caller's.
func TestHideLeavesTheCallersBody(t *testing.T) {
	m := parsed(t, notify("NOTIFY", "Content-Type: application/pidf+xml\r\n", "<a b=\"sip:a@10.0.0.5\"/>"))
	body := m.Body()
	var s Scratch
	edits := Hide(m, bodyLeg(t, true), []edit.Edit{{Start: body.Start, End: body.Start + 2, New: []byte("<c")}}, &s)
	out, err := m.AppendTo(nil, edits)
	if err != nil || !bytes.HasSuffix(out, []byte("\r\n\r\n<c b=\"sip:a@10.0.0.5\"/>")) {
		t.Errorf("%v\n%s", err, out)
	}
}
