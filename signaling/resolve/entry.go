package resolve

import (
	"errors"
	"fmt"
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

func (n Name) network() string {
	if n.Network == "" {
		return "ip"
	}
	return n.Network
}

// Ours:
const (
	// 16: what large carriers publish for one name is 2 to 8.
	addrsMax = 16
	// 2 s: the first repetition after a failure; it doubles up to Every.
	retryFirst = 2 * time.Second
)

var errUnusable = errors.New("the answer has no address that can be a peer's")

// usable returns those of addrs that a peer can have, in order, each once. A
// resolver that lies must not make us call ourselves or a whole network.
func (n Name) usable(addrs []netip.Addr) []netip.Addr {
	var out []netip.Addr
	for _, a := range addrs {
		a = a.Unmap()
		if a.IsUnspecified() || a.IsMulticast() || a == broadcast || a.Zone() != "" || a.IsLoopback() && !n.Loopback {
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

// An entry is what is known of one name. It has no clock: now is an argument.
type entry struct {
	addrs  []netip.Addr
	good   time.Time // of the last answer that could be used
	next   time.Time // of the next look-up
	retry  time.Duration
	failed bool // the last look-up did
}

// answered takes in a look-up's result. The change is to be reported if ok.
func (e *entry) answered(n Name, now time.Time, o *Options, addrs []netip.Addr, err error) (c Change, ok bool) {
	usable := n.usable(addrs)
	if err == nil && len(usable) == 0 {
		err = errUnusable
	}
	if err != nil {
		return e.lost(n, now, o, err)
	}
	ok = e.failed || !slices.Equal(usable, e.addrs)
	*e = entry{addrs: usable, good: now, next: now.Add(o.Every)}
	return Change{Addrs: usable}, ok
}

func (e *entry) lost(n Name, now time.Time, o *Options, err error) (c Change, ok bool) {
	ok = !e.failed
	e.failed = true
	if len(e.addrs) > 0 && now.Sub(e.good) >= o.Keep {
		e.addrs, ok = nil, true
	}
	e.retry = min(max(2*e.retry, o.Retry), o.Every)
	e.next = now.Add(e.retry)
	// The last good answer ends when it is due, not a repetition later.
	if end := e.good.Add(o.Keep); len(e.addrs) > 0 && end.Before(e.next) {
		e.next = end
	}
	return Change{Addrs: e.addrs, Err: fmt.Errorf("peer %q: look up %s: %w", n.Peer, n.Host, err)}, ok
}
