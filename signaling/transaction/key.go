package transaction

import (
	"bytes"
	"encoding/binary"

	"github.com/dchest/siphash"

	"sbc/signaling/sip"
)

// A Key names a transaction in a table: a keyed hash of 128 bits of what RFC
// 3261 section 17.2.3 compares. Whoever does not know the secret cannot make
// two requests collide, so that equal keys count as equal transactions.
//
// Realms use secrets of their own: both may have the same private addresses,
// and no one may reach into a transaction of the other.
type Key [2]uint64

// ServerKey returns the key of the server transaction that the request m
// belongs to. ACK and CANCEL of RFC 3261 clients have branches that name an
// INVITE: look for an ACK's transaction, and for what a CANCEL cancels, with
// ServerKeyOf.
func ServerKey(secret [16]byte, m *sip.Message) Key { return serverKey(secret, m, m.MethodName()) }

// ServerKeyOf returns the key that m would have if its method were method: of
// an ACK or a CANCEL, with INVITE, the transaction that it is about (RFC 3261
// sections 17.2.3 and 9.2).
func ServerKeyOf(secret [16]byte, m *sip.Message, method sip.Method) Key {
	return serverKey(secret, m, methodName(method))
}

// methodName returns the name without allocating for the methods that have
// transactions of others to name.
func methodName(method sip.Method) []byte {
	if method == sip.INVITE {
		return invite
	}
	return []byte(method.String())
}

var (
	invite = []byte("INVITE")
	cookie = []byte("z9hG4bK")
)

func serverKey(secret [16]byte, m *sip.Message, method []byte) Key {
	via := m.Via()
	if branch := m.Bytes(via.Branch); hasCookie(branch) {
		h := newHash(secret, domainBranch)
		h.write(branch)
		h.writeLower(m.Bytes(via.Host))
		h.writeUint(uint64(via.Port))
		h.write(method)
		return h.key()
	}
	return oldServerKey(secret, m, method, via)
}

// oldServerKey follows RFC 3261 section 17.2.3 for requests whose branch has
// no cookie, or nothing behind it. The To tag of a request that an INVITE's
// ACK or CANCEL could name is left out: the ACK has the tag that our response
// gave, which the INVITE could not have.
func oldServerKey(secret [16]byte, m *sip.Message, method []byte, via sip.Via) Key {
	h := newHash(secret, domainOld)
	h.write(m.Bytes(m.RequestURI()))
	h.write(m.Bytes(m.From().Tag))
	h.write(m.Bytes(m.CallID()))
	h.writeUint(uint64(m.CSeq()))
	h.write(m.Bytes(via.Value))
	h.write(method)
	if !bytes.Equal(method, invite) {
		h.write(m.Bytes(m.To().Tag))
	}
	return h.key()
}

// hasCookie reports whether branch is unique as RFC 3261 section 8.1.1.7 has
// it. The cookie alone is not.
func hasCookie(branch []byte) bool {
	return len(branch) > len(cookie) && bytes.EqualFold(branch[:len(cookie)], cookie)
}

// ClientKey returns the key of the client transaction that a response to a
// request of method belongs to, by the branch of its top Via: RFC 3261
// section 17.1.3.
func ClientKey(secret [16]byte, branch, method []byte) Key {
	h := newHash(secret, domainClient)
	h.write(branch)
	h.write(method)
	return h.key()
}

// MergeKey returns a key that two requests without a To tag share when they
// are one request that came by two paths: same Request-URI, From tag, Call-ID
// and CSeq, other transaction. The second gets 482: RFC 3261 section 8.2.2.2.
// The RFC does not compare the Request-URI; we do, because a fork to several
// bindings that lie behind us is several calls, and differs there.
func MergeKey(secret [16]byte, m *sip.Message) Key {
	h := newHash(secret, domainMerge)
	h.write(m.Bytes(m.RequestURI()))
	h.write(m.Bytes(m.From().Tag))
	h.write(m.Bytes(m.CallID()))
	h.writeUint(uint64(m.CSeq()))
	h.write(m.MethodName())
	return h.key()
}

// What is hashed for one purpose never equals what is hashed for another.
const (
	domainBranch = iota + 1
	domainOld
	domainClient
	domainMerge
	domainStateless
)

// A hash is a chain of SipHash-2-4-128: the output of one part is the key of
// the next. Parts need neither be copied together nor separated.
type hash struct{ k0, k1 uint64 }

func newHash(secret [16]byte, domain uint64) hash {
	h := hash{binary.LittleEndian.Uint64(secret[:]), binary.LittleEndian.Uint64(secret[8:])}
	h.writeUint(domain)
	return h
}

func (h *hash) write(b []byte) { h.k0, h.k1 = siphash.Hash128(h.k0, h.k1, b) }

func (h *hash) writeUint(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	h.write(b[:])
}

// writeLower writes b as if its ASCII letters were small: host names compare
// so. Longer names than a domain name can be are cut into several parts.
func (h *hash) writeLower(b []byte) {
	var low [256]byte
	for {
		n := copy(low[:], b)
		for i, c := range low[:n] {
			if 'A' <= c && c <= 'Z' {
				low[i] = c + 'a' - 'A'
			}
		}
		h.write(low[:n])
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
}

func (h *hash) key() Key { return Key{h.k0, h.k1} }
