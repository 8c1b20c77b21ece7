package signaling

import (
	"strings"

	"sbc/policy"
	"sbc/signaling/sip"
)

// wantedURI returns what routes look at of a Request-URI. Of urn:service:sos they
// match the whole as if it were a user.
func wantedURI(m *sip.Message) (sip.URI, error) {
	if sip.IsSOS(m.Bytes(m.RequestURI())) {
		return sip.URI{User: m.RequestURI()}, nil
	}
	return sip.ParseURI(m.Raw, m.RequestURI())
}

// urgent reports whether m is a call for help to uri, which wantedURI returned.
func (s *Shard) urgent(realm int, m *sip.Message, uri sip.URI) bool {
	return m.Method() == sip.INVITE && s.rules.Emergency(realm, m.Bytes(m.RequestURI()), m.Bytes(calledIn(m, uri)))
}

// calledIn returns who is called: the user of a URI, or the number of tel:.
func calledIn(m *sip.Message, uri sip.URI) sip.Span {
	if uri.User.Empty() && strings.EqualFold(string(m.Bytes(uri.Scheme)), "tel") {
		return uri.Host
	}
	return uri.User
}

// queryOf returns what the routes are asked about a request of a peer to uri,
// which wantedURI returned.
func queryOf(peer int, m *sip.Message, uri sip.URI) policy.Query {
	return policy.Query{From: peer, Msg: m, User: m.Bytes(calledIn(m, uri)), Host: m.Bytes(uri.Host), Method: m.Method()}
}
