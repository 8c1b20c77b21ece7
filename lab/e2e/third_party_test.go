package e2e

import (
	"net"
	"net/netip"
	"testing"

	"sbc/lab/netns"
	"sbc/lab/ua"
)

// thirdParty is what testdata/sipp/third_party.xml wants to know.
type thirdParty struct {
	Local bool // one of the two phones is on the controller's side
}

// A third party controls a call of two phones. Where both are on the other
// side, what the SBC tells the controller of the one comes back as what the
// controller tells of the other, and media go from one of our ports to another.
func TestThirdPartyControl(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run("a phone on each side "+way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			controller, phone := w.ends(way)
			w.control(controller, thirdParty{Local: true}, end{phone, phone.addr}, end{controller, controller.second})
		})
		t.Run("both on the other side "+way, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, second(standard))
			controller, phones := w.ends(way)
			w.control(controller, thirdParty{}, end{phones, phones.addr}, end{phones, phones.second})
		})
	}
}

// An end is an address of a side.
type end struct {
	side *side
	addr netip.Addr
}

// control runs flow I between two phones, and looks whether they hear each
// other.
func (w *world) control(controller *side, how thirdParty, first, charlie end) {
	w.t.Helper()
	const port = 17000
	wait := w.begin("third_party", controller, how,
		part{role: "uas", side: first.side, addr: first.addr, port: sipPort},
		part{role: "charlie", side: charlie.side, addr: charlie.addr, port: sipPort},
		part{role: "uac", side: controller, port: sipPort + 1, calls: true})
	var ends [2]media
	var told [2]int
	for i, e := range []end{first, charlie} {
		conn, err := e.side.space.ListenUDP(netip.AddrPortFrom(e.addr, port))
		w.must(err)
		w.t.Cleanup(func() { conn.Close() })
		ends[i] = media{e.side, map[int]*net.UDPConn{port: conn}}
		who := e.addr
		if how.Local && i == 1 {
			who = controller.addr // who gets it from the SBC, and tells charlie
		}
		w.await("a description", func() bool {
			all := w.described(e.side, who)
			if len(all) == 1 && len(all[0]) == 1 {
				told[i] = all[0][0]
			}
			return told[i] != 0
		})
	}
	packet := (&ua.Sender{Voice: 1}).Append(nil, ua.PCMU, 0)
	w.passes(ends[0], told[0], ends[1], port, packet)
	w.passes(ends[1], told[1], ends[0], port, packet)
	w.cue(controller, sipPort+1)
	wait()
	w.sealed()
}
