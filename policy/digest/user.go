package digest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// A User is a name and what proves that somebody has it. It holds no password;
// what it holds is as good as one in its realm and does not print. The zero
// User is nobody.
type User struct {
	name string
	keys sealed[keys]
}

// keys are the HA1 of a user, the digests of name:realm:password (RFC 7616
// section 3.4.2), in hexadecimal, as they are hashed.
type keys struct {
	realm string // that they were computed for; "": nobody knows
	has   [algorithms]bool
	text  [algorithms][2 * sumMax]byte
}

// A sealed value does not print, whatever the verb and whatever it is a part
// of: of a function, packages that print and encode see its address at most.
type sealed[T any] func() *T

func seal[T any](v *T) sealed[T] { return func() *T { return v } }

// NewUser returns a user of a realm by a password, for all algorithms.
func NewUser(name, realm, password string) (User, error) {
	if err := checkName(name); err != nil {
		return User{}, err
	}
	if password == "" {
		return User{}, fmt.Errorf("user %q: the password is empty", name)
	}
	k := &keys{realm: realm}
	for a := range algorithms {
		var d [sumMax]byte
		hex.Encode(k.text[a][:], a.sum(&d, []byte(name+":"+realm+":"+password)))
		k.has[a] = true
	}
	return User{name, seal(k)}, nil
}

// NewHashedUser returns a user by HA1 that were computed elsewhere, in
// hexadecimal. Where a realm offers an algorithm that has none, credentials by
// it are wrong; a client that follows RFC 8760 section 2.4 uses the first that
// is offered and does not try another.
func NewHashedUser(name string, ha1 map[Algorithm]string) (User, error) {
	if err := checkName(name); err != nil {
		return User{}, err
	}
	k, found := &keys{}, 0
	for a := range algorithms {
		text, ok := ha1[a]
		if !ok {
			continue
		}
		b, err := hex.DecodeString(text)
		if size := sumSizes[a]; err != nil || len(b) != size {
			return User{}, fmt.Errorf("user %q: the HA1 for %s is not %d hexadecimal digits", name, a, 2*size)
		}
		k.has[a] = true
		hex.Encode(k.text[a][:], b)
		found++
	}
	switch {
	case found < len(ha1):
		return User{}, fmt.Errorf("user %q has an HA1 for an unknown algorithm", name)
	case found == 0:
		return User{}, fmt.Errorf("user %q has neither a password nor an HA1", name)
	}
	return User{name, seal(k)}, nil
}

func checkName(name string) error {
	if name == "" {
		return errors.New("a user without a name")
	}
	if len(name) > nameMax {
		return fmt.Errorf("user %.32q...: a name has at most %d octets", name, nameMax)
	}
	return nil
}

// Name returns the name.
func (u User) Name() string { return u.name }

// Has reports whether the user can prove itself by an algorithm.
func (u User) Has(a Algorithm) bool { return u.keys != nil && a < algorithms && u.keys().has[a] }

// String returns the name, and nothing that is secret.
func (u User) String() string { return fmt.Sprintf("user %q (secret)", u.name) }

// Format keeps every verb of package fmt from the secret.
func (u User) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }
