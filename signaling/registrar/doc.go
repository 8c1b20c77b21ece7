// Package registrar holds the bindings of one shard: which phone is behind
// which address-of-record, by which flow it is reached, and how long the PBX
// and the phone think that this is so.
//
// A REGISTER goes on to the PBX with a Contact of ours, whose user part is a
// token that says nothing about the phone. What the PBX grants is noted, and
// the phone is told a shorter time, as its NAT needs it. A refresh in which
// nothing changed is answered here while at least half of the time that the
// PBX granted is left; everything else goes on, so that the PBX never gets a
// REGISTER that no phone sent. Nothing that a REGISTER says is believed before
// the PBX answered it with 2xx.
//
// The package does no I/O and starts nothing. Register, Answered, Advance and
// the others take an event and return what is to be done; the bytes and
// effects that they return are valid until the next call. No two calls may run
// at the same time.
//
// # Limits of what the PBX has to bear
//
// REGISTERs towards the PBX are spaced by a token bucket. A phone that finds it
// empty gets a 200 from here if the PBX still holds its binding and nothing
// changed; any other gets 503 with the Retry-After of an appointment, which are
// given out at the rate that the PBX bears. So n phones that come back at once
// and obey Retry-After are all registered after n*c/rate, where c is 1, or 2
// where each of them is challenged; those that come back at times of their own
// are served when they come first after their appointment.
//
// # Order
//
// RFC 3261 section 10.2 has a user agent wait for the answer to its REGISTER
// before it sends another. A second one with the same Call-ID meanwhile gets 500
// with a Retry-After of up to 10 s, as RFC 3261 section 14.2 does it for
// requests that cross: 491 is for requests in a dialog. Phones that share an
// address-of-record do not wait for each other, except for a "*".
package registrar
