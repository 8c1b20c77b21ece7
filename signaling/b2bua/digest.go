package b2bua

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// credentials returns the credentials of m for somebody else than us: those with
// which a user agent of a realm proves itself to us, and to nobody behind us, are
// left out. ours is where they stand.
func (c *Calls) credentials(realm int, m *sip.Message) (others []sip.Auth, ours []sip.Field) {
	for _, f := range m.Fields() {
		if f.ID != sip.FieldAuthorization && f.ID != sip.FieldProxyAuthorization {
			continue
		}
		a, err := sip.ParseAuth(m.Raw, f.Value)
		if err != nil || !a.Digest(m.Raw) {
			continue
		}
		if v, ok := a.Param(m.Raw, "realm"); ok && c.opt.Challenges != nil && c.opt.Challenges(realm, sip.AppendUnquoted(c.work.take(), m.Bytes(v))) {
			ours = append(ours, f)
			continue
		}
		others = append(others, a)
	}
	return others, ours
}

// keepCredentials takes out of a request what its sender has said to us alone.
func (c *Calls) keepCredentials(realm int, m *sip.Message, edits []edit.Edit) []edit.Edit {
	if c.opt.Challenges == nil {
		return edits
	}
	_, ours := c.credentials(realm, m)
	for _, f := range ours {
		edits = append(edits, edit.Edit{Start: f.Line.Start, End: f.Line.End, Why: "credentials for our own challenge (RFC 3261 section 22.3)"})
	}
	return edits
}

// hashedHost returns the host[:port] of the URI that the sender of m hashed
// into its credentials, nil if there are none. The challenger compares that URI
// with the Request-URI (RFC 7616 section 3.4.6): the host stays as the sender
// wrote it, although it may be ours.
func (c *Calls) hashedHost(realm int, m *sip.Message) []byte {
	others, _ := c.credentials(realm, m)
	for _, a := range others {
		v, ok := a.Param(m.Raw, "uri")
		if !ok || v.Len() < 2 {
			continue
		}
		uri, err := sip.ParseURI(m.Raw, edit.Span{Start: v.Start + 1, End: v.End - 1})
		if err != nil || uri.Host.Empty() {
			continue
		}
		host := uri.Host
		if uri.Port != 0 {
			for host.End < v.End-1 && m.Raw[host.End] != ';' && m.Raw[host.End] != '?' {
				host.End++
			}
		}
		return m.Bytes(host)
	}
	return nil
}

// allowBare lets a host pass, without its port.
func (g *guard) allowBare(host []byte) {
	if i := bytes.LastIndexByte(host, ':'); i > bytes.LastIndexByte(host, ']') {
		host = host[:i]
	}
	if len(host) > 0 {
		g.knows().Allow(host)
	}
}
