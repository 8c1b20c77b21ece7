package ua

import "time"

// qualify asks a contact whether it is there.
func (a *Agent) qualify(now time.Duration, b *binding, do []Effect) []Effect {
	if b.gone {
		return do
	}
	b.qualify = a.set(now+a.o.Registrar.Qualify, alarm{is: qualifyBinding, binding: b})
	d := a.begun(a.wayToBinding(b))
	return a.askPeer(now, &d, &client{method: "OPTIONS", binding: b}, a.contact(), "", "", do)
}

// wayToBinding says where a request to a contact goes. RFC 3327 section 5.5:
// its Path is the Route.
func (a *Agent) wayToBinding(b *binding) dialog {
	return dialog{
		target: b.URI, routes: b.Path, direct: true,
		remote: "<sip:" + b.User + "@" + a.registrarDomain() + ">",
	}
}

// qualified takes the answer to an OPTIONS. What changes is told.
func (a *Agent) qualified(now time.Duration, b *binding, status int, do []Effect) []Effect {
	reachable := status/100 == 2
	if b.gone || reachable == b.Reachable {
		return do
	}
	b.Reachable = reachable
	return tell(Event{Is: Qualified, At: now, User: b.User, Status: status, Text: b.URI}, do)
}

// Qualify sends OPTIONS to all contacts of a user now.
func (a *Agent) Qualify(now time.Duration, user string, do []Effect) []Effect {
	for _, b := range a.registrar.byUser[user] {
		d := a.begun(a.wayToBinding(b))
		do = a.askPeer(now, &d, &client{method: "OPTIONS", binding: b}, a.contact(), "", "", do)
	}
	return do
}
