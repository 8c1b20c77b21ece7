package nat_test

import (
	"strings"
	"testing"

	"sbc/nat"
)

const (
	peer4 = "\x00\x01\x13\xc4\xcb\x00\x71\x07"
	peer6 = "\x00\x02\x13\xc4\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"
)

// cut returns b with some octets other than they were.
func cut(b []byte, change func(b []byte) []byte) []byte {
	return change(append([]byte(nil), b...))
}

func TestSTUNCheck(t *testing.T) {
	hmac, sha := strings.Repeat("m", 20), strings.Repeat("s", 32)
	turn, client := &nat.TURNServer, &nat.BindingClient
	for _, c := range []struct {
		name  string
		b     []byte
		rules *nat.STUNRules
		want  nat.STUNCause
	}{
		{"a binding request", stun(bindingRequest), turn, nat.STUNFine},
		{"an Allocate", stun(allocateRequest, attr{nat.AttrRequestedTransport, "\x11\x00\x00\x00"}, attr{nat.AttrLifetime, "\x00\x00\x02\x58"},
			attr{nat.AttrUsername, "user"}, attr{nat.AttrRealm, "example"}, attr{nat.AttrNonce, "abc"},
			attr{nat.AttrMessageIntegrity, hmac}, attr{nat.AttrFingerprint, ""}), turn, nat.STUNFine},
		{"a Send", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer4}, attr{nat.AttrData, "hello"}), turn, nat.STUNFine},
		{"a Send by IPv6", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer6}, attr{nat.AttrData, ""}), turn, nat.STUNFine},
		{"both integrities", stun(bindingRequest, attr{nat.AttrMessageIntegrity, hmac}, attr{nat.AttrIntegritySHA256, sha}), turn, nat.STUNFine},
		{"a short SHA-256", stun(bindingRequest, attr{nat.AttrIntegritySHA256, sha[:16]}), turn, nat.STUNFine},
		{"an attribute of another day", stun(bindingRequest, attr{0x7abc, "x"}), turn, nat.STUNFine},
		{"the longest user name", stun(bindingRequest, attr{nat.AttrUsername, strings.Repeat("u", 512)}), turn, nat.STUNFine},
		{"32 attributes", stun(bindingRequest, many(32)...), turn, nat.STUNFine},
		{"1500 octets", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer4}, attr{nat.AttrData, strings.Repeat("d", 1464)}), turn, nat.STUNFine},

		{"nothing", nil, turn, nat.STUNForeign},
		{"a wrong cookie", cut(stun(bindingRequest), func(b []byte) []byte { b[7]++; return b }), turn, nat.STUNForeign},
		{"an empty peer ends the library", emptyPeer, turn, nat.STUNAddress},
		{"a peer of two octets", stun(sendIndication, attr{nat.AttrXORPeerAddress, "\x00\x01"}), turn, nat.STUNAddress},
		{"a peer of four octets", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer4[:4]}), turn, nat.STUNAddress},
		{"IPv4 with the length of IPv6", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer4 + peer6[8:]}), turn, nat.STUNAddress},
		{"IPv6 with the length of IPv4", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer6[:8]}), turn, nat.STUNAddress},
		{"a family that is none", stun(sendIndication, attr{nat.AttrXORPeerAddress, "\x00\x03" + peer4[2:]}), turn, nat.STUNAddress},
		{"a family in two octets", stun(sendIndication, attr{nat.AttrXORPeerAddress, "\x01\x01" + peer4[2:]}), turn, nat.STUNAddress},
		{"the second peer", stun(sendIndication, attr{nat.AttrXORPeerAddress, peer4}, attr{nat.AttrXORPeerAddress, ""}), turn, nat.STUNAddress},
		{"length 0 of an address that libraries take for another", stun(bindingRequest, attr{nat.AttrXORMappedAddressOld, ""}), turn, nat.STUNAddress},
		{"an octet more", append(stun(bindingRequest), 0), turn, nat.STUNLength},
		{"a word more", append(stun(bindingRequest), 0, 0, 0, 0), turn, nat.STUNLength},
		{"a word less", cut(stun(bindingRequest, attr{nat.AttrSoftware, "abcd"}), func(b []byte) []byte { return b[:24] }), turn, nat.STUNLength},
		{"not a multiple of 4", cut(append(stun(bindingRequest), 1, 2), func(b []byte) []byte { b[3] = 2; return b }), turn, nat.STUNLength},
		{"an attribute over the end", cut(stun(bindingRequest, attr{nat.AttrSoftware, "abcd"}), func(b []byte) []byte { b[23] = 5; return b }), turn, nat.STUNOverrun},
		{"by 64 KB", cut(stun(bindingRequest, attr{nat.AttrSoftware, "abcd"}), func(b []byte) []byte { b[22], b[23] = 0xff, 0xff; return b }), turn, nat.STUNOverrun},
		{"33 attributes", stun(bindingRequest, many(33)...), turn, nat.STUNMany},
		{"1504 octets", stun(sendIndication, attr{nat.AttrData, strings.Repeat("d", 1480)}), turn, nat.STUNSize},
		{"a short LIFETIME", stun(allocateRequest, attr{nat.AttrLifetime, "\x00\x01"}), turn, nat.STUNAttribute},
		{"an empty REQUESTED-TRANSPORT", stun(allocateRequest, attr{nat.AttrRequestedTransport, ""}), turn, nat.STUNAttribute},
		{"a long CHANNEL-NUMBER", stun(0x0009, attr{nat.AttrChannelNumber, "\x40\x00\x00\x00\x00"}), turn, nat.STUNAttribute},
		{"an empty EVEN-PORT", stun(allocateRequest, attr{nat.AttrEvenPort, ""}), turn, nat.STUNAttribute},
		{"a short RESERVATION-TOKEN", stun(allocateRequest, attr{nat.AttrReservationToken, "1234567"}), turn, nat.STUNAttribute},
		{"DONT-FRAGMENT with a value", stun(allocateRequest, attr{nat.AttrDontFragment, "x"}), turn, nat.STUNAttribute},
		{"a user name too long", stun(bindingRequest, attr{nat.AttrUsername, strings.Repeat("u", 513)}), turn, nat.STUNAttribute},
		{"a nonce too long", stun(bindingRequest, attr{nat.AttrNonce, strings.Repeat("n", 764)}), turn, nat.STUNAttribute},
		{"a realm too long", stun(bindingRequest, attr{nat.AttrRealm, strings.Repeat("r", 764)}), turn, nat.STUNAttribute},
		{"an ERROR-CODE without code", stun(bindingError, attr{nat.AttrErrorCode, "\x00\x00"}), client, nat.STUNAttribute},
		{"a short integrity", stun(bindingRequest, attr{nat.AttrMessageIntegrity, hmac[:19]}), turn, nat.STUNAttribute},
		{"a SHA-256 of 12", stun(bindingRequest, attr{nat.AttrIntegritySHA256, sha[:12]}), turn, nat.STUNAttribute},
		{"a SHA-256 of 18", stun(bindingRequest, attr{nat.AttrIntegritySHA256, sha[:18]}), turn, nat.STUNAttribute},
		{"half a list of attributes", stun(bindingError, attr{nat.AttrUnknownAttributes, "\x00"}), client, nat.STUNAttribute},
		{"a peer behind the integrity", stun(sendIndication, attr{nat.AttrMessageIntegrity, hmac}, attr{nat.AttrXORPeerAddress, peer4}), turn, nat.STUNOrder},
		{"the integrity twice", stun(bindingRequest, attr{nat.AttrMessageIntegrity, hmac}, attr{nat.AttrMessageIntegrity, hmac}), turn, nat.STUNOrder},
		{"the integrities turned round", stun(bindingRequest, attr{nat.AttrIntegritySHA256, sha}, attr{nat.AttrMessageIntegrity, hmac}), turn, nat.STUNOrder},
		{"something behind FINGERPRINT", stun(bindingRequest, attr{nat.AttrFingerprint, "1234"}, attr{nat.AttrSoftware, "x"}), turn, nat.STUNFingerprint},
		{"a wrong FINGERPRINT", stun(bindingRequest, attr{nat.AttrFingerprint, "1234"}), turn, nat.STUNFingerprint},
		{"a Data indication to a server", stun(dataIndication, attr{nat.AttrXORPeerAddress, peer4}), turn, nat.STUNNotAllowed},
		{"a response to a server", stun(bindingSuccess), turn, nat.STUNNotAllowed},
		{"Connect of RFC 6062", stun(0x000A), turn, nat.STUNNotAllowed},
		{"a method that is none", stun(0x3EEF), turn, nat.STUNNotAllowed},
		{"a Send as a request", stun(0x0006), turn, nat.STUNNotAllowed},
		{"an Allocate on a SIP port", stun(allocateRequest), &nat.BindingServer, nat.STUNNotAllowed},
		{"a request to a client", stun(bindingRequest), client, nat.STUNNotAllowed},
		{"too long for a SIP port", stun(bindingRequest, attr{nat.AttrSoftware, strings.Repeat("x", 528)}), &nat.BindingServer, nat.STUNSize},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := nat.STUN(c.b).Check(c.rules); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func many(n int) (attrs []attr) {
	for range n {
		attrs = append(attrs, attr{nat.AttrSoftware, ""})
	}
	return attrs
}

