// Package resolve looks up the addresses of peers that are configured by name,
// by A and AAAA, each for itself, away from the shards.
//
// One goroutine asks for one name after the other, again and again. Nobody
// waits for it: what it knows is read without a lock, and each change is
// reported. When the resolver fails, or answers with nothing that can be used,
// the last good answer is kept for the time that the operator allows, since
// a resolver that is down is far more frequent than a peer that moved just
// then.
package resolve
