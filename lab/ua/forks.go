package ua

import (
	"net/netip"
	"slices"
)

// A fork is one early dialog of an INVITE of ours, with what was agreed in it.
// RFC 3261 section 13.2.2.4.
type fork struct {
	dialog
	session
	reliable
}

// has reports whether a tag of the far end names the call: one of its early
// dialogs, or the one that was answered.
func (c *call) has(tag string) bool {
	if tag == c.remoteTag {
		return tag != ""
	}
	return !c.up && c.forkOf(tag) >= 0
}

func (c *call) forkOf(tag string) int {
	for i := range c.forks {
		if c.forks[i].remoteTag == tag {
			return i
		}
	}
	return -1
}

// focus makes the dialog with a tag the one that the call acts in: the newest
// that has said something is the one that is heard.
func (c *call) focus(tag string) {
	if tag == c.remoteTag {
		return
	}
	current := fork{c.dialog, c.session, c.reliable}
	switch i := c.forkOf(c.remoteTag); {
	case c.remoteTag == "":
		c.seed = current
	case i >= 0:
		c.forks[i] = current
	default:
		c.forks = append(c.forks, current)
	}
	next := c.seed
	next.remoteTag = tag
	if i := c.forkOf(tag); i >= 0 {
		next = c.forks[i]
	}
	next.roles = slices.Clone(next.roles) // no fork writes into those of another
	c.dialog, c.session, c.reliable = next.dialog, next.session, next.reliable
}

// heardFork reports whether an address is the media of an early dialog.
func (c *call) heardFork(from netip.AddrPort) bool {
	for i := range c.forks {
		if far := &c.forks[i].far; from == far.rtp || from == far.rtcp {
			return true
		}
	}
	return false
}

// Forks returns how many early dialogs a call of ours has, or had when it was
// answered.
func (a *Agent) Forks(id Call) int {
	c := a.byID(id)
	if c == nil || c.remoteTag == "" {
		return 0
	}
	if c.forkOf(c.remoteTag) >= 0 {
		return len(c.forks)
	}
	return len(c.forks) + 1
}
