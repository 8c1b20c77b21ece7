package digest

import (
	"net/netip"
	"regexp"
	"strings"
	"testing"
	"time"

	"sbc/signaling/sip"
)

// A challenge has a line for each algorithm, the strongest first, all with the
// same nonce (RFC 8760 section 2.4).
func TestChallenge(t *testing.T) {
	o := Options{Name: "voice.example", Algorithms: []Algorithm{MD5, SHA256, SHA512t256}}
	integrity := o
	integrity.Integrity = true
	only := Options{Name: "voice.example", Algorithms: []Algorithm{MD5}}
	tests := []struct {
		o     Options
		as    Role
		stale bool
		want  string
	}{
		{o, Agent, false, `WWW-Authenticate: Digest realm="voice.example", nonce="N", algorithm=SHA-512-256, qop="auth"
WWW-Authenticate: Digest realm="voice.example", nonce="N", algorithm=SHA-256, qop="auth"
WWW-Authenticate: Digest realm="voice.example", nonce="N", algorithm=MD5, qop="auth"
`},
		{integrity, Proxy, true, `Proxy-Authenticate: Digest realm="voice.example", nonce="N", algorithm=SHA-512-256, qop="auth,auth-int", stale=true
Proxy-Authenticate: Digest realm="voice.example", nonce="N", algorithm=SHA-256, qop="auth,auth-int", stale=true
Proxy-Authenticate: Digest realm="voice.example", nonce="N", algorithm=MD5, qop="auth,auth-int", stale=true
`},
		{only, Agent, false, `WWW-Authenticate: Digest realm="voice.example", nonce="N", algorithm=MD5, qop="auth"
`},
	}
	for _, test := range tests {
		r := mustRealm(t, test.o)
		got := string(r.Challenge(nil, time.Second, testRand(), here, test.as, test.stale))
		nonces := map[string]bool{}
		shown := regexp.MustCompile(`nonce="([^"]*)"`).ReplaceAllStringFunc(got, func(s string) string {
			nonces[s] = true
			return `nonce="N"`
		})
		if shown != strings.ReplaceAll(test.want, "\n", "\r\n") || len(nonces) != 1 {
			t.Errorf("got\n%swant\n%swith nonces %v", shown, test.want, nonces)
		}
		if len(got) > r.size {
			t.Errorf("%d octets, %d were expected at most", len(got), r.size)
		}
	}
}

// A client of ours reads each line.
func TestChallengeIsRead(t *testing.T) {
	r := mustRealm(t, Options{Name: "a, b=c; 語", Algorithms: []Algorithm{MD5, SHA256}})
	m := message(t, "REGISTER", "", string(r.Challenge(nil, 0, testRand(), here, Agent, true)))
	n := 0
	for _, f := range m.Fields() {
		if f.ID != sip.FieldWWWAuthenticate {
			continue
		}
		n++
		a, err := sip.ParseAuth(m.Raw, f.Value)
		if err != nil || !a.Digest(m.Raw) {
			t.Fatalf("%q: %v", m.Bytes(f.Value), err)
		}
		if realm, _ := a.Param(m.Raw, "realm"); string(m.Bytes(realm)) != `"a, b=c; 語"` {
			t.Errorf("realm %q", m.Bytes(realm))
		}
	}
	if n != 2 {
		t.Errorf("%d lines", n)
	}
}

// Nonces differ, even if they are made for one client at one time, and nothing
// of what is in them shows.
func TestNoncesDiffer(t *testing.T) {
	r, rnd, seen := voice(t, nil), testRand(), map[string]bool{}
	for range 1000 {
		n := r.nonce(0, rnd, here)
		if len(n) != nonceLen || seen[n] || seen[n[:8]] {
			t.Fatalf("nonce %q", n)
		}
		seen[n], seen[n[:8]] = true, true
	}
}

// A nonce with any other character is none.
func TestNonceIsAuthentic(t *testing.T) {
	n := NewNonces(testKey, 0)
	nonce := voice(t, n).nonce(time.Hour, testRand(), here)
	got, ok := n.read([]byte(nonce), here)
	if !ok || got.at != time.Hour || got.gen != 1 || int(got.slot) >= len(n.slots) {
		t.Fatalf("%+v %v", got, ok)
	}
	for i := range nonce {
		for _, c := range []byte("AB\n=\x00\xff") {
			b := []byte(nonce)
			if b[i] == c {
				continue
			}
			b[i] = c
			if got, ok := n.read(b, here); ok {
				t.Errorf("%q is read as %+v", b, got)
			}
		}
	}
	if _, ok := n.read([]byte(nonce+"\n"), here); ok {
		t.Error("a line end behind")
	}
}

