package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"
)

// A Store is an open file. Its methods may be called by any goroutine.
type Store struct {
	// Constant after Open.
	db     *bolt.DB
	secret [SecretBytes]byte
	queue  int
	every  time.Duration
	log    *slog.Logger
	wake   chan struct{} // holds one
	stop   chan struct{}
	done   chan struct{}

	// Atomic.
	written   atomic.Uint64
	coalesced atomic.Uint64
	dropped   atomic.Uint64
	failed    atomic.Uint64

	// Guarded by mu.
	mu      sync.Mutex
	waiting map[place][]byte // nil: delete
	writing int              // keys of the batch that the disk has not confirmed
	closed  bool
	lastErr error
}

// Stats are counters since Open, and what the writer met last.
type Stats struct {
	Waiting   int    // keys that the disk does not have yet
	Written   uint64 // keys written or deleted
	Coalesced uint64 // values that a newer one of the same key overtook
	Dropped   uint64 // values of new keys for which there was no room
	Failed    uint64 // batches that the disk refused; they are tried again
	Err       error  // of the last batch; nil: it was written
}

func newStore(db *bolt.DB, o Options) *Store {
	s := &Store{
		db: db, queue: o.Queue, every: o.Every, log: o.Log, waiting: map[place][]byte{},
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if s.queue <= 0 {
		s.queue = 1 << 16
	}
	if s.every <= 0 {
		s.every = 200 * time.Millisecond
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Secret returns the secret that the file was made with.
func (s *Store) Secret() [SecretBytes]byte { return s.secret }

// A kind is a table of the file: a bucket.
type kind uint8

const (
	bindings kind = iota
	bans
)

// A place is where a value is kept.
type place struct {
	in  kind
	key uint64
}

// A Table keeps values of one kind. Its methods may be called by any goroutine.
type Table struct {
	s  *Store
	in kind
}

// Bindings returns the table of registrations.
func (s *Store) Bindings() Table { return Table{s, bindings} }

// Bans returns the table of sources that are, or were, banned.
func (s *Store) Bans() Table { return Table{s, bans} }

// Save keeps value under key, some time soon. It never waits for the disk, and
// keeps no reference to value. Of values that are saved under one key before
// the disk is ready only the last is written.
func (t Table) Save(key uint64, value []byte) {
	t.s.put(place{t.in, key}, append(make([]byte, 0, len(value)), value...))
}

// Delete takes away what is kept under key, some time soon.
func (t Table) Delete(key uint64) { t.s.put(place{t.in, key}, nil) }

// Keep saves value under key, or deletes it where value is nil.
func (t Table) Keep(key uint64, value []byte) {
	if value == nil {
		t.Delete(key)
		return
	}
	t.Save(key, value)
}

func (s *Store) put(key place, value []byte) {
	s.mu.Lock()
	_, twice := s.waiting[key]
	full := len(s.waiting) >= s.queue && !twice
	if !full && !s.closed {
		s.waiting[key] = value
	}
	closed := s.closed
	s.mu.Unlock()
	switch {
	case full || closed:
		s.dropped.Add(1)
		return
	case twice:
		s.coalesced.Add(1)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Load calls each with all that is kept, by key. value is valid until each
// returns. What waits for the disk is not seen. An error of each ends it.
func (t Table) Load(each func(key uint64, value []byte) error) (err error) {
	defer faults()()
	defer guard(&err)
	return t.s.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(buckets[t.in]).ForEach(func(k, v []byte) error {
			if len(k) != 8 || v == nil {
				return nil // not ours
			}
			return each(binary.BigEndian.Uint64(k), v)
		})
	})
}

// Stats returns the counters.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Stats{
		Waiting: len(s.waiting) + s.writing, Written: s.written.Load(), Coalesced: s.coalesced.Load(),
		Dropped: s.dropped.Load(), Failed: s.failed.Load(), Err: s.lastErr,
	}
}

// Close writes what waits and closes the file. What is saved later is dropped.
func (s *Store) Close() error {
	s.mu.Lock()
	twice := s.closed
	s.closed = true
	s.mu.Unlock()
	if twice {
		return errors.New("store: closed twice")
	}
	close(s.stop)
	<-s.done
	s.mu.Lock()
	left, err := len(s.waiting), s.lastErr
	s.mu.Unlock()
	if closing := s.db.Close(); err == nil {
		err = closing
	}
	if left > 0 {
		return fmt.Errorf("store: %d registrations and bans could not be written: %w", left, err)
	}
	return err
}
