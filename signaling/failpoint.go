//go:build !failpoint

package signaling

import "sbc/signaling/sip"

// failpoint does nothing: only a build with the tag failpoint can be made to
// fail by a message.
func failpoint(*sip.Message) {}
