package transport

import (
	"bytes"
	"sync"

	"sbc/signaling/sip"
)

// Ours:
const (
	// 16 KiB: a read takes a dozen messages.
	scratchOctets = 16 << 10
	// What a begun message may keep beyond twice its own length.
	slackOctets = 4 << 10
	// 1 KiB of what cannot be read is for the log.
	excerptOctets = 1 << 10
)

// A scratch is the memory of one read. An idle connection has none.
type scratch struct {
	buf [scratchOctets]byte
	m   *sip.Message // for the next message; nil: make one
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// A receiver takes what a framer finds.
type receiver interface {
	message(m *sip.Message, err error)
	ping() // CRLFCRLF, RFC 5626 section 3.5.1
}

// A verdict is what a reader of octets thinks of them.
type verdict uint8

const (
	going         verdict = iota
	lost                  // nobody knows where the next message begins: the receiver was told
	notSIP                // it never was SIP: the receiver was not told
	wrongProtocol         // TLS or HTTP: nor here
	over                  // the far end said that it is the end
	garbled               // a record of TLS that cannot be opened
	badFrame              // the rest are of WebSocket
	unmasked
	tooLong
	badUTF8
)

// Whom we cut for a verdict, and what we tell him in a WebSocket.
var verdicts = [...]struct {
	why  Cut
	code uint16
}{
	notSIP: {CutNotSIP, codeRefused}, wrongProtocol: {CutWrongProtocol, codeRefused}, garbled: {CutTLSHandshake, codeProtocol},
	badFrame: {CutWSProtocol, codeProtocol}, unmasked: {CutWSUnmasked, codeProtocol}, tooLong: {CutWSTooLong, codeTooLong},
	badUTF8: {CutWSUTF8, codeUTF8},
}

// A framer finds the messages in a stream. What it finds does not depend on
// the pieces in which the octets come. The zero framer is ready.
type framer struct {
	part  []byte // of a message that has begun and is not whole; begins with no CR or LF
	needs int    // how long part must be before it is worth looking again
	crlf  uint8  // how much of a CRLFCRLF has come between messages
}

// feed takes the octets in b, which it does not keep, and tells to what is in
// them. s lends a Message. After any verdict but going the framer is not to be
// fed again.
func (fr *framer) feed(b []byte, s *scratch, to receiver) verdict {
	if len(fr.part) > 0 {
		fr.part = append(fr.part, b...)
		if len(fr.part) < fr.needs {
			return going
		}
		b = fr.part
	}
	for {
		if b = fr.between(b, to); len(b) == 0 {
			fr.part = nil
			return going
		}
		n, v := fr.next(b, s, to)
		if v != going {
			fr.part = nil
			return v
		}
		if n == 0 {
			fr.keep(b)
			return going
		}
		b = b[n:]
	}
}

// between skips the CRs and LFs before a start line (RFC 3261 section 7.5) and
// tells of pings. A lone CRLF is a pong (RFC 5626 section 3.5.1), and nothing
// to us.
func (fr *framer) between(b []byte, to receiver) []byte {
	const ping = "\r\n\r\n"
	for i, c := range b {
		switch {
		case c == ping[fr.crlf]:
			if fr.crlf++; int(fr.crlf) == len(ping) {
				fr.crlf = 0
				to.ping()
			}
		case c == '\r':
			fr.crlf = 1
		case c == '\n':
			fr.crlf = 0
		default:
			fr.crlf = 0
			return b[i:]
		}
	}
	return nil
}

// next reads one message from the start of b and returns how many octets it
// took; 0: more is needed.
func (fr *framer) next(b []byte, s *scratch, to receiver) (int, verdict) {
	if s.m == nil {
		s.m = new(sip.Message)
	}
	m := s.m
	n, err := m.ParseStream(b)
	if n == 0 && err == nil {
		fr.needs = len(b) + m.Missing()
		m.Raw = nil // not ours
		return 0, going
	}
	v := going
	if e, ok := err.(*sip.Error); ok && e.Close {
		switch v = lost; e.Cause {
		case "not_sip":
			return n, notSIP
		case "wrong_protocol":
			return n, wrongProtocol
		}
	}
	if m.StartLine().Empty() {
		// Nothing was read. How much has come behind the line is chance.
		line := m.Raw[:min(len(m.Raw), excerptOctets)]
		m.Raw = line[:bytes.IndexByte(line, '\n')+1]
		if len(m.Raw) == 0 {
			m.Raw = line
		}
	}
	// All that m knows are offsets into Raw. A copy of its own length keeps no
	// buffer alive.
	own := make([]byte, len(m.Raw))
	copy(own, m.Raw)
	m.Raw, s.m = own, nil
	to.message(m, err)
	return n, v
}

// keep makes b what has come of a message; b may be the end of part.
func (fr *framer) keep(b []byte) {
	if cap(fr.part) == 0 || cap(fr.part) > 2*len(b)+slackOctets {
		fr.part = append(make([]byte, 0, len(b)), b...)
		return
	}
	fr.part = fr.part[:copy(fr.part[:cap(fr.part)], b)]
}
