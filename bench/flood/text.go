package main

import (
	"bytes"
	"strconv"
)

// values returns the values of all header fields of a name, in their order.
func values(m []byte, name string) (list [][]byte) {
	for line := range bytes.Lines(m) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return list
		}
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			list = append(list, bytes.TrimSpace(line[len(name)+1:]))
		}
	}
	return list
}

// value returns that of the first, nil if there is none.
func value(m []byte, name string) []byte {
	if list := values(m, name); len(list) > 0 {
		return list[0]
	}
	return nil
}

// appendAnswer writes a response to a request, with further lines and a body.
func appendAnswer(dst, request []byte, status, more, body string) []byte {
	dst = append(append(append(dst, "SIP/2.0 "...), status...), "\r\n"...)
	for _, name := range []string{"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range values(request, name) {
			dst = append(append(append(dst, name...), ": "...), v...)
			if name == "To" && !bytes.Contains(v, []byte(";tag=")) {
				dst = append(dst, ";tag=of-the-load"...)
			}
			dst = append(dst, "\r\n"...)
		}
	}
	dst = append(append(dst, more...), "Content-Length: "...)
	dst = append(strconv.AppendInt(dst, int64(len(body)), 10), "\r\n\r\n"...)
	return append(dst, body...)
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

// between returns what stands between two marks, nil if they are not there.
func between(b []byte, from, to string) []byte {
	_, rest, ok := bytes.Cut(b, []byte(from))
	if !ok {
		return nil
	}
	found, _, ok := bytes.Cut(rest, []byte(to))
	if !ok {
		return nil
	}
	return found
}
