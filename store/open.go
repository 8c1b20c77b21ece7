package store

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// formatVersion is the version of the buckets and keys of the file.
const formatVersion = 1

var (
	bucketMeta = []byte("meta")
	buckets    = [...][]byte{bindings: []byte("registrations"), bans: []byte("bans")}
	keyVersion = []byte("version")
	keySecret  = []byte("secret")
)

// SecretBytes is the length of the secret.
const SecretBytes = 32

// Ours: how long Open waits for a lock. An sbc that is being replaced needs a
// moment to close its file.
const lockTimeout = 3 * time.Second

// Errors of Open, for the operator.
var (
	// ErrLocked: another process has the file open.
	ErrLocked = errors.New("another sbc is running with it")
	// ErrVersion: the file was written by a program of another version.
	ErrVersion = errors.New("it has a format that this sbc does not know")
)

// Options say how a Store is kept. The zero Options are ready.
type Options struct {
	// Queue is how many different keys may wait for the disk; 0: 65536.
	Queue int
	// Every is how long the writer collects before it writes; 0: 200 ms.
	Every time.Duration
	// Log is told when the disk begins to refuse what is written, and when it is
	// over; nil: nobody is.
	Log *slog.Logger
	// NoSync leaves it to the kernel when the disk is written: for tests.
	NoSync bool
}

// Open opens the file at path, or makes it, and starts the writer. A file that
// is damaged is moved aside and a new one made: calls are more than what the
// last process knew. aside is then the new name of the damaged one, and damage
// says what is wrong with it; the operator must hear of both.
func Open(path string, o Options) (s *Store, aside string, damage error, err error) {
	s, err = open(path, o)
	if err == nil || !damaged(err) {
		return s, "", nil, explain(path, err)
	}
	damage = err
	aside = fmt.Sprintf("%s.damaged-%s", path, time.Now().UTC().Format("20060102T150405.000"))
	if err := os.Rename(path, aside); err != nil {
		return nil, "", damage, fmt.Errorf("store %q is damaged (%w) and cannot be moved aside: %w", path, damage, err)
	}
	s, err = open(path, o)
	return s, aside, damage, explain(path, err)
}

// explain makes of an error one that the operator can act on.
func explain(path string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("store %q: %w", path, ErrLocked)
	case errors.Is(err, bolterrors.ErrVersionMismatch):
		return fmt.Errorf("store %q: %w: %w", path, ErrVersion, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("store %q: user %d may not write it or its folder: %w", path, os.Geteuid(), err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("store %q: the folder %q does not exist: %w", path, filepath.Dir(path), err)
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("store %q: its disk is full or read-only: %w", path, err)
	}
	return fmt.Errorf("store %q: %w", path, err)
}

// errDamaged is what open says of a file whose contents cannot be right.
var errDamaged = errors.New("damaged")

func damaged(err error) bool {
	return errors.Is(err, errDamaged) || errors.Is(err, bolterrors.ErrInvalid) ||
		errors.Is(err, bolterrors.ErrChecksum)
}

func open(path string, o Options) (s *Store, err error) {
	db, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	s = newStore(db, o)
	if err := s.prepare(); err != nil {
		_ = db.Close()
		return nil, err
	}
	go s.write()
	return s, nil
}

// openFile opens the file, after all that it holds has been written anew.
func openFile(path string, o Options) (db *bolt.DB, err error) {
	defer guard(&err)
	defer faults()()
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Size() > 0 {
		if info.Size() < 4*int64(os.Getpagesize()) {
			return nil, fmt.Errorf("%w: it is cut off after %d octets", errDamaged, info.Size())
		}
		if err := rewrite(path, o); err != nil {
			return nil, err
		}
	}
	return bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, NoSync: o.NoSync, FreelistType: bolt.FreelistMapType})
}

// rewrite puts a copy of what can be read from the file in its place. Every page
// in use is read for it, so damage is found now; and damage that reading does
// not find, in the list of free pages, is left behind before it does harm.
func rewrite(path string, o Options) error {
	var file *os.File
	src, err := bolt.Open(path, 0o600, &bolt.Options{Timeout: lockTimeout, FreelistType: bolt.FreelistMapType,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			f, err := os.OpenFile(name, flag, mode)
			file = f
			return f, err
		}})
	if err != nil {
		return err
	}
	defer src.Close()
	// Who waited for the lock of a file may have got that of its predecessor.
	if mine, err := file.Stat(); err != nil {
		return err
	} else if now, err := os.Stat(path); err != nil || !os.SameFile(mine, now) {
		return bolterrors.ErrTimeout
	}
	if err := src.View(known); err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	dst, err := bolt.Open(fresh, 0o600, &bolt.Options{Timeout: lockTimeout, NoSync: o.NoSync})
	if err != nil {
		return err
	}
	err = src.View(func(from *bolt.Tx) error {
		return dst.Update(func(to *bolt.Tx) error { return copyAll(to, from) })
	})
	if closing := dst.Close(); err == nil {
		err = closing
	}
	if err != nil {
		_ = os.Remove(fresh)
		return err
	}
	return os.Rename(fresh, path)
}

// known refuses a file of another version.
func known(tx *bolt.Tx) error {
	meta := tx.Bucket(bucketMeta)
	if meta == nil {
		return nil // it is new
	}
	if v := meta.Get(keyVersion); len(v) == 4 && binary.BigEndian.Uint32(v) != formatVersion {
		return fmt.Errorf("%w: version %d, and this is %d", ErrVersion, binary.BigEndian.Uint32(v), formatVersion)
	}
	return nil
}

// copyAll copies the values of all buckets.
func copyAll(to, from *bolt.Tx) error {
	return from.ForEach(func(name []byte, b *bolt.Bucket) error {
		bucket, err := to.CreateBucket(name)
		if err != nil {
			return fmt.Errorf("%w: bucket %q: %w", errDamaged, name, err)
		}
		var last []byte
		return b.ForEach(func(k, v []byte) error {
			if len(k) == 0 || last != nil && bytes.Compare(last, k) >= 0 {
				return fmt.Errorf("%w: keys of %q out of order", errDamaged, name)
			}
			last = k
			if v == nil {
				return nil // a bucket, which is not ours
			}
			if err := bucket.Put(k, v); err != nil {
				return fmt.Errorf("%w: %w", errDamaged, err)
			}
			return nil
		})
	})
}

// faults lets reading what a truncated file lacks be a panic of this goroutine,
// and returns what makes it fatal again.
func faults() func() {
	old := debug.SetPanicOnFault(true)
	return func() { debug.SetPanicOnFault(old) }
}

// guard makes an error of a panic or a fault that reading a damaged file
// caused.
func guard(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", errDamaged, p)
	}
}

// prepare looks at the version, and writes it and the secret into a new file.
func (s *Store) prepare() error {
	return s.db.Update(func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(bucketMeta)
		if err != nil {
			return err
		}
		for _, name := range buckets {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		switch v := meta.Get(keyVersion); {
		case v == nil:
			if err := meta.Put(keyVersion, binary.BigEndian.AppendUint32(nil, formatVersion)); err != nil {
				return err
			}
		case len(v) != 4:
			return fmt.Errorf("%w: no version", errDamaged)
		}
		secret := meta.Get(keySecret)
		if secret == nil {
			secret = make([]byte, SecretBytes)
			rand.Read(secret)
			if err := meta.Put(keySecret, secret); err != nil {
				return err
			}
		}
		if len(secret) != SecretBytes {
			return fmt.Errorf("%w: no secret", errDamaged)
		}
		copy(s.secret[:], secret)
		return nil
	})
}
