package b2bua

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// hashedHost returns the host[:port] of the URI that the sender of m hashed
// into its credentials, nil if there are none. The challenger compares that URI
// with the Request-URI (RFC 7616 section 3.4.6): the host stays as the sender
// wrote it, although it may be ours.
func hashedHost(m *sip.Message) []byte {
	for _, f := range m.Fields() {
		if f.ID != sip.FieldAuthorization && f.ID != sip.FieldProxyAuthorization {
			continue
		}
		a, err := sip.ParseAuth(m.Raw, f.Value)
		if err != nil || !a.Digest(m.Raw) {
			continue
		}
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
