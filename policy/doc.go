// Package policy decides who may do what and where it goes.
//
// The rules are compiled once from [Options] and do not change: a new
// configuration is a new [Rules], swapped whole. They answer three questions:
// which peer is a message from ([Rules.Peer]: source address and prefix, per
// realm), where does its request go ([Rules.Route]: the first route that
// matches wins), and is there room for the call ([Calls]). The only thing
// that moves inside Rules is what the peers' names resolve to, one table
// with one writer ([Rules.SetResolved]) and readers that never wait.
//
// A no is a [Refusal]: a decision that names the rule (file and line) that
// made it. It is not an error.
//
// Patterns are Go regular expressions, which take time linear in their
// input, and the input is bounded: a user or host part longer than 256
// octets is refused, a field value longer than 1 KiB matches nothing.
package policy
