package ua

import (
	"fmt"
	"net/netip"
	"strings"
)

// A Canary is what names one side of the border: an agent that carries it
// puts it into every field in which a real device or a proxy beside it might
// name its side, and nothing of it may be seen on the other side. The zero
// Canary adds nothing.
//
// What users write to each other (display names, user parts, Subject) carries
// no canary: it crosses the border.
type Canary struct {
	Word  string       // a word of small letters and digits, part of every name
	Inner netip.Addr   // an IPv4 address behind the agent, named but never used
	Own   []netip.Addr // further addresses of the side, for Find only
}

// Host returns a domain name of the side.
func (c Canary) Host() string { return "pbx." + c.Word + ".example" }

func (c Canary) none() bool { return c.Word == "" }

// at ends a Call-ID.
func (c Canary) at() string {
	if c.none() {
		return ""
	}
	return "@" + c.Host()
}

// uriParam ends a Contact's URI.
func (c Canary) uriParam() string {
	if c.none() {
		return ""
	}
	return ";at=" + c.Word
}

// identityURI is the value of our From.
func (c Canary) identityURI(user string, addr netip.AddrPort) string {
	if c.none() {
		return fmt.Sprintf("<sip:%s@%s>", user, addr)
	}
	return fmt.Sprintf("<sip:%s@%s>", user, c.Host())
}

// via is the Via of a proxy beside the agent.
func (c Canary) via(branch string) string {
	if c.none() {
		return ""
	}
	return fmt.Sprintf("Via: SIP/2.0/UDP phone.%s.example:5070;branch=%s-%s;received=%s\r\n",
		c.Word, branch, c.Word, c.Inner)
}

// agent is User-Agent or Server.
func (c Canary) agent(name string) string {
	if c.none() {
		return ""
	}
	return fmt.Sprintf("%s: %s-box/1.0 (%s)\r\n", name, c.Word, c.Inner)
}

// identity is what a request says of its sender, one line a field.
func (c Canary) identity(user string, addr netip.AddrPort) string {
	if c.none() {
		return ""
	}
	dashed := strings.ReplaceAll(c.Inner.String(), ".", "-")
	return c.fill(user, addr,
		"Record-Route: <sip:{addr};lr;at={word}>",
		"P-Asserted-Identity: <sip:{user}@{host}>, <tel:+4930123>",
		"P-Preferred-Identity: <sip:{user}@{inner}>",
		"Remote-Party-ID: <sip:{user}@{host}>;party=calling;screen=yes",
		"Diversion: <sip:200@{host}>;reason=unconditional, <sip:201@{inner}:5060>;reason=no-answer",
		"History-Info: <sip:200@{host}?Reason=SIP%3Bcause%3D302>;index=1, <sip:201@{inner}>;index=1.1",
		"Reply-To: <sip:{user}@{host}>",
		"Referred-By: <sip:{user}@{host}>",
		"Organization: {word} Ltd",
		"Call-Info: <http://{host}/photo.jpg>;purpose=icon, <http://{inner}/card>;purpose=card",
		"Alert-Info: <http://ip-"+dashed+".{word}.example/ring.wav>",
		"In-Reply-To: 4711@{host}",
		"Geolocation: <https://{host}/location/{hex}>",
		"P-Access-Network-Info: IEEE-802.11; i-wlan-node-id={hex}{word}",
		"P-Visited-Network-ID: {host}",
		"P-Charging-Vector: icid-value={hex}-{word};icid-generated-at={inner};orig-ioi={host}",
		"P-Charging-Function-Addresses: ccf={inner};ecf={host}",
		"P-Called-Party-ID: <sip:100@{host}>",
	)
}

// answer is what a response says of its sender.
func (c Canary) answer(status int, user string, addr netip.AddrPort) string {
	if c.none() {
		return ""
	}
	lines := []string{
		"Organization: {word} Ltd",
		"P-Asserted-Identity: <sip:{user}@{host}>",
		"Warning: 399 {host} \"sent for a test\"",
		"Reply-To: <sip:{user}@{host}>",
		"Call-Info: <http://{host}/photo.jpg>;purpose=icon",
		"P-Associated-URI: <sip:{user}@{host}>",
	}
	switch {
	case status >= 300:
		lines = append(lines, "Error-Info: <sip:announcement@{host}>")
	case status < 200:
		lines = append(lines, "Alert-Info: <http://{inner}/ring.wav>")
	}
	return c.fill(user, addr, lines...)
}

// fill writes lines with our names for those in braces.
func (c Canary) fill(user string, addr netip.AddrPort, lines ...string) string {
	names := strings.NewReplacer("{user}", user, "{host}", c.Host(), "{word}", c.Word, "{addr}", addr.String(),
		"{inner}", c.Inner.String(), "{hex}", hexOf(c.Inner))
	return names.Replace(strings.Join(lines, crlf) + crlf)
}

// description is what an SDP says of its sender.
type description struct{ user, name, info, session, media string }

// description returns lines of an SDP. Candidates are left out of a hold by
// c=0.0.0.0, which is none where there is ICE (RFC 8839).
func (c Canary) description(addr, rtcp netip.AddrPort, candidates bool) description {
	if c.none() {
		return description{user: "-", name: "-"}
	}
	d := description{
		user:    c.Word,
		name:    "call from " + c.Host(),
		info:    c.fill("", addr, "i={word} at {inner}", "u=http://{host}/", "e=desk@{host}"),
		session: c.fill("", addr, "a=tool:{word} 1.0"),
		media:   fmt.Sprintf("a=rtcp:%d IN %s\r\na=ssrc:12345 cname:%s@%s\r\n", rtcp.Port(), family(rtcp.Addr()), c.Word, c.Inner),
	}
	if candidates {
		d.media += c.fill("", addr, "a=ice-ufrag:{word}", "a=ice-pwd:{word}0123456789abcdef0123") +
			fmt.Sprintf("a=candidate:1 1 UDP 2130706431 %s %d typ host\r\n", addr.Addr(), addr.Port()) +
			fmt.Sprintf("a=candidate:2 1 UDP 1694498815 %s %d typ srflx raddr %s rport %d\r\n", c.Inner, addr.Port(), addr.Addr(), addr.Port()) +
			"a=remote-candidates:1 " + c.Inner.String() + " 9\r\n"
	}
	return d
}

// items are the SDES items CNAME to NOTE.
func (c Canary) items(user string, addr netip.AddrPort) []string {
	if c.none() {
		return []string{user + "@" + addr.Addr().String()}
	}
	return []string{
		"sip:" + user + "@" + c.Host(), c.Word + " desk", user + "@" + c.Host(), "+49 30 123 " + c.Word,
		c.Word + " building, " + c.Inner.String(), c.Word + "-rtp 1.0", "at " + hexOf(c.Inner),
	}
}
