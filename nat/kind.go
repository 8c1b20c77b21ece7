package nat

// A Kind is what stands between us and a far end, as far as one message of it
// shows: a word for operators. Nothing is decided by it: where a message goes
// is decided by the flow, and media by the latch.
type Kind uint8

// The kinds.
const (
	// KindUnknown: it names hosts only, as phones in browsers do
	// (RFC 7118 section 5), so nothing can be compared.
	KindUnknown Kind = iota
	// KindNone: it names the address that it is seen at.
	KindNone
	// KindPort: it names the address that it is seen at, but sends from
	// another port than it says it listens on. It has learned its public
	// address but not its port, or it is asymmetric and behind no NAT at all.
	KindPort
	// KindAddress: a NAT that gave it another address and kept the port
	// (RFC 4787 section 4.2.1: port preservation), or, on a stream, any NAT.
	KindAddress
	// KindAddressPort: a NAT that gave it another address and port.
	KindAddressPort
	// KindHalfVia: the Via fits and the Contact does not: an ALG that
	// rewrites only a part. What it does to Contact is unreliable: such
	// routers are best told to leave SIP alone.
	KindHalfVia
	// KindHalfContact: the Contact fits and the Via does not: an ALG that
	// rewrites only a part, or a phone that has learned its public address
	// from received and rport of earlier responses.
	KindHalfContact
	// KindHalfMedia: Via and Contact fit, and the session description names
	// an address inside of a network: an ALG that does not see bodies.
	KindHalfMedia
	// KindHalfSignaling: Via and Contact name an address inside of a network
	// and the session description the one that it is seen at: an ALG that
	// sees nothing but bodies, or a phone that asks STUN for its media only.
	KindHalfSignaling
	kinds
)

var kindNames = [kinds]string{
	"unknown", "none", "port", "address", "address+port",
	"half:via", "half:contact", "half:not-media", "half:media",
}

// String returns the word that operators read: "half:contact" has only its
// Contact right.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown"
}

// Behind reports whether a NAT stands between us and the far end: it is then
// reached only by the flow that it opened, and only while that is kept alive.
func (k Kind) Behind() bool { return k >= KindAddress }

// nearness of what is named: the rows and columns of kindTable.
const (
	saysNothing = iota
	fits
	fitsButPort
	fitsNot
)

// kindTable has the Via down, the Contact across. KindAddress in it is told
// from KindAddressPort by the port.
var kindTable = [4][4]Kind{
	//                 nothing      fits             other port       other address
	saysNothing: {KindUnknown, KindNone, KindPort, KindAddress},
	fits:        {KindNone, KindNone, KindPort, KindHalfVia},
	fitsButPort: {KindPort, KindPort, KindPort, KindHalfVia},
	fitsNot:     {KindAddress, KindHalfContact, KindHalfContact, KindAddress},
}

// Kind returns the word for what f shows.
func (f *Far) Kind() Kind {
	contact := f.Contact
	if f.Hops > 1 {
		contact = Named{} // the source is a proxy's, the Contact somebody else's
	}
	k := kindTable[f.nearness(f.Via)][f.nearness(contact)]
	hidden := f.Media.Match.Elsewhere() && (f.Media.Place == Private || f.Media.Place == Shared)
	switch {
	case k == KindNone && hidden && f.Hops <= 1 && PlaceOf(f.Source.Addr()) == Public:
		return KindHalfMedia
	case k != KindAddress:
		return k
	case f.Hops <= 1 && f.MediaLines > 0 && f.MediaAtSrc == f.MediaLines:
		return KindHalfSignaling
	case f.Stream:
		return KindAddress
	}
	inside := f.Via
	if !inside.Match.Elsewhere() {
		inside = contact
	}
	if inside.Addr.Port() != f.Source.Port() {
		return KindAddressPort
	}
	return KindAddress
}

// nearness returns the row or column of n.
func (f *Far) nearness(n Named) int {
	switch n.Match {
	case Same:
		return fits
	case OtherPort:
		if f.Stream {
			return fits
		}
		return fitsButPort
	case OtherAddress, OtherFamily:
		return fitsNot
	}
	return saysNothing
}
