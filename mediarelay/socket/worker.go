package socket

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"sbc/mediarelay"
)

// eventsMax is how many ready sockets a worker asks for at once. Ours: enough
// to spread the cost of epoll_wait, and few enough to look for the end.
const eventsMax = 64

// wakeIndex is the index of the eventfd that ends a worker; no port has it.
const wakeIndex = -1

// A worker waits for the sockets of its streams and relays what comes.
type worker struct {
	// Constant after open.
	e    *Engine
	epfd int

	// Owned by the worker.
	events [eventsMax]unix.EpollEvent
	d      *datagram
}

func newWorker(e *Engine) (*worker, error) {
	epfd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("start media worker: %w", err)
	}
	w := &worker{e: e, epfd: epfd, d: new(datagram)}
	if err := w.watch(e.wake, wakeIndex); err != nil {
		_ = unix.Close(epfd)
		return nil, err
	}
	return w, nil
}

// watch adds fd to what the worker waits for.
func (w *worker) watch(fd int, index int32) error {
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: index}
	if err := w.e.kernel.epollAdd(w.epfd, fd, &ev); err != nil {
		return fmt.Errorf("watch media socket: %w", err)
	}
	return nil
}

// run relays until the engine closes.
func (w *worker) run() {
	for {
		n, err := unix.EpollWait(w.epfd, w.events[:], -1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			// Only a wrong descriptor or pointer of ours ends here.
			panic(fmt.Sprintf("media worker: epoll_wait: %v", err))
		}
		for i := range max(0, n) {
			index := w.events[i].Fd
			if index == wakeIndex {
				return
			}
			w.serve(index)
		}
	}
}

// serve relays one datagram of the port at index. One is enough: epoll is
// level triggered, a port that has more comes again after the others, and the
// recvfrom that finds nothing is saved.
//
// The event may be stale, and the port closed by now, or even open for the
// next stream. Neither does harm: the socket is taken from the stream that
// holds the port, under its lock.
func (w *worker) serve(index int32) {
	p := w.e.ports[index].Load()
	if p == nil {
		return
	}
	// Whoever holds the lock closes the stream, or opens a port of it and lets
	// go at once: nothing to wait for, epoll tells again.
	if !p.stream.mu.TryLock() {
		return
	}
	if !p.stream.closed {
		w.relay(p)
	}
	p.stream.mu.Unlock()
}

func (w *worker) relay(p *port) {
	b, src, errno := w.d.receive(p.fd)
	if errno != 0 {
		return
	}
	s := p.stream
	v := s.session.Receive(p.side, p.component, src, b, w.d.scratch[:], w.e.now())
	if v.Cause != mediarelay.Pass {
		return
	}
	out := s.ports[p.side.Other()][v.Via].fd
	s.session.Sent(p.side, w.d.send(out, v.To, v.Bytes))
}
