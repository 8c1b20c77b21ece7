package demo

import (
	"context"
	"fmt"

	"sbc/lab/ua"
	"sbc/signaling"
)

// Who is who: the PBX's extension, and the ITSP's subscriber.
const (
	extension  = "100"
	subscriber = "030123456"
)

// A plan is a call to make.
type plan struct {
	to      string // dialled
	subject string
}

var (
	outgoing = plan{subscriber, "out through the trunk"}
	incoming = plan{"+493099" + extension, "in from the trunk"}
)

func (p plan) invite() ua.Invite {
	return ua.Invite{To: p.to, Fields: []string{"Subject: " + p.subject}}
}

// A story is what is known of a call that was made.
type story struct {
	from, to *side
	plan     plan
	report   signaling.CallReport // of the border, after the call
	invite   []byte               // as it reached the called side
	heard    [2]bool              // by the caller, by the called
	ended    [2]ua.Event          // at the caller, at the called
	seen     [2][][]byte          // messages that reached the caller, the called
}

// call makes a call, waits until both sides have heard a second of right
// audio, and hangs up.
func (w *world) call(ctx context.Context, from, to *side, p plan) (*story, error) {
	s := &story{from: from, to: to, plan: p}
	callers, called := len(from.phone.Events()), len(to.phone.Events())
	id := from.phone.Invite(p.invite())
	in, _, err := to.phone.Await(ctx, called, func(e ua.Event) bool { return e.Is == ua.Incoming })
	if err != nil {
		return nil, fmt.Errorf("the %s's call did not reach the %s: %w", from.name, to.name, err)
	}
	s.invite = in.Message.Raw
	for i, end := range []struct {
		side *side
		at   int
		id   ua.Call
	}{{from, callers, id}, {to, called, in.Call}} {
		e, _, err := end.side.phone.Await(ctx, end.at, func(e ua.Event) bool {
			return e.Call == end.id && (e.Is == ua.Heard || e.Is == ua.Ended)
		})
		if err != nil {
			return nil, fmt.Errorf("the %s heard nothing: %w", end.side.name, err)
		}
		s.heard[i] = e.Is == ua.Heard
	}
	border, err := w.idOf(ctx, from)
	if err != nil {
		return nil, err
	}
	from.phone.Hangup(id)
	if err := s.end(ctx, callers, called, id, in.Call); err != nil {
		return nil, err
	}
	if _, err := w.quiet(ctx); err != nil {
		return nil, err
	}
	s.report, err = w.client.Call(ctx, border)
	return s, err
}

// idOf returns the id that the border gave to the call of a side.
func (w *world) idOf(ctx context.Context, from *side) (string, error) {
	list, err := w.client.Calls(ctx)
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if c.From == from.peer {
			return c.ID, nil
		}
	}
	return "", fmt.Errorf("the border does not list the %s's call", from.name)
}

// end waits for the end of the call on both sides and keeps what they saw.
func (s *story) end(ctx context.Context, callers, called int, callerID, calledID ua.Call) (err error) {
	for i, end := range []struct {
		side *side
		at   int
		id   ua.Call
	}{{s.from, callers, callerID}, {s.to, called, calledID}} {
		s.ended[i], _, err = end.side.phone.Await(ctx, end.at, func(e ua.Event) bool { return e.Is == ua.Ended && e.Call == end.id })
		if err != nil {
			return fmt.Errorf("the call did not end at the %s: %w", end.side.name, err)
		}
		for _, e := range end.side.phone.Events()[end.at:] {
			if e.Message != nil {
				s.seen[i] = append(s.seen[i], e.Message.Raw)
			}
		}
	}
	return nil
}
