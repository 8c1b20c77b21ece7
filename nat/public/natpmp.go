package public

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
)

// A pmp is a NAT-PMP router in use (RFC 6886).
type pmp struct {
	local, server netip.Addr
	epoch         epoch
	forgot        bool
}

func newNATPMP(_ context.Context, o *Options, gateway netip.Addr, _ []port) (way, error) {
	if !o.Local.Is4() || !gateway.Is4() {
		return nil, errFamily
	}
	return &pmp{local: o.Local, server: gateway}, nil
}

func (p *pmp) by() string { return fmt.Sprintf("NAT-PMP router %s", p.server) }

// client makes a client for one exchange, which ends with ctx's deadline: the
// library knows no context.
func (p *pmp) client(ctx context.Context) (*natpmp.Client, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	wait := patience
	if until, ok := ctx.Deadline(); ok {
		wait = min(wait, time.Until(until))
	}
	return natpmp.NewClientWithLocalAndTimeout(p.server.AsSlice(), p.local.AsSlice(), max(wait, time.Millisecond)), nil
}

// heard follows the epoch, by the stricter rule of RFC 6887 section 8.5.
func (p *pmp) heard(epoch uint32) {
	if p.epoch.lost(epoch, time.Now()) {
		p.forgot = true
	}
}

// look asks for the address, and renews a mapping: a router may count its own
// age as its epoch, and forget mappings while it runs.
func (p *pmp) look(ctx context.Context, of port, m Mapping) (addr netip.Addr, lost bool, err error) {
	c, err := p.client(ctx)
	if err != nil {
		return addr, false, err
	}
	r, err := c.GetExternalAddress()
	if err != nil {
		return addr, false, pmpError(err)
	}
	p.heard(r.SecondsSinceStartOfEpoc)
	if m.External != 0 {
		g, err := p.add(ctx, of, m)
		lost = err != nil || g.external != m.External
	}
	lost, p.forgot = lost || p.forgot, false
	return netip.AddrFrom4(r.ExternalIPAddress), lost, nil
}

func (p *pmp) add(ctx context.Context, want port, m Mapping) (grant, error) {
	c, err := p.client(ctx)
	if err != nil {
		return grant{}, err
	}
	suggest := want.Port.Port
	if m.External != 0 {
		suggest = m.External
	}
	r, err := c.AddPortMapping(string(want.Transport), int(want.Port.Port), int(suggest), int(lifetime/time.Second))
	if err != nil {
		return grant{}, pmpError(err)
	}
	p.heard(r.SecondsSinceStartOfEpoc)
	switch {
	case r.InternalPort != want.Port.Port:
		return grant{}, fmt.Errorf("the router answers about port %d", r.InternalPort)
	case r.MappedExternalPort == 0 || r.PortMappingLifetimeInSeconds == 0:
		return grant{}, errNothing
	case want.same && r.MappedExternalPort != want.Port.Port:
		p.remove(ctx, Mapping{Local: want.Port})
		return grant{}, errOtherPort(r.MappedExternalPort)
	}
	return grant{external: r.MappedExternalPort, lifetime: time.Duration(r.PortMappingLifetimeInSeconds) * time.Second}, nil
}

// remove is a mapping with lifetime 0 and external port 0 (RFC 6886 section
// 3.4).
func (p *pmp) remove(ctx context.Context, m Mapping) error {
	c, err := p.client(ctx)
	if err != nil {
		return err
	}
	_, err = c.AddPortMapping(string(m.Local.Transport), int(m.Local.Port), 0, 0)
	return pmpError(err)
}

// pmpWords are the result codes of RFC 6886 section 3.5.
var pmpWords = map[int]string{
	1: "it does not speak this version",
	2: "mapping is not allowed: allow it in the router",
	3: "it has no connection or no public address itself",
	4: "it has no room left",
	5: "it does not know the operation",
}

// pmpError puts an error of the library into the operator's words.
func pmpError(err error) error {
	var code int
	var silent net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &silent) && silent.Timeout(), err.Error() == "Timed out trying to contact gateway":
		return errSilent
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	}
	if _, bad := fmt.Sscanf(err.Error(), "Non-zero result code %d", &code); bad == nil && pmpWords[code] != "" {
		return errors.New(pmpWords[code])
	}
	return err
}
