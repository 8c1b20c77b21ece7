package telemetry

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"sbc/lab/netns"
)

var (
	pbx4  = netip.MustParseAddrPort("192.0.2.7:5070")
	here4 = netip.MustParseAddrPort("192.0.2.1:5060")
	itsp6 = netip.MustParseAddrPort("[2001:db8::7]:5061")
	here6 = netip.MustParseAddrPort("[2001:db8::1]:5060")
)

// somePackets are what a call between the families gives, with messages of
// even and odd length, one that is too long, and one without an octet.
func somePackets() []Packet {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	long := append([]byte(masked), bytes.Repeat([]byte("x"), 1<<16)...)
	return []Packet{
		{At: at, Src: pbx4, Dst: here4, Realm: "inside", Comment: "call k7f3qd, INVITE from peer pbx", Payload: []byte(masked)},
		{At: at.Add(time.Microsecond), Src: here6, Dst: itsp6, Realm: "outside", Comment: "call k7f3qd, INVITE to peer b\xffüro", Payload: []byte(masked + "x")},
		{At: at.Add(time.Second), Src: itsp6, Dst: here6, Realm: "later", Payload: long},
		{At: at.Add(time.Minute), Src: netip.MustParseAddrPort("[::ffff:192.0.2.7]:5070"), Dst: here4, Payload: nil},
	}
}

func writePackets(t *testing.T, w io.Writer, list []Packet) {
	t.Helper()
	p, err := NewPcap(w, []string{"inside", "outside"})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range list {
		if err := p.Write(k); err != nil {
			t.Fatal(err)
		}
	}
}

// What is written must be read by gopacket as it was meant: addresses, ports,
// times, interfaces, checksums and the message itself.
func TestPcapReadBack(t *testing.T) {
	var file bytes.Buffer
	list := somePackets()
	writePackets(t, &file, list)
	r, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(r.SectionInfo().Comment, "asterisks") {
		t.Errorf("the file does not say that secrets are masked: %q", r.SectionInfo().Comment)
	}
	for i, want := range list {
		data, info, err := r.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		if !info.Timestamp.Equal(want.At) {
			t.Errorf("packet %d: time %v, want %v", i, info.Timestamp, want.At)
		}
		intf, err := r.Interface(info.InterfaceIndex)
		if name := want.Realm; err != nil || intf.Name != name && name != "" || name == "" && info.InterfaceIndex != 0 {
			t.Errorf("packet %d: interface %q, want %q: %v", i, intf.Name, name, err)
		}
		checkPacket(t, i, data, want)
	}
	if _, _, err := r.ReadPacketData(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last packet: %v", err)
	}
}

func checkPacket(t *testing.T, i int, data []byte, want Packet) {
	t.Helper()
	first, src := gopacket.LayerType(layers.LayerTypeIPv6), want.Src.Addr().Unmap()
	if src.Is4() {
		first = layers.LayerTypeIPv4
	}
	p := gopacket.NewPacket(data, first, gopacket.Default)
	if e := p.ErrorLayer(); e != nil {
		t.Fatalf("packet %d: %v", i, e.Error())
	}
	udp, ok := p.TransportLayer().(*layers.UDP)
	if !ok {
		t.Fatalf("packet %d: no UDP: %v", i, p)
	}
	from, to := p.NetworkLayer().NetworkFlow().Endpoints()
	if from.String() != src.String() || to.String() != want.Dst.Addr().String() || uint16(udp.SrcPort) != want.Src.Port() || uint16(udp.DstPort) != want.Dst.Port() {
		t.Errorf("packet %d: from %v:%d to %v:%d, want %v %v", i, from, udp.SrcPort, to, udp.DstPort, want.Src, want.Dst)
	}
	payload := want.Payload[:min(len(want.Payload), PacketMax)]
	if !bytes.Equal(udp.Payload, payload) || int(udp.Length) != len(payload)+8 {
		t.Errorf("packet %d: a payload of %d octets (UDP says %d), want %d", i, len(udp.Payload), udp.Length, len(payload))
	}
	checkSums(t, i, p, udp)
}

