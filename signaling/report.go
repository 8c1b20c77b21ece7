package signaling

import "time"

// Status is what the SBC says of itself: `sbc status`.
type Status struct {
	Version  string         `json:"version"`
	Started  time.Time      `json:"started"`
	Uptime   float64        `json:"uptime_seconds"`
	Calls    int            `json:"calls"`    // calls that exist now
	Attempts uint64         `json:"attempts"` // INVITEs that opened a call since the start
	Answered uint64         `json:"answered"`
	Leaks    uint64         `json:"leaks"`  // identifiers that the audit found in outgoing messages
	Panics   uint64         `json:"panics"` // calls ended because a bug of ours was caught
	Ledger   Ledger         `json:"ledger"`
	Realms   []RealmStatus  `json:"realms"`
	Peers    []PeerStatus   `json:"peers"`
	Bindings []BindingCount `json:"bindings,omitempty"`
	Gate     *GateStatus    `json:"gate,omitempty"`  // nil: everybody is listened to
	Store    *StoreStatus   `json:"store,omitempty"` // nil: nothing is kept
	Shards   []ShardStatus  `json:"shards"`
	Rejects  map[string]int `json:"rejects"` // refused requests by cause
}

// GateStatus says whom we do not listen to.
type GateStatus struct {
	Engine  string            `json:"engine"`                  // that refuses in the kernel, and why it is none before it
	Bans    int               `json:"bans"`                    // that exist
	Policed uint64            `json:"policed"`                 // times that a source became so
	Banned  uint64            `json:"banned"`                  // bans that scores led to
	Behind  bool              `json:"kernel_behind,omitempty"` // the kernel has not taken all of it yet
	Dropped map[string]uint64 `json:"dropped"`                 // before anything was read, by cause
	Kernel  map[string]uint64 `json:"kernel,omitempty"`        // packets that the kernel dropped, by cause
}

// StoreStatus says what a restart would find: registrations and bans.
type StoreStatus struct {
	Waiting int    `json:"waiting"`         // that the disk does not have yet
	Written uint64 `json:"written"`         // since the start
	Failed  uint64 `json:"failed"`          // attempts that the disk refused
	Dropped uint64 `json:"dropped"`         // that found no room to wait
	Error   string `json:"error,omitempty"` // of the last attempt
}

// Ledger compares what calls have taken with what is in use: each rest is 0
// unless something was left behind.
type Ledger struct {
	Calls  int `json:"calls_rest"`  // calls counted at peers less calls that exist
	Ports  int `json:"ports_rest"`  // ports in use less ports of live calls
	Timers int `json:"timers_rest"` // timers armed by calls that are gone
}

// Rest reports whether anything was left behind.
func (l Ledger) Rest() bool { return l.Calls != 0 || l.Ports != 0 || l.Timers != 0 }

// RealmStatus is one realm of Status.
type RealmStatus struct {
	Name    string   `json:"name"`
	Listen  []string `json:"listen"` // "udp 192.0.2.1:5060", "tcp 192.0.2.1:5060"
	Ports   int      `json:"ports"`  // media ports of the pool
	InUse   int      `json:"ports_in_use"`
	Resting int      `json:"ports_resting"` // given back, waiting for late packets to pass

	Connections Connections `json:"connections"`

	Public []string `json:"public,omitempty"` // behind a router: what it is known by, and how that is known, a line each
}

// Connections are the TCP connections of a realm.
type Connections struct {
	Open      int               `json:"open"`
	Accepted  uint64            `json:"accepted"` // this and what follows: since the start
	Dialled   uint64            `json:"dialled"`
	Unreached uint64            `json:"unreached"` // we wanted one, and none came up
	Refused   uint64            `json:"refused"`   // too many of one source or in all
	Cut       map[string]uint64 `json:"cut"`       // that we ended, by cause
}

// PeerStatus is one peer of Status.
type PeerStatus struct {
	Name    string   `json:"name"`
	Realm   string   `json:"realm"`
	Target  string   `json:"target"`
	Address []string `json:"addresses"` // what the target resolves to; empty: not resolved
	Calls   int      `json:"calls"`
	Limit   int      `json:"limit"`          // 0: none
	Gone    bool     `json:"gone,omitempty"` // the configuration no longer names it, and it has calls still
}

// ShardStatus is one shard of Status.
type ShardStatus struct {
	Calls        int     `json:"calls"`
	Transactions int     `json:"transactions"`
	Timers       int     `json:"timers"`
	Lag          float64 `json:"lag_seconds"` // how late the last timer fired
	Queue        int     `json:"queue"`       // datagrams that wait in the inbox
	Dropped      uint64  `json:"dropped"`     // datagrams dropped because the inbox was full
}

// CallInfo is one line of `sbc calls`.
type CallInfo struct {
	ID       string  `json:"id"` // short: k7f3qd
	State    string  `json:"state"`
	From     string  `json:"from"` // peer that called
	To       string  `json:"to"`   // peer that is called
	Caller   string  `json:"caller"`
	Callee   string  `json:"callee"`
	Age      float64 `json:"age_seconds"`
	Answered float64 `json:"answered_seconds"` // 0: not answered
	Route    string  `json:"route"`            // the rule that chose the way: sbc.hcl:40
}

// CallReport is `sbc call ID`: the ladder of both sides, the media, the
// ledger. Of a call that ended it has what the trace still holds.
type CallReport struct {
	CallInfo
	Live   bool          `json:"live"`
	Cause  string        `json:"cause,omitempty"` // why it ended
	Ladder []LadderEntry `json:"ladder"`
	Media  []MediaInfo   `json:"media"`
	Ledger CallLedger    `json:"ledger"`
}

// CallLedger is what a call holds and must give back when it ends.
type CallLedger struct {
	Ports        int `json:"ports"`
	Timers       int `json:"timers"`
	Transactions int `json:"transactions"`
	Slots        int `json:"slots"` // places taken at peers' limits
}

// LadderEntry is one step of a call: a message that came in or went out, or
// a decision.
type LadderEntry struct {
	At      float64      `json:"at_seconds"` // since the call's first message
	Kind    string       `json:"kind"`       // "in", "out", "rule", "media", "leak", "timer", "end"
	Leg     string       `json:"leg"`        // "a" (the caller's side) or "b", or empty
	Peer    string       `json:"peer,omitempty"`
	Label   string       `json:"label"` // "INVITE", "180 Ringing", what was decided
	Rule    string       `json:"rule,omitempty"`
	Message string       `json:"message,omitempty"` // the octets, secrets masked
	Changes []ChangeInfo `json:"changes,omitempty"` // of an outgoing message: what differs from the one that came in
}

// ChangeInfo is one edit: what stood there, what stands there now, and why.
type ChangeInfo struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
	Why    string `json:"why"`
}

// MediaInfo is one media line of a call, seen from both sides.
type MediaInfo struct {
	Kind  string        `json:"kind"` // audio
	Sides [2]MediaSide  `json:"sides"`
	Codec string        `json:"codec,omitempty"`
	Held  bool          `json:"held"`
	Age   time.Duration `json:"-"`
}

// MediaSide is what came in from one side of a media line.
type MediaSide struct {
	Local     string            `json:"local"`  // our address and port
	Remote    string            `json:"remote"` // the pinned far end
	Direction string            `json:"direction"`
	Packets   uint64            `json:"packets"`
	Octets    uint64            `json:"octets"`
	Lost      int64             `json:"lost"`
	Jitter    float64           `json:"jitter_seconds"`
	Drops     map[string]uint64 `json:"drops,omitempty"`
	Silent    float64           `json:"silent_seconds"` // since the last packet; -1: never heard
}
