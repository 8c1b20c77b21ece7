//go:build race

package firewall

// The race detector makes everything ten times slower.
const racing = true
