// Package firewall decides whom the border listens to, before anything that they
// sent is parsed: trust is earned, lost, and put into the kernel.
package firewall
