package digest

import (
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"pgregory.net/rapid"

	"sbc/signaling/sip"
)

// A client that we did not write reads our challenges, and what it computes
// for any user, realm, method, uri and body is right; with one letter of its
// password changed it is wrong.
func TestOracle(t *testing.T) {
	n, rnd := NewNonces(testKey, 0), testRand()
	text := rapid.StringMatching(`[ -!#-\[\]-~]{1,20}`) // without what is quoted in different ways
	rapid.Check(t, func(t *rapid.T) {
		realm, name, password := text.Draw(t, "realm"), text.Draw(t, "name"), text.Draw(t, "password")
		body := rapid.StringMatching(`[ -~]{0,40}`).Draw(t, "body")
		method := rapid.SampledFrom([]string{"REGISTER", "INVITE", "MESSAGE", "x-Y.z"}).Draw(t, "method")
		uri := rapid.StringMatching(`sips?:([a-z0-9%+.]{1,8}@)?[a-z0-9.]{1,20}(:[1-9][0-9]{1,3})?(;[a-z]{1,5}=[a-z]{1,5})?`).Draw(t, "uri")
		o := Options{Name: realm, Users: []User{mustUser(t, name, realm, password)}, Nonces: n,
			Algorithms: []Algorithm{Algorithm(rapid.IntRange(0, int(algorithms)-1).Draw(t, "algorithm"))}}
		integrity := rapid.Bool().Draw(t, "auth-int")
		o.Integrity = integrity
		r := mustRealm(t, o)

		m := message(t, "REGISTER", "", string(r.Challenge(nil, time.Second, rnd, here, Agent, false)))
		f, _ := m.First(sip.FieldWWWAuthenticate)
		c, err := digest.ParseChallenge(string(m.Bytes(f.Value)))
		if err != nil {
			t.Fatalf("%q: %v", m.Bytes(f.Value), err)
		}
		if integrity {
			c.QOP = []string{"auth-int"}
		}
		do := digest.Options{Method: method, URI: uri, Username: name, Password: password, Count: rapid.IntRange(1, countMax).Draw(t, "count"),
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
		check := func(src netip.Addr) Result {
			cred, err := digest.Digest(c, do)
			if err != nil {
				t.Fatal(err)
			}
			return r.Check(time.Minute, Query{Msg: message(t, method, body, "Authorization: "+cred.String()+"\r\n"), Source: src})
		}
		do.Password = password[:len(password)-1] + "\x01"
		if got := check(here); got.Verdict != Wrong || !got.Proven {
			t.Fatalf("with a wrong password: %+v", got)
		}
		do.Password = password
		if got := check(netip.MustParseAddr("192.0.2.8")); got.Verdict != Stale || got.Proven {
			t.Fatalf("from another address: %+v", got)
		}
		if got := check(here); got.Verdict != OK || got.User != name {
			t.Fatalf("%+v", got)
		}
		if got := check(here); got.Verdict != Replayed {
			t.Fatalf("again: %+v", got)
		}
	})
}
