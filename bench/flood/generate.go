package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A flood is what the generator is told to send.
type flood struct {
	Interface string
	MAC       string // of who gets the frames
	To        netip.AddrPort
	Sources   int // forged addresses, in turn
	Rate      int // packets a second
	Length    time.Duration
	Tool      tool
}

// sent is what the generator says that it did.
type sent struct {
	Packets uint64
	Took    time.Duration
	CPU     time.Duration // with what the kernel does for each packet until somebody has to be woken
	Failed  uint64        // that the interface did not take
}

func (s sent) rate() float64 { return float64(s.Packets) / s.Took.Seconds() }

// Ours:
const (
	batch = 64                     // frames of a system call
	pause = 200 * time.Microsecond // between batches: 20 packets at 100,000 a second
	// A generator that had no processor for a while does not make up for it:
	// that would be a burst which nobody asked for.
	lateMost = 10 * time.Millisecond
)

// forged is the first of the forged addresses.
var forged = netip.MustParseAddr("20.0.1.0").As4()

// generate runs in a process of its own, so that what it uses is told apart.
func generate(spec string, out io.Writer) error {
	var f flood
	if err := json.Unmarshal([]byte(spec), &f); err != nil {
		return fmt.Errorf("what to send: %w", err)
	}
	mac, err := net.ParseMAC(f.MAC)
	if err != nil {
		return err
	}
	fd, err := rawSocket(f.Interface)
	if err != nil {
		return fmt.Errorf("raw socket on %s: %w (needs root)", f.Interface, err)
	}
	defer unix.Close(fd)
	g := newGenerator(fd, f, mac)
	s, err := g.run(f)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(s)
}

func rawSocket(name string) (int, error) {
	on, err := net.InterfaceByName(name)
	if err != nil {
		return -1, err
	}
	// Protocol 0: it sends and hears nothing.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	err = unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_QDISC_BYPASS, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: on.Index})
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// mmsghdr is struct mmsghdr of sendmmsg(2).
type mmsghdr struct {
	hdr unix.Msghdr
	len uint32
	_   [4]byte
}

type generator struct {
	fd     int
	frames [batch]*frame
	iovecs [batch]unix.Iovec
	msgs   [batch]mmsghdr
	n      uint64 // packets so far
	source uint32
}

func newGenerator(fd int, f flood, mac net.HardwareAddr) *generator {
	g := &generator{fd: fd}
	for i := range g.frames {
		g.frames[i] = newFrame(payload(i, f.Tool, f.To), mac, f.To)
		g.iovecs[i].Base = unsafe.SliceData(g.frames[i].bytes)
		g.iovecs[i].SetLen(len(g.frames[i].bytes))
		g.msgs[i].hdr.Iov = &g.iovecs[i]
		g.msgs[i].hdr.SetIovlen(1)
	}
	return g
}

func (g *generator) run(f flood) (s sent, err error) {
	runtime.LockOSThread()
	used, err := ownCPU()
	if err != nil {
		return s, err
	}
	began := time.Now()
	// Packets that are due and were given up count as sent here only.
	for due, given := uint64(0), uint64(0); ; {
		at := time.Since(began)
		if at >= f.Length {
			s.Took = at
			break
		}
		due = uint64(at.Seconds() * float64(f.Rate))
		given = max(given, due-min(due, uint64(lateMost.Seconds()*float64(f.Rate))))
		for given < due {
			n := int(min(due-given, batch))
			took, err := g.send(n, f.Sources)
			if err != nil {
				return s, err
			}
			given += uint64(n)
			s.Packets += uint64(took)
			s.Failed += uint64(n - took)
		}
		time.Sleep(pause)
	}
	now, err := ownCPU()
	s.CPU = now - used
	return s, err
}

// send sends the first n frames, and returns how many were taken.
func (g *generator) send(n, sources int) (int, error) {
	first := uint32(forged[0])<<24 | uint32(forged[1])<<16 | uint32(forged[2])<<8 | uint32(forged[3])
	for i := range n {
		g.frames[i].number(g.n, first+g.source)
		g.n++
		if g.source++; int(g.source) >= sources {
			g.source = 0
		}
	}
	took, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(g.fd), uintptr(unsafe.Pointer(&g.msgs[0])), uintptr(n), 0, 0, 0)
	switch errno {
	case 0:
		return int(took), nil
	case unix.ENOBUFS, unix.EAGAIN, unix.EINTR:
		return 0, nil
	}
	return 0, fmt.Errorf("send: %w", errno)
}

func ownCPU() (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}
