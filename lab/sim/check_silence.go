package sim

import "bytes"

// silence holds that strangers hear nothing, and that the SBC speaks to peers
// at their own listener only.
type silence struct{ watch }

const (
	noAnswer = "strangers hear nothing"
	readable = "what is sent can be read"
)

func (c *silence) out(m *message) {
	switch {
	case m.from < 0 && c.w.o.Phones > 0 && mayHear(m):
	case m.from < 0:
		c.w.fail(noAnswer, "%v", m)
	case c.w.neighbours[m.from].listener != m.listener:
		c.w.fail(noAnswer, "through the wrong listener: %v", m)
	case m.err != nil && c.w.o.Mutants > 0 && (bytes.HasPrefix(m.raw, []byte("SIP/2.0 4")) || bytes.HasPrefix(m.raw, []byte("SIP/2.0 505"))):
		// The answer to a broken request has its broken fields.
	case m.err != nil:
		c.w.fail(readable, "%v\n%s", m, m.raw)
	}
}
