package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"sbc/bench/machine"
	"sbc/bench/world"
)

// A kind is what a call is like.
type kind uint8

// The kinds of calls.
const (
	plain   kind = iota // INVITE to BYE over UDP
	streams             // the same over TCP
	busy                // over UDP; held, resumed, and the callee is referred to somebody
	kinds
)

var kindNames = [kinds]string{"udp", "tcp", "held, resumed, referred"}

func (k kind) String() string { return kindNames[k] }

// messages returns how many the SBC receives and sends in a call: 7 and 6 of
// them are its 100; 7 for each re-INVITE, 4 for REFER, 4 for each of two
// NOTIFYs.
func (k kind) messages() int {
	if k == busy {
		return 13 + 2*7 + 4 + 2*4
	}
	return 13
}

// sipp is the transport as sipp names it.
func (k kind) sipp() string {
	if k == streams {
		return "t1"
	}
	return "u1"
}

// config returns the SBC's file for calls of this kind.
func (k kind) config(text string) string {
	if k != streams {
		return text
	}
	return strings.NewReplacer(`listen "udp"`, `listen "tcp"`, `"sip:`+world.ITSP.String()+`"`, `"sip:`+world.ITSP.String()+`;transport=tcp"`,
		`"sip:`+world.LAN.String()+`"`, `"sip:`+world.LAN.String()+`;transport=tcp"`).Replace(text)
}

// caller is what the caller does between ACK and BYE.
func (k kind) caller() string {
	if k != busy {
		return ""
	}
	again := func(seq int, direction string) string {
		sdp := strings.Replace(sdpLines, "a=sendrecv", "a="+direction, 1)
		return request("INVITE", seq, "", sdp) + `<recv response="100" optional="true"/><recv response="200" rrs="true"/>` + request("ACK", seq, "", "")
	}
	const notified = `<recv request="NOTIFY"/>
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
`
	return again(2, "sendonly") + again(3, "sendrecv") +
		request("REFER", 4, "Refer-To: <sip:target@[local_ip]>\nReferred-By: <sip:caller@[local_ip]>\n", "") + `<recv response="202"/>` + notified + notified
}

// remember keeps what the callee needs for requests of its own.
func (k kind) remember() string {
	if k != busy {
		return ""
	}
	return `<action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="1"/><ereg regexp=".*" search_in="hdr" header="To:" assign_to="2"/></action>`
}

// callee is what the callee does between ACK and BYE.
func (k kind) callee(reply func(status, more string) string) string {
	if k != busy {
		return ""
	}
	answer := "Content-Type: application/sdp\nContent-Length: [len]\n"
	notify := func(seq int, state, status string) string {
		return `<send retrans="500"><![CDATA[
NOTIFY [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From:[$2];tag=e[call_number]
To:[$1]
Call-ID: [call_id]
CSeq: ` + fmt.Sprint(seq) + ` NOTIFY
Contact: <sip:callee@[local_ip]:[local_port]>
Max-Forwards: 70
Event: refer
Subscription-State: ` + state + `
Content-Type: message/sipfrag
Content-Length: [len]

SIP/2.0 ` + status + `
]]></send>
<recv response="200"/>
`
	}
	held := strings.Replace(sdpLines, "a=sendrecv", "a=recvonly", 1)
	return `<recv request="INVITE"/>` + reply("200 OK", answer+held) + `<recv request="ACK"/>
<recv request="INVITE"/>` + reply("200 OK", answer+sdpLines) + `<recv request="ACK"/>
<recv request="REFER"/>` + reply("202 Accepted", "Content-Length: 0\n\n") +
		notify(1, "active;expires=60", "100 Trying") + notify(2, "terminated;reason=noresource", "200 OK")
}

// compareKinds measures the SBC with each kind of calls, and prints what a
// message costs in each.
func compareKinds(out io.Writer, o options, dir string) error {
	var results [kinds]result
	for k := range kinds {
		fmt.Fprintf(os.Stderr, "sbc: cost of calls: %v\n", k)
		results[k] = result{name: k.String()}
		if err := results[k].measureCost(ours(k), o, dir); err != nil {
			return fmt.Errorf("%v: %w", k, err)
		}
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "\tcalls/s\tmessages/call\tCPU µs/call\tµs/message\tfailed\tsent again\t")
	cost := func(k kind) float64 { return results[k].perCall / float64(k.messages()) }
	for k := range kinds {
		r := &results[k]
		fmt.Fprintf(t, "%s\t%d\t%d\t%.0f\t%.1f\t%d\t%d\t\n", r.name, r.rate, k.messages(), r.perCall, cost(k), r.failed, r.resent)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	goals := [kinds]string{streams: "calls_message_tcp_to_udp", busy: "calls_message_busy_to_plain"}
	for k := streams; k < kinds; k++ {
		ratio := cost(k) / cost(plain)
		fmt.Fprintln(out, machine.Goal{Name: goals[k], Got: fmt.Sprintf("%.2f", ratio), Want: "<=1.50", OK: ratio <= 1.5 && results[k].failed == 0})
	}
	return nil
}
