package ua

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sbc/signaling/sip"
)

func itoa(n int) string { return strconv.Itoa(n) }

// hostOf is a host and port without the port.
func hostOf(domain string) string {
	u := []byte("sip:" + domain)
	uri, err := sip.ParseURI(u, sip.Span{End: len(u)})
	if err != nil {
		return domain
	}
	return string(uri.Host.Of(u))
}

// supports reports whether a message has an option tag in Supported.
func supports(m *sip.Message, tag string) bool { return requires(m, sip.FieldSupported, tag) }

// judgeRegister checks what every REGISTER has to be. RFC 3261 section 10.2.
func (a *Agent) judgeRegister(m *sip.Message) error {
	u, to := m.URI(), m.ToURI()
	switch {
	case !u.User.Empty() || strings.Contains(string(m.Bytes(u.All)), "@"):
		return errors.New("a Request-URI with a user")
	case string(m.Bytes(u.Host)) != hostOf(a.registrarDomain()):
		return fmt.Errorf("the Request-URI names %s, not our domain", m.Bytes(u.Host))
	case to.User.Empty():
		return errors.New("a To without a user")
	case string(m.Bytes(m.From().URI)) != string(m.Bytes(m.To().URI)):
		return errors.New("a From that is not the To")
	case !m.To().Tag.Empty():
		return errors.New("a To with a tag")
	case m.Count(sip.FieldRecordRoute) > 0:
		return errors.New("a Record-Route")
	}
	return nil
}

// changeBindings does what a REGISTER asks for, or nothing of it.
func (a *Agent) changeBindings(now time.Duration, s *server, user string, do []Effect) []Effect {
	m := s.request
	list, star, err := readContacts(m)
	path, pathErr := values(m, sip.FieldPath)
	field, hasField := number(m, sip.FieldExpires)
	if err = cmp.Or(err, pathErr); err == nil && star && (!hasField || field != 0) {
		err = errors.New("* without Expires: 0")
	}
	if err != nil {
		do = a.violation(now, 0, err.Error()+" in "+summary(m), do)
		return a.refuseRegister(now, s, 400, "", err.Error(), do)
	}
	if star {
		return a.unbindAll(now, s, user, do)
	}
	fresh := 0
	for i := range list {
		c := &list[i]
		if c.expires < 0 {
			if c.expires = field; !hasField {
				c.expires = cmp.Or(a.o.Registrar.Seconds, registerSeconds)
			}
		}
		b := a.registrar.at(user, *c)
		if status, fields, why := a.unfit(m, b, c); status != 0 {
			if why == "CSeq of another REGISTER" {
				do = a.violation(now, 0, why+" in "+summary(m), do)
			}
			return a.refuseRegister(now, s, status, fields, why, do)
		}
		if b == nil && c.expires > 0 {
			fresh++
		}
	}
	if most := a.o.Registrar.Contacts; most > 0 && fresh > 0 && len(a.registrar.byUser[user])+fresh > most {
		return a.refuseRegister(now, s, 403, "", "too many contacts", do)
	}
	outbound := false
	for i := range list {
		outbound = outbound || a.outbound(m, path, list[i])
		do = a.bindOne(now, s, user, path, list[i], do)
	}
	return a.answerRegister(now, s, user, outbound, do)
}

// unfit says why a contact cannot be bound, with the response; 0: it can.
func (a *Agent) unfit(m *sip.Message, b *binding, c *contact) (status int, fields, why string) {
	if b != nil && b.CallID == string(m.Bytes(m.CallID())) && m.CSeq() <= b.CSeq { // RFC 3261 section 10.3 step 7
		if m.CSeq() == b.CSeq {
			return 500, "", "CSeq of another REGISTER"
		}
		return 500, "", "overtaken"
	}
	o := a.o.Registrar
	switch {
	case c.expires > 0 && c.expires < o.Min:
		return 423, "Min-Expires: " + itoa(o.Min) + crlf, "too brief"
	case o.Max > 0:
		c.expires = min(c.expires, o.Max)
	}
	if c.regID == "" {
		return 0, "", ""
	}
	if path, _ := values(m, sip.FieldPath); o.Outbound && supports(m, "outbound") && m.Vias() > 1 && !a.outbound(m, path, *c) {
		return 439, "", "the first hop does not support outbound"
	}
	if !o.Outbound || !supports(m, "outbound") || c.instance == "" {
		c.regID = "" // RFC 5626 section 6: it is ignored
	}
	return 0, "", ""
}

// outbound reports whether a binding is one of RFC 5626 section 6: the phone
// spoke to us, or its edge proxy says ob.
func (a *Agent) outbound(m *sip.Message, path []string, c contact) bool {
	if !a.o.Registrar.Outbound || !supports(m, "outbound") || c.regID == "" || c.instance == "" {
		return false
	}
	if len(path) == 0 {
		return m.Vias() == 1
	}
	return slices.ContainsFunc(path, func(p string) bool { return strings.Contains(p, ";ob>") || strings.Contains(p, ";ob;") })
}

// bindOne binds, refreshes or removes one contact.
func (a *Agent) bindOne(now time.Duration, s *server, user string, path []string, c contact, do []Effect) []Effect {
	r, m := &a.registrar, s.request
	b := r.at(user, c)
	if c.expires == 0 {
		if b == nil {
			return do
		}
		return a.unbind(now, b, "removed", do)
	}
	if b == nil {
		b = &binding{}
		if b.Reachable = true; a.o.Registrar.Qualify > 0 {
			wait := time.Duration(a.o.Rand.Int64N(int64(a.o.Registrar.Qualify)))
			b.qualify = a.set(now+wait, alarm{is: qualifyBinding, binding: b})
		}
		if len(r.byUser[user]) == 0 {
			r.users = append(r.users, user)
		}
		r.byUser[user] = append(r.byUser[user], b)
	}
	stop(b.expire)
	b.User, b.URI, b.CallID, b.CSeq = user, c.uri, string(m.Bytes(m.CallID())), m.CSeq()
	b.Until, b.Path, b.From = now+time.Duration(c.expires)*time.Second, path, s.from
	b.Instance, b.RegID, b.Q = c.instance, c.regID, c.q
	if b.GRUU = ""; a.o.Registrar.GRUU && c.instance != "" { // RFC 5627 section 5.1
		b.GRUU = "sip:" + user + "@" + a.registrarDomain() + ";gr=" + strings.Trim(c.instance, "<>")
	}
	b.expire = a.set(b.Until, alarm{is: expireBinding, binding: b})
	return tell(Event{Is: Bound, At: now, User: user, Text: b.URI, Seconds: c.expires, Message: m}, do)
}

// unbindAll obeys Contact: *, where no binding is newer than the REGISTER. RFC
// 3261 section 10.3 step 6.
func (a *Agent) unbindAll(now time.Duration, s *server, user string, do []Effect) []Effect {
	r, m := &a.registrar, s.request
	for _, b := range r.byUser[user] {
		if b.CallID == string(m.Bytes(m.CallID())) && m.CSeq() <= b.CSeq {
			return a.refuseRegister(now, s, 500, "", "overtaken", do)
		}
	}
	for len(r.byUser[user]) > 0 {
		do = a.unbind(now, r.byUser[user][0], "removed", do)
	}
	return a.answerRegister(now, s, user, false, do)
}
