package store

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// made returns the octets of a file with so many values.
func made(t *testing.T, values int) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sbc.db")
	s := mustOpen(t, path, quick)
	for k := range uint64(values) {
		s.Bindings().Save(k, bytes.Repeat([]byte{byte(k)}, 200))
	}
	mustClose(t, s)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A damaged file is moved aside, or what can be read of it is; in no case does
// the process end or refuse to serve.
func TestDamaged(t *testing.T) {
	good := made(t, 500)
	rng := rand.New(rand.NewPCG(1, 2))
	aside := 0
	try := func(name string, data []byte) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "sbc.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, moved, damage, err := Open(path, quick)
		if err != nil {
			t.Errorf("%s: refused: %v", name, err)
			return
		}
		if (moved == "") != (damage == nil) {
			t.Errorf("%s: aside %q, damage %v", name, moved, damage)
		}
		if moved != "" {
			aside++
			if kept, err := os.ReadFile(moved); err != nil || !bytes.Equal(kept, data) {
				t.Errorf("%s: what was moved aside is not the file: %v", name, err)
			}
		}
		s.Bindings().Save(12345, []byte("x"))
		mustClose(t, s)
		s = mustOpen(t, path, quick)
		if content(t, s)[12345] != "x" {
			t.Errorf("%s: does not serve", name)
		}
		mustClose(t, s)
	}
	try("not a database", []byte(strings.Repeat("this is a letter. ", 4000)))
	try("zeros", make([]byte, len(good)))
	page := os.Getpagesize()
	for _, n := range []int{1, page - 1, page, 3 * page, 4 * page, 5*page + 1, len(good) / 2, len(good) - page} {
		try(fmt.Sprintf("cut after %d octets", n), good[:n])
	}
	if aside < 6 {
		t.Errorf("only %d of the truncated files were moved aside", aside)
	}
	for i := range 60 {
		bad := bytes.Clone(good)
		at := rng.IntN(len(bad)/page) * page
		switch i % 3 {
		case 0: // the header of a page
			bad[at+rng.IntN(16)] ^= byte(1 + rng.IntN(255))
		case 1: // anything on it
			bad[at+rng.IntN(page)] ^= byte(1 + rng.IntN(255))
		case 2: // a page that the disk lost
			clear(bad[at : at+page])
		}
		try(fmt.Sprintf("damage %d at %d", i, at), bad)
	}
}

const childFile = "STORE_TEST_CHILD"

// child writes until it is killed, and says what must be kept.
func child(path string) {
	s, _, _, err := Open(path, Options{Every: time.Millisecond})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	for n := uint64(1); ; n++ {
		// All of 50 keys have the same number, or the next.
		for k := range uint64(50) {
			s.Bindings().Save(k, []byte(strconv.FormatUint(n, 10)))
		}
		for s.Stats().Waiting > 0 || s.Stats().Written < 50*n {
			time.Sleep(100 * time.Microsecond)
		}
		fmt.Println("kept", n)
	}
}

// A process that is killed while it writes loses nothing that it had written.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sbc.db")
	last := uint64(0)
	for round := range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childFile+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kept := uint64(0)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			n, err := strconv.ParseUint(strings.TrimPrefix(lines.Text(), "kept "), 10, 64)
			if err != nil {
				t.Fatalf("child: %s", lines.Text())
			}
			if kept = n; kept == uint64(5+7*round) {
				_ = cmd.Process.Kill() // SIGKILL; what it says until then counts
			}
		}
		_ = cmd.Wait()
		s := mustOpen(t, path, quick)
		all := content(t, s)
		if len(all) != 50 {
			t.Fatalf("round %d: %d keys", round, len(all))
		}
		for k, v := range all {
			if n, err := strconv.ParseUint(v, 10, 64); err != nil || n < kept {
				t.Errorf("round %d: key %d is %q, and %d was kept", round, k, v, kept)
			}
		}
		mustClose(t, s)
		last = kept
	}
	if last < 5 {
		t.Error("nothing was written")
	}
}
