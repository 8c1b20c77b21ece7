package netns

import (
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"sbc/lab/nat"
)

// A translation is what the maps of one transport protocol are: a NAT that
// rewrites addresses and ports by itself, without conntrack, so that it knows
// every kind of mapping and filtering, and that only packets from inside
// refresh anything.
type translation struct {
	name     string
	proto    uint8
	lifetime time.Duration
	sum      uint32 // where the checksum is in the transport header

	// RFC 4787's words: inside endpoint, and as much of the far end as the
	// kind of mapping looks at, to public port; and the way back.
	out, in *nftables.Set
	// Public port, and as much of the far end as the kind of filtering looks
	// at; nil: endpoint-independent.
	peers *nftables.Set
	// The same two for forwarded ports, which never expire.
	outForward, inForward *nftables.Set
}

// Registers of the rules. A key of out begins at insideReg, one of peers at
// portReg.
const (
	insideReg = reg0      // source address and port, destination address and port
	portReg   = reg0 + 4  // public port, far address and port
	backReg   = reg0 + 8  // inside address and port, as data of in
	spareReg  = reg0 + 12 // for one comparison
)

// tries is how often a rule looks for a free port before the packet is
// dropped. Ours: with half of the ports taken, one packet in 256 is.
const tries = 8

// maps writes the rules of a router that translates by maps.
func (r *Router) maps(b *ruleset) error {
	pre := b.hook("prerouting", nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityRaw, nftables.ChainPolicyAccept)
	b.rule(pre, from(lanName), is(dstAddr, addr4(r.inside.Addr())), accept)
	udp := &translation{name: "udp", proto: protoUDP, lifetime: r.kind.Lifetime, sum: 6}
	tcp := &translation{name: "tcp", proto: protoTCP, lifetime: r.kind.TCP, sum: 16}
	for _, x := range []*translation{udp, tcp} {
		if err := r.sets(b, x); err != nil {
			return err
		}
		b.rule(pre, from(lanName), carries(x.proto), jump(r.outward(b, x)))
	}
	b.rule(pre, from(lanName), isNot(srcAddr, addr4(r.public)), drop) // no port left, or a protocol without ports
	if !r.kind.Hairpin {
		b.rule(pre, from(lanName), is(dstAddr, addr4(r.public)), drop)
	}
	b.rule(pre, from(wanName), isNot(dstAddr, addr4(r.public)), drop)
	for _, x := range []*translation{udp, tcp} {
		b.rule(pre, is(dstAddr, addr4(r.public)), carries(x.proto), jump(r.inward(b, x)))
	}
	return nil
}

func isNot(f field, value []byte) []expr.Any {
	return append(load(reg0, f), &expr.Cmp{Op: expr.CmpOpNeq, Register: reg0, Data: value})
}

// Types of keys: an address and a port, of the inside or of the far end.
var (
	typeAddr = nftables.TypeIPAddr
	typePort = nftables.TypeInetService
	typeBoth = nftables.MustConcatSetType(typeAddr, typePort)
)

// seen returns as many of an address and a port as a kind looks at.
func seen[T any](d nat.Dependence, addr, port T) []T {
	return []T{addr, port}[:d]
}

// sets adds the sets of a translation.
func (r *Router) sets(b *ruleset, x *translation) error {
	outKey := append([]nftables.SetDatatype{typeAddr, typePort}, seen(r.kind.Mapping, typeAddr, typePort)...)
	peersKey := append([]nftables.SetDatatype{typePort}, seen(r.kind.Filtering, typeAddr, typePort)...)
	x.out = &nftables.Set{Name: "out-" + x.name, KeyType: nftables.MustConcatSetType(outKey...), DataType: typePort, IsMap: true, Concatenation: true}
	x.in = &nftables.Set{Name: "in-" + x.name, KeyType: typePort, DataType: typeBoth, IsMap: true}
	all := []*nftables.Set{x.out, x.in}
	if r.kind.Filtering != nat.EndpointIndependent {
		x.peers = &nftables.Set{Name: "peers-" + x.name, KeyType: nftables.MustConcatSetType(peersKey...), Concatenation: true}
		all = append(all, x.peers)
	}
	for _, s := range all {
		s.Dynamic, s.HasTimeout, s.Size = true, true, uint32(r.kind.Max)
		if err := b.set(s, nil); err != nil {
			return err
		}
	}
	return r.forwardMapped(b, x)
}

