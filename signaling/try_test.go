package signaling

import (
	"encoding/json"
	"net/netip"
	"os"
	"testing"
)

// try tries a request as the world's shard would decide now.
func (w *world) try(t Try) TryReport {
	w.t.Helper()
	r, err := t.run(w.now, []turn{func(f func(*Shard)) { f(w.s) }})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// tryPBX and tryITSP are tries of calls from the two sides of a world.
func tryPBX(to string) Try  { return Try{Realm: "inside", Source: pbxAddr, From: "100", To: to} }
func tryITSP(to string) Try { return Try{Realm: "outside", Source: itspAddr, From: "4930123", To: to} }

func TestTryX(t *testing.T) {
	for _, w := range []*world{newWorld(t), newHere(t), newPhones(t)} {
		for _, x := range []Try{tryPBX("4711"), tryITSP("4711"), {Realm: "outside", Source: netip.MustParseAddrPort("9.9.9.9:5060"), From: "100@voice.example", To: "+49"}} {
			e := json.NewEncoder(os.Stdout)
			e.SetIndent("", " ")
			e.Encode(w.try(x))
		}
	}
}