func TestSlots(t *testing.T) {
	for want, n := range map[int][]int{slotsMin: {-1, 0, 1, slotsMin}, 1 << 17: {1<<16 + 1, Slots}, slotsMax: {slotsMax, slotsMax + 1}} {
		for _, n := range n {
			if got := len(NewNonces(testKey, n).slots); got != want {
				t.Errorf("%d slots became %d, want %d", n, got, want)
			}
		}
	}
}

// A challenge writes nothing: whatever number of them there is, who has logged
// in stays so.
func TestChallengesEvictNobody(t *testing.T) {
	n := newNonces(testKey, 1)
	r, rnd := voice(t, n), testRand()
	c := alice(r.nonce(0, rnd, here))
	if got := r.verdict(t, 0, c.line()); got.Verdict != OK {
		t.Fatalf("%+v", got)
	}
	before := n.slots[0].Load()
	for range 10000 {
		src := netip.AddrFrom4([4]byte{198, 51, byte(rnd.Uint32()), byte(rnd.Uint32())})
		wrong := alice(r.nonce(0, rnd, src))
		wrong.password = "x"
		r.Check(0, Query{Msg: message(t, "REGISTER", "", wrong.line()), Source: src})
	}
	c.nc++
	if got := r.verdict(t, 0, c.line()); n.slots[0].Load() == before || got.Verdict != OK {
		t.Errorf("%+v", got)
	}
}

func TestRealmErrors(t *testing.T) {
	ok := Options{Name: "r", Algorithms: []Algorithm{MD5}, Nonces: NewNonces(testKey, 0)}
	change := func(f func(*Options)) Options {
		o := ok
		f(&o)
		return o
	}
	md5only, _ := NewHashedUser("m", map[Algorithm]string{MD5: strings.Repeat("0", 32)})
	tests := []struct {
		want string
		o    Options
	}{
		{"", ok},
		{"no Nonces", change(func(o *Options) { o.Nonces = nil })},
		{"a name has 1 to 128 octets", change(func(o *Options) { o.Name = "" })},
		{"not UTF-8", change(func(o *Options) { o.Name = "\xff" })},
		{`the character '"'`, change(func(o *Options) { o.Name = `a"b` })},
		{`the character '\n'`, change(func(o *Options) { o.Name = "a\nb" })},
		{"age -1s", change(func(o *Options) { o.Age = -time.Second })},
		{"no algorithm 7", change(func(o *Options) { o.Algorithms = []Algorithm{7} })},
		{"nothing to challenge with", change(func(o *Options) { o.Algorithms = nil })},
		{"a user that is nobody", change(func(o *Options) { o.Users = make([]User, 1) })},
		{`user "a" is of realm "other"`, change(func(o *Options) { o.Users = []User{mustUser(t, "a", "other", "p")} })},
		{`two users "m"`, change(func(o *Options) { o.Users = []User{md5only, md5only} })},
		{`user "m" has an HA1 for no algorithm that is offered`, change(func(o *Options) { o.Users, o.Algorithms = []User{md5only}, []Algorithm{SHA256} })},
	}
	for _, test := range tests {
		_, err := NewRealm(test.o)
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
}

func TestUserErrors(t *testing.T) {
	hashed := func(a Algorithm, text string) error {
		_, err := NewHashedUser("u", map[Algorithm]string{a: text})
		return err
	}
	_, empty := NewHashedUser("u", nil)
	plain := func(name, password string) error {
		_, err := NewUser(name, "r", password)
		return err
	}
	for want, err := range map[string]error{
		"a user without a name":         plain("", "p"),
		"at most 256 octets":            plain(strings.Repeat("u", 257), "p"),
		"the password is empty":         plain("u", ""),
		"neither a password nor an HA1": empty,
		"an unknown algorithm":          hashed(algorithms, ""),
		"not 32 hexadecimal digits":     hashed(MD5, "12"),
		"not 64 hexadecimal digits":     hashed(SHA256, strings.Repeat("x", 64)),
		"SHA-512-256 is not 64":         hashed(SHA512t256, strings.Repeat("0", 128)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestParseAlgorithm(t *testing.T) {
	for a := range algorithms {
		if got, ok := ParseAlgorithm(strings.ToLower(a.String())); !ok || got != a {
			t.Errorf("%v became %v, %v", a, got, ok)
		}
	}
	for _, name := range []string{"", "SHA-1", "MD5-sess", "SHA256"} {
		if got, ok := ParseAlgorithm(name); ok {
			t.Errorf("%q became %v", name, got)
		}
	}
	if algorithms.String() != "unknown" {
		t.Error("an algorithm that is none")
	}
}
