package digest

import "sync/atomic"

// slots remember which nonces were used, and how often. Each is one word:
//
//	63       48 47       32 31              8 7      0
//	┌──────────┬───────────┬─────────────────┬────────┐
//	│generation│    tag    │   highest nc    │ window │
//	└──────────┴───────────┴─────────────────┴────────┘
//
// A slot belongs to one nonce at a time. generation counts its owners, tag is
// a part of its owner's mac, highest nc the greatest nonce count that the
// owner was used with, and bit i of window says that highest-1-i was used too:
// requests over UDP overtake each other.
//
// A nonce is made for a slot that is drawn by lot and for the generation that
// comes next there. Nothing is written then. Its first use takes the slot,
// which makes it the owner; the one before it is evicted and Stale from there
// on. use is called for credentials that have proved the password and for
// nobody else, so that only users evict, and only by logging in.
//
// No nonce is accepted twice with the same count:
//
//   - A nonce is accepted in two ways: it takes the slot, or it is the owner.
//     It takes the slot if its generation is the next, and the slot then has
//     its generation. The generation never goes back, so no nonce takes a slot
//     twice, and who was evicted does not come back.
//   - Of two nonces for one slot and generation the first use wins. The other
//     is Stale by its tag. Should the tags be alike, which one pair in 65,536
//     is, then both are taken for one nonce: the second can be refused as
//     Replayed, and its client gets a new one. Nothing is accepted twice,
//     because what counts is the pair of tag and count.
//   - The owner is accepted with a count above the highest, or with one in the
//     window whose bit is not set; both are noted in the same step. What is
//     below the window counts as used. A client may begin at any count, and
//     what it left out below may still come, as far as the window reaches.
//   - The word is read, judged and replaced by compare-and-swap: of two that
//     are at it at once, the second sees what the first has written. The same
//     word never comes back under another meaning while a nonce lives, since
//     each write raises the generation, the highest count, or sets a bit.
//
// The generation wraps after 65,536 owners. A nonce would have to be kept for
// as many logins in its slot, within its age; see slotsMin. The generation of
// a nonce is never more than one ahead, so that only the next is taken for
// one that is, and what a wrap would let in is one of 65,536, not half of all.
//
// A count over 24 bits is Stale: the client gets a new nonce.
type slots []atomic.Uint64

const (
	countBits  = 24
	countMax   = 1<<countBits - 1
	windowBits = 8
)

func (s slots) mask() uint32 { return uint32(len(s) - 1) }

// next returns the generation for a new nonce.
func (s slots) next(slot uint32) uint16 { return slotWord(s[slot].Load()).generation() + 1 }

// use notes that the nonce of t was used with a count: OK, Stale or Replayed.
func (s slots) use(t *ticket, count uint32) Verdict {
	for {
		old := s[t.slot].Load()
		word, v := slotWord(old).use(t, count)
		if v != OK || s[t.slot].CompareAndSwap(old, uint64(word)) {
			return v
		}
	}
}

type slotWord uint64

func newSlotWord(generation, tag uint16, highest uint32, window uint8) slotWord {
	return slotWord(generation)<<48 | slotWord(tag)<<32 | slotWord(highest)<<8 | slotWord(window)
}

func (w slotWord) generation() uint16 { return uint16(w >> 48) }
func (w slotWord) tag() uint16        { return uint16(w >> 32) }
func (w slotWord) highest() uint32    { return uint32(w>>8) & countMax }
func (w slotWord) window() uint8      { return uint8(w) }

// use returns the word after the use of a nonce, if it may be used.
func (w slotWord) use(t *ticket, count uint32) (slotWord, Verdict) {
	switch {
	case count > countMax:
		return w, Stale
	case t.gen == w.generation()+1:
		return newSlotWord(t.gen, t.tag, count, 0), OK
	case t.gen != w.generation() || t.tag != w.tag():
		return w, Stale
	}
	highest, window := w.highest(), w.window()
	if count > highest {
		ahead := count - highest
		// Shifts by more than the width give 0.
		return newSlotWord(t.gen, t.tag, count, window<<ahead|1<<(ahead-1)), OK
	}
	behind := highest - count
	if behind == 0 || behind > windowBits || window>>(behind-1)&1 != 0 {
		return w, Replayed
	}
	return newSlotWord(t.gen, t.tag, highest, window|1<<(behind-1)), OK
}