// What stands behind a FINGERPRINT that is right for where it stands.
func TestSTUNBehindFingerprint(t *testing.T) {
	for _, behind := range []attr{{nat.AttrSoftware, "x"}, {nat.AttrFingerprint, "1234"}} {
		b := stun(bindingRequest, attr{nat.AttrFingerprint, ""})
		tail := stun(bindingRequest, behind)[20:]
		b = append(b, tail...)
		b[3] += byte(len(tail))
		// The length is a part of what the fingerprint is made of.
		fixed := stun(bindingRequest)
		fixed[3] = b[3]
		sum := nat.Fingerprint(fixed)
		b[24], b[25], b[26], b[27] = byte(sum>>24), byte(sum>>16), byte(sum>>8), byte(sum)
		if got := nat.STUN(b).Check(&nat.BindingServer); got != nat.STUNOrder {
			t.Errorf("%q", got)
		}
	}
}

func TestSTUNCauseWords(t *testing.T) {
	for c := nat.STUNForeign; c <= nat.STUNChannelOverrun; c++ {
		want := "stun_malformed"
		if c == nat.STUNNotAllowed {
			want = "stun_not_allowed"
		}
		if s := c.String(); s == "" || s == "unknown" || c.Label() != want {
			t.Errorf("%d: %q, %q", c, s, c.Label())
		}
	}
	if nat.STUNFine.String() != "" || nat.STUNFine.Label() != "" || nat.STUNCause(99).String() != "unknown" {
		t.Error("words for none")
	}
}
