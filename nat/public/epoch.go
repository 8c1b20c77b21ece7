package public

import "time"

// An epoch follows the clock that a router counts from the moment when it
// began or lost its mappings, beside ours.
type epoch struct {
	seen   bool
	server uint32    // what the router said last
	client time.Time // when
}

// lost takes what the router says and reports whether it has lost its state
// since it spoke last (RFC 6887 section 8.5): its clock went back by more than
// a second, or the two clocks run apart by more than 1/16 and two seconds.
func (e *epoch) lost(server uint32, now time.Time) bool {
	was := *e
	*e = epoch{true, server, now}
	if !was.seen {
		return false
	}
	if int64(server)+1 < int64(was.server) {
		return true
	}
	ds := int64(server) - int64(was.server)
	dc := int64(now.Sub(was.client) / time.Second)
	return dc+2 < ds-ds/16 || ds+2 < dc-dc/16
}
