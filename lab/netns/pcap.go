package netns

import (
	"bufio"
	"encoding/binary"
	"io"
)

// The classic pcap format with times in nanoseconds, as tcpdump and Wireshark
// read it (draft-ietf-opsawg-pcap).
const (
	pcapMagic    = 0xa1b23c4d
	pcapEthernet = 1
	pcapSnap     = 1 << 16
)

// WritePcap writes what was recorded so far as a pcap file.
func (c *Capture) WritePcap(w io.Writer) error {
	out := bufio.NewWriter(w)
	head := binary.LittleEndian.AppendUint32(nil, pcapMagic)
	head = binary.LittleEndian.AppendUint16(head, 2)
	head = binary.LittleEndian.AppendUint16(head, 4)
	head = append(head, make([]byte, 8)...)
	head = binary.LittleEndian.AppendUint32(head, pcapSnap)
	head = binary.LittleEndian.AppendUint32(head, pcapEthernet)
	out.Write(head)
	for _, f := range c.Frames() {
		at, n := c.start.Add(f.At), uint32(len(f.Bytes))
		record := binary.LittleEndian.AppendUint32(head[:0], uint32(at.Unix()))
		record = binary.LittleEndian.AppendUint32(record, uint32(at.Nanosecond()))
		record = binary.LittleEndian.AppendUint32(record, n)
		record = binary.LittleEndian.AppendUint32(record, n)
		out.Write(record)
		out.Write(f.Bytes)
	}
	return out.Flush()
}
