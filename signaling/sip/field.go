package sip

// A FieldID names a field that the SBC knows.
type FieldID uint8

// The known fields. FieldUnknown is all others.
const (
	FieldUnknown FieldID = iota
	FieldVia
	FieldFrom
	FieldTo
	FieldCallID
	FieldCSeq
	FieldContact
	FieldMaxForwards
	FieldRoute
	FieldRecordRoute
	FieldContentLength
	FieldContentType
	FieldContentEncoding
	FieldContentDisposition
	FieldRequire
	FieldProxyRequire
	FieldSupported
	FieldUnsupported
	FieldAllow
	FieldAllowEvents
	FieldAccept
	FieldExpires
	FieldRSeq
	FieldRAck
	FieldReferTo
	FieldReferredBy
	FieldReplaces
	FieldJoin
	FieldTargetDialog
	FieldInReplyTo
	FieldSessionExpires
	FieldMinSE
	FieldAuthorization
	FieldProxyAuthorization
	FieldWWWAuthenticate
	FieldProxyAuthenticate
	FieldAuthenticationInfo
	FieldPAssertedIdentity
	FieldPPreferredIdentity
	FieldRemotePartyID
	FieldDiversion
	FieldHistoryInfo
	FieldPrivacy
	FieldReplyTo
	FieldUserAgent
	FieldServer
	FieldWarning
	FieldCallInfo
	FieldAlertInfo
	FieldErrorInfo
	FieldOrganization
	FieldSubject
	FieldDate
	FieldTimestamp
	FieldRetryAfter
	FieldReason
	FieldEvent
	FieldSubscriptionState
	FieldPath
	FieldServiceRoute
	FieldGeolocation
	FieldIdentity
	FieldPVisitedNetworkID
	FieldPAccessNetworkInfo
	FieldPChargingVector
	FieldPChargingFunctionAddresses
	FieldPCalledPartyID
	FieldPAssociatedURI
	FieldUserToUser
	FieldReferSub
	FieldMaxBreadth
	FieldMinExpires
	FieldSIPETag
	FieldSIPIfMatch
	FieldMIMEVersion
	fieldIDs
)

