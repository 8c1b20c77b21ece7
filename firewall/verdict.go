package firewall

// A Class is what is known of a sender.
type Class uint8

const (
	Unknown    Class = iota // its address may be forged
	Proven                  // it returned what only its address could receive
	Registered              // known: a user agent registered by this flow
	Peer                    // known: a peer of the configuration
	classes
)

var classNames = [classes]string{"unknown", "proven", "registered", "peer"}

func (c Class) String() string { return classNames[c] }

// A Cause is why a packet, a connection or a request is refused.
type Cause uint8

const (
	NoCause           Cause = iota
	CauseSource             // a source that cannot be one
	CauseBanned             // the source is banned
	CauseScanner            // the tool of a scanner has left its name
	CauseRate               // the source, or the known flow, is over its rate or policed
	CauseIntake             // the share of the class is used up
	CausePeerNew            // over the rate of a peer's new requests
	CauseFlowNew            // over the rate of a registered flow's new requests
	CausePeerExisting       // over the rate of a peer's messages of what exists
	causes
)

// Names of causes, as metrics have them.
var causeNames = [causes]string{"", "source", "banned", "scanner", "rate", "intake", "peer_new", "flow_new", "peer_existing"}

func (c Cause) String() string { return causeNames[c] }

// A Verdict is what is to be done with what came.
type Verdict struct {
	Drop  bool  // silently
	Cause Cause // why it is dropped, or, where the Guard only counts, would be
	Class Class // of the sender
}
