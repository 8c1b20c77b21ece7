package ua

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"sbc/signaling/sip"
)

// A contact is one value of Contact, in a REGISTER or in the response to one.
type contact struct {
	uri      string
	expires  int    // of its parameter; -1: none
	instance string // +sip.instance, with its angle brackets; empty: none
	regID    string // empty: none
	q        string // empty: none
	gruu     string // pub-gruu, RFC 5627; empty: none
}

// readContacts reads all values of Contact. star: the only one is "*".
func readContacts(m *sip.Message) (list []contact, star bool, err error) {
	for _, f := range m.Fields() {
		if f.ID != sip.FieldContact {
			continue
		}
		for na, err := range m.NameAddrs(f) {
			if errors.Is(err, sip.ErrStar) {
				star = true
				continue
			}
			if err != nil {
				return nil, false, fmt.Errorf("unreadable Contact: %w", err)
			}
			c, err := readContact(m, na)
			if err != nil {
				return nil, false, err
			}
			list = append(list, c)
		}
	}
	if star && len(list) > 0 {
		return nil, false, errors.New("* beside another Contact")
	}
	return list, star, nil
}

func readContact(m *sip.Message, na sip.NameAddr) (contact, error) {
	param := func(name string) string {
		v, _ := sip.Param(m.Raw, na.Params, name)
		return string(sip.AppendUnquoted(nil, m.Bytes(v)))
	}
	c := contact{
		uri: string(m.Bytes(na.URI)), expires: -1,
		instance: param("+sip.instance"), regID: param("reg-id"), q: param("q"), gruu: param("pub-gruu"),
	}
	if v, ok := sip.Param(m.Raw, na.Params, "expires"); ok {
		n, err := strconv.ParseUint(string(m.Bytes(v)), 10, 32)
		if err != nil {
			return c, fmt.Errorf("expires of a Contact: %q", m.Bytes(v))
		}
		c.expires = int(n)
	}
	return c, nil
}

// String writes the value.
func (c contact) String() string {
	var b strings.Builder
	b.WriteString("<" + c.uri + ">")
	quoted := func(name, value string) {
		if value != "" {
			b.WriteString(";" + name + "=\"" + value + "\"")
		}
	}
	plain := func(name, value string) {
		if value != "" {
			b.WriteString(";" + name + "=" + value)
		}
	}
	quoted("+sip.instance", c.instance)
	plain("reg-id", c.regID)
	plain("q", c.q)
	quoted("pub-gruu", c.gruu)
	if c.expires >= 0 {
		plain("expires", strconv.Itoa(c.expires))
	}
	return b.String()
}

// values lists the values of all fields of a kind, in their order: of Path or
// Service-Route.
func values(m *sip.Message, id sip.FieldID) (list []string, err error) {
	for _, f := range m.Fields() {
		if f.ID != id {
			continue
		}
		for na, err := range m.NameAddrs(f) {
			if err != nil {
				return nil, fmt.Errorf("unreadable %s: %w", m.Bytes(f.Name), err)
			}
			list = append(list, string(m.Bytes(na.Value)))
		}
	}
	return list, nil
}

// number reads a field that holds a number. ok is false where there is none,
// or none that can be read.
func number(m *sip.Message, id sip.FieldID) (n int, ok bool) {
	f, ok := m.First(id)
	if !ok {
		return 0, false
	}
	token, _, err := sip.ParseToken(m.Raw, f.Value)
	if err != nil {
		return 0, false
	}
	v, err := strconv.ParseUint(string(m.Bytes(token)), 10, 32)
	return int(v), err == nil
}
