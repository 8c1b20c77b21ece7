package config

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"sbc/policy"
	"sbc/policy/digest"
)

// A Domain is a host in whose name user agents register here, and prove who they
// are.
type Domain struct {
	Realm      int
	Host       string // in lower case; also the realm of digests
	Users      []digest.User
	Who        map[string]int // which of Policy.Peers a user is, or belongs to
	Algorithms []digest.Algorithm
	Integrity  bool
	NonceAge   time.Duration
	Ref        policy.Ref

	at hcl.Range
}

// Rules compiles what c says. nonces are those of the process.
func (c *Config) Rules(nonces *digest.Nonces) (*policy.Rules, error) {
	o := c.Policy
	o.Domains = nil
	for _, d := range c.Domains {
		auth, err := digest.NewRealm(digest.Options{
			Name: d.Host, Users: d.Users, Algorithms: d.Algorithms, Integrity: d.Integrity, Age: d.NonceAge, Nonces: nonces})
		if err != nil {
			return nil, fmt.Errorf("%s: users of %q: %w", d.Ref, d.Host, err)
		}
		o.Domains = append(o.Domains, policy.Domain{Realm: d.Realm, Host: d.Host, Auth: auth, Who: d.Who, Ref: d.Ref})
	}
	return policy.Compile(o)
}

// domains gathers the users of all blocks, once peers and endpoints are read.
func (r *reader) domains(file *fileBlock, c *Config) {
	for i, b := range file.Peers {
		p := &c.Policy.Peers[i]
		if d := r.domainOf(c, p, b.Users); d != nil && r.user(b.Users[0], d, i) {
			p.User = b.Users[0].Name
		}
	}
	for i, b := range file.Endpoints {
		at := len(file.Peers) + i
		p := &c.Policy.Peers[at]
		if p.Endpoints.To >= 0 || b.To != nil {
			r.notHere(b)
			continue
		}
		if len(b.Users) == 0 && b.File == nil {
			r.fail(b.Range, "Nobody can register", "Without `to` they register here, and there is no user. Write user \"100\" { password = file(\"/etc/sbc/100\") } in it, or to = peer.NAME.")
			continue
		}
		d := r.newDomain(c, p, b.Range)
		if d == nil {
			continue
		}
		for _, u := range b.Users {
			r.user(u, d, at)
		}
		r.usersFile(b.File, d, at)
		r.auth(only(r, "auth", b.Auth), d)
	}
	for i := range c.Domains {
		r.provable(&c.Domains[i])
	}
}

// provable sees to it that every user of a domain can answer a challenge. A client
// takes the first of which it knows the algorithm (RFC 8760 section 2.4), and many
// stop at the first whatever it is: unless the file says otherwise only the one is
// offered that all know.
func (r *reader) provable(d *Domain) {
	if len(d.Algorithms) == 0 {
		d.Algorithms = []digest.Algorithm{digest.MD5}
	}
	for _, u := range d.Users {
		for _, a := range d.Algorithms {
			if !u.Has(a) {
				r.fail(d.at, "User who cannot answer", "%s is asked for a digest of %s, and user %q has no such HA1. Give him one or a password, or write auth { algorithms = [...] } with what all have.", d.Host, a, u.Name())
				return
			}
		}
	}
}

// notHere refuses what belongs to a registrar of our own.
func (r *reader) notHere(b *endpointsBlock) {
	const detail = "%s is for endpoints that register here. These register with a peer, which knows who may: take it out, or take out `to`."
	for _, u := range b.Users {
		r.fail(u.Range, "User of somebody else's registrar", detail, "A user")
	}
	if b.File != nil {
		r.fail(b.File.Range, "User of somebody else's registrar", detail, "A file of users")
	}
	for _, a := range b.Auth {
		r.fail(a.Range, "User of somebody else's registrar", detail, "auth")
	}
}

// domainOf returns the domain of a peer that has a user.
func (r *reader) domainOf(c *Config, p *policy.Peer, users []*userBlock) *Domain {
	switch {
	case len(users) == 0:
		return nil
	case len(users) > 1:
		r.fail(users[1].Range, "Two users", "A peer is one user. Make this one a peer of its own.")
		return nil
	case p.Domain == "":
		r.fail(users[0].Range, "User without a domain", "The peer proves to be this user of a domain of ours: write domain = \"voice.example\", what it has behind the @ of its account.")
		return nil
	}
	return r.newDomain(c, p, users[0].Range)
}

// newDomain returns the domain of p, a new one if it is the first of it.
func (r *reader) newDomain(c *Config, p *policy.Peer, at hcl.Range) *Domain {
	if p.Realm < 0 || p.Domain == "" {
		return nil // Which was said.
	}
	host := strings.ToLower(p.Domain)
	i := slices.IndexFunc(c.Domains, func(d Domain) bool { return d.Realm == p.Realm && d.Host == host })
	if i < 0 {
		i = len(c.Domains)
		c.Domains = append(c.Domains, Domain{Realm: p.Realm, Host: host, Who: map[string]int{}, Ref: p.Ref, NonceAge: 5 * time.Minute, at: at})
	}
	return &c.Domains[i]
}

