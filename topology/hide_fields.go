package topology

import (
	"sbc/signaling/edit"
	"sbc/signaling/sip"
)

// What is done to a header field. The zero treatment is that it passes.
type treatment uint8

const (
	passes     treatment = iota
	removed              // it names a place or a dialog and nothing of it may cross
	masked               // hosts in its URIs become ours
	addressed            // hosts in its URIs become the addressee's
	agent                // software: replaced or removed
	warning              // its agents become ours
	dialogName           // the dialog that it names is told by its name here, or the field goes
	callIDs              // likewise, a list of Call-IDs
	referrer             // masked, and what vouches for it goes
	event                // parameters that name a dialog are translated
	challenge            // no integrity of the body is offered

	// From here on a field belongs to the leg or the message itself: rules can
	// neither pass, remove nor add it, but for hosts in From and To.
	via
	route
	contact
	callID
	cseq
	hops
	rack
	from
	to
	framing // Content-Type and Content-Length
)

type fieldRow struct {
	do  treatment
	why edit.Reason
}

const (
	whyMask      edit.Reason = "host of the far side (RFC 5853 section 3.1)"
	whyAddressee edit.Reason = "host that stands for the addressee here"
	whyDialog    edit.Reason = "names a dialog of the far side"
	whyPlace     edit.Reason = "names a place of the far side"
	whyNetwork   edit.Reason = "names the far side's network (RFC 7315)"
)

// fieldRows says what is done to a field. What is not here passes as it came,
// and so does what we do not know.
var fieldRows = [256]fieldRow{
	sip.FieldVia:           {via, "our own path (RFC 3261 section 18.1.1)"},
	sip.FieldRoute:         {route, "the far side's route"},
	sip.FieldRecordRoute:   {route, "the far side's route (RFC 3261 section 12.1)"},
	sip.FieldContact:       {contact, "we are the far end here (RFC 3261 section 8.1.1.8)"},
	sip.FieldCallID:        {callID, "Call-ID of this leg (RFC 3261 section 8.1.1.4)"},
	sip.FieldCSeq:          {cseq, "numbers of this leg (RFC 3261 section 12.2.1.1)"},
	sip.FieldMaxForwards:   {hops, "one hop less (RFC 3261 section 16.6)"},
	sip.FieldFrom:          {from, whyMask},
	sip.FieldTo:            {to, whyAddressee},
	sip.FieldContentLength: {do: framing},
	sip.FieldContentType:   {do: framing},

	sip.FieldPath:         {removed, "the far side's route (RFC 3327)"},
	sip.FieldServiceRoute: {removed, "the far side's route (RFC 3608)"},
	sip.FieldGeolocation:  {removed, whyPlace},

	sip.FieldReplaces:     {dialogName, "name of that dialog here (RFC 3891 section 6.1)"},
	sip.FieldJoin:         {dialogName, "name of that dialog here (RFC 3911 section 7.1)"},
	sip.FieldTargetDialog: {dialogName, "name of that dialog here (RFC 4538 section 7)"},
	sip.FieldInReplyTo:    {callIDs, "Call-IDs of those calls here (RFC 3261 section 20.21)"},
	sip.FieldRAck:         {rack, "numbers of this leg (RFC 3262 section 7.2)"},
	sip.FieldEvent:        {do: event},

	sip.FieldWWWAuthenticate:   {challenge, whyIntegrity},
	sip.FieldProxyAuthenticate: {challenge, whyIntegrity},

	sip.FieldPVisitedNetworkID:          {removed, whyNetwork},
	sip.FieldPAccessNetworkInfo:         {removed, whyNetwork},
	sip.FieldPChargingVector:            {removed, whyNetwork},
	sip.FieldPChargingFunctionAddresses: {removed, whyNetwork},

	sip.FieldPAssertedIdentity:  {masked, whyMask},
	sip.FieldPPreferredIdentity: {masked, whyMask},
	sip.FieldRemotePartyID:      {masked, whyMask},
	sip.FieldDiversion:          {masked, whyMask},
	sip.FieldHistoryInfo:        {masked, whyMask},
	sip.FieldReplyTo:            {masked, whyMask},
	sip.FieldReferTo:            {masked, whyMask},
	sip.FieldReferredBy:         {referrer, whyMask},
	sip.FieldCallInfo:           {masked, whyMask},
	sip.FieldAlertInfo:          {masked, whyMask},
	sip.FieldErrorInfo:          {masked, whyMask},
	sip.FieldPAssociatedURI:     {masked, whyMask},
	sip.FieldPCalledPartyID:     {addressed, whyAddressee},

	sip.FieldOrganization: {removed, "names the far side (RFC 3261 section 20.25)"},
	sip.FieldWarning:      {warning, whyMask},
	sip.FieldUserAgent:    {agent, "software of the far side (RFC 3261 section 20.41)"},
	sip.FieldServer:       {agent, "software of the far side (RFC 3261 section 20.35)"},
}

// strangeRows are fields without a FieldID, by their names in lower case.
var strangeRows = map[string]fieldRow{
	"p-served-user":                {masked, whyMask},
	"p-profile-key":                {removed, whyNetwork},
	"p-user-database":              {removed, whyNetwork},
	"p-refused-uri-list":           {masked, whyMask},
	"p-private-network-indication": {removed, whyNetwork},
	"additional-identity":          {masked, whyMask},
	"geolocation-routing":          {removed, whyPlace},
	"relayed-charge":               {removed, whyNetwork},
	"cellular-network-info":        {removed, whyNetwork},
	"resource-share":               {removed, whyNetwork},
	"restoration-info":             {removed, whyNetwork},
	"trigger-consent":              {masked, whyMask},
	"permission-missing":           {masked, whyMask},
	"policy-contact":               {removed, whyPlace},
	"security-verify":              {removed, "of one hop only (RFC 3329)"},
	"security-client":              {removed, "of one hop only (RFC 3329)"},
	"security-server":              {removed, "of one hop only (RFC 3329)"},
}

// rowOf returns what is done to a field without a rule.
func rowOf(m *sip.Message, f sip.Field) fieldRow {
	if f.ID != sip.FieldUnknown {
		return fieldRows[f.ID]
	}
	var name [longestName]byte
	return strangeRows[string(foldInto(name[:0], m.Bytes(f.Name)))]
}
