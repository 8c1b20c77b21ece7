package fastpath

import (
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"
)

// Trust replaces the prefixes whose packets always pass: no packet sees half of
// the list. 16,384 fit.
func (p *Program) Trust(prefixes []netip.Prefix) error {
	keys := make([]any, len(prefixes))
	for i, prefix := range prefixes {
		if !prefix.IsValid() {
			return fmt.Errorf("%v is no prefix", prefix)
		}
		bits, address := prefixKey(prefix)
		keys[i] = fastpathPrefix{Bits: bits, Address: address}
	}
	return replace(p.objects.Trusted, p.inner.trusted, keys)
}

// A Listener is a place of ours where strangers are policed. Port 0 and protocol
// 0 stand for the fragments that come to the address.
type Listener struct {
	Local netip.AddrPort
	Proto uint8 // of IP: 17 UDP; 6 TCP, of which SYNs are policed
}

// Listen replaces the places where strangers are policed, as Trust does its
// list. 4,096 fit.
func (p *Program) Listen(list []Listener) error {
	keys := make([]any, len(list))
	for i, l := range list {
		keys[i] = fastpathListener{Local: addressKey(l.Local.Addr()), Port: wire(l.Local.Port()), Proto: uint16(l.Proto)}
	}
	return replace(p.objects.Listeners, p.inner.listeners, keys)
}

// replace puts a new inner map with these keys in the place of the old one.
func replace(outer *ebpf.Map, spec *ebpf.MapSpec, keys []any) error {
	inner, err := ebpf.NewMap(spec)
	if err != nil {
		return fmt.Errorf("make a new list: %w", err)
	}
	defer inner.Close()
	for _, key := range keys {
		if err := inner.Update(key, uint8(1), ebpf.UpdateAny); err != nil {
			return full(err, inner)
		}
	}
	return outer.Update(uint32(0), inner, ebpf.UpdateAny)
}
