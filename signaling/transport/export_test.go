package transport

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sbc/signaling/sip"
)

// SocketOption reads an option of the listener's socket.
func SocketOption(u *UDP, level, name int) (v int, err error) {
	if cerr := u.raw.Control(func(fd uintptr) { v, err = unix.GetsockoptInt(int(fd), level, name) }); cerr != nil {
		return 0, cerr
	}
	return v, err
}

// SetSendBuffer makes the send buffer smaller than Options allow.
func SetSendBuffer(u *UDP, octets int) (err error) {
	if cerr := u.raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_SNDBUF, octets)
	}); cerr != nil {
		return cerr
	}
	return err
}

// Stalled reports whether the last wait for room was in vain.
func Stalled(u *UDP) bool { return u.stalled.Load() }

// Frames feeds a framer with pieces of a stream, and returns what it found.
// Each piece is overwritten once it was fed: what was found must not need it.
func Frames(pieces ...[]byte) []string {
	var f frames
	var fr framer
	s := new(scratch)
	for _, p := range pieces {
		p = append([]byte(nil), p...)
		v := fr.feed(p, s, &f)
		for i := range p {
			p[i] = '#'
		}
		if v != going {
			f.add(func() string { return fmt.Sprintf("verdict %d", v) })
			break
		}
	}
	for i := range fr.part {
		fr.part[i] = '#'
	}
	all := make([]string, len(f.found))
	for i, tell := range f.found {
		all[i] = tell()
	}
	return all
}

type frames struct{ found []func() string }

func (f *frames) add(tell func() string) { f.found = append(f.found, tell) }

func (f *frames) ping() { f.add(func() string { return "ping" }) }

func (f *frames) message(m *sip.Message, err error) {
	f.add(func() string {
		said := "ok"
		if e := (*sip.Error)(nil); errors.As(err, &e) {
			said = fmt.Sprintf("%s %d close %v", e.Cause, e.Status, e.Close)
		}
		for _, field := range m.Fields() {
			said += fmt.Sprintf(" %s=%s", m.Bytes(field.Name), m.Bytes(field.Value))
		}
		return fmt.Sprintf("%s %s %s %d %s|%s", said, m.MethodName(), m.Bytes(m.RequestURI()), cap(m.Raw)-len(m.Raw), m.Bytes(m.Body()), m.Raw)
	})
}

// SetDescriptorsMax changes how many connections all listeners may have.
func SetDescriptorsMax(t *TCP, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.descriptorsMax = n
}

// Held returns the octets of begun messages and of queues.
func Held(t *TCP) int64 { return t.held.Load() }

// StreamOption reads an option of the listener's socket.
func StreamOption(t *TCP, level, name int) (v int, err error) {
	raw, err := t.listener.SyscallConn()
	if err != nil {
		return 0, err
	}
	return rawOption(raw, level, name)
}

// ConnOption reads an option of a connection's socket.
func ConnOption(t *TCP, number uint64, level, name int) (int, error) {
	t.mu.RLock()
	c := t.conns[number]
	t.mu.RUnlock()
	return rawOption(c.raw, level, name)
}

func rawOption(raw syscall.RawConn, level, name int) (v int, err error) {
	if cerr := raw.Control(func(fd uintptr) { v, err = unix.GetsockoptInt(int(fd), level, name) }); cerr != nil {
		return 0, cerr
	}
	return v, err
}

// Tables returns how many entries the listener's tables have.
func Tables(t *TCP) int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.conns) + len(t.reach) + len(t.sources) + t.accepted
}

// SourceOf returns whose connections are counted together.
func SourceOf(a netip.Addr) netip.Prefix { return sourceOf(a) }

// FeedLoop feeds a framer n times.
func FeedLoop(n int, b []byte) {
	var fr framer
	var nobody deaf
	s := new(scratch)
	for range n {
		fr.feed(b, s, &nobody)
	}
}

type deaf struct{}

func (*deaf) ping()                       {}
func (*deaf) message(*sip.Message, error) {}

// Connect opens a connection, as Send does when it has found none, and returns
// its number; 0: it did not.
func Connect(t *TCP, to netip.AddrPort) uint64 {
	c, err := t.connect(to)
	if err != nil {
		return 0
	}
	return c.number
}

// LoadCertificatesEvery looks at the files as often as it is told.
func LoadCertificatesEvery(files []CertificateFile, failed func(error), every time.Duration) (*Certificates, error) {
	return loadCertificates(files, failed, every)
}

// WebSocketFrames feeds a reader of frames with pieces of a stream, and returns
// what it found, and the most octets of a message that it kept.
func WebSocketFrames(pieces ...[]byte) (found []string, kept int) {
	var f frames
	var ws webSocket
	s := new(scratch)
	for _, p := range pieces {
		p = append([]byte(nil), p...)
		v := ws.feed(p, s, &f)
		for i := range p {
			p[i] = '#'
		}
		if kept = max(kept, cap(ws.part)); v != going {
			f.add(func() string { return fmt.Sprintf("verdict %d, code %d", v, ws.code) })
			break
		}
	}
	for _, tell := range f.found {
		found = append(found, tell())
	}
	return found, kept
}

func (f *frames) pinged(b []byte) {
	b = bytes.Clone(b)
	f.add(func() string { return fmt.Sprintf("pinged %q", b) })
}

func (f *frames) pongs(text bool) { f.add(func() string { return fmt.Sprintf("ping, text %v", text) }) }

// AppendFrame writes a frame of ours.
func AppendFrame(to []byte, op byte, payload []byte) []byte { return appendFrame(to, op, payload) }

// WebSocketAnswer returns what is said to the beginning of a stream; nil: more
// is needed, or nothing.
func WebSocketAnswer(w *WebSocket, b []byte) ([]byte, error) {
	end, err := headEnd(b)
	if err != nil || end == 0 {
		return nil, err
	}
	text, err := w.answer(b[:end])
	if no := (*upgradeError)(nil); errors.As(err, &no) {
		text = no.answer()
	}
	return text, err
}

// WebSocketMax is the longest message.
const WebSocketMax = webSocketMax

// Records follows the records in pieces of a stream, and returns whether the
// last is whole, and the octets of those that are.
func Records(pieces ...[]byte) (partial bool, octets int) {
	var s session
	for _, p := range pieces {
		s.track(p)
	}
	return s.partial(), s.dumb
}