// forwardMapped adds the maps of forwarded ports.
func (r *Router) forwardMapped(b *ruleset, x *translation) error {
	var out, in []nftables.SetElement
	for _, f := range r.forwards {
		if f.proto == x.proto {
			out = append(out, nftables.SetElement{Key: endpoint(f.to), Val: port16(f.public)})
			in = append(in, nftables.SetElement{Key: port16(f.public), Val: endpoint(f.to)})
		}
	}
	x.outForward = &nftables.Set{Name: "out-forward-" + x.name, KeyType: typeBoth, DataType: typePort, IsMap: true, Concatenation: true}
	x.inForward = &nftables.Set{Name: "in-forward-" + x.name, KeyType: typePort, DataType: typeBoth, IsMap: true}
	if err := b.set(x.outForward, out); err != nil {
		return err
	}
	return b.set(x.inForward, in)
}

// endpoint is an address and a port as they stand in registers.
func endpoint(a netip.AddrPort) []byte {
	return append(append(addr4(a.Addr()), port16(a.Port())...), 0, 0)
}

// set adds a set. Its number is chosen here: the library counts in a variable
// that nothing guards.
func (b *ruleset) set(s *nftables.Set, elements []nftables.SetElement) error {
	b.sets++
	s.Table, s.ID = b.table, b.sets
	return b.conn.AddSet(s, elements)
}

// find looks a key up and loads what the map has for it; the rule ends here
// when it has nothing.
func find(s *nftables.Set, key, data uint32) []expr.Any {
	return []expr.Any{&expr.Lookup{SetName: s.Name, SetID: s.ID, SourceRegister: key, DestRegister: data, IsDestRegSet: s.IsMap}}
}

// unless ends the rule when a key is there.
func unless(s *nftables.Set, key uint32) []expr.Any {
	return []expr.Any{&expr.Lookup{SetName: s.Name, SetID: s.ID, SourceRegister: key, Invert: true}}
}

// keep adds an element to a set, or lets it live for another lifetime.
func (x *translation) keep(s *nftables.Set, key, data uint32) []expr.Any {
	return []expr.Any{&expr.Dynset{SetName: s.Name, SetID: s.ID, SrcRegKey: key, SrcRegData: data, Operation: uint32(unix.NFT_DYNSET_OP_UPDATE), Timeout: x.lifetime}}
}

// write puts a register into a field of the packet, and corrects checksums.
func (x *translation) write(f field, reg uint32) []expr.Any {
	p := &expr.Payload{OperationType: expr.PayloadWrite, SourceRegister: reg, Base: f.base, Offset: f.at, Len: f.size, CsumType: expr.CsumTypeInet}
	if f.base == expr.PayloadBaseNetworkHeader {
		p.CsumOffset, p.CsumFlags = 10, unix.NFT_PAYLOAD_L4CSUM_PSEUDOHDR
	} else {
		p.CsumOffset = x.sum
	}
	return []expr.Any{p}
}

// outward writes the chain of packets from inside: a mapping for those that
// have none, then the public source.
func (r *Router) outward(b *ruleset, x *translation) *nftables.Chain {
	c := b.chain("out-" + x.name)
	source := []expr.Any{&expr.Immediate{Register: spareReg, Data: addr4(r.public)}}
	source = append(source, x.write(srcAddr, spareReg)...)
	back := []expr.Any{&expr.Verdict{Kind: expr.VerdictReturn}}

	b.rule(c, load(insideReg, srcAddr, srcPort), find(x.outForward, insideReg, portReg),
		x.write(srcPort, portReg), source, back)
	for _, choice := range r.choices() {
		free := append(unless(x.in, portReg), unless(x.inForward, portReg)...)
		add := append(x.keep(x.in, portReg, backReg), x.keep(x.out, insideReg, portReg)...)
		b.rule(c, r.key(), unless(x.out, insideReg), choice, free, load(backReg, srcAddr, srcPort), add)
	}
	again := append(x.keep(x.out, insideReg, portReg), x.keep(x.in, portReg, backReg)...)
	b.rule(c, r.key(), find(x.out, insideReg, portReg), load(backReg, srcAddr, srcPort), again,
		r.permit(x), x.write(srcPort, portReg), source)
	return c
}

