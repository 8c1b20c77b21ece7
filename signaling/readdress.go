package signaling

import "sbc/signaling/b2bua"

// An Advertised is what a realm behind a router is told from now on: what its
// router is known by may change while we run.
type Advertised struct {
	Realm int
	Hosts map[int]string // by listener: host[:port] for Via and Contact; those that are not there stay
	Media Addrs          // what descriptions name; not valid: as before
}

// Readdress lets all shards name other addresses of ours. What was sent before
// stays as it is; calls name the new address with their next message.
func (e *Engine) Readdress(a Advertised) {
	for _, w := range e.workers {
		w.inbox.ask(func(s *Shard) { s.Readdress(a) })
	}
}

// Readdress lets the shard name other addresses of ours.
func (s *Shard) Readdress(a Advertised) {
	for i, host := range a.Hosts {
		s.opt.Listeners[i].Host = host
	}
	named := &s.opt.Realms[a.Realm].Public
	if a.Media.IP4.IsValid() {
		named.IP4 = a.Media.IP4
	}
	if a.Media.IP6.IsValid() {
		named.IP6 = a.Media.IP6
	}
	o := s.opt.calls()
	s.calls.Readdress(o.Listeners, o.Realms)
	defer s.survive(nil)
	s.calls.Begin()
	s.step(&b2bua.Event{Is: b2bua.Readdressed, Realm: a.Realm})
}

// own returns options that the shard may change.
func (o *Options) own() *Options {
	own := *o
	own.Realms, own.Listeners = append([]Realm(nil), o.Realms...), append([]Listener(nil), o.Listeners...)
	return &own
}
