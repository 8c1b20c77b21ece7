package ua

import (
	"bytes"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

// decodeA and decodeMu are ITU-T G.711 the other way round, from the tables.
func decodeA(b byte) int {
	b ^= 0x55
	v := int(b&15)<<4 + 8
	if e := int(b>>4) & 7; e > 0 {
		v = (v + 0x100) << (e - 1)
	}
	if b&0x80 == 0 {
		return -v
	}
	return v
}

func decodeMu(b byte) int {
	b = ^b
	v := (int(b&15)<<3+0x84)<<(int(b>>4)&7) - 0x84
	if b&0x80 != 0 {
		return -v
	}
	return v
}

func TestG711(t *testing.T) {
	for i := range 256 {
		b := byte(i)
		if got := aLaw(decodeA(b)); got != b {
			t.Errorf("A-law %#02x came back as %#02x", b, got)
		}
		if got := muLaw(decodeMu(b)); got != b && b != 0x7f { // 0x7f is the other zero
			t.Errorf("µ-law %#02x came back as %#02x", b, got)
		}
	}
	for _, extreme := range []int{-32768, 32767} {
		if a, mu := decodeA(aLaw(extreme)), decodeMu(muLaw(extreme)); a*extreme < 0 || mu*extreme < 0 || max(a, -a) < 32000 || max(mu, -mu) < 32000 {
			t.Errorf("%d is heard as %d and %d", extreme, a, mu)
		}
	}
}

func TestNoTwoPacketsAreAlike(t *testing.T) {
	seen := map[string]uint32{}
	for n := range uint32(3000) {
		p := string(AppendVoice(nil, PCMA, 7, n))
		if before, ok := seen[p]; ok {
			t.Fatalf("packets %d and %d are alike", before, n)
		}
		seen[p] = n
	}
	if bytes.Equal(AppendVoice(nil, PCMA, 7, 0), AppendVoice(nil, PCMA, 8, 0)) {
		t.Error("two voices are alike")
	}
}

func TestReceiver(t *testing.T) {
	var packets [][]byte
	s := Sender{Voice: 5}
	for n := range uint32(20) {
		c := PCMA
		if n > 10 {
			c = PCMU
		}
		packets = append(packets, s.Append(nil, c, n))
	}
	for _, c := range []struct {
		name                     string
		play                     func(take func(int, []byte))
		right, wrong, lost, late int
	}{
		{"all", func(take func(int, []byte)) {
			for n, p := range packets {
				take(n, p)
			}
		}, 20, 0, 0, 0},
		{"three lost", func(take func(int, []byte)) {
			for n, p := range packets {
				if n < 4 || n > 6 {
					take(n, p)
				}
			}
		}, 17, 0, 3, 0},
		{"two swapped", func(take func(int, []byte)) {
			take(0, packets[0])
			take(2, packets[2])
			take(1, packets[1])
			take(3, packets[3])
		},
			4, 0, 0, 1},
		{"an octet changed", func(take func(int, []byte)) {
			p := bytes.Clone(packets[1])
			p[100] ^= 1
			take(0, packets[0])
			take(1, p)
		}, 1, 1, 0, 0},
		{"cut", func(take func(int, []byte)) { take(0, packets[0][:171]); take(1, packets[1][:3]); take(2, nil) }, 0, 3, 0, 0},
	} {
		r := Receiver{Voice: 5}
		c.play(func(n int, p []byte) { r.Take(time.Duration(n)*packetTime, p) })
		if r.Right != c.right || r.Wrong != c.wrong || r.Lost != c.lost || r.Late != c.late {
			t.Errorf("%s: %+v", c.name, r.Audio)
		}
	}
}

// pion reads what we write, and we read what pion writes.
func TestReportAgainstPion(t *testing.T) {
	s := Sender{Voice: 5}
	s.Append(nil, PCMA, 0)
	items := []string{"sip:a@kiwi", "name", "a@b", "+49", "here", "tool", "note"}
	b := s.AppendReport(nil, 3*time.Second, items)
	packets, err := rtcp.Unmarshal(b)
	if err != nil || len(packets) != 2 {
		t.Fatalf("%d packets, %v", len(packets), err)
	}
	sr, sdes := packets[0].(*rtcp.SenderReport), packets[1].(*rtcp.SourceDescription)
	if sr.SSRC != VoiceSSRC(5) || sr.PacketCount != 1 || sr.OctetCount != 160 || sr.NTPTime>>32 != 3 {
		t.Errorf("%+v", sr)
	}
	if len(sdes.Chunks) != 1 || len(sdes.Chunks[0].Items) != len(items) || sdes.Chunks[0].Items[0].Text != "sip:a@kiwi" {
		t.Errorf("%+v", sdes)
	}
	var r Receiver
	r.TakeReport(b)
	if r.BadRTCP != 0 || r.CNAME != "sip:a@kiwi" || len(r.Personal) != 6 {
		t.Errorf("%+v", r.Audio)
	}
	for n := 1; n < len(b); n++ {
		r := Receiver{}
		if r.TakeReport(b[:n]); r.BadRTCP == 0 && n != 28 { // 28: the sender report alone
			t.Errorf("a report cut to %d octets was taken", n)
		}
	}
}
