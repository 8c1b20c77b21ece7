// Package nat knows what a sender could not know about itself.
//
// It is pure. Look and Observe give facts about a message and the address it
// came from, and change nothing: what is done about them is decided where the
// message is written. A Keepalive says when to ask a phone whether it is still
// reached, and learns how seldom that may be. A STUN is a view of a message by
// which others ask the same about themselves, with the checks that it has to
// pass before anybody else may read it. Refuse judges addresses that strangers
// name.
package nat

import (
	"bytes"
	"net/netip"

	"sbc/signaling/sip"
)

// Facts are what a request's top Via and its source say when they are held
// against each other.
type Facts struct {
	// Elsewhere: sent-by is not the address that the packet came from, so
	// there is a NAT, or a proxy that sends from another address
	// (RFC 3261 section 18.2.1).
	Elsewhere bool
	// SentBy is the port of sent-by at the source's address: where the sender
	// says that it listens, as far as it may say.
	SentBy netip.AddrPort
	// Answer is where responses to what came by UDP go (RFC 3261 section
	// 18.2.2, RFC 3581 section 4). On a stream they go by the connection of
	// the request, and when that is gone to SentBy.
	Answer netip.AddrPort
}

// Observe compares the top Via of m, a request that came from src.
//
// A response goes to the source, port included, also where rport was not
// asked for: nearly all user agents listen where they send from, and those
// behind a NAT are reached in no other way. Only for a sender known to be
// asymmetric is the port of sent-by used, as RFC 3261 section 18.2.2 says. The
// address is the source's in any case: what a Via claims must not make us
// send to a third party (nor does maddr).
func Observe(m *sip.Message, src netip.AddrPort, asymmetric bool) Facts {
	via := m.Via()
	host, err := netip.ParseAddr(string(bytes.Trim(m.Bytes(via.Host), "[]")))
	port := via.Port
	if port == 0 {
		port = 5060
	}
	f := Facts{Answer: src, SentBy: netip.AddrPortFrom(src.Addr(), uint16(port))}
	f.Elsewhere = err != nil || host != src.Addr() || port != int(src.Port())
	if asymmetric && !via.HasRport {
		f.Answer = f.SentBy
	}
	return f
}
