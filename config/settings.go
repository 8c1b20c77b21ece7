package config

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"
)

// Ours: twice what the largest machines carry.
const callsMax = 1_000_000

// limits reads what ends calls. The defaults are ours:
//   - Ring: RFC 3261 section 16.6 wants more than 3 minutes for timer C; we
//     are the far end and need not wait for another proxy's.
//   - Media: phones send RTCP every 5 s, so a minute of nothing is a dead end.
//   - Held: a held call may be silent on purpose.
//   - Call: longer than any conversation, shorter than a bill nobody expects.
func (r *reader) limits(b *limitsBlock, c *Config) {
	l := &c.Limits
	*l = Limits{Ring: 3 * time.Minute, Media: time.Minute, Held: 30 * time.Minute, Call: 12 * time.Hour}
	if b == nil {
		return
	}
	if r.integer(b.Calls, 1, callsMax, "1000", &l.Calls) {
		c.Policy.Calls = l.Calls
	}
	r.duration(b.Ring, 5*time.Second, 10*time.Minute, false, &l.Ring)
	r.duration(b.Media, 5*time.Second, 24*time.Hour, true, &l.Media)
	r.duration(b.Held, 5*time.Second, 24*time.Hour, true, &l.Held)
	r.duration(b.Call, time.Minute, 7*24*time.Hour, true, &l.Call)
	if l.Held != 0 && l.Media != 0 && l.Held < l.Media {
		at := b.Held
		if at == nil {
			at = b.Media
		}
		r.warn(at.Range, "Held calls end first", "A held call would end after %s of silence, one that is not held after %s.", short(l.Held), short(l.Media))
	}
}

// telemetry reads where we tell of ourselves.
func (r *reader) telemetry(b *telemetryBlock, c *Config) {
	t := &c.Telemetry
	*t = Telemetry{LogLevel: slog.LevelInfo, LogFormat: "auto", TraceBytes: 16 << 20}
	if b == nil {
		return
	}
	if listen, ok := r.text(b.Listen, `"127.0.0.1:9090"`); ok {
		r.tcpListen(listen, &t.Listen)
	}
	level := "info"
	if r.word(b.LogLevel, []string{"debug", "info", "warn", "error"}, &level) {
		_ = t.LogLevel.UnmarshalText([]byte(level)) // It knows the four words.
	}
	r.word(b.LogFormat, []string{"auto", "text", "json"}, &t.LogFormat)
	r.size(b.TraceMemory, 1<<20, 4<<30, &t.TraceBytes)
}

func (r *reader) tcpListen(t text, to *netip.AddrPort) {
	ap, err := netip.ParseAddrPort(t.s)
	if err != nil || ap.Port() == 0 {
		r.fail(t.at, "Not an address with a port", "%q is none. Write listen = \"127.0.0.1:9090\".", t.s)
		return
	}
	*to = ap
}

// Where the socket is unless the file says otherwise.
const defaultSocket = "/run/sbc/sbc.sock"

// Of struct sockaddr_un: 108 octets with the NUL at the end.
const socketMax = 107

func (r *reader) console(b *consoleBlock, c *Config) {
	c.Control = defaultSocket
	if b == nil {
		return
	}
	t, ok := r.text(b.Socket, `"`+defaultSocket+`"`)
	switch {
	case !ok:
	case !strings.HasPrefix(t.s, "/") || strings.HasSuffix(t.s, "/"):
		r.fail(t.at, "Not a path", "%q is no path of a file from the root. Write socket = %q.", t.s, defaultSocket)
	case len(t.s) > socketMax:
		r.fail(t.at, "Path too long", "The path has %d octets. The kernel takes at most %d for a socket.", len(t.s), socketMax)
	default:
		c.Control = t.s
	}
}

// Where the store is unless the file says otherwise.
const defaultStore = "/var/lib/sbc/state.db"

func (r *reader) store(b *storeBlock, c *Config) {
	c.Store = defaultStore
	if b == nil {
		return
	}
	t, ok := r.text(b.Path, `"`+defaultStore+`"`)
	switch {
	case !ok:
	case !strings.HasPrefix(t.s, "/") || strings.HasSuffix(t.s, "/"):
		r.fail(t.at, "Not a path of a file", "%q is none. Write it from the root on, like path = %q.", t.s, defaultStore)
	default:
		c.Store = t.s
	}
}
