package netns

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// A ruleset is a table of nf_tables that is being written. It replaces the one
// of the same name as a whole, when it is committed.
type ruleset struct {
	conn  *nftables.Conn
	table *nftables.Table
	sets  uint32
}

// Registers of 32 bits: NFT_REG32_00 is number 8. What is in neighbouring
// registers is a concatenation.
const reg0 = 8

// commit writes a table in one transaction: between the old and the new one
// no packet passes.
func (s *Space) commit(name string, family nftables.TableFamily, write func(*ruleset) error) error {
	err := s.Do(func() error {
		conn, err := nftables.New()
		if err != nil {
			return err
		}
		b := &ruleset{conn: conn, table: &nftables.Table{Name: name, Family: family}}
		conn.AddTable(b.table) // so that there is one to delete
		conn.DelTable(b.table)
		conn.AddTable(b.table)
		if err := write(b); err != nil {
			return err
		}
		return conn.Flush()
	})
	if err != nil {
		return fmt.Errorf("nf_tables in %q: %w", s.name, err)
	}
	return nil
}

// hook adds a chain that packets come by.
func (b *ruleset) hook(name string, of nftables.ChainType, hook *nftables.ChainHook, at *nftables.ChainPriority, policy nftables.ChainPolicy) *nftables.Chain {
	return b.conn.AddChain(&nftables.Chain{Name: name, Table: b.table, Type: of, Hooknum: hook, Priority: at, Policy: &policy})
}

// chain adds a chain that is jumped to.
func (b *ruleset) chain(name string) *nftables.Chain {
	return b.conn.AddChain(&nftables.Chain{Name: name, Table: b.table})
}

// rule adds a rule.
func (b *ruleset) rule(c *nftables.Chain, parts ...[]expr.Any) {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	b.conn.AddRule(&nftables.Rule{Table: b.table, Chain: c, Exprs: all})
}

// A field is where something stands in a packet.
type field struct {
	base     expr.PayloadBase
	at, size uint32
}

// Fields of IPv4, and of UDP and TCP, whose ports are at the same place.
var (
	srcAddr = field{expr.PayloadBaseNetworkHeader, 12, 4}
	dstAddr = field{expr.PayloadBaseNetworkHeader, 16, 4}
	srcPort = field{expr.PayloadBaseTransportHeader, 0, 2}
	dstPort = field{expr.PayloadBaseTransportHeader, 2, 2}
)

// load reads fields into registers that follow each other.
func load(reg uint32, fields ...field) (all []expr.Any) {
	for i, f := range fields {
		all = append(all, &expr.Payload{DestRegister: reg + uint32(i), Base: f.base, Offset: f.at, Len: f.size})
	}
	return all
}

// is compares a field with a value.
func is(f field, value []byte) []expr.Any {
	return append(load(reg0, f), &expr.Cmp{Op: expr.CmpOpEq, Register: reg0, Data: value})
}

func addr4(a netip.Addr) []byte { return a.AsSlice() }
func port16(p uint16) []byte    { return binaryutil.BigEndian.PutUint16(p) }

// from and to match the interface that a packet came in by or goes out by.
func from(name string) []expr.Any { return interfaceIs(expr.MetaKeyIIFNAME, name) }
func to(name string) []expr.Any   { return interfaceIs(expr.MetaKeyOIFNAME, name) }

func interfaceIs(key expr.MetaKey, name string) []expr.Any {
	b := make([]byte, unix.IFNAMSIZ)
	copy(b, name)
	return []expr.Any{&expr.Meta{Key: key, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: b}}
}

// carries matches the transport protocol.
func carries(proto uint8) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1}, &expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}}}
}

// tracked bits of a connection: any of them is set.
func connection(key expr.CtKey, bits uint32) []expr.Any {
	zero := make([]byte, 4)
	return []expr.Any{
		&expr.Ct{Key: key, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits), Xor: zero},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: zero},
	}
}

var (
	accept = []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}
	drop   = []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}
)

func jump(c *nftables.Chain) []expr.Any {
	return []expr.Any{&expr.Verdict{Kind: expr.VerdictJump, Chain: c.Name}}
}
