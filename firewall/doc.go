// Package firewall decides whom the border listens to, before anything that they
// sent is parsed: trust is earned, lost, and put into the kernel.
//
// A [Guard] is asked about each datagram ([Guard.Verdict]), each connection
// ([Guard.Admit]) and what that brings ([Guard.Heard]). It knows three kinds of
// senders. Nobody has shown that who is
// unknown is where it claims to be: the source of a datagram is easily forged.
// Who is proven returned what only its true address could receive: the nonce of
// a challenge, a handshake. Who is known has registered, or is a peer of the
// configuration. Unknown and proven senders have a share each of what is taken
// in, so that a flood of the ones does not shut out the others; a known one has
// a share of its own.
//
// Those who make use of messages say what was wrong with them ([Guard.Saw]).
// That adds to a score of the source, which fades. A source over a first bound is
// policed: a packet now and then is let through. Over a second one it is banned,
// but only by what is proven to be its own doing. So no number of forged packets
// bans anybody, and none polices whom they are forged to come from if that one
// has proven itself.
//
// A source is an IPv4 address or an IPv6 /64: there is nobody who has less.
//
// A reader asks Verdict before it parses, or Heard, and of what somebody known
// sent NewBy and New, or Existing, after that; who accepts connections asks Admit.
// The
// shards call Judge, Asked, Saw, Proved and Registered, and somebody Advance,
// every second.
//
// All tables are of a fixed size. The kernel, where there is a [Kernel], is told
// by one goroutine; all others may call any method.
package firewall
