package transport

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"sbc/signaling/sip"
)

// RFC 6455 sections 5.2, 5.5 and 7.4.1.
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa

	bitFin     = 0x80
	bitsRSV    = 0x70
	bitsOpcode = 0x0f
	bitMask    = 0x80
	bitControl = 0x08
	length16   = 126
	length64   = 127
	controlMax = 125
	frameMax   = 14 // octets of a frame's header: 2, 8 of length, 4 of the mask

	codeNormal    = 1000
	codeGoingAway = 1001
	codeProtocol  = 1002
	codeRefused   = 1003
	codeUTF8      = 1007
	codeTooLong   = 1009
)

// webSocketMax is the longest message. Ours: what sip takes from a stream, 32
// KiB of fields and 64 KiB of body.
const webSocketMax = 32<<10 + len("\r\n\r\n") + 64<<10

// A webSocket finds the messages in the frames that a far end sends. As with a
// framer, what it finds does not depend on the pieces in which the octets come.
// The zero webSocket is ready.
type webSocket struct {
	header  [frameMax]byte
	have    int  // octets of the header of a frame that has begun
	in      bool // the header is whole, and the frame is not
	op      byte
	fin     bool
	left    int // octets of the frame that are to come
	mask    [4]byte
	masked  int // octets of the frame that came, modulo 4
	control []byte

	code uint16 // with which the far end closed; 0: none

	open bool // a message has begun
	text bool
	part []byte // of the message
}

// A frameReceiver takes what a webSocket finds.
type frameReceiver interface {
	receiver
	pinged(payload []byte) // wants a pong with the same; valid during the call
	pongs(text bool)       // CRLFCRLF in a message
}

// begun reports whether a frame or a message has begun that is not whole.
func (w *webSocket) begun() bool { return w.have > 0 || w.in || w.open }

// feed takes the octets in b, which it does not keep and may change, and tells
// to what is in them. s lends a Message. After any verdict but going it is not
// to be fed again.
func (w *webSocket) feed(b []byte, s *scratch, to frameReceiver) verdict {
	for len(b) > 0 || w.in && w.left == 0 {
		if !w.in {
			n, v := w.head(b)
			if b = b[n:]; v != going {
				return v
			}
			continue
		}
		n := min(w.left, len(b))
		w.unmask(b[:n])
		w.left -= n
		if v := w.payload(b[:n], s, to); v != going {
			return v
		}
		b = b[n:]
	}
	return going
}

// head reads the header of a frame, and returns how many octets of b it took.
func (w *webSocket) head(b []byte) (int, verdict) {
	n := 0
	for {
		need := 2
		if w.have >= 2 {
			if v := w.lawful(); v != going {
				return n, v
			}
			need = 2 + lengthOctets(w.header[1]) + len(w.mask)
		}
		if w.have >= 2 && w.have == need {
			return n, w.begin()
		}
		if n == len(b) {
			return n, going
		}
		k := copy(w.header[w.have:need], b[n:])
		w.have, n = w.have+k, n+k
	}
}

func lengthOctets(b byte) int {
	switch b &^ bitMask {
	case length16:
		return 2
	case length64:
		return 8
	}
	return 0
}

// lawful looks at the first two octets of a frame: RFC 6455 section 5.
func (w *webSocket) lawful() verdict {
	op, fin, length := w.header[0]&bitsOpcode, w.header[0]&bitFin != 0, w.header[1]&^bitMask
	switch {
	case w.header[1]&bitMask == 0:
		return unmasked // section 5.1
	case w.header[0]&bitsRSV != 0: // section 5.2: we agreed on no extension
		return badFrame
	case op&bitControl != 0 && (!fin || length > controlMax): // section 5.5
		return badFrame
	}
	switch op {
	case opContinuation:
		if !w.open {
			return badFrame // section 5.4
		}
	case opText, opBinary:
		if w.open {
			return badFrame
		}
	case opClose, opPing, opPong:
	default:
		return badFrame
	}
	return going
}

