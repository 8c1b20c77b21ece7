package signaling

import (
	"fmt"
	"strings"
)

// explain fills Why and Remedy.
func explain(info *RefusalInfo, d *denial) {
	switch {
	case d.by >= 0:
		info.Why, info.Remedy = "it was sent there, and {by} answered so", remedyOf(info.Status)
	case d.unread:
		info.Why = fmt.Sprintf("the message cannot be read: at octet %d there should be %s", d.octet, d.why)
		info.Remedy = "another sender, or one that is repaired: tcpdump shows what it sends"
	default:
		e := explanations[d.cause]
		info.Why, info.Remedy = e.why, e.remedy
		if d.why != "" {
			info.Why = d.why
		}
		if d.status == 500 && (strings.HasPrefix(d.cause, "sdp_") || d.cause == "no_offer" || d.cause == "multipart") {
			info.Why, info.Remedy = "what the called answered cannot be used: "+info.Why, "a session description of the called that answers the offer: see it in sbc call"
		}
	}
	peer := info.Peer
	if peer == "" {
		peer = "nobody"
	}
	words := strings.NewReplacer("{peer}", peer, "{by}", info.By, "{sent to}", info.SentTo, "{realm}", info.Realm, "{source}", info.Source, "{to}", info.To, "{from}", info.From, "{method}", info.Method)
	info.Why, info.Remedy = words.Replace(info.Why), words.Replace(info.Remedy)
}

// remedyOf says what to look at when a peer answers with a status.
func remedyOf(status int) string {
	switch status {
	case 403:
		return "ask {by} what it does not allow: the caller's number, this destination, our address"
	case 404, 484, 604:
		return "{by} does not know {to} as it was sent: see the Request-URI in sbc call, and number { replace } of the route"
	case 408, 480, 486, 487, 600, 603:
		return "nothing is wrong with the border: the called did not answer, or did not want to"
	case 415, 488, 606:
		return "{by} does not take the offer: see its codecs in sbc call"
	case 420, 421:
		return "{by} lacks or wants an extension: see Require and Supported in sbc call"
	case 482, 483:
		return "the call came back to where it had been: look at the routes of {by}, and at ours"
	case 500, 502, 503, 504:
		return "{by} cannot now: another peer in `to` of the route would take the call"
	}
	return "see in sbc call what was sent to {by}"
}

type explanation struct{ why, remedy string }

