package turn

import (
	"net"
	"net/netip"
	"time"

	"sbc/nat"
)

// An allocation is what we know of one of the library's: enough to refuse
// what it would not. It lives from the request until its relay socket closes,
// which the library does when the allocation ends.
type allocation struct {
	// Constant.
	client      netip.AddrPort
	addr        net.Addr // the client, as the library wants to be told
	tuple       net.Addr // stands for the allocation
	who         identity
	transaction nat.Transaction // of the request
	socket      *relaySocket

	// Guarded by the mu of the front.
	permissions map[netip.Addr]time.Time // until when
	channels    map[uint16]channel
}

// A channel is a number that stands for a peer (RFC 8656 section 12).
type channel struct {
	peer  netip.AddrPort
	until time.Time
}

// RFC 8656 sections 9 and 12, and section 3.2.
const (
	permissionLife  = 5 * time.Minute
	channelLife     = 10 * time.Minute
	defaultLifetime = 10 * time.Minute
)

// Ours: RFC 8656 section 7.2 lets a server bound lifetimes at will. What
// nobody refreshes is gone after half an hour.
const maxLifetime = 30 * time.Minute

// mayReach reports whether there is a permission for a peer.
func (a *allocation) mayReach(now time.Time, peer netip.Addr) bool {
	return a.permissions[peer].After(now)
}

// onChannel reports whether a channel is bound.
func (a *allocation) onChannel(now time.Time, number uint16) bool {
	return a.channels[number].until.After(now)
}

// roomFor reports whether the allocation may have permissions for peers
// besides those that it has.
func (a *allocation) roomFor(now time.Time, peers []netip.AddrPort, most int) bool {
	for p, until := range a.permissions {
		if !until.After(now) {
			delete(a.permissions, p)
		}
	}
	added := map[netip.Addr]bool{}
	for _, p := range peers {
		if !a.mayReach(now, p.Addr()) {
			added[p.Addr()] = true
		}
	}
	return len(a.permissions)+len(added) <= most
}

// permit notes permissions.
func (a *allocation) permit(now time.Time, peers ...netip.AddrPort) {
	for _, p := range peers {
		a.permissions[p.Addr()] = now.Add(permissionLife)
	}
}

// bind notes that a channel stands for a peer: 400 where the number or the
// peer has another (RFC 8656 section 12.2), 508 where there is no room.
func (a *allocation) bind(now time.Time, number uint16, peer netip.AddrPort, quota Quota) (status, bool) {
	for n, c := range a.channels {
		switch {
		case !c.until.After(now):
			delete(a.channels, n)
		case (n == number) != (c.peer == peer):
			return badRequest, false
		}
	}
	_, again := a.channels[number]
	if !again && len(a.channels) >= quota.Channels || !a.roomFor(now, []netip.AddrPort{peer}, quota.Permissions) {
		return insufficient, false
	}
	a.channels[number] = channel{peer, now.Add(channelLife)}
	a.permit(now, peer)
	return 0, true
}

// lifetime is what a client gets that asks for so many seconds; without asked
// it did not ask (RFC 8656 section 7.2: not less than the default).
func lifetime(asked []byte, of func([]byte) uint32) time.Duration {
	if asked == nil {
		return defaultLifetime
	}
	want := time.Duration(of(asked)) * time.Second
	return min(max(want, defaultLifetime), maxLifetime)
}
