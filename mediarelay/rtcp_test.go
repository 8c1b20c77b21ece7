package mediarelay

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/pion/rtcp"
)

func TestCheckRTCP(t *testing.T) {
	for _, c := range []struct {
		name, packet string
		want         bool
	}{
		{"SR", hexSR, true},
		{"RR", hexRR, true},
		{"SR, SDES", hexSR + hexSDES, true},
		{"RR, SDES, BYE", hexRR + hexSDES + hexBYE, true},
		{"all", hexSR + hexRR + hexSDES + hexAPP + hexPLI + hexXR + hexBYE, true},
		{"empty", ``, false},
		{"three octets", `80c900`, false},
		{"version 1", `40c90001 11223344`, false},
		{"length over the end", `80c90002 11223344`, false},
		{"length short of the end", hexRR + `00`, false},
		{"garbage behind", hexRR + `00000000`, false},
		{"SDES first", hexSDES, false},
		{"BYE first", `81cb0001 11223344`, false},
		{"APP first", hexAPP, false},
		{"feedback alone (RFC 5506)", hexPLI, true},
		{"feedback without media source", `81ce0001 11223344`, false},
		{"padding on the last", hexRR + `a1cb0002 11223344 00000004`, true},
		{"padding on the first", `a0c90002 11223344 00000004` + hexSDES, false},
		{"padding of 0", `a0c90002 11223344 00000000`, false},
		{"padding of 3", `a0c90002 11223344 00000003`, false},
		{"padding over the SSRC", `a0c90002 11223344 00000008`, false},
		{"padding over everything", `a0c90002 11223344 00000010`, false},
		{"padding without room", hexRR + `a0cb0000`, false},
		{"SR cut", `80c80005 11223344 0000000100000002 00000003 00000004`, false},
		{"RR without its report block", `81c90001 11223344`, false},
		{"RR with profile extension", `80c90002 11223344 99999999`, true},
		{"BYE of two without the second", hexRR + `82cb0001 11223344`, false},
		{"BYE of nobody", hexRR + `80cb0000`, true},
		{"SDES of no chunk", hexRR + `80ca0000`, true},
		{"SDES of no chunk, with one", hexRR + `80ca0002 11223344 00000000`, false},
		{"SDES of two chunks, with one", hexRR + `82ca0002 11223344 00000000`, false},
		{"SDES item over the end", hexRR + `81ca0002 11223344 01 07 "al"`, false},
		{"SDES items without end", hexRR + `81ca0002 11223344 01 02 "al"`, false},
		{"SDES item type without length", hexRR + `81ca0002 11223344 00 00 00 01`, true},
		{"SDES without items", hexRR + `81ca0002 11223344 00000000`, true},
		{"unknown type later", hexRR + `80d00000`, true},
	} {
		if got := CheckRTCP(unhex(t, c.packet)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// What CNAMEs become under the zero key from side A, in hexadecimal.
var (
	opaque  = hex.EncodeToString(new(Session).appendCNAME(nil, []byte("alice@x"), A))
	nothing = hex.EncodeToString(new(Session).appendCNAME(nil, nil, A))
)

func TestRewrite(t *testing.T) {
	// SSRC, CNAME of 16 octets, end: 4+2+16+2 octets.
	sdes := `81ca0006 11223344 01 10` + opaque + `00 00`
	for _, c := range []struct{ name, in, want string }{
		{"a report stays", hexSR, hexSR},
		{"feedback stays", hexPLI, hexPLI},
		{"CNAME replaced, TOOL out", hexSR + hexSDES, hexSR + sdes},
		{"second CNAME out", hexRR + `81ca0006 11223344 01 07 "alice@x" 01 05 "alice" 00000000`, hexRR + sdes},
		{"only NAME", hexRR + `81ca0003 11223344 02 02 "al" 00000000`, hexRR + `81ca0002 11223344 00000000`},
		{"PRIV, NOTE, LOC, PHONE, EMAIL",
			hexRR + `81ca0006 11223344 08 03 01 "ab" 07 01 "n" 05 01 "l" 04 01 "p" 03 01 "e" 00 0000`,
			hexRR + `81ca0002 11223344 00000000`},
		{"reason of BYE out", hexRR + hexBYE, hexRR + `81cb0001 11223344`},
		{"APP out", hexRR + hexAPP, hexRR},
		{"unknown type out", hexRR + `80d00001 0a000001`, hexRR},
		{"padding out", hexRR + `a1cb0003 11223344 0a000001 00000008`, hexRR + `81cb0001 11223344`},
		{"padding of a report out", `a0c90003 11223344 0a000001 00000008`, hexRR},
		{"all of it", hexSR + hexSDES + hexAPP + hexXR + hexBYE, hexSR + sdes + hexXR + `81cb0001 11223344`},
		{"empty CNAME", hexRR + `81ca0002 11223344 01 00 0000`, hexRR + `81ca0006 11223344 01 10` + nothing + `0000`},
	} {
		in := unhex(t, c.in)
		if !CheckRTCP(in) {
			t.Errorf("%s: the test's packet is malformed", c.name)
			continue
		}
		before := bytes.Clone(in)
		got := new(Session).rewrite(make([]byte, ScratchLen), in, A)
		if !bytes.Equal(in, before) {
			t.Errorf("%s: the datagram was changed", c.name)
		}
		if !bytes.Equal(got, unhex(t, c.want)) {
			t.Errorf("%s:\n got %x\nwant %x", c.name, got, unhex(t, c.want))
		}
		if !CheckRTCP(got) {
			t.Errorf("%s: the result is malformed: %x", c.name, got)
		}
	}
}

func TestCNAMEIsOpaque(t *testing.T) {
	make := func(key byte, cname string, side Side) string {
		s := Session{key: [16]byte{key}}
		return string(s.appendCNAME(nil, []byte(cname), side))
	}
	one := make(1, "sip:alice@10.0.0.5", A)
	if len(one) != cnameLen {
		t.Errorf("CNAME of %d octets, want %d", len(one), cnameLen)
	}
	if one != make(1, "sip:alice@10.0.0.5", A) {
		t.Error("streams of one call show two participants where there is one")
	}
	for what, other := range map[string]string{
		"another key":   make(2, "sip:alice@10.0.0.5", A),
		"another side":  make(1, "sip:alice@10.0.0.5", B),
		"another CNAME": make(1, "sip:bob@10.0.0.5", A),
	} {
		if one == other {
			t.Errorf("%s gives the same CNAME", what)
		}
	}
}

// The longest that rewriting can become still fits into the scratch space.
func TestRewriteFitsScratch(t *testing.T) {
	in := unhex(t, hexRR)
	for len(in)+4+31*8 <= MaxDatagram {
		sdes := []byte{0x80 | 31, typeSDES, 0, 62}
		for range 31 {
			sdes = append(sdes, 1, 2, 3, 4, itemCNAME, 0, 0, 0)
		}
		in = append(in, sdes...)
	}
	if !CheckRTCP(in) {
		t.Fatal("the test's packet is malformed")
	}
	scratch := make([]byte, ScratchLen)
	got := new(Session).rewrite(scratch, in, A)
	if &got[0] != &scratch[0] || !CheckRTCP(got) {
		t.Errorf("%d octets became %d, scratch has %d", len(in), len(got), len(scratch))
	}
}

// FuzzRTCP: nothing that is accepted, once rewritten, is malformed, holds an
// item that may not cross, or changes when it is rewritten in kind again.
func FuzzRTCP(f *testing.F) {
	for _, s := range []string{
		hexSR, hexRR + hexSDES, hexSR + hexSDES + hexAPP + hexXR + hexBYE, hexPLI,
		hexRR + `a1cb0003 11223344 0a000001 00000008`, hexRR + `82ca0004 11223344 00000000 55667788 01000000`,
	} {
		f.Add(unhex(f, s))
	}
	scratch := make([]byte, ScratchLen)
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > MaxDatagram || !CheckRTCP(b) {
			return
		}
		var f flow
		owns := f.owns(b)
		out := new(Session).rewrite(scratch, b, A)
		if f.owns(out) != owns {
			t.Fatalf("%x\nspeaks for others (%v), once rewritten it is the other way\n%x", b, !owns, out)
		}
		if !CheckRTCP(out) {
			t.Fatalf("%x\nbecame malformed:\n%x", b, out)
		}
		checkClean(t, out)
		if again := new(Session).rewrite(make([]byte, ScratchLen), out, A); len(again) != len(out) {
			t.Fatalf("%x\nwas not clean: a second time it becomes\n%x", out, again)
		}
	})
}

// checkClean reads what crosses with another implementation.
func checkClean(t *testing.T, b []byte) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return // It refuses what it does not know within reports and feedback.
	}
	for _, p := range packets {
		switch p := p.(type) {
		case *rtcp.SourceDescription:
			for _, chunk := range p.Chunks {
				for _, item := range chunk.Items {
					if item.Type != rtcp.SDESCNAME || len(item.Text) != cnameLen {
						t.Fatalf("item %v %q crosses", item.Type, item.Text)
					}
				}
			}
		case *rtcp.Goodbye:
			if p.Reason != "" {
				t.Fatalf("reason %q crosses", p.Reason)
			}
		case *rtcp.ApplicationDefined:
			t.Fatalf("APP %q crosses", p.Name)
		}
	}
}
