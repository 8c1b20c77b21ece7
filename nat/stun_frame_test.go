package nat_test

import (
	"bytes"
	"testing"

	"sbc/nat"
)

func channel(number uint16, data string, pad int) []byte {
	b := []byte{byte(number >> 8), byte(number), byte(len(data) >> 8), byte(len(data))}
	return append(append(b, data...), make([]byte, pad)...)
}

func TestSTUNDatagram(t *testing.T) {
	long := string(make([]byte, 1496))
	for _, c := range []struct {
		name string
		b    []byte
		want nat.STUNCause
	}{
		{"a message", stun(bindingRequest), nat.STUNFine},
		{"nothing", nil, nat.STUNForeign},
		{"data", channel(0x4000, "hello", 0), nat.STUNFine},
		{"data, padded", channel(0x4000, "hello", 3), nat.STUNFine},
		{"no data", channel(0x4000, "", 0), nat.STUNFine},
		{"the last channel", channel(0x7FFF, "hello", 0), nat.STUNFine},
		{"1500 octets", channel(0x4000, long, 0), nat.STUNFine},
		{"1501 octets", channel(0x4000, long+"x", 0), nat.STUNSize},
		{"padded too much", channel(0x4000, "hello", 4), nat.STUNChannelOverrun},
		{"padded without need", channel(0x4000, "hell", 1), nat.STUNChannelOverrun},
		{"cut", channel(0x4000, "hello", 0)[:8], nat.STUNChannelOverrun},
		{"half a header", channel(0x4000, "", 0)[:3], nat.STUNChannelOverrun},
		{"a channel that is none", channel(0x8000, "hello", 0), nat.STUNForeign},
	} {
		if got := nat.TURNServer.Datagram(c.b); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	if got := nat.BindingServer.Datagram(channel(0x4000, "hello", 0)); got != nat.STUNNotAllowed {
		t.Errorf("a channel where there are none: %q", got)
	}
}

// However the octets of a stream come, the frames are the same.
func TestSTUNFrame(t *testing.T) {
	frames := [][]byte{
		stun(bindingRequest, attr{nat.AttrSoftware, "phone"}),
		channel(0x4000, "hello", 3),
		channel(0x4000, "", 0),
		stun(sendIndication, attr{nat.AttrXORPeerAddress, peer4}, attr{nat.AttrData, "x"}),
		channel(0x4001, "hell", 0),
	}
	stream := bytes.Join(frames, nil)
	for size := 1; size <= len(stream); size++ {
		var got [][]byte
		var kept []byte
		for at := 0; at < len(stream); at += size {
			kept = append(kept, stream[at:min(at+size, len(stream))]...)
			for {
				n, cause := nat.TURNServer.Frame(kept)
				if cause != nat.STUNFine {
					t.Fatalf("pieces of %d: %q", size, cause)
				}
				if n == 0 {
					break
				}
				got, kept = append(got, kept[:n]), kept[n:]
			}
		}
		if len(kept) != 0 || !bytes.Equal(bytes.Join(got, nil), stream) || len(got) != len(frames) {
			t.Fatalf("pieces of %d: %d frames, %d octets left", size, len(got), len(kept))
		}
	}
}

// What is wrong is said as soon as it can be seen, so nobody waits for 64 KB.
func TestSTUNFrameRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		b    []byte
		want nat.STUNCause
	}{
		{"TLS", []byte{0x16, 3, 1, 2, 0}, nat.STUNLength},
		{"SIP", []byte("OPTIONS"), nat.STUNSize},
		{"two bits", []byte{0x80}, nat.STUNForeign},
		{"a message of 64 KB", []byte{0, 1, 0xff, 0xec}, nat.STUNSize},
		{"a message whose length wraps round", []byte{0, 1, 0xff, 0xfc}, nat.STUNSize},
		{"a length of 3", []byte{0, 1, 0, 3}, nat.STUNLength},
		{"a wrong cookie", []byte{0, 1, 0, 4, 0x21, 0x12, 0xa4, 0x43}, nat.STUNForeign},
		{"data of 64 KB", []byte{0x40, 0, 0xff, 0xff}, nat.STUNSize},
		{"an empty peer ends the library", emptyPeer, nat.STUNAddress},
	} {
		if n, got := nat.TURNServer.Frame(c.b); n != 0 || got != c.want {
			t.Errorf("%s: %d %q, want %q", c.name, n, got, c.want)
		}
	}
	if n, got := nat.BindingServer.Frame([]byte{0x40}); n != 0 || got != nat.STUNNotAllowed {
		t.Errorf("a channel where there are none: %d %q", n, got)
	}
}
