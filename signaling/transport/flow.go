package transport

import (
	"fmt"
	"net/netip"
)

// A ListenerID numbers the listeners of the process, over all realms, in the
// order of the configuration.
type ListenerID uint16

// A Flow is where a message came from and where its answer goes, in RFC 5626's
// sense: over UDP one of our listeners and the far end's address and port, over
// TCP a connection. Flows are compared with == and are keys of maps.
type Flow struct {
	Listener ListenerID
	Remote   netip.AddrPort

	// Conn is the number of a connection; no two in the process ever have the
	// same. 0: a datagram, or, on a listener of streams, whatever connection
	// there is to Remote, or a new one.
	Conn uint64
}

func (f Flow) String() string {
	if f.Conn != 0 {
		return fmt.Sprintf("%d>%v#%d", f.Listener, f.Remote, f.Conn)
	}
	return fmt.Sprintf("%d>%v", f.Listener, f.Remote)
}
