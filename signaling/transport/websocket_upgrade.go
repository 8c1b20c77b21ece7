package transport

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
)

// RFC 6455 section 1.3.
const webSocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Ours:
const (
	// 16 KiB: cookies of other services of the same site, which browsers send.
	upgradeMax = 16 << 10
	// 2 KiB: a request without them.
	upgradeOctets = 2 << 10
)

// An upgradeError says why a request does not become a WebSocket.
type upgradeError struct {
	why    Cut
	status int // of the answer; 0: none
	what   string
}

func (e *upgradeError) Error() string { return e.what }

var (
	errNotHTTP  = &upgradeError{CutWrongProtocol, 0, "it speaks no HTTP"}
	errHeadLong = &upgradeError{CutWSProtocol, http.StatusRequestHeaderFieldsTooLarge, "the request has more than 16 KiB"}
	errRequest  = &upgradeError{CutWSProtocol, http.StatusBadRequest, "it asks for no WebSocket"}
	errVersion  = &upgradeError{CutWSProtocol, http.StatusUpgradeRequired, "it speaks another version of WebSocket than 13"}
	errNoSIP    = &upgradeError{CutWSProtocol, http.StatusBadRequest, "it does not offer the subprotocol sip"}
	errOrigin   = &upgradeError{CutWSOrigin, http.StatusForbidden, "its Origin is none of those that may use this listener"}

	endOfHead = []byte("\r\n\r\n")
)

// headEnd returns how many octets of b are the head of a request; 0: more is
// needed.
func headEnd(b []byte) (int, error) {
	const method = "GET "
	if n := min(len(b), len(method)); string(b[:n]) != method[:n] {
		return 0, errNotHTTP
	}
	end := bytes.Index(b[:min(len(b), upgradeMax)], endOfHead)
	switch {
	case end >= 0:
		return end + len(endOfHead), nil
	case len(b) >= upgradeMax:
		return 0, errHeadLong
	}
	return 0, nil
}

// upgrade has the far end turn to WebSocket.
func (c *conn) upgrade(stream net.Conn) (Cut, error) {
	head, early, err := readHead(stream)
	var text []byte
	if err == nil {
		text, err = c.t.opt.WebSocket.answer(head)
	}
	no := (*upgradeError)(nil)
	if errors.As(err, &no) {
		text = no.answer()
	}
	if len(text) > 0 {
		if _, failed := stream.Write(text); err == nil {
			err = failed
		}
	}
	why := cuts
	switch {
	case err == nil:
		c.in.ws, c.in.early = new(webSocket), bytes.Clone(early)
		return cuts, nil
	case no != nil:
		why = no.why
	case errors.Is(err, os.ErrDeadlineExceeded):
		why = CutSlow
	}
	return why, fmt.Errorf("WebSocket of %v: %w", c.remote, err)
}

// readHead reads the head of a request, and what came with it from behind.
func readHead(stream net.Conn) (head, early []byte, err error) {
	b := make([]byte, 0, upgradeOctets)
	for {
		n, failed := stream.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		end, err := headEnd(b)
		switch {
		case err != nil:
			return nil, nil, err
		case end > 0:
			return b[:end], b[end:], nil
		case failed != nil:
			return nil, nil, failed
		case len(b) == cap(b):
			b = slices.Grow(b, cap(b))
		}
	}
}

// answer returns what makes a WebSocket of the connection that brought a
// request: RFC 6455 section 4.2.2, RFC 7118 section 4.1. The error is an
// *upgradeError.
func (w *WebSocket) answer(head []byte) ([]byte, error) {
	text := bufio.NewReader(bytes.NewReader(head))
	r, err := http.ReadRequest(text)
	// What is left was after an empty line that ends with a bare LF: some would
	// have read headers there.
	if _, left := text.Peek(1); err != nil || left == nil {
		return nil, errRequest
	}
	key, err := w.judge(r)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum([]byte(key + webSocketGUID))
	return fmt.Appendf(nil, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n", base64.StdEncoding.EncodeToString(sum[:])), nil
}

// judge returns the key of a request for a WebSocket: section 4.2.1.
func (w *WebSocket) judge(r *http.Request) (string, error) {
	keys := r.Header["Sec-Websocket-Key"]
	switch {
	case !r.ProtoAtLeast(1, 1), r.Host == "", r.ContentLength != 0, len(r.TransferEncoding) > 0,
		!lists(r.Header, "Upgrade", "websocket", strings.EqualFold), !lists(r.Header, "Connection", "upgrade", strings.EqualFold),
		len(keys) != 1:
		return "", errRequest
	case !slices.Equal(r.Header["Sec-Websocket-Version"], []string{"13"}):
		return "", errVersion
	}
	if nonce, err := base64.StdEncoding.DecodeString(keys[0]); err != nil || len(nonce) != 16 {
		return "", errRequest
	}
	switch {
	case !w.allows(r.Header):
		return "", errOrigin
	case !lists(r.Header, "Sec-Websocket-Protocol", "sip", func(a, b string) bool { return a == b }):
		return "", errNoSIP
	}
	return keys[0], nil
}

// lists reports whether a field has a token in its list.
func lists(fields http.Header, name, token string, equal func(a, b string) bool) bool {
	return slices.ContainsFunc(fields[name], func(value string) bool {
		return slices.ContainsFunc(strings.Split(value, ","), func(one string) bool { return equal(strings.TrimSpace(one), token) })
	})
}

// answer is what ends the connection in the words of HTTP; nil: nothing is
// said.
func (e *upgradeError) answer() []byte {
	more := ""
	switch e.status {
	case 0:
		return nil
	case http.StatusUpgradeRequired:
		more = "Sec-WebSocket-Version: 13\r\n"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nConnection: close\r\n%sContent-Length: 0\r\n\r\n", e.status, http.StatusText(e.status), more)
}
