package demo

import (
	"net/netip"

	"sbc/lab/netns"
)

// The three namespaces.
const (
	left   = iota // the LAN with the PBX
	middle        // the border
	right         // the ITSP
)

// makeSpaces makes the namespaces, or none of them.
func (w *world) makeSpaces() error {
	for _, name := range []string{"lan", "sbc", "itsp"} {
		s, err := netns.New(name)
		if err != nil {
			for _, made := range w.spaces {
				made.Close()
			}
			w.spaces = nil
			return err
		}
		w.spaces = append(w.spaces, s)
	}
	return nil
}

func (w *world) spaceOf(s *side) *netns.Space {
	switch {
	case !w.present:
		return nil
	case s == w.pbx:
		return w.spaces[left]
	}
	return w.spaces[right]
}

// lay lays the cables and begins to record what passes on each.
func (w *world) lay() error {
	for i, s := range []*side{w.pbx, w.itsp} {
		space, name := w.spaceOf(s), []string{"inside", "outside"}[i]
		err := netns.Join(
			netns.End{Space: space, Interface: "eth0", Addr: netip.PrefixFrom(s.addr, 24)},
			netns.End{Space: w.spaces[middle], Interface: name, Addr: netip.PrefixFrom(s.border.Addr(), 24)},
		)
		if err != nil {
			return err
		}
		if s.cable, err = space.Capture("eth0"); err != nil {
			return err
		}
	}
	return nil
}
