package ua

import (
	"net/netip"
	"time"
)

// registerVerbs are the moves of who registers, and of a registrar. can is
// asked without a call.
var registerVerbs = []verb{
	{name: "register", can: mayRegister, do: func(a *Agent, now time.Duration, _ Move, do []Effect) []Effect {
		return a.Register(now, *a.o.Register, do)
	}},
	{name: "refresh the registration", can: isRegistered, do: func(a *Agent, now time.Duration, _ Move, do []Effect) []Effect {
		return a.RefreshNow(now, do)
	}},
	{name: "unregister", can: isRegistered, do: func(a *Agent, now time.Duration, _ Move, do []Effect) []Effect {
		return a.Unregister(now, do)
	}},
	{name: "unregister all", can: func(a *Agent, _ *call) bool { return a.reg != nil }, do: func(a *Agent, now time.Duration, _ Move, do []Effect) []Effect {
		return a.UnregisterAll(now, do)
	}},
	{name: "reboot", can: mayRegister, do: func(a *Agent, now time.Duration, _ Move, do []Effect) []Effect {
		return a.Register(now, *a.o.Register, a.Reboot(now, do))
	}},
	keepVerb("no keep-alives", KeepNone), keepVerb("keep alive by CRLF", KeepCRLF), keepVerb("keep alive by STUN", KeepSTUN),
	{name: "qualify", needsTo: true, can: func(a *Agent, _ *call) bool { return a.o.Registrar != nil }, do: func(a *Agent, now time.Duration, m Move, do []Effect) []Effect {
		return a.Qualify(now, m.To, do)
	}},
	{name: "roam", needsTo: true, can: mayRegister}, // To is the new address and port
}

func mayRegister(a *Agent, _ *call) bool  { return a.o.Register != nil }
func isRegistered(a *Agent, _ *call) bool { return a.Registered() }

func keepVerb(name string, with Keeping) verb {
	return verb{name: name, can: func(a *Agent, _ *call) bool { return a.reg != nil && a.o.Keepalive.With != with },
		do: func(a *Agent, now time.Duration, _ Move, do []Effect) []Effect {
			return a.SetKeepalive(now, Keepalive{With: with, Every: a.o.Keepalive.Every}, do)
		}}
}

// registerMoves lists what may be done now.
func (a *Agent) registerMoves() (list []Move) {
	for i := range registerVerbs {
		if v := &registerVerbs[i]; v.can(a, nil) {
			list = append(list, Move{Name: v.name, NeedsTo: v.needsTo})
		}
	}
	return list
}

func (a *Agent) roamTo(now time.Duration, to string, do []Effect) []Effect {
	addr, err := netip.ParseAddrPort(to)
	if err != nil {
		return a.ignored(now, 0, "roam: "+err.Error(), do)
	}
	return a.Roam(now, addr, do)
}
