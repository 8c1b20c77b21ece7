package ua

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"sbc/signaling/sip"
)

// registerAnswered takes the final response to our REGISTER. m is nil when
// none came.
func (a *Agent) registerAnswered(now time.Duration, t *client, status int, m *sip.Message, do []Effect) []Effect {
	r := t.reg
	if r != a.reg || r.asking != t { // of the time before a reboot
		return do
	}
	r.asking = nil
	if m != nil {
		for _, fault := range a.judgeEnvelope(m) {
			do = a.violation(now, 0, fault+" in "+summary(m), do)
		}
	}
	switch {
	case status < 300:
		do = a.registerGranted(now, m, do)
	case status == 401 || status == 407:
		do = a.registerChallenged(now, m, do)
	case status == 423:
		do = a.tooBrief(now, m, do)
	case status == 439 && r.outbound: // RFC 5626 section 11.6
		r.outbound = false
		do = a.sendRegister(now, do)
	case status == 408 || status == 480 || status >= 500 && status < 600:
		do = a.registerLater(now, status, m, do)
	default:
		do = a.registerRefused(now, status, m, do)
	}
	if r.next == remove && !a.Registered() {
		r.next = nothing
	}
	if r.asking == nil && r.next != nothing {
		return a.toRegister(now, r.next, do)
	}
	return do
}

// judgeEnvelope checks what every response to a REGISTER has to have.
func (a *Agent) judgeEnvelope(m *sip.Message) (faults []string) {
	r, vias := a.reg, 1
	if !a.o.Canary.none() {
		vias = 2
	}
	if string(m.Bytes(m.CallID())) != r.own.callID {
		faults = append(faults, "another Call-ID")
	}
	if string(m.Bytes(m.From().Tag)) != r.own.localTag {
		faults = append(faults, "another From tag")
	}
	if m.To().Tag.Empty() {
		faults = append(faults, "no To tag")
	}
	if v := m.Via(); v.Rport.Empty() || v.Received.Empty() { // RFC 3581 section 4
		faults = append(faults, "no received or rport")
	}
	if m.Vias() != vias {
		faults = append(faults, fmt.Sprintf("%d Via instead of %d", m.Vias(), vias))
	}
	return faults
}

// registerGranted takes the 2xx.
func (a *Agent) registerGranted(now time.Duration, m *sip.Message, do []Effect) []Effect {
	r := a.reg
	seconds, err := a.judgeGrant(m)
	if err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
	}
	stop(r.expire)
	r.failures, r.old, r.expire = 0, nil, nil
	if r.doing != bind {
		r.current, r.route, r.gruu = nil, nil, ""
		return tell(Event{Is: Unregistered, At: now, Status: m.Status(), Message: m}, do)
	}
	r.current = nil
	for _, c := range r.asked {
		if c.expires > 0 {
			r.current = append(r.current, c.uri)
		}
	}
	if r.route, err = values(m, sip.FieldServiceRoute); err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
	}
	granted := time.Duration(max(1, seconds)) * time.Second
	r.expire = a.set(now+granted, alarm{is: expireRegistration})
	do = tell(Event{Is: Registered, At: now, Status: m.Status(), Seconds: seconds, Text: a.contactURI(), Message: m}, do)
	if r.want.Learn && r.learned < learnMost && a.learnAddress(mappedBy(m)) {
		r.learned++
		r.next = bind
		return do
	}
	r.learned = 0
	wait := granted / 2
	if r.want.Early > 0 && r.want.Early < granted {
		wait = granted - r.want.Early
	}
	r.again = a.set(now+wait, alarm{is: registerAgain})
	return do
}

