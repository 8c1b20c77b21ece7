package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// A tool is what a flood says that it was sent by.
type tool string

// The tools.
const (
	innocent tool = "phone"   // says nothing that a scanner would
	scanner  tool = "scanner" // leaves its name, as sipvicious does
	fuzzer   tool = "fuzzer"  // sends what is no message, or nearly one
)

var agents = map[tool]struct{ agent, name string }{
	innocent: {"Z 5.6.1 v2.10.19.9", "1000"},
	scanner:  {"friendly-scanner", "sipvicious"},
}

// counter stands in a message where each packet has a number of its own.
const counter = "0000000000"

// The methods of a flood, in turn: what svmap asks of an address, svwar of its
// users, and a caller who looks for a way out to the telephone network.
var methods = []string{"OPTIONS", "REGISTER", "INVITE"}

// message returns what a scanner sends.
func message(method string, from tool, to netip.AddrPort) string {
	who, target, user := agents[from], to.Addr().String(), "1000"
	uri, body := "sip:"+user+"@"+target, ""
	switch method {
	case "REGISTER":
		uri = "sip:" + target
	case "INVITE":
		user = "900441904911000"
		uri = "sip:" + user + "@" + target
		body = "v=0\r\no=sip 2147483647 1 IN IP4 1.1.1.1\r\ns=-\r\nc=IN IP4 1.1.1.1\r\nt=0 0\r\n" +
			"m=audio 25282 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
	}
	lines := []string{
		method + " " + uri + " SIP/2.0",
		"Via: SIP/2.0/UDP 192.168.1.9:5060;branch=z9hG4bK-" + counter + ";rport",
		"Max-Forwards: 70",
		fmt.Sprintf("From: %q <sip:1000@%s>;tag=%s", who.name, target, counter),
		fmt.Sprintf("To: %q <sip:%s@%s>", who.name, user, target),
		"Call-ID: 7c3d" + counter,
		"CSeq: 1 " + method,
		"Contact: <sip:1000@192.168.1.9:5060>",
		"Accept: application/sdp",
		"User-Agent: " + who.agent,
	}
	if body != "" {
		lines = append(lines, "Content-Type: application/sdp")
	}
	lines = append(lines, fmt.Sprintf("Content-Length: %d", len(body)), "", body)
	return strings.Join(lines, "\r\n")
}

// What stands where in a frame (IEEE 802.3, RFC 791, RFC 768).
const (
	ipAt       = 14
	checksumAt = ipAt + 10
	sourceAt   = ipAt + 12
	udpAt      = ipAt + 20
	payloadAt  = udpAt + 8
)

// A frame is a packet that is sent again and again, each time from another
// source and with another number.
type frame struct {
	bytes  []byte
	counts []int // where its number stands
	sum    uint32
}

func newFrame(payload string, mac net.HardwareAddr, to netip.AddrPort) *frame {
	f := &frame{bytes: make([]byte, payloadAt, payloadAt+len(payload))}
	b := f.bytes
	copy(b, mac)
	copy(b[6:], []byte{2, 0, 0, 0, 0, 1})
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	ip := b[ipAt:udpAt]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], uint16(20+8+len(payload)))
	dst := to.Addr().As4()
	copy(ip[16:], dst[:])
	udp := b[udpAt:]
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(8+len(payload))) // its checksum stays 0: there is none
	for i := 0; i < len(ip); i += 2 {
		f.sum += uint32(binary.BigEndian.Uint16(ip[i:]))
	}
	f.bytes = append(b, payload...)
	for at := payloadAt; ; at += len(counter) {
		i := bytes.Index(f.bytes[at:], []byte(counter))
		if i < 0 {
			return f
		}
		at += i
		f.counts = append(f.counts, at)
	}
}

// number gives the frame its source and its number.
func (f *frame) number(n uint64, src uint32) {
	b := f.bytes
	binary.BigEndian.PutUint32(b[sourceAt:], src)
	sum := f.sum + src>>16 + src&0xffff
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[checksumAt:], ^uint16(sum>>16+sum))
	binary.BigEndian.PutUint16(b[udpAt:], uint16(1024+src%60000))
	for _, at := range f.counts {
		for i, d := len(counter)-1, n; i >= 0; i-- {
			b[at+i] = byte('0' + d%10)
			d /= 10
		}
	}
}
