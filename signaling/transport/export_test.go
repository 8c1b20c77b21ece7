package transport

import "golang.org/x/sys/unix"

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
