package signaling

import "maps"

// An Inspection is what a shard holds at one moment, for the simulation and
// for tests. It is a copy.
type Inspection struct {
	Calls               []HeldCall
	Servers, Clients    int // transactions; Clients without CANCELs
	Cancels, Merges     int // CANCELs of ours, keys of RFC 3261 section 8.2.2.2
	Timers, StrayTimers int // set, and set for nobody that lives
	Records, Rest       int // engine's records of calls, table entries of no call
	StrayRegisters      int // whose outcome the registrar waits for, and no call would tell
	Places, Streams     int // at peers, and media lines, of all calls
	Attempts, Answered  uint64
	Leaks, Panics       uint64
	Rejects             map[string]int // by cause
	Out                 int            // datagrams that wait to be taken by Out
	CallTimers          int            // timers that calls have set
}

// A HeldCall is what one call holds.
type HeldCall struct {
	ID                            uint64
	State                         string // as in CallInfo
	Caller, Callee                string
	Streams, Timers, Transactions int
	Watches                       bool // a subscription of it lives, also when the session is over
	Places                        int  // by the call's own account
	Taken, Open                   int  // places and media lines by the engine's account
}

// Inspect returns what the shard holds.
func (s *Shard) Inspect() Inspection {
	in := Inspection{
		Servers: len(s.servers), Clients: len(s.clients), Cancels: len(s.cancels), Merges: len(s.merge),
		Timers: s.timers.Len(), StrayTimers: s.strayTimers(),
		Records: len(s.records), Rest: s.calls.Rest(),
		Attempts: s.stats.attempts, Answered: s.stats.answered, Leaks: s.stats.leaks, Panics: s.stats.panics,
		Rejects: maps.Clone(s.stats.rejects), Out: len(s.out),
	}
	for _, r := range s.records {
		in.Places += len(r.places)
		in.Streams += r.open()
		for i := range r.timers {
			if r.timers[i].IsSet() {
				in.CallTimers++
			}
		}
	}
	if s.registrar != nil {
		in.StrayRegisters = s.registrar.Underway()
	}
	for _, c := range s.calls.All() {
		if c.Registers() {
			in.StrayRegisters--
		}
		h := HeldCall{ID: c.ID, State: c.State(), Caller: c.Caller, Callee: c.Callee}
		h.Streams, h.Timers, h.Transactions, h.Places = c.Ledger()
		h.Watches = c.Watches()
		if r := s.records[c.ID]; r != nil {
			h.Taken, h.Open = len(r.places), r.open()
		}
		in.Calls = append(in.Calls, h)
	}
	return in
}
