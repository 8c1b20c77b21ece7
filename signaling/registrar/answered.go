package registrar

import (
	"bytes"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// Answered takes the PBX's response to what went to it under key, and says what
// the phone gets of it. m is nil where none came, or the REGISTER could not be
// sent: the phone gets an answer of ours. Provisional responses change nothing.
func (r *Registrar) Answered(now time.Time, key uint64, m *sip.Message) Reply {
	r.begin()
	at := r.since(now)
	if m != nil && m.Status() < 200 {
		return Reply{Status: m.Status()}
	}
	p := r.take(key)
	if p == nil {
		return Reply{}
	}
	reply := r.answered(at, p, m)
	reply.Fields, reply.Effects = r.out, r.do
	return reply
}

func (r *Registrar) answered(at time.Duration, p *pending, m *sip.Message) Reply {
	if m == nil {
		r.unheard(p)
		r.out = appendRetryAfter(r.out, int(againAfter/time.Second)+r.opt.Rand.IntN(30))
		return Reply{Status: 503, Own: true}
	}
	status := m.Status()
	challenge, wrong := status == 401 || status == 407, false
	if !p.again {
		r.rates[p.ep].learned(challenge)
	}
	switch {
	case status < 300:
		r.confirm(at, p, m)
	case challenge:
		wrong = p.answers && !stale(m)
		r.challenge(at, p.flow, m)
		if !p.again {
			r.challenged.put(p.session, at).at = at + challengeFor
		}
	default:
		wrong = p.answers && (status == 403 || status == 404)
		r.doubt(p)
	}
	return Reply{Status: status, Wrong: wrong, Flow: p.flow}
}

// stale reports whether a challenge says that only the nonce was at fault (RFC
// 7616 section 3.3).
func stale(m *sip.Message) bool {
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		switch f := fields[i]; f.ID {
		case sip.FieldWWWAuthenticate, sip.FieldProxyAuthenticate:
			a, err := sip.ParseAuth(m.Raw, f.Value)
			if err != nil {
				continue
			}
			if v, ok := a.Param(m.Raw, "stale"); ok && bytes.EqualFold(bytes.Trim(v.Of(m.Raw), `"`), []byte("true")) {
				return true
			}
		}
	}
	return false
}

// Forget forgets the REGISTER of Verdict.Key, which did not go to the PBX.
func (r *Registrar) Forget(key uint64) { r.take(key) }

// doubt lets the next refresh by the flow of p go to the PBX, whose answer left
// open whether it still holds the bindings. Nothing is taken away: anybody can
// get such an answer for any address-of-record.
func (r *Registrar) doubt(p *pending) {
	for i := range p.want {
		if b := r.bindings[p.want[i].serial]; b != nil && b.flow == p.flow && b.callID == p.callID {
			b.stale = true
		}
	}
}

// unheard is doubt of a REGISTER that has no answer: it may have been done and
// its answer lost, which of a "*" is about all bindings of its address-of-record.
func (r *Registrar) unheard(p *pending) {
	r.doubt(p)
	if a := r.aors[p.aor]; p.star && a != nil {
		for _, b := range a.list {
			b.stale = true
		}
	}
}

// confirm does what the PBX has done: its 2xx lists all bindings of the
// address-of-record that it holds now (RFC 3261 section 10.3 step 8).
func (r *Registrar) confirm(at time.Duration, p *pending, m *sip.Message) {
	a := r.aors[p.aor]
	if a != nil {
		r.compare(at, a, p, m)
	}
	route := r.routeOf(p, m)
	outbound := false
	if f, ok := m.First(sip.FieldRequire); ok {
		outbound = sip.HasToken(m.Raw, f.Value, "outbound")
	}
	for i := range p.want {
		w := &p.want[i]
		granted, extra := r.granted(w, m)
		b := r.bindings[w.serial]
		if granted == 0 {
			if b != nil {
				r.forget(b)
			}
			continue
		}
		if b == nil {
			b = r.bind(at, p, w)
		}
		r.update(at, b, p, w, granted)
		b.text, b.route, b.outbound = w.text+extra, route, outbound
		r.registered(at, b)
		r.save(b)
	}
	r.tell(at, p)
}

// compare holds what we have against the PBX's list: what a removal took away
// goes, and what the PBX lost for another reason is asked of it when its phone
// refreshes.
func (r *Registrar) compare(at time.Duration, a *aor, p *pending, m *sip.Message) {
	for i := len(a.list) - 1; i >= 0; i-- {
		b := a.list[i]
		if p.speaksOf(b.serial) {
			continue
		}
		seconds, _, listed := r.listed(b.serial, m)
		switch {
		case listed && seconds > 0:
			b.there = min(b.there, at+time.Duration(seconds)*time.Second)
			b.here = min(b.here, b.there)
			r.sooner(b, b.here)
		case p.star:
			r.forget(b)
		default:
			b.stale = true
		}
	}
}

func (p *pending) speaksOf(serial uint64) bool {
	for i := range p.want {
		if p.want[i].serial == serial {
			return true
		}
	}
	return false
}

