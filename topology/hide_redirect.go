package topology

import "sbc/signaling/sip"

// redirected are parameters of a Contact that name the place or the device
// that it leads to; q and expires are not among them.
var redirected = []string{
	"+sip.instance", "reg-id", "received", "rport", "pub-gruu", "temp-gruu", "temp-gruu-cookie",
}

// redirects reports whether the Contacts of the message are where somebody
// else is to be asked (RFC 3261 section 8.1.3.4), and the leg wants them seen.
func (h *hider) redirects() bool {
	return h.to.Redirects && h.m.Status() >= 300 && h.m.Status() < 400
}

// redirect hides where the Contacts of a 3xx lead and leaves to whom: they
// come back to us. Their order stays, and what is said of it.
func (h *hider) redirect(f sip.Field) {
	host := h.to.Host
	if len(host) == 0 {
		host = nobody
	}
	at := len(h.edits)
	for v, err := range h.m.NameAddrs(f) {
		if err != nil {
			h.edits = h.edits[:at]
			h.remove(f, whyUnreadable)
			return
		}
		h.maskURI(v.URI, host, "asked through us (RFC 3261 section 8.1.3.4)")
		h.without(v.Params, redirected, whyReached)
	}
}
