package turn

import (
	"sync/atomic"
)

// A Cause is why a message had another end than its sender wanted. The names
// are labels of a metric.
type Cause uint8

// The causes.
const (
	Malformed    Cause = iota // not STUN or ChannelData as it must be: dropped before anything looks into it
	Unauthorized              // no or wrong credentials: 401, 438, 441
	Limited                   // above the rate of requests without credentials: dropped
	Denied                    // a peer that nobody may reach: 403, and data towards one
	OverQuota                 // 486, 508
	Refused                   // 400, 420, 437, 440, 442, 443
	Stranger                  // data or an indication without allocation, permission or channel: dropped
	Oversize                  // a datagram of a peer that does not fit: dropped
	causes
)

var causeNames = [causes]string{
	"stun_malformed", "turn_auth", "turn_rate", "turn_denied", "turn_quota", "turn_refused", "turn_stranger", "turn_oversize",
}

// String returns the name: "stun_malformed".
func (c Cause) String() string {
	if c < causes {
		return causeNames[c]
	}
	return "unknown"
}

// Counts are what the service has and has done. All but the first two only
// grow.
type Counts struct {
	Allocations int `json:"allocations"` // now
	Connections int `json:"connections"` // now, TCP

	Allocated       uint64            `json:"allocated"` // allocations since the start
	Bindings        uint64            `json:"bindings"`  // Binding requests answered
	OctetsToPeers   uint64            `json:"octets_to_peers"`
	OctetsToClients uint64            `json:"octets_to_clients"`
	Refused         map[string]uint64 `json:"refused"` // by Cause
}

// plus returns the sum of what both have counted; what is now is of c.
func (c Counts) plus(before Counts) Counts {
	sum := c
	sum.Allocated += before.Allocated
	sum.Bindings += before.Bindings
	sum.OctetsToPeers += before.OctetsToPeers
	sum.OctetsToClients += before.OctetsToClients
	sum.Refused = map[string]uint64{}
	for i := range causes {
		name := i.String()
		sum.Refused[name] = c.Refused[name] + before.Refused[name]
	}
	return sum
}

// counters are the counts as they grow.
type counters struct {
	allocations, connections               atomic.Int64
	allocated, bindings, toPeers, toClient atomic.Uint64

	refused [causes]atomic.Uint64
}

func (c *counters) refuse(why Cause) { c.refused[why].Add(1) }

func (c *counters) counts() Counts {
	out := Counts{
		Allocations: int(c.allocations.Load()), Connections: int(c.connections.Load()),
		Allocated: c.allocated.Load(), Bindings: c.bindings.Load(),
		OctetsToPeers: c.toPeers.Load(), OctetsToClients: c.toClient.Load(),
		Refused: make(map[string]uint64, causes),
	}
	for i := range causes {
		out.Refused[i.String()] = c.refused[i].Load()
	}
	return out
}
