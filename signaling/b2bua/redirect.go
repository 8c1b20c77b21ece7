package b2bua

import "sbc/signaling/sip"

// Ours: a redirection of a redirection is rare, more is a ring.
const redirectsMax = 4

// redirect puts the targets that a 3xx names before those that are left, if
// the peer that sent it is one whose redirections are followed (RFC 3261
// section 8.1.3.4).
func (c *Calls) redirect(in *invite, m *sip.Message) {
	t := &in.targets[in.tried-1]
	if !t.Follow || c.opt.Redirect == nil || in.redirects == redirectsMax {
		return
	}
	in.redirects++
	var next []Target
	for _, f := range m.Fields() {
		if f.ID != sip.FieldContact {
			continue
		}
		for na, err := range m.NameAddrs(f) {
			if err != nil {
				break
			}
			uri, err := sip.ParseURI(m.Raw, na.URI)
			if err != nil {
				continue
			}
			if to, ok := c.opt.Redirect(t.Peer, uri, m.Raw); ok && len(next) < redirectsMax {
				next = append(next, to)
			}
		}
	}
	if len(next) > 0 {
		in.targets = append(in.targets[:in.tried:in.tried], append(next, in.targets[in.tried:]...)...)
		in.followed = in.tried
	}
}