// key loads what a mapping is found by.
func (r *Router) key() []expr.Any {
	return load(insideReg, append([]field{srcAddr, srcPort}, seen(r.kind.Mapping, dstAddr, dstPort)...)...)
}

// permit lets the far end of a packet from inside answer.
func (r *Router) permit(x *translation) []expr.Any {
	if x.peers == nil {
		return nil
	}
	return append(load(portReg+1, seen(r.kind.Filtering, dstAddr, dstPort)...), x.keep(x.peers, portReg, 0)...)
}

// choices returns the ways in which a port is chosen, in the order in which
// they are tried: each a part of a rule that leaves a port in portReg.
func (r *Router) choices() (list [][]expr.Any) {
	if r.kind.Ports == nat.Preserve {
		list = append(list, append(load(portReg, srcPort),
			&expr.Cmp{Op: expr.CmpOpGte, Register: portReg, Data: port16(r.kind.First)},
			&expr.Cmp{Op: expr.CmpOpLte, Register: portReg, Data: port16(r.kind.Last)}))
	}
	for range tries {
		if r.kind.Ports != nat.Parity {
			list = append(list, r.draw())
			continue
		}
		for odd := range byte(2) {
			part := append(load(spareReg, srcPort),
				&expr.Bitwise{SourceRegister: spareReg, DestRegister: spareReg, Len: 2, Mask: []byte{0, 1}, Xor: []byte{0, 0}},
				&expr.Cmp{Op: expr.CmpOpEq, Register: spareReg, Data: []byte{0, odd}})
			part = append(part, r.draw()...)
			list = append(list, append(part,
				&expr.Bitwise{SourceRegister: portReg, DestRegister: portReg, Len: 2, Mask: []byte{0xff, 0xfe}, Xor: []byte{0, odd}}))
		}
	}
	return list
}

// draw leaves the next port, or any, in portReg.
func (r *Router) draw() []expr.Any {
	how := uint32(unix.NFT_NG_RANDOM)
	if r.kind.Ports == nat.Sequential {
		how = unix.NFT_NG_INCREMENTAL
	}
	return []expr.Any{
		&expr.Numgen{Register: portReg, Modulus: uint32(r.kind.Last-r.kind.First) + 1, Type: how, Offset: uint32(r.kind.First)},
		&expr.Byteorder{SourceRegister: portReg, DestRegister: portReg, Op: expr.ByteorderHton, Len: 2, Size: 2},
	}
}

// tcpFlags is the octet with SYN in it.
var tcpFlags = field{expr.PayloadBaseTransportHeader, 13, 1}

// inward writes the chain of packets to the public address: what has a
// mapping and may use it goes inside, nothing is refreshed.
func (r *Router) inward(b *ruleset, x *translation) *nftables.Chain {
	c := b.chain("in-" + x.name)
	inside := append(append(x.write(dstPort, backReg+1), x.write(dstAddr, backReg)...), accept...)
	b.rule(c, load(portReg, dstPort), find(x.inForward, portReg, backReg), inside)
	known := load(portReg, append([]field{dstPort}, seen(r.kind.Filtering, srcAddr, srcPort)...)...)
	if x.peers != nil {
		known = append(known, find(x.peers, portReg, 0)...)
	}
	b.rule(c, known, find(x.in, portReg, backReg), inside)
	if x.proto == protoTCP {
		// RFC 5382 REQ-4: no answer to a SYN. To all else the router's own
		// TCP answers RST.
		b.rule(c, load(spareReg, tcpFlags), []expr.Any{
			&expr.Bitwise{SourceRegister: spareReg, DestRegister: spareReg, Len: 1, Mask: []byte{2}, Xor: []byte{0}},
			&expr.Cmp{Op: expr.CmpOpEq, Register: spareReg, Data: []byte{0}},
		}, accept)
	}
	b.rule(c, drop)
	return c
}
