// Package netns builds small networks out of Linux network namespaces, for
// tests and for the demo: spaces joined by veth cables, processes that run in
// them, sockets opened in them by the calling process, and captures of every
// frame that passes an interface.
//
// Namespaces have no name: they are held open by a thread of this process and
// by nothing else, so that nothing can be left behind, whatever ends the
// process, and any number of tests can run side by side.
//
// It needs the right to create namespaces (CAP_SYS_ADMIN and CAP_NET_ADMIN);
// [Require] skips the tests of those who do not have it.
package netns
