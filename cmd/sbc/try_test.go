package main

import (
	"encoding/json"
	"strings"
	"testing"

	"sbc/signaling"
)

// What the running border would do with a call of the PBX, of the ITSP and of a
// stranger; and that it has done nothing.
func TestTryInvite(t *testing.T) {
	p := start(t, onLoopback(t, "19095"))
	p.serves(t)
	ask := func(line string) (int, string, string) {
		args := append([]string{"try", "invite"}, strings.Split(line, "|")...)
		return sbcOf(append(args, "--socket", p.socket)...)
	}
	const pbx, itsp = "--realm|inside|--source|127.178.1.10|--from|100|", "--realm|outside|--source|127.61.100.10:5070|--from|4930123|"
	for _, c := range []struct {
		line   string
		status int
		says   []string
	}{
		{pbx + "--to|030123456|--header|X-Extension: 12|--user-agent|PBX", exitDone, []string{"it would go on, to itsp at 127.61.100.10:5060", "number   030123456 becomes +4930123456 (", "User-Agent: edge", "- X-Extension: 12", "0 of 30"}},
		{pbx + "--to|4711", exitFailed, []string{"404 Not Found from the border: no_route", `user "4711" does not match ^0([1-9][0-9]+)$`}},
		{itsp + "--to|4711|--method|MESSAGE", exitDone, []string{"who sends from 127.61.100.8/29", "MESSAGE sip:4711@127.178.1.10 SIP/2.0"}},
		{"--realm|outside|--source|127.61.100.200|--from|1|--to|4711", exitFailed, []string{"no answer", "a stranger"}},
		{"--realm|lan|--source|127.61.100.200|--from|1|--to|4711", exitFailed, []string{`no realm "lan"; there are outside, inside`}},
		{itsp + "--to|4711|--transport|tcp", exitFailed, []string{"does not listen for TCP"}},
		{itsp + "--to|4711|--method|REGISTER", exitFailed, []string{"cannot be tried"}},
		{itsp + "--to|4711|--transport|sctp", exitFailed, []string{`"sctp" is no transport`}},
		{"--realm|outside|--source|here|--from|1|--to|4711", exitUsage, []string{`"here" is no address`}},
		{"--realm|outside|--source|127.61.100.200|--from|1", exitUsage, []string{"there is no --to; see: sbc try invite --help"}},
		{itsp + "--to|4711|more", exitUsage, []string{"see: sbc try invite --help"}},
	} {
		status, stdout, stderr := ask(c.line)
		for _, says := range c.says {
			if status != c.status || !strings.Contains(stdout+stderr, says) {
				t.Errorf("%s: status %d, want %d and %q:\n%s%s", c.line, status, c.status, says, stdout, stderr)
			}
		}
	}
	for line, want := range map[string]int{pbx + "--to|+4930|--json": exitDone, pbx + "--to|4711|--json": exitFailed} {
		status, stdout, stderr := ask(line)
		var r signaling.TryReport
		if err := json.Unmarshal([]byte(stdout), &r); err != nil || status != want || r.OK != (want == exitDone) || stderr != "" || len(r.Routes) != 2 {
			t.Errorf("%s: status %d, %v, %s%s", line, status, err, stdout, stderr)
		}
	}
	for args, says := range map[string]string{"why": "nothing of this was refused lately", "calls": "no calls", "status": "0 calls now, 0 attempted, 0 answered"} {
		if status, stdout, _ := sbcOf(args, "--socket", p.socket); status != exitDone || !strings.Contains(stdout, says) || strings.Contains(stdout, "REFUSED") {
			t.Errorf("sbc %s afterwards: %d, %s", args, status, stdout)
		}
	}
	if status, _, stderr := sbcOf("try", "invit"); status != exitUsage || !strings.Contains(stderr, `did you mean "invite"?`) {
		t.Errorf("sbc try invit: %d, %s", status, stderr)
	}
	if status, stdout, _ := sbcOf("try"); status != exitDone || !strings.Contains(stdout, "invite") {
		t.Errorf("sbc try: %d, %s", status, stdout)
	}
}
