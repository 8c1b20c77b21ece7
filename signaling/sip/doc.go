// Package sip reads, looks at, edits and writes SIP messages (RFC 3261).
//
// A Message keeps the octets that came in; its fields are views into them.
// What nobody touches goes out as it came in, in its order, folds included.
// Parse decodes what every message needs (start line, Via, From, To, Call-ID,
// CSeq, Contact, Max-Forwards, Content-Length) and judges it; structures
// inside of other fields are decoded when they are asked for. An edit replaces
// a span.
//
// A message that cannot be accepted gives an Error: what is wrong, where, and
// which response its sender deserves, if any. It is refused where two readers
// could read it in two ways. Every bound on sizes and numbers is an error when
// it is exceeded, never a truncation.
package sip
