package e2e

import (
	"strings"
	"testing"

	"sbc/lab/netns"
)

// watch is what testdata/sipp/subscribe.xml wants to know.
type watch struct {
	Event, Type string
	Early       bool // the first NOTIFY overtakes the 200 to the SUBSCRIBE
	body        func(host string, version int) string
}

// Body is that of a NOTIFY of a host.
func (w watch) Body(host string, version int) string { return w.body(host, version) }

// busy lights a busy lamp, mail that of a mailbox.
var (
	busy = watch{
		Event: "dialog", Type: "application/dialog-info+xml",
		body: func(host string, version int) string {
			return lamp(host, []string{"early", "confirmed", "terminated"}[version], version)
		},
	}
	mail = watch{
		Event: "message-summary", Type: "application/simple-message-summary",
		body: func(host string, _ int) string { return waiting(host) },
	}
)

// early lets the first NOTIFY overtake the 200.
func (w watch) early() watch { w.Early = true; return w }

// A letter is what testdata/sipp/message.xml wants to know.
type letter struct {
	Method, Fields string
	body           func(host string) string
	Seen           string // what the far end sees of the body
	Status         int
	Line           string // of the response
	AnswerFields   string
	Answer         string // what the sender sees of the response
}

// Body is that of a host.
func (l letter) Body(host string, _ int) string { return l.body(host) }

// Requests that stand alone.
var (
	text = letter{
		Method: "MESSAGE", body: func(string) string { return typed("text/plain", "Lunch at 12?") },
		Seen: "text/plain.*Lunch at 12[?]", Status: 202, Line: "202 Accepted", Answer: "202 Accepted",
	}
	unread = letter{
		Method: "MESSAGE", body: func(string) string { return typed("text/plain", "Lunch at 12?") },
		Seen: "Lunch at 12[?]", Status: 480, Line: "480 Temporarily Unavailable", Answer: "480 Temporarily Unavailable",
	}
	presence = letter{
		Method: "PUBLISH", Fields: "Event: presence\nExpires: 3600", body: pidf,
		Seen:   "Event: *presence.*Expires: *3600.*entity=.pres:200@[0-9.]+.*&lt;basic&gt;open",
		Status: 200, Line: "200 OK", AnswerFields: "SIP-ETag: dx200xyz\nExpires: 1800", Answer: "SIP-ETag: *dx200xyz.*Expires: *1800",
	}
	refreshed = letter{
		Method: "PUBLISH", Fields: "Event: presence\nSIP-If-Match: dx200xyz\nExpires: 3600", body: func(string) string { return "" },
		Seen: "SIP-If-Match: *dx200xyz", Status: 412, Line: "412 Conditional Request Failed", Answer: "412 Conditional",
	}
	unsolicited = letter{
		Method: "NOTIFY", Fields: "Event: message-summary\nSubscription-State: terminated;reason=noresource", body: waiting,
		Seen:   "Event: *message-summary.*Messages-Waiting: *yes.*Message-Account: *sip:200@[0-9.]+.*Voice-Message: *4/8 .1/2.",
		Status: 200, Line: "200 OK", Answer: "200 OK",
	}
	asked = letter{
		Method: "OPTIONS", Fields: "Accept: application/sdp", body: func(string) string { return "" },
		Seen:   "OPTIONS sip:4930123@",
		Status: 200, Line: "200 OK", AnswerFields: "Allow: INVITE, ACK, BYE, NOTIFY\nAccept: application/sdp",
		Answer: "Allow: *INVITE, ACK, BYE, NOTIFY.*Accept: *application/sdp",
	}
)

// pidf is the presence of a user of a host (RFC 3863).
func pidf(host string) string {
	return typed("application/pidf+xml", `<?xml version="1.0" encoding="UTF-8"?>
<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:200@`+host+`">
<tuple id="t1"><status><basic>open</basic></status><contact priority="0.8">sip:200@`+host+`:5070</contact></tuple>
</presence>`)
}

// An OPTIONS to the SBC itself is answered by it, whoever asks.
func TestOptionsToOurselves(t *testing.T) {
	bothWays(t, func(t *testing.T, w *world, near, far *side) {
		w.begin("options_ours", near, nil, part{role: "uac", side: near, port: sipPort + 1, calls: true})()
		w.drain(far)
		if d := ladder(from(far.seen.Datagrams(), far.border)); strings.Contains(d, "SIP") {
			t.Errorf("%s heard of it:\n%s", far.name, d)
		}
	})
}

// Subscriptions that do not last: a proxy forks them, or nobody wants them.
func TestSubscriptionsThatEnd(t *testing.T) {
	t.Parallel()
	netns.Require(t, "root", "sipp", "kamailio")
	throughSBC(t)
	for _, way := range []string{"out", "in"} {
		t.Run("forked "+way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			caller, callee := w.ends(way)
			one, two := part{role: "first", side: callee, port: 5071}, part{role: "second", side: callee, port: 5072}
			w.kamailio(callee, "sip:one@"+one.at().String(), "sip:two@"+two.at().String())
			w.play("subscribe_forked", caller, nil, one, two, part{role: "uac", side: caller, port: sipPort + 1, calls: true})
		})
		t.Run("refused "+way, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			caller, callee := w.ends(way)
			w.play("subscribe_refused", caller, nil,
				part{role: "uas", side: callee, port: sipPort, args: []string{"-m", "2"}},
				part{role: "uac", side: caller, port: sipPort + 1, calls: true})
		})
	}
}
