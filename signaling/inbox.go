package signaling

import (
	"sync"

	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// A packet is one message on its way from a reader to a shard.
type packet struct {
	flow b2bua.Flow
	m    *sip.Message // of a datagram: msg
	err  error        // of Parse
	over bool         // its peer has had its share of new requests
	msg  sip.Message
	buf  []byte
}

// done gives back a packet of a datagram.
func (p *packet) done() {
	if p.m == &p.msg {
		p.over = false
		packets.Put(p)
	}
}

// packets lends packets; their buffers grow to what was needed and stay.
var packets = sync.Pool{New: func() any { return &packet{buf: make([]byte, 0, 2048)} }}

// An inbox is the queue of one shard: messages in the order in which each
// reader put them, and questions of the console.
type inbox struct {
	wake chan struct{} // holds one token when there is something to take

	mu      sync.Mutex
	full    []*packet
	asks    []func(*Shard)
	dropped uint64
	closed  bool
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

// put appends ps, and reports whether all fitted. What does not fit is dropped
// and counted: a datagram is sent again.
func (q *inbox) put(ps []*packet) bool {
	q.mu.Lock()
	room := min(inboxMax-len(q.full), len(ps))
	q.full = append(q.full, ps[:room]...)
	q.dropped += uint64(len(ps) - room)
	q.mu.Unlock()
	for _, p := range ps[room:] {
		p.done()
	}
	q.signal()
	return room == len(ps)
}

// ask queues a question; it runs in the shard's goroutine. It is false when
// the shard has ended.
func (q *inbox) ask(f func(*Shard)) bool {
	q.mu.Lock()
	open := !q.closed
	if open {
		q.asks = append(q.asks, f)
	}
	q.mu.Unlock()
	q.signal()
	return open
}

func (q *inbox) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.signal()
}

func (q *inbox) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns what is queued and makes the emptied slices the queue's own.
func (q *inbox) take(empty []*packet) (ps []*packet, asks []func(*Shard), closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	ps, q.full = q.full, empty[:0]
	asks, q.asks = q.asks, nil
	return ps, asks, q.closed && len(asks) == 0
}

func (q *inbox) depth() (waiting int, dropped uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.full), q.dropped
}

// do asks and waits until f has run.
func (q *inbox) do(f func(*Shard)) {
	done := make(chan struct{})
	if q.ask(func(s *Shard) { f(s); close(done) }) {
		<-done
	}
}
