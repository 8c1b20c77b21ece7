package e2e

import (
	"fmt"
	"strings"
	"text/template"
)

// dialogs are for scenarios in which one end has more than one dialog, or
// looks at what a message says about another. sipp takes a Call-ID for that of
// the call whose own Call-ID stands behind "///".
var dialogs = template.FuncMap{
	"again":    again,
	"other":    otherRequest,
	"otherack": otherAck,
	"grab":     grab,
	"grabs":    grabs,
	"same":     same,
	"once":     once,
	"incall":   inCall,
	"dest":     dest,
	"guard":    func() string { return guard },
}

// again is a request of the caller that begins anew under its Call-ID: one
// with credentials, after a challenge.
func again(method string, cseq int, fields, body string) string {
	first := callerRequest(method, 1, fields, body)
	return strings.NewReplacer(
		fmt.Sprintf(`start_txn="%s1"`, method), fmt.Sprintf(`start_txn="%s%d"`, method, cseq),
		`ack_txn="INVITE1"`, fmt.Sprintf(`ack_txn="INVITE%d"`, cseq),
		"-uac1\n", fmt.Sprintf("-uac%d\n", cseq), "CSeq: 1 ", fmt.Sprintf("CSeq: %d ", cseq),
	).Replace(first)
}

// once is a request that is not sent again: as long as sipp would, it takes
// nothing but the response.
func once(request string) string { return strings.Replace(request, ` retrans="500"`, "", 1) }

// inCall is a request of a role within the dialog of its call, where other
// dialogs are about too. The caller has kept To of the answer as "callto".
func inCall(role, method string, cseq int, fields, body string) string {
	if role == "uas" {
		return calleeRequest(method, cseq, fields, body)
	}
	return strings.Replace(callerRequest(method, cseq, fields, body),
		"To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]", "To:[$callto]", 1)
}

// otherRequest is a request of a second dialog, to a URI. An ACK is that for
// a final response that is no 2xx.
func otherRequest(method string, cseq int, uri, to, fields, body string) string {
	element := fmt.Sprintf(`send retrans="500" start_txn="other%s%d"`, method, cseq)
	if method == "ACK" {
		element = fmt.Sprintf(`send ack_txn="otherINVITE%d"`, cseq)
	}
	return inOther(element, fmt.Sprint("other", cseq), method, cseq, uri, to, fields, body)
}

// otherAck is the ACK for the 2xx of the second dialog.
func otherAck(cseq int, uri, to, body string) string {
	return inOther(fmt.Sprintf(`send ack_txn="otherINVITE%d"`, cseq), fmt.Sprint("otherack", cseq), "ACK", cseq, uri, to, "", body)
}

func inOther(element, branch, method string, cseq int, uri, to, fields, body string) string {
	return withBody(message(element,
		method+" "+uri+" SIP/2.0",
		"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK-[pid]-[call_number]-"+branch,
		"From: other <sip:other@[local_ip]:[local_port]>;tag=[pid]other[call_number]",
		"To: "+to,
		"Call-ID: other///[call_id]",
		fmt.Sprintf("CSeq: %d %s", cseq, method),
		"Contact: <sip:other@[local_ip]:[local_port]>",
		"Max-Forwards: 70",
		fields,
	), body)
}

// grab keeps the whole value of a field: name is that of the variable.
func grab(field, name string) string {
	return fmt.Sprintf(`<ereg regexp=".*" search_in="hdr" header="%s:" assign_to="%s"/>`, field, name)
}

// grabs keeps what the groups of an expression match in the message, and fails
// the call unless they match. names has commas between them.
func grabs(expression, names string) string {
	return fmt.Sprintf(`<ereg regexp="%s" search_in="msg" check_it="true" assign_to="whole,%s"/>`, expression, names)
}

// same makes the variable "differs" true when two others differ. The message
// that has it goes to the guard then: next="bad" test="differs".
func same(a, b string) string {
	return fmt.Sprintf(`<strcmp assign_to="order" variable="%s" variable2="%s"/>`, a, b) +
		`<test assign_to="differs" variable="order" compare="not_equal" value="0"/>`
}

// dest says where the messages after it go.
func dest(host string) string {
	return fmt.Sprintf(`<nop><action><setdest host="%s" port="%d" protocol="udp"/></action></nop>`, host, sipPort)
}

// guard ends a scenario in which a message may go to "bad".
const guard = `<nop next="done"/>
<label id="bad"/>
<nop><action><error message="two values that must be the same differ"/></action></nop>
<label id="done"/>`
