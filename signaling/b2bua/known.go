package b2bua

import (
	"bytes"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
	"sbc/signaling/sip"
	"sbc/topology"
)

// knownMax bounds what a leg keeps of the identifiers that its far end must
// not see. Ours: three times what an INVITE through four proxies and its
// answer name.
const knownMax = 128

// A guard is what one side of a call must not learn: the other side's
// identifiers.
type guard struct {
	known  topology.Known
	recent *topology.Known // the same, of the last messages, once known is full; nil: none
}

// knows returns the set that takes the next identifier: the one that stays, or
// when that is full the one that is emptied from time to time.
func (g *guard) knows() *topology.Known {
	if g.known.Len() < knownMax {
		return &g.known
	}
	if g.recent == nil {
		g.recent = &topology.Known{}
	}
	return g.recent
}

// learnKnown takes from m, which came from side from, the identifiers that
// the other side must not see. What a side says itself it may also hear.
func (c *Calls) learnKnown(p *pair, from Side, m *sip.Message, d *description) {
	guards := &p.call.guards
	for s := range guards {
		if recent := guards[s].recent; recent != nil && recent.Len() >= knownMax {
			recent.Reset()
		}
	}
	k := knower{m: m, hide: &guards[from.other()], own: &guards[from], callID: p.legs[from].callID, side: from}
	for _, f := range m.Fields() {
		switch f.ID {
		case sip.FieldVia:
			k.via(f)
		case sip.FieldContact, sip.FieldRecordRoute:
			k.addrs(f, aContact)
		}
	}
	k.addr(m.From(), aFrom)
	k.addr(m.To(), aTo)
	if m.IsRequest() {
		k.uri(m.RequestURI(), aRequestURI)
	}
	k.token(m.CallID(), aCallID)
	if d != nil && d.has && d.sess != nil {
		k.description(d.sess)
	}
}

// learnOurs notes which of our own names belong to one leg only, and what the
// peer of a target may see of itself.
func (c *Calls) learnOurs(call *Call, t *Target) {
	a, b := &call.legs[A], &call.legs[B]
	ofA, ofB := &call.guards[A].known, &call.guards[B].known
	ofA.AddToken(b.callID, "our Call-ID on leg b")
	ofA.AddToken(b.localTag, "our tag on leg b")
	ofB.AddToken(a.localTag, "our tag on leg a")
	host := c.work.keep(append(c.work.take(), t.Host...))
	theirs := c.work.keep(t.Flow.Remote.Addr().AppendTo(c.work.take()))
	caller := c.work.keep(a.flow.Remote.Addr().AppendTo(c.work.take()))
	ofB.Allow(host)
	ofB.Allow(theirs)
	ofB.Allow(c.hosts[t.Flow.Listener])
	ofA.AddHost(host, "host of the peer on leg b")
	ofA.AddHost(theirs, "address of the peer on leg b")
	ofB.AddHost(caller, "address of the peer on leg a")
	ofA.Allow(caller)
	ofA.Allow(c.hosts[a.flow.Listener])
}

// A knower puts what one message tells into the sets of both legs.
type knower struct {
	m         *sip.Message
	hide, own *guard
	callID    []byte // of the leg that m came by
	side      Side
}

func (k *knower) host(s edit.Span, what place) {
	if s.Empty() {
		return
	}
	b := k.m.Bytes(s)
	k.hide.knows().AddHost(b, what.of(k.side))
	k.own.knows().Allow(b)
}

func (k *knower) token(s edit.Span, what place) {
	if s.Empty() {
		return
	}
	b := k.m.Bytes(s)
	if string(b) == string(k.callID) && k.side == B {
		return // ours
	}
	k.hide.knows().AddToken(b, what.of(k.side))
}

