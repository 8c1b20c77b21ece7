package fastpath

import (
	"net/netip"

	"github.com/cilium/ebpf"
)

// A Flow is what one far end sends to one place of ours. With ports 0 and
// protocol 0 it stands for the fragments from one address to the other.
type Flow struct {
	Remote, Local netip.AddrPort
	Proto         uint8 // of IP: 17 UDP, 6 TCP
}

func (f Flow) key() fastpathFlow {
	return fastpathFlow{
		Remote: addressKey(f.Remote.Addr()), Local: addressKey(f.Local.Addr()),
		RemotePort: wire(f.Remote.Port()), LocalPort: wire(f.Local.Port()), Proto: uint32(f.Proto),
	}
}

// Spare lets a flow pass though its address is banned, and unpoliced; fragments
// pass as far as they are not over their rates. 131,072 fit, fragments counted.
func (p *Program) Spare(f Flow) error {
	return full(p.objects.Spared.Update(f.key(), uint8(1), ebpf.UpdateAny), p.objects.Spared)
}

// Unspare takes that back; a flow that is not spared is no error.
func (p *Program) Unspare(f Flow) error {
	return gone(p.objects.Spared.Delete(f.key()))
}
