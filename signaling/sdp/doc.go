// Package sdp reads session descriptions (RFC 8866) without losing an octet.
//
// A Session keeps views into the octets that came in. Whoever changes
// something replaces spans of them, so what nobody touches goes out as it
// came in, in its order.
//
// It takes what real devices send: missing o=, s= and t=, lines in another
// order, lines, attributes, media and transports that nobody knows, LF alone,
// no last line end. It is strict where two readers could see different
// addresses or ports: a c= or m= that cannot be read, a second c= in one
// place, a CR inside of a line, NUL.
package sdp
