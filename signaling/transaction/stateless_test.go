package transaction_test

import (
	"strings"
	"testing"

	"sbc/signaling/transaction"
)

func TestStatelessTag(t *testing.T) {
	tag := transaction.StatelessTag(secret, newInvite.parse(t))
	if again := transaction.StatelessTag(secret, newInvite.parse(t)); again != tag {
		t.Errorf("a retransmission gets %s, want %s", again[:], tag[:])
	}
	if s := string(tag[:]); strings.Trim(s, "abcdefghijkmnpqrstuvwxyz23456789") != "" {
		t.Errorf("%q is no token", s)
	}
	seen := map[transaction.Tag]string{tag: "the request"}
	for name, r := range map[string]request{
		"other Call-ID": newInvite.with("callID", "b"),
		"other From":    newInvite.with("from", "<sip:alice@pbx.example>;tag=x"),
		"other CSeq":    newInvite.with("cseq", "1"),
		"other branch":  newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK7"),
		"no branch":     oldInvite,
		"only cookie":   newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK"),
	} {
		got := transaction.StatelessTag(secret, r.parse(t))
		if other, ok := seen[got]; ok {
			t.Errorf("%s has the tag of %s", name, other)
		}
		seen[got] = name
	}
}

func TestIsStatelessAck(t *testing.T) {
	other := secret
	other[0]++
	for name, invite := range map[string]request{"new": newInvite, "old": oldInvite} {
		tag := transaction.StatelessTag(secret, invite.parse(t))
		to := invite.to + ";tag=" + string(tag[:])
		ack := invite.with("method", "ACK", "to", to)
		for _, c := range []struct {
			name   string
			secret [16]byte
			m      request
			want   bool
		}{
			{"its ACK", secret, ack, true},
			{"no ACK", secret, ack.with("method", "BYE"), false},
			{"no tag", secret, ack.with("to", invite.to), false},
			{"tag cut", secret, ack.with("to", to[:len(to)-1]), false},
			{"tag longer", secret, ack.with("to", to+"a"), false},
			{"of another call", secret, ack.with("callID", "b"), false},
			{"of another INVITE", secret, ack.with("cseq", "2"), false},
			{"of another SBC", other, ack, false},
		} {
			if got := transaction.IsStatelessAck(c.secret, c.m.parse(t)); got != c.want {
				t.Errorf("%s, %s: got %v, want %v", name, c.name, got, c.want)
			}
		}
	}
}
