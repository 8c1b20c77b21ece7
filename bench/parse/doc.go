// Command parse times what a border does to each message: parse it, look at
// the fields that a B2BUA needs, and write it with a Via, a Contact and a
// Call-ID of its own. It does so with signaling/sip and with
// github.com/emiago/sipgo, on the same INVITE of nine fields with an SDP
// body, in turns and in one run.
//
//	go run ./bench/parse
//
// It prints a table of nanoseconds and allocations and a line for each goal.
// The same work as benchmarks: go test -bench . ./bench/parse
package main
