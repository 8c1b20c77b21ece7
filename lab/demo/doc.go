// Package demo shows the border at work: it runs the real program on the
// example configuration, with a PBX on one side and an ITSP on the other, and
// makes calls between them.
//
// As root each of the three is in a network namespace of its own, with the
// addresses that the example has; everything on the two cables is recorded
// and searched for what belongs to the other side. Else all are on loopback,
// and the example's addresses are moved there.
package demo
