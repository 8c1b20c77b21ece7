package mediarelay

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// rtp returns a packet of payload type pt with 160 octets.
func rtp(pt uint8, seq uint16, ts, ssrc uint32) []byte {
	b := make([]byte, 12+160)
	b[0], b[1] = 0x80, pt
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], ts)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return b
}

// unhex reads hexadecimal digits, blanks between them left out; text in
// quotes stands for its octets.
func unhex(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for i, part := range strings.Split(s, `"`) {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(part), ""))
		if err != nil {
			t.Fatalf("test data %q: %v", part, err)
		}
		out = append(out, b...)
	}
	return out
}

func addr(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

const ms = time.Millisecond

// Compound packets for the tests below, a part a line.
const (
	hexSR = `80c80006 11223344 0000000100000002 00000003 00000004 00000005`
	hexRR = `80c90001 11223344`
	// One chunk: CNAME of 7 octets, TOOL of 2.
	hexSDES = `81ca0005 11223344 01 07 "alice@x" 06 02 "me" 00 0000`
	hexBYE  = `81cb0003 11223344 07 "bye 10."`
	hexAPP  = `80cc0003 11223344 "NAME" "data"`
	hexPLI  = `81ce0002 11223344 55667788`
	hexXR   = `80cf0002 11223344 04000000`
)