// fieldNames has the name of each field and its compact form, as in the
// registry of SIP parameters.
var fieldNames = [fieldIDs]struct{ long, compact string }{
	FieldVia:                        {"Via", "v"},
	FieldFrom:                       {"From", "f"},
	FieldTo:                         {"To", "t"},
	FieldCallID:                     {"Call-ID", "i"},
	FieldCSeq:                       {"CSeq", ""},
	FieldContact:                    {"Contact", "m"},
	FieldMaxForwards:                {"Max-Forwards", ""},
	FieldRoute:                      {"Route", ""},
	FieldRecordRoute:                {"Record-Route", ""},
	FieldContentLength:              {"Content-Length", "l"},
	FieldContentType:                {"Content-Type", "c"},
	FieldContentEncoding:            {"Content-Encoding", "e"},
	FieldContentDisposition:         {"Content-Disposition", ""},
	FieldRequire:                    {"Require", ""},
	FieldProxyRequire:               {"Proxy-Require", ""},
	FieldSupported:                  {"Supported", "k"},
	FieldUnsupported:                {"Unsupported", ""},
	FieldAllow:                      {"Allow", ""},
	FieldAllowEvents:                {"Allow-Events", "u"},
	FieldAccept:                     {"Accept", ""},
	FieldExpires:                    {"Expires", ""},
	FieldRSeq:                       {"RSeq", ""},
	FieldRAck:                       {"RAck", ""},
	FieldReferTo:                    {"Refer-To", "r"},
	FieldReferredBy:                 {"Referred-By", "b"},
	FieldReplaces:                   {"Replaces", ""},
	FieldJoin:                       {"Join", ""},
	FieldTargetDialog:               {"Target-Dialog", ""},
	FieldInReplyTo:                  {"In-Reply-To", ""},
	FieldSessionExpires:             {"Session-Expires", "x"},
	FieldMinSE:                      {"Min-SE", ""},
	FieldAuthorization:              {"Authorization", ""},
	FieldProxyAuthorization:         {"Proxy-Authorization", ""},
	FieldWWWAuthenticate:            {"WWW-Authenticate", ""},
	FieldProxyAuthenticate:          {"Proxy-Authenticate", ""},
	FieldAuthenticationInfo:         {"Authentication-Info", ""},
	FieldPAssertedIdentity:          {"P-Asserted-Identity", ""},
	FieldPPreferredIdentity:         {"P-Preferred-Identity", ""},
	FieldRemotePartyID:              {"Remote-Party-ID", ""},
	FieldDiversion:                  {"Diversion", ""},
	FieldHistoryInfo:                {"History-Info", ""},
	FieldPrivacy:                    {"Privacy", ""},
	FieldReplyTo:                    {"Reply-To", ""},
	FieldUserAgent:                  {"User-Agent", ""},
	FieldServer:                     {"Server", ""},
	FieldWarning:                    {"Warning", ""},
	FieldCallInfo:                   {"Call-Info", ""},
	FieldAlertInfo:                  {"Alert-Info", ""},
	FieldErrorInfo:                  {"Error-Info", ""},
	FieldOrganization:               {"Organization", ""},
	FieldSubject:                    {"Subject", "s"},
	FieldDate:                       {"Date", ""},
	FieldTimestamp:                  {"Timestamp", ""},
	FieldRetryAfter:                 {"Retry-After", ""},
	FieldReason:                     {"Reason", ""},
	FieldEvent:                      {"Event", "o"},
	FieldSubscriptionState:          {"Subscription-State", ""},
	FieldPath:                       {"Path", ""},
	FieldServiceRoute:               {"Service-Route", ""},
	FieldGeolocation:                {"Geolocation", ""},
	FieldIdentity:                   {"Identity", "y"},
	FieldPVisitedNetworkID:          {"P-Visited-Network-ID", ""},
	FieldPAccessNetworkInfo:         {"P-Access-Network-Info", ""},
	FieldPChargingVector:            {"P-Charging-Vector", ""},
	FieldPChargingFunctionAddresses: {"P-Charging-Function-Addresses", ""},
	FieldPCalledPartyID:             {"P-Called-Party-ID", ""},
	FieldPAssociatedURI:             {"P-Associated-URI", ""},
	FieldUserToUser:                 {"User-to-User", ""},
	FieldReferSub:                   {"Refer-Sub", ""},
	FieldMaxBreadth:                 {"Max-Breadth", ""},
	FieldMinExpires:                 {"Min-Expires", ""},
	FieldSIPETag:                    {"SIP-ETag", ""},
	FieldSIPIfMatch:                 {"SIP-If-Match", ""},
	FieldMIMEVersion:                {"MIME-Version", ""},
}

// oneAtMost are the fields, beside those that decode reads, that may stand in
// a message once (RFC 3261 section 7.3.1) and on which somebody acts. Of two,
// one reader takes the first and another the last. Texts for people are not
// here.
var oneAtMost = [fieldIDs]bool{
	FieldContentType: true, FieldContentDisposition: true, FieldMIMEVersion: true,
	FieldExpires: true, FieldMinExpires: true, FieldRetryAfter: true, FieldMaxBreadth: true,
	FieldRSeq: true, FieldRAck: true,
	FieldReferTo: true, FieldReferredBy: true, FieldReferSub: true,
	FieldReplaces: true, FieldJoin: true, FieldTargetDialog: true,
	FieldSessionExpires: true, FieldMinSE: true,
	FieldEvent: true, FieldSubscriptionState: true, FieldSIPETag: true, FieldSIPIfMatch: true,
	FieldPrivacy: true, FieldReplyTo: true, FieldPCalledPartyID: true,
	FieldPChargingVector: true, FieldPChargingFunctionAddresses: true,
}

// String returns the name of the field; FieldUnknown has none.
func (id FieldID) String() string { return fieldNames[id].long }
