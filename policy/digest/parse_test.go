package digest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sbc/signaling/sip"
)

var values = []string{
	`Digest username="alice", realm="voice.example", nonce="n", uri="sip:voice.example", response="0", algorithm=MD5, cnonce="c", qop=auth, nc=00000001, opaque="o"`,
	"digest\tREALM = \"a\\\"b\"\r\n ,\r\n nonce=n , x=y",
	`Digest realm="a`, `Digest realm=`, `Digest realm`, `Digest realm="a",`, `Digest ,realm="a"`, `Digest =a`, `Digest realm="a" nonce="b"`,
	`Digest realm="a\`, `Digest realm="a\"`, `Digest realm="a", realm="b"`, `Digest x=1, x=2`, `Digest realm=a<b`, `Digest realm=""`,
	`Digest`, `Digest `, ``, ` `, `Basic YWxpY2U6czNjcmV0`, `Basic`, `"Digest" a=b`, "Digest realm=\xff", "Digest realm=\x00",
	`NoOneKnowsThisScheme opaque-data=here`, `Digest a=b=c==`, `Digest   a=b  `,
}

// twice reports whether one of the parameters that we look at stands there
// twice. sip.ParseAuth does not mind if they are neighbours.
func twice(raw []byte, s sip.Span) bool {
	var seen [params]int
	for i := s.Start; i >= 0 && i < s.End; {
		var c credentials
		i = c.readParam(raw, i, s.End)
		for p := range params {
			if !c.value[p].Empty() && p != paramNone {
				seen[p]++
			}
		}
	}
	return slices.Max(seen[:]) > 1
}

// sameAsSip fails unless a value is read as sip.ParseAuth reads it, or refused
// for its length. It has what decides which dialect of the grammar we speak,
// and there must not be two.
func sameAsSip(t fataler, raw []byte, s sip.Span) {
	t.Helper()
	var c credentials
	got := c.read(raw, s)
	a, err := sip.ParseAuth(raw, s)
	e, _ := err.(*sip.Error)
	switch {
	case s.Len() > valueMax:
		if got != unreadable {
			t.Fatalf("%d octets are read", s.Len())
		}
		return
	case e != nil && e.Want == "each parameter once" && got == readDigest:
		return // of those that we do not look at there may be two
	case e == nil && a.Digest(raw) && got == unreadable && twice(raw, a.Params):
		return
	case e != nil && got != unreadable, e == nil && a.Digest(raw) != (got == readDigest), e == nil && got == unreadable:
		t.Fatalf("%q: %d, sip says %v, %v", s.Of(raw), got, a, err)
	case got != readDigest:
		return
	}
	for p := paramUsername; p < params; p++ {
		want, ok := a.Param(raw, paramNames[p])
		if ok != !c.value[p].Empty() || ok && want != c.value[p] {
			t.Fatalf("%q: %s is %q, sip says %q", s.Of(raw), paramNames[p], c.value[p].Of(raw), want.Of(raw))
		}
		unquoted := sip.AppendUnquoted(nil, want.Of(raw))
		if meaning := c.meaning(make([]byte, 2*nameMax), raw, p); s.Len() <= 2*nameMax && !bytes.Equal(meaning, unquoted) {
			t.Fatalf("%q: %s means %q, sip says %q", s.Of(raw), paramNames[p], meaning, unquoted)
		}
	}
}

func TestReadAsSip(t *testing.T) {
	long := `Digest realm="` + strings.Repeat("x", valueMax) + `"`
	for _, v := range append(values, long, long[:valueMax-1]+`"`) {
		raw := []byte("x" + v + "y")
		sameAsSip(t, raw, sip.Span{Start: 1, End: len(raw) - 1})
	}
	// Grammar put together at random goes deeper than random octets.
	piece := rapid.SampledFrom([]string{"Digest ", "realm", "nonce", "Uri", "x", "=", "=", "=", ",", ",", `"`, `"a"`, `"a\"b"`, `\`, " ", "\r\n ", "a", "00000001"})
	rapid.Check(t, func(t *rapid.T) {
		v := "Digest " + strings.Join(rapid.SliceOfN(piece, 0, 24).Draw(t, "pieces"), "")
		sameAsSip(t, []byte(v), sip.Span{End: len(v)})
	})
}

func FuzzRead(f *testing.F) {
	for _, v := range values {
		f.Add([]byte(v))
	}
	f.Fuzz(func(t *testing.T, b []byte) { sameAsSip(t, b, sip.Span{End: len(b)}) })
}

// Whatever somebody writes who does not know the password, it is not accepted,
// and no verdict tells that the nonce alone is at fault.
func FuzzCheck(f *testing.F) {
	n := newNonces(testKey, 1)
	r := mustRealm(f, Options{Name: "voice.example", Users: []User{mustUser(f, "alice", "voice.example", "not s3cret")}, Integrity: true, Nonces: n})
	for _, v := range values {
		f.Add([]byte(v))
	}
	c := alice(r.nonce(0, testRand(), here))
	for c.algorithm = range algorithms {
		for _, c.qop = range []string{"auth", "auth-int"} {
			f.Add([]byte(strings.TrimSpace(strings.TrimPrefix(c.line(), "Authorization:"))))
		}
	}
	serves := func(host []byte) bool { return string(host) == "voice.example" }
	f.Fuzz(func(t *testing.T, b []byte) {
		text := "REGISTER sip:voice.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKx\r\nFrom: <sip:a@voice.example>;tag=f\r\n" +
			"To: <sip:a@voice.example>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContent-Length: 0\r\nAuthorization: " + string(b) + "\r\n\r\n"
		var m sip.Message
		if m.Parse([]byte(text)) != nil {
			return
		}
		got := r.Check(0, Query{Msg: &m, Source: here, Serves: serves})
		if got.Verdict == OK || got.Verdict.Stale() || got.User != "" || n.slots[0].Load() != 0 {
			t.Errorf("%q: %+v", b, got)
		}
	})
}

// Credentials that are changed anywhere are refused, unless they still say the
// same.
func TestCheckChanged(t *testing.T) {
	rnd := testRand()
	rapid.Check(t, func(t *rapid.T) {
		r := voice(t, newNonces(testKey, 1))
		c := alice(r.nonce(0, rnd, here))
		c.algorithm = Algorithm(rapid.IntRange(0, int(algorithms)-1).Draw(t, "algorithm"))
		line := []byte(c.line())
		i := rapid.IntRange(len("Authorization: "), len(line)-3).Draw(t, "at")
		line[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		m := &sip.Message{}
		text := strings.Replace(string(message(t, "REGISTER", "", "X: y\r\n").Raw), "X: y\r\n", string(line), 1)
		if m.Parse([]byte(text)) != nil {
			return
		}
		if got := r.Check(0, Query{Msg: m, Source: here}); got.Verdict != OK {
			return
		}
		var was, is credentials
		f, _ := m.First(sip.FieldAuthorization)
		before := []byte(strings.TrimSpace(strings.TrimPrefix(c.line(), "Authorization:")))
		was.read(before, sip.Span{End: len(before)})
		is.read(m.Raw, f.Value)
		for p := paramUsername; p < params; p++ {
			if p != paramResponse && p != paramAlgorithm && string(was.text(before, p)) != string(is.text(m.Raw, p)) {
				t.Fatalf("%q is accepted for %q", line, c.line())
			}
		}
	})
}
