package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"sync/atomic"
)

// Rules are one compiled rule set. All methods may be called by any
// goroutine; SetResolved by one at a time.
type Rules struct {
	// Constant after Compile.
	o        Options
	byPeer   [][]*route // the routes that begin at a peer, in order
	refusals refusals
	domains  domains

	// Atomic.
	sources atomic.Pointer[sources]
}

// A route is a Route with what is worked out once.
type route struct {
	*Route
	replace template
	empty   Refusal // Rewrite left nothing
}

// refusals are all that the rules can say no with, by realm or by peer.
type refusals struct {
	stranger   []Refusal // by realm
	notAllowed []Refusal // by peer
	noRoute    []Refusal // by peer
	uriTooLong []Refusal // by peer
	peers      []limitRefusals
	realms     []limitRefusals
	tolls      []tollRefusals
	noPeer     Refusal
	capacity   Refusal
}

// Compile checks o and makes the rules of it. The error joins all problems.
func Compile(o Options) (*Rules, error) {
	r := &Rules{o: o, byPeer: make([][]*route, len(o.Peers))}
	errs := o.check()
	for i := range o.Routes {
		c, err := compileRoute(&o.Routes[i])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: route %q: %w", o.Routes[i].Ref, o.Routes[i].Name, err))
			continue
		}
		for _, p := range o.Routes[i].From {
			if p >= 0 && p < len(r.byPeer) {
				r.byPeer[p] = append(r.byPeer[p], c)
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var err error
	if r.domains, err = newDomains(&r.o); err != nil {
		return nil, err
	}
	r.routeHome()
	r.refusals = r.allRefusals()
	s, err := newSources(&r.o)
	if err != nil {
		return nil, err
	}
	r.sources.Store(s)
	return r, nil
}

// routeHome adds, behind all others, a route for the requests of endpoints to
// where they register.
func (r *Rules) routeHome() {
	for i := range r.o.Peers {
		if p := &r.o.Peers[i]; p.Endpoints != nil && !p.Gone && !p.Here() {
			home := &Route{Name: p.Name, From: []int{i}, To: []int{p.Endpoints.To}, Ref: p.Ref}
			r.byPeer[i] = append(r.byPeer[i], &route{Route: home})
		}
	}
}

// Options returns what the rules were made of, to be read only.
func (r *Rules) Options() *Options { return &r.o }

// Peers returns the peers, to be read only.
func (r *Rules) Peers() []Peer { return r.o.Peers }

// Stranger returns what a message from no peer gets in a realm: silence, or
// 403 where the realm is trusted.
func (r *Rules) Stranger(realm int) *Refusal { return &r.refusals.stranger[realm] }

func (r *Rules) allRefusals() refusals {
	no := refusals{
		noPeer:   forbidden(CauseStranger, Ref{}, "the request is from no peer"),
		capacity: noRoom(CauseCapacity, Ref{}, fmt.Sprintf("the limit of %d calls in all is reached", r.o.Calls)),
	}
	for i := range r.o.Realms {
		e := &r.o.Realms[i]
		no.realms = append(no.realms, e.Limits.refusals("realm "+e.Name, e.Ref))
		if e.Trust {
			no.stranger = append(no.stranger, forbidden(CauseStranger, e.Ref, "no peer of realm "+e.Name+" has this source address"))
		} else {
			no.stranger = append(no.stranger, silence(e.Ref, "no peer of realm "+e.Name+" has this source address, and the realm is not trusted"))
		}
	}
	for i := range r.o.Peers {
		p := &r.o.Peers[i]
		no.notAllowed = append(no.notAllowed, forbidden(CauseNotAllowed, p.Ref, "no route begins at peer "+p.Name))
		no.noRoute = append(no.noRoute, r.noRoute(i))
		no.uriTooLong = append(no.uriTooLong, tooLong(p.Ref, fmt.Sprintf("user or host part is over %d octets", partMax)))
		no.peers = append(no.peers, p.Limits.refusals("peer "+p.Name, p.Ref))
		no.tolls = append(no.tolls, p.Tolls.refusals(p.Name, p.Ref))
	}
	return no
}

// noRoute names the last route that was tried for the peer.
func (r *Rules) noRoute(peer int) Refusal {
	p := &r.o.Peers[peer]
	routes := r.byPeer[peer]
	if len(routes) == 0 {
		return notFound(CauseNoRoute, p.Ref, "no route begins at peer "+p.Name)
	}
	last := routes[len(routes)-1]
	return notFound(CauseNoRoute, last.Ref,
		fmt.Sprintf("none of the %d routes from peer %s matches; the last is %s", len(routes), p.Name, last.Name))
}

func (o *Options) check() []error {
	var errs []error
	if o.Calls < 0 {
		errs = append(errs, fmt.Errorf("limit of %d calls", o.Calls))
	}
	for i := range o.Realms {
		if err := o.Realms[i].Limits.check(); err != nil {
			errs = append(errs, fmt.Errorf("%s: realm %q: %w", o.Realms[i].Ref, o.Realms[i].Name, err))
		}
	}
	for i := range o.Peers {
		if err := errors.Join(o.checkPeer(&o.Peers[i]), o.Peers[i].Limits.check(), o.Peers[i].Tolls.check()); err != nil {
			errs = append(errs, fmt.Errorf("%s: peer %q: %w", o.Peers[i].Ref, o.Peers[i].Name, err))
		}
	}
	for i := range o.Routes {
		if err := o.Routes[i].check(o.Peers); err != nil {
			errs = append(errs, fmt.Errorf("%s: route %q: %w", o.Routes[i].Ref, o.Routes[i].Name, err))
		}
	}
	return errs
}

func (o *Options) checkPeer(p *Peer) error {
	switch {
	case p.Realm < 0 || p.Realm >= len(o.Realms):
		return fmt.Errorf("no realm %d", p.Realm)
	case p.Gone:
		return nil
	case p.Endpoints != nil:
		return o.checkEndpoints(p)
	case p.Registers && p.User == "":
		return errors.New("a peer that registers needs a user")
	case p.Registers:
		return p.checkNowhere()
	case p.Target.Host == "":
		return errors.New("no target")
	case p.Target.Transport != "" && p.Target.Transport != UDP && p.Target.Transport != TCP && p.Target.Transport != TLS:
		return fmt.Errorf("no transport %q", p.Target.Transport)
	case int(p.Redirect) >= len(redirects):
		return fmt.Errorf("no redirect %d", p.Redirect)
	}
	for _, s := range p.Sources {
		if !s.IsValid() {
			return errors.New("invalid source prefix")
		}
	}
	return nil
}

func (o *Options) checkEndpoints(p *Peer) error {
	to := p.Endpoints.To
	if err := p.checkNowhere(); err != nil {
		return err
	}
	switch {
	case to < 0:
	case to >= len(o.Peers) || o.Peers[to].Endpoints != nil || o.Peers[to].Gone:
		return errors.New("endpoints register with a peer, or here")
	}
	return nil
}

// checkNowhere checks a peer that is where it registers from.
func (p *Peer) checkNowhere() error {
	switch {
	case p.Target != Target{} || len(p.Sources) > 0:
		return errors.New("who registers is where that comes from: no target and no sources")
	case p.Domain == "":
		return errors.New("who registers needs a domain")
	}
	return nil
}

func (t *Route) check(peers []Peer) error {
	if len(t.From) == 0 || len(t.To) == 0 {
		return errors.New("a route needs peers that it is from and to")
	}
	for _, list := range [][]int{t.From, t.To} {
		for _, p := range list {
			if p < 0 || p >= len(peers) || peers[p].Gone {
				return fmt.Errorf("no peer %d", p)
			}
		}
	}
	return nil
}

// addrOf brings an address into the form in which the tables hold it.
func addrOf(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }
