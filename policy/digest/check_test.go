package digest

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A user who knows the password is let in, by each algorithm and quality.
func TestCheckOK(t *testing.T) {
	r, rnd := voice(t, nil), testRand()
	for a := range algorithms {
		for _, qop := range []string{"auth", "auth-int"} {
			c := alice(r.nonce(time.Second, rnd, here))
			c.algorithm, c.qop, c.body = a, qop, "v=0\r\n"
			q := Query{Msg: message(t, "REGISTER", c.body, c.line()), Source: here}
			got := r.Check(2*time.Second, q)
			if got.Verdict != OK || !got.Proven || got.User != "alice" || string(q.Msg.Bytes(got.Claimed)) != "alice" {
				t.Errorf("%v %s: %+v", a, qop, got)
			}
			if again := r.Check(2*time.Second, q).Verdict; again != Replayed {
				t.Errorf("%v %s: the second time %v", a, qop, again)
			}
		}
	}
}

// A body that was changed on its way does not have the digest of auth-int.
func TestCheckIntegrity(t *testing.T) {
	r := voice(t, nil)
	c := alice(r.nonce(0, testRand(), here))
	c.qop, c.body = "auth-int", "v=0\r\n"
	if got := r.Check(0, Query{Msg: message(t, "REGISTER", "v=1\r\n", c.line()), Source: here}); got.Verdict != Wrong {
		t.Errorf("%+v", got)
	}
}

