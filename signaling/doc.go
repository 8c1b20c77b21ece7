// Package signaling is the engine: it owns the shards, their inboxes and
// timers, executes the effects of the pure packages below it, and is the only
// package that knows all of them.
//
// A Shard owns calls, transactions and timers and is driven by one goroutine,
// without a lock and without a clock of its own: the same Shard runs behind
// sockets in an Engine and in a simulated network in tests.
package signaling
