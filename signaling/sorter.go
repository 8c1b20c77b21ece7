package signaling

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/dchest/siphash"

	"sbc/signaling/ident"
	"sbc/signaling/registrar"
	"sbc/signaling/sip"
)

// A Sorter tells which shard a message belongs to. Its methods may be called
// by any goroutine.
type Sorter struct {
	// Constant after open.
	ids     ident.Maker
	tokens  ident.Maker
	k0, k1  uint64
	binding [16]byte
	shards  int

	// Atomic. Where the INVITEs went of late that another call than their own
	// Call-ID decided for: the hash of their Call-ID, and in its lowest octet
	// the shard. Their CANCELs follow.
	detours [detoursMax]atomic.Uint64
}

// Ours: a power of two; as many transfers at once as nobody makes. One that is
// overwritten costs a CANCEL that comes too late.
const detoursMax = 1 << 10

// NewSorter returns a Sorter for so many shards, which make their identifiers
// under key and those of bindings under Options.BindingKey.
func NewSorter(key, binding [16]byte, shards int) *Sorter {
	return &Sorter{
		ids: ident.NewMaker(key), tokens: ident.NewMaker(binding), binding: binding, shards: shards,
		k0: binary.LittleEndian.Uint64(key[:8]), k1: binary.LittleEndian.Uint64(key[8:]),
	}
}

// Shard returns the index of the shard that a message belongs to: what our own
// branch, tag or token in it says, of a REGISTER its address-of-record, or else a
// keyed hash of its Call-ID. err is what Parse said of m.
func (s *Sorter) Shard(m *sip.Message, err error) int {
	if s.shards == 1 || err != nil {
		return 0
	}
	if !m.IsRequest() {
		if id, ok := s.ids.Read(ident.Branch, m.Bytes(m.Via().Branch)); ok {
			return s.index(id.Shard)
		}
		return s.byCallID(m)
	}
	if id, ok := s.ids.Read(ident.Tag, m.Bytes(m.To().Tag)); ok {
		return s.index(id.Shard)
	}
	if m.Method() == sip.REGISTER {
		return s.index(registrar.Home(s.binding, m))
	}
	if uri, err := sip.ParseURI(m.Raw, m.RequestURI()); err == nil && uri.User.Len() == ident.Size {
		// CANCEL and ACK have the Request-URI of their INVITE.
		if id, ok := s.tokens.Read(ident.Token, m.Bytes(uri.User)); ok {
			return s.index(id.Shard)
		}
	}
	if id, ok := s.named(m); ok {
		if m.Method() == sip.INVITE {
			s.detour(m, id.Shard)
		}
		return s.index(id.Shard)
	}
	if m.Method() == sip.CANCEL {
		h := s.hash(m)
		if at := s.detours[h>>8%detoursMax].Load(); at>>8 == h>>8 && at != 0 {
			return s.index(uint8(at))
		}
	}
	// A call of ours that a proxy sends back to us: where it began, a loop is
	// told from a spiral.
	if id, ok := s.ids.Read(ident.CallID, m.Bytes(m.CallID())); ok {
		return s.index(id.Shard)
	}
	return s.byCallID(m)
}

// Ours reports whether a message belongs to a dialog or transaction that has a
// checksum of ours: what nobody guesses.
func (s *Sorter) Ours(m *sip.Message) bool {
	if m.IsRequest() {
		_, ok := s.ids.Read(ident.Tag, m.Bytes(m.To().Tag))
		return ok
	}
	_, ok := s.ids.Read(ident.Branch, m.Bytes(m.Via().Branch))
	return ok
}

// named returns our tag in the dialog that a request names: one to be replaced
// or joined, or one that its sender knows of (RFC 4538).
func (s *Sorter) named(m *sip.Message) (ident.ID, bool) {
	f, ok := m.First(sip.FieldReplaces)
	for _, id := range []sip.FieldID{sip.FieldJoin, sip.FieldTargetDialog} {
		if !ok {
			f, ok = m.First(id)
		}
	}
	if !ok {
		return ident.ID{}, false
	}
	d, err := sip.ParseDialogID(m.Raw, f.Value)
	if err != nil {
		return ident.ID{}, false
	}
	id, ok := s.ids.Read(ident.Tag, m.Bytes(d.ToTag))
	if !ok {
		id, ok = s.ids.Read(ident.Tag, m.Bytes(d.FromTag))
	}
	return id, ok
}

func (s *Sorter) detour(m *sip.Message, shard uint8) {
	h := s.hash(m)
	s.detours[h>>8%detoursMax].Store(h>>8<<8 | uint64(shard))
}

func (s *Sorter) byCallID(m *sip.Message) int { return s.index(uint8(s.hash(m))) }

func (s *Sorter) hash(m *sip.Message) uint64 { return siphash.Hash(s.k0, s.k1, m.Bytes(m.CallID())) }

// index spreads the virtual shards over those that run.
func (s *Sorter) index(virtual uint8) int { return int(virtual) % s.shards }