// Each row of what may be wrong, and what is said to it.
func TestCheckVerdicts(t *testing.T) {
	r := voice(t, nil)
	c := alice(r.nonce(0, testRand(), here))
	edit := func(old, with string) string {
		s := strings.Replace(c.line(), old, with, 1)
		if s == c.line() {
			t.Fatalf("%q is not in %q", old, c.line())
		}
		return s
	}
	with := func(change func(*client)) string {
		c := c
		change(&c)
		return c.line()
	}
	tests := []struct {
		name   string
		lines  []string
		want   Verdict
		proven bool
	}{
		{"nothing", nil, Missing, false},
		{"another realm", []string{edit(`realm="voice`, `realm="other`)}, Missing, false},
		{"of a proxy", []string{"Proxy-" + c.line()}, Missing, false},
		{"another scheme", []string{"Authorization: Basic YWxpY2U6czNjcmV0\r\n"}, Scheme, false},
		{"an unknown scheme", []string{"Authorization: NoOneKnowsThisScheme opaque-data=here\r\n"}, Scheme, false}, // RFC 4475 section 3.3.7
		{"an unknown algorithm", []string{edit("algorithm=SHA-256", "algorithm=SHA-1")}, Scheme, true},
		{"a session's algorithm", []string{edit("algorithm=SHA-256", "algorithm=SHA-256-sess")}, Scheme, true},
		{"no quality", []string{edit("qop=auth, ", "")}, Scheme, true},
		{"an unknown quality", []string{edit("qop=auth", "qop=auth-conf")}, Scheme, true},
		{"only a scheme", []string{"Authorization: Digest\r\n"}, Syntax, false},
		{"an open quote", []string{edit(`nonce="`, `nonce=`)}, Syntax, false},
		{"no realm", []string{edit(`realm="voice.example", `, "")}, Syntax, false},
		{"no user", []string{edit(`username="alice", `, "")}, Syntax, true},
		{"no nonce", []string{edit("nonce=", "nonsense=")}, Syntax, false},
		{"an empty nonce", []string{strings.NewReplacer(c.nonce, "", c.response(), "").Replace(c.line())}, Missing, false},
		{"no uri", []string{edit("uri=", "url=")}, Syntax, true},
		{"no response", []string{edit("response=", "answer=")}, Syntax, true},
		{"no count", []string{edit(", nc=00000001", "")}, Syntax, true},
		{"a count that is none", []string{edit("nc=00000001", "nc=0000000g")}, Syntax, true},
		{"a short count", []string{edit("nc=00000001", "nc=1")}, Syntax, true},
		{"no cnonce", []string{edit(`cnonce="0a4f113b"`, `cnonce=""`)}, Syntax, true},
		{"a response of MD5", []string{edit(c.response(), c.response()[:32])}, Syntax, true},
		{"a response that is none", []string{edit(c.response(), strings.Repeat("g", 64))}, Syntax, true},
		{"a parameter twice", []string{edit("nc=", "nc=00000001, NC=")}, Syntax, false},
		{"two for the realm", []string{c.line(), c.line()}, Syntax, false},
		{"one cannot be read", []string{c.line(), "Authorization: Digest x\r\n"}, Syntax, false},
		{"too long", []string{edit("nc=", "x="+strings.Repeat("y", valueMax)+", nc=")}, Syntax, false},
		{"a wrong password", []string{with(func(c *client) { c.password = "x" })}, Wrong, true},
		{"nobody", []string{with(func(c *client) { c.user = "nobody" })}, Wrong, true},
		{"another method", []string{with(func(c *client) { c.method = "INVITE" })}, Wrong, true},
		{"a wrong password, another's nonce", []string{with(func(c *client) { c.password, c.nonce = "x", "y" })}, Wrong, false},
		{"another's nonce", []string{with(func(c *client) { c.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093" })}, Stale, false},
		{"a nonce of the right length", []string{with(func(c *client) { c.nonce = strings.Repeat("A", nonceLen) })}, Stale, false},
		{"a count over 24 bits", []string{with(func(c *client) { c.nc = countMax + 1 })}, Stale, true},
		{"beside other realms and schemes", []string{"Authorization: Basic x\r\n", edit(`realm="voice`, `realm="other`), c.line()}, OK, true},
		{"again", []string{c.line()}, Replayed, true},
	}
	for _, test := range tests {
		got := r.verdict(t, 0, test.lines...)
		if got.Verdict != test.want || got.Proven != test.proven || (got.User != "") != (got.Verdict == OK) {
			t.Errorf("%s: %+v, want %v, proven %v", test.name, got, test.want, test.proven)
		}
	}
}

// Spellings that devices use and that mean the same.
func TestCheckSpellings(t *testing.T) {
	r, rnd := voice(t, nil), testRand()
	for name, change := range map[string][]string{
		"names in any case":     {"username=", "UserName=", "nonce=", "NONCE=", "Digest", "dIGEST"},
		"qop in quotes":         {"qop=auth", `qop="auth"`},
		"algorithm in quotes":   {"algorithm=SHA-256", `algorithm="sha-256"`},
		"nc in quotes":          {"nc=00000001", `nc="00000001"`},
		"white space and folds": {", ", " \r\n\t,\r\n ", "realm=", "realm = \r\n "},
		"an escape in the name": {`username="alice"`, `username="al\ice"`},
		"without quotes":        {`"alice"`, "alice"},
		"unknown parameters":    {"nc=", `x="a, nc=\"7", opaque="", y=z, nc=`},
	} {
		line := strings.NewReplacer(change...).Replace(alice(r.nonce(0, rnd, here)).line())
		if got := r.verdict(t, 0, line); got.Verdict != OK {
			t.Errorf("%s: %v of %q", name, got.Verdict, line)
		}
	}
	c := alice(r.nonce(0, rnd, here))
	line := strings.Replace(c.line(), c.response(), strings.ToUpper(c.response()), 1)
	if got := r.verdict(t, 0, line); got.Verdict != OK {
		t.Errorf("a response in upper case: %v", got.Verdict)
	}
}

// Without an algorithm MD5 is meant.
func TestCheckNoAlgorithm(t *testing.T) {
	r := voice(t, nil)
	c := alice(r.nonce(0, testRand(), here))
	c.algorithm = MD5
	line := strings.Replace(c.line(), "algorithm=MD5, ", "", 1)
	if got := r.verdict(t, 0, line); got.Verdict != OK {
		t.Errorf("%v", got.Verdict)
	}
	only := mustRealm(t, Options{Name: "voice.example", Algorithms: []Algorithm{SHA256}})
	if got := only.verdict(t, 0, line); got.Verdict != Scheme {
		t.Errorf("where MD5 is not offered: %v", got.Verdict)
	}
}

// A proxy looks at its own field.
func TestCheckProxy(t *testing.T) {
	r := voice(t, nil)
	c := alice(r.nonce(0, testRand(), here))
	q := Query{Msg: message(t, "REGISTER", "", "Proxy-"+c.line(), "Authorization: Digest of somebody else\r\n"), Source: here, As: Proxy}
	if got := r.Check(0, q); got.Verdict != OK {
		t.Errorf("%+v", got)
	}
}

// The uri of the credentials has to be of a host that is served, not the
// Request-URI.
func TestCheckURI(t *testing.T) {
	r, rnd := voice(t, nil), testRand()
	serves := func(host []byte) bool { return string(host) == "voice.example" }
	for uri, want := range map[string]Verdict{
		"sip:voice.example":                       OK,
		"sip:bob@voice.example:5070;transport=x":  OK,
		"sips:voice.example":                      OK,
		"tel:+49301234":                           OK,
		"sip:other.example":                       URI,
		"sip:voice.example@other.example":         URI,
		"http://voice.example/":                   URI,
		"voice.example":                           URI,
		"sip:":                                    URI,
		"sip:voice.example sip:voice.example":     URI,
		"sip:voice.example.other.example":         URI,
		"sip:other.example;x=sip:voice.example":   URI,
		"sip:other.example?x=<sip:voice.example>": URI,
	} {
		c := alice(r.nonce(0, rnd, here))
		c.uri = uri
		q := Query{Msg: message(t, "REGISTER", "", c.line()), Source: here, Serves: serves}
		if got := r.Check(0, q); got.Verdict != want || !got.Proven {
			t.Errorf("%q: %+v, want %v", uri, got, want)
		}
	}
}

// A user of whom only the MD5 digest is known is let in by MD5 and by nothing
// else.
func TestCheckHashedUser(t *testing.T) {
	c := client{user: "bob", realm: "voice.example", password: "pw", algorithm: MD5}
	u, err := NewHashedUser("bob", map[Algorithm]string{MD5: strings.ToUpper(c.hash(c.user, c.realm, c.password))})
	if err != nil {
		t.Fatal(err)
	}
	r := mustRealm(t, Options{Name: "voice.example", Users: []User{u, mustUser(t, "alice", "voice.example", "s3cret")}})
	rnd := testRand()
	for a, want := range []Verdict{MD5: OK, SHA256: Wrong, SHA512t256: Wrong} {
		c := alice(r.nonce(0, rnd, here))
		c.user, c.password, c.algorithm = "bob", "pw", Algorithm(a)
		if got := r.verdict(t, 0, c.line()); got.Verdict != want {
			t.Errorf("%v: %v, want %v", c.algorithm, got.Verdict, want)
		}
	}
}

// RFC 7616 section 3.9.1: the responses of its example, to its nonce, which is
// none of ours.
func TestCheckExamples(t *testing.T) {
	const realm, name, password = "http-auth@example.org", "Mufasa", "Circle of Life"
	r := mustRealm(t, Options{Name: realm, Users: []User{mustUser(t, name, realm, password)}})
	for algorithm, response := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		line := fmt.Sprintf(`Authorization: Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=%s, `+
			`nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", `+
			`qop=auth, response="%s", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`+"\r\n", algorithm, response)
		if got := r.Check(0, Query{Msg: message(t, "GET", "", line), Source: here}); got.Verdict != Stale {
			t.Errorf("%s: %v, want a right password and a nonce that is not ours", algorithm, got.Verdict)
		}
		if got := r.Check(0, Query{Msg: message(t, "PUT", "", line), Source: here}); got.Verdict != Wrong {
			t.Errorf("%s, of another method: %v", algorithm, got.Verdict)
		}
	}
}

// A nonce is good for its time, and for the address that asked for it.
func TestCheckNonce(t *testing.T) {
	six := netip.MustParseAddr("2001:db8:1:2::1")
	tests := []struct {
		name     string
		from, by netip.Addr
		after    time.Duration
		restart  bool
		want     Verdict
	}{
		{"at once", here, here, 0, false, OK},
		{"at its end", here, here, 5 * time.Minute, false, OK},
		{"after its end", here, here, 5*time.Minute + time.Millisecond, false, Stale},
		{"on a shard whose clock is behind", here, here, -time.Second / 2, false, OK},
		{"long before", here, here, -time.Second, false, Stale},
		{"another address", here, netip.MustParseAddr("192.0.2.8"), 0, false, Stale},
		{"the same, mapped to IPv6", here, netip.MustParseAddr("::ffff:192.0.2.7"), 0, false, OK},
		{"another of the same 64 bits", six, netip.MustParseAddr("2001:db8:1:2:ffff::9"), 0, false, OK},
		{"the same with a zone", netip.MustParseAddr("fe80::1%a"), netip.MustParseAddr("fe80::1%b"), 0, false, OK},
		{"another 64 bits", six, netip.MustParseAddr("2001:db8:1:3::1"), 0, false, Stale},
		{"IPv6 that ends in the IPv4 address", here, netip.MustParseAddr("::c000:207"), 0, false, Stale},
		{"after a restart", here, here, 0, true, Stale},
	}
	for _, test := range tests {
		n := NewNonces(testKey, 0)
		r := voice(t, n)
		const made = time.Hour
		c := alice(r.nonce(made, testRand(), test.from))
		if r = voice(t, n); test.restart {
			r = voice(t, NewNonces([32]byte{9}, 0))
		}
		got := r.Check(made+test.after, Query{Msg: message(t, "REGISTER", "", c.line()), Source: test.by})
		if got.Verdict != test.want || got.Proven != (test.want == OK) {
			t.Errorf("%s: %+v, want %v", test.name, got, test.want)
		}
	}
}

// The verdicts say which response they get.
func TestVerdicts(t *testing.T) {
	for v := range verdicts {
		want, stale := 407, v == Stale || v == Replayed
		switch v {
		case OK:
			want = 0
		case Syntax, URI:
			want = 400
		}
		if v.Status(Proxy) != want || v.Stale() != stale || v.String() == "" {
			t.Errorf("%v: status %d, stale %v", v, v.Status(Proxy), v.Stale())
		}
	}
	if Missing.Status(Agent) != 401 || verdicts.String() != "unknown" {
		t.Error("the role of an agent, or a verdict that is none")
	}
}

// What stands in for the digest of a user who does not exist is another one
// for each name and each process, and would let nobody in who knew it.
func TestNobody(t *testing.T) {
	seen := map[string]bool{}
	for key := range 2 {
		r := voice(t, NewNonces([32]byte{31: byte(key)}, 0))
		for _, name := range []string{"nobody", "Nobody"} {
			c := alice(r.nonce(0, testRand(), here))
			c.user = name
			var w work
			line := c.line()
			r.check(&w, 0, &Query{Msg: message(t, "REGISTER", "", line), Source: here})
			ha1 := string(w.ha1[:])
			if seen[ha1] || strings.Trim(ha1, "\x00") != ha1 {
				t.Errorf("%s: %q", name, ha1)
			}
			seen[ha1] = true
			a2 := c.hash(c.method, c.uri)
			line = strings.Replace(line, c.response(), c.hash(ha1, c.nonce, "00000001", c.cnonce, c.qop, a2), 1)
			if got := r.verdict(t, 0, line); got.Verdict != Wrong || !got.Proven {
				t.Errorf("%s: %+v", name, got)
			}
		}
	}
}

// A method that no request has.
func TestCheckLongMethod(t *testing.T) {
	r, rnd := voice(t, nil), testRand()
	for n, want := range map[int]Verdict{methodMax: OK, methodMax + 1: Syntax} {
		c := alice(r.nonce(0, rnd, here))
		c.method = strings.Repeat("X", n)
		if got := r.Check(0, Query{Msg: message(t, c.method, "", c.line()), Source: here}); got.Verdict != want {
			t.Errorf("%d octets: %v", n, got.Verdict)
		}
	}
}
