//go:build failpoint

package signaling

import "sbc/signaling/sip"

// failpoint panics where a message asks for it, so that a test can show what a
// bug of ours would do to other calls.
func failpoint(m *sip.Message) {
	if _, ok := m.FindName("X-Failpoint"); ok {
		panic("failpoint")
	}
}
