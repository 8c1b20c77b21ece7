package transport

// A queue is what waits to be written to a connection, in order.
type queue struct {
	octets  []byte // not yet taken by the writer
	added   uint64 // octets in all its life
	written uint64
	marks   []mark // the messages that are not written
}

// A mark is the end of a message in a queue.
type mark struct {
	end   uint64
	token uint64
}

// left returns how many octets wait.
func (q *queue) left() int { return int(q.added - q.written) }

func (q *queue) add(b []byte, token uint64) {
	q.octets = append(q.octets, b...)
	q.added += uint64(len(b))
	q.marks = append(q.marks, mark{end: q.added, token: token})
}

// addControl adds what belongs to no message.
func (q *queue) addControl(b []byte) {
	q.octets = append(q.octets, b...)
	q.added += uint64(len(b))
}

// take returns what the writer has not had yet.
func (q *queue) take() []byte {
	b := q.octets
	q.octets = nil
	return b
}

// wrote notes that n octets more are written, and returns how many messages
// that made whole.
func (q *queue) wrote(n int) (whole int) {
	q.written += uint64(n)
	for whole < len(q.marks) && q.marks[whole].end <= q.written {
		whole++
	}
	if q.marks = q.marks[whole:]; len(q.marks) == 0 {
		q.marks = nil
	}
	return whole
}
