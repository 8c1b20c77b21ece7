package nat

import "encoding/binary"

// RFC 8656 section 12.4: the number of the channel and the length of the data.
const channelHeader = 4 // octets

// isChannel reports whether b begins like ChannelData. RFC 8656 section 12
// leaves channels the numbers up to 0x4FFF, RFC 5766 section 11 up to 0x7FFF;
// clients in use draw from all of those.
func isChannel(b []byte) bool { return b[0]>>6 == 1 }

// Datagram says what is wrong with a datagram that came to a socket of these
// rules: a STUN message or, where there are channels, ChannelData.
func (r *STUNRules) Datagram(b []byte) STUNCause {
	if len(b) == 0 || !isChannel(b) {
		return STUN(b).Check(r)
	}
	n, cause := r.channel(b)
	switch {
	case cause != STUNFine:
		return cause
	case n == 0 || len(b) < n || len(b) > (n+3)&^3:
		// RFC 8656 section 12.5: over UDP it need not be padded, but may be.
		return STUNChannelOverrun
	}
	return STUNFine
}

// Frame finds the first message or ChannelData in what a stream has brought so
// far: n is its length with what pads it, 0 where more has to come. After a
// cause the stream has lost its place: nothing that follows can be trusted, and
// the connection has to be closed. No more than BytesMax + 4 octets have to be
// kept for it.
func (r *STUNRules) Frame(b []byte) (n int, cause STUNCause) {
	if len(b) == 0 {
		return 0, STUNFine
	}
	if isChannel(b) {
		n, cause = r.channel(b)
		n = (n + 3) &^ 3 // RFC 8656 section 12.5: padded on streams
		if cause != STUNFine || len(b) < n {
			return 0, cause
		}
		return n, STUNFine
	}
	n, cause = r.message(b)
	if cause != STUNFine || n == 0 || len(b) < n {
		return 0, cause
	}
	if cause = STUN(b[:n]).Check(r); cause != STUNFine {
		return 0, cause
	}
	return n, STUNFine
}

// channel judges the header of ChannelData and returns its length without what
// pads it, 0 if there are not yet the four octets of the header.
func (r *STUNRules) channel(b []byte) (n int, cause STUNCause) {
	if !r.Channels {
		return 0, STUNNotAllowed
	}
	if len(b) < channelHeader {
		return 0, STUNFine
	}
	n = channelHeader + int(binary.BigEndian.Uint16(b[2:]))
	if n > r.BytesMax {
		return 0, STUNSize
	}
	return n, STUNFine
}

// message judges as much of a header as there is, and returns how long the
// message will be, 0 if there are not yet the eight octets that say so.
func (r *STUNRules) message(b []byte) (n int, cause STUNCause) {
	if b[0]&0xC0 != 0 {
		return 0, STUNForeign
	}
	if len(b) < 4 {
		return 0, STUNFine
	}
	n = stunHeader + int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case n > r.BytesMax:
		return 0, STUNSize
	case n%4 != 0:
		return 0, STUNLength
	case len(b) < 8:
		return 0, STUNFine
	case binary.BigEndian.Uint32(b[4:]) != stunCookie:
		return 0, STUNForeign
	}
	return n, STUNFine
}
