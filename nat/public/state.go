package public

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// A State is what is known at a moment. It belongs to whoever got it.
type State struct {
	Signaling Known
	Media     Known
}

// A Known is an address and how it is known.
type Known struct {
	// Addr is the public address; invalid: not known yet. When nobody answers
	// any more it stays what it was last, and Err says so.
	Addr     netip.Addr
	Method   Method    // that worked: never Auto
	By       string    // who said it: "PCP router 192.168.1.1"
	Since    time.Time // when Addr was learned
	Asked    time.Time // when it was last confirmed
	Next     time.Time // when it is asked for again; zero: never
	Mappings []Mapping // in the order of the ports
	Err      string    // what went wrong last, in words; empty: nothing since Asked
	Tried    []string  // the ways that did not work, and why, in words
	Advice   []string  // what the operator has to do, in words
}

// A Mapping is a port of ours that the router forwards, or has been asked to.
type Mapping struct {
	Local    Port
	External uint16    // the port at the public address; 0: not mapped
	Until    time.Time // when the router forgets it; zero: never
	Renew    time.Time // when it is asked for again
	Err      string    // why it is not mapped, in words
}

// String returns the mapping as operators read it: "udp 5060 as 5060".
func (m Mapping) String() string {
	switch {
	case m.External != 0 && m.Err != "":
		return fmt.Sprintf("%s as %d (not renewed: %s)", m.Local, m.External, m.Err)
	case m.External != 0:
		return fmt.Sprintf("%s as %d", m.Local, m.External)
	case m.Err != "":
		return fmt.Sprintf("%s not mapped: %s", m.Local, m.Err)
	}
	return fmt.Sprintf("%s not mapped yet", m.Local)
}

// Port returns the port at the public address that leads to a port of ours:
// the same where no router was asked to forward it.
func (k *Known) Port(local Port) uint16 {
	for i := range k.Mappings {
		if m := &k.Mappings[i]; m.Local == local && m.External != 0 {
			return m.External
		}
	}
	return local.Port
}

// Lines returns what `sbc status` shows, without indentation: how the address
// is known, then what is mapped, what failed, and what is to be done.
func (k *Known) Lines(now time.Time) []string {
	list := []string{k.String()}
	if k.Addr.IsValid() {
		list[0] += fmt.Sprintf(", for %s, confirmed %s ago", span(now.Sub(k.Since)), span(now.Sub(k.Asked)))
	}
	if !k.Next.IsZero() {
		list[0] += fmt.Sprintf(", asked again in %s", span(k.Next.Sub(now)))
	}
	list = append(list, k.mapped(now)...)
	if k.Err != "" && k.Err != words(k.Tried) {
		list = append(list, "last error: "+k.Err)
	}
	for _, t := range k.Tried {
		list = append(list, "tried "+t)
	}
	return append(list, k.Advice...)
}

// shown bounds the mappings that Lines writes out one by one.
const shown = 8

func (k *Known) mapped(now time.Time) (list []string) {
	for i := range k.Mappings {
		m := &k.Mappings[i]
		if i == shown {
			good := 0
			for _, m := range k.Mappings[i:] {
				if m.External != 0 {
					good++
				}
			}
			return append(list, fmt.Sprintf("and %d more ports, of which %d are mapped", len(k.Mappings)-i, good))
		}
		line := m.String()
		if m.External != 0 && !m.Renew.IsZero() {
			line += fmt.Sprintf(", renewed in %s", span(m.Renew.Sub(now)))
		}
		list = append(list, line)
	}
	return list
}

// String returns the address and who said it in one line:
// "203.0.113.7 (PCP router 192.168.1.1)".
func (k *Known) String() string {
	if !k.Addr.IsValid() {
		return "public address not known"
	}
	return fmt.Sprintf("%s (%s)", k.Addr, k.By)
}

// String returns both addresses in one line, media only where it differs.
func (s *State) String() string {
	if s.Media.Addr == s.Signaling.Addr {
		return s.Signaling.String()
	}
	return s.Signaling.String() + "; media " + s.Media.String()
}

func span(d time.Duration) string { return max(d, 0).Round(time.Second).String() }

// clone returns a Known that shares nothing with k.
func (k *Known) clone() Known {
	c := *k
	c.Mappings = slices.Clone(k.Mappings)
	c.Tried = slices.Clone(k.Tried)
	c.Advice = slices.Clone(k.Advice)
	return c
}

// differs reports whether somebody who told the world what k says must tell it
// anew what now says: the address, or a port of it.
func (k *Known) differs(now *Known) bool {
	if k.Addr != now.Addr || len(k.Mappings) != len(now.Mappings) {
		return true
	}
	for i := range k.Mappings {
		if k.Port(k.Mappings[i].Local) != now.Port(k.Mappings[i].Local) {
			return true
		}
	}
	return false
}

// words joins sentences for a log line.
func words(list []string) string { return strings.Join(list, "; ") }
