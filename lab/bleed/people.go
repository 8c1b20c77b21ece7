package bleed

import (
	"errors"
	"net/netip"

	"sbc/mediarelay"
)

// A pair of sockets, for RTP and RTCP.
type pair struct{ rtp, rtcp *socket }

func newPair(a netip.Addr) (p pair, err error) {
	if p.rtp, err = newSocket(a); err != nil {
		return p, err
	}
	if p.rtcp, err = newSocket(a); err != nil {
		return p, errors.Join(err, p.rtp.close())
	}
	return p, nil
}

func (p *pair) close() error { return errors.Join(p.rtp.close(), p.rtcp.close()) }

// A party is behind a NAT: its sockets are at the NAT's public address.
type party struct {
	pair
	talker
	says     [2]netip.AddrPort // where it thinks that it is: RTP and RTCP
	buf      []byte
	spoken   int
	heard    []uint16 // sequence numbers of the other party, as they came
	reports  int      // of the other party that came
	deceived int      // packets of the attacker that came
}

// newParty returns a party of a side. The NAT of side 0 keeps ports, so that
// those of the description are right; that of side 1 does not.
func newParty(side int, public netip.Addr) (*party, error) {
	p := &party{talker: talker{mark: [8]byte([]byte{'p', 'a', 'r', 't', 'y', '-', 'a' + byte(side), '.'}), ssrc: 0x1000 + uint32(side)}}
	var err error
	if p.pair, err = newPair(public); err != nil {
		return nil, err
	}
	private := netip.AddrFrom4([4]byte{10, 0, byte(side), 5})
	p.says = [2]netip.AddrPort{netip.AddrPortFrom(private, p.rtp.addr.Port()), netip.AddrPortFrom(private, p.rtcp.addr.Port())}
	if side == 1 {
		for i, q := range p.says {
			p.says[i] = netip.AddrPortFrom(private, q.Port()^1<<12)
		}
	}
	return p, nil
}

// Ours: often enough that each run has several.
const reportEvery = 25 // packets of RTP

// speak sends one packet of audio, and now and then a report.
func (p *party) speak(to mediarelay.Local) error {
	p.buf = p.packet(p.buf)
	err := p.rtp.send(to.RTP(), p.buf)
	if p.spoken%reportEvery == 0 {
		p.buf = p.report(p.buf)
		err = errors.Join(err, p.rtcp.send(to.RTCP(), p.buf))
	}
	p.spoken++
	p.next()
	return err
}

// listen takes what has come from the other party, and what should not have.
func (p *party) listen(other *party, t *thief) error {
	take := func(b []byte) {
		switch {
		case t.carries(b):
			p.deceived++
		case isRTP(b) && other.carries(b):
			p.heard = append(p.heard, sequence(b))
		case other.carries(b):
			p.reports++
		}
	}
	return errors.Join(p.rtp.each(take), p.rtcp.each(take))
}

// audio compares what came with what the other party sent. What the latch
// missed while it learnt is missed with and without an attack.
func (p *party) audio(other *party) Audio {
	a := Audio{Sent: other.spoken, Came: len(p.heard), Missed: other.spoken, Reports: p.reports}
	if len(p.heard) == 0 {
		return a
	}
	a.Missed = int(p.heard[0])
	a.Complete = a.Reports > 0 && a.Came == a.Sent-a.Missed && a.Missed < int(patience/tick)
	for i, seq := range p.heard {
		a.Complete = a.Complete && int(seq) == a.Missed+i
	}
	return a
}

// A thief is the attacker: a third host.
type thief struct {
	pair
	talker
	buf   []byte
	sent  int
	hears int
}

func newThief(a netip.Addr) (*thief, error) {
	p, err := newPair(a)
	if err != nil {
		return nil, err
	}
	return &thief{pair: p, talker: talker{mark: [8]byte([]byte("intruder")), ssrc: 0xbad}}, nil
}

// send sends RTP from one port and RTCP from the other, both to one of ours.
func (t *thief) send(to netip.AddrPort, as *talker) error {
	t.buf = as.packet(t.buf)
	err := t.rtp.send(to, t.buf)
	t.buf = as.report(t.buf)
	t.sent += 2
	return errors.Join(err, t.rtcp.send(to, t.buf))
}

// listen counts what has come.
func (t *thief) listen() error {
	count := func([]byte) { t.hears++ }
	return errors.Join(t.rtp.each(count), t.rtcp.each(count))
}
