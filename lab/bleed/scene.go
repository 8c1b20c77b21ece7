package bleed

import (
	"errors"
	"net/netip"
	"time"

	"sbc/mediarelay"
	engine "sbc/mediarelay/socket"
)

// The ports of a relay. Ours: enough that spraying is guessing, and few enough
// that all are hit every tick.
const (
	firstPort = 26000
	lastPort  = 26015
)

// A scene is one attack on one relay with one call.
type scene struct {
	attack  attack
	weak    weakness
	relay   *engine.Engine
	call    mediarelay.Stream
	realms  [2]netip.Addr // ours, by side
	parties [2]*party
	thief   *thief
}

// newScene sets up scene number i, at addresses that no other one has.
func newScene(i int, a attack, weak weakness) (s *scene, err error) {
	s = &scene{attack: a, weak: weak}
	at := func(c, d byte) netip.Addr { return netip.AddrFrom4([4]byte{127, byte(81 + i), c, d}) }
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	o := engine.Options{Workers: 1}
	for side := range s.realms {
		s.realms[side] = at(byte(side), 1)
		o.Realms = append(o.Realms, mediarelay.RealmPool{
			Name: mediarelay.Side(side).String(), Addr: s.realms[side], First: firstPort, Last: lastPort, NAT: true,
		})
	}
	if s.relay, err = engine.New(o); err != nil {
		return s, err
	}
	if s.call, err = s.relay.Open(mediarelay.Open{Realm: [2]int{0, 1}}); err != nil {
		return s, err
	}
	for side := range s.parties {
		if s.parties[side], err = newParty(side, at(byte(side), 10)); err != nil {
			return s, err
		}
	}
	s.thief, err = newThief(at(2, 66))
	return s, err
}

// step does what happens at a time, the attacker first: that is the worst.
func (s *scene) step(at time.Duration) error {
	if at == answer {
		for side, p := range s.parties {
			s.call.Set(mediarelay.Side(side), s.remote(p))
		}
	}
	if s.weak.each != nil {
		s.weak.each(s, at)
	}
	if at >= s.attack.from && at < silence {
		if err := s.spray(); err != nil {
			return err
		}
	}
	for side, p := range s.parties {
		if at >= talk && at < silence {
			if err := p.speak(s.call.Local(mediarelay.Side(side))); err != nil {
				return err
			}
		}
		if err := p.listen(s.parties[1-side], s.thief); err != nil {
			return err
		}
	}
	return s.thief.listen()
}

// remote is what signaling knows of a party: the description is wrong, and
// signaling came from the public address of its NAT.
func (s *scene) remote(p *party) mediarelay.Remote {
	return mediarelay.Remote{
		RTP: p.says[0], RTCP: p.says[1], Signaling: p.rtp.addr.Addr(), Sources: s.weak.sources, Sends: true, Receives: true,
	}
}

// spray sends RTP and RTCP to every port of both realms, from a port for each.
func (s *scene) spray() error {
	for side, ours := range s.realms {
		as := s.thief.talker
		if s.attack.copies {
			as.ssrc, as.seq, as.ts = s.parties[side].ssrc, s.parties[side].seq, s.parties[side].ts
		}
		for port := uint16(firstPort); port <= lastPort; port++ {
			if err := s.thief.send(netip.AddrPortFrom(ours, port), &as); err != nil {
				return err
			}
		}
	}
	s.thief.next()
	return nil
}

// result is what came of the attack; for after the last step.
func (s *scene) result() Result {
	r := Result{Attack: s.attack.name, Sprayed: s.thief.sent, Hears: s.thief.hears, Refused: map[string]int{}}
	for side, p := range s.parties {
		r.Heard += p.deceived
		r.Audio[side] = p.audio(s.parties[1-side])
	}
	for _, x := range s.call.Stats() {
		for c, n := range x.Drops {
			if n > 0 {
				r.Refused[mediarelay.Cause(c).String()] += int(n)
			}
		}
	}
	return r
}

// close gives everything back; it may be called for a scene that is not whole.
func (s *scene) close() error {
	var errs []error
	if s.relay != nil {
		errs = append(errs, s.relay.Close())
	}
	for _, p := range s.parties {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	if s.thief != nil {
		errs = append(errs, s.thief.close())
	}
	return errors.Join(errs...)
}
