package digest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// cases are requests whose verdict is the same again and again.
func cases(t testing.TB) (r *Realm, list []benchCase) {
	n := NewNonces(testKey, 0)
	hashed, err := NewHashedUser("bob", map[Algorithm]string{MD5: strings.Repeat("0", 32)})
	if err != nil {
		t.Fatal(err)
	}
	users := []User{hashed, mustUser(t, "alice", "voice.example", "s3cret")}
	for i := range 10000 {
		users = append(users, mustUser(t, fmt.Sprint("phone", i), "voice.example", "s3cret"))
	}
	r = mustRealm(t, Options{Name: "voice.example", Users: users, Integrity: true, Nonces: n})
	serves := func(host []byte) bool { return string(host) == "voice.example" }
	add := func(name string, want Verdict, change func(*client)) {
		c := alice(r.nonce(0, testRand(), here))
		change(&c)
		tk, _ := n.read([]byte(c.nonce), here)
		q := Query{Msg: message(t, "REGISTER", c.body, c.line()), Source: here, Serves: serves}
		list = append(list, benchCase{name, q, want, func() { n.slots[tk.slot].Store(0) }})
	}
	for a := range algorithms {
		add(a.String(), OK, func(c *client) { c.algorithm = a })
	}
	for a := range algorithms {
		add(a.String()+", auth-int of 1 KiB", OK, func(c *client) { c.algorithm, c.qop, c.body = a, "auth-int", strings.Repeat("x", 1024) })
	}
	add("wrong password", Wrong, func(c *client) { c.password = "x" })
	add("wrong user", Wrong, func(c *client) { c.user = "alixe" })
	add("user without the algorithm", Wrong, func(c *client) { c.user = "bob" })
	add("stale", Stale, func(c *client) { c.nonce = strings.Repeat("A", nonceLen) })
	add("name with escapes", OK, func(c *client) { c.method = "REGISTER" })
	last := &list[len(list)-1]
	f, _ := last.q.Msg.FindName("Authorization")
	last.q.Msg = message(t, "REGISTER", "", "Authorization: "+strings.Replace(string(last.q.Msg.Bytes(f.Value)), `"alice"`, `"\a\l\i\c\e"`, 1)+"\r\n")
	return r, list
}

type benchCase struct {
	name   string
	q      Query
	want   Verdict
	forget func() // that the nonce was used
}

// Neither a challenge nor a check allocates.
func TestAllocations(t *testing.T) {
	r, list := cases(t)
	for _, c := range list {
		if n := testing.AllocsPerRun(100, func() {
			c.forget()
			if v := r.Check(0, c.q).Verdict; v != c.want {
				t.Fatalf("%s: %v", c.name, v)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
	rnd, dst := testRand(), make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { r.Challenge(dst, time.Second, rnd, here, Proxy, true) }); n != 0 {
		t.Errorf("challenge: %v allocations", n)
	}
}

// A user who does not exist, one who has no such digest, a wrong password and
// the right one cost the same digests.
func TestSameWork(t *testing.T) {
	r, list := cases(t)
	for _, c := range list {
		var w work
		c.forget()
		got := r.check(&w, 0, &c.q)
		want := 2
		if strings.Contains(c.name, "auth-int") {
			want = 3
		}
		if got.Verdict != c.want || w.sums != want {
			t.Errorf("%s: %v after %d digests, want %v after %d", c.name, got.Verdict, w.sums, c.want, want)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	r, list := cases(b)
	for _, c := range list {
		b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.forget()
				if v := r.Check(0, c.q).Verdict; v != c.want {
					b.Fatal(v)
				}
			}
		})
	}
}

func BenchmarkChallenge(b *testing.B) {
	r := voice(b, nil)
	rnd, dst := testRand(), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		r.Challenge(dst, time.Second, rnd, here, Agent, false)
	}
}

func BenchmarkChallengeMD5(b *testing.B) {
	r := mustRealm(b, Options{Name: "voice.example", Algorithms: []Algorithm{MD5}})
	rnd, dst := testRand(), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		r.Challenge(dst, time.Second, rnd, here, Agent, false)
	}
}
