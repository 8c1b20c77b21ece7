package transport

import "sync/atomic"

// A Cut is a cause for which we end a connection.
type Cut uint8

// The causes.
const (
	CutIdle          Cut = iota // nothing said for StreamOptions.Idle, or no message within First
	CutSlow                     // a message that did not become whole, or a far end that reads too slowly
	CutFull                     // a full queue, and a far end that reads nothing
	CutWrongProtocol            // TLS or HTTP where SIP is spoken, or neither where one is
	CutNotSIP                   // octets that are no start line
	CutLimit                    // no memory left for what it had begun to say
	CutBanned                   // somebody who is banned by now

	CutTLSVersion     // no version that we speak: TLS below 1.2
	CutTLSCipher      // no suite, or none that goes with our keys
	CutTLSCertificate // a certificate that is missing, unknown, expired, or of somebody else
	CutTLSHandshake   // anything else that is wrong with a handshake, or with a record behind it
	CutTLSSlow        // a handshake that took too long, or the oldest one when there were too many

	CutWSProtocol // no WebSocket that speaks sip, or a frame that none sends (RFC 6455 section 7.4.1: 1002)
	CutWSOrigin   // a page that may not use us
	CutWSUnmasked // a frame without a mask
	CutWSTooLong  // a message longer than any of SIP
	CutWSUTF8     // text that is none
	cuts
)

var cutNames = [cuts]string{
	"idle", "slow", "full", "wrong_protocol", "not_sip", "limit", "banned",
	"tls_version", "tls_cipher", "tls_certificate", "tls_handshake", "tls_slow",
	"ws_protocol", "ws_origin", "ws_unmasked", "ws_too_long", "ws_utf8",
}

// String returns the name of the cause, as metrics have it.
func (c Cut) String() string { return cutNames[c] }

// StreamStats count what happened on a listener of streams since it was
// opened.
type StreamStats struct {
	Open       uint64       // connections that are up now
	Accepted   uint64       // connections that were theirs
	Dialled    uint64       // connections that were ours and came up
	Unreached  uint64       // connections that were ours and did not come up
	OverSource uint64       // connections closed at once: too many from that address
	OverLimit  uint64       // connections closed at once, or not dialled: too many in all
	Paused     uint64       // times that accepting paused because the kernel gave no connection
	Received   uint64       // messages, those with errors too
	Sent       uint64       // messages that the kernel took whole
	Full       uint64       // messages that Send refused, ErrFull
	Unsent     uint64       // messages that Send took and that could not be written
	Pings      uint64       // keep-alives answered
	Cut        [cuts]uint64 // connections that we ended, by cause
}

// streamCounters are the counters behind StreamStats.
type streamCounters struct {
	open                                atomic.Int64
	accepted, dialled, unreached        atomic.Uint64
	overSource, overLimit, paused       atomic.Uint64
	received, sent, full, unsent, pings atomic.Uint64
	cut                                 [cuts]atomic.Uint64
}

// Stats reads the counters.
func (t *TCP) Stats() StreamStats {
	n := &t.n
	s := StreamStats{
		Open: uint64(n.open.Load()), Accepted: n.accepted.Load(), Dialled: n.dialled.Load(), Unreached: n.unreached.Load(),
		OverSource: n.overSource.Load(), OverLimit: n.overLimit.Load(), Paused: n.paused.Load(),
		Received: n.received.Load(), Sent: n.sent.Load(), Full: n.full.Load(), Unsent: n.unsent.Load(), Pings: n.pings.Load(),
	}
	for c := range s.Cut {
		s.Cut[c] = n.cut[c].Load()
	}
	return s
}
