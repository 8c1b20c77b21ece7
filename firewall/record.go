package firewall

import (
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// recordVersion begins every record. A reader takes no other. Within a version
// fields may be added: a reader passes over those that it does not know.
const recordVersion = 1

// The fields of a record: an octet that names it, its length as an unsigned
// varint, its value. Numbers are unsigned varints.
const (
	recordPrefix byte = iota + 1 // as netip.Prefix writes it
	recordSince                  // Unix time in ms, as all times here
	recordUntil
	recordTimes
	recordOrigin
	recordReason
	recordTally // a number for each offence
)

// Ours: times in records lie between 1970 and 2200.
const wallMax = 230 * 365 * 24 * int64(time.Hour/time.Millisecond)

// Errors of Restore.
var (
	errVersion = errors.New("firewall: the record of a ban is of a version that this program does not know")
	errRecord  = errors.New("firewall: the record of a ban is damaged")
)

// appendRecord appends all of b that must outlive the process.
func (g *Guard) appendRecord(dst []byte, b *ban) []byte {
	dst = append(dst, recordVersion)
	if p, err := b.prefix.MarshalBinary(); err == nil {
		dst = appendField(dst, recordPrefix, p)
	}
	for _, f := range []struct {
		id byte
		n  uint64
	}{
		{recordSince, g.unix(b.since)}, {recordUntil, g.unix(b.until)}, {recordTimes, uint64(b.times)}, {recordOrigin, uint64(b.by)},
	} {
		dst = appendField(dst, f.id, binary.AppendUvarint(nil, f.n))
	}
	if b.reason != "" {
		dst = appendField(dst, recordReason, []byte(b.reason))
	}
	if b.did == (Tally{}) {
		return dst
	}
	var tally []byte
	for _, n := range b.did {
		tally = binary.AppendUvarint(tally, uint64(n))
	}
	return appendField(dst, recordTally, tally)
}

func appendField(dst []byte, id byte, value []byte) []byte {
	return append(binary.AppendUvarint(append(dst, id), uint64(len(value))), value...)
}

func (g *Guard) unix(at time.Duration) uint64 {
	return uint64(min(max(g.wall(at).UnixMilli(), 0), wallMax))
}

// decode reads a record.
func (g *Guard) decode(data []byte) (*ban, error) {
	if len(data) == 0 || data[0] != recordVersion {
		return nil, errVersion
	}
	b := &ban{}
	var seen [recordTally + 1]bool
	for data = data[1:]; len(data) > 0; {
		id := data[0]
		n, used := binary.Uvarint(data[1:])
		if used <= 0 || n > uint64(len(data)-1-used) {
			return nil, fmt.Errorf("%w: it ends within field %d", errRecord, id)
		}
		value := data[1+used:][:n]
		data = data[1+used+int(n):]
		if int(id) < len(seen) {
			seen[id] = true
		}
		if !g.set(b, id, value) {
			return nil, fmt.Errorf("%w: field %d", errRecord, id)
		}
	}
	for id := recordPrefix; id <= recordOrigin; id++ {
		if !seen[id] {
			return nil, fmt.Errorf("%w: field %d is missing", errRecord, id)
		}
	}
	return b, nil
}

// set writes one field; false if its value cannot be.
func (g *Guard) set(b *ban, id byte, value []byte) bool {
	switch id {
	case recordPrefix:
		var p netip.Prefix
		if p.UnmarshalBinary(value) != nil {
			return false
		}
		q, ok := clean(p)
		b.prefix = q
		return ok && p == q
	case recordReason:
		b.reason = string(value)
		return len(value) <= reasonMax
	case recordTally:
		for i := range b.did {
			n, used := binary.Uvarint(value)
			if used <= 0 || n > 1<<32-1 {
				return len(value) == 0 // an older program knew fewer
			}
			b.did[i], value = uint32(n), value[used:]
		}
		return true
	case recordSince, recordUntil, recordTimes, recordOrigin:
		n, used := binary.Uvarint(value)
		return used > 0 && used == len(value) && g.setNumber(b, id, n)
	}
	return true
}

func (g *Guard) setNumber(b *ban, id byte, n uint64) bool {
	switch id {
	case recordSince, recordUntil:
		if n > uint64(wallMax) {
			return false
		}
		at := time.UnixMilli(int64(n)).Sub(g.o.Start) // which saturates
		if id == recordSince {
			b.since = at
		} else {
			b.until = at
		}
		return true
	case recordTimes:
		b.times = uint32(n)
		return n >= 1 && n <= 1<<31
	}
	b.by = Origin(n)
	return n < uint64(origins)
}

// Restore takes the record of a ban that an earlier process kept, before Start.
// The error says that it cannot be read; it may be deleted then.
func (g *Guard) Restore(now time.Duration, id uint64, record []byte) error {
	b, err := g.decode(record)
	if err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.sweep(now)
	g.lastID = max(g.lastID, id)
	b.id, b.since = id, min(b.since, now)
	b.until = min(b.until, now+handMax)
	_, twice := g.bans.Load().Get(b.prefix)
	switch {
	case twice || g.past[b.prefix] != nil || b.until+g.o.Memory <= now || b.until > now && g.refuses(b.prefix) != nil:
		g.forget(id)
	case b.until > now:
		g.put(now, b)
	case len(g.former) < g.o.Bans:
		heap.Push(&g.former, b)
		g.past[b.prefix] = b
	default:
		g.forget(id)
	}
	return nil
}

// Records calls each with the record of each ban that is or is remembered, as
// Options.Keep gets them. It must not call the Guard.
func (g *Guard) Records(each func(id uint64, record []byte)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, list := range []queue{g.active, g.former} {
		for _, b := range list {
			each(b.id, g.appendRecord(nil, b))
		}
	}
}
