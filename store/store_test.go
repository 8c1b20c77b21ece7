package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if file := os.Getenv(childFile); file != "" {
		child(file)
		return
	}
	goleak.VerifyTestMain(m)
}

var quick = Options{Every: time.Millisecond, NoSync: true}

func mustOpen(t *testing.T, path string, o Options) *Store {
	t.Helper()
	s, aside, damage, err := Open(path, o)
	if err != nil || aside != "" || damage != nil {
		t.Fatalf("Open: aside %q, damage %v, error %v", aside, damage, err)
	}
	return s
}

func mustClose(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func content(t *testing.T, s *Store) map[uint64]string {
	t.Helper()
	all := map[uint64]string{}
	if err := s.Bindings().Load(func(k uint64, v []byte) error { all[k] = string(v); return nil }); err != nil {
		t.Fatal(err)
	}
	return all
}

// eventually waits for a condition.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not in 20 s: %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func TestKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sbc.db")
	s := mustOpen(t, path, quick)
	secret := s.Secret()
	value := []byte("one")
	s.Bindings().Save(1, value)
	copy(value, "XXX") // it is the caller's
	s.Bindings().Save(2, []byte("two"))
	s.Bindings().Save(3, nil)
	s.Bindings().Save(2, []byte("second"))
	s.Bindings().Delete(9)
	mustClose(t, s)

	s = mustOpen(t, path, quick)
	if got := fmt.Sprint(content(t, s)); got != "map[1:one 2:second 3:]" {
		t.Errorf("kept: %s", got)
	}
	if s.Secret() != secret || secret == [SecretBytes]byte{} {
		t.Error("the secret is another")
	}
	s.Bindings().Delete(1)
	eventually(t, "the deletion is on the disk", func() bool { return len(content(t, s)) == 2 })
	mustClose(t, s)
	if err := s.Close(); err == nil {
		t.Error("closed twice without a word")
	}
	if s.Bindings().Save(4, value); s.Stats().Dropped != 1 {
		t.Errorf("saved after Close: %+v", s.Stats())
	}
}

// The queue is bounded, and nobody waits for a disk that stands still.
func TestNeverWaits(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "sbc.db"), Options{Queue: 10, Every: time.Millisecond, NoSync: true})
	hold, err := s.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	s.Bindings().Save(1000, []byte("x"))
	eventually(t, "the writer is stuck with it", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.writing == 1
	})
	for k := range uint64(25) {
		s.Bindings().Save(k, []byte("old"))
	}
	for k := range uint64(10) {
		s.Bindings().Save(k, []byte("new"))
	}
	st := s.Stats()
	if st.Waiting != 11 || st.Dropped != 15 || st.Coalesced != 10 {
		t.Errorf("%+v", st)
	}
	if err := hold.Rollback(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all is written", func() bool { return s.Stats().Written == 11 })
	for k, v := range content(t, s) {
		if want := map[bool]string{true: "x", false: "new"}[k == 1000]; v != want {
			t.Errorf("%d: %q", k, v)
		}
	}
	mustClose(t, s)
}

// What the disk refuses is tried again, and a newer value is not overtaken.
func TestDiskRefuses(t *testing.T) {
	var log bytes.Buffer
	o := Options{Every: time.Hour, NoSync: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
	s := mustOpen(t, filepath.Join(t.TempDir(), "sbc.db"), o)
	if err := s.db.Update(func(tx *bolt.Tx) error { return tx.DeleteBucket(buckets[bindings]) }); err != nil {
		t.Fatal(err)
	}
	s.Bindings().Save(1, []byte("a"))
	for range 2 {
		if s.flush() {
			t.Fatal("written into nothing")
		}
	}
	if st := s.Stats(); st.Failed != 2 || st.Err == nil || st.Waiting != 1 {
		t.Errorf("%+v", st)
	}
	if err := s.db.Update(func(tx *bolt.Tx) error { _, err := tx.CreateBucket(buckets[bindings]); return err }); err != nil {
		t.Fatal(err)
	}
	if !s.flush() || content(t, s)[1] != "a" || s.Stats().Err != nil {
		t.Errorf("not written when the disk was back: %+v", s.Stats())
	}
	if said := log.String(); strings.Count(said, "\n") != 2 || !strings.Contains(said, "waiting=1") || !strings.Contains(said, "is written again") {
		t.Errorf("the log says:\n%s", said)
	}
	mustClose(t, s)
}

func TestSaveCopiesOnce(t *testing.T) {
	s := mustOpen(t, filepath.Join(t.TempDir(), "sbc.db"), Options{Every: time.Hour, NoSync: true})
	defer mustClose(t, s)
	value := bytes.Repeat([]byte{1}, 300)
	s.Bindings().Save(7, value)
	if n := testing.AllocsPerRun(100, func() { s.Bindings().Save(7, value) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestRefused(t *testing.T) {
	dir := t.TempDir()
	open := mustOpen(t, filepath.Join(dir, "open.db"), quick)
	defer mustClose(t, open)

	newer := mustOpen(t, filepath.Join(dir, "newer.db"), quick)
	err := newer.db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyVersion, binary.BigEndian.AppendUint32(nil, formatVersion+1))
	})
	if err != nil {
		t.Fatal(err)
	}
	mustClose(t, newer)

	for _, c := range []struct {
		path string
		is   error
		says string
	}{
		{filepath.Join(dir, "open.db"), ErrLocked, "another sbc"},
		{filepath.Join(dir, "newer.db"), ErrVersion, "version 2, and this is 1"},
		{filepath.Join(dir, "no", "sbc.db"), os.ErrNotExist, "the folder"},
		{dir, nil, "is a directory"},
	} {
		s, aside, damage, err := Open(c.path, quick)
		if s != nil || aside != "" || damage != nil || err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: aside %q, damage %v, error %v", c.path, aside, damage, err)
		}
	}
}

func TestPermission(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Create(filepath.Join(dir, "try")); err == nil {
		_ = f.Close()
		// Whoever runs the test may write anywhere.
		if err := explain("sbc.db", os.ErrPermission); !strings.Contains(err.Error(), "may not write it") {
			t.Errorf("%v", err)
		}
		return
	}
	if _, _, _, err := Open(filepath.Join(dir, "sbc.db"), quick); err == nil || !strings.Contains(err.Error(), "may not write it") {
		t.Errorf("%v", err)
	}
}
