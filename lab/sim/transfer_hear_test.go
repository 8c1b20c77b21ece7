package sim

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"sbc/lab/ua"
	"sbc/signaling"
)

// Who is connected also hears the other: after each kind of transfer, and
// after one that failed. The user agents send audio and check each packet.
func TestTransferredHear(t *testing.T) {
	for k := range kinds {
		for _, o := range []transferOutcome{answered, rejects} {
			for _, x := range (transfer{kind: k, outcome: o, leave: ua.LeaveNever}).variants() {
				if x.impossible() != "" || x.past() || k == pickRing && o == rejects {
					continue
				}
				if err := x.listen(); err != nil {
					t.Errorf("%v: %v", x, err)
				}
			}
		}
	}
}

// listen plays a cell with audio. The old call that is left is taken off hold.
func (x transfer) listen() error {
	s, err := x.scene(Options{Seed: 9, Delay: 10 * time.Millisecond})
	if err != nil {
		return err
	}
	s.w.perfect = true
	if !s.prepare(3 * time.Second) {
		return errors.New("the calls did not come up")
	}
	s.begin(time.Second)
	s.w.run(s.w.now + time.Second)
	call := s.new
	if x.outcome != answered {
		if call = s.old; x.consults() {
			s.do(s.alice, s.alice.agent.Hold(s.w.now, call[0].id, ua.NotHeld, nil))
		}
	}
	s.w.run(s.w.now + time.Second)
	var before [2]ua.Audio
	for i, at := range call {
		_, before[i] = at.a.agent.Media(at.id)
	}
	s.w.run(s.w.now + time.Second)
	for i, at := range call {
		if _, now := at.a.agent.Media(at.id); now.Right-before[i].Right < 45 || now.Wrong > before[i].Wrong {
			err = errors.Join(err, fmt.Errorf("%s heard %d packets in a second", at.a.at.name, now.Right-before[i].Right))
		}
	}
	return errors.Join(err, s.over())
}

// The matrix finds a border that names the wrong dialog, or tells the wrong
// outcome.
func TestTransferMatrixFinds(t *testing.T) {
	swap := func(in, old, new string) func([]byte) []byte {
		return func(b []byte) []byte {
			if !bytes.HasPrefix(b, []byte(in)) {
				return b
			}
			return bytes.ReplaceAll(b, []byte(old), []byte(new))
		}
	}
	for _, bug := range []struct {
		name string
		do   func([]byte) []byte
	}{
		{"nothing", func(b []byte) []byte { return b }},
		{"another tag", swap("INVITE ", ";to-tag=", ";to-tag=x")},
		{"tags swapped", swap("INVITE ", ";to-tag=", ";from-tag=x;to-tag=")},
		{"no Replaces", swap("INVITE ", "\r\nReplaces:", "\r\nX-Places:")},
		{"another outcome", swap("NOTIFY ", "\r\n\r\nSIP/2.0 200", "\r\n\r\nSIP/2.0 486")},
		{"no outcome", swap("NOTIFY ", "terminated;", "active;x=")},
		{"no Referred-By", swap("INVITE ", "\r\nReferred-By:", "\r\nX-Referr-By:")},
		{"a BYE that does not go on", swap("BYE ", "CSeq:", "X:")},
	} {
		x := transfer{kind: attended, place: farThird, leave: ua.LeaveDone}
		s, err := x.scene(Options{Seed: 5, Delay: 10 * time.Millisecond, Sparse: true, broken: breaks{out: plant(bug.do)}})
		if err != nil {
			t.Fatal(err)
		}
		s.w.perfect = true
		if !s.prepare(3 * time.Second) {
			t.Fatalf("%s: the calls did not come up", bug.name)
		}
		s.begin(time.Second)
		s.w.run(s.w.now + 4*time.Second)
		if err := errors.Join(s.judge(), s.over()); (err == nil) != (bug.name == "nothing") {
			t.Errorf("%s: %v", bug.name, err)
		}
	}
}

// plant changes all that the border sends.
func plant(change func([]byte) []byte) func(*world, []signaling.Outbound) []signaling.Outbound {
	return func(_ *world, out []signaling.Outbound) []signaling.Outbound {
		for i := range out {
			out[i].Bytes = change(out[i].Bytes)
		}
		return out
	}
}
