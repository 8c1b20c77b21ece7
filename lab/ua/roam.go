package ua

import (
	"net/netip"
	"slices"
	"time"
)

// Roam gives the agent another address, as a phone gets one in another
// network: it opens its sockets there, registers its new Contact, takes the old
// one back where no instance does that, and offers the new address in its
// calls. Requests to the old address reach it no more.
func (a *Agent) Roam(now time.Duration, addr netip.AddrPort, do []Effect) []Effect {
	if addr == a.o.Addr {
		return a.ignored(now, 0, "roam: it is there", do)
	}
	old := a.o.Addr
	a.o.Addr, a.public, a.keep.mapped = addr, netip.AddrPort{}, netip.AddrPort{}
	do = append(do, Effect{Do: Open, From: addr}, Effect{Do: Close, From: old})
	for _, c := range slices.Clone(a.calls) {
		do = a.moveMedia(c, do)
	}
	if r := a.reg; r != nil {
		a.name(a.contactURI())
		if r.old = nil; r.want.Instance == "" || r.want.RegID == 0 {
			r.old = slices.DeleteFunc(slices.Clone(r.current), func(u string) bool { return slices.Contains(r.want.Contacts, u) })
		}
		if len(r.current) > 0 || r.asking != nil {
			do = a.toRegister(now, bind, do)
		}
	}
	for _, c := range slices.Clone(a.calls) {
		if c.up && !c.ending && a.mayReoffer(c) {
			do = a.Refresh(now, c.id, false, do)
		}
	}
	return do
}

// moveMedia opens the media sockets of a call at the agent's address.
func (a *Agent) moveMedia(c *call, do []Effect) []Effect {
	for _, l := range []*line{&c.line, &c.videoLine} {
		if !l.rtp.IsValid() {
			continue
		}
		for _, at := range []*netip.AddrPort{&l.rtp, &l.rtcp} {
			s := a.sockets[*at]
			delete(a.sockets, *at)
			old := *at
			if !a.o.RTCPAddr.IsValid() || at == &l.rtp {
				*at = netip.AddrPortFrom(a.o.Addr.Addr(), at.Port())
			}
			a.sockets[*at] = s
			if !a.o.Quiet && *at != old {
				do = append(do, Effect{Do: Open, From: *at}, Effect{Do: Close, From: old})
			}
		}
	}
	return do
}

// Reboot lets the agent forget all that it knows, as a phone does that loses
// its power: nothing is sent, its calls are told as ended. Register then
// begins with another Call-ID.
func (a *Agent) Reboot(now time.Duration, do []Effect) []Effect {
	for _, c := range slices.Clone(a.calls) {
		do = a.closeMedia(c, do)
		e := Event{Is: Ended, At: now, Call: c.id, Cause: Forgotten, Sent: int(c.line.sender.sent), Audio: c.heard()}
		e.Video = c.videoLine.receiver.Audio
		do = tell(e, do)
	}
	for _, s := range a.subs {
		if s.call == nil {
			do = tell(Event{Is: Unsubscribed, At: now, Call: s.id, Text: "forgotten"}, do)
		}
	}
	fresh := New(a.o)
	fresh.last, fresh.seq, fresh.reborn = a.last, a.seq, now+64*t1
	*a = *fresh
	return do
}
