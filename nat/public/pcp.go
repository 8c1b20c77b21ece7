package public

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// A pcp is a PCP server in use: the router.
type pcp struct {
	local, server netip.Addr
	key           []byte // of the nonces
	probe         []port // by whose mappings the address is asked for
	epoch         epoch
	forgot        bool // the server has lost its state, and look has not said so yet

	last map[Port]netip.AddrPort // what the server gave
}

// discard is mapped for a short time where no port of ours is to be: only a
// mapping has an external address (RFC 6887 section 11.6).
var discard = port{Port: Port{UDP, 9}}

// probes bounds how many ports are tried when the server refuses to map the
// first, which somebody else may have.
const probes = 3

// newPCP asks whether a router speaks PCP: by an ANNOUNCE, which changes
// nothing (RFC 6887 section 14.1).
func newPCP(ctx context.Context, o *Options, gateway netip.Addr, ports []port) (way, error) {
	p := &pcp{local: o.Local, server: gateway, key: o.Key, last: map[Port]netip.AddrPort{}}
	p.probe = ports[:min(len(ports), probes)]
	if len(ports) == 0 {
		p.probe = []port{discard}
	}
	announce := appendPCP(nil, opAnnounce, 0, p.local)
	_, err := p.ask(ctx, announce, func(r *pcpResponse) bool { return r.op == opAnnounce })
	var refused result
	if errors.As(err, &refused) && refused != resultVersion {
		return p, nil // it speaks PCP; ANNOUNCE is not for everybody
	}
	return p, err
}

func (p *pcp) by() string { return fmt.Sprintf("PCP router %s", p.server) }

// ask does one exchange. The error is a result, with the time for which the
// server says that it lasts, or errPCPVersion, or why there is no answer.
func (p *pcp) ask(ctx context.Context, request []byte, ours func(*pcpResponse) bool) (r pcpResponse, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	server := netip.AddrPortFrom(p.server, pcpPort)
	err = exchange(ctx, p.local, server, routerPace, request, func(b []byte) (bool, error) {
		var bad error
		if r, bad = parsePCP(b); bad == errPCPVersion {
			return true, bad
		}
		if bad == nil && r.result == resultVersion {
			return true, r.result // the opcode of such an answer may be anything
		}
		return bad == nil && ours(&r), nil
	})
	if err != nil {
		return r, err
	}
	if p.epoch.lost(r.epoch, time.Now()) {
		p.forgot = true
		clear(p.last)
	}
	if r.result != resultSuccess {
		return r, later{r.result, r.lifetime}
	}
	return r, nil
}

// mapping asks for a mapping, its renewal, or its removal. It suggests what m
// had, or else the same port as inside.
func (p *pcp) mapping(ctx context.Context, want port, m Mapping, life time.Duration) (pcpResponse, error) {
	req := mapRequest{client: p.local, lifetime: life, nonce: p.nonce(want.Port), port: want, external: p.last[want.Port]}
	switch {
	case life == 0:
		req.external = netip.AddrPort{}
	case req.external.IsValid():
	case m.External != 0:
		req.external = netip.AddrPortFrom(netip.Addr{}, m.External)
	default:
		req.external = netip.AddrPortFrom(netip.Addr{}, want.Port.Port)
	}
	r, err := p.ask(ctx, req.append(nil), req.answers)
	if errors.Is(err, resultExternal) && req.external.Addr().IsValid() { // it has another address now
		delete(p.last, want.Port)
		req.external = netip.AddrPortFrom(netip.Addr{}, req.external.Port())
		r, err = p.ask(ctx, req.append(nil), req.answers)
	}
	if errors.Is(err, resultOption) && want.same {
		req.port.same = false // add looks at what comes
		r, err = p.ask(ctx, req.append(nil), req.answers)
	}
	if err == nil && life > 0 {
		p.last[want.Port] = r.external
	}
	return r, err
}

// nonce is a keyed hash of what is mapped: a process that starts again with
// its old key can renew what it left behind.
func (p *pcp) nonce(of Port) (n nonce) {
	h := hmac.New(sha256.New, p.key)
	h.Write(append16(nil, p.local))
	h.Write(binary.BigEndian.AppendUint16([]byte{of.Transport.number()}, of.Port))
	copy(n[:], h.Sum(nil))
	return n
}

// look renews a mapping, which says all there is to know: the address, the
// epoch, and that the port is still the same. While there is none it asks for
// one.
func (p *pcp) look(ctx context.Context, of port, m Mapping) (addr netip.Addr, lost bool, err error) {
	list := p.probe
	if m.External != 0 {
		list = []port{of}
	}
	for _, want := range list {
		was := p.last[want.Port]
		var r pcpResponse
		life := lifetime
		if want == discard {
			life = 2 * lifetimeMin
		}
		r, err = p.mapping(ctx, want, m, life)
		if err == nil {
			lost = p.forgot || was.IsValid() && was != r.external || m.External != 0 && m.External != r.external.Port()
			p.forgot = false
			return r.external.Addr(), lost, nil
		}
		if !errors.As(err, new(result)) {
			break // it does not answer: no use in asking for more
		}
	}
	return addr, false, err
}

func (p *pcp) add(ctx context.Context, want port, m Mapping) (grant, error) {
	r, err := p.mapping(ctx, want, m, lifetime)
	if err != nil {
		return grant{}, err
	}
	g := grant{external: r.external.Port(), addr: r.external.Addr(), lifetime: max(r.lifetime, time.Second)}
	if want.same && g.external != want.Port.Port {
		p.remove(ctx, Mapping{Local: want.Port})
		return grant{}, errOtherPort(g.external)
	}
	return g, nil
}

func (p *pcp) remove(ctx context.Context, m Mapping) error {
	delete(p.last, m.Local)
	_, err := p.mapping(ctx, port{Port: m.Local}, m, 0)
	return err
}

// errOtherPort: the router would forward another external port than media can
// use.
type errOtherPort uint16

func (e errOtherPort) Error() string {
	return fmt.Sprintf("the router would give port %d instead, which media cannot use", uint16(e))
}
