package kernel

import (
	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A rule of nf_tables is a list of steps, of which each may end it; these are
// the words that our rules are made of. Registers of 32 bits begin with number
// 8; what is in neighbouring ones is a concatenation.
const reg0 = 8

// A field is where something stands in a packet.
type field struct {
	base     expr.PayloadBase
	at, size uint32
}

// registers is how many a field takes.
func (f field) registers() uint32 { return (f.size + 3) / 4 }

// Fields of IPv4, of IPv6, and of UDP and TCP, whose ports are at the same place.
var (
	fragmentField = field{expr.PayloadBaseNetworkHeader, 6, 2}
	portFrom      = field{expr.PayloadBaseTransportHeader, 0, 2}
	portTo        = field{expr.PayloadBaseTransportHeader, 2, 2}
	tcpFlags      = field{expr.PayloadBaseTransportHeader, 13, 1}
)

// load reads a field into registers.
func load(reg uint32, f field) expr.Any {
	return &expr.Payload{DestRegister: reg, Base: f.base, Offset: f.at, Len: f.size}
}

// proto reads the protocol of IP that a packet carries.
func proto(reg uint32) expr.Any { return &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: reg} }

func number(reg uint32, b ...byte) expr.Any { return &expr.Immediate{Register: reg, Data: b} }

// masked clears bits of a register.
func masked(reg uint32, mask []byte) expr.Any {
	return &expr.Bitwise{SourceRegister: reg, DestRegister: reg, Len: uint32(len(mask)), Mask: mask, Xor: make([]byte, len(mask))}
}

func equal(reg uint32, b ...byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpEq, Register: reg, Data: b}
}

func unequal(reg uint32, b ...byte) expr.Any {
	return &expr.Cmp{Op: expr.CmpOpNeq, Register: reg, Data: b}
}

// in ends the rule unless a key is in a set; notIn if it is.
func in(s *nftables.Set, reg uint32) expr.Any {
	return &expr.Lookup{SetName: s.Name, SetID: s.ID, SourceRegister: reg}
}

func notIn(s *nftables.Set, reg uint32) expr.Any {
	return &expr.Lookup{SetName: s.Name, SetID: s.ID, SourceRegister: reg, Invert: true}
}

// isFamily matches packets of IPv4 or IPv6.
func isFamily(f byte) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: reg0}, equal(reg0, f)}
}

// isFragment4 and isFragment6 match fragments, the first and later ones.
func isFragment4() []expr.Any {
	return []expr.Any{load(reg0, fragmentField), masked(reg0, []byte{0x3f, 0xff}), unequal(reg0, 0, 0)}
}

func isFragment6() []expr.Any {
	return []expr.Any{
		&expr.Exthdr{DestRegister: reg0, Type: unix.IPPROTO_FRAGMENT, Len: 1, Flags: unix.NFT_EXTHDR_F_PRESENT, Op: expr.ExthdrOpIpv6},
		equal(reg0, 1),
	}
}

// carries matches the protocol of IP.
func carries(p byte) []expr.Any { return []expr.Any{proto(reg0), equal(reg0, p)} }

// opens matches segments with SYN and without ACK.
func opens() []expr.Any {
	return []expr.Any{load(reg0, tcpFlags), masked(reg0, []byte{0x12}), equal(reg0, 0x02)}
}

// over matches what is over a rate.
func over(perSecond, burst int) *expr.Limit {
	return &expr.Limit{Type: expr.LimitTypePkts, Rate: uint64(perSecond), Unit: expr.LimitTimeSecond, Burst: uint32(burst), Over: true}
}

// update runs a limit that a set keeps for each key.
func update(s *nftables.Set, reg uint32, l *expr.Limit) expr.Any {
	return &expr.Dynset{SetName: s.Name, SetID: s.ID, SrcRegKey: reg, Operation: uint32(unix.NFT_DYNSET_OP_UPDATE), Timeout: s.Timeout, Exprs: []expr.Any{l}}
}

func accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

func jumpTo(c *nftables.Chain) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictGoto, Chain: c.Name}}
}

// dropAs counts a packet and drops it.
func dropAs(counter string) []expr.Any {
	return []expr.Any{&expr.Objref{Type: unix.NFT_OBJECT_COUNTER, Name: counter}, &expr.Verdict{Kind: expr.VerdictDrop}}
}

// port16 is a port as it stands in packets and in registers.
func port16(p uint16) []byte { return append(binaryutil.BigEndian.PutUint16(p), 0, 0) }
