package transport

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// watch looks at the files until Close.
func (c *Certificates) watch(every time.Duration) {
	defer close(c.done)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := c.changed(); err != nil && c.failed != nil {
				c.failed(err)
			}
		case <-c.stop:
			return
		}
	}
}

// changed reads the files if they look other than when they were last read.
// Certificate and key are replaced one after the other: that they do not fit
// is an error only once they have rested for the time between two looks.
func (c *Certificates) changed() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.look()
	if now == c.seen {
		return nil
	}
	set, err := readSet(c.files)
	switch {
	case err == nil:
		c.set.Store(set)
		c.seen, c.broken = now, ""
	case now != c.broken:
		c.broken = now
	default:
		c.seen, c.broken = now, ""
		return fmt.Errorf("%w; the certificates that were read before stay in use", err)
	}
	return nil
}

// look returns what can be seen of the files without reading them.
func (c *Certificates) look() string {
	var b strings.Builder
	for _, f := range c.files {
		for _, name := range []string{f.Certificate, f.Key} {
			info, err := os.Stat(name) // what a link leads to: ACME clients replace the link
			if err != nil {
				fmt.Fprintf(&b, "%v\n", err)
				continue
			}
			inode := uint64(0)
			if sys, ok := info.Sys().(*syscall.Stat_t); ok {
				inode = sys.Ino
			}
			fmt.Fprintf(&b, "%d %d %d %v\n", inode, info.Size(), info.ModTime().UnixNano(), info.Mode())
		}
	}
	return b.String()
}
