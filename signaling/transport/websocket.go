package transport

import (
	"net/http"
	"net/url"
	"strings"
)

// A WebSocket makes a listener of streams one of WebSockets: RFC 6455, with the
// subprotocol sip of RFC 7118. It takes any path, and opens no connections.
type WebSocket struct {
	// Origins are the pages that may use us: whole origins
	// ("https://phone.example"), hosts under any scheme and port
	// ("phone.example"), or what is below a host ("*.phone.example"). A request
	// without an Origin does not come from a browser, and is not asked for one:
	// it could say what it wants. So without Origins no browser comes in, from
	// wherever its page is.
	Origins []string
}

// allows reports whether a request is from a page that may use us. A browser
// sends one Origin (RFC 6455 section 4.1, RFC 6454 section 7.3).
func (w *WebSocket) allows(fields http.Header) bool {
	switch said := fields["Origin"]; len(said) {
	case 0:
		return true
	case 1:
		return w.allowed(strings.ToLower(said[0]))
	}
	return false
}

func (w *WebSocket) allowed(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Scheme == "" || u.Hostname() == "" || origin != u.Scheme+"://"+u.Host {
		return false // "null" among them: any page can have that one
	}
	for _, o := range w.Origins {
		o = strings.ToLower(o)
		switch below, wild := strings.CutPrefix(o, "*."); {
		case strings.Contains(o, "://") && o == origin,
			o == u.Hostname(),
			wild && strings.HasSuffix(u.Hostname(), "."+below):
			return true
		}
	}
	return false
}
