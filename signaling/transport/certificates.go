package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A CertificateFile is where a certificate is, with its chain behind it, and
// where its key is, both in PEM. They may be one file.
type CertificateFile struct {
	Certificate string
	Key         string
}

// Certificates are what we show to far ends, RSA or ECDSA. The files are
// watched: what replaces them is used by the next handshake, and no connection
// ends. Files that are no good leave what was there before. All methods may be
// called from any goroutine.
type Certificates struct {
	// Constant after open.
	files  []CertificateFile
	failed func(error)
	stop   chan struct{}
	done   chan struct{}

	set atomic.Pointer[certificateSet]

	// Guarded by mu.
	mu     sync.Mutex
	seen   string // what the files looked like when they were last read
	broken string // and when they were last found to be no good, and nobody was told
	closed bool
}

// A certificateSet is what was in the files at one time. It is never changed.
type certificateSet struct {
	all    []*tls.Certificate
	byName map[string][]*tls.Certificate // in lower case, "*." in front for wildcards
	first  []*tls.Certificate            // the first, and those that share a name with it
	open   []string                      // keys that everybody may read
}

// watchEvery is how often the files are looked at. Ours: 5 s, sooner than who
// replaced them looks whether it worked.
const watchEvery = 5 * time.Second

// LoadCertificates reads certificates and watches their files until Close. It
// needs one at least; the first is for those who ask for no name or an unknown
// one. failed is told when files that changed are no good, once for each
// change; it may be nil. It is called by a goroutine of Certificates and must
// not call Close. The error is fit to be shown to the operator as it is.
func LoadCertificates(files []CertificateFile, failed func(error)) (*Certificates, error) {
	return loadCertificates(files, failed, watchEvery)
}

func loadCertificates(files []CertificateFile, failed func(error), every time.Duration) (*Certificates, error) {
	c := &Certificates{files: slices.Clone(files), failed: failed, stop: make(chan struct{}), done: make(chan struct{})}
	if err := c.Reload(); err != nil {
		return nil, err
	}
	go c.watch(every)
	return c, nil
}

// Reload reads the files again. After an error what was there before is there
// still.
func (c *Certificates) Reload() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = c.look()
	set, err := readSet(c.files)
	if err != nil {
		return err
	}
	c.set.Store(set)
	return nil
}

// Close ends the watch. The certificates can still be used.
func (c *Certificates) Close() {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if first {
		close(c.stop)
	}
	<-c.done
}

// A CertificateState is what a metric or a person wants to know of one.
type CertificateState struct {
	File    string   // the certificate's
	Names   []string // as it writes them
	Expires time.Time
}

// Expires returns the certificates in their order, and when each ends.
func (c *Certificates) Expires() []CertificateState {
	var list []CertificateState
	for i, cert := range c.set.Load().all {
		list = append(list, CertificateState{File: c.files[i].Certificate, Names: namesOf(cert.Leaf), Expires: cert.Leaf.NotAfter})
	}
	return list
}

// Warnings returns what is not wrong and should not be so, for the operator:
// keys that everybody may read.
func (c *Certificates) Warnings() []string {
	var list []string
	for _, file := range c.set.Load().open {
		list = append(list, fmt.Sprintf("key %s can be read by everybody: chmod 0600 %s", file, file))
	}
	return list
}

// readSet reads all files.
func readSet(files []CertificateFile) (*certificateSet, error) {
	if len(files) == 0 {
		return nil, errNoCertificates
	}
	set := &certificateSet{byName: map[string][]*tls.Certificate{}}
	for _, f := range files {
		cert, err := readPair(f)
		if err != nil {
			return nil, err
		}
		set.all = append(set.all, cert)
		for _, name := range shownAs(cert.Leaf) {
			set.byName[name] = append(set.byName[name], cert)
		}
		if info, err := os.Stat(f.Key); err == nil && info.Mode().Perm()&0o004 != 0 && !slices.Contains(set.open, f.Key) {
			set.open = append(set.open, f.Key)
		}
	}
	set.first = set.all[:1:1]
	for _, name := range shownAs(set.all[0].Leaf) {
		for _, cert := range set.byName[name] {
			if !slices.Contains(set.first, cert) {
				set.first = append(set.first, cert)
			}
		}
	}
	return set, nil
}

// readPair reads one certificate and its key.
func readPair(f CertificateFile) (*tls.Certificate, error) {
	fail := func(file, what, do string) (*tls.Certificate, error) {
		return nil, fmt.Errorf("certificate %s: %s: %s", file, what, do)
	}
	pem, err := os.ReadFile(f.Certificate)
	if err != nil {
		return fail(f.Certificate, cause(err).Error(), "is the path right, and may the user that the border runs as read it?")
	}
	key, err := os.ReadFile(f.Key)
	if err != nil {
		return fail(f.Certificate, fmt.Sprintf("its key %s: %v", f.Key, cause(err)), "is the path right, and may the user that the border runs as read it?")
	}
	pair, err := tls.X509KeyPair(pem, key)
	switch {
	case err != nil && strings.Contains(err.Error(), "does not match"):
		return fail(f.Certificate, "the key in "+f.Key+" is not its own", "put the certificate's key there; the certificate itself has to come first in its file")
	case err != nil:
		return fail(f.Certificate, fmt.Sprintf("with key %s: %v", f.Key, err), "both files have to be PEM, and the key without a passphrase")
	}
	if until := pair.Leaf.NotAfter; time.Now().After(until) {
		return fail(f.Certificate, "it expired on "+until.UTC().Format(time.DateTime)+" UTC", "renew it; if it is new, look at the clock")
	}
	return &pair, nil
}

// shownAs returns the names for which we show a certificate: what far ends ask
// for is a DNS name.
func shownAs(leaf *x509.Certificate) []string {
	names := sipDomains(leaf)
	for _, name := range leaf.DNSNames {
		if name = canonical(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// choose returns the certificate for who says hello: by name, and of those the
// first that the far end can use. The error says that it can use none.
func (c *Certificates) choose(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	set := c.set.Load()
	name := canonical(hello.ServerName)
	list := set.byName[name]
	if list == nil {
		if _, parent, ok := strings.Cut(name, "."); ok {
			list = set.byName["*."+parent]
		}
	}
	if list == nil {
		list = set.first
	}
	can := *hello
	can.ServerName = "" // that was ours to look at: we know more names than DNS's
	for _, cert := range list {
		if can.SupportsCertificate(cert) == nil {
			return cert, nil
		}
	}
	return list[0], errNoneUsable
}

var errNoneUsable = errors.New("no certificate of ours can be used by the far end")

// forServer returns the certificate that we show to a far end that we connect
// to: the first that its authorities could have issued, else the first.
func (c *Certificates) forServer(ask *tls.CertificateRequestInfo) (*tls.Certificate, error) {
	all := c.set.Load().all
	for _, cert := range all {
		if ask.SupportsCertificate(cert) == nil {
			return cert, nil
		}
	}
	return all[0], nil
}
