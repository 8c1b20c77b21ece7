package transport

import "runtime"

// turns are taken by the handshakes of those who connect, while they compute:
// however many do so at once, the shards keep processors of their own, and
// nobody's call waits behind strangers' keys.
//
// Ours: half of the processors.
var turns = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// resume waits for the turn of s. It is short: who has a turn never waits for
// the network.
func (s *session) resume() {
	if s.turn && !s.mine {
		turns <- struct{}{}
		s.mine = true
	}
}

// pause lets others have the turn.
func (s *session) pause() {
	if s.mine {
		<-turns
		s.mine = false
	}
}
