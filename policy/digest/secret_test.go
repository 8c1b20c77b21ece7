package digest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Nothing that is secret is printed, by whatever verb and from within whatever.
func TestSecretsDoNotPrint(t *testing.T) {
	c := client{user: "alice", realm: "r", password: "s3cret"}
	plain := mustUser(t, "alice", "r", "s3cret")
	hashed, err := NewHashedUser("bob", map[Algorithm]string{MD5: c.hash(c.user, c.realm, c.password)})
	if err != nil {
		t.Fatal(err)
	}
	key := [32]byte([]byte("0123456789abcdefghijklmnopqrstuv"))
	n := NewNonces(key, 0)
	r := mustRealm(t, Options{Name: "r", Users: []User{plain, hashed}, Nonces: n})
	if plain.Name() != "alice" || fmt.Sprint(plain) != `user "alice" (secret)` {
		t.Errorf("%v", plain)
	}
	shown := []any{plain, &plain, hashed, r, n, *r, *n, []any{r, n, plain},
		struct{ u User }{plain}, &struct{ u User }{plain}, struct{ r *Realm }{r}, struct{ n *Nonces }{n}, Options{Users: []User{plain}, Nonces: n}}
	for _, v := range shown {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%08b"} {
			check(t, fmt.Sprintf("%T as %s", v, verb), fmt.Sprintf(verb, v))
		}
		if b, err := json.Marshal(v); err == nil {
			check(t, fmt.Sprintf("%T as JSON", v), string(b))
		}
	}
}

// check looks for the text of a digest, or its octets as numbers.
func check(t *testing.T, what, shown string) {
	t.Helper()
	secret := client{algorithm: MD5}.hash("alice", "r", "s3cret")
	for i, hidden := range []string{
		"s3cret", secret, fmt.Sprintf("%x", secret), fmt.Sprintf("%X", secret), strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		strings.Trim(fmt.Sprintf("%08b", []byte(secret)), "[]"), strings.Trim(fmt.Sprintf("%c", []byte(secret)), "[]"),
		fmt.Sprint(uint64(0x3736353433323130)), fmt.Sprintf("%x", uint64(0x3736353433323130)),
	} {
		if strings.Contains(shown, hidden) {
			t.Errorf("%s shows a secret (%d) in %d octets", what, i, len(shown))
		}
	}
}
