package transaction_test

import (
	"testing"

	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// RFC 3261 section 17.2.3, and the rules of RFC 2543 for a branch without the
// cookie or with nothing behind it.
func TestServerKey(t *testing.T) {
	cookieOnly := newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK")
	oldInDialog := oldInvite.with("to", "<sip:bob@sbc.example>;tag=b")
	for _, c := range []struct {
		name string
		a, b request
		same bool
	}{
		{"retransmission", newInvite, newInvite, true},
		{"other branch", newInvite, newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhdS"), false},
		{"cookie in other case", newInvite, newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=Z9HG4BK776asdhds"), false},
		{"other sent-by host", newInvite, newInvite.with("via", "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK776asdhds"), false},
		{"other sent-by port", newInvite, newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK776asdhds"), false},
		{"host in other case", newInvite.with("via", "SIP/2.0/UDP PBX.example;branch=z9hG4bK1"), newInvite.with("via", "SIP/2.0/UDP pbx.EXAMPLE;branch=z9hG4bK1"), true},
		{"other method", newInvite, newInvite.with("method", "OPTIONS"), false},
		{"branch decides, not the rest", newInvite, newInvite.with("callID", "x", "cseq", "7", "uri", "sip:x@y.example", "from", "<sip:x@y.example>;tag=q"), true},
		{"parameters of the Via that proxies add", newInvite, newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;received=192.0.2.9;rport=4;branch=z9hG4bK776asdhds"), true},

		{"old: retransmission", oldInvite, oldInvite, true},
		{"old and new", oldInvite, newInvite, false},
		{"old: other Request-URI", oldInvite, oldInvite.with("uri", "sip:carol@sbc.example"), false},
		{"old: other From tag", oldInvite, oldInvite.with("from", "<sip:alice@pbx.example>;tag=other"), false},
		{"old: other display name", oldInvite, oldInvite.with("from", "<sip:alice@pbx.example>;tag=1928301774"), true},
		{"old: other Call-ID", oldInvite, oldInvite.with("callID", "b"), false},
		{"old: other CSeq", oldInvite, oldInvite.with("cseq", "314160"), false},
		{"old: other Via", oldInvite, oldInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5061"), false},
		{"old: BYE of one dialog and of another", oldInDialog.with("method", "BYE"), oldInDialog.with("method", "BYE", "to", "<sip:bob@sbc.example>;tag=c"), false},
		{"only the cookie: retransmission", cookieOnly, cookieOnly, true},
		{"only the cookie: other Call-ID", cookieOnly, cookieOnly.with("callID", "b"), false},
		{"no tags: old devices", oldInvite.with("from", "<sip:a@b.example>"), oldInvite.with("from", "<sip:a@b.example>"), true},
	} {
		a, b := c.a.parse(t), c.b.parse(t)
		if got := transaction.ServerKey(secret, a) == transaction.ServerKey(secret, b); got != c.same {
			t.Errorf("%s: equal keys %v, want %v", c.name, got, c.same)
		}
	}
}

// Bad input: ACK and CANCEL find the INVITE that they are about, by branch or
// without one.
func TestServerKeyOfTheInvite(t *testing.T) {
	answered := "<sip:bob@sbc.example>;tag=ours"
	for _, c := range []struct {
		name        string
		invite, its request
		same        bool
	}{
		{"ACK", newInvite, newInvite.with("method", "ACK", "to", answered), true},
		{"CANCEL", newInvite, newInvite.with("method", "CANCEL"), true},
		{"ACK of a 2xx", newInvite, newInvite.with("method", "ACK", "to", answered, "via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKother"), false},
		{"old: ACK", oldInvite, oldInvite.with("method", "ACK", "to", answered), true},
		{"old: CANCEL", oldInvite, oldInvite.with("method", "CANCEL"), true},
		{"old: CANCEL of another", oldInvite, oldInvite.with("method", "CANCEL", "cseq", "1"), false},
		{"old: ACK of a re-INVITE", oldInvite.with("to", answered), oldInvite.with("method", "ACK", "to", answered), true},
	} {
		invite, its := c.invite.parse(t), c.its.parse(t)
		if got := transaction.ServerKeyOf(secret, its, sip.INVITE) == transaction.ServerKey(secret, invite); got != c.same {
			t.Errorf("%s: finds the INVITE %v, want %v", c.name, got, c.same)
		}
		if transaction.ServerKey(secret, its) == transaction.ServerKey(secret, invite) {
			t.Errorf("%s: has the INVITE's own key", c.name)
		}
		if transaction.ServerKeyOf(secret, its, its.Method()) != transaction.ServerKey(secret, its) {
			t.Errorf("%s: ServerKeyOf its own method differs from ServerKey", c.name)
		}
	}
}

// Bad input: the same request by another path is merged; forks to several of
// our bindings are not.
func TestMergeKey(t *testing.T) {
	other := newInvite.with("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKotherpath")
	for _, c := range []struct {
		name string
		b    request
		same bool
	}{
		{"by another path", other, true},
		{"forked to another binding", other.with("uri", "sip:bob2@sbc.example"), false},
		{"other From tag", other.with("from", "<sip:alice@pbx.example>;tag=x"), false},
		{"other Call-ID", other.with("callID", "x"), false},
		{"other CSeq number", other.with("cseq", "2"), false},
		{"other method", other.with("method", "OPTIONS"), false},
	} {
		a, b := newInvite.parse(t), c.b.parse(t)
		if got := transaction.MergeKey(secret, a) == transaction.MergeKey(secret, b); got != c.same {
			t.Errorf("%s: merged %v, want %v", c.name, got, c.same)
		}
		if transaction.ServerKey(secret, a) == transaction.ServerKey(secret, b) {
			t.Errorf("%s: same transaction", c.name)
		}
	}
}

func TestClientKey(t *testing.T) {
	key := func(branch, method string) transaction.Key {
		return transaction.ClientKey(secret, []byte(branch), []byte(method))
	}
	if again := key("z9hG4bK1", "INVITE"); again != key("z9hG4bK1", "INVITE") {
		t.Error("a key changes")
	}
	// RFC 3261 section 17.1.3: CANCEL has the branch of its INVITE.
	if key("z9hG4bK1", "INVITE") == key("z9hG4bK1", "CANCEL") || key("z9hG4bK1", "INVITE") == key("z9hG4bK2", "INVITE") {
		t.Error("keys collide")
	}
	if key("z9hG4bK1I", "NVITE") == key("z9hG4bK1", "INVITE") {
		t.Error("branch and method are run together")
	}
}

// Whoever does not know the secret cannot know a key; realms with secrets of
// their own cannot reach into each other.
func TestKeysDependOnTheSecret(t *testing.T) {
	other := secret
	other[15]++
	m := newInvite.parse(t)
	if transaction.ServerKey(secret, m) == transaction.ServerKey(other, m) ||
		transaction.MergeKey(secret, m) == transaction.MergeKey(other, m) ||
		transaction.StatelessTag(secret, m) == transaction.StatelessTag(other, m) {
		t.Error("the secret does not matter")
	}
}

func TestKeysDoNotAllocate(t *testing.T) {
	for name, r := range map[string]request{"new": newInvite, "old": oldInvite} {
		m, ack := r.parse(t), r.with("method", "ACK").parse(t)
		if n := testing.AllocsPerRun(100, func() {
			transaction.ServerKey(secret, m)
			transaction.ServerKeyOf(secret, ack, sip.INVITE)
			transaction.MergeKey(secret, m)
			transaction.StatelessTag(secret, m)
			transaction.IsStatelessAck(secret, ack)
		}); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

func BenchmarkServerKey(b *testing.B) {
	m := newInvite.parse(b)
	b.ReportAllocs()
	for b.Loop() {
		transaction.ServerKey(secret, m)
	}
}

func BenchmarkServerKeyWithoutCookie(b *testing.B) {
	m := oldInvite.parse(b)
	b.ReportAllocs()
	for b.Loop() {
		transaction.ServerKey(secret, m)
	}
}
