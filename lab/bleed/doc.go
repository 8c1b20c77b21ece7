// Package bleed plays the published attacks on media relays against ours: RTP
// bleed, where a third host sprays the ports of a relay so that the media of
// somebody's call is sent to it, and RTP inject, where what it sprays is
// played into the call (CVE-2025-53399 among others; all are about relays that
// learn from packets where a far end behind a NAT is).
//
// Each attack meets a relay of its own on loopback, with a call between two
// parties that are behind NATs: what their descriptions name is private, and
// their packets come from elsewhere. One NAT keeps ports, the other one does
// not. The attacker is at a third address, and sprays every port of both
// realms, with RTP and RTCP. What anybody hears is told by marks in the
// packets.
//
// A neighbour of a party, behind the same NAT, is not played: who cannot be
// told from the party by any address may win the race for a flow (see
// mediarelay).
package bleed