// checkSums lets gopacket compute the checksums.
func checkSums(t *testing.T, i int, p gopacket.Packet, udp *layers.UDP) {
	t.Helper()
	net := p.NetworkLayer()
	again := gopacket.NewSerializeBuffer()
	sums := gopacket.SerializeOptions{ComputeChecksums: true}
	was := udp.Checksum
	if err := udp.SetNetworkLayerForChecksum(net); err != nil {
		t.Fatal(err)
	}
	if err := gopacket.SerializeLayers(again, sums, udp, gopacket.Payload(udp.Payload)); err != nil {
		t.Fatal(err)
	}
	if udp.Checksum != was {
		t.Errorf("packet %d: UDP checksum %04x, want %04x", i, was, udp.Checksum)
	}
	ip, ok := net.(*layers.IPv4)
	if !ok {
		return
	}
	was = ip.Checksum
	if err := gopacket.SerializeLayers(again, sums, ip); err != nil {
		t.Fatal(err)
	}
	if ip.Checksum != was {
		t.Errorf("packet %d: IPv4 checksum %04x, want %04x", i, was, ip.Checksum)
	}
}

// A UDP checksum of 0 means that there is none (RFC 768): it is sent as ffff.
func TestPacketChecksumIsNeverZero(t *testing.T) {
	for n := range 1 << 16 { // one of them sums up to 0
		b := appendPacket(nil, pbx4, here4, []byte{byte(n >> 8), byte(n)})
		if b[26] == 0 && b[27] == 0 {
			t.Fatalf("payload %04x: the checksum is 0", n)
		}
	}
}

func TestPcapWithoutAddresses(t *testing.T) {
	var file bytes.Buffer
	p, err := NewPcap(&file, nil)
	if err != nil {
		t.Fatal(err)
	}
	n := file.Len()
	for _, k := range []Packet{{}, {Src: pbx4}, {Src: pbx4, Dst: here6}} {
		if err := p.Write(k); !errors.Is(err, ErrAddress) {
			t.Errorf("%v to %v: %v", k.Src, k.Dst, err)
		}
	}
	if file.Len() != n {
		t.Error("something was written")
	}
}

// A brokenPipe takes so many blocks.
type brokenPipe struct{ left int }

func (b *brokenPipe) Write(p []byte) (int, error) {
	if b.left--; b.left < 0 {
		return 0, io.ErrClosedPipe
	}
	return len(p), nil
}

// Each packet is written when Write returns, and a reader that went away is an
// error.
func TestPcapTellsOfErrors(t *testing.T) {
	if _, err := NewPcap(&brokenPipe{}, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("header: %v", err)
	}
	p, err := NewPcap(&brokenPipe{left: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Write(somePackets()[0]); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("packet: %v", err)
	}
}

// Comments of every length keep the blocks aligned.
func TestPcapComments(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var list []Packet
	for n := range 60 {
		k := somePackets()[0]
		k.Comment, k.Payload = strings.Repeat("ü", n)+strings.Repeat("c", n%5), k.Payload[:r.IntN(40)]
		list = append(list, k)
	}
	list = append(list, Packet{Src: pbx4, Dst: here4, Comment: strings.Repeat("ü", 1<<15)})
	var file bytes.Buffer
	writePackets(t, &file, list)
	reader, err := pcapgo.NewNgReader(&file, pcapgo.NgReaderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, k := range list {
		data, _, err := reader.ReadPacketData()
		if err != nil {
			t.Fatalf("packet %d: %v", i, err)
		}
		checkPacket(t, i, data, k)
	}
}

// Wireshark reads the file, finds the SIP in it on ports other than 5060 too,
// and shows interface and comment.
func TestPcapWireshark(t *testing.T) {
	netns.Require(t, "tshark")
	file := filepath.Join(t.TempDir(), "calls.pcapng")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	writePackets(t, f, somePackets()[:3])
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-r", file, "-o", "udp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-T", "fields", "-E", "separator=|",
		"-e", "frame.interface_name", "-e", "frame.comment", "-e", "ip.src", "-e", "ipv6.dst", "-e", "sip.Method", "-e", "sip.Call-ID", "-e", "udp.checksum.status", "-e", "frame.time_epoch")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	const want = "inside|call k7f3qd, INVITE from peer pbx|192.0.2.7||INVITE|1:2@a.example|1|1772366400.123456789\n" +
		`outside|call k7f3qd, INVITE to peer b\xffüro||2001:db8::7|INVITE|1:2@a.example|1|1772366400.123457789` + "\n" +
		"later|(cut: it has 66195 octets)||2001:db8::1|INVITE|1:2@a.example|1|1772366401.123456789\n"
	if got := string(out); got != want {
		t.Errorf("tshark says\n%swant\n%s", got, want)
	}
}
