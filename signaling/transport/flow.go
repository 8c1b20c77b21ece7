package transport

import (
	"fmt"
	"net/netip"
)

// A ListenerID numbers the listeners of the process, over all realms, in the
// order of the configuration.
type ListenerID uint16

// A Flow is where a message came from and where its answer goes: over UDP one
// of our listeners and the far end's address and port, in RFC 5626's sense.
// Flows are compared with == and are keys of maps.
type Flow struct {
	Listener ListenerID
	Remote   netip.AddrPort
}

func (f Flow) String() string { return fmt.Sprintf("%d>%v", f.Listener, f.Remote) }
