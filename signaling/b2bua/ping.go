package b2bua

import (
	"strconv"

	"sbc/signaling/ident"
	"sbc/signaling/sip"
)

// Ping writes an OPTIONS of our own to whom uri names, by a flow. Client names
// its transaction, whose responses are the caller's: no call waits for it. The
// bytes are the caller's.
func (c *Calls) Ping(by Flow, uri string) (Client, []byte) {
	at := &c.opt.Listeners[by.Listener]
	id := ident.ID{Serial: c.opt.Rand.Uint64(), Shard: c.opt.Shard(c.opt.Rand)}
	b := append(append([]byte("OPTIONS "), uri...), " SIP/2.0\r\n"...)
	b = c.appendVia(b, by.Listener, c.opt.IDs.Append(nil, ident.Branch, id))
	b = append(append(b, "Max-Forwards: 70\r\nFrom: <sip:"...), at.Host...)
	b = append(c.opt.IDs.Append(append(b, ">;tag="...), ident.Tag, id), "\r\nTo: <"...)
	b = append(append(b, uri...), ">\r\nCall-ID: "...)
	b = append(c.opt.IDs.Append(b, ident.CallID, id), "\r\nCSeq: "...)
	b = strconv.AppendUint(b, uint64(c.firstSeq()), 10)
	b = append(append(b, " OPTIONS\r\nAccept: application/sdp\r\n"...), "Content-Length: 0\r\n\r\n"...)
	return Client(id.Serial), b
}

// Speaker returns the peer at the end of the dialog in which m comes, if it comes
// by the very flow of that end.
func (c *Calls) Speaker(by Flow, m *sip.Message) (peer int, ok bool) {
	p, s := c.find(m.Bytes(m.CallID()), m.Bytes(m.To().Tag), m.Bytes(m.From().Tag))
	if p == nil || p.legs[s].flow != by {
		return 0, false
	}
	return p.legs[s].peer, true
}

// Has reports whether the dialog is there in which m comes.
func (c *Calls) Has(m *sip.Message) bool {
	p, _ := c.find(m.Bytes(m.CallID()), m.Bytes(m.To().Tag), m.Bytes(m.From().Tag))
	return p != nil
}
