package resolve

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A Name is what one peer's target says.
type Name struct {
	Peer     string // for messages to the operator
	Host     string // a domain name
	Network  string // "ip4" or "ip6": what the peer's realm speaks; "ip": both
	Loopback bool   // the realm is on loopback, so that the peer may be there, too

	Known []netip.Addr // what another Resolver found before; used as if it had been found when this one starts
}

// question is Host as it is asked for: a name with a dot in it is complete. A
// search list could otherwise turn a name that does not exist into one that
// somebody else answers for.
func (n Name) question() string {
	if strings.Contains(n.Host, ".") && !strings.HasSuffix(n.Host, ".") {
		return n.Host + "."
	}
	return n.Host
}

// asks reports whether addresses of a family are looked up.
func (n Name) asks(f family) bool {
	return n.Network == "" || n.Network == "ip" || n.Network == f.network()
}

// Ours:
const (
	// 16 of a family: what large carriers publish for one name is 2 to 8.
	addrsMax = 16
	// 2 s: the first repetition after a failure; it doubles up to Every.
	retryFirst = 2 * time.Second
)

var errUnusable = errors.New("the answer has no address that can be a peer's")

// usable returns those of addrs that are of family f and that a peer can have,
// in order, each once. A resolver that lies must not make us call ourselves or
// a whole network.
func (n Name) usable(f family, addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if a.Is4() != (f == ip4) || a.IsUnspecified() || a.IsMulticast() || a == broadcast || a.IsLoopback() && !n.Loopback || a.Zone() != "" || a.Is6() && a.IsLinkLocalUnicast() {
			continue
		}
		out = append(out, a)
	}
	slices.SortFunc(out, netip.Addr.Compare)
	out = slices.Compact(out)
	return slices.Clip(out[:min(len(out), addrsMax)])
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// A Change is reported when a name's addresses change, when a look-up fails
// for the first time, and when the last good answer became too old.
type Change struct {
	Name  int          // index into Options.Names
	Addrs []netip.Addr // what is to be used from now on, in order; shared: not to be changed; empty: nothing
	Err   error        // why the last look-up failed; nil: it did not
}

// A family is one of those that a look-up asks for.
type family int

// The families, in the order in which their addresses are used.
const (
	ip4 family = iota
	ip6
	families
)

// network is what package net calls the family.
func (f family) network() string { return [families]string{"ip4", "ip6"}[f] }

// An answer is what a look-up gave for one family. Neither addresses nor an
// error: the family was not asked for.
type answer struct {
	addrs []netip.Addr
	err   error
}

// none reports whether the answer says that the name has no such addresses:
// the name servers do not have it, or /etc/hosts has it with others.
func (a answer) none() bool {
	var dns *net.DNSError
	var addr *net.AddrError
	return errors.As(a.err, &dns) && dns.IsNotFound || errors.As(a.err, &addr)
}

// known is the last good answer for one family.
type known struct {
	addrs []netip.Addr
	good  time.Time // when it came
}

// An entry is what is known of one name. It has no clock: now is an argument.
type entry struct {
	known  [families]known
	next   time.Time // of the next look-up
	retry  time.Duration
	failed bool // the last look-up did, in one family at least
}

// addrs are those of all families, in the order in which they are used.
func (e *entry) addrs() []netip.Addr {
	return slices.Concat(e.known[ip4].addrs, e.known[ip6].addrs)
}

// begin makes addrs the last good answer.
func (e *entry) begin(addrs []netip.Addr, now time.Time) {
	for _, a := range addrs {
		f := ip6
		if a.Is4() {
			f = ip4
		}
		e.known[f] = known{append(e.known[f].addrs, a), now}
	}
}

// answered takes in a look-up's result. The change is to be reported if ok.
//
// The families stand and fall apart from each other: a name server that does
// not answer for AAAA takes nothing away from A. That a name has no address
// of a family is believed where it has one of the other; a name that is gone
// as a whole is a look-up that failed.
func (e *entry) answered(n Name, now time.Time, o *Options, answers [families]answer) (c Change, ok bool) {
	before, some := e.addrs(), false
	for f := range answers {
		a := &answers[f]
		if usable := n.usable(family(f), a.addrs); len(usable) > 0 {
			e.known[f], some = known{usable, now}, true
		} else if len(a.addrs) > 0 {
			a.err = errUnusable
		}
	}
	var lost []error
	for f, a := range answers {
		switch {
		case a.err == nil:
		case a.none() && some:
			e.known[f] = known{}
		default:
			lost = append(lost, a.err)
		}
	}
	if len(lost) == 0 && some {
		ok = e.failed || !slices.Equal(before, e.addrs())
		e.retry, e.failed, e.next = 0, false, now.Add(o.Every)
		return Change{Addrs: e.addrs()}, ok
	}
	ok = e.lost(now, o)
	addrs := e.addrs()
	return Change{Addrs: addrs, Err: fmt.Errorf("peer %q: look up %s: %w", n.Peer, n.Host, first(lost))}, ok || !slices.Equal(before, addrs)
}

// first returns one error: that is enough for a line of the log.
func first(errs []error) error {
	if len(errs) == 0 {
		return errUnusable
	}
	return errs[0]
}

// lost notes that a look-up failed, for the first time if it says so, and
// forgets what is too old.
func (e *entry) lost(now time.Time, o *Options) bool {
	again := e.failed
	e.failed = true
	e.retry = min(max(2*e.retry, o.Retry), o.Every)
	e.next = now.Add(e.retry)
	for f := range e.known {
		k := &e.known[f]
		end := k.good.Add(o.Keep)
		switch {
		case len(k.addrs) == 0:
		case !now.Before(end):
			*k = known{}
		case end.Before(e.next):
			e.next = end // The last good answer ends when it is due, not a repetition later.
		}
	}
	return !again
}
