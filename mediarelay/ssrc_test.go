package mediarelay

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
)

// Row rtcp_malformed of the bad input: a BYE or SDES with a foreign SSRC.
// 11223344 is the far end's; what each case sends before its packet is what
// the far end has shown of itself.
func TestForeignSSRC(t *testing.T) {
	const (
		rr    = `80c90001 11223344`
		bye   = `81cb0001 55667788`
		name  = `81ca0002 55667788 00000000`
		media = `8000 0001 000000a0 55667788` // RTP
	)
	for _, c := range []struct {
		name    string
		shown   []string // RTP where it begins with 8000, or with 81 and one CSRC; else RTCP
		packet  string
		foreign bool
	}{
		{"BYE of a foreign SSRC", nil, rr + bye, true},
		{"BYE of two, the second foreign", nil, rr + `82cb0002 11223344 55667788`, true},
		{"SDES of a foreign SSRC", nil, rr + name, true},
		{"SDES of two, the second foreign", nil, rr + `82ca0004 11223344 00000000 55667788 00000000`, true},
		{"BYE behind an SDES of its own", nil, rr + hexSDES + bye, true},
		{"BYE and SDES of its own", nil, rr + hexSDES + hexBYE, false},
		{"BYE of nobody", nil, rr + `80cb0000`, false},
		{"two senders in one compound packet", nil, rr + `80c90001 55667788` + name + bye, false},
		{"the second sender behind its name", nil, rr + name + `80c90001 55667788`, false},
		{"feedback of its sender alone", nil, `81ce0002 55667788 11223344` + bye, false},
		{"a report about the SSRC makes it nobody's", nil,
			`81c90007 11223344 55667788 00000000 00000000 00000000 00000000 00000000` + bye, true},
		{"the media source of feedback", nil, `81ce0002 11223344 55667788` + bye, true},
		{"SSRC seen in RTP", []string{media}, rr + name + bye, false},
		{"SSRC seen in RTP of the other side", []string{"B" + media}, rr + bye, true},
		{"contributing source", []string{`8100 0001 000000a0 11223344 55667788`}, rr + name + bye, false},
		{"SSRC that sends only RTCP", []string{`80c90001 55667788` + name}, rr + bye, false},
		{"a foreign one stays foreign", []string{rr + bye, rr + name}, rr + bye, true},
		{"feedback and reports about anybody", nil, hexPLI + hexXR, false},
	} {
		m := newModel(t, 1)
		s := openStream(t, m, audio)
		s.Set(A, caller)
		s.Set(B, callee)
		for _, p := range c.shown {
			show(t, m, s, p)
		}
		before := s.Stats()[A]
		wanted := Pass
		if c.foreign {
			wanted = RTCPMalformed
		}
		if _, got := m.Inject(s.Local(A).RTCP(), caller.RTCP, unhex(t, c.packet)); got != wanted {
			t.Errorf("%s: %v, want %v", c.name, got, wanted)
		}
		after := s.Stats()[A]
		if n := after.Drops[RTCPMalformed] - before.Drops[RTCPMalformed]; n != uint64(index(c.foreign)) || (after.RTCP > before.RTCP) == c.foreign {
			t.Errorf("%s: %+v", c.name, after)
		}
	}
}

// show lets side A, or B where the packet begins with that letter, send RTP or
// RTCP.
func show(t *testing.T, m *Model, s Stream, packet string) {
	t.Helper()
	side, far := A, caller
	if packet[0] == 'B' {
		side, far, packet = B, callee, packet[1:]
	}
	b := unhex(t, packet)
	if b[1] == 0 {
		m.Inject(s.Local(side).RTP(), far.RTP, b)
		return
	}
	m.Inject(s.Local(side).RTCP(), far.RTCP, b)
}

