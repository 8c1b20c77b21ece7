package transport

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Ours:
const (
	// DatagramMax is the longest datagram, in octets, that a batch takes:
	// longer ones do not exist, since UDP counts its length in 16 bits.
	DatagramMax = 1 << 16

	// 1088 = 17 cache lines: slots that are a power of two apart would all
	// begin in the same set of the processor's caches.
	slotOctets = DatagramMax + 1088

	// 32: eight messages a call give nearly all of what batching gives.
	batchDefault = 32
)

// A Packet is one datagram that came in.
type Packet struct {
	Bytes []byte // a view into the batch; may be empty
	Src   netip.AddrPort
}

// A Batch is the memory that ReadBatch reads into. It belongs to one reader;
// Packets and their Bytes are good until that reader's next ReadBatch: copy
// what must live longer.
//
// Each slot has room for the longest datagram there is, so nothing is ever
// cut. That costs address space, not memory: pages that no datagram reached
// are not there, and SIP messages rarely reach the second one.
type Batch struct {
	Packets []Packet // what the last ReadBatch read

	memory  []byte
	packets []Packet
	msgs    []mmsghdr
	iovecs  []unix.Iovec
	names   []sockaddr

	receive func(fd uintptr) bool // b.recvmmsg, bound once
	n       int
	errno   unix.Errno
}

// NewBatch makes a batch that takes up to size datagrams at once; 0: 32.
func NewBatch(size int) *Batch {
	if size <= 0 {
		size = batchDefault
	}
	b := &Batch{
		memory:  make([]byte, size*slotOctets),
		packets: make([]Packet, size),
		msgs:    make([]mmsghdr, size),
		iovecs:  make([]unix.Iovec, size),
		names:   make([]sockaddr, size),
	}
	for i := range b.msgs {
		b.iovecs[i].Base = &b.memory[i*slotOctets]
		b.iovecs[i].SetLen(DatagramMax)
		h := &b.msgs[i].hdr
		h.Name = &b.names[i][0]
		h.Iov = &b.iovecs[i]
		h.SetIovlen(1)
	}
	b.receive = b.recvmmsg
	return b
}

// ReadBatch waits for datagrams and reads as many as are there and fit into b.
// It returns at least one, or an error: net.ErrClosed after Close, otherwise
// one of the kernel that may pass, so that a caller waits a moment and reads
// again.
func (u *UDP) ReadBatch(b *Batch) (int, error) {
	b.Packets = nil
	for {
		if err := u.raw.Read(b.receive); err != nil {
			return 0, u.readError(err)
		}
		if b.errno != 0 {
			return 0, u.readError(b.errno)
		}
		cut := b.collect()
		u.in.Add(uint64(len(b.Packets)))
		if cut > 0 {
			u.cut.Add(uint64(cut))
		}
		if len(b.Packets) > 0 {
			return len(b.Packets), nil
		}
	}
}

func (u *UDP) readError(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return net.ErrClosed
	}
	return fmt.Errorf("realm %q: read from udp %v: %w", u.realm, u.local, err)
}

// recvmmsg is called by the netpoller's loop; false: wait until readable.
func (b *Batch) recvmmsg(fd uintptr) bool {
	for i := range b.msgs {
		b.msgs[i].hdr.Namelen = uint32(len(b.names[i]))
	}
	for {
		b.n, b.errno = mmsg(unix.SYS_RECVMMSG, fd, b.msgs)
		switch b.errno {
		case unix.EINTR:
		case unix.EAGAIN:
			b.errno = 0
			return false
		default:
			return true
		}
	}
}

// collect makes Packets of what the kernel wrote and returns how many
// datagrams it left out because they were cut.
func (b *Batch) collect() (cut int) {
	b.Packets = b.packets[:0]
	for i := range b.msgs[:b.n] {
		m := &b.msgs[i]
		if m.hdr.Flags&unix.MSG_TRUNC != 0 {
			cut++
			continue
		}
		at := i * slotOctets
		end := at + int(m.len)
		b.Packets = append(b.Packets, Packet{Bytes: b.memory[at:end:end], Src: b.names[i].addrPort()})
	}
	return cut
}
