package console

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"sbc/signaling"
)

// What a client asks is what the source is asked, and what is wrong with it is
// told in words.
func TestTry(t *testing.T) {
	c, _, _ := start(t)
	asked := signaling.Try{Realm: "outside", Source: netip.MustParseAddrPort("[2001:db8::1]:0"), Transport: "tls", Name: "itsp.example", Method: "MESSAGE", From: "+49 &=", To: "sip:a@b;x=y", UserAgent: "A/1", Fields: []string{"X-A: gold", "X-B: a,b"}, Proven: "100"}
	r, err := c.Try(context.Background(), asked)
	if err != nil || !r.OK || r.Request != fmt.Sprintf("%+v", asked) {
		t.Errorf("%+v, %v", r, err)
	}
	for _, x := range []struct {
		query  string
		status int
		says   string
	}{
		{"realm=outside&source=1.2.3.4", 200, `"ok":true`},
		{"realm=wrong&source=1.2.3.4", 400, "no realm"},
		{"realm=over&source=1.2.3.4", 503, "being stopped"},
		{"realm=outside&source=1.2.3", 400, "is no address"},
		{"realm=outside", 400, "is no address"},
		{"realm=outside&source=" + strings.Repeat("1", 300), 400, "is no address"},
	} {
		req, err := http.NewRequest("GET", "http://sbc/try?"+x.query, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		_, _ = body.ReadFrom(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != x.status || !strings.Contains(body.String(), x.says) || body.Len() > 400 {
			t.Errorf("%.40s: %d, %s", x.query, resp.StatusCode, body.String())
		}
	}
}

// Who somebody is, and what becomes of a request, has a line for each case.
func TestTryLines(t *testing.T) {
	for says, r := range map[string]signaling.TryReport{
		"it would get no answer\n":                     {},
		"it would get 200 OK from the border\n":        {OK: true, Answer: &signaling.TryAnswer{Status: 200, Reason: "OK"}},
		"what helps: --proven USER":                    {Answer: &signaling.TryAnswer{Status: 407}, Source: signaling.TrySource{Challenge: &signaling.TryChallenge{Domain: "a.example"}}},
		"pbx (sbc.hcl:3), because of who it says and":  {Source: signaling.TrySource{By: "proof", Peer: "pbx", Rule: "sbc.hcl:3"}},
		"peer pbx, who sends from 192.0.2.0/24":        {Source: signaling.TrySource{By: "source", Peer: "pbx", Prefix: "192.0.2.0/24"}},
		"a stranger: peer old sent from there before":  {Source: signaling.TrySource{By: "nobody", Former: "old"}},
		"a stranger: no peer sends from there":         {Source: signaling.TrySource{By: "nobody"}},
		"that it is a user of phones of domain a.exam": {Source: signaling.TrySource{Peer: "phones", Challenge: &signaling.TryChallenge{Domain: "a.example", Proven: true}}},
	} {
		var b bytes.Buffer
		if err := WriteTry(&b, r); err != nil || !strings.Contains(b.String(), says) {
			t.Errorf("no %q in %s, %v", says, b.String(), err)
		}
	}
}
