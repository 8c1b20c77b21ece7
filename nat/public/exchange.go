package public

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// A pace says how a question is repeated until it is answered: after first,
// then after twice as long each time, count times in all, and then it waits
// last for the answer. count 0: until the context ends.
type pace struct {
	first, last time.Duration
	count       int
}

// routerPace is ours, in a network of our own: RFC 6886 section 3.1 begins
// with 250 ms too; the 3 s of RFC 6887 section 8.1.1 are for servers across a
// carrier's network.
var routerPace = pace{first: 250 * time.Millisecond}

// interval returns how long to wait after the n-th question (0 is the first),
// and whether it is the last.
func (p pace) interval(n int) (wait time.Duration, last bool) {
	if p.count > 0 && n >= p.count-1 {
		return p.last, true
	}
	return p.first << min(n, 10), false
}

// errSilent: no answer in all the time there was.
var errSilent = errors.New("no answer")

// errSlow: answers come, but not in the time that there is.
var errSlow = errors.New("it takes too long")

// errRefused: the host says that nobody listens at the port.
var errRefused = errors.New("nobody listens there")

// largest is more than any answer may have, so that a longer one is seen.
const largest = 1500

// exchange sends a datagram from local to server, again and again by the
// pace, until take says that what came back is the answer, or an end to it:
// done with its error. What take does not want is dropped, and the wait goes
// on. The socket is connected, so that the kernel drops what others send.
func exchange(ctx context.Context, local netip.Addr, server netip.AddrPort, p pace, question []byte, take func([]byte) (done bool, err error)) error {
	conn, err := net.DialUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)), net.UDPAddrFromAddrPort(server))
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	var buf [largest]byte
	for n := 0; ; n++ {
		wait, last := p.interval(n)
		if _, err := conn.Write(question); err != nil {
			return failure(ctx, err)
		}
		done, err := await(conn, time.Now().Add(wait), buf[:], take)
		if done {
			return err
		}
		if err != nil {
			return failure(ctx, err)
		}
		if last {
			return errSilent
		}
	}
}

// await reads until take is content or the deadline passes.
func await(conn *net.UDPConn, deadline time.Time, buf []byte, take func([]byte) (bool, error)) (done bool, err error) {
	if err := conn.SetReadDeadline(deadline); err != nil {
		return false, err
	}
	for {
		n, err := conn.Read(buf)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if done, err := take(buf[:n]); done {
			return true, err
		}
	}
}

// failure puts an error of a socket into the operator's words.
func failure(ctx context.Context, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return errSilent
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, syscall.ECONNREFUSED):
		return errRefused
	}
	return fmt.Errorf("cannot be asked: %w", err)
}
