//go:build race

package policy

// The race detector makes pools forget what was put into them.
const racing = true
