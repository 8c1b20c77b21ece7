package turn

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// credentials knows who may use the service. Constant after it was made.
type credentials struct {
	realm   string
	static  map[string][]byte // key of the long-term credential, by user name
	secrets [][]byte
	skew    time.Duration
	nobody  []byte // the key of all who are unknown: work is done for them too
}

func newCredentials(o Options) *credentials {
	c := &credentials{realm: o.Realm, static: map[string][]byte{}, skew: o.Skew, nobody: make([]byte, md5.Size)}
	for name, password := range o.Users {
		c.static[name] = longTermKey(name, o.Realm, password)
	}
	for _, s := range o.Secrets {
		c.secrets = append(c.secrets, []byte(s))
	}
	return c
}

// longTermKey is the key of RFC 8489 section 9.2.2.
func longTermKey(name, realm, password string) []byte {
	h := md5.Sum([]byte(name + ":" + realm + ":" + password))
	return h[:]
}

// timedPassword is the password of a time-limited user name.
func timedPassword(secret []byte, name string) string {
	h := hmac.New(sha1.New, secret)
	h.Write([]byte(name))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// An identity is who has proved to be whom.
type identity struct {
	user  string // as it was written: every request of an allocation has the same (RFC 8656 section 5)
	name  string // whose quota it is: without the expiry
	key   []byte
	until time.Time // zero: no end
}

// verify returns whose request it is that signed has the integrity of; signed
// is told a key and says whether it is the one. It takes about as long for a
// user who does not exist as for a wrong password.
func (c *credentials) verify(now time.Time, user string, signed func(key []byte) bool) (who identity, ok bool) {
	if key := c.static[user]; key != nil {
		return identity{user: user, name: user, key: key}, signed(key)
	}
	name, until, timed := timedUser(user)
	for _, s := range c.secrets {
		key := longTermKey(user, c.realm, timedPassword(s, user))
		if signed(key) && timed && now.Before(until.Add(c.skew)) {
			return identity{user: user, name: name, key: key, until: until}, true
		}
	}
	signed(c.nobody)
	return identity{}, false
}

// Ours: 11 digits of seconds last until the year 5138.
const expiryDigits = 11

// timedUser takes a time-limited user name apart.
func timedUser(user string) (name string, until time.Time, ok bool) {
	digits, name, named := strings.Cut(user, ":")
	if len(digits) > expiryDigits {
		return "", until, false
	}
	s, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		return "", until, false
	}
	if !named || name == "" {
		name = user
	}
	return name, time.Unix(int64(s), 0), true
}
