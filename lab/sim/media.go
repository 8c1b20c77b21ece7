package sim

import (
	"encoding/binary"
	"net/netip"
	"time"

	"sbc/lab/nat"
	"sbc/mediarelay"
)

// relayed is a packet at a media port of the SBC.
type relayed struct {
	to, src netip.AddrPort
	bytes   []byte
	cause   mediarelay.Cause
	sent    mediarelay.Sent // where cause is Pass
}

// inject is a packet that reaches a media port of the SBC.
func (w *world) inject(to, src netip.AddrPort, b []byte) {
	r := &relayed{to: to, src: src, bytes: b}
	r.sent, r.cause = w.relay.Inject(to, src, b)
	if w.o.broken.relay != nil {
		w.o.broken.relay(w, r)
	}
	if r.cause == mediarelay.Pass {
		w.report.Relayed++
		w.sum.Write(r.sent.Bytes)
	}
	for _, c := range w.checkers {
		c.relayed(r)
	}
	if r.cause != mediarelay.Pass {
		return
	}
	if w.lan != nil && publicNet.Contains(r.sent.To.Addr()) {
		to, from, b := r.sent.To, r.sent.From, append([]byte(nil), r.sent.Bytes...)
		w.carry(&link{delay: w.o.Delay}, func() { w.deliver(to, from, b) })
	}
	for _, a := range w.actors {
		if a.phone == nil && a.at.addr.Addr() == r.sent.To.Addr() && a.open[r.sent.To] {
			sent := r.sent
			sent.Bytes = append([]byte(nil), sent.Bytes...)
			w.carry(&a.fromSBC, func() { a.receive(sent.To, sent.From, sent.Bytes) })
		}
	}
}

// talk lets everybody say something, every second: one packet from each far
// end that a live call has, and some from strangers.
func (w *world) talk() {
	if w.perfect {
		return
	}
	for _, number := range w.book.numbers {
		t := w.book.talks[number]
		for _, l := range []*leg{t.a, t.b} {
			if l != nil && l.state != ended {
				w.say(l, number)
			}
		}
	}
	w.after(time.Second, w.talk)
}

// say sends the packet of one far end, and perhaps one of somebody who is not
// it to the same port.
func (w *world) say(l *leg, number string) {
	a := w.actors[l.peer]
	if !l.our.IsValid() || l.our.Port() == 0 || !l.rtp.IsValid() || a.down || a.calls[number] == 0 {
		return
	}
	src := l.rtp
	if a.phone != nil {
		public, v := w.leaveHome(a.phone, nat.Packet{Protocol: nat.UDP, Src: src, Dst: l.our})
		if v != nat.Pass {
			return
		}
		a.says(public, src)
		src = public
	}
	w.inject(l.our, src, packet(uint16(w.now/time.Second)))
	if w.o.Scans > 0 && w.chance.IntN(4) == 0 {
		w.report.Strange++
		src := netip.AddrPortFrom(strangers[l.listener].Addr(), uint16(1024+w.chance.IntN(60000)))
		if w.chance.IntN(2) == 0 && a.phone == nil { // another port of the right host
			src = netip.AddrPortFrom(l.rtp.Addr(), l.rtp.Port()+1+uint16(w.chance.IntN(300)))
		}
		w.inject(l.our, src, packet(uint16(w.chance.Uint32())))
	}
}

// packet is 20 ms of silence. RFC 3550 section 5.1.
func packet(seq uint16) []byte {
	b := make([]byte, 12+160)
	b[0], b[1] = 0x80, 8
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[4:], uint32(seq)*160)
	binary.BigEndian.PutUint32(b[8:], 0xca11ab1e)
	return b
}
