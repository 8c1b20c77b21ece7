package sim

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"sbc/signaling/b2bua"
	"sbc/signaling/sip"
)

// A message is one at the SBC's door: it comes in, or goes out.
type message struct {
	at       time.Duration
	in       bool
	flow     b2bua.Flow
	listener int // of the flow
	realm    int
	remote   netip.AddrPort
	from     int    // index of the neighbour or phone with that address; -1: a stranger
	name     string // of from
	raw      []byte
	sip      sip.Message
	err      error // of Parse
	tx       txKey // transaction that it belongs to
	again    bool  // a request of this transaction was seen before
	arrived  bool  // of one that goes out by a stream
	leg      *leg  // dialog that it belongs to, nil if unknown
	known    bool  // of one that comes: the SBC may know who sent it
}

// A txKey names a transaction (RFC 3261 section 17.2.3). The ACK for a final
// response other than 2xx has the key of its INVITE.
type txKey struct {
	listener       int
	ours           bool // the SBC is the client
	method         string
	branch, sentBy string
	home           netip.Addr // where a request of a phone came from: others may have its private address
}

func newMessage(w *world, in bool, f b2bua.Flow, raw []byte) *message {
	m := &message{at: w.now, in: in, flow: f, listener: int(f.Listener), remote: f.Remote, raw: raw}
	m.realm, m.from = listeners[m.listener].realm, w.whose(f)
	if m.from >= 0 {
		m.name = w.neighbours[m.from].name
	}
	if listeners[m.listener].stream {
		var n int
		if n, m.err = m.sip.ParseStream(raw); m.err == nil && n != len(raw) {
			m.err = fmt.Errorf("%d octets of which %d are the message", len(raw), n)
		}
	} else {
		m.err = m.sip.Parse(raw)
	}
	if m.err == nil {
		v := m.sip.Via()
		m.tx = txKey{listener: m.listener, ours: m.in != m.sip.IsRequest(), method: string(m.sip.MethodName()),
			branch: string(m.sip.Bytes(v.Branch)), sentBy: fmt.Sprint(string(m.sip.Bytes(v.Host)), ":", v.Port)}
		if m.sip.Method() == sip.ACK {
			m.tx.method = "INVITE"
		}
		if !m.tx.ours && w.lan != nil && m.realm == outside && w.neighbourAt(m.listener, m.remote) < 0 {
			m.tx.home = m.remote.Addr()
		}
	}
	return m
}

// whose returns the index of who is at the far end of a flow, or was last; -1:
// a stranger.
func (w *world) whose(f b2bua.Flow) int {
	at := w.neighbourAt(int(f.Listener), f.Remote)
	if at >= 0 || w.lan == nil || listeners[f.Listener].realm == inside {
		return at
	}
	if listeners[f.Listener].stream {
		if a := w.byConn[f.Conn]; a != nil && a.at.stream() {
			return a.index
		}
		return -1
	}
	if index, ok := w.lan.owner[f.Remote]; ok {
		return index
	}
	return -1
}

func (m *message) request(method sip.Method) bool {
	return m.err == nil && m.sip.IsRequest() && m.sip.Method() == method
}

// response reports whether m answers a request of a method with a status from
// first to last.
func (m *message) response(method sip.Method, first, last int) bool {
	return m.err == nil && !m.sip.IsRequest() && m.sip.Method() == method && m.sip.Status() >= first && m.sip.Status() <= last
}

func (m *message) final() bool { return m.err == nil && m.sip.Status() >= 200 }

func (m *message) callID() string { return string(m.sip.Bytes(m.sip.CallID())) }
func (m *message) toTag() string  { return string(m.sip.Bytes(m.sip.To().Tag)) }

// String is the message in a few words: "192.168.1.10 → INVITE (10 INVITE)".
func (m *message) String() string {
	arrow := "←"
	if m.in {
		arrow = "→"
	}
	name := m.remote.String()
	if m.from >= 0 {
		name = m.name
	}
	if m.err != nil {
		return fmt.Sprintf("%s %s unreadable: %v", name, arrow, m.err)
	}
	line, _, _ := strings.Cut(string(m.raw), "\r\n")
	return fmt.Sprintf("%s %s %s (%d %s, branch %s, %s)", name, arrow, line, m.sip.CSeq(), m.sip.MethodName(), m.tx.branch, m.callID())
}
