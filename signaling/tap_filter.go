package signaling

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"sbc/policy"
	"sbc/signaling/b2bua"
)

// A TraceFilter chooses the steps of calls that a Tap gets. Where a list has
// several, one of them is enough; a list without any asks for nothing.
type TraceFilter struct {
	Numbers   []string       // in the user part of caller or callee; with *, ? or [ a pattern of path.Match for all of it
	Addresses []netip.Prefix // of an end of a message of the call, theirs or ours
	Peers     []string       // names of the peers that call or are called
	Methods   []string       // of a message, or of the request that it answers: then there are messages only
	Changes   bool           // outgoing messages come with what was changed
}

// A TraceFilterError says what is wrong with a TraceFilter.
type TraceFilterError struct{ Text string }

func (e *TraceFilterError) Error() string { return e.Text }

// A chooser is a TraceFilter in the form that shards ask.
type chooser struct {
	numbers []string
	addrs   []netip.Prefix
	peers   []int
	methods []string
}

func compile(f *TraceFilter, peers []policy.Peer) (*chooser, error) {
	c := &chooser{numbers: slices.Clone(f.Numbers)}
	for _, n := range f.Numbers {
		if _, err := path.Match(n, ""); err != nil || n == "" {
			return nil, &TraceFilterError{fmt.Sprintf("number %q is no pattern", n)}
		}
	}
	for _, a := range f.Addresses {
		if !a.IsValid() {
			return nil, &TraceFilterError{"an address is not valid"}
		}
		c.addrs = append(c.addrs, netip.PrefixFrom(a.Addr().Unmap(), a.Bits()).Masked())
	}
	for _, name := range f.Peers {
		i := slices.IndexFunc(peers, func(p policy.Peer) bool { return p.Name == name })
		if i < 0 {
			return nil, &TraceFilterError{fmt.Sprintf("no peer %q", name)}
		}
		c.peers = append(c.peers, i)
	}
	for _, m := range f.Methods {
		c.methods = append(c.methods, strings.ToUpper(m))
	}
	return c, nil
}

// A verdict is what a chooser says of a call.
type verdict uint8

const (
	no   verdict = iota
	wait         // it is not known yet where the call goes
	yes
)

// number judges by caller and callee.
func (f *chooser) number(c *b2bua.Call) verdict {
	if len(f.numbers) == 0 {
		return yes
	}
	for _, n := range f.numbers {
		if likes(n, c.Caller) || likes(n, c.Callee) {
			return yes
		}
	}
	return no
}

func likes(pattern, user string) bool {
	if strings.ContainsAny(pattern, `*?[\`) {
		ok, _ := path.Match(pattern, user) // compile has looked at the pattern
		return ok
	}
	return strings.Contains(user, pattern)
}

// peer judges by who calls and who is called.
func (f *chooser) peer(c *b2bua.Call) verdict {
	switch {
	case len(f.peers) == 0, slices.Contains(f.peers, c.From), slices.Contains(f.peers, c.To):
		return yes
	case c.To < 0:
		return wait
	}
	return no
}

// address judges by the ends of one message. As long as no message of the
// callee's side was seen, another one may be the right one.
func (f *chooser) address(st *step) verdict {
	if len(f.addrs) == 0 {
		return yes
	}
	for _, p := range f.addrs {
		if st.wired && (p.Contains(bare(st.remote)) || p.Contains(bare(st.local))) {
			return yes
		}
	}
	if st.wired && st.side == b2bua.B {
		return no
	}
	return wait
}

// bare is the address of an end as a prefix without a zone has it.
func bare(a netip.AddrPort) netip.Addr { return a.Addr().Unmap().WithZone("") }

// method tells whether messages of a method are shown.
func (f *chooser) method(name string) bool { return slices.Contains(f.methods, name) }
