package firewall

import (
	"bytes"

	"sbc/signaling/sip"
)

// DefaultDictionary are the users that the lists of scanners begin with.
func DefaultDictionary() []string {
	return []string{
		"100", "101", "102", "103", "110", "200", "201", "300", "400", "500", "600", "700", "800", "900", "999",
		"1000", "1001", "1002", "1003", "1100", "1234", "2000", "2001", "3000", "4000", "5000", "5060", "8000", "9999", "12345",
		"admin", "administrator", "asterisk", "freepbx", "guest", "nobody", "pbx", "root", "sip", "sipuser", "support",
		"test", "test1", "tester", "testing", "trunk", "user", "voip",
	}
}

// words are users that something is known of.
type words map[string]Offences

func dictionary(o *Options) words {
	w := make(words, len(o.Dictionary)+len(o.Honeypots))
	for _, u := range o.Dictionary {
		w[string(bytes.ToLower([]byte(u)))] |= DictionaryUser
	}
	for _, u := range o.Honeypots {
		w[string(bytes.TrimPrefix(bytes.ToLower([]byte(u)), plus))] |= Honeypot
	}
	return w
}

// plus stands in front of a number that is global (RFC 3966 section 5.1.4).
var plus = []byte("+")

// Ours: the longest user that is looked up. Numbers have 15 digits (E.164).
const userMax = 64

// Judge returns what is wrong with what a stranger's request says: whom it asks
// for, or in a REGISTER who it says it is, and by which tool. It is for requests
// of who is not known: extension 100 of a PBX is no offence. The slices are not
// kept, and may be nil.
func (g *Guard) Judge(method sip.Method, user, agent []byte) Offences {
	o := g.signatures.match(agent[:min(len(agent), headMax)], 0)
	if len(user) == 0 || len(user) > userMax {
		return o
	}
	var room [userMax]byte
	for i, c := range user {
		room[i] = lower[c]
	}
	is := g.words[string(bytes.TrimPrefix(room[:len(user)], plus))]
	if method != sip.INVITE && method != sip.REGISTER {
		is &^= DictionaryUser // who asks what 100 can do has not tried its password
	}
	return o | is
}
