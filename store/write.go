package store

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Ours: what one transaction holds. Its pages stay in memory until it is
// written.
const batchMax = 4096

// Ours: after an error the disk is left alone for a time.
const againAfter = 5 * time.Second

// write is the writer: it waits for something to do, then a little longer for
// what comes with it, and writes.
func (s *Store) write() {
	defer close(s.done)
	defer faults()()
	timer := time.NewTimer(0)
	defer timer.Stop()
	pause := s.every
	for {
		select {
		case <-s.stop:
			s.flush()
			return
		case <-s.wake:
		}
		timer.Reset(pause)
		select {
		case <-s.stop:
			s.flush()
			return
		case <-timer.C:
		}
		if pause = s.every; !s.flush() {
			pause = againAfter
			select { // what could not be written waits
			case s.wake <- struct{}{}:
			default:
			}
		}
	}
}

// flush writes all that waits; false if the disk refused.
func (s *Store) flush() bool {
	for {
		batch := s.collect()
		if len(batch) == 0 {
			return true
		}
		err := s.commit(batch)
		s.mu.Lock()
		was := s.lastErr
		s.lastErr, s.writing = err, 0
		for i := range batch {
			if _, newer := s.waiting[batch[i].place]; err != nil && !newer {
				s.waiting[batch[i].place] = batch[i].value
			}
		}
		left := len(s.waiting)
		s.mu.Unlock()
		s.tell(was, err, left)
		if err != nil {
			s.failed.Add(1)
			return false
		}
		s.written.Add(uint64(len(batch)))
	}
}

// tell says that the disk refuses, once, and that it is over.
func (s *Store) tell(was, is error, left int) {
	path := s.db.Path()
	switch {
	case was == nil && is != nil:
		s.log.Error("the store cannot be written, it is tried again: a restart now would forget what waits",
			"err", is, "waiting", left, "store", path, "remedy", "is the disk full, or read-only?")
	case was != nil && is == nil:
		s.log.Info("the store is written again", "store", path)
	}
}

type change struct {
	place
	value []byte // nil: delete
}

// collect takes what waits, up to a batch, in the order of tables and keys: so
// neighbours stand on the same page.
func (s *Store) collect() []change {
	s.mu.Lock()
	defer s.mu.Unlock()
	batch := make([]change, 0, min(len(s.waiting), batchMax))
	for k, v := range s.waiting {
		if len(batch) == batchMax {
			break
		}
		batch = append(batch, change{k, v})
		delete(s.waiting, k)
	}
	s.writing = len(batch)
	slices.SortFunc(batch, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.in, b.in), cmp.Compare(a.key, b.key))
	})
	return batch
}

func (s *Store) commit(batch []change) (err error) {
	defer guard(&err)
	return s.db.Update(func(tx *bolt.Tx) error {
		keys := make([]byte, 0, 8*len(batch))
		for i := range batch {
			keys = binary.BigEndian.AppendUint64(keys, batch[i].key)
			key := keys[len(keys)-8:]
			var err error
			b := tx.Bucket(buckets[batch[i].in])
			if batch[i].value == nil {
				err = b.Delete(key)
			} else {
				err = b.Put(key, batch[i].value)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
