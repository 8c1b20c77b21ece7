package netns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Ours: ten minutes of ten calls with G.711 fit, and a test that runs away
// does not take the machine with it.
const captureMax = 128 << 20

// captureBuffer is the kernel's queue before us, in octets: a busy machine
// may let us wait for a second.
const captureBuffer = 32 << 20

// A Capture keeps every frame that an interface sends or receives, until
// captureMax octets are kept.
type Capture struct {
	// Constant after NewCapture.
	file  *os.File
	raw   int
	start time.Time
	done  chan struct{} // closed when the reader has ended

	mu     sync.Mutex
	frames []Frame // Guarded by mu.
	octets int     // Guarded by mu.
	lost   int     // Guarded by mu. Frames that found no room here.
}

// Capture begins to record the frames of an interface of the namespace. The
// caller must Close it.
func (s *Space) Capture(name string) (*Capture, error) {
	c := &Capture{start: time.Now(), done: make(chan struct{})}
	err := s.Do(func() error { return c.open(name) })
	if err != nil {
		return nil, fmt.Errorf("capture on %s/%s: %w", s.name, name, err)
	}
	go c.read()
	return c, nil
}

// open makes the packet socket. packet(7): protocol 0 receives nothing until
// the socket is bound, so no frame of another interface gets in.
func (c *Capture) open(name string) error {
	link, err := net.InterfaceByName(name)
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBuffer); err != nil {
		unix.Close(fd)
		return err
	}
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: link.Index}); err != nil {
		unix.Close(fd)
		return err
	}
	c.raw, c.file = fd, os.NewFile(uintptr(fd), "capture "+name)
	return nil
}

func (c *Capture) read() {
	defer close(c.done)
	buf := make([]byte, 1<<16)
	for {
		n, err := c.file.Read(buf)
		if errors.Is(err, unix.ENETDOWN) {
			continue // the interface went down and may come back
		}
		if err != nil {
			return
		}
		c.keep(buf[:n])
	}
}

func (c *Capture) keep(b []byte) {
	f := Frame{At: time.Since(c.start), Bytes: append([]byte(nil), b...)}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.octets+len(b) > captureMax {
		c.lost++
		return
	}
	c.octets += len(b)
	c.frames = append(c.frames, f)
}

// Close ends the recording. What was recorded stays. Calling it again does
// nothing.
func (c *Capture) Close() {
	_ = c.file.Close()
	<-c.done
}

// Frames returns what was recorded so far, oldest first. The frames are not
// to be changed.
func (c *Capture) Frames() []Frame {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames[:len(c.frames):len(c.frames)]
}

// Datagrams returns the UDP datagrams among the frames recorded so far.
func (c *Capture) Datagrams() []Datagram {
	var ds []Datagram
	for _, f := range c.Frames() {
		if d, ok := f.UDP(); ok {
			ds = append(ds, d)
		}
	}
	return ds
}

// Lost returns the number of frames that are missing: those that the kernel
// dropped before we read them, and those that found no room. It must be asked
// before Close, and forgets the kernel's part.
func (c *Capture) Lost() (int, error) {
	stats, err := unix.GetsockoptTpacketStats(c.raw, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0, fmt.Errorf("read capture statistics: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost + int(stats.Drops), nil
}
