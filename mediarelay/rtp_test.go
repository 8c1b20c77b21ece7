package mediarelay

import "testing"

func TestRTPCheck(t *testing.T) {
	const head = `0001 00000001 00000002`
	for _, c := range []struct {
		name, packet string
		want         bool
	}{
		{"header alone", `8000` + head, true},
		{"empty", ``, false},
		{"one octet", `80`, false},
		{"one octet short", `8000 0001 00000001 000000`, false},
		{"version 0, as STUN", `0001` + head, false},
		{"version 1", `4000` + head, false},
		{"version 3", `c000` + head, false},
		{"two CSRCs", `8200` + head + `00000003 00000004`, true},
		{"CSRC over the end", `8200` + head + `00000003 000000`, false},
		{"extension of 0 words", `9000` + head + `bede0000`, true},
		{"extension of 1 word", `9000` + head + `bede0001 00000000`, true},
		{"extension over the end", `9000` + head + `bede0001 000000`, false},
		{"extension header cut", `9000` + head + `bede00`, false},
		{"padding of 4", `a000` + head + `00000004`, true},
		{"padding of 0", `a000` + head + `00000000`, false},
		{"padding over the payload", `a000` + head + `00000005`, false},
		{"padding into the header", `a000` + head, false},
		{"everything", `b100` + head + `00000003 bede0001 01020304 aabb 0002`, true},
	} {
		if got := RTP(unhex(t, c.packet)).Check(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestRTPView(t *testing.T) {
	p := RTP(rtp(0x80|8, 0x1234, 0x56789abc, 0xdeadbeef))
	if p.PayloadType() != 8 || p.Sequence() != 0x1234 || p.Timestamp() != 0x56789abc || p.SSRC() != 0xdeadbeef {
		t.Errorf("%d %x %x %x", p.PayloadType(), p.Sequence(), p.Timestamp(), p.SSRC())
	}
}

func TestIsRTCP(t *testing.T) {
	// RFC 5761 section 4: packet types 192 to 223, whatever the first octet.
	for kind := range 256 {
		if got, want := isRTCP([]byte{0x80, byte(kind)}), kind >= 192 && kind <= 223; got != want {
			t.Errorf("second octet %d: %v", kind, got)
		}
	}
	if isRTCP(nil) || isRTCP([]byte{0x80}) {
		t.Error("too short for RTCP")
	}
}
