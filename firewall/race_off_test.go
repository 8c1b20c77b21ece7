//go:build !race

package firewall

const racing = false
