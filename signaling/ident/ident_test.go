package ident_test

import (
	"testing"

	"pgregory.net/rapid"

	"sbc/signaling/ident"
)

var key = [16]byte{1, 2, 3}

func TestRoundTrip(t *testing.T) {
	mk := ident.NewMaker(key)
	rapid.Check(t, func(t *rapid.T) {
		want := ident.ID{Serial: rapid.Uint64().Draw(t, "serial"), Shard: rapid.Byte().Draw(t, "shard")}
		kind := rapid.SampledFrom([]ident.Kind{ident.Tag, ident.Branch, ident.CallID}).Draw(t, "kind")
		b := mk.Append(nil, kind, want)
		got, ok := mk.Read(kind, b)
		if !ok || got != want {
			t.Fatalf("%s reads as %v, %v; want %v", b, got, ok, want)
		}
		i := rapid.IntRange(0, len(b)-1).Draw(t, "at")
		b[i] ^= 1
		if _, ok := mk.Read(kind, b); ok {
			t.Fatalf("%s was accepted after a bit had changed", b)
		}
	})
}

func TestReadRefuses(t *testing.T) {
	mk := ident.NewMaker(key)
	tag := mk.Append(nil, ident.Tag, ident.ID{Serial: 7, Shard: 3})
	other := ident.NewMaker([16]byte{9}).Append(nil, ident.Tag, ident.ID{Serial: 7, Shard: 3})
	for name, b := range map[string][]byte{
		"empty":          nil,
		"short":          tag[:len(tag)-1],
		"long":           append(tag[:len(tag):len(tag)], 'a'),
		"another key":    other,
		"foreign octets": []byte("as83kd9bs-------------"),
	} {
		if _, ok := mk.Read(ident.Tag, b); ok {
			t.Errorf("%s: %q was accepted", name, b)
		}
	}
	if _, ok := mk.Read(ident.CallID, tag); ok {
		t.Error("a tag was accepted as a Call-ID")
	}
	if _, ok := mk.Read(ident.Branch, tag); ok {
		t.Error("a tag was accepted as a branch")
	}
}

func TestDoesNotAllocate(t *testing.T) {
	mk, buf := ident.NewMaker(key), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		buf = mk.Append(buf[:0], ident.Branch, ident.ID{Serial: 1})
		mk.Read(ident.Branch, buf)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestShort(t *testing.T) {
	if a, b := ident.Short(1), ident.Short(2); len(a) != 6 || a == b {
		t.Errorf("got %q and %q", a, b)
	}
}
