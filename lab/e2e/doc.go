// Package e2e runs calls end to end through network namespaces: an ITSP on
// one side, a PBX on a LAN on the other, the SBC between them, all of them
// processes of their own. It holds tests only.
//
// The far ends are software that we did not write (sipp, Kamailio, baresip
// and JsSIP), and agents of lab/ua where something has to be exact. Each test has a world of
// its own, captures what both sides see, and ends with the SBC empty.
//
// The same scenarios run without the SBC too (SBC_WORLD=direct), which proves
// the scenarios, not the SBC.
package e2e
