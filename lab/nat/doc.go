// Package nat is a network address translator as pure functions, in the words
// of RFC 4787: what a packet from inside becomes outside, and where a packet
// from outside goes, for every kind of mapping and filtering, with lifetimes
// in a time that the caller tells. A simulated network puts one between two
// hosts; several in a row are a NAT behind a NAT.
package nat
