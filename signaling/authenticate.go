package signaling

import (
	"net/netip"
	"strings"

	"sbc/policy"
	"sbc/policy/digest"
	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
	"sbc/signaling/transaction"
)

// unknown handles a request whose source says nothing of who it is from: it may go
// on with what has begun by its flow, or prove that it is of a domain of ours. Who
// names none is a stranger.
func (s *Shard) unknown(flow b2bua.Flow, realm int, m *sip.Message) {
	if m.Method() == sip.ACK && transaction.IsStatelessAck(s.key, m) {
		return
	}
	if peer, ok := s.speaker(flow, m); ok {
		s.requested(flow, peer, m, false)
		return
	}
	if d := s.claimed(realm, m); d != nil {
		if user, ok := s.proved(flow, d, m); ok {
			s.requested(flow, d.Who[user], m, true)
		}
		return
	}
	s.stranger(flow, m, s.opt.Realms[realm].Trust)
}

// speaker returns the peer that a request is from which belongs to a transaction
// or dialog that began by the very flow.
func (s *Shard) speaker(flow b2bua.Flow, m *sip.Message) (peer int, ok bool) {
	if len(s.rules.Options().Domains) == 0 {
		return s.calls.Speaker(flow, m) // nobody else begins anything
	}
	key := s.secret(flow)
	for _, k := range [2]transaction.Key{transaction.ServerKey(key, m), transaction.ServerKeyOf(key, m, sip.INVITE)} {
		if tx := s.servers[b2bua.Server(k)]; tx != nil { // the key has the source in it
			return tx.peer, true
		}
	}
	return s.calls.Speaker(flow, m)
}

// claimed returns the domain of ours that a request which begins something says
// that it is from; nil if it says nothing of the kind.
func (s *Shard) claimed(realm int, m *sip.Message) *policy.Domain {
	if m.Method() == sip.ACK || m.Method() == sip.CANCEL || !m.To().Tag.Empty() {
		return nil // which cannot be challenged (RFC 3261 section 22.1), or names a dialog that is not there
	}
	return s.rules.Domain(realm, m.Bytes(m.FromURI().Host))
}

// proves reports whether a request that a known flow brings has to prove itself
// all the same: who registered here by UDP does not own its address for that.
func (s *Shard) proves(flow b2bua.Flow, peer int, m *sip.Message) bool {
	return m.To().Tag.Empty() && s.rules.Peers()[peer].Here() && !s.stream(flow)
}

// proved challenges a request, or finds out whose it is by its credentials. Not
// ok: it was answered.
func (s *Shard) proved(flow b2bua.Flow, d *policy.Domain, m *sip.Message) (user string, ok bool) {
	as := digest.Proxy
	if m.Method() == sip.REGISTER {
		as = digest.Agent
	}
	res := d.Auth.Check(s.now, digest.Query{Msg: m, Source: flow.Remote.Addr(), As: as, Serves: s.serves(d.Realm)})
	if res.Proven && s.opt.guard != nil {
		s.opt.guard.Proved(s.now, flow.Remote.Addr())
	}
	if res.Verdict == digest.OK {
		s.metrics.Authentication("ok")
		return res.User, true
	}
	cause := authCauses[res.Verdict]
	s.metrics.Authentication(cause)
	no := &b2bua.Refusal{Status: res.Verdict.Status(as), Cause: cause}
	if no.Status != 400 {
		s.buffer = d.Auth.Challenge(s.buffer[:0], s.now, s.rand, flow.Remote.Addr(), as, res.Verdict.Stale())
		no.Fields = string(s.buffer)
	}
	s.sendStateless(flow, m, no)
	if res.Verdict == digest.Missing {
		return "", false // it was only asked who it is
	}
	if res.Verdict == digest.Wrong {
		s.failed(flow, res.Proven)
	}
	s.refused(-1, no)
	s.deny(flow, m, no, nil)
	return "", false
}

// authCauses are what verdicts are counted as.
var authCauses = map[digest.Verdict]string{
	digest.Missing: "challenged", digest.Syntax: "auth_syntax", digest.URI: "auth_uri", digest.Scheme: "auth_scheme",
	digest.Wrong: "auth_failed", digest.Stale: "nonce", digest.Replayed: "nonce",
}

// serves returns what tells the hosts that we answer for in a realm: domains,
// and addresses of listeners as they are and as they are known.
func (s *Shard) serves(realm int) func(host []byte) bool {
	return func(host []byte) bool {
		if s.rules.Domain(realm, host) != nil {
			return true
		}
		text := strings.Trim(string(host), "[]")
		addr, err := netip.ParseAddr(text)
		for i := range s.opt.Listeners {
			l := &s.opt.Listeners[i]
			if l.Realm == realm && (err == nil && l.Addr.Addr() == addr || hostPart(l.Host) == text) {
				return true
			}
		}
		return false
	}
}

// hostPart returns the host of host[:port], without brackets.
func hostPart(hostPort string) string {
	if ap, err := netip.ParseAddrPort(hostPort); err == nil {
		return ap.Addr().String()
	}
	host, _, _ := strings.Cut(strings.Trim(hostPort, "[]"), ":")
	return host
}

// provesToBe lets a request of a peer that is known by its flow prove that it is
// of that peer. Not so: it was answered.
func (s *Shard) provesToBe(flow b2bua.Flow, peer int, m *sip.Message) bool {
	p := &s.rules.Peers()[peer]
	d := s.rules.Domain(p.Realm, []byte(p.Domain))
	if d == nil || p.Gone {
		s.stateless(flow, m, &b2bua.Refusal{Status: 403, Cause: "not_allowed"})
		return false
	}
	user, ok := s.proved(flow, d, m)
	if ok && d.Who[user] != peer {
		s.stateless(flow, m, impostor(user))
		return false
	}
	return ok
}

// impostor refuses who has proved to be another than its flow says.
func impostor(user string) *b2bua.Refusal {
	return &b2bua.Refusal{Status: 403, Cause: "auth_failed", Why: "it has proved to be user " + user + ", who has not registered by this flow"}
}

// challenges is b2bua.Options.Challenges.
func (o *Options) challenges(realm int, name []byte) bool {
	for i := range o.Rules.Options().Domains {
		if d := &o.Rules.Options().Domains[i]; d.Realm == realm && d.Host == string(name) {
			return true
		}
	}
	return false
}
