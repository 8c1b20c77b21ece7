package kernel

import (
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// writeRules adds the rules of a family that never change. Who is neither banned
// nor sends to a listener passes by two or three look-ups: media, most of what
// there is; trust is asked for last.
//
//	ip       ── a fragment ──────▶ fragment ── not trusted, for us ──▶ police-fragments
//	   │
//	   ├────── a banned source ──▶ ban ────── not trusted, not spared ─▶ dropped
//	   │
//	   └────── for a listener ───▶ stranger ─ not trusted, not spared ─▶ police
func (t *table) writeRules(conn *nftables.Conn, f *family) {
	t.rule(conn, t.hook, isFamily(f.number), jumpTo(f.input))

	isFragment := isFragment4()
	if f.v6 {
		isFragment = isFragment6()
	}
	t.rule(conn, f.input, isFragment, jumpTo(f.fragment))
	for _, b := range f.bans {
		t.rule(conn, f.input, f.fromBanned(b), jumpTo(f.ban))
	}
	t.rule(conn, f.input, carries(protoUDP), f.toListener(f.udp), jumpTo(f.stranger))
	t.rule(conn, f.input, carries(protoTCP), opens(), f.toListener(f.tcp), jumpTo(f.stranger))

	t.rule(conn, f.ban, f.fromTrusted(), accept())
	t.rule(conn, f.ban, f.ofSpared(), accept())
	t.rule(conn, f.ban, dropAs(countBanned))

	t.rule(conn, f.stranger, f.fromTrusted(), accept())
	t.rule(conn, f.stranger, f.ofSpared(), accept())
	t.rule(conn, f.stranger, jumpTo(f.police))

	for _, b := range f.bans {
		t.rule(conn, f.fragment, f.fromBanned(b), f.fromStranger(), f.notBetweenSpared(), dropAs(countBanned))
	}
	t.rule(conn, f.fragment, []expr.Any{load(reg0, f.to), in(f.local, reg0)}, f.fromStranger(), jumpTo(f.policeFragments))
}

// fromBanned matches sources of a set of bans.
func (f *family) fromBanned(b banSet) []expr.Any {
	if b.mask == nil {
		return []expr.Any{load(reg0, f.from), in(b.set, reg0)}
	}
	return []expr.Any{load(reg0, f.from), masked(reg0, b.mask), in(b.set, reg0)}
}

func (f *family) fromTrusted() []expr.Any {
	return []expr.Any{load(reg0, f.from), in(f.trusted, reg0)}
}

func (f *family) fromStranger() []expr.Any {
	return []expr.Any{load(reg0, f.from), notIn(f.trusted, reg0)}
}

// toListener matches what comes to one of a set of addresses and ports.
func (f *family) toListener(s *nftables.Set) []expr.Any {
	return []expr.Any{load(reg0, f.to), load(reg0+f.to.registers(), portTo), in(s, reg0)}
}

// ofSpared matches a flow that is spared. What has no ports ends the rule.
func (f *family) ofSpared() []expr.Any {
	n := f.from.registers()
	return []expr.Any{
		load(reg0, f.from), load(reg0+n, portFrom), load(reg0+n+1, f.to), load(reg0+n+1+n, portTo),
		proto(reg0 + n + 1 + n + 1), in(f.spared, reg0),
	}
}

// notBetweenSpared ends the rule for addresses with a flow between them that is
// spared.
func (f *family) notBetweenSpared() []expr.Any {
	n := f.from.registers()
	none := []byte{0, 0, 0, 0}
	return []expr.Any{
		load(reg0, f.from), number(reg0+n, none...), load(reg0+n+1, f.to), number(reg0+n+1+n, none...),
		number(reg0+n+1+n+1, none...), notIn(f.spared, reg0),
	}
}

// fromSource leaves a source in a register.
func (f *family) fromSource() []expr.Any {
	if f.source == nil {
		return []expr.Any{load(reg0, f.from)}
	}
	return []expr.Any{load(reg0, f.from), masked(reg0, f.source)}
}

// flowKey is an entry as it stands in the set of flows that are spared.
func flowKey(e entry) []byte {
	return slices.Concat(
		e.remote.Addr().AsSlice(), port16(e.remote.Port()),
		e.local.Addr().AsSlice(), port16(e.local.Port()), []byte{e.proto, 0, 0, 0})
}
