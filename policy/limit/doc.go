// Package limit says how often somebody may do something, in fixed memory.
//
// A [Table] limits any number of sources, a [Bucket] a single thing: a peer,
// or all sources together. Both are the generic cell rate algorithm in its
// form of virtual scheduling (ITU-T I.371 annex A): what is kept is one time,
// the theoretical arrival time of the next that keeps the [Rate], and whoever
// comes before it is early. So a limit is one word, nothing runs when time
// passes, and any number of goroutines share it by compare-and-swap, without a
// lock. Who is refused changes nothing: asking too often does not make the
// wait longer.
//
// A source address may be forged, and there are more of them than words.
// Therefore a Table forgets (see there), and whoever uses one keeps a Bucket
// for all its sources beside it.
package limit