// begin has the whole header of a frame.
func (w *webSocket) begin() verdict {
	length := uint64(w.header[1] &^ bitMask)
	at := 2
	switch length {
	case length16:
		if length, at = uint64(binary.BigEndian.Uint16(w.header[at:])), at+2; length < length16 {
			return badFrame // section 5.2: the minimal number of octets
		}
	case length64:
		if length, at = binary.BigEndian.Uint64(w.header[at:]), at+8; length <= 0xffff || length>>63 != 0 {
			return badFrame
		}
	}
	w.op, w.fin = w.header[0]&bitsOpcode, w.header[0]&bitFin != 0
	if w.op&bitControl == 0 && length > uint64(webSocketMax-len(w.part)) {
		return tooLong
	}
	w.left, w.mask, w.masked = int(length), [4]byte(w.header[at:]), 0
	w.have, w.in = 0, true
	if w.op == opText || w.op == opBinary {
		w.open, w.text = true, w.op == opText
	}
	return going
}

// unmask undoes the mask: section 5.3.
func (w *webSocket) unmask(b []byte) {
	var key [4]byte
	for i := range key {
		key[i] = w.mask[(w.masked+i)&3]
	}
	w.masked = (w.masked + len(b)) & 3
	word := uint64(binary.LittleEndian.Uint32(key[:]))
	word |= word << 32
	for ; len(b) >= 8; b = b[8:] {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^word)
	}
	for i := range b {
		b[i] ^= key[i&3]
	}
}

// payload takes octets of a frame, the last ones if left is 0.
func (w *webSocket) payload(b []byte, s *scratch, to frameReceiver) verdict {
	whole := w.left == 0
	w.in = !whole
	if w.op&bitControl != 0 {
		if !whole || len(w.control) > 0 {
			w.control = append(w.control, b...)
			b = w.control
		}
		if !whole {
			return going
		}
		w.control = nil
		return w.controlled(b, to)
	}
	if !whole || !w.fin || len(w.part) > 0 {
		w.part = append(w.part, b...)
		b = nil
	}
	if !whole || !w.fin {
		return going
	}
	own := w.part
	w.part, w.open = nil, false
	if cap(own) != len(own) || own == nil {
		own = append(make([]byte, 0, len(own)+len(b)), own...)
		own = append(own, b...)
	}
	return w.message(own, s, to)
}

// controlled takes a control frame: section 5.5.
func (w *webSocket) controlled(b []byte, to frameReceiver) verdict {
	switch w.op {
	case opPing:
		to.pinged(b)
	case opClose:
		switch {
		case len(b) == 1:
			return badFrame
		case len(b) > 2 && !utf8.Valid(b[2:]):
			return badUTF8
		case len(b) >= 2:
			if w.code = binary.BigEndian.Uint16(b); !mayClose(w.code) {
				return badFrame
			}
		}
		return over
	}
	return going
}

// mayClose reports whether a code may stand in a close frame: section 7.4, and
// the registry that it begins.
func mayClose(code uint16) bool {
	switch {
	case code < 1000, code > 4999, code == 1004, code == 1005, code == 1006, code > 1014 && code < 3000:
		return false
	}
	return true
}

// message takes a whole message, which is the caller's no more. RFC 7118
// section 5: it is one of SIP, and needs no Content-Length, as a datagram.
func (w *webSocket) message(own []byte, s *scratch, to frameReceiver) verdict {
	if w.text && !utf8.Valid(own) {
		return badUTF8
	}
	if s.m == nil {
		s.m = new(sip.Message)
	}
	m := s.m
	err := m.Parse(own)
	if e, ok := err.(*sip.Error); ok {
		switch e.Cause {
		case "keepalive":
			// RFC 5626 section 4.4.1. A lone CRLF answers one.
			if bytes.Equal(own, []byte("\r\n\r\n")) {
				to.pongs(w.text)
			}
			m.Raw = nil
			return going
		case "not_sip":
			m.Raw = nil
			return notSIP
		}
	}
	s.m = nil
	to.message(m, err)
	return going
}