// user reads one user of a domain.
func (r *reader) user(b *userBlock, d *Domain, peer int) bool {
	hashes := map[digest.Algorithm]string{}
	for _, h := range []struct {
		a    *hcl.Attribute
		algo digest.Algorithm
	}{{b.MD5, digest.MD5}, {b.SHA256, digest.SHA256}, {b.SHA512, digest.SHA512t256}} {
		if t, ok := r.text(h.a, `"0123456789abcdef0123456789abcdef"`); ok {
			hashes[h.algo] = t.s
		}
		if h.a != nil {
			r.confidential(h.a.Range)
		}
	}
	var u digest.User
	var err error
	switch {
	case b.Password != nil && len(hashes) > 0:
		r.fail(b.Range, "Two secrets", "Write either password or ha1, not both.")
		return false
	case b.Password != nil:
		s, ok := r.secret(b.Password.Name, b.Password.Expr)
		if !ok {
			return false
		}
		u, err = digest.NewUser(b.Name, d.Host, s)
	case len(hashes) > 0:
		u, err = digest.NewHashedUser(b.Name, hashes)
	default:
		r.missing(b.Range, "password", fmt.Sprintf("file(\"/etc/sbc/%s\")", b.Name))
		return false
	}
	if err != nil {
		r.fail(b.Range, "Unusable user", "%s.", sentence(err.Error()))
		return false
	}
	return r.addUser(b.NameRange, d, u, peer)
}

func (r *reader) addUser(at hcl.Range, d *Domain, u digest.User, peer int) bool {
	if _, twice := d.Who[u.Name()]; twice {
		r.fail(at, "User named twice", "There is a user %q of %s already. Give this one another name.", u.Name(), d.Host)
		return false
	}
	d.Users, d.Who[u.Name()] = append(d.Users, u), peer
	return true
}

// Ours: 100,000 users with SHA-256 have 10 MiB.
const usersMax = 64 << 20

// usersFile reads a file as htdigest writes it: name:realm:HA1 on each line, where
// an HA1 of 64 digits is that of SHA-256.
func (r *reader) usersFile(a *hcl.Attribute, d *Domain, peer int) {
	t, ok := r.text(a, `"/etc/sbc/users"`)
	if !ok {
		return
	}
	st, err := os.Stat(t.s)
	var src []byte
	if err == nil && st.Size() <= usersMax {
		src, err = os.ReadFile(t.s)
	}
	switch {
	case err != nil:
		r.fail(t.at, "Users cannot be read", "%s.", sentence(err.Error()))
		return
	case st.Size() > usersMax:
		r.fail(t.at, "Users cannot be read", "%s has more than %d MiB.", t.s, usersMax>>20)
		return
	}
	r.private(t, st)
	lines := bufio.NewScanner(bytes.NewReader(src))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		u, why := userOf(line, d.Host)
		if why != "" {
			r.fail(t.at, "Not a user", "%s:%d: %s.", t.s, n, why)
			return
		}
		if !r.addUser(t.at, d, u, peer) {
			return
		}
	}
	if err := lines.Err(); err != nil {
		r.fail(t.at, "Users cannot be read", "%s: %s.", t.s, sentence(err.Error()))
	}
}

// userOf reads one line; why says what is wrong with it, without showing it.
func userOf(line, host string) (u digest.User, why string) {
	hash := line[strings.LastIndexByte(line, ':')+1:]
	name, realm, ok := strings.Cut(strings.TrimSuffix(line, ":"+hash), ":")
	switch {
	case !ok || name == "" || hash == "":
		return u, "it wants name:" + host + ":HA1, as htdigest writes it"
	case !strings.EqualFold(realm, host):
		return u, "its realm is not " + host + ", the domain of these endpoints, so that its HA1 is of no use"
	}
	algorithm := digest.MD5
	if len(hash) == 64 {
		algorithm = digest.SHA256
	}
	u, err := digest.NewHashedUser(name, map[digest.Algorithm]string{algorithm: hash})
	if err != nil {
		return u, err.Error()
	}
	return u, ""
}

// auth reads how user agents are asked.
func (r *reader) auth(b *authBlock, d *Domain) {
	if b == nil {
		return
	}
	for _, t := range r.texts(b.Algorithms, `"SHA-256"`) {
		a, ok := digest.ParseAlgorithm(t.s)
		if !ok {
			r.fail(t.at, "Unknown algorithm", "%q is none. They are: \"SHA-512-256\", \"SHA-256\", \"MD5\".", t.s)
			continue
		}
		d.Algorithms = append(d.Algorithms, a)
	}
	r.boolean(b.Integrity, &d.Integrity)
	r.duration(b.NonceAge, 10*time.Second, time.Hour, false, &d.NonceAge)
}
