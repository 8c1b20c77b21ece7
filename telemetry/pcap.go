package telemetry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"
)

// A Packet is one message as a Pcap shows it.
type Packet struct {
	At       time.Time
	Src, Dst netip.AddrPort // of one family
	Realm    string         // the interface: "" is the first one
	Comment  string
	Payload  []byte // cut at PacketMax
}

// ErrAddress is the error of a Packet without two addresses of one family.
var ErrAddress = errors.New("no packet without two addresses of one family")

// A Pcap writes messages as a pcapng file that Wireshark opens, each at its
// time and as a UDP datagram of its own between the two addresses, whatever
// brought it. Each realm is an interface. Every packet is written whole when
// Write returns, so that a pipe into Wireshark shows it at once.
type Pcap struct {
	out    io.Writer
	file   *pcapgo.NgWriter
	block  bytes.Buffer // what file has written and out has not
	realms []string     // by interface
	packet []byte
}

// pcapNote is what whoever opens the file has to know.
const pcapNote = "SIP messages as the border had them. The IP and UDP headers are made up around them, also of messages that came over TCP; " +
	"credentials, passwords and media keys are overwritten with asterisks."

// NewPcap begins a file with an interface for each realm and writes its
// header. Realms that are not named get theirs when their first packet comes.
func NewPcap(w io.Writer, realms []string) (*Pcap, error) {
	if len(realms) == 0 {
		realms = []string{"sbc"}
	}
	p := &Pcap{out: w}
	o := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{
		Hardware: runtime.GOARCH, OS: runtime.GOOS, Application: "sbc", Comment: pcapNote,
	}}
	var err error
	p.file, err = pcapgo.NewNgWriterInterface(&p.block, pcapInterface(realms[0]), o)
	if err != nil {
		return nil, fmt.Errorf("write pcap: %w", err)
	}
	p.realms = append(p.realms, realms[0])
	for _, r := range realms[1:] {
		if _, err := p.iface(r); err != nil {
			return nil, err
		}
	}
	return p, p.flush()
}

// pcapInterface describes the interface of a realm: packets begin with their
// IP header.
func pcapInterface(realm string) pcapgo.NgInterface {
	return pcapgo.NgInterface{Name: Escape(realm), Description: "realm " + Escape(realm), LinkType: layers.LinkTypeRaw, SnapLength: ipMax}
}

// iface returns the index of a realm's interface and begins one for a realm
// that has none.
func (p *Pcap) iface(realm string) (int, error) {
	if i := slices.Index(p.realms, realm); i >= 0 || realm == "" {
		return max(i, 0), nil
	}
	i, err := p.file.AddInterface(pcapInterface(realm))
	if err != nil {
		return 0, fmt.Errorf("write pcap: %w", err)
	}
	p.realms = append(p.realms, realm)
	return i, nil
}

// Write appends a packet. ErrAddress says that nothing was written because k
// has no addresses; any other error that the file is broken.
func (p *Pcap) Write(k Packet) error {
	src, dst := plain(k.Src), plain(k.Dst)
	if !src.IsValid() || !dst.IsValid() || src.Addr().Is4() != dst.Addr().Is4() {
		return ErrAddress
	}
	comment := k.Comment
	if len(k.Payload) > PacketMax {
		comment = strings.TrimSpace(fmt.Sprintf("%s (cut: it has %d octets)", comment, len(k.Payload)))
		k.Payload = k.Payload[:PacketMax]
	}
	i, err := p.iface(k.Realm)
	if err != nil {
		return err
	}
	if err := p.flush(); err != nil {
		return err
	}
	p.packet = appendPacket(p.packet[:0], src, dst, k.Payload)
	info := gopacket.CaptureInfo{Timestamp: k.At, CaptureLength: len(p.packet), Length: len(p.packet), InterfaceIndex: i}
	if err := errors.Join(p.file.WritePacket(info, p.packet), p.file.Flush()); err != nil {
		return fmt.Errorf("write pcap: %w", err)
	}
	p.comment(comment)
	return p.flush()
}

// plain is a without what a packet has no room for.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Ours: a line that is read. The length of an option has 16 bits.
const commentMax = 1 << 10

// comment gives the packet whose block was written last an opt_comment, which
// pcapgo has no way to ask for: options follow the packet's data, and the
// block's length stands before and after all.
func (p *Pcap) comment(text string) {
	text = Escape(text)
	text = strings.ToValidUTF8(text[:min(len(text), commentMax)], "")
	if text == "" {
		return
	}
	const trailer, optComment = 4, 1
	p.block.Truncate(p.block.Len() - trailer)
	b := p.block.AvailableBuffer()
	b = binary.LittleEndian.AppendUint16(b, optComment)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	b = append(b, text...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	b = append(b, 0, 0, 0, 0) // opt_endofopt
	length := uint32(p.block.Len() + len(b) + trailer)
	b = binary.LittleEndian.AppendUint32(b, length)
	p.block.Write(b)
	binary.LittleEndian.PutUint32(p.block.Bytes()[4:], length)
}

// flush hands what was written to the file's writer.
func (p *Pcap) flush() error {
	err := p.file.Flush()
	if err == nil && p.block.Len() > 0 {
		_, err = p.out.Write(p.block.Bytes())
	}
	p.block.Reset()
	if err != nil {
		return fmt.Errorf("write pcap: %w", err)
	}
	return nil
}
