// Package sim runs the core between simulated user agents, in virtual time,
// over a network that loses, repeats, reorders and delays datagrams and breaks
// connections, and checks after every event what must always hold.
//
// [Run] plays one world: shards of the SBC as they are in production, agents
// of lab/ua on both sides, calls that do at random times what calls do, user
// agents that crash and come back without memory, and strangers that send
// garbage, forgeries and RTP. Everything follows from Options.Seed, so that a
// world that fails can be played again:
//
//	go test ./lab/sim -run Sim -seed 0x5f3a
//
// Each invariant is a checker in a file of its own. A checker looks at what is
// on the wire, and at what signaling.Shard.Inspect shows; it knows nothing of
// how the SBC works.
package sim