// granted returns for how many seconds the PBX has bound w, and the GRUUs of it
// as parameters. A PBX that lists nothing is taken at the word of its Expires,
// or of its 2xx.
func (r *Registrar) granted(w *want, m *sip.Message) (seconds uint32, extra string) {
	if w.seconds == 0 {
		return 0, ""
	}
	seconds, na, ok := r.listed(w.serial, m)
	if ok {
		return seconds, gruus(m, na.Params)
	}
	if n, star := m.Contacts(); n > 0 || star {
		return 0, ""
	}
	if n, ok := expiresOf(m); ok {
		return n, ""
	}
	return w.there, ""
}

// listed finds our token for serial among the Contacts of a 2xx.
func (r *Registrar) listed(serial uint64, m *sip.Message) (secs uint32, found sip.NameAddr, ok bool) {
	r.buf = r.opt.Token(r.buf[:0], serial)
	for i, fields := 0, m.Fields(); i < len(fields); i++ {
		if fields[i].ID != sip.FieldContact {
			continue
		}
		for na, err := range m.NameAddrs(fields[i]) {
			if err != nil {
				break
			}
			u, err := sip.ParseURI(m.Raw, na.URI)
			if err != nil || !bytes.Equal(m.Bytes(u.User), r.buf) {
				continue
			}
			secs, ok = expiresOf(m)
			if v, has := sip.Param(m.Raw, na.Params, "expires"); has {
				secs, ok = seconds(m.Raw, v), true
			}
			if !ok {
				secs = malformed
			}
			return secs, na, true
		}
	}
	return 0, found, false
}

// gruus returns the parameters of a Contact in a 2xx that are the phone's
// (RFC 5627 section 5.2).
func gruus(m *sip.Message, params sip.Span) string {
	var s strings.Builder
	for _, name := range [...]string{"pub-gruu", "temp-gruu", "temp-gruu-cookie"} {
		if v, ok := sip.Param(m.Raw, params, name); ok && !v.Empty() && s.Len()+v.Len() <= paramsBytesMax {
			if value := m.Bytes(v); !bytes.ContainsAny(value, "\r\n") {
				s.WriteString(";" + name + "=" + string(value))
			}
		}
	}
	return s.String()
}

// routeOf returns the Service-Route of a 2xx (RFC 3608 section 5). The phones
// of a PBX mostly get the same one, which is then kept once.
func (r *Registrar) routeOf(p *pending, m *sip.Message) string {
	route := linesOf(m, sip.FieldServiceRoute, routeBytesMax)
	if a := r.aors[p.aor]; a != nil && len(a.list) > 0 && a.list[0].route == route {
		return a.list[0].route
	}
	if route == r.route {
		return r.route
	}
	r.route = route
	return route
}

// aorOf returns the address-of-record of a key, a new one if there is none.
func (r *Registrar) aorOf(ep int, key string) *aor {
	a := r.aors[key]
	if a == nil {
		a = &aor{ep: uint16(ep), key: key}
		r.aors[key] = a
		r.count[ep]++
	}
	return a
}

// bind makes a new binding.
func (r *Registrar) bind(at time.Duration, p *pending, w *want) *binding {
	if a := r.aors[p.aor]; a != nil && len(a.list) >= r.opt.Endpoints[p.ep].Contacts {
		r.forget(a.worst(at))
	}
	a := r.aorOf(p.ep, p.aor)
	b := &binding{aor: a, serial: w.serial, made: at, flow: p.flow}
	a.list = append(a.list, b)
	r.bindings[b.serial] = b
	r.join(b)
	b.due.Of = b
	r.due.Set(&b.due, at+expiresMax*time.Second)
	return b
}

// worst returns the binding of a that is missed least: one that is not
// reachable, and of those the one whose phone was there last of all.
func (a *aor) worst(at time.Duration) *binding {
	worst := a.list[0]
	for _, b := range a.list[1:] {
		u, w := b.state(at) != Reachable, worst.state(at) != Reachable
		if u && !w || u == w && b.here < worst.here {
			worst = b
		}
	}
	return worst
}

// update writes what a 2xx has confirmed into b.
func (r *Registrar) update(at time.Duration, b *binding, p *pending, w *want, granted uint32) {
	if b.flow != p.flow {
		r.move(b, p.flow)
	}
	b.down, b.stale = false, false
	b.uriBytes = w.uriBytes
	b.print, b.creds, b.callID, b.cseq, b.ours = p.print, p.creds, p.callID, p.cseq, false
	b.path, b.kind = p.path, p.kind
	b.granted = time.Duration(granted) * time.Second
	b.there = at + b.granted
	r.grant(at, b, w.seconds)
}

// tell writes what the phone gets: its own bindings, never another's.
func (r *Registrar) tell(at time.Duration, p *pending) {
	a := r.aors[p.aor]
	if a != nil {
		for _, b := range a.list {
			if b.flow == p.flow && (b.callID == p.callID || p.speaksOf(b.serial)) {
				r.out = appendContact(r.out, b, at)
			}
		}
	}
	r.out = append(r.out, p.path...)
}
