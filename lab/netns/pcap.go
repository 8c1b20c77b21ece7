package netns

import (
	"bufio"
	"fmt"
	"io"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// pcapSnap is more than any frame has.
const pcapSnap = 1 << 16

// WritePcap writes what was recorded so far as a pcap file with times in
// nanoseconds.
func (c *Capture) WritePcap(w io.Writer) error {
	out := bufio.NewWriter(w)
	file := pcapgo.NewWriterNanos(out)
	if err := file.WriteFileHeader(pcapSnap, layers.LinkTypeEthernet); err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	for _, f := range c.Frames() {
		n := len(f.Bytes)
		info := gopacket.CaptureInfo{Timestamp: c.start.Add(f.At), CaptureLength: n, Length: n}
		if err := file.WritePacket(info, f.Bytes); err != nil {
			return fmt.Errorf("write capture: %w", err)
		}
	}
	return out.Flush()
}
