package sip

import (
	"bytes"
	"testing"
)

// FuzzPlain holds the scan of many octets a step against one octet a step.
func FuzzPlain(f *testing.F) {
	f.Add([]byte("a line without controls, of more than sixteen octets\r\n"), 3)
	f.Add([]byte("J\xf6rg \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0)
	f.Add(bytes.Repeat([]byte{0x80, 0x1f, 0x20, 0x7f, 0xff}, 7), 1)
	f.Fuzz(func(t *testing.T, b []byte, i int) {
		if i < 0 || i > len(b) {
			return
		}
		for _, limit := range []byte{' ', '!'} {
			want := i
			for want < len(b) && b[want] >= limit && b[want] != 0x7f {
				want++
			}
			if got := above(b, i, uint64(limit)*ones); got != want {
				t.Errorf("from %d, below %q: got %d, want %d in %q", i, limit, got, want, b)
			}
		}
	})
}

// TestPlain moves each odd octet through each place of two steps.
func TestPlain(t *testing.T) {
	for c := range 256 {
		for at := range 40 {
			b := bytes.Repeat([]byte{'~'}, 40)
			b[at] = byte(c)
			want := 40
			if c < ' ' || c == 0x7f {
				want = at
			}
			for from := range 17 {
				if from > at {
					break
				}
				if got := plain(b, from); got != want {
					t.Fatalf("octet %#x at %d, from %d: got %d", c, at, from, got)
				}
			}
		}
	}
}

func TestEqualFold(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"Via", "VIA", true}, {"a-b_c", "A-B_C", true}, {"[", "{", false}, {"@", "`", false}, {"1", "\x11", false},
		{"-", "\r", false}, {"ab", "abc", false}, {"", "", true}, {"k", "\xe2\x84\xaa", false},
	} {
		if got := equalFold([]byte(c.a), c.b); got != c.want {
			t.Errorf("%q and %q: got %v", c.a, c.b, got)
		}
	}
}

// FuzzURI holds the way of common URIs against the way of all.
func FuzzURI(f *testing.F) {
	for _, s := range []string{"sip:alice@example.com:5060;transport=udp", "sip:a:b@c", "sip:user;x?y@host;lr?a=b", "sip:a@[::1]:5>;", "sips:a;b", "tel:+1;x", "sip:h:5060:", "sip:a,b", "sip:1:2@h"} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, raw []byte, bare bool) {
		var (
			fast, slow URI
			a, b       Error
		)
		i, j := readURI(raw, 0, len(raw), bare, &fast, &a), readOdd(raw, 0, len(raw), bare, &slow, &b)
		if i != j || fast != slow || a != b {
			t.Errorf("bare %v: %d %+v %v, the other way %d %+v %v", bare, i, fast, &a, j, slow, &b)
		}
	})
}
