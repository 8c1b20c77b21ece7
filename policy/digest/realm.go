package digest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
	"unicode/utf8"
)

// Ours.
const (
	// 5 minutes: a phone that sends a request each minute or two saves the
	// second round; who reads a nonce off a wire has little time for it.
	ageDefault = 5 * time.Minute

	nameMax  = 256 // octets of a user's name; those of phones have 3 to 40
	realmMax = 128 // octets of a realm's name; it is in every line of a challenge
)

// Options are a realm in plain Go. NewRealm keeps none of it but Nonces.
type Options struct {
	Name  string // as the clients show it, and as it was hashed into each HA1
	Users []User

	// Algorithms are what challenges offer. Empty: all that any user has.
	Algorithms []Algorithm

	// Integrity offers auth-int beside auth: the digest covers the body. It
	// holds only where nobody in between changes the body.
	Integrity bool

	Age    time.Duration // how long a nonce may be used; 0: 5 minutes
	Nonces *Nonces       // of the process; all realms of all configurations share it
}

// A Realm is a compiled set of users. Any goroutine may call its methods.
type Realm struct {
	// Constant after NewRealm.
	name      string
	users     map[string]User
	offered   [algorithms]bool
	integrity bool
	age       time.Duration
	nonces    *Nonces
	heads     [2]string // by Role: of each line of a challenge, up to the nonce
	tails     []string  // of each line, from the nonce's quote on; the strongest first
	size      int       // octets of the longest challenge
}

// NewRealm checks o and makes a realm of it. The error joins all problems.
func NewRealm(o Options) (*Realm, error) {
	r := &Realm{name: o.Name, users: make(map[string]User, len(o.Users)), integrity: o.Integrity, age: o.Age, nonces: o.Nonces}
	if r.age == 0 {
		r.age = ageDefault
	}
	errs := []error{checkRealm(&o)}
	for _, a := range o.Algorithms {
		if a >= algorithms {
			errs = append(errs, fmt.Errorf("no algorithm %d", a))
			continue
		}
		r.offered[a] = true
	}
	for _, u := range o.Users {
		errs = append(errs, r.add(u, len(o.Algorithms) == 0))
	}
	if !slices.Contains(r.offered[:], true) {
		errs = append(errs, errors.New("no user and no algorithm: there is nothing to challenge with"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("digest realm %q: %w", o.Name, err)
	}
	r.compileChallenge()
	return r, nil
}

func checkRealm(o *Options) error {
	switch {
	case o.Nonces == nil:
		return errors.New("no Nonces")
	case o.Name == "" || len(o.Name) > realmMax:
		return fmt.Errorf("a name has 1 to %d octets", realmMax)
	case !utf8.ValidString(o.Name):
		return errors.New("the name is not UTF-8")
	case o.Age < 0:
		return fmt.Errorf("nonces of age %v", o.Age)
	}
	for _, c := range o.Name {
		if c < ' ' || c == 0x7f || c == '"' || c == '\\' {
			return fmt.Errorf("the name has the character %q, which clients quote in different ways", c)
		}
	}
	return nil
}

// add takes in a user, and where all may be offered, what it has.
func (r *Realm) add(u User, offer bool) error {
	if u.keys == nil {
		return errors.New("a user that is nobody")
	}
	if _, twice := r.users[u.name]; twice {
		return fmt.Errorf("two users %q", u.name)
	}
	k := u.keys()
	if k.realm != "" && k.realm != r.name {
		return fmt.Errorf("user %q is of realm %q", u.name, k.realm)
	}
	r.users[u.name] = u
	usable := false
	for a := range algorithms {
		r.offered[a] = r.offered[a] || offer && k.has[a]
		usable = usable || r.offered[a] && k.has[a]
	}
	if !usable {
		return fmt.Errorf("user %q has an HA1 for no algorithm that is offered", u.name)
	}
	return nil
}

// String tells of the realm, and nothing that is secret.
func (r *Realm) String() string {
	return fmt.Sprintf("digest realm %q, %d users", r.name, len(r.users))
}

// Format keeps every verb of package fmt from what is secret.
func (r *Realm) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, r.String()) }