// explanations are the causes of refusals of ours; those that the rules explain
// have no why here.
var explanations = map[string]explanation{
	// Who it is from.
	"stranger": {"no peer of realm {realm} has the source address, and nobody has registered by it",
		"sources of the peer that it is, if it is one"},
	"dialog_source": {"it is within a call, and comes from an address that is none of the call's",
		"sources of the peer that it is; a phone has to register from there first"},
	"auth_failed": {"its password is wrong, or there is no such user", "the password that the configuration has; or it is somebody who tries"},
	"nonce":       {"its credentials are right, and for a challenge that is too old, went elsewhere, or was used already", "nothing: it was asked again, and answers that"},
	"auth_scheme": {"its credentials are of another scheme or algorithm than it was asked for", "algorithms of the domain with one that it knows"},
	"auth_syntax": {"its credentials cannot be read, or it has two of them for one realm", "another sender, or one that is repaired: sbc trace shows what it sends"},
	"auth_uri":    {"the uri in its credentials is of a host that is not served here", "the host that it is configured with as a domain, or as an address of ours"},
	"token":       {"the Request-URI has the form of a contact of ours, and no binding has it", "a registration: see sbc registrations"},

	// Where it would go.
	"not_allowed":  {"", `a route with from = [peer.{peer}]`},
	"no_route":     {"", "a route from {peer} whose match fits {to}"},
	"uri_too_long": {"", "a shorter number"},
	"rewrite":      {"", "number { replace } of the route with something left of {to}"},
	"no_target":    {"the route's peers have no address that can be reached from here", "target of the peer: see the addresses in sbc status"},
	"unreachable":  {"the registration is there, and the way to the phone is not: its connection broke, or it is overdue", "the phone registers again by itself: see sbc registrations"},
	"unregistered": {"no phone of {to} is registered here now, or the way to it is lost", "the phone registers: see sbc registrations, and sbc why {to} for what keeps it from that"},
	"no_user":      {"no user {to} is in the domain", "a user of the endpoints, or another number { } in the route"},
	"scheme":       {"the Request-URI is neither sip: nor tel:", "sip: instead"},
	"loop":         {"it has been here before, unchanged", "routes of the neighbours: one of them sends it back"},
	"max_forwards": {"it has passed as many hops as it may", "routes of the neighbours: they may form a ring"},
	"merged":       {"it came here twice by different ways", "one way from {peer} to us"},

	// How many.
	"calls_limit": {"", "a higher limits { calls } of the peer, or fewer calls"},
	"capacity":    {"as many transactions as may be are under way", "a higher limits { calls }, or fewer calls"},
	"ports":       {"no media port is free in one of the realms", "more in media { ports } of the realm: see PORT PAIRS in sbc status"},
	"media":       {"media ports could not be opened", "the log says why"},
	"toll_prefix": {"", "prefixes of the tolls of {peer} with the beginning of this number"},
	"toll_rate":   {"", "a higher costly_rate of the tolls of {peer}; or somebody has its password"},
	"user_calls":  {"", "a higher user_calls of the tolls of {peer}; or somebody has the user's password"},
	"calls_rate":  {"", "a higher limits { rate }, or fewer calls at once"},
	"lines_limit": {"", "a higher limits { lines }, or fewer calls"},
	"bandwidth":   {"", "a higher limits { bandwidth }, or fewer calls"},
	"rate":        {"{peer} has begun more than it may begin in this time, or somebody sends in its name", "to wait: what is there already goes on; firewall { peer_rate = ... } where {peer} has more calls a second than that"},
	"drain":       {"the border is being drained: what is there goes on, nothing begins", "another border, or sbc drain --cancel"},
	"shutdown":    {"the border is being stopped", "to try again in a while"},

	// Registrations.
	"register_rate":    {"more REGISTERs come than the peer can bear, or than one phone needs", "to wait: Retry-After says how long; rate of the endpoints"},
	"register_order":   {"its CSeq does not rise (RFC 3261 section 10.3)", "a phone that counts; or it is a copy of one that was here"},
	"register_crossed": {"the one before it is not answered yet", "to wait for the answer (RFC 3261 section 10.2)"},
	"binding_limit":    {"the address-of-record has all the contacts that it may have", "a higher contacts of the endpoints, or fewer phones with that account"},
	"interval":         {"it asks for a shorter time than it can be given", "the time in Min-Expires"},
	"aor":              {"its address-of-record is none of ours, or too long", "a user and the domain of the endpoints in To"},

	// What it says.
	"leak":         {"what would have gone out names something of the other side, and the realm has audit = \"refuse\"", "audit = \"scrub\", or a rule in topology that lets it pass: the log says which field"},
	"contact":      {"its Contact is missing, double, or leads nowhere", "one Contact with a sip: URI"},
	"content_type": {"its body has no type, or one that the border would have to read and cannot", "application/sdp, not encoded"},
	"multipart":    {"its body of several parts is broken", "parts as RFC 2046 has them"},
	"accept":       {"it accepts no session descriptions", "application/sdp in Accept"},
	"syntax":       {"a field that names a call, Replaces or Join, is not as its grammar has it", "a sender that is repaired: tcpdump shows what it sends"},
	"extension":    {"it requires an extension that the border does not carry", "less in Require: Unsupported in the answer names it"},
	"method":       {"the method is none that passes here", "a method of those in Allow of the answer"},
	"sdp_syntax":   {"", "a session description as RFC 4566 has it"},
	"sdp_limit":    {"", "a smaller session description"},
	"sdp_lines":    {"its session description has other lines than the one before it", "the lines of before in their places, and new ones behind them (RFC 3264 section 8)"},
	"sdp_address":  {"its session description names an address where nobody may be", "an address in c= at which {peer} can be reached"},
	"sdp_port":     {"its session description names a port that is none", "a port of 0 to 65535 in m="},
	"sdp_family":   {"its session description names an address of a family that the realm does not have", "an address of the other family in c=, or one of ours of that family in the realm"},
	"prack":        {"it acknowledges nothing that waits for it", "RAck of the last reliable response"},
	"no_offer":     {"there is no offer that it could answer", "an offer first (RFC 3264)"},
	"pending":      {"another request of the same kind is under way in the call", "to try again after a moment (RFC 3261 section 14.2)"},
	"cseq_order":   {"its CSeq does not rise within the call", "a user agent that counts"},

	// What it belongs to.
	"no_dialog": {"it is within a call that is not there, or not any more", "nothing, where the call has just ended"},
	"cancel":    {"there is no INVITE that it could cancel", "nothing, where the call was answered meanwhile"},
	"no_answer": {"{sent to} has not answered in time, or could not be reached", "{sent to} that answers: see its address in sbc status, and in sbc call what was sent"},
	"failover":  {"the peer could not be reached", "another peer in `to` of the route"},
}
