package e2e

import (
	"fmt"
	"testing"

	"sbc/lab/netns"
)

// challenge is what testdata/sipp/challenged.xml wants to know.
type challenge struct {
	Method string
	Status int
}

// Line is what follows SIP/2.0.
func (c challenge) Line() string {
	if c.Status == 407 {
		return "407 Proxy Authentication Required"
	}
	return "401 Unauthorized"
}

// Challenge is the field of the challenge, Credentials that of the answer.
func (c challenge) Challenge() string {
	if c.Status == 407 {
		return "Proxy-Authenticate"
	}
	return "WWW-Authenticate"
}

func (c challenge) Credentials() string {
	if c.Status == 407 {
		return "Proxy-Authorization"
	}
	return "Authorization"
}

// Asks is the challenge.
func (c challenge) Asks() string {
	return c.Challenge() + `: Digest realm="voice", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", ` +
		`opaque="5ccc069c403ebaf9f0171e9517f40e41", algorithm=MD5, qop="auth,auth-int"`
}

// Body is that of the method.
func (c challenge) Body(string, int) string {
	if c.Method == "INVITE" {
		return sdpText("sendrecv", "0 8")
	}
	return typed("text/plain", "Who are you?")
}

// The far end challenges, and the caller answers: the SBC has no part in it.
// What the caller hashed is what the far end is asked for, whatever host that
// names.
func TestChallenges(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp")
	throughSBC(t)
	for _, c := range []challenge{{"INVITE", 401}, {"INVITE", 407}, {"MESSAGE", 401}, {"MESSAGE", 407}} {
		for _, way := range []string{"out", "in"} {
			t.Run(fmt.Sprint(c.Method, " ", c.Status, " ", way), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				caller, callee := w.ends(way)
				w.play("challenged", caller, c,
					part{role: "uas", side: callee, port: sipPort, args: []string{"-m", "2"}},
					part{role: "uac", side: caller, port: sipPort + 1, calls: true,
						args: []string{"-auth_uri", "4930123@voice.example"}})
			})
		}
	}
}
