package sim

import (
	"bytes"
	"net/netip"
	"slices"

	"sbc/lab/ua"
	"sbc/mediarelay"
)

// canaries holds that nothing of one realm is in octets to the other: no
// canary of a user agent, no address of the SBC, and of the same call no
// Call-ID and tag of the other leg.
type canaries struct {
	watch
	of      [2][]ua.Canary // what a realm must not see
	checked [][]byte       // the last messages: many are sent again
	next    int
	uris    map[string]bool // that digests were made of
}

const noCanary = "5 no canary"

func (c *canaries) find(b []byte, realm int) {
	if c.of[inside] == nil {
		c.fill()
	}
	for i := range c.of[realm] {
		for _, h := range c.of[realm][i].Find(b) {
			c.w.fail(noCanary, "realm %s sees %q (%s) of %s in\n%q", realmNames[realm], h.What, h.Form, c.of[realm][i].Word, b)
			return
		}
	}
}

func (c *canaries) fill() {
	for realm := range c.of {
		other := 1 - realm
		for i := range c.w.neighbours {
			if n := &c.w.neighbours[i]; n.realm == other {
				k := n.canary()
				k.Own = []netip.Addr{n.addr.Addr()}
				if i >= len(neighbours) {
					k.Own = append(k.Own, c.w.actors[i].publics()...)
				}
				c.of[realm] = append(c.of[realm], k)
			}
		}
		c.of[realm] = append(c.of[realm], ua.Canary{Own: media[other][:]})
		for _, l := range listeners {
			if l.realm == other && !l.stream {
				c.of[realm] = append(c.of[realm], ua.Canary{Own: []netip.Addr{l.addr.Addr()}})
			}
		}
	}
}

func (c *canaries) out(m *message) {
	for _, b := range c.checked {
		if bytes.Equal(b, m.raw) {
			return
		}
	}
	if len(c.checked) < 16 {
		c.checked = append(c.checked, nil)
	}
	c.checked[c.next%len(c.checked)] = m.raw
	c.next++
	if m.from < 0 && c.w.o.Phones > 0 {
		return // it hears what it said itself
	}
	c.find(c.hashed(m), m.realm)
	c.others(m)
	if m.leg == nil {
		return
	}
	t := m.leg.talk
	for _, l := range []*leg{t.a, t.b} {
		if l == nil || l == m.leg {
			continue
		}
		if bytes.Contains(m.raw, []byte(l.callID)) {
			c.w.fail(noCanary, "the Call-ID of the other leg is in\n%s", m.raw)
		}
		for tag := range l.tags {
			if bytes.Contains(m.raw, []byte(tag)) {
				c.w.fail(noCanary, "tag %s of the other leg is in\n%s", tag, m.raw)
			}
		}
	}
}

// others holds that a phone sees nothing of another one.
func (c *canaries) others(m *message) {
	if m.realm != outside || m.from < len(neighbours) || c.w.lan.swapped(c.w.actors[m.from]) {
		return
	}
	for _, a := range c.w.phones {
		if a.index == m.from {
			continue
		}
		for _, h := range a.at.canary().Find(m.raw) {
			c.w.fail(noCanary, "%s sees %q (%s) of %s in\n%q", m.name, h.What, h.Form, a.at.name, m.raw)
		}
	}
}

// hashed is a message without the URI that a digest was made of: its host is
// that of the SBC towards the client, and has to be there for the one who asked
// (RFC 7616 section 3.4).
func (c *canaries) hashed(m *message) []byte {
	if m.err != nil || !m.sip.IsRequest() {
		return m.raw
	}
	if _, rest, ok := bytes.Cut(m.raw, []byte("Authorization: Digest ")); ok {
		_, rest, _ = bytes.Cut(rest, []byte(` uri="`))
		uri, _, _ := bytes.Cut(rest, []byte(`"`))
		if c.uris == nil {
			c.uris = map[string]bool{}
		}
		c.uris[string(uri)] = true
		return bytes.ReplaceAll(m.raw, uri, nil)
	}
	// CANCEL and ACK have the Request-URI of their INVITE.
	if uri := m.sip.Bytes(m.sip.RequestURI()); c.uris[string(uri)] {
		return bytes.Replace(m.raw, uri, nil, 1)
	}
	return m.raw
}

func (c *canaries) relayed(r *relayed) {
	if r.cause != mediarelay.Pass {
		return
	}
	for realm := range media {
		if slices.Contains(media[realm][:], r.sent.From.Addr()) && len(r.bytes) > 1 && r.bytes[1] >= 200 {
			c.find(r.sent.Bytes, realm) // RTCP
		}
	}
}
