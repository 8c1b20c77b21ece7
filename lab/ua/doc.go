// Package ua is a SIP user agent as a pure state machine, for tests, the
// simulation and the demo: a phone, a PBX or a carrier that calls and is
// called.
//
// It knows calls with audio, video and T.38, early and forked, held and
// changed by re-INVITE and UPDATE, reliable provisional responses, transfers in
// all three roles, subscriptions in both, MESSAGE, PUBLISH, redirection and
// digest authentication. It registers as phones do, behind a NAT of which it
// knows nothing or learns by what comes back, keeps its flow alive, roams and
// loses its power; and it is the registrar of a PBX. Moves lists what it may do
// next, so that a simulation can choose. A Forker is the proxy that lets
// several agents ring at once, or the contacts of those who registered.
//
// It is written from the RFCs and shares nothing with the core that it tests
// but the parsers; it builds its own messages as text, and reads STUN itself.
// It is strict: what the far end does against RFC 3261, RFC 3262, RFC 3264, RFC
// 3311, RFC 3327, RFC 3515, RFC 3581, RFC 3608, RFC 4320, RFC 5626, RFC 5627,
// RFC 6026, RFC 6665, RFC 7616 or RFC 8489 becomes a [Violation].
//
// An [Agent] takes datagrams, the time and commands, and appends [Effect]
// values: datagrams to send, sockets to open and close, and events to tell.
// The caller carries them out in order before the next call on the same
// Agent, and calls [Agent.Tick] when [Agent.Next] says so. It reads no clock,
// opens no socket, and draws randomness from the generator in its Options
// only, so that the same inputs give the same octets.
//
// An agent can be given a [Canary]: words, names and addresses that belong to
// its side alone, and that it puts into every field in which a real device
// might name its side. [Canary.Find] looks for them in what the other side
// sees.
package ua
