package e2e

import (
	"testing"

	"sbc/lab/netns"
)

// parts is what testdata/sipp/multipart.xml wants to know.
type parts struct{ Kept bool }

// Isup is what the callee sees of the part.
func (p parts) Isup(octets string) string {
	if p.Kept {
		return octets
	}
	return "!" + octets
}

// ISUP passes with the session description beside it, or is taken out where
// the realm wants that.
func TestMultipart(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, kept := range []bool{true, false} {
		for _, way := range []string{"out", "in"} {
			t.Run(map[bool]string{true: "kept ", false: "removed "}[kept]+way, func(t *testing.T) {
				t.Parallel()
				s := standard
				if !kept {
					s.topology = `bodies { remove = ["application/isup"] }`
				}
				w := newWorldOf(t, s)
				w.sipp(way, "multipart", parts{kept})
			})
		}
	}
}

// What is planted in a body that nobody knows is taken out, and counted.
func TestPlantedLeaksInBodiesAreTakenOut(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, kind := range []string{"application/x-status", "application/vnd.vendor.status"} {
		for _, way := range []string{"out", "in"} {
			t.Run(kind+" "+way, func(t *testing.T) {
				t.Parallel()
				scrub := standard
				scrub.audit = "scrub"
				w := newWorldOf(t, scrub)
				w.border.leaks = true
				w.sipp(way, "planted", struct{ Type string }{kind})
				if s, err := w.border.status(); err != nil || s.Leaks == 0 {
					t.Errorf("%d leaks were counted, %v", s.Leaks, err)
				}
			})
		}
	}
}
