package public

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"sbc/nat"
)

// A way is one method in use: a router or server that has answered once. It
// belongs to one learner.
type way interface {
	// look asks for the public address, and whether the router still has the
	// mapping m of p, by renewing it where there is no other way to know;
	// m.External 0: there is none. lost: the router says, or lets know, that it
	// has forgotten mappings, or has changed this one. What it returns is not
	// judged yet.
	look(ctx context.Context, p port, m Mapping) (addr netip.Addr, lost bool, err error)
	// add asks for a mapping, or renews m.
	add(ctx context.Context, p port, m Mapping) (grant, error)
	// remove gives a mapping back.
	remove(ctx context.Context, m Mapping) error
	// by names who is asked, for the operator: "PCP router 192.168.1.1".
	by() string
}

// A grant is what a router gave.
type grant struct {
	external uint16
	addr     netip.Addr    // invalid: the address that look returns
	lifetime time.Duration // 0: for ever
}

// errNoMapping is the add of a way that maps nothing.
var errNoMapping = errors.New("this method maps no ports")

// A later error says that asking again before is of no use.
type later struct {
	error
	after time.Duration
}

func (l later) Unwrap() error { return l.error }

// Times of ours.
const (
	// patience bounds one question to a router in our own network.
	patience = 2 * time.Second
	// lifetime is what mappings are asked for. A router that we leave behind
	// without giving back forgets them within it.
	lifetime = 30 * time.Minute
	// lifetimeMin bounds what a router can make us do: we renew no more often
	// than each half of it.
	lifetimeMin = time.Minute
)

// judge refuses an address that cannot be the one by which the world reaches
// local. who names who said it.
func judge(addr, local netip.Addr, who string) error {
	why, bad := nat.Refuse(addr)
	switch {
	case !addr.IsValid():
		return fmt.Errorf("%s names no address", who)
	case addr.Is4() != local.Is4():
		return fmt.Errorf("%s says that our public address is %s, which is of another family than %s: refused", who, addr, local)
	case !bad:
		return nil
	}
	if p := nat.PlaceOf(addr); p == nat.Private || p == nat.Shared {
		return fmt.Errorf("%s says that our public address is %s, which is %s: refused; "+
			"there is another NAT behind it (a second router, or the carrier's): ask a STUN server, and forward the ports there too", who, addr, why)
	}
	return fmt.Errorf("%s says that our public address is %s, which is %s: refused", who, addr, why)
}
