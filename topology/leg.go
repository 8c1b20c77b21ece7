package topology

import (
	"net/netip"

	"sbc/signaling/edit"
	"sbc/signaling/sdp"
)

// A Leg is what the realm that will read a message may see in it. All of it
// is read and nothing is kept.
type Leg struct {
	Realm *Realm // its rules; nil: none

	RequestURI  []byte // nil: as received
	Vias        []byte // complete field lines, for all Vias of the message
	CallID      []byte // nil: as received
	CSeq        uint32 // 0: as received
	From, To    []byte // complete field values with tag; nil: as received, hosts and tag replaced
	FromTag     []byte // where From is nil; nil: no tag
	ToTag       []byte // where To is nil; nil: no tag
	Contact     []byte // complete value; nil: no Contact
	Routes      []byte // complete field lines, for Route (request) or Record-Route (response)
	MaxForwards int    // below 0: as received

	// Dialog tells the name that a dialog has for this leg. nil or false: what
	// names it goes. What it returns is used before the next call.
	Dialog func(DialogName) (DialogName, bool)
	// CallIDs does the same for a Call-ID that stands without tags:
	// In-Reply-To, and in bodies.
	CallIDs   func(callID []byte) ([]byte, bool)
	RAck      uint32 // CSeq number in RAck (RFC 3262 section 7.2); 0: as received
	Referred  uint32 // CSeq number in "Event: refer;id=" (RFC 3515 section 2.4.6); 0: as received
	Redirects bool   // Contact of a 3xx: each URI keeps its user part and gets Host; Contact is not used

	Host     []byte // host[:port] of ours that stands for hosts of the sending side; Realm.Mask goes before it
	PeerHost []byte // host[:port] that stands for the addressee

	SDP *SDP // nil: session descriptions pass as they are
}

// A DialogName names a dialog to one of its ends. A tag is empty where the
// message names none: in an early dialog, for instance.
type DialogName struct {
	CallID  []byte
	ToTag   []byte // of the end that is told of: to-tag of Replaces and Join, local-tag of Target-Dialog and of bodies
	FromTag []byte // of the other end: from-tag, remote-tag
	At      []byte // the URI that it is embedded in, without its fields: Refer-To?Replaces=; nil elsewhere
	Own     bool   // the reader is one of its ends: Target-Dialog (RFC 4538 section 1)
}

// An SDP is a session description and what has to stand in it.
type SDP struct {
	Session *sdp.Session // parsed from the message; its spans are offsets into it
	Body    edit.Span    // of the description in the message
	Origin  Origin
	Addr    netip.Addr // ours, for o= and all c=
	Lines   []Line     // one for each m= line, in their order
	CNAME   []byte     // stands for every CNAME in a=ssrc; nil: made of Origin.ID
}

// Origin is what identifies a description of ours (RFC 8866 section 5.2).
type Origin struct{ ID, Version uint64 }

// A Line is what a media line says of our end.
type Line struct {
	Port      uint16        // 0: the stream is off, as every stream is that does not run over datagrams (Streamed)
	RTCPPort  uint16        // 0: as Port and Mux imply
	Mux       bool          // RTCP on the RTP port (RFC 5761)
	Direction sdp.Direction // 0: as received
	Payloads  []Renumber    // formats that this side numbers differently
}

// Renumber is a payload type of the far side, and what this side calls the same
// format.
type Renumber struct{ From, To uint8 }
