package signaling

import (
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/registrar"
)

// A Notice is what all shards have to be told of an endpoint, the one that has it
// to tell included: its binding is in one of them, its calls in any.
type Notice struct {
	Is   NoticeKind
	Flow b2bua.Flow // by which it is reached
	To   b2bua.Flow // of HasMoved: by which it is reached now
}

// A NoticeKind says what a Notice is about.
type NoticeKind uint8

// The kinds of notices.
const (
	HasMoved  NoticeKind = iota // it registered from elsewhere
	WasHeard                    // something came from it
	CallBegan                   // it has one more call
	CallEnded                   // it has one call less
)

// Notices returns what all shards have to be told, and forgets it.
func (s *Shard) Notices() []Notice {
	list := s.notices
	s.notices = nil
	return list
}

// Notice takes what some shard has to tell.
func (s *Shard) Notice(now time.Duration, n Notice) {
	if s.registrar == nil {
		return
	}
	s.now = max(s.now, now)
	defer s.survive(nil)
	s.calls.Begin()
	switch flow := registrar.Flow(n.Flow); n.Is {
	case HasMoved:
		s.step(&b2bua.Event{Is: b2bua.Moved, Flow: n.Flow, To: n.To})
	case WasHeard:
		s.bind(s.registrar.Heard(s.clock(), flow))
	default:
		s.bind(s.registrar.InCall(s.clock(), flow, n.Is == CallBegan))
	}
}

// inCall tells of a call that begins or ends those who have the bindings of its
// endpoints.
func (s *Shard) inCall(c *b2bua.Call, is NoticeKind) {
	if s.registrar == nil {
		return
	}
	for _, side := range []b2bua.Side{b2bua.A, b2bua.B} {
		if peer := c.Peer(side); peer >= 0 && s.rules.Peers()[peer].Endpoints != nil {
			s.notices = append(s.notices, Notice{Is: is, Flow: c.Flow(side)})
		}
	}
}
