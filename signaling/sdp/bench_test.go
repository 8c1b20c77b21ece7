package sdp

import (
	"strings"
	"testing"

	"sbc/lab/ladder"
)

// A Session that is used again allocates nothing for what telephones send.
func TestParseAllocatesNothing(t *testing.T) {
	for _, file := range []string{"cisco_ios", "polycom_vvx", "snom", "teams", "webrtc_offer", "t38_reinvite", "ipv6_session_direction"} {
		in, _ := readCase(t, "testdata/"+file+".case").Text("in")
		raw := ladder.CRLF(in)
		var s Session
		n := testing.AllocsPerRun(100, func() {
			if err := s.Parse(raw, whole(raw)); err != nil {
				t.Fatal(err)
			}
			for i := range s.Media {
				_, _ = s.Media[i].RTP(), s.Media[i].RTCP()
				for f := range s.FormatsOf(&s.Media[i]) {
					_ = f.Rate
				}
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations, want 0", file, n)
		}
	}
}

// A long description allocates once; a monster leaves nothing behind.
func TestParseKeepsRoom(t *testing.T) {
	var s Session
	run := func(text string) float64 {
		raw := []byte(text)
		return testing.AllocsPerRun(10, func() {
			if err := s.Parse(raw, whole(raw)); err != nil {
				t.Fatal(err)
			}
		})
	}
	long := head + manyMedia(20) + strings.Repeat("a=x\r\n", 300)
	if n := run(long); n != 0 {
		t.Errorf("a long description: %v allocations, want 0", n)
	}
	run(head + strings.Repeat("a=x\r\n", 5000))
	run(head + audio)
	if len(s.Lines) != 6 || cap(s.Lines) > linesKept {
		t.Errorf("after a description of 5000 lines: room for %d", cap(s.Lines))
	}
}

func BenchmarkParse(b *testing.B) {
	for _, file := range []string{"asterisk", "webrtc_offer"} {
		b.Run(file, func(b *testing.B) {
			in, _ := readCase(b, "testdata/"+file+".case").Text("in")
			raw := ladder.CRLF(in)
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			var s Session
			for b.Loop() {
				if err := s.Parse(raw, whole(raw)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