// judgeGrant checks the 2xx against RFC 3261 section 10.3, and returns for how
// long all our contacts are bound.
func (a *Agent) judgeGrant(m *sip.Message) (seconds int, err error) {
	r := a.reg
	list, star, err := readContacts(m)
	if err != nil {
		return 0, err
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if star {
		fault("Contact *")
	}
	seconds = r.seconds
	for _, ours := range r.asked {
		i := slices.IndexFunc(list, func(c contact) bool { return c.uri == ours.uri })
		switch {
		case i < 0 && ours.expires > 0:
			fault("our Contact %s is not named", ours.uri)
			continue
		case i < 0:
			continue
		case ours.expires == 0:
			fault("our Contact %s is named after its removal", ours.uri)
			continue
		}
		faults = append(faults, judgeContact(ours, list[i], r.want.Longer)...)
		seconds = min(seconds, list[i].expires)
	}
	for _, c := range list {
		if !r.want.Shared && !slices.ContainsFunc(r.asked, func(o contact) bool { return o.uri == c.uri }) {
			fault("another's Contact %s", c.uri)
		}
	}
	if r.doing == removeAll && len(list) > 0 {
		fault("a Contact after *")
	}
	if !r.outbound && requires(m, sip.FieldRequire, "outbound") { // RFC 5626 section 6
		fault("Require: outbound, which was not offered")
	}
	if err := r.judgeGRUU(list); err != nil {
		faults = append(faults, err)
	}
	return max(0, seconds), errors.Join(faults...)
}

// judgeContact compares a contact of ours with what the registrar made of it.
func judgeContact(ours, theirs contact, longer bool) (faults []error) {
	switch {
	case theirs.expires < 0: // RFC 3261 section 10.3 step 8
		faults = append(faults, fmt.Errorf("no expires with our Contact %s", ours.uri))
	case theirs.expires == 0:
		faults = append(faults, fmt.Errorf("expires=0 with our Contact %s", ours.uri))
	case theirs.expires > ours.expires && !longer: // step 7
		faults = append(faults, fmt.Errorf("expires=%d where %d was asked for", theirs.expires, ours.expires))
	}
	if theirs.instance != "" && theirs.instance != ours.instance {
		faults = append(faults, fmt.Errorf("+sip.instance %s instead of %s", theirs.instance, ours.instance))
	}
	if theirs.regID != "" && theirs.regID != ours.regID {
		faults = append(faults, fmt.Errorf("reg-id %s instead of %s", theirs.regID, ours.regID))
	}
	return faults
}

// judgeGRUU checks the public GRUU: only who asks gets one, and it stays the
// same. RFC 5627 sections 4.2 and 5.1.
func (r *registration) judgeGRUU(list []contact) error {
	for _, c := range list {
		if c.gruu == "" || !slices.ContainsFunc(r.asked, func(o contact) bool { return o.uri == c.uri }) {
			continue
		}
		switch {
		case !r.want.GRUU || r.want.Instance == "":
			return errors.New("pub-gruu, which was not asked for")
		case !strings.Contains(c.gruu, ";gr"):
			return fmt.Errorf("pub-gruu %q without gr", c.gruu)
		case r.gruu != "" && r.gruu != c.gruu:
			return fmt.Errorf("pub-gruu %q after %q", c.gruu, r.gruu)
		}
		r.gruu = c.gruu
	}
	return nil
}

// mappedBy is the address from which a response says that its request came.
func mappedBy(m *sip.Message) netip.AddrPort {
	v := m.Via()
	addr, err := netip.ParseAddr(strings.Trim(string(m.Bytes(v.Received)), "[]"))
	if err != nil {
		return netip.AddrPort{}
	}
	var port uint16
	if _, err := fmt.Sscanf(string(m.Bytes(v.Rport)), "%d", &port); err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(addr, port)
}

// learnAddress lets the agent's Contact say another address from now on, and
// reports whether it is another.
func (a *Agent) learnAddress(public netip.AddrPort) bool {
	if !public.IsValid() || public == a.here() {
		return false
	}
	a.reg.old = slices.Clone(a.reg.current)
	a.public = public
	a.name(a.contactURI())
	return true
}

// tooBrief obeys a 423. RFC 3261 section 10.2.8.
func (a *Agent) tooBrief(now time.Duration, m *sip.Message, do []Effect) []Effect {
	r := a.reg
	n, ok := number(m, sip.FieldMinExpires)
	if !ok || r.doing != bind || n <= r.seconds {
		do = a.violation(now, 0, fmt.Sprintf("Min-Expires %d to a REGISTER for %d s: %s", n, r.seconds, summary(m)), do)
		return a.registerRefused(now, 423, m, do)
	}
	r.seconds = n
	return a.sendRegister(now, do)
}

// registerLater waits after a failure that may pass: as long as Retry-After
// says, spread, or ever longer. RFC 5626 section 4.5.
func (a *Agent) registerLater(now time.Duration, status int, m *sip.Message, do []Effect) []Effect {
	r := a.reg
	do = tell(Event{Is: RegistrationFailed, At: now, Status: status, Message: m}, do)
	if r.doing != bind {
		return do
	}
	r.failures++
	wait := r.want.Retry
	if wait == 0 {
		wait = retryFirst
	}
	wait = min(retryMost, wait<<min(r.failures-1, 10))
	wait = wait/2 + time.Duration(a.o.Rand.Int64N(int64(wait/2)+1))
	if m != nil {
		if n, ok := number(m, sip.FieldRetryAfter); ok {
			wait = time.Duration(n) * time.Second
			wait += time.Duration(a.o.Rand.Int64N(int64(wait/10+time.Second) + 1))
		}
	}
	r.again = a.set(now+wait, alarm{is: registerAgain})
	return do
}

// registerRefused gives up.
func (a *Agent) registerRefused(now time.Duration, status int, m *sip.Message, do []Effect) []Effect {
	return tell(Event{Is: RegistrationFailed, At: now, Status: status, Text: "for good", Message: m}, do)
}

// registrationLapsed is the end of what was granted.
func (a *Agent) registrationLapsed(now time.Duration, do []Effect) []Effect {
	if !a.Registered() {
		return do
	}
	a.reg.expire, a.reg.current = nil, nil
	return tell(Event{Is: Unregistered, At: now, Text: "lapsed"}, do)
}