// Who comes after a transfer may not end the stream of who went.
func TestSSRCsAreForgottenWithTheFarEnd(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	s.Set(B, callee)
	to := s.Local(A)
	var none netip.AddrPort
	bye := unhex(t, `80c90001 11223344 81cb0001 55667788`)
	want(t, "RTP", m, to.RTP(), caller.RTP, rtp(0, 1, 160, 0x55667788), Pass, s.Local(B).RTP(), callee.RTP)
	s.Set(B, callee)
	s.Set(A, caller)
	want(t, "the same far end after an offer", m, to.RTCP(), caller.RTCP, bye, Pass, s.Local(B).RTCP(), callee.RTCP)
	next := pair(addr("192.168.1.11:4000"), addr("192.168.1.11:4001"))
	s.Set(A, next)
	want(t, "the next far end", m, to.RTCP(), next.RTCP, bye, RTCPMalformed, none, none)
	want(t, "its RTP", m, to.RTP(), next.RTP, rtp(0, 2, 320, 0x55667788), Pass, s.Local(B).RTP(), callee.RTP)
	want(t, "with an SSRC of its own", m, to.RTCP(), next.RTCP, bye, Pass, s.Local(B).RTCP(), callee.RTCP)
}

// Each branch speaks for itself.
func TestSSRCsOfForks(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	for i := range 3 {
		if err := s.Add(B, branch(i)); err != nil {
			t.Fatal(err)
		}
	}
	b := s.Local(B)
	bye := unhex(t, `80c90001 11223344 81cb0001 55667788`)
	want(t, "RTP", m, b.RTP(), branch(0).RTP, rtp(0, 1, 160, 0x55667788), Pass, s.Local(A).RTP(), caller.RTP)
	want(t, "RTP of the other", m, b.RTP(), branch(1).RTP, rtp(0, 1, 160, 7), Pass, s.Local(A).RTP(), caller.RTP)
	want(t, "BYE for the first", m, b.RTCP(), branch(1).RTCP, bye, RTCPMalformed, netip.AddrPort{}, netip.AddrPort{})
	want(t, "RTP of the last", m, b.RTP(), branch(2).RTP, rtp(0, 1, 160, 8), Pass, s.Local(A).RTP(), caller.RTP)
	for i, ssrc := range []uint32{7, 0x55667788} {
		binary.BigEndian.PutUint32(bye[12:], ssrc)
		want(t, fmt.Sprintf("BYE for branch %d", 1-i), m, b.RTCP(), branch(2).RTCP, bye, RTCPMalformed, netip.AddrPort{}, netip.AddrPort{})
	}
	binary.BigEndian.PutUint32(bye[12:], 8)
	want(t, "BYE of the last", m, b.RTCP(), branch(2).RTCP, bye, Pass, s.Local(A).RTCP(), caller.RTCP)
}

// A far end that uses ever new SSRCs takes no more memory, and keeps those
// that it used last.
func TestSSRCsAreBounded(t *testing.T) {
	var s ssrcs
	const last = 10*ssrcsMax + 5
	for ssrc := range uint32(last + 1) {
		s.add(ssrc)
		s.add(ssrc)
	}
	for ssrc := range uint32(last + 2) {
		if got, want := s.has(ssrc), ssrc > last-ssrcsMax && ssrc <= last; got != want {
			t.Errorf("SSRC %d: %v", ssrc, got)
		}
	}
	s.reset()
	if s.has(last) {
		t.Error("not forgotten")
	}
}

// A video line with more SSRCs than have statistics may name them all.
func TestManySSRCs(t *testing.T) {
	m := newModel(t, 1)
	s := openStream(t, m, audio)
	s.Set(A, caller)
	s.Set(B, callee)
	to := s.Local(A)
	for round := range uint16(3) {
		for ssrc := range uint32(6) {
			want(t, "RTP", m, to.RTP(), caller.RTP, rtp(96, round, 160, ssrc), Pass, s.Local(B).RTP(), callee.RTP)
		}
	}
	compound, sdes := unhex(t, `80c90001 00000000`), unhex(t, `86ca000c`)
	for ssrc := range uint32(6) {
		sdes = append(binary.BigEndian.AppendUint32(sdes, ssrc), 0, 0, 0, 0)
	}
	want(t, fmt.Sprintf("%x", sdes), m, to.RTCP(), caller.RTCP, append(compound, sdes...), Pass, s.Local(B).RTCP(), callee.RTCP)
}
