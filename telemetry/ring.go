package telemetry

import (
	"encoding/binary"
	"time"

	"sbc/signaling/edit"
)

// Kind says what an Entry of a trace tells of.
type Kind uint8

// The kinds of entries.
const (
	In    Kind = iota // a message came in: Payload is it
	Out               // a message went out: Payload and Edits make it
	Rule              // something was decided: Head says what, and by which rule
	Media             // a media line was opened, pinned or closed
	Leak              // the audit found something
	Timer             // a timer of the call fired
	End               // the call ended
)

var kindNames = [...]string{"in", "out", "rule", "media", "leak", "timer", "end"}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// An Entry is one step of a call as a Ring kept it. All of it is a copy.
type Entry struct {
	Call    uint64
	At      time.Duration // since the start of the process
	Kind    Kind
	Leg     uint8
	Head    string
	Payload []byte      // a message, secrets masked
	Edits   []edit.Edit // what was changed in Payload; offsets are right in it
	Cut     bool        // the entry was too long: the end of Payload and the Edits are missing
}

// A Ring keeps what happened to the calls of one shard, in a fixed number of
// octets: the oldest entries make room for new ones. It has no lock and
// belongs to one goroutine.
type Ring struct {
	buf   []byte
	first int // where the oldest entry starts
	next  int // where the next entry goes
	count int // entries in the ring
	end   int // where the entries before the wrap end; only if next <= first
}

// Ours: an entry holds a message of the largest size on UDP with room for its
// edits, and the smallest ring holds a few of them.
const (
	ringMin      = 1 << 12
	entryDivisor = 4 // one entry takes at most this part of the ring
	headMax      = 1 << 8
	headerSize   = 40
	editSize     = 16
)

// NewRing returns a ring of so many octets, ringMin at least. It takes its
// memory from the system at once: what the process needs then does not grow
// with the traces.
func NewRing(octets int) *Ring {
	r := &Ring{buf: make([]byte, max(octets, ringMin))}
	const page = 4096
	for i := 0; i < len(r.buf); i += page {
		r.buf[i] = 1
	}
	return r
}

// Append notes a step of a call: head in words, or payload, a message. edits
// are what was changed in payload; both are copied. Secrets in payload and in
// what edits put there are masked, without changing any length. Append does
// not allocate.
func (r *Ring) Append(call uint64, at time.Duration, kind Kind, leg uint8, head string, payload []byte, edits []edit.Edit) {
	head = head[:min(len(head), headMax)]
	size := headerSize + len(head) + len(payload)
	for i := range edits {
		size += editSize + len(edits[i].New) + len(edits[i].Why)
	}
	cut := byte(0)
	if most := len(r.buf) / entryDivisor; size > most {
		payload, edits, cut = payload[:min(len(payload), most-headerSize-len(head))], nil, 1
		size = headerSize + len(head) + len(payload)
	}
	b := r.room(size)
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(size))
	le.PutUint64(b[4:], call)
	le.PutUint64(b[12:], uint64(at))
	b[20], b[21], b[22] = byte(kind), leg, cut
	le.PutUint32(b[24:], uint32(len(head)))
	le.PutUint32(b[28:], uint32(len(payload)))
	le.PutUint32(b[32:], uint32(len(edits)))
	n := headerSize
	n += copy(b[n:], head)
	n += copy(b[n:], payload)
	Mask(b[n-len(payload) : n])
	for i := range edits {
		n += putEdit(b[n:], &edits[i])
	}
}

func putEdit(b []byte, e *edit.Edit) int {
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(e.Start))
	le.PutUint32(b[4:], uint32(e.End))
	le.PutUint32(b[8:], uint32(len(e.New)))
	le.PutUint32(b[12:], uint32(len(e.Why)))
	n := editSize
	n += copy(b[n:], e.New)
	Mask(b[n-len(e.New) : n])
	return n + copy(b[n:], e.Why)
}

// room takes size octets behind the newest entry and drops the entries that
// were there.
func (r *Ring) room(size int) []byte {
	if r.count > 0 && r.next > r.first && r.next+size > len(r.buf) {
		r.end, r.next = r.next, 0 // entries are not split: start over
	}
	for r.count > 0 && r.next <= r.first && r.next+size > r.first {
		r.drop()
		if r.count > 0 && r.next > r.first && r.next+size > len(r.buf) {
			r.end, r.next = r.next, 0
		}
	}
	if r.count == 0 {
		r.first, r.next = 0, 0
	}
	b := r.buf[r.next : r.next+size]
	r.next += size
	r.count++
	return b
}

// drop forgets the oldest entry.
func (r *Ring) drop() {
	wrapped := r.next <= r.first
	r.first += int(binary.LittleEndian.Uint32(r.buf[r.first:]))
	r.count--
	if wrapped && r.first == r.end {
		r.first = 0
	}
}

// Read returns the entries of a call, the oldest first. It looks at every
// entry of the ring.
func (r *Ring) Read(call uint64) []Entry {
	var list []Entry
	r.each(func(b []byte) {
		if binary.LittleEndian.Uint64(b[4:]) == call {
			list = append(list, decode(b))
		}
	})
	return list
}

// Calls returns the calls of which the ring has entries, in the order of
// their oldest entry.
func (r *Ring) Calls() []uint64 {
	var list []uint64
	seen := map[uint64]bool{}
	r.each(func(b []byte) {
		if call := binary.LittleEndian.Uint64(b[4:]); !seen[call] {
			seen[call] = true
			list = append(list, call)
		}
	})
	return list
}

func (r *Ring) each(f func(entry []byte)) {
	at, wrapped := r.first, r.next <= r.first
	for range r.count {
		if wrapped && at == r.end {
			at, wrapped = 0, false
		}
		size := int(binary.LittleEndian.Uint32(r.buf[at:]))
		f(r.buf[at : at+size])
		at += size
	}
}

func decode(b []byte) Entry {
	le := binary.LittleEndian
	e := Entry{
		Call: le.Uint64(b[4:]),
		At:   time.Duration(le.Uint64(b[12:])),
		Kind: Kind(b[20]), Leg: b[21], Cut: b[22] != 0,
	}
	n := headerSize
	take := func(octets uint32) []byte {
		n += int(octets)
		return b[n-int(octets) : n]
	}
	e.Head = string(take(le.Uint32(b[24:])))
	e.Payload = append([]byte(nil), take(le.Uint32(b[28:]))...)
	for range le.Uint32(b[32:]) {
		h := take(editSize)
		d := edit.Edit{Start: int(le.Uint32(h[0:])), End: int(le.Uint32(h[4:]))}
		d.New = append([]byte(nil), take(le.Uint32(h[8:]))...)
		d.Why = edit.Reason(take(le.Uint32(h[12:])))
		e.Edits = append(e.Edits, d)
	}
	return e
}
