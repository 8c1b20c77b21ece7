package main

import (
	"bytes"
	"strconv"
)

// appendRegister writes the REGISTER of a phone, with what phones at home write:
// a private address, an instance, credentials that are used again with the next
// count.
func appendRegister(dst []byte, phone int, cseq uint32) []byte {
	n := func(dst []byte, i int) []byte { return strconv.AppendInt(dst, int64(i), 10) }
	user, seq := firstUser+phone, int(cseq)
	private := append(n([]byte("192.168.178."), 20+phone%200), ":5060"...)
	dst = append(append(append(dst, "REGISTER sip:voice.example SIP/2.0\r\nVia: SIP/2.0/UDP "...), private...), ";rport;branch=z9hG4bK"...)
	dst = n(append(n(dst, user), 'x'), seq)
	dst = n(append(dst, "\r\nMax-Forwards: 70\r\nFrom: <sip:"...), user)
	dst = n(append(dst, "@voice.example>;tag=phone"...), user)
	dst = n(append(dst, "\r\nTo: <sip:"...), user)
	dst = n(append(dst, "@voice.example>\r\nCall-ID: 5c1f0a77e2b04d16a9be"...), user)
	dst = n(append(dst, "@phone\r\nCSeq: "...), seq)
	dst = append(n(append(dst, " REGISTER\r\nContact: <sip:"...), user), '@')
	dst = append(append(dst, private...), ";transport=udp>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-0000000"...)
	dst = n(dst, user)
	dst = n(append(dst, ">\"\r\nAuthorization: Digest username=\""...), user)
	dst = append(dst, "\", realm=\"voice.example\", nonce=\"YWJjZGVmZ2hpamtsbW5vcA\", uri=\"sip:voice.example\", "...)
	dst = append(dst, "response=\"6629fae49393a05397450978507c4ef1\", algorithm=MD5, cnonce=\"0a4f113b\", qop=auth, nc="...)
	nc := strconv.FormatUint(uint64(cseq)+1<<32, 16)[1:]
	dst = append(append(dst, nc...), "\r\nExpires: 600\r\nUser-Agent: phone/1.0\r\nSupported: path, outbound\r\n"...)
	return append(dst, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, UPDATE\r\nContent-Length: 0\r\n\r\n"...)
}

// firstUser has as many digits as the last.
const firstUser = 10_000

// field returns the value of a header field, nil if there is none.
func field(m []byte, name string) []byte {
	for rest := m; ; {
		i := bytes.Index(rest, []byte("\r\n"))
		if i <= 0 {
			return nil
		}
		line := rest[:i]
		rest = rest[i+2:]
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return bytes.TrimSpace(line[len(name)+1:])
		}
	}
}

// appendAnswer writes a 200 to a request, with further lines.
func appendAnswer(dst, request, lines []byte) []byte {
	dst = append(dst, "SIP/2.0 200 OK\r\n"...)
	for line := range bytes.Lines(request) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(bytes.TrimSpace(line)) == 0:
			dst = append(dst, lines...)
			return append(dst, "Content-Length: 0\r\n\r\n"...)
		case bytes.EqualFold(name, []byte("To")) && !bytes.Contains(value, []byte(";tag=")):
			dst = append(append(dst, bytes.TrimRight(line, "\r\n")...), ";tag=of-the-load\r\n"...)
		case bytes.EqualFold(name, []byte("Via")), bytes.EqualFold(name, []byte("From")), bytes.EqualFold(name, []byte("To")),
			bytes.EqualFold(name, []byte("Call-ID")), bytes.EqualFold(name, []byte("CSeq")):
			dst = append(dst, line...)
		}
	}
	return dst
}

// status returns the status code of a response, 0 for a request.
func status(m []byte) int {
	const begin = "SIP/2.0 "
	if !bytes.HasPrefix(m, []byte(begin)) || len(m) < len(begin)+3 {
		return 0
	}
	code, err := strconv.Atoi(string(m[len(begin) : len(begin)+3]))
	if err != nil {
		return 0
	}
	return code
}
