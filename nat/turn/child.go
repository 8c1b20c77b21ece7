package turn

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"
)

// A report is what the process that serves tells its parent, one line of JSON
// each second. The first says that it serves.
type report struct {
	Counts Counts `json:"counts"`
}

// Ours: an operator who looks sees what was a second ago.
const reportEach = time.Second

// Serve is the process that serves: it reads Options as JSON from in, opens
// all sockets, gives up the rights of root if it has them, and writes a report
// to out each second. It returns nil when ctx ends or in does: the parent is
// gone, or wants it to end.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var o Options
	d := json.NewDecoder(in)
	if err := d.Decode(&o); err != nil {
		return fmt.Errorf("read options: %w", err)
	}
	s, err := Open(o)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := dropRoot(); err != nil {
		return fmt.Errorf("give up root: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		io.Copy(io.Discard, in)
		cancel(io.EOF)
	}()
	return s.tell(ctx, out)
}

// tell reports until ctx ends or the service has failed.
func (s *Server) tell(ctx context.Context, out io.Writer) error {
	t := time.NewTicker(reportEach)
	defer t.Stop()
	e := json.NewEncoder(out)
	for n := 0; ; n++ {
		if err := e.Encode(report{s.Counts()}); err != nil {
			return fmt.Errorf("report: %w", err)
		}
		if n%lookAgain == 0 {
			s.peers.look()
		}
		select {
		case <-ctx.Done():
			return nil
		case err := <-s.failed:
			return fmt.Errorf("a socket has failed: %w", err)
		case <-t.C:
		}
	}
}

// Ours: reports between two looks at the addresses of this machine. For so
// long a new one is a peer like any other.
const lookAgain = 10

// nobody is the user and the group that no file belongs to.
const nobody = 65534

// dropRoot makes the process nobody's. Relay ports are such that need no
// privilege.
func dropRoot() error {
	if os.Geteuid() != 0 {
		return nil
	}
	if err := syscall.Setgroups(nil); err != nil {
		return err
	}
	if err := syscall.Setgid(nobody); err != nil {
		return err
	}
	return syscall.Setuid(nobody)
}
