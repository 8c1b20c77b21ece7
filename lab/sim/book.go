package sim

import (
	"net/netip"
	"time"

	"sbc/signaling/sdp"
	"sbc/signaling/sip"
)

// A book is what the wire tells of calls: which dialogs belong together, and
// where their media comes from. The SBC's own INVITE belongs to the call whose
// message led to it, or else to the one with that number.
type book struct {
	legs    map[legKey]*leg
	talks   map[string]*talk
	numbers []string                // of talks, in the order in which they began
	ports   map[netip.AddrPort]*leg // of the SBC, by what it told the far end last
	seen    map[txKey]bool          // transactions that had a request
}

type legKey struct {
	listener int
	callID   string
}

// A talk is one call: the caller's leg, and the callee's, of which there are
// several when the call is tried at several peers.
type talk struct {
	number string
	a, b   *leg // b is the last one
	twice  bool // its INVITE came from two addresses of the caller, and made two calls: they are not told apart here
}

// A leg is the SBC's half of one dialog.
type leg struct {
	legKey
	talk   *talk
	callee bool // the SBC sent the INVITE
	peer   int
	tags   map[string]bool                  // of the far end
	media  map[netip.AddrPort]bool          // addresses that the far end named for RTP and RTCP
	rtp    netip.AddrPort                   // of the far end's last SDP
	our    netip.AddrPort                   // RTP port of the SBC in its last SDP
	told   map[netip.AddrPort]time.Duration // when the SBC named a port of its first
	begun  time.Duration
	state  legState
	since  time.Duration // when the state began
	way    netip.Addr    // where the SBC sends to
	rang   bool          // a provisional response came
	invite txKey         // of the first INVITE
}

type legState uint8

const (
	early     legState = iota // no final response
	confirmed                 // 2xx
	ended                     // a final response other than 2xx, or BYE
	given                     // CANCEL was sent
)

func (b *book) init() {
	b.legs, b.talks = map[legKey]*leg{}, map[string]*talk{}
	b.ports, b.seen = map[netip.AddrPort]*leg{}, map[txKey]bool{}
}

// see enters a message. cause is what came in when the SBC sent it; nil: m came
// in itself, or a timer was due.
func (b *book) see(m, cause *message) {
	if m.err != nil || m.from < 0 {
		m.again = m.err == nil && b.seen[m.tx]
		return
	}
	if m.sip.IsRequest() && m.sip.Method() != sip.ACK {
		m.again = b.seen[m.tx]
		b.seen[m.tx] = true
	}
	key := legKey{m.listener, m.callID()}
	l := b.legs[key]
	if m.request(sip.INVITE) && m.sip.To().Tag.Empty() && (l == nil || m.in && !m.again && l.state == ended) {
		l = b.begin(key, m, cause) // also when it is tried again, with credentials
	}
	if l != nil && m.in && m.tx.method == "INVITE" && m.tx.branch == l.invite.branch && m.tx.home != l.invite.home {
		l.talk.twice = true
	}
	if l == nil || l.peer != m.from && (l.peer < len(neighbours) || m.from < len(neighbours)) {
		return
	}
	switch {
	case !m.in:
		l.way = m.remote.Addr()
	case !m.known && (m.sip.IsRequest() || m.remote.Addr() != l.way):
		return // a phone that is elsewhere, and has not said so yet
	}
	m.leg = l
	l.learn(m, b)
	l.follow(m)
}

func (b *book) begin(key legKey, m, cause *message) *leg {
	uri, err := sip.ParseURI(m.sip.Raw, m.sip.RequestURI())
	if err != nil {
		return nil
	}
	number := string(m.sip.Bytes(uri.User))
	t := b.talks[number]
	switch {
	case !m.in && cause != nil && cause.leg != nil:
		t = cause.leg.talk
	case m.in || t == nil:
		if t == nil {
			b.numbers = append(b.numbers, number)
		}
		t = &talk{number: number}
		b.talks[number] = t
	}
	l := &leg{legKey: key, talk: t, callee: !m.in, peer: m.from, begun: m.at, since: m.at, invite: m.tx,
		tags: map[string]bool{}, media: map[netip.AddrPort]bool{}, told: map[netip.AddrPort]time.Duration{}}
	b.legs[key] = l
	if l.callee {
		t.b = l
	} else if t.a == nil {
		t.a = l
	}
	return l
}

// learn takes the tags and media addresses of a message.
func (l *leg) learn(m *message, b *book) {
	if m.in {
		tag := m.sip.From().Tag
		if !m.sip.IsRequest() {
			tag = m.sip.To().Tag
		}
		if !tag.Empty() && len(l.tags) < 8 && !m.forged() {
			l.tags[string(m.sip.Bytes(tag))] = true
		}
	}
	if m.sip.Body().Empty() {
		return
	}
	var s sdp.Session
	if part, ok, err := m.sip.BodyPart("application/sdp"); err != nil || !ok || s.Parse(m.raw, part) != nil || len(s.Media) == 0 {
		return
	}
	rtp, rtcp := s.Media[0].RTP(), s.Media[0].RTCP()
	if !m.in {
		l.our = rtp
		for _, port := range []netip.AddrPort{rtp, rtcp} {
			// An old message that is sent again does not take the port back
			// from the call that has it now.
			if _, old := l.told[port]; !old {
				l.told[port] = m.at
			}
			if now := b.ports[port]; now == nil || now.told[port] <= l.told[port] {
				b.ports[port] = l
			}
		}
		return
	}
	for i := range s.Media {
		l.media[s.Media[i].RTP()], l.media[s.Media[i].RTCP()] = true, true
	}
	if !rtp.Addr().IsUnspecified() {
		l.rtp = rtp
	}
}

// follow follows the state of the dialog.
func (l *leg) follow(m *message) {
	switch {
	case m.request(sip.BYE) && !m.in, m.response(sip.BYE, 200, 299) && !m.in:
		l.to(ended, m.at)
	case m.request(sip.CANCEL) && l.state == early && l.callee && m.tx.branch == l.invite.branch:
		l.to(given, m.at)
	case m.request(sip.ACK) && !m.in && l.state == given && m.tx.branch != l.invite.branch:
		l.to(confirmed, m.at)
	case !m.sip.IsRequest() && m.tx == l.invite:
		l.answered(m)
	}
}

// answered follows a response to the first INVITE.
func (l *leg) answered(m *message) {
	switch status := m.sip.Status(); {
	case l.callee && !l.rang && m.at >= l.begun+64*t1: // it has been given up
	case status < 200:
		l.rang = true
	case l.state == ended:
	case status >= 300:
		l.to(ended, m.at)
	case l.state == early:
		l.to(confirmed, m.at)
	}
}

func (l *leg) to(s legState, at time.Duration) {
	if l.state != ended && l.state != s {
		l.state, l.since = s, at
	}
}

// over reports whether the leg is ended, and since when. An INVITE that
// nothing answered is given up in time.
func (l *leg) over(now time.Duration) (since time.Duration, ok bool) {
	switch {
	case l.state == ended || l.state == given:
		return l.since, true
	case l.callee && l.state == early && !l.rang && now >= l.begun+64*t1:
		return l.begun + 64*t1, true
	}
	return 0, false
}