// uri learns the host of a URI. That of tel: is a number, which both sides say.
func (k *knower) uri(s edit.Span, what place) {
	uri, err := sip.ParseURI(k.m.Raw, s)
	if err == nil && uri.Routable() && !bytes.EqualFold(k.m.Bytes(uri.Scheme), []byte("tel")) {
		k.host(uri.Host, what)
	}
}

func (k *knower) addr(na sip.NameAddr, what place) {
	k.uri(na.URI, what)
	if !na.Tag.Empty() {
		k.token(na.Tag, aTag)
	}
}

func (k *knower) addrs(f sip.Field, what place) {
	for na, err := range k.m.NameAddrs(f) {
		if err != nil {
			return
		}
		k.uri(na.URI, what)
	}
}

func (k *knower) via(f sip.Field) {
	if !k.m.IsRequest() {
		return // our own, come back
	}
	for rest := f.Value; !rest.Empty(); {
		v, next, err := sip.ParseVia(k.m.Raw, rest)
		if err != nil {
			return
		}
		k.host(v.Host, aVia)
		k.host(v.Received, aVia)
		k.token(v.Branch, aBranch)
		rest = next
	}
}

// description takes the addresses of a session description, those of its
// candidates too: they name the far end's networks.
func (k *knower) description(s *sdp.Session) {
	for _, ln := range s.Lines {
		switch v := ln.Value; {
		case ln.Type == 'o':
			k.host(word(k.m.Raw, v, 5), anOrigin)
		case ln.Type == 'c':
			k.host(word(k.m.Raw, v, 2), aConnection)
		case ln.Type == 'a' && bytes.HasPrefix(k.m.Bytes(v), []byte("candidate:")):
			k.host(word(k.m.Raw, v, 4), aCandidate)
			k.host(after(k.m.Raw, v, "raddr"), aCandidate)
		case ln.Type == 'a' && bytes.HasPrefix(k.m.Bytes(v), []byte("rtcp:")):
			k.host(word(k.m.Raw, v, 3), anRTCP)
		}
	}
}

// word returns the nth word of s, counted from 0.
func word(raw []byte, s edit.Span, n int) edit.Span {
	for i := s.Start; i < s.End; n-- {
		j := i
		for j < s.End && raw[j] != ' ' {
			j++
		}
		if n == 0 {
			return edit.Span{Start: i, End: j}
		}
		i = j + 1
	}
	return edit.Span{}
}

// after returns the word that follows the word name in s.
func after(raw []byte, s edit.Span, name string) edit.Span {
	for n := 0; ; n++ {
		w := word(raw, s, n)
		if w.Empty() {
			return w
		}
		if string(w.Of(raw)) == name {
			return word(raw, s, n+1)
		}
	}
}

// A place is where in a message an identifier stood.
type place uint8

const (
	aVia place = iota
	aBranch
	aContact
	aFrom
	aTo
	aTag
	aRequestURI
	aCallID
	anOrigin
	aConnection
	aCandidate
	anRTCP
	places
)

// placeNames has whole texts, so that naming a place costs nothing.
var placeNames = [places][2]string{
	aVia:        {"Via of leg a", "Via of leg b"},
	aBranch:     {"branch of leg a", "branch of leg b"},
	aContact:    {"Contact of leg a", "Contact of leg b"},
	aFrom:       {"From of leg a", "From of leg b"},
	aTo:         {"To of leg a", "To of leg b"},
	aTag:        {"tag of leg a", "tag of leg b"},
	aRequestURI: {"Request-URI of leg a", "Request-URI of leg b"},
	aCallID:     {"Call-ID of leg a", "Call-ID of leg b"},
	anOrigin:    {"o= of leg a", "o= of leg b"},
	aConnection: {"c= of leg a", "c= of leg b"},
	aCandidate:  {"a=candidate of leg a", "a=candidate of leg b"},
	anRTCP:      {"a=rtcp of leg a", "a=rtcp of leg b"},
}

func (p place) of(s Side) string { return placeNames[p][s] }
