package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sbc/bench/world"
	"sbc/lab/netns"
)

// A load is what sipp shall do.
type load struct {
	rate  int
	calls int
	pause int           // ms before the 200 and before the BYE
	hold  time.Duration // between ACK and BYE
	kind  kind
}

// An outcome is what came of it.
type outcome struct {
	calls, failed, resent int
}

const sdpLines = `
v=0
o=bench 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [media_port] RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=sendrecv
`

// caller and callee are the scenarios.
func (l load) caller() string {
	return `<?xml version="1.0"?><scenario name="caller">
<send retrans="500"><![CDATA[
INVITE sip:[call_number]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: "Caller" <sip:caller@[local_ip]:[local_port]>;tag=c[call_number]
To: <sip:[call_number]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]
` + sdpLines + `]]></send>
<recv response="100" optional="true"/><recv response="180" optional="true"/>
<recv response="200" rrs="true" rtd="true"/>
<send><![CDATA[
ACK [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: "Caller" <sip:caller@[local_ip]:[local_port]>;tag=c[call_number]
To: <sip:[call_number]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
` + pause(l.pause) + pause(int(l.hold.Milliseconds())) + l.kind.caller() +
		request("BYE", 9, "", "") + `
<recv response="200"/></scenario>`
}

// request sends a request of the caller within the dialog.
func request(method string, seq int, fields, body string) string {
	retrans := ` retrans="500"`
	if method == "ACK" {
		retrans = ""
	}
	length := "0"
	if body != "" {
		fields += "Content-Type: application/sdp\n"
		length = "[len]"
	}
	return `<send` + retrans + `><![CDATA[
` + method + ` [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
[routes]
From: "Caller" <sip:caller@[local_ip]:[local_port]>;tag=c[call_number]
To: <sip:[call_number]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: ` + fmt.Sprint(seq) + ` ` + method + `
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
` + fields + `Content-Length: ` + length + `
` + body + `
]]></send>
`
}

func (l load) callee() string {
	reply := func(status, more string) string {
		return `<send><![CDATA[
SIP/2.0 ` + status + `
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=e[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:callee@[local_ip]:[local_port]>
` + more + `]]></send>
`
	}
	return `<?xml version="1.0"?><scenario name="callee">
<recv request="INVITE" rrs="true">` + l.kind.remember() + `</recv>
` + reply("180 Ringing", "Content-Length: 0\n\n") + pause(l.pause) +
		reply("200 OK", "Content-Type: application/sdp\nContent-Length: [len]\n"+sdpLines) + `
<recv request="ACK"/>` + l.kind.callee(func(status, more string) string {
		return strings.Replace(reply(status, more), ";tag=e[call_number]", "", 1) // it has one
	}) + `<recv request="BYE"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send></scenario>`
}

func pause(ms int) string {
	if ms == 0 {
		return ""
	}
	return fmt.Sprintf("<pause milliseconds=\"%d\"/>\n", ms)
}

// A pair is a running callee and the files of the scenarios.
type pair struct {
	w      *world.World
	l      load
	callee *netns.Process
}

func callee(w *world.World, l load) (*pair, error) {
	path, err := w.File("callee.xml", l.callee())
	if err != nil {
		return nil, err
	}
	p, err := w.LAN.Start(netns.Command{Path: "sipp", Dir: w.Dir, Args: []string{
		"-sf", path, "-i", world.LAN.String(), "-p", "5060", "-t", l.kind.sipp(), "-nostdin", "-buff_size", "4194304", "-l", "100000", "-deadcall_wait", "0"}})
	if err != nil {
		return nil, err
	}
	if err := world.Serves(w.LAN, p, l.kind == streams, sip(world.LAN)); err != nil {
		return nil, fmt.Errorf("the callee: %w", err)
	}
	return &pair{w: w, l: l, callee: p}, nil
}

// call starts the caller; its outcome is read when it has ended.
func (c *pair) call() (*netns.Process, error) {
	path, err := c.w.File("caller.xml", c.l.caller())
	if err != nil {
		return nil, err
	}
	stats := filepath.Join(c.w.Dir, "stats.csv")
	_ = os.Remove(stats)
	return c.w.ITSP.Start(netns.Command{Path: "sipp", Dir: c.w.Dir, Args: []string{
		sip(world.Outside).String(), "-sf", path, "-i", world.ITSP.String(), "-p", "5060", "-t", c.l.kind.sipp(), "-nostdin", "-buff_size", "4194304",
		"-r", strconv.Itoa(c.l.rate), "-m", strconv.Itoa(c.l.calls), "-l", "100000", "-deadcall_wait", "0",
		"-timeout", strconv.Itoa(int(c.l.length().Seconds()) + 40), "-timeout_error",
		"-trace_stat", "-stf", stats, "-fd", "1000", "-skip_rlimit"}})
}

func (l load) length() time.Duration {
	return time.Duration(l.calls)*time.Second/time.Duration(l.rate) + l.hold
}

// outcome waits for the caller to end and reads what it counted.
func (c *pair) outcome(caller *netns.Process) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.l.length()+time.Minute)
	defer cancel()
	// sipp ends with 1 when calls failed: that is counted, not an error.
	_ = caller.Wait(ctx)
	c.callee.Kill()
	return readStats(filepath.Join(c.w.Dir, "stats.csv"), caller.Output())
}

func readStats(path, output string) (outcome, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return outcome{}, fmt.Errorf("sipp left no figures: %w; it wrote %q", err, output)
	}
	r := csv.NewReader(strings.NewReader(string(b)))
	r.Comma, r.FieldsPerRecord = ';', -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		return outcome{}, fmt.Errorf("sipp's figures cannot be read: %v", err)
	}
	last := rows[len(rows)-1]
	get := func(name string) string {
		for i, n := range rows[0] {
			if n == name && i < len(last) {
				return last[i]
			}
		}
		return ""
	}
	num := func(name string) int { n, _ := strconv.Atoi(get(name)); return n }
	return outcome{calls: num("SuccessfulCall(C)"), failed: num("FailedCall(C)"), resent: num("Retransmissions(C)")}, nil
}
