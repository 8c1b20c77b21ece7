//go:build !race

package policy

const racing = false
