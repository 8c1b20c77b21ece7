// Package transaction has the four transaction machines of RFC 3261 section
// 17, with the Accepted states of RFC 6026, and what finds a message's
// transaction: keys, and the tags of answers that keep no state.
//
// The machines do no I/O and know no clock. Step takes an Event and appends
// Effects; the caller carries them out in their order, all of them before the
// next Step of the same machine. A timer is an effect (Arm) and comes back as
// an event (Fire). A machine is a small value; the caller keeps it where it
// keeps the rest of the transaction. Two machines that are told the same give
// the same effects.
package transaction
