// Package store keeps what must outlive the process: the secret under which
// tokens are made, the registrations, and the bans.
//
// It is a file of go.etcd.io/bbolt, which a kill in the middle of a write leaves
// as it was before. One goroutine writes, in batches; who saves never waits for
// the disk. What is saved is a value of octets under a number of eight octets:
// what they mean is their owner's business.
package store
