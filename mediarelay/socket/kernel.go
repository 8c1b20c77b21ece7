package socket

import "golang.org/x/sys/unix"

// kernel are the system calls that opening and closing a stream need, so that
// a test can make each of them fail.
type kernel struct {
	socket     func(domain, kind, proto int) (fd int, err error)
	setsockopt func(fd, level, option, value int) error
	bind       func(fd int, addr unix.Sockaddr) error
	epollAdd   func(epfd, fd int, ev *unix.EpollEvent) error
	close      func(fd int) error
}

var linux = kernel{
	socket:     unix.Socket,
	setsockopt: unix.SetsockoptInt,
	bind:       unix.Bind,
	epollAdd: func(epfd, fd int, ev *unix.EpollEvent) error {
		return unix.EpollCtl(epfd, unix.EPOLL_CTL_ADD, fd, ev)
	},
	close: unix.Close,
}
